"""JSONL files of records, read in one pass and in bounded memory: digest, count, slices, and findings by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from lineage.contract.lines import MAX_LINE, UnpackingError, numbered, opened
from lineage.contract.metadata import check_provenance
from lineage.contract.shape import Shape, shape_of
from lineage.contract.strict import loads
from lineage.contract.times import check_time, is_plain
from lineage.facts import Slice
from lineage.findings import Finding, finding

MAX_SLICES = 10_000  # a file with more configurations than this gets the rest as one slice without metadata
MAX_SHAPES = 8  # that a line is held against; a file of more configurations in turn is read in full
OWN_KEYS = ("timestamp", "record_index", "previous", "tokens")  # of one record, not of its slice


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a file of records holds."""

    sha256: str
    bytes: int
    count: int  # JSON objects
    recorded: int  # those with metadata
    slices: tuple[Slice, ...]  # by their first line
    findings: tuple[Finding, ...]


def scan(path: Path, name: str, *, legacy: bool = False, limit: int = 100) -> Scan:
    """Read *path*; findings call it *name*. With *legacy*, records without metadata are no finding. At most *limit* findings a rule.

    Raises OSError when the file cannot be read.
    """
    reading = _Reading(name, legacy, limit)
    with opened(path) as (text, raw):
        try:
            for number, line in numbered(text):
                reading.line(number, line)
        except UnpackingError as error:
            reading.damaged(str(error))
    return reading.done(raw.digest.hexdigest(), raw.size)


@dataclass(slots=True)
class _Group:
    """A slice while it grows."""

    metadata: Mapping[str, Any]
    lines: list[tuple[int, int]] = field(default_factory=list)
    count: int = 0
    first: tuple[datetime, str] | None = None
    last: tuple[datetime, str] | None = None
    seeds: tuple[int, int] | None = None
    plain: tuple[str, str] | None = None  # the earliest and latest of the times as we write them, which sort as text

    def add(self, number: int, time: str | None, seed: int | None) -> None:
        """One record; *time* is any time with an offset."""
        if time:
            self._seen(time)
        self.add_plain(number, "", seed)

    def add_plain(self, number: int, time: str, seed: int | None) -> None:
        """One record; *time* is "" or as we write it."""
        self.count += 1
        if self.lines and self.lines[-1][1] == number - 1:
            self.lines[-1] = (self.lines[-1][0], number)
        else:
            self.lines.append((number, number))
        if time:
            low, high = self.plain or (time, time)
            self.plain = (time if time < low else low, time if time > high else high)
        if seed is not None:
            least, most = self.seeds or (seed, seed)
            self.seeds = (seed if seed < least else least, seed if seed > most else most)

    def _seen(self, time: str) -> None:
        instant = (datetime.fromisoformat(time), time)
        self.first, self.last = min(self.first or instant, instant), max(self.last or instant, instant)

    def fact(self) -> Slice:
        for time in self.plain or ():
            self._seen(time)
        first, last = self.first[1] if self.first else None, self.last[1] if self.last else None
        lines = tuple(self.lines)
        return Slice(metadata=self.metadata, lines=lines, count=self.count, first_time=first, last_time=last, seeds=self.seeds)


