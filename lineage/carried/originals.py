"""The original of a record: where its run wrote it. The record names the run and its number there; the files that the run made are looked into.

A run that made several files counts in each of them anew, so the number alone may fit several records: the one that says the same is the
original, else the one of the same time, else nobody can tell.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage.capture.places import own
from lineage.contract.lines import UnpackingError, numbered, text_of
from lineage.contract.slices import key_of
from lineage.facts import Activity, Artifact, Json, Session
from lineage.integrity.lines import FileLines, metadata_of, record_in

SPREAD = 4  # numbers beyond this many times the records of the run are none that a writer gave


@dataclass(frozen=True, slots=True)
class Made:
    """A file of records that a run made, as the session of the run has it."""

    session: Session
    run: Activity
    folder: Path
    artifact: Artifact

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.folder / self.artifact.path

    def is_inside(self) -> bool:
        """Is it there, and in its folder?"""
        return own(self.folder, self.artifact.path) is not None


@dataclass(frozen=True, slots=True)
class Original:
    """Where a record was made."""

    made: Made
    line: int
    data: bytes  # without its line ending
    record: Json


def made_by(placed: Iterable[tuple[Path, Session]]) -> dict[str, list[Made]]:
    """The files of records that each run made, by the run's id; what was inferred from records tells of no run."""
    found: dict[str, list[Made]] = {}
    for folder, session in placed:
        for run in (one for one in session.activities if not one.inferred):
            mine = [Made(session, run, folder, one) for one in run.made if one.role == "records" and one.sha256]
            found.setdefault(run.id, []).extend(mine)
    return found


class Originals:
    """Looks for the originals of records among some files, which stay open."""

    def __init__(self, candidates: Mapping[str, Sequence[Made]]) -> None:
        self._candidates = candidates
        self._files: dict[str, list[_Numbered]] = {}

    def knows(self, run_id: object) -> bool:
        """Are there files of this run, and can every line of them be found?"""
        files = self._opened(run_id) if isinstance(run_id, str) else []
        return bool(files) and all(file.lines.is_ready for file in files)

    def _opened(self, run_id: str) -> list[_Numbered]:
        if run_id not in self._files:
            self._files[run_id] = [_Numbered(one) for one in self._candidates.get(run_id, ())]
        return self._files[run_id]

    def of(self, data: bytes, record: Json) -> tuple[Original | None, bool]:
        """The original of a record that stands in *data*, and whether the files of its run were looked through and hold none."""
        metadata = metadata_of(record)
        number = metadata.get("record_index")
        if not self.knows(metadata.get("run_id")) or type(number) is not int or number < 0:
            return None, False
        found = [one for file in self._files[metadata["run_id"]] if (one := file.record(number))]
        return _chosen(found, data, record), not found


def _chosen(found: list[Original], data: bytes, record: Json) -> Original | None:
    """The original among those with the number: of several, the one that is the same, else of the same time, if it is one alone."""
    same = [one for one in found if one.data == data] or [one for one in found if key_of(one.record) == key_of(record)]
    if same or len(found) == 1:
        return (same or found)[0]
    time = metadata_of(record).get("timestamp")
    then = [one for one in found if time is not None and metadata_of(one.record).get("timestamp") == time]
    return then[0] if len(then) == 1 else None


class _Numbered:
    """The records of one run in one file, by their number."""

    def __init__(self, made: Made) -> None:
        self.made, self.lines = made, FileLines(made.path).held()
        mine = [one for one in made.artifact.slices or () if one.run_id == made.run.id]
        self._start = min((one.lines[0][0] for one in mine), default=1)
        self._most = SPREAD * max(sum(one.count for one in mine), made.artifact.count or 0) + SPREAD
        self._where: array[int] | None = None

    def record(self, number: int) -> Original | None:
        """The record with this number: where it stands if nobody else wrote to the file, else wherever it is."""
        if number >= self._most:
            return None
        if self._where is None:
            found = self._at(self._start + number, number)
            if found:
                return found
            self._where = self._all()
        line = self._where[number] if number < len(self._where) else 0
        return self._at(line, number) if line else None

    def _at(self, line: int, number: int) -> Original | None:
        found = self.lines.quick(line)
        if found is None and self.lines.index is not None and 1 <= line <= len(self.lines.index):
            self.lines.distrust()
            found = self.lines.quick(line)
        if found is None:
            return None
        data = found.rstrip(b"\r\n")
        record = record_in(data) or {}
        said = metadata_of(record)
        if said.get("run_id") != self.made.run.id or said.get("record_index") != number:
            return None
        return Original(self.made, line, data, record)

    def _all(self) -> array[int]:
        """The line of each number, 0 where there is none; the whole file is read for it."""
        where = array("q")
        try:
            with text_of(self.made.path) as file:
                for at, line in numbered(file):
                    if line and self.made.run.id.encode() in line:
                        self._note(where, at, metadata_of(record_in(line) or {}))
        except UnpackingError:  # the scan of the file tells of it
            pass
        return where

    def _note(self, where: array[int], at: int, said: Json) -> None:
        number = said.get("record_index")
        if said.get("run_id") == self.made.run.id and type(number) is int and 0 <= number < self._most:
            where.extend([0] * (number + 1 - len(where)))
            where[number] = where[number] or at
