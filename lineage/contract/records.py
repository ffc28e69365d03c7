"""JSONL files of records, read in one pass and in bounded memory: count, slices, and findings by line.

A line is parsed in full, or it is proved to be like one that was (lineage/kernel): the answers are the same.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lineage.contract.lines import MAX_LINE, Stretch, UnpackingError, opened, stretches
from lineage.contract.metadata import check_provenance, is_ours
from lineage.contract.slices import LIMIT, Group, Part, key_of, shared_of
from lineage.contract.strict import loads
from lineage.contract.times import check_time, is_plain
from lineage.core.words import counted
from lineage.facts import Slice
from lineage.findings import Finding, finding
from lineage.kernel import FOREIGN, UNPROVED, Matcher, kernel
from lineage.merkle import split

MAX_SLICES = 10_000  # a file with more configurations than this gets the rest as one slice, which is mixed
MAX_GROUPS = 100_000  # that are told apart while a part is read: more than its bytes are likely to hold
NOT_OURS = "its metadata are not ours"
_OLD_ENDING = re.compile(rb"\}\s*\r\s*\{")
OLD_ENDINGS = "its lines end with a carriage return alone: tr '\\r' '\\n' < FILE makes JSON Lines of it"
NONE, REST = b"-", b""  # the names of two slices: of the records without metadata, and of all that is too much


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a file of records holds."""

    sha256: str
    bytes: int
    lines: int  # blank ones too
    count: int  # JSON objects
    recorded: int  # those with metadata of ours
    slices: tuple[Slice, ...]  # by their first line
    findings: tuple[Finding, ...]


def scan(path: Path, name: str, *, legacy: bool = False) -> Scan:
    """Read *path* from end to end; findings call it *name*. With *legacy*, records without metadata are no finding.

    Raises OSError when the file cannot be read.
    """
    reading = Reading(legacy=legacy)
    with opened(path) as (text, raw):
        try:
            for stretch in stretches(text):
                reading.take(stretch)
        except UnpackingError as error:
            reading.damaged(error.message)
    return scanned(merged([reading.part]), name, sha256=raw.digest.hexdigest(), size=raw.size)