class _Reading:
    """One pass over one file."""

    def __init__(self, name: str, legacy: bool, limit: int) -> None:
        self._name, self._legacy, self._limit = name, legacy, limit
        self._groups: dict[bytes, _Group] = {}
        self._findings: list[Finding] = []
        self._told: Counter[str] = Counter()
        self._count = self._recorded = 0
        self._shapes: list[tuple[Shape, _Group]] = []  # the last that fitted first

    def line(self, number: int, line: bytes | None) -> None:
        if line is None:
            self._tell("line-too-long", number, f"over {MAX_LINE} bytes")
            return
        text = line.rstrip(b"\r\n")
        if number == 1:
            text = text.removeprefix(b"\xef\xbb\xbf")
        if self._fits(number, text) or not text.strip():
            return
        value, problems = loads(text)
        for code, detail in problems:
            cut_off = code in ("not-json", "not-utf8") and not line.endswith(b"\n")
            self._tell("truncated-line" if cut_off else code, number, detail)
        if isinstance(value, dict):
            self._learn(value, text, self._record(number, value))
        elif not any(code in ("not-json", "not-utf8") for code, _ in problems):
            self._tell("not-an-object", number, type(value).__name__)

    def damaged(self, detail: str) -> None:
        """The rest of the file cannot be unpacked."""
        self._findings.append(finding("bad-compression", self._name, None, detail))

    def _fits(self, number: int, text: bytes) -> bool:
        """Is the line of a shape that is known? Then it has been counted."""
        for n, (shape, group) in enumerate(self._shapes):
            own = shape.fit(text)
            if own is not None:
                self._count += 1
                self._recorded += 1
                group.add_plain(number, own[1].decode(), int(own[2]) if own[2] else None)
                if n:
                    self._shapes.insert(0, self._shapes.pop(n))
                return True
        return False

    def _learn(self, record: dict[str, Any], text: bytes, group: _Group) -> None:
        shape = shape_of(record, text) if group.metadata else None
        if shape is not None and all(shape != known for known, _ in self._shapes):
            self._shapes = [(shape, group), *self._shapes[: MAX_SHAPES - 1]]

    def _record(self, number: int, record: dict[str, Any]) -> _Group:
        self._count += 1
        metadata = record.get("metadata")
        if metadata is None:
            if not self._legacy:
                self._tell("no-metadata", number, "")
            group = self._group({})
            group.add(number, None, None)
        elif not isinstance(metadata, dict):
            self._tell("bad-metadata", number, f"metadata: expected an object, got {str(metadata)[:40]!r}")
            group = self._group({})
            group.add(number, None, None)
        else:
            self._recorded += 1
            group = self._described(number, metadata)
        return group

    def _described(self, number: int, metadata: dict[str, Any]) -> _Group:
        params = metadata.get("generation_params")
        shared = {key: value for key, value in metadata.items() if key not in OWN_KEYS}
        seed = None
        if isinstance(params, dict):
            seed = params.get("seed")
            shared["generation_params"] = {key: value for key, value in params.items() if key != "seed"}
        group = self._group(shared)
        if not group.count:
            self._check(number, metadata)
        group.add(
            number, self._time(number, metadata.get("timestamp")), seed if isinstance(seed, int) and not isinstance(seed, bool) else None
        )
        return group

    def _group(self, shared: dict[str, Any]) -> _Group:
        try:
            key = orjson.dumps(shared, option=orjson.OPT_SORT_KEYS)
        except TypeError:  # integers over 64 bits, lone surrogates
            key = repr(sorted(shared.items(), key=repr)).encode("utf-8", "surrogatepass")
        if key not in self._groups and len(self._groups) >= MAX_SLICES:
            key, shared = b"", {}
        return self._groups.setdefault(key, _Group(shared))

    def _check(self, number: int, metadata: dict[str, Any]) -> None:
        provenance = metadata.get("provenance")
        if not isinstance(provenance, dict):
            self._tell("bad-metadata", number, "provenance: expected an object")
            return
        for problem in check_provenance(provenance):
            self._tell("bad-metadata", number, problem)

    def _time(self, number: int, time: object) -> str | None:
        """The time, if it is one with an offset."""
        if not isinstance(time, str):
            return None
        code = None if is_plain(time) else check_time(time)
        if code:
            self._tell(code, number, time[:40])
            return None
        return time

    def _tell(self, code: str, number: int, detail: str) -> None:
        self._told[code] += 1
        if self._told[code] <= self._limit:
            self._findings.append(finding(code, self._name, number, detail))

    def done(self, sha256: str, size: int) -> Scan:
        slices = sorted((group.fact() for group in self._groups.values()), key=lambda one: one.lines[0])
        if not self._recorded:
            slices = []
        facts = {"count": self._count, "recorded": self._recorded, "slices": tuple(slices)}
        return Scan(sha256=sha256, bytes=size, findings=tuple(self._all_findings()), **facts)  # type: ignore[arg-type]

    def _all_findings(self) -> Iterator[Finding]:
        lawless = self._count and not self._recorded  # a file from before there was metadata: one finding, not one a line
        yield from (one for one in self._findings if not (lawless and one.code == "no-metadata"))
        if lawless and self._told["no-metadata"]:
            yield finding("no-metadata", self._name, None, f"none of its {self._count} records has any")
        for code, count in self._told.items():
            if count > self._limit and not (lawless and code == "no-metadata"):
                yield finding(code, self._name, None, f"and {count - self._limit} more lines")
