"""From lines to rows: what single records have of their own. A line that is proved to be like one before (lineage/kernel) is not parsed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from lineage.contract.lines import Stretch
from lineage.contract.slices import Slices, shared_of
from lineage.contract.strict import loads
from lineage.contract.times import is_plain, xsd_time
from lineage.facts import Json, Slice
from lineage.integrity.lines import metadata_of
from lineage.kernel import Matcher, kernel
from lineage.mapping.records import PLAIN, Columns
from lineage.merkle import split
from lineage.prov.statement import Name

Row = tuple[str, ...]
Kind = tuple[int, Columns]  # the number of a slice, and the columns of its rows
Origin = Callable[
    [bytes, Json], tuple[Name | None, str | None]
]  # line, record -> the file that it was carried over from, and the line there


class Rows:
    """Reads the lines of one file, whose slices are known; the records of those in *carried* may have an *origin* in another file."""

    def __init__(self, slices: Sequence[Slice], carried: frozenset[int] = frozenset(), origin: Origin | None = None) -> None:
        self.next = 1  # the number of the line behind those that were read
        self._slices, self._carried, self._origin = Slices(slices), carried, origin
        self._matcher = Matcher(kernel) if kernel else None
        self._shapes: list[int] = []  # the slice of each shape that was learned
        self._known: dict[tuple[bool, bool, Name | None], Columns] = {}

    def of(self, stretch: Stretch, first: int = 1, last: int = sys.maxsize) -> Iterator[tuple[Kind, list[Row]]]:
        """((slice, columns), rows) of the records of the next stretch, those that stand in the lines *first* to *last*."""
        if not stretch.whole:
            self.next += int(stretch.ends)
        elif self._matcher:
            yield from self._matched(self._matcher, stretch.data, first, last)
        else:
            for line in split(stretch.data):
                if first <= self.next <= last:
                    yield from self._parsed(line.rstrip(b"\r\n"), self.next)
                self.next += 1

    def _matched(self, matcher: Matcher, data: bytes, first: int, last: int) -> Iterator[tuple[Kind, list[Row]]]:
        text = data.decode("latin-1")  # times and seeds are ASCII, and stand where they stand in the bytes
        rows: list[Row] = []
        part = -1  # the slice of those rows
        for start, size, shape, time, seed, time_size, seed_size in list(matcher.lines(data)):
            number, self.next = self.next, self.next + 1
            is_plain_row = shape >= 0 and time_size and seed_size and self._shapes[shape] not in self._carried
            if rows and not (is_plain_row and self._shapes[shape] == part):
                yield (part, PLAIN), rows
                rows = []
            if not first <= number <= last:
                continue
            if is_plain_row:
                part = self._shapes[shape]
                rows.append((str(number), text[time : time + time_size], text[seed : seed + seed_size]))
            else:
                yield from self._parsed(data[start : start + size], number)
        if rows:
            yield (part, PLAIN), rows

    def _parsed(self, text: bytes, number: int) -> Iterator[tuple[Kind, list[Row]]]:
        """The row of one line, if it holds a record."""
        record = record_of(text, number)
        metadata = metadata_of(record or {})
        part = None if record is None else self._slices.number(metadata, number)
        if record is None or part is None:
            return
        if self._matcher and shared_of(metadata)[0] and self._matcher.learn(text) is not None:
            self._shapes.append(part)
        origin, there = self._origin(text, record) if self._origin and part in self._carried else (None, None)
        time, seed = time_of(metadata.get("timestamp")), seed_of(metadata)
        key = (time is not None, seed is not None, origin)
        columns = self._known.setdefault(key, Columns(*key))
        yield (part, columns), [tuple(one for one in (str(number), time, seed, there) if one is not None)]


def record_of(text: bytes, number: int) -> dict[str, Any] | None:
    """The record in a line, as the scan reads it; None where the line holds none."""
    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError:
        record, _ = loads(text.removeprefix(b"\xef\xbb\xbf") if number == 1 else text)
    return record if isinstance(record, dict) else None


def seed_of(metadata: Json) -> str | None:
    """The record's seed, if it is an integer."""
    seed = shared_of(metadata)[1]
    return None if seed is None else str(seed)


def time_of(value: object) -> str | None:
    """The time as PROV writes it."""
    if not isinstance(value, str):
        return None
    return value if is_plain(value) else xsd_time(value)