@dataclass(slots=True)
class Reading:
    """One pass over one part of a file; what it finds is in `part`. It is the first part unless `first` is False."""

    legacy: bool = False
    first: bool = True
    part: Part = field(default_factory=Part)
    _matcher: Matcher | None = field(default_factory=lambda: Matcher(kernel) if kernel else None)
    _shapes: list[Group] = field(default_factory=list)  # the slice of each shape that the matcher has learned
    _inside: bool = False  # a line that is too long

    def take(self, stretch: Stretch) -> None:
        """The next stretch of the text."""
        if not stretch.whole:
            self._too_long(stretch)
        elif self._matcher:
            self._runs(self._matcher, stretch.data)
        else:
            for line in split(stretch.data):
                self._parsed(self.part.lines + 1, line.rstrip(b"\r\n"), line.endswith(b"\n"))
                self.part.lines += 1

    def damaged(self, detail: str) -> None:
        """The rest of the file cannot be unpacked."""
        self.part.tell("bad-compression", None, detail)

    def _too_long(self, stretch: Stretch) -> None:
        if not self._inside:
            self.part.lines += 1
            self.part.tell("line-too-long", self.part.lines, f"over {MAX_LINE} bytes")
        self._inside = not stretch.ends

    def _runs(self, matcher: Matcher, data: bytes) -> None:
        """Count runs of lines of shapes that are known, and parse the lines that are not proved to have one."""
        while data:
            data = data[self._known(matcher, data) :]

    def _known(self, matcher: Matcher, data: bytes) -> int:
        """The same up to the first line from which a shape was learned; returns how many bytes that were."""
        runs, count = matcher.runs(data)
        number, size = self.part.lines + 1, len(data)
        for shape, first, last in runs:
            if shape >= 0:
                self._shapes[shape].add(number + first, number + last)
            elif shape != UNPROVED:
                self._lawless(number + first, number + last, is_foreign=shape == FOREIGN)
            elif self._teaches(matcher, data, first, is_last=first + 1 == count) and first + 1 < count:
                count, size = first + 1, data.index(b"\n", matcher.span(first)[1]) + 1
                break
        for total in matcher.totals(data, count):
            self._total(number, data, *total)
        self.part.lines += count
        return size

    def _teaches(self, matcher: Matcher, data: bytes, line: int, *, is_last: bool) -> bool:
        """Parse one line of a block, from 0; return whether a shape was learned from it."""
        start, end = matcher.span(line)
        known = len(self._shapes)
        self._parsed(self.part.lines + 1 + line, data[start:end], not is_last or data.endswith(b"\n"))
        return len(self._shapes) > known

    def _total(self, number: int, data: bytes, shape: int, first: int, count: int, seeds: int, *extremes: int) -> None:
        """Count the records of one shape in a block, with the extremes of their times and seeds."""
        early, late, early_size, late_size, least, most = extremes
        group = self._shapes[shape]
        self.part.count += count
        self.part.recorded += count
        group.seen(data[early : early + early_size].decode(), least if seeds else None)
        group.seen(data[late : late + late_size].decode(), most if seeds else None)
        if seeds < count:
            group.unseeded(count - seeds, number + first)

    def _counted(self, group: Group, first: int, last: int) -> None:
        self.part.count += last - first + 1
        self.part.recorded += last - first + 1
        group.add(first, last)

    def _lawless(self, first: int, last: int, *, is_foreign: bool) -> None:
        """Count records without metadata, or with metadata of another tool."""
        self.part.count += last - first + 1
        self.part.foreign += last - first + 1 if is_foreign else 0
        self.part.groups.setdefault(NONE, Group({})).add(first, last)
        if not self.legacy:
            self.part.tell_each("no-metadata", first, last, NOT_OURS if is_foreign else "")

    def _parsed(self, number: int, text: bytes, ended: bool) -> None:
        """One line without its ending, in full."""
        if number == 1 and self.first:
            text = text.removeprefix(b"\xef\xbb\xbf")
        if not text.strip():
            return
        value, problems = loads(text)
        if number == 1 and self.first:
            self.part.is_one_value = text.strip() in (b"[", b"{") or (text.lstrip().startswith(b"[") and bool(problems))
        if _OLD_ENDING.search(text) and any(code == "not-json" for code, _ in problems):
            self.part.tell("not-json", number, OLD_ENDINGS)
            return
        for code, detail in problems:
            cut_off = code in ("not-json", "not-utf8") and not ended
            self.part.tell("truncated-line" if cut_off else code, number, detail)
        if isinstance(value, dict):
            self._record(number, value, text)
        elif not any(code in ("not-json", "not-utf8") for code, _ in problems):
            self.part.tell("not-an-object", number, type(value).__name__)

    def _record(self, number: int, record: dict[str, Any], text: bytes) -> None:
        metadata = record.get("metadata")
        if not is_ours(metadata):
            self._lawless(number, number, is_foreign=metadata is not None)
            return
        group = self._described(number, metadata)
        is_timed = isinstance(metadata.get("timestamp"), str | None)
        if self._matcher and group.metadata and is_timed and self._matcher.learn(text) is not None:
            self._shapes.append(group)

    def _described(self, number: int, metadata: Mapping[str, Any]) -> Group:
        shared, seed = shared_of(metadata)
        group = self._group(shared)
        self._counted(group, number, number)
        group.seen(self._time(number, metadata.get("timestamp")), seed)
        if seed is None:
            group.unseeded(1, number)
        return group

    def _group(self, shared: dict[str, Any]) -> Group:
        key = key_of(shared)
        if key not in self.part.groups and len(self.part.groups) >= MAX_GROUPS:
            key, shared = REST, {}
        return self.part.groups.setdefault(key, Group(shared))

    def _time(self, number: int, time: object) -> str | None:
        """The time, if it is one with an offset."""
        if time is None:
            return None
        if not isinstance(time, str):
            self.part.tell("bad-time", number, f"{json.dumps(time)[:40]} is not a string")
            return None
        code = None if is_plain(time) else check_time(time)
        if code:
            self.part.tell(code, number, time[:40])
            return None
        return time


