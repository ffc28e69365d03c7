"""What became of the records of one file, of which another file holds the originals; remembered by what decides it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lineage.capture import files
from lineage.carried.originals import Made, Originals
from lineage.contract.lines import UnpackingError, numbered, text_of
from lineage.contract.slices import LIMIT, key_of, shared_of
from lineage.contract.strict import loads
from lineage.facts import Artifact, Json, Origin, Slice
from lineage.findings import Finding, finding
from lineage.integrity.lines import metadata_of

VERSION = "carried 2"  # of what is remembered
Key = tuple[bytes, str, int | None]  # a slice, the digest of a file, and the first line of the slice there


@dataclass(slots=True)
class Compared:
    """The records of one file beside their originals. Files are known by their digests."""

    groups: dict[Key, list[int]] = field(default_factory=dict)  # how many were found, and how many of those were edited
    keys: dict[Key, set[str]] = field(default_factory=dict)  # that were edited
    findings: list[tuple[str, int, str, str, int]] = field(default_factory=list)  # rule, line, detail, digest and line of the original
    counts: dict[str, int] = field(default_factory=dict)  # of each rule

    def slices(self, slices: Sequence[Slice], paths: Mapping[str, str]) -> tuple[Slice, ...]:
        """The slices with their origins, which are called as *paths* says."""
        return tuple(replace(one, origins=tuple(self._of(key_of(one.metadata), paths))) if one.metadata else one for one in slices)

    def _of(self, part: bytes, paths: Mapping[str, str]) -> Iterator[Origin]:
        for key in sorted((key for key in self.groups if key[0] == part), key=lambda key: (key[1], key[2] or 0)):
            count, changed = self.groups[key]
            keys = tuple(sorted(self.keys.get(key, ())))
            yield Origin(path=paths[key[1]], sha256=key[1], slice_line=key[2], count=count, edited=changed, edited_keys=keys)

    def told(self, name: str, paths: Mapping[str, str]) -> Iterator[Finding]:
        """What was found, the file called *name*."""
        for code, line, detail, sha256, there in self.findings:
            yield finding(code, name, line, f"{detail} of {paths[sha256]}:{there}" if there else detail)
        yield from (finding(code, name, None, f"and {n - LIMIT} more lines") for code, n in self.counts.items() if n > LIMIT)

    def _tell(self, code: str, line: int, detail: str, sha256: str = "", there: int = 0) -> None:
        self.counts[code] = self.counts.get(code, 0) + 1
        if self.counts[code] <= LIMIT:
            self.findings.append((code, line, detail, sha256, there))

    def add(self, line: int, data: bytes, record: Json, originals: Originals) -> None:
        """One record."""
        found, is_missing = originals.of(data, record)
        metadata = metadata_of(record)
        if found is None:
            if is_missing:
                self._tell("unknown-origin", line, f"record {metadata.get('record_index')} of run {metadata.get('run_id')}")
            return
        sha256 = found.made.artifact.sha256 or ""
        key = (key_of(shared_of(metadata)[0]), sha256, _slice_line(found.made.artifact.slices or (), found.line))
        counts = self.groups.setdefault(key, [0, 0])
        counts[0] += 1
        changed = () if found.data == data else edited(record, found.record)
        if changed:
            counts[1] += 1
            self.keys.setdefault(key, set()).update(changed)
            self._tell("edited-record", line, ", ".join(changed), sha256, found.line)

    def dumps(self) -> bytes:
        """As JSON."""
        groups = [(key[0].decode("latin-1"), *key[1:], *counts, sorted(self.keys.get(key, ()))) for key, counts in self.groups.items()]
        return json.dumps([groups, self.findings, self.counts]).encode()

    @classmethod
    def loads(cls, data: bytes) -> Compared:
        """What `dumps` wrote."""
        groups, findings, counts = json.loads(data)
        found = cls(findings=[(code, line, detail, sha256, there) for code, line, detail, sha256, there in findings], counts=counts)
        for part, sha256, line, count, changed, keys in groups:
            key = (part.encode("latin-1"), sha256, line)
            found.groups[key], found.keys[key] = [count, changed], set(keys)
        return found


def compared(path: Path, artifact: Artifact, candidates: Mapping[str, list[Made]], recheck: bool) -> Compared:
    """What is remembered of the comparison, else the comparison. What could not be looked through is not remembered."""
    names = sorted(f"{run_id} {one.artifact.sha256} {_layout(one.artifact)}" for run_id, made in candidates.items() for one in made)
    kept = files.Kept.of_bytes(path, VERSION, artifact.sha256 or "", *names)
    data = None if recheck else kept.read()
    if data is not None:
        return Compared.loads(data)
    originals, found = Originals(candidates), Compared()
    for number, line in _records(path):
        record, _ = loads(line)
        if isinstance(record, dict):
            found.add(number, line, record, originals)
    if all(originals.knows(run_id) for run_id in candidates):
        kept.write(found.dumps())
    return found


def _layout(artifact: Artifact) -> str:
    """How the slices lie in a file, as one word."""
    return hashlib.sha256(repr([(one.lines, one.scattered) for one in artifact.slices or ()]).encode()).hexdigest()[:16]


def edited(record: Json, origin: Json) -> tuple[str, ...]:
    """The keys whose values are not those of the origin as JSON (1 is not true), those that are new or gone too."""
    told, before = ({key: key_of({key: value}) for key, value in one.items()} for one in (record, origin))
    return tuple(sorted(key for key in told | before if told.get(key) != before.get(key)))


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


def _slice_line(slices: Sequence[Slice], line: int) -> int | None:
    """The first line of the slice that holds *line*, where it can be told."""
    fitting = [one for one in slices if any(first <= line <= last for first, last in one.lines)]
    return fitting[0].lines[0][0] if len(fitting) == 1 else None
