"""Count records while they are written, and say at the end what reading the file would find.

So a file that one process wrote is recorded without being read: digest, root, sidecar and slices.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lineage.contract.lines import MAX_LINE
from lineage.contract.records import MAX_SLICES, REST
from lineage.contract.slices import Group, key_of
from lineage.facts import Slice
from lineage.integrity.index import Rows, Seal

BATCH = 1 << 18  # bytes of lines that are hashed at a time: they stay in the processor's cache
INFINITE = float("inf")


@dataclass(frozen=True, slots=True)
class Facts:
    """What stands for the whole of a file that one process wrote."""

    seal: Seal
    count: int
    slices: tuple[Slice, ...]
    problem: OSError | None  # why there is no sidecar


class Part:
    """The records of one slice so far. Times are microseconds since 1970."""

    __slots__ = ("earliest", "group", "latest", "least", "most", "seedless", "seedless_line")

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        self.group = Group(metadata)
        self.earliest: float = INFINITE
        self.latest: float = -INFINITE
        self.least: float = INFINITE  # seed
        self.most: float = -INFINITE
        self.seedless = self.seedless_line = 0  # records without a seed, and the line of the first

    def fact(self, *, is_rest: bool) -> Slice:
        """The slice as it is now."""
        seeds = (int(self.least), int(self.most)) if self.most >= self.least else (None, None)
        self.group.seen(time_text(int(self.earliest)), seeds[0])
        self.group.seen(time_text(int(self.latest)), seeds[1])
        if self.seedless:
            self.group.unseeded(self.seedless, self.seedless_line)
        return self.group.fact(mixed=is_rest)


class Tally:
    """The records of one file, in the order of its lines.

    Attributes:
        is_whole: Every line so far was counted, so that nothing needs to be read.
    """

    def __init__(self, *, is_whole: bool, is_packed: bool) -> None:
        self.is_whole, self._is_packed = is_whole, is_packed
        self.size = 0  # bytes of text
        self.count = 0
        self._parts: dict[bytes, Part] = {}
        self._part: Part | None = None  # that of the last record
        self._first = 0  # the line from which on it is
        self._time = 0  # of the last record
        self._pending: list[bytes] = []
        self._waiting = 0  # bytes in `_pending`
        self._text = hashlib.sha256()
        self._rows = Rows()

    def part(self, metadata: Mapping[str, Any]) -> Part:
        """The slice of the records with this metadata; those beyond MAX_SLICES share one."""
        key = key_of(metadata)
        if key not in self._parts and len(self._parts) - (REST in self._parts) >= MAX_SLICES:
            key, metadata = REST, {}
        if key not in self._parts:
            self._parts[key] = Part(metadata)
        return self._parts[key]

    def add(self, line: bytes, part: Part, time: int, seed: int | None) -> None:
        """Count a record that was written."""
        self.count = number = self.count + 1
        if part is not self._part:
            self._turn(part, number, time)
        elif time < self._time:  # the clock was set back
            part.latest = max(part.latest, self._time)
            part.earliest = min(part.earliest, time)
        self._time = time
        if seed is None:
            part.seedless_line = part.seedless_line or number
            part.seedless += 1
        else:
            if seed < part.least:
                part.least = seed
            if seed > part.most:
                part.most = seed
        self._pending.append(line)
        self._waiting += len(line)
        if self._waiting >= BATCH:
            self._hash()

    def give_up(self) -> None:
        """Count no more: there is something in the file that only reading it will tell."""
        self.is_whole = False
        self._pending.clear()
        self._parts.clear()
        self._part = None
        self._rows.close()

    def facts(self, path: Path, *, size: int, text: int, packed: str | None) -> Facts | None:
        """What stands for the file; None when it holds what was not counted.

        Args:
            path: The file.
            size: Its bytes on the disk.
            text: The bytes of text that were written to it.
            packed: The digest of its bytes, if they are not its text.
        """
        self._hash()
        if not self.is_whole or self.size != text:
            self.give_up()
            return None
        self._end_run()
        every = [part.fact(is_rest=key == REST) for key, part in self._parts.items() if part.group.count]
        slices = tuple(sorted(every, key=lambda one: (one.lines[0], one.mixed)))
        seal, problem = self._rows.save(path, packed or self._text.hexdigest(), size)
        self._rows.close()
        return Facts(seal, self.count, slices, problem)

    def _turn(self, part: Part, number: int, time: int) -> None:
        """The records of another slice begin on line *number*."""
        self._end_run(number - 1)
        self._part, self._first = part, number
        if time < part.earliest:
            part.earliest = time

    def _end_run(self, last: int | None = None) -> None:
        if self._part is not None:
            self._part.group.add(self._first, self.count if last is None else last)
            if self._time > self._part.latest:
                self._part.latest = self._time
            self._part = None

    def _hash(self) -> None:
        if not self._pending:
            return
        data = b"".join(self._pending)
        if max(map(len, self._pending)) > MAX_LINE:
            self.give_up()
            return
        self._pending.clear()
        self.size += len(data)
        self._waiting = 0
        try:
            if not self._is_packed:
                self._text.update(data)
            self._rows.take(data)
        except OSError:  # the disk for temporary files is full: the file is read at the end
            self.give_up()


def time_text(time: int) -> str:
    """Microseconds since 1970 as records write them."""
    seconds, micros = divmod(time, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{micros:06}+00:00"