def merged(parts: Iterable[Part]) -> Part:
    """The parts of a file, in order, as one."""
    whole = Part()
    for one in parts:
        whole.is_one_value = one.is_one_value if whole.lines == 0 else whole.is_one_value
        for key, group in one.groups.items():
            if (
                key not in whole.groups
                and key != NONE
                and len(whole.groups) - (NONE in whole.groups) - (REST in whole.groups) >= MAX_SLICES
            ):
                key = REST
            whole.groups.setdefault(key, Group({} if key == REST else group.metadata)).join(group, whole.lines)
        whole.hear(one)
        whole.lines, whole.count, whole.recorded = whole.lines + one.lines, whole.count + one.count, whole.recorded + one.recorded
        whole.foreign += one.foreign
    return whole


def scanned(whole: Part, name: str, *, sha256: str, size: int) -> Scan:
    """What a file holds, of which *whole* was read; findings call the file *name*."""
    if whole.is_one_value and whole.count <= 1 and whole.lines > 1:  # the last element has no comma behind it
        return _of_one_value(whole, name, sha256, size)
    told = Part(count=whole.count, recorded=whole.recorded, foreign=whole.foreign)
    told.hear(whole)
    for key, group in whole.groups.items():
        _check(told, key, group)
    every = (group.fact(mixed=key == REST) for key, group in whole.groups.items() if group.lines)
    slices = sorted(every, key=lambda one: (one.lines[0], one.mixed)) if whole.recorded else []
    facts = {"lines": whole.lines, "count": whole.count, "recorded": whole.recorded, "slices": tuple(slices)}
    return Scan(sha256=sha256, bytes=size, findings=tuple(_findings(told, name)), **facts)  # type: ignore[arg-type]


def _of_one_value(whole: Part, name: str, sha256: str, size: int) -> Scan:
    """The scan of a file that is one JSON value over many lines: one finding, and no record."""
    told = shlex.quote(name)
    detail = f"the file is one JSON value over {counted(whole.lines, 'line')}: jq -c '.[]' {told} makes JSON Lines of a list, jq -c . {told} of an object"
    found = (finding("not-json", name, None, detail),)
    return Scan(sha256=sha256, bytes=size, lines=whole.lines, count=0, recorded=0, slices=(), findings=found)


def _check(told: Part, key: bytes, group: Group) -> None:
    """Has the metadata of a slice the shape of the contract?  Its first record is where it is told."""
    if key not in (NONE, REST):
        provenance = group.metadata.get("provenance")
        problems = check_provenance(provenance) if isinstance(provenance, dict) else ["provenance: expected an object"]
        for problem in problems:
            told.tell("bad-metadata", group.lines[0][0], problem)


def _findings(told: Part, name: str) -> Iterator[Finding]:
    lawless = told.count and not told.recorded  # a file from before there was metadata: one finding, not one a line
    unsaid = told.told.pop("no-metadata", 0) if lawless else 0
    ordered = sorted(told.findings, key=lambda one: (one[1] is None, one[1] or 0))
    yield from (finding(code, name, line, detail) for code, line, detail in ordered if code in told.told)
    if unsaid:
        kind = " of ours, it is legacy" if told.foreign else ""
        yield finding("no-metadata", name, None, f"none of its {counted(told.count, 'record')} has any{kind}")
    for code, count in told.told.items():
        if count > LIMIT:
            yield finding(code, name, None, f"and {count - LIMIT} more lines")
