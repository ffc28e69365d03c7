"""Slices while they grow: the records that share provenance, script and parameters, found line by line, joined part by part."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from lineage.contract.times import is_plain, xsd_time
from lineage.facts import Json, Slice

MAX_RANGES = 1000  # of lines that a slice names; one whose lines alternate with others more often says only where it begins and ends
LIMIT = 100  # findings a rule; the rest is counted
OWN_KEYS = ("timestamp", "record_index", "previous", "tokens")  # of one record, not of its slice


def shared_of(metadata: Json) -> tuple[dict[str, Any], int | None]:
    """What the metadata of a record has in common with its slice, and the record's own seed."""
    shared = {key: value for key, value in metadata.items() if key not in OWN_KEYS}
    params = metadata.get("generation_params")
    if not isinstance(params, dict):
        return shared, None
    shared["generation_params"] = {key: value for key, value in params.items() if key != "seed"}
    seed = params.get("seed")
    return shared, seed if type(seed) is int else None


def key_of(shared: Json) -> bytes:
    """The name of a slice within its file: equal for equal metadata, whatever the order of its keys."""
    try:
        return orjson.dumps(shared, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # integers over 64 bits, lone surrogates
        return json.dumps(shared, sort_keys=True, separators=(",", ":")).encode()


class Slices:
    """The slices of a file, ready to say which of them a record belongs to."""

    def __init__(self, slices: Sequence[Slice]) -> None:
        self._slices = slices
        self._numbers = {key_of(one.metadata): number for number, one in enumerate(slices) if one.metadata}

    def number(self, metadata: Json, line: int) -> int | None:
        """The number of the slice of the record on *line* with this metadata, from 0: by what they share, else by the line; None: of none."""
        shared, _ = shared_of(metadata)
        found = self._numbers.get(key_of(shared)) if shared else None
        if found is not None:
            return found
        return next((number for number, one in enumerate(self._slices) if self._may_hold(one, bool(shared), line)), None)

    @staticmethod
    def _may_hold(one: Slice, is_described: bool, line: int) -> bool:
        """Records without metadata stand in a slice without; what fits no slice by name, in the mixed one, or where nothing stands between."""
        if is_described != (bool(one.metadata) or one.mixed) or (one.metadata and one.scattered):
            return False
        return any(first <= line <= last for first, last in one.lines)


@dataclass(slots=True)
class Group:
    """A slice while it grows. Times are any with an offset, as they were written; which is earlier is asked of the instants."""

    metadata: Mapping[str, Any]
    lines: list[tuple[int, int]] = field(default_factory=list)
    scattered: bool = False
    count: int = 0
    first: str | None = None
    last: str | None = None
    seeds: tuple[int, int] | None = None
    seedless: tuple[int, int] = (0, 0)  # records without a seed, and the line of the first

    def add(self, first: int, last: int) -> None:
        """The lines from *first* to *last*, which come after all before; all of them are records."""
        self.count += last - first + 1
        if self.lines and (self.scattered or self.lines[-1][1] == first - 1):
            self.lines[-1] = (self.lines[-1][0], last)
        else:
            self.lines.append((first, last))
            self._limit()

    def seen(self, time: str | None, seed: int | None) -> None:
        """A time and a seed of one of its records."""
        if time and time != self.last and time != self.first:
            self.first = time if self.first is None or _is_earlier(time, self.first) else self.first
            self.last = time if self.last is None or _is_earlier(self.last, time) else self.last
        if seed is not None:
            least, most = self.seeds or (seed, seed)
            self.seeds = (min(least, seed), max(most, seed))

    def unseeded(self, count: int, line: int) -> None:
        """So many of its records, the first on *line*, name no seed."""
        before, first = self.seedless
        self.seedless = (before + count, min(first, line) if before else line)

    def join(self, other: Group, by: int) -> None:
        """All of another group, whose lines count from *by* + 1."""
        self.lines = _together(self.lines, [(first + by, last + by) for first, last in other.lines])
        self.count, self.scattered = self.count + other.count, self.scattered or other.scattered
        self._limit()
        for time in (other.first, other.last):
            self.seen(time, None)
        for seed in other.seeds or ():
            self.seen(None, seed)
        if other.seedless[0]:
            self.unseeded(other.seedless[0], other.seedless[1] + by)

    def _limit(self) -> None:
        if len(self.lines) > MAX_RANGES or (self.scattered and len(self.lines) > 1):
            self.lines, self.scattered = [(self.lines[0][0], max(last for _, last in self.lines))], True

    def fact(self, mixed: bool) -> Slice:
        """Return the slice as it is now; a mixed one says only where it begins and ends, for its parts may be scattered."""
        lines = ((self.lines[0][0], self.lines[-1][1]),) if mixed else tuple(self.lines)
        facts = {"lines": lines, "scattered": mixed or self.scattered, "mixed": mixed, "count": self.count, "seeds": self.seeds}
        facts["seedless"] = self.seedless
        return Slice(metadata=self.metadata, first_time=self.first, last_time=self.last, **facts)  # type: ignore[arg-type]


def _together(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The ranges of both in order, those that touch joined."""
    found: list[tuple[int, int]] = []
    for first, last in sorted([*one, *other]):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def _is_earlier(one: str, other: str) -> bool:
    """Compare two times. Those that we write sort as text; others are parsed, which takes ten times as long."""
    if is_plain(one) and is_plain(other):
        return one < other
    return _instant(one) < _instant(other)


def _instant(time: str) -> tuple[datetime, str]:
    return datetime.fromisoformat(xsd_time(time) or time), time


@dataclass(slots=True)
class Part:
    """What a part of a file holds; line numbers count from its beginning."""

    lines: int = 0
    count: int = 0  # JSON objects
    recorded: int = 0  # those with metadata of ours
    foreign: int = 0  # those with metadata of another tool
    is_one_value: bool = False  # its first line opens an array or object that goes on: indented JSON, no JSON Lines
    groups: dict[bytes, Group] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)  # how often each rule was broken
    findings: list[tuple[str, int | None, str]] = field(default_factory=list)  # (rule, line, detail), the first of each rule

    def tell(self, code: str, line: int | None, detail: str) -> None:
        """A rule is broken at a line."""
        told = self.told[code] = self.told.get(code, 0) + 1
        if told <= LIMIT:
            self.findings.append((code, line, detail))

    def tell_each(self, code: str, first: int, last: int, detail: str) -> None:
        """Note that a rule is broken at each of the lines from *first* to *last*; those beyond LIMIT are counted."""
        told = self.told.get(code, 0)
        named = range(first, min(last, first + LIMIT - told - 1) + 1)
        self.findings += [(code, line, detail) for line in named]
        self.told[code] = told + last - first + 1

    def hear(self, later: Part) -> None:
        """All that a later part tells."""
        for code, line, detail in later.findings:
            self.tell(code, None if line is None else line + self.lines, detail)
        for code, count in later.told.items():
            self.told[code] += max(count - LIMIT, 0)

    def dumps(self) -> bytes:
        """As JSON, for another process or a later run."""
        groups = [(key.decode("latin-1"), *_group_json(group)) for key, group in self.groups.items()]
        numbers = (self.lines, self.count, self.recorded, self.foreign, self.is_one_value)
        return json.dumps([numbers, groups, self.told, self.findings]).encode()

    @classmethod
    def loads(cls, data: bytes) -> Part:
        """What `dumps` wrote."""
        (lines, count, recorded, foreign, is_one_value), groups, told, findings = json.loads(data)
        grown = {key.encode("latin-1"): _group(*facts) for key, *facts in groups}
        return cls(lines, count, recorded, foreign, is_one_value, grown, told, [(code, line, detail) for code, line, detail in findings])


def _group_json(group: Group) -> Iterator[Any]:
    yield from (group.metadata, group.lines, group.scattered, group.count, group.first, group.last, group.seeds, group.seedless)


def _group(metadata: Json, lines: list[list[int]], scattered: bool, count: int, first: str, last: str, seeds: list[int] | None, seedless: list[int]) -> Group:  # fmt: skip
    least_and_most = (seeds[0], seeds[1]) if seeds else None
    ranges = [(low, high) for low, high in lines]
    return Group(metadata, ranges, scattered, count, first, last, least_and_most, (seedless[0], seedless[1]))
