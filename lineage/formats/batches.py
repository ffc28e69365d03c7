"""The fast path of all our writers: a batch is rendered once, and each row fills the holes in the text.

The template is written by the format's ordinary writer with the markers in place; the text between the markers is what all
rows have in common. So the fast path can say nothing that the ordinary writer would not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from lineage.errors import FormatError
from lineage.prov.statement import PLAIN, Batch, Hole

ROWS = 2048  # a chunk; larger ones gained nothing
Escape = Callable[[str], str]


class Template:
    """Text with holes. `fill` yields it once for each row, in chunks of bytes."""

    def __init__(self, text: str, batch: Batch, escape: Escape, counter: str | None = None) -> None:
        self._holes = batch.holes
        markers = [hole.marker for hole in batch.holes] + ([counter] if counter else [])
        parts = re.split("(" + "|".join(map(re.escape, markers)) + ")", text) if markers else [text]
        self._order = [markers.index(part) for part in parts[1::2]]
        self._format = "".join("%s" if n % 2 else part.replace("%", "%%") for n, part in enumerate(parts))
        self._counted = counter is not None
        self._escape = escape

    def fill(self, rows: Iterable[tuple[str, ...]], first: int = 0) -> Iterator[bytes]:
        """The text for each of *rows*; *first* is the number of the first one."""
        source = iter(rows)
        number = first
        while chunk := list(islice(source, ROWS)):
            rows_ = self._ready(chunk, number)
            number += len(chunk)
            order, form = self._order, self._format
            yield "".join([form % tuple([row[n] for n in order]) for row in rows_]).encode()

    def _ready(self, chunk: list[tuple[str, ...]], number: int) -> list[tuple[str, ...]]:
        """The rows checked, escaped, and numbered."""
        columns = list(zip(*chunk, strict=True))
        if len(columns) != len(self._holes):
            raise FormatError(f"a row has {len(columns)} values for {len(self._holes)} holes")
        ready = [self._column(hole, column) for hole, column in zip(self._holes, columns, strict=True)]
        if self._counted:
            ready.append([str(n) for n in range(number, number + len(chunk))])
        return list(zip(*ready, strict=True))

    def _column(self, hole: Hole, column: tuple[str, ...]) -> list[str] | tuple[str, ...]:
        if hole.kind == "text":
            return [self._escape(value) for value in column]
        if not PLAIN[hole.kind].fullmatch("".join(column)):
            raise FormatError(f"a hole for a {hole.kind} cannot hold {next(v for v in column if not PLAIN[hole.kind].fullmatch(v))!r}")
        return column


def free_marker(text: str) -> str:
    """Letters and digits that do not stand in *text*."""
    number = 0
    while f"COUNTERx{number}x" in text:
        number += 1
    return f"COUNTERx{number}x"
