"""Compare the records of one file with the records of the files that its run used. A result is remembered by the digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lineage.capture import files
from lineage.carried.matching import Matcher, Original, edited_by_run
from lineage.carried.originals import Recorded, Source
from lineage.contract.lines import UnpackingError, numbered, text_of
from lineage.contract.slices import LIMIT, key_of, shared_of
from lineage.contract.strict import loads
from lineage.facts import Artifact, Json, Origin, Slice
from lineage.findings import Finding, finding
from lineage.integrity.lines import metadata_of

VERSION = "carried 4"  # of what is remembered
Key = tuple[bytes, str, int | None]  # a slice, the digest of a file, and the first line of the slice there


@dataclass(frozen=True, slots=True)
class Job:
    """A file whose records are compared, and with which files.

    Attributes:
        path: The file.
        artifact: Its entry in the manifest.
        sources: The files that its run used, in the order of use.
        own: Ids of the runs that wrote the file.
        has_all: False if the run used other files of records, which cannot be read.
        moves_own: False if a record of an own run cannot be one of an input: a model generated it.
        runs: Ids of the runs whose records must be in `sources`; None for all that a session recorded.
    """

    path: Path
    artifact: Artifact
    sources: tuple[Source, ...]
    own: frozenset[str]
    has_all: bool = True
    moves_own: bool = True
    runs: frozenset[str] | None = None

    def key(self) -> tuple[str, ...]:
        """Return all that decides the result."""
        used = (f"{one.sha256} {_layout(one.artifact)}" for one in self.sources)
        flags = f"{self.has_all} {self.moves_own}"
        return (VERSION, self.artifact.sha256 or "", flags, *sorted(self.own), "runs", *sorted(self.runs or ()), "used", *used)


@dataclass(slots=True)
class Compared:
    """The records of one file and where they were before. Files are known by their digests.

    Attributes:
        groups: For each slice and origin, the number of records and how many of them were edited.
        keys: For each slice and origin, the keys that were edited.
        unmatched: For each slice, the number of records that no input holds for certain.
        undecided: For each slice, how many of those an input may hold.
        findings: Rule, line, detail, and digest and line of the original.
        counts: Number of findings of each rule.
    """

    groups: dict[Key, list[int]] = field(default_factory=dict)
    keys: dict[Key, set[str]] = field(default_factory=dict)
    unmatched: dict[bytes, int] = field(default_factory=dict)
    undecided: dict[bytes, int] = field(default_factory=dict)
    findings: list[tuple[str, int, str, str, int]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def slices(self, slices: Sequence[Slice], job: Job, paths: Mapping[str, str]) -> tuple[Slice, ...]:
        """Return the slices of the file of *job* with their origins, named as *paths* says."""
        found = (one if one.mixed else self._slice(one, job.own, paths) for one in slices)
        return tuple(one if job.has_all or one.unmatched is None else replace(one, is_partial=True) for one in found)

    def _slice(self, one: Slice, own: frozenset[str], paths: Mapping[str, str]) -> Slice:
        part = key_of(one.metadata)
        origins = tuple(self._of(part, paths))
        if not origins and one.run_id in own:  # all of them were made here
            return one
        unmatched, undecided = self.unmatched.get(part, 0), self.undecided.get(part, 0)
        return replace(one, origins=origins, unmatched=unmatched, undecided=undecided)

    def _of(self, part: bytes, paths: Mapping[str, str]) -> Iterator[Origin]:
        for key in sorted((key for key in self.groups if key[0] == part), key=lambda key: (key[1], key[2] or 0)):
            count, changed = self.groups[key]
            keys = tuple(sorted(self.keys.get(key, ())))
            yield Origin(path=paths[key[1]], sha256=key[1], slice_line=key[2], count=count, edited=changed, edited_keys=keys)

    def told(self, name: str, paths: Mapping[str, str]) -> Iterator[Finding]:
        """Yield the findings; the file is called *name*."""
        for code, line, detail, sha256, there in self.findings:
            yield finding(code, name, line, f"{detail} of {paths[sha256]}:{there}" if there else detail)
        yield from (finding(code, name, None, f"and {n - LIMIT} more lines") for code, n in self.counts.items() if n > LIMIT)

    def _tell(self, code: str, line: int, detail: str, sha256: str = "", there: int = 0) -> None:
        self.counts[code] = self.counts.get(code, 0) + 1
        if self.counts[code] <= LIMIT:
            self.findings.append((code, line, detail, sha256, there))

    def add(self, line: int, data: bytes, record: Json, matcher: Matcher, job: Job, recorded: Recorded) -> None:
        """Compare one record."""
        part = key_of(shared_of(metadata_of(record))[0])
        is_own = matcher.is_own(record)
        match = None if is_own and not job.moves_own else matcher.match(data, record)
        originals = match.originals if match else ()
        for original in originals:
            key = (part, original.source.sha256, matcher.slice_line(original))
            self._carried(key, line, data, record, original, is_own=is_own)
        if originals:
            return
        self.unmatched[part] = self.unmatched.get(part, 0) + 1
        if is_own:
            return
        metadata = metadata_of(record)
        run_id = metadata.get("run_id")
        is_elsewhere = job.runs is not None and run_id not in job.runs
        if (match and match.is_ambiguous) or is_elsewhere or not matcher.is_certain:
            self.undecided[part] = self.undecided.get(part, 0) + 1
        elif isinstance(run_id, str) and recorded.knows(run_id):
            self._tell("unknown-origin", line, f"record {metadata.get('record_index')} of run {run_id}")

    def _carried(self, key: Key, line: int, data: bytes, record: Json, original: Original, *, is_own: bool) -> None:
        sha256 = original.source.sha256
        counts = self.groups.setdefault(key, [0, 0])
        counts[0] += 1
        changed = edited_by_run(data, record, original, is_own=is_own)
        if changed:
            counts[1] += 1
            self.keys.setdefault(key, set()).update(changed)
            self._tell("edited-record", line, ", ".join(changed), sha256, original.line)

    def dumps(self) -> bytes:
        """Return the result as JSON."""
        groups = [(key[0].decode("latin-1"), *key[1:], *counts, sorted(self.keys.get(key, ()))) for key, counts in self.groups.items()]
        numbers = [[(part.decode("latin-1"), count) for part, count in of.items()] for of in (self.unmatched, self.undecided)]
        return json.dumps([groups, numbers, self.findings, self.counts]).encode()

    @classmethod
    def loads(cls, data: bytes) -> Compared:
        """Read what `dumps` wrote."""
        groups, numbers, findings, counts = json.loads(data)
        unmatched, undecided = ({part.encode("latin-1"): count for part, count in of} for of in numbers)
        read = cls(unmatched=unmatched, undecided=undecided, counts=counts)
        read.findings = [(code, line, detail, sha256, there) for code, line, detail, sha256, there in findings]
        for part, sha256, line, count, changed, keys in groups:
            key = (part.encode("latin-1"), sha256, line)
            read.groups[key], read.keys[key] = [count, changed], set(keys)
        return read


def compared(job: Job, recorded: Recorded, recheck: bool) -> Compared:
    """Return the remembered comparison, else compare. A comparison that left out a file is not remembered."""
    known = sorted(run_id for one in job.artifact.slices or () if (run_id := one.run_id) and recorded.knows(run_id))
    kept = files.Kept.of_bytes(job.path, *job.key(), "recorded", *known)
    data = None if recheck else kept.read()
    if data is not None:
        return Compared.loads(data)
    matcher, result = Matcher(job.sources, job.own, job.has_all), Compared()
    for number, line in _records(job.path):
        record, _ = loads(line)
        if isinstance(record, dict):
            result.add(number, line, record, matcher, job, recorded)
    if matcher.is_complete:
        kept.write(result.dumps())
    return result


def _layout(artifact: Artifact) -> str:
    """How the slices lie in a file, as one word."""
    return hashlib.sha256(repr([(one.lines, one.scattered) for one in artifact.slices or ()]).encode()).hexdigest()[:16]


def _records(path: Path) -> Iterator[tuple[int, bytes]]:
    """(number, line without its ending) of each line that can be held, up to where a packed file is damaged."""
    try:
        with text_of(path) as file:
            for number, line in numbered(file):
                if line is not None:
                    text = line.rstrip(b"\r\n")
                    yield number, text.removeprefix(b"\xef\xbb\xbf") if number == 1 else text
    except UnpackingError:  # the scan of the file tells of it
        return
