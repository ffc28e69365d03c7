"""`lineage push`: sessions to a SPARQL 1.1 endpoint."""

from __future__ import annotations

from pathlib import Path

import click

from lineage.cli import row, tell
from lineage.cli.asking import ARTIFACTS
from lineage.core.words import counted
from lineage.errors import NotFoundError
from lineage.store.endpoint import PROTOCOLS, Protocol, push
from lineage.store.sources import gather


@click.command("push", epilog="Example: lineage push http://localhost:7878/store --in artifacts/")
@click.argument("url", metavar="URL")
@click.option("--in", "paths", multiple=True, type=click.Path(path_type=Path), metavar="PATH", help=f"A folder or PROV file; repeat it for more. [default: {ARTIFACTS}]")  # fmt: skip
@click.option("--recursive", "-r", is_flag=True, help="Folders in the folders too.")
@click.option(
    "--protocol",
    type=click.Choice(PROTOCOLS),
    default="auto",
    show_default=True,
    help="Graph Store Protocol, SPARQL Update, or whichever there is.",
)
@click.option("--timeout", type=click.FloatRange(min=0.0, min_open=True), metavar="SECONDS", help="For each session.  [default: 60]")
def command(url: str, paths: tuple[Path, ...], recursive: bool, protocol: Protocol, timeout: float | None) -> int:
    """Send every session to the endpoint at URL, as the named graph of its bundle. What the endpoint had under that name is replaced, so it can
    be done again at any time; graphs of other names are left alone.

    Credentials are read from LINEAGE_ENDPOINT_TOKEN, or LINEAGE_ENDPOINT_USER and LINEAGE_ENDPOINT_PASSWORD.
    """
    found = gather(paths or (Path(ARTIFACTS),), recursive=recursive)
    if not found.graphs:
        raise NotFoundError(
            "there is no session to send", at=", ".join(map(str, paths)) or ARTIFACTS, hint="--in names a folder with sessions"
        )
    done = push(url, found.graphs, protocol=protocol, timeout=timeout)
    for name in done.names:
        row(name)
    how = {"gsp": "the Graph Store Protocol", "update": "SPARQL Update"}.get(done.protocol, "")
    tell(f"{counted(len(done.names), 'graph')} sent to {url}{f' by {how}' if how else ''}")
    return 0
