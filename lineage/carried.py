"""Records that one file carried on from another: recognised by `run_id` and `record_index`, derived from the original, compared with it.

Files are filtered, shuffled, merged and written anew; a record's own metadata still names the run that made it, and its number there.
Both files are read once; what was found is remembered by their digests.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lineage.capture import files
from lineage.contract.lines import UnpackingError, numbered, text_of
from lineage.contract.slices import LIMIT, key_of, shared_of
from lineage.contract.strict import loads
from lineage.facts import Activity, Artifact, Json, ModelLoad, Origin, Session, Slice
from lineage.findings import Finding, finding
from lineage.integrity.lines import FileLines, metadata_of

VERSION = "carried 1"  # of what is remembered

Placed = tuple[Path, Session]  # the folder that holds the session's files, and the session


@dataclass(frozen=True, slots=True)
class _Made:
    """A file of records that a run made."""

    run_id: str
    folder: Path
    artifact: Artifact

    @property
    def path(self) -> Path:
        return self.folder / self.artifact.path


def with_origins(placed: Sequence[Placed], shown: Mapping[Path, str]) -> tuple[tuple[Placed, ...], tuple[Finding, ...]]:
    """The same sessions, the slices of carried records with their origins, and what was edited or is not there; *shown* is what a folder is called."""
    runs = {run.id: session for _, session in placed for run in session.activities if not run.inferred}
    made: dict[str, list[_Made]] = {}
    for folder, session in placed:
        for run in session.activities:
            if not run.inferred:
                made.setdefault(run.id, []).extend(_Made(run.id, folder, one) for one in run.made if one.slices and one.sha256)
    found: list[Finding] = []
    return tuple((folder, _session(folder, _without_twins(one, runs), made, found, shown[folder])) for folder, one in placed), tuple(found)


def _without_twins(session: Session, runs: Mapping[str, Session]) -> Session:
    """A run that was inferred from records is none where a manifest tells of it: it made another file, and these are copies."""
    kept = tuple(run for run in session.activities if not (run.inferred and run.id in runs))
    if len(kept) == len(session.activities):
        return session
    used = {load for run in kept for load in run.models}
    return replace(session, activities=tuple(run for run in kept if not isinstance(run, ModelLoad) or not run.inferred or run.id in used))


def _session(folder: Path, session: Session, made: Mapping[str, list[_Made]], found: list[Finding], shown: str) -> Session:
    changed: dict[str, Artifact] = {}
    for artifact in session.artifacts:
        origins = _origins(folder, artifact, made)
        if origins and _is_whole(folder / artifact.path, artifact):
            compared = _compared(folder / artifact.path, artifact, origins)
            changed[artifact.path] = replace(artifact, slices=compared.slices(artifact.slices or ()))
            found += compared.told(f"{shown}/{artifact.path}" if shown else artifact.path)
    if not changed:
        return session
    artifacts = tuple(changed.get(one.path, one) for one in session.artifacts)
    return replace(session, artifacts=artifacts, activities=tuple(_remade(run, changed) for run in session.activities))


def _remade(run: Activity, changed: Mapping[str, Artifact]) -> Activity:
    made = tuple(replace(one, slices=changed[one.path].slices) if one.path in changed else one for one in run.made)
    return replace(run, made=made)


def _origins(folder: Path, artifact: Artifact, made: Mapping[str, list[_Made]]) -> dict[str, list[_Made]]:
    """The files where the records of *artifact* may have been made, by the run that they name."""
    found = {}
    for one in artifact.slices or ():
        run_id = one.run_id
        if run_id is None or run_id == artifact.activity or run_id not in made:
            continue
        others = made[run_id]
        if all(other.artifact.sha256 != artifact.sha256 and other.path != folder / artifact.path for other in others):
            found[run_id] = [other for other in others if _is_whole(other.path, other.artifact)]
    return {run_id: there for run_id, there in found.items() if there}


def _is_whole(path: Path, artifact: Artifact) -> bool:
    """Is the file there, inside its folder, and what was recorded?"""
    try:
        if ".." in Path(artifact.path).parts or Path(artifact.path).is_absolute() or not path.is_file():
            return False
        folder = path.parents[len(Path(artifact.path).parts) - 1]
        inside = Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
        return inside and not path.is_symlink() and files.digest(path)[0] == artifact.sha256
    except (OSError, UnicodeEncodeError):  # JSON can hold names that no file has
        return False


@dataclass(slots=True)
class _Compared:
    """What became of the records of one file."""

    groups: dict[tuple[bytes, str, int | None], list[int]] = field(
        default_factory=dict
    )  # (slice, digest, line of the slice) -> found, edited
    keys: dict[tuple[bytes, str, int | None], set[str]] = field(default_factory=dict)  # that were edited
    paths: dict[str, str] = field(default_factory=dict)  # digest -> path
    findings: list[tuple[str, int | None, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def same(self, part: bytes, made: _Made, line: int) -> tuple[bytes, str, int | None]:
        """A record of slice *part* is there on *line* of the file that was made."""
        key = (part, made.artifact.sha256 or "", _slice_line(made.artifact.slices or (), line))
        self.groups.setdefault(key, [0, 0])[0] += 1
        self.paths[key[1]] = made.artifact.path
        return key

    def edited(self, key: tuple[bytes, str, int | None], line: int, edited_keys: Sequence[str], origin: str) -> None:
        """The record of *line* is another now."""
        self.groups[key][1] += 1
        self.keys.setdefault(key, set()).update(edited_keys)
        self.tell("edited-record", line, f"{', '.join(edited_keys)} of {origin}")

    def tell(self, code: str, line: int, detail: str) -> None:
        """Keep the first findings of a rule, and count them all."""
        self.counts[code] = self.counts.get(code, 0) + 1
        if self.counts[code] <= LIMIT:
            self.findings.append((code, line, detail))

    def slices(self, slices: Sequence[Slice]) -> tuple[Slice, ...]:
        """The slices with their origins."""
        return tuple(replace(one, origins=tuple(self._of(key_of(one.metadata)))) if one.metadata else one for one in slices)

    def _of(self, part: bytes) -> Iterator[Origin]:
        for key in sorted((key for key in self.groups if key[0] == part), key=lambda key: (key[1], key[2] or 0)):
            count, changed = self.groups[key]
            keys = tuple(sorted(self.keys.get(key, ())))
            yield Origin(path=self.paths[key[1]], sha256=key[1], slice_line=key[2], count=count, edited=changed, edited_keys=keys)

    def told(self, name: str) -> Iterator[Finding]:
        """What was found, the file called *name*."""
        yield from (finding(code, name, line, detail) for code, line, detail in self.findings)
        yield from (finding(code, name, None, f"and {n - LIMIT} more lines") for code, n in self.counts.items() if n > LIMIT)

    def dumps(self) -> bytes:
        """As JSON."""
        groups = [
            (part.decode("latin-1"), sha256, line, *numbers, sorted(self.keys.get((part, sha256, line), ())))
            for (part, sha256, line), numbers in self.groups.items()
        ]
        return json.dumps([groups, self.paths, self.findings, self.counts]).encode()

    @classmethod
    def loads(cls, data: bytes) -> _Compared:
        """What `dumps` wrote."""
        groups, paths, findings, counts = json.loads(data)
        compared = cls(paths=paths, findings=[(code, line, detail) for code, line, detail in findings], counts=counts)
        for part, sha256, line, count, changed, keys in groups:
            key = (part.encode("latin-1"), sha256, line)
            compared.groups[key], compared.keys[key] = [count, changed], set(keys)
        return compared


def _compared(path: Path, artifact: Artifact, origins: Mapping[str, list[_Made]]) -> _Compared:
    """What is remembered of the comparison, else the comparison."""
    names = sorted(f"{one.run_id} {one.artifact.sha256}" for there in origins.values() for one in there)
    kept = files.Kept.of_bytes(path, VERSION, artifact.sha256 or "", *names)
    data = kept.read()
    if data is not None:
        return _Compared.loads(data)
    compared = _compare(path, origins)
    kept.write(compared.dumps())
    return compared


def _compare(path: Path, origins: Mapping[str, list[_Made]]) -> _Compared:
    opened: dict[str, list[tuple[_Made, FileLines]]] = {}
    for run_id, there in origins.items():
        files_there = [(one, FileLines(one.path).held()) for one in there]
        if all(file.is_ready for _, file in files_there):  # else what is not found may be there all the same
            opened[run_id] = files_there
    compared = _Compared()
    for number, data in _records(path):
        record, _ = loads(data)
        metadata = metadata_of(record) if isinstance(record, dict) else {}
        index = metadata.get("record_index")
        candidates = opened.get(str(metadata.get("run_id")), [])
        if candidates and type(index) is int:
            _one(compared, number, data, record, index, candidates)
    return compared


def _one(compared: _Compared, number: int, data: bytes, record: Json, index: int, there: Iterable[tuple[_Made, FileLines]]) -> None:
    """Find the origin of one record, and compare the two."""
    part = key_of(shared_of(metadata_of(record))[0])
    for made, file in there:
        if file.has(index + 1) and file.line(index + 1).rstrip(b"\r\n") == data:
            compared.same(part, made, index + 1)
            return
        found = file.find(made.run_id, index)
        if found:
            key, changed = compared.same(part, made, found[0]), edited(record, found[1])
            if changed:
                compared.edited(key, number, changed, f"{made.artifact.path}:{found[0]}")
            return
    compared.tell("unknown-origin", number, f"record {index} of run {metadata_of(record).get('run_id')}")


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
