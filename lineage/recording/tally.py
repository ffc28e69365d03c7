"""Count records while they are written, and say at the end what reading the file would find.

So a file that one process wrote is recorded without being read: digest, root, sidecar and slices.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lineage.contract.lines import MAX_LINE
from lineage.contract.records import MAX_SLICES, REST
from lineage.contract.slices import MAX_RANGES, key_of
from lineage.core.handlers import is_of_handler
from lineage.facts import Slice
from lineage.integrity.index import Rows, Seal
from lineage.recording.batch import AnyBatch

BATCH = 1 << 16  # bytes of lines that are counted at a time: they stay in the processor's cache while they are hashed
ROWS = 4096  # records whose parts are folded at a time: there may be many parts, with few records each


@dataclass(frozen=True, slots=True)
class Facts:
    """What stands for the whole of a file that one process wrote."""

    seal: Seal
    count: int
    slices: tuple[Slice, ...]
    problem: OSError | None  # why there is no sidecar


class Part:
    """The records of one slice so far, in the order of their lines. Times are microseconds since 1970.

    Attributes:
        waiting: Line number, time and seed of each record that is not folded yet, one after the other.
    """

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        self._metadata = metadata
        self._ranges: list[tuple[int, int]] = []
        self._is_scattered = False
        self._times: tuple[int, int] | None = None  # first and last
        self._seeds: tuple[int, int] | None = None  # least and most
        self._seedless: tuple[int, int] = (0, 0)  # records without a seed, and the line of the first
        self._count = 0
        self.waiting: list[Any] = []

    def fold(self) -> None:
        """Count the records that wait."""
        waiting = self.waiting
        if waiting:
            self._take(waiting[::3], waiting[1::3], waiting[2::3])
            waiting.clear()

    def _take(self, lines: list[int], times: list[int], seeds: list[int | None]) -> None:
        self._count += len(lines)
        if lines[-1] - lines[0] == len(lines) - 1:
            self._add(lines[0], lines[-1])
        else:
            self._add_each(lines)
        self._times = _extremes(self._times, times)
        if None in seeds:
            before, first = self._seedless
            self._seedless = before + seeds.count(None), first or lines[seeds.index(None)]
            seeds = [seed for seed in seeds if seed is not None]
        if seeds:
            self._seeds = _extremes(self._seeds, seeds)  # type: ignore[arg-type]  # none of them is None

    @property
    def count(self) -> int:
        """The records that were counted."""
        return self._count

    @property
    def is_used(self) -> bool:
        """Does it have records?"""
        return self._count > 0

    def fact(self, *, is_rest: bool) -> Slice:
        """The slice as it is now."""
        first, last = self._times or (0, 0)
        return Slice(
            metadata=self._metadata,
            lines=((self._ranges[0][0], self._ranges[-1][1]),) if is_rest else tuple(self._ranges),
            scattered=is_rest or self._is_scattered,
            mixed=is_rest,
            count=self._count,
            seeds=self._seeds,
            seedless=self._seedless,
            first_time=time_text(first),
            last_time=time_text(last),
        )

    def _add_each(self, lines: Sequence[int]) -> None:
        for line in lines:
            if self._is_scattered:
                self._add(line, lines[-1])
                return
            self._add(line, line)

    def _add(self, first: int, last: int) -> None:
        if self._ranges and (self._is_scattered or self._ranges[-1][1] == first - 1):
            self._ranges[-1] = (self._ranges[-1][0], last)
            return
        self._ranges.append((first, last))
        if len(self._ranges) > MAX_RANGES:
            self._ranges, self._is_scattered = [(self._ranges[0][0], last)], True


class Tally:
    """The records of one file, in the order of its lines.

    A record is counted in two steps, the first of which is `add` (or `put` of a compiled batch): its line in the batch,
    and its number, time and seed in its part. From BATCH bytes on the writer calls `fold`.

    Attributes:
        is_whole: Every line so far was counted, so that nothing needs to be read.
        batch: The lines that are not folded yet, and the number of all.
    """

    def __init__(self, batch: AnyBatch, *, is_whole: bool, is_packed: bool) -> None:
        self.is_whole, self._is_packed = is_whole, is_packed
        self.batch = batch
        self._is_folding = False  # it stays so when a signal ends the folding half-way
        self._folded = 0  # bytes of text
        self._parts_at = 0  # the count when parts were folded
        self._parts: dict[bytes, Part] = {}
        self._text = hashlib.sha256()
        self._rows = Rows()

    def add(self, line: bytes, part: Part, time: int, seed: int | None) -> None:
        """Count a record that was written."""
        if self.is_whole:
            self.batch.add(line)
            part.waiting += (self.batch.count, time, seed)

    def part(self, metadata: Mapping[str, Any]) -> Part:
        """The slice of the records with this metadata; those beyond MAX_SLICES share one."""
        key = key_of(metadata)
        if key not in self._parts and len(self._parts) - (REST in self._parts) >= MAX_SLICES:
            key, metadata = REST, {}
        if key not in self._parts:
            self._parts[key] = Part(metadata)
        return self._parts[key]

    def fold(self) -> None:
        """Hash the lines that wait."""
        if self._is_folding:
            self.give_up()
        if not self.batch.size:
            return
        self._is_folding = True
        text = self.batch.take()
        is_long = len(text) > MAX_LINE and max(map(len, text.split(b"\n"))) >= MAX_LINE
        if is_long:
            self.give_up()
            return
        if self.batch.count - self._parts_at >= ROWS:
            self._fold_parts()
        self._hash(text)
        self._is_folding = False

    def _fold_parts(self) -> None:
        self._parts_at = self.batch.count
        for part in self._parts.values():
            part.fold()
        if sum(part.count for part in self._parts.values()) != self.batch.count:  # a signal ended the counting of a record half-way
            self.give_up()

    def give_up(self) -> None:
        """Count no more: there is something in the file that only reading it will tell."""
        self.is_whole = False
        self.batch.stop()
        self._parts.clear()
        self._rows.close()

    def facts(self, path: Path, *, size: int, text: int, packed: str | None) -> Facts | None:
        """What stands for the file; None when it holds what was not counted.

        Args:
            path: The file.
            size: Its bytes on the disk.
            text: The bytes of text that were written to it.
            packed: The digest of its bytes, if they are not its text.
        """
        self.fold()
        self._fold_parts()
        if not self.is_whole or self._folded != text:
            self.give_up()
            return None
        every = [part.fact(is_rest=key == REST) for key, part in self._parts.items() if part.is_used]
        slices = tuple(sorted(every, key=lambda one: (one.lines[0], one.mixed)))
        seal, problem = self._rows.save(path, packed or self._text.hexdigest(), size)
        self._rows.close()
        if seal.lines != self.batch.count:  # a signal ended the counting of a record half-way
            self.give_up()
            return None
        return Facts(seal, self.batch.count, slices, problem)

    def _hash(self, text: bytes) -> None:
        self._folded += len(text)
        try:
            if not self._is_packed:
                self._text.update(text)
            self._rows.take(text)
        except OSError as error:  # the disk for temporary files is full: the file is read at the end
            self.give_up()
            if is_of_handler(error):
                raise


def _extremes(before: tuple[int, int] | None, values: Collection[int]) -> tuple[int, int]:
    least, most = min(values), max(values)
    return (min(before[0], least), max(before[1], most)) if before else (least, most)


def time_text(time: int) -> str:
    """Microseconds since 1970 as records write them."""
    seconds, micros = divmod(time, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{micros:06}+00:00"
