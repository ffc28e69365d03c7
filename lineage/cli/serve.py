"""`lineage serve`: the explorer and a SPARQL endpoint over a live folder, on this machine."""

from __future__ import annotations

import signal
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from lineage.cli import row, tell
from lineage.server.settings import LARGEST, TIMEOUT, Settings

if TYPE_CHECKING:
    from lineage.server import Server

PORT = 8030


@click.command(
    "serve",
    epilog="Examples: lineage serve artifacts/ --open · lineage serve --store graph.store --port 9000 · curl -H 'Accept: text/csv' 'http://127.0.0.1:8030/sparql?query=…'",
)
@click.argument("place", required=False, metavar="[PLACE]", type=click.Path(path_type=Path))
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Keep the graph there, up to date with PLACE; without PLACE it is served as it is.",
)
@click.option("--recursive", "-r", is_flag=True, help="Sessions in folders inside of the folder too.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Listen there; any other than loopback lets other machines read.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="The next that is free, if it is taken; 0 is any."
)
@click.option("--open", "opened", is_flag=True, help="Open the explorer in the browser.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.0, min_open=True),
    default=TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="Stop a query after that many seconds.",
)
@click.option(
    "--max-answer", type=click.IntRange(1), default=LARGEST >> 20, show_default=True, metavar="MB", help="Refuse an answer that is larger."
)
@click.option(
    "--cors", multiple=True, metavar="ORIGIN", help="Let pages of that origin ask /sparql; repeat it for more. None may, otherwise."
)
def command(
    place: Path | None, store: Path | None, recursive: bool, host: str, port: int, opened: bool, timeout: float, max_answer: int, cors: tuple[str, ...]
) -> int:  # fmt: skip
    """Serve the explorer of PLACE (a folder or a PROV file; artifacts, if nothing is named), its records, and a SPARQL 1.1 endpoint at /sparql.

    Only this machine can reach it, nothing is changed by it, and it asks no other host. What is shown follows the folder: the page says when it
    has changed. Ctrl-C ends it, with exit code 0, as SIGTERM does.
    """
    settings = Settings(
        place=place or (None if store else Path("artifacts")), store=store, recursive=recursive, host=host.removeprefix("[").removesuffix("]"), port=port, timeout=timeout,
        largest=max_answer << 20, cors=cors,
    )  # fmt: skip
    from lineage.server import running  # the extra `server` is needed only here

    with _stoppable(), running(settings) as server:
        _tell(server, port)
        if opened:
            webbrowser.open(server.address)
        server.wait()
    tell("stopped")
    return 0


def _tell(server: Server, port: int) -> None:
    if port and server.server_port != port:
        tell(f"note: port {port} is taken, {server.server_port} is used")
    if not server.is_loopback:
        tell(f"note: it listens on {server.settings.host}: other machines can reach this, and read all that it shows")
    row(server.address)
    tell(f"explorer {server.address}   SPARQL page {server.address}query   endpoint {server.address}sparql   stop: Ctrl-C")


@contextmanager
def _stoppable() -> Iterator[None]:
    """Until the process is told to end: what has no end of its own is not interrupted by that."""
    before = {one: signal.signal(one, _interrupt) for one in (signal.SIGINT, signal.SIGTERM)}  # a shell's background job ignores SIGINT
    try:
        yield
    except KeyboardInterrupt:
        pass  # this is how a server ends
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
