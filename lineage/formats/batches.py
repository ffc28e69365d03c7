"""The fast path of all our writers: a batch is rendered once, and each row fills the holes in the text.

The template is written by the format's ordinary writer with the markers in place; the text between the markers is what all
rows have in common. So the fast path can say nothing that the ordinary writer would not. `Batch` itself sees to it that no hole
stands where its values would need another escape than a literal's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice

from lineage.errors import FormatError
from lineage.prov.statement import PLAIN, Batch, Hole, check, well_formed

ROWS = 2048  # a chunk; larger ones gained nothing
Escape = Callable[[str], str]  # what stands between the quotes of a literal; whatever it escapes grows longer
Row = Sequence[str]

_EACH = {kind: re.compile(f"(?:(?:{plain.pattern}),)*", plain.flags) for kind, plain in PLAIN.items()}


def chunks(rows: Iterable[Row]) -> Iterator[tuple[int, list[Row]]]:
    """*rows* in chunks, each with the number of its first row."""
    source, number = iter(rows), 0
    while chunk := list(islice(source, ROWS)):
        yield number, chunk
        number += len(chunk)


class Rows:
    """A chunk of rows as columns, each hole's values checked and escaped once, however many texts they fill; the last column numbers the rows."""

    def __init__(self, holes: Sequence[Hole], chunk: Sequence[Row], number: int, escape: Escape) -> None:
        for row in chunk:
            if len(row) != len(holes):
                raise FormatError(f"a row has {len(row)} values for {len(holes)} holes")
        self.count = len(chunk)
        self.columns = [_column(hole, column, escape) for hole, column in zip(holes, zip(*chunk, strict=True), strict=True)]
        self.columns.append([str(n) for n in range(number, number + len(chunk))])


class Template:
    """Text with holes. `fill` yields it once for each row, in chunks of bytes.

    Where *counter* stands in the text, each row has its number, counted from 0.

    Raises:
        FormatError: a row has too few or too many values, or one that its hole cannot hold.
    """

    def __init__(self, text: str, batch: Batch, escape: Escape, counter: str | None = None) -> None:
        self._holes, self._escape = batch.holes, escape
        markers = [str(hole.marker) for hole in batch.holes] + ([counter] if counter else [])
        parts = re.split("(" + "|".join(map(re.escape, markers)) + ")", text) if markers else [text]
        self._order = [markers.index(part) for part in parts[1::2]]
        self._format = "".join("%s" if n % 2 else part.replace("%", "%%") for n, part in enumerate(parts))
        self._chunk = self._format * ROWS

    def fill(self, rows: Iterable[Row]) -> Iterator[bytes]:
        """The text for each of *rows*."""
        for number, chunk in chunks(rows):
            yield self.text(Rows(self._holes, chunk, number, self._escape))

    def text(self, rows: Rows) -> bytes:
        """The text for the rows of a chunk."""
        values = tuple(chain.from_iterable(zip(*(rows.columns[n] for n in self._order), strict=True)))
        form = self._chunk if rows.count == ROWS else self._format * rows.count
        return (form % values).encode()


def _column(hole: Hole, column: Sequence[str], escape: Escape) -> Sequence[str]:
    if hole.kind == "text":
        return _escaped(column, escape)
    joined = ",".join(column)
    if joined.count(",") >= len(column) or not _EACH[hole.kind].fullmatch(joined + ","):
        for value in column:
            check(hole.kind, value)
    return column


def _escaped(column: Sequence[str], escape: Escape) -> Sequence[str]:
    joined = "".join(column)
    if not joined.isascii():
        column = [well_formed(value) for value in column]
        joined = "".join(column)
    return column if len(escape(joined)) == len(joined) else [escape(value) for value in column]


def free_marker(text: str) -> str:
    """Letters and digits that do not stand in *text*."""
    number = 0
    while f"COUNTERx{number}x" in text:
        number += 1
    return f"COUNTERx{number}x"
