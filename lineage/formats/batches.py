"""The fast path of all our writers: a batch is rendered once, and each row fills the holes in the text.

The template is written by the format's ordinary writer with the markers in place; the text between the markers is what all
rows have in common. So the fast path can say nothing that the ordinary writer would not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from lineage.errors import FormatError
from lineage.prov.statement import PLAIN, Batch, Hole

ROWS = 2048  # a chunk; larger ones gained nothing
Escape = Callable[[str], str]


Row = Sequence[str]


def chunks(rows: Iterable[Row]) -> Iterator[tuple[int, list[Row]]]:
    """*rows* in chunks, each with the number of its first row."""
    source, number = iter(rows), 0
    while chunk := list(islice(source, ROWS)):
        yield number, chunk
        number += len(chunk)


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

    def fill(self, rows: Iterable[Row]) -> Iterator[bytes]:
        """The text for each of *rows*, numbered from 0."""
        for number, chunk in chunks(rows):
            yield self.text(chunk, number)

    def text(self, chunk: Sequence[Row], number: int) -> bytes:
        """The text for the rows of a chunk, of which the first has this number."""
        order, form = self._order, self._format
        return "".join([form % tuple([row[n] for n in order]) for row in self._ready(chunk, number)]).encode()

    def _ready(self, chunk: Sequence[Row], number: int) -> list[tuple[str, ...]]:
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
