"""What `query` and `ask` share: where the graph is, how long it may take, how the answer is shown."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from lineage.cli import document_out, tell
from lineage.core import limits
from lineage.core.printing import printable
from lineage.errors import UsageError
from lineage.store.results import OUTPUTS, WIDTH, Answer, default_output, write
from lineage.store.targets import Target, opened

ARTIFACTS = "artifacts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The graph that is asked, and how."""

    paths: tuple[Path, ...]
    recursive: bool
    store: Path | None
    endpoint: str | None
    timeout: float
    memory: int  # bytes
    output: str | None

    @property
    def folders(self) -> tuple[Path, ...]:
        """What paths in the graph may be told from."""
        return self.paths or (Path(ARTIFACTS),)

    @contextmanager
    def target(self) -> Iterator[Target]:
        """What is asked; notes on what was read go to stderr."""
        if self.endpoint and (self.paths or self.store):
            raise UsageError(
                "--endpoint is asked as it is", at="--endpoint", hint="leave out --in and --store; lineage push sends sessions there"
            )
        paths = self.paths or (() if self.store or self.endpoint else (Path(ARTIFACTS),))
        with opened(paths, recursive=self.recursive, store=self.store, endpoint=self.endpoint, memory=self.memory) as (target, notes):
            for note in notes:
                tell(f"note: {note}")
            yield target


_OPTIONS = (
    click.option("--in", "paths", multiple=True, type=click.Path(path_type=Path), metavar="PATH", help=f"A folder or PROV file; repeat it for more. [default: {ARTIFACTS}]"),
    click.option("--recursive", "-r", is_flag=True, help="Folders in the folders too."),
    click.option("--store", type=click.Path(path_type=Path), metavar="PATH", help="Keep the graph there; with --in it is brought up to date first, without it is asked as it is."),
    click.option("--endpoint", metavar="URL", help="Ask a SPARQL 1.1 endpoint instead."),
    click.option("--timeout", type=click.FloatRange(min=0.0, min_open=True), metavar="SECONDS", default=limits.QUERY_SECONDS, show_default=True, help="Stop after that many seconds."),
    click.option("--memory", type=click.IntRange(16, 1 << 20), metavar="MIB", default=limits.QUERY_MEMORY >> 20, show_default=True, help="Stop a query that takes more memory beside the graph."),
    click.option("--format", "-f", "output", type=click.Choice(OUTPUTS), help="[default: table; turtle for CONSTRUCT and DESCRIBE]"),
)  # fmt: skip


def asking(command: Callable[..., int]) -> Callable[..., int]:
    """Give a verb the options that say what is asked; it is called with them as `where`."""

    @wraps(command)
    def with_where(*, paths: Any, recursive: Any, store: Any, endpoint: Any, timeout: Any, memory: Any, output: Any, **rest: Any) -> int:
        place = {"paths": paths, "recursive": recursive, "store": store, "endpoint": endpoint}
        where = Where(**place, timeout=timeout, memory=memory << 20, output=output)
        return command(where=where, **rest)

    whole: Callable[..., int] = with_where
    for option in reversed(_OPTIONS):
        whole = option(whole)
    return whole


def put(found: Answer, where: Where) -> None:
    """The answer on stdout; a terminal gets cells that fit it, and no character that could rewrite it."""
    output = where.output or default_output(found.form)
    out = document_out(output)
    rows = write(found, output, _Shown(out) if sys.stdout.isatty() else out, _width())  # type: ignore[arg-type]
    out.flush()
    if rows == 0:
        tell("no rows")


def _width() -> int | None:
    if not sys.stdout.isatty():
        return None
    return max(12, min(WIDTH, os.get_terminal_size().columns - 2))


class _Shown:
    """A terminal that is given nothing but printable characters, tabs and ends of lines."""

    def __init__(self, out: Any) -> None:
        self._out = out
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a letter may come in two parts

    def write(self, data: bytes) -> int:
        """Write *data* with each control character as text."""
        text = self._decoder.decode(data)
        self._out.write(printable(text, keep="\n\t\r").encode())
        return len(data)

    def flush(self) -> None:
        """Flush what is behind it."""
        self._out.flush()
