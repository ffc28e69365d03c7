"""Where one record came from, step by step.

The manifests name the run that wrote a file and the files that it used. The record is looked for in those, and compared with what is
found there; then the same is asked of that file, until the run that made the record. The first question about a carried record reads
each earlier file once; later questions to the same RecordFile look up a line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from lineage.carried.matching import BOM, Original
from lineage.carried.originals import Placed
from lineage.contract.around import recorded_as, sessions_around, sessions_in
from lineage.contract.slices import Slices
from lineage.core.reading import is_file, is_folder
from lineage.errors import NotFoundError
from lineage.facts import Activity, Artifact, Json, ModelLoad, Session, Slice
from lineage.integrity.lines import FileLines, as_record, metadata_of
from lineage.trace.steps import Origin, Place, Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLineage:
    """Everything that led to one record, as far as it was recorded. None and () mean: no file says so (`notes` say which)."""

    file: Path
    line: int
    record: Json
    artifact: Artifact | None  # the file, as the manifest has it
    slice: Slice | None
    session: Session | None  # whose manifest tells of the file
    run: Activity | None  # what wrote the file: made the record, or carried it over
    maker: Activity | None  # what made the record: the run that it names, else the one that wrote the file
    made_in: Session | None  # the session of the maker
    loads: tuple[ModelLoad, ...]  # the models that the maker used
    origin: Origin | None  # the step before this file
    steps: tuple[Origin, ...] = ()  # every step back, the latest first; the last names where the record was made
    notes: tuple[str, ...] = ()

    @property
    def metadata(self) -> Json:
        """The record's own metadata; empty where it has none."""
        return metadata_of(self.record)


@dataclass(slots=True)
class RecordFile:
    """A file of records, open for questions: `with lineage.RecordFile("artifacts/data.jsonl") as file: file.why(8123)`.

    The manifests and the sidecar are read when it is opened, once.

    Args:
        path: The file.
        where: Folders of other sessions: steps are followed into them too. By default only the folder around the file is read.

    Raises:
        NotFoundError: There is no such file, or no such folder in *where*.
    """

    path: Path
    where: Sequence[str | os.PathLike[str]] = ()
    _lines: dict[Path, FileLines] = field(default_factory=dict)
    _folder: Path = Path()
    _sessions: tuple[Session, ...] = ()  # in the folder around the file
    _placed: tuple[Placed, ...] = ()  # all of them, with their folders
    _steps: Steps | None = None
    _place: Place | None = None

    def __post_init__(self) -> None:
        self.path = Path(self.path)
        if not is_file(self.path):
            raise NotFoundError("no such file", at=str(self.path))
        self._folder, self._sessions = sessions_around(self.path)
        self._placed = tuple(_placed(self._folder, self._sessions, [Path(folder) for folder in self.where]))
        self._opened(self.path)

    def __enter__(self) -> RecordFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._lines.clear()

    def read(self, line: int) -> bytes:
        """The bytes of line *line*, counted from 1, with its line ending. Raises NotFoundError."""
        return self._opened(self.path).line(line)

    def why(self, line: int) -> RecordLineage:
        """Where the record of line *line* came from.

        Raises:
            NotFoundError: there is no such line. UsageError: it holds no record.
        """
        data = self.read(line)
        record = as_record(data, f"{self.path}:{line}")
        steps, place = self._followed()
        session, artifact = place.session, place.artifact
        run = next(iter(place.writers), None) or _activity(session, artifact.activity if artifact else None)
        back, unknown = steps.back(place, line, _text(data, line), record)
        made_by, maker = self._maker(metadata_of(record), session, run)
        loads = (
            tuple(load for load in made_by.activities if isinstance(load, ModelLoad) and load.id in maker.models)
            if made_by and maker
            else ()
        )
        return RecordLineage(
            file=self.path,
            line=line,
            record=record,
            artifact=artifact,
            slice=_slice(artifact, line, metadata_of(record)),
            session=session,
            run=run,
            maker=maker,
            made_in=made_by,
            loads=loads,
            origin=next(iter(back), None),
            steps=back,
            notes=(*self._notes(line, session, artifact, record, maker), *unknown),
        )

    def _opened(self, path: Path) -> FileLines:
        if path not in self._lines:
            self._lines[path] = FileLines(path)
        return self._lines[path]

    def _maker(self, metadata: Json, session: Session | None, run: Activity | None) -> tuple[Session | None, Activity | None]:
        """The run that the record names, and its session; where it names none, the run that wrote the file."""
        named = metadata.get("run_id")
        if not isinstance(named, str):
            return session, run
        for _, one in self._placed:
            found = _activity(one, named)
            if found:
                return one, found
        return None, None

    def _followed(self) -> tuple[Steps, Place]:
        """The steps among the files of the folders, and where this file stands in them."""
        if self._steps is None or self._place is None:
            self._steps = Steps(self._placed)
            recorded = recorded_as(self.path, self._folder, self._sessions)
            self._place = self._steps.place_of(self.path, self._folder, *recorded)
        return self._steps, self._place

    def original(self, data: bytes, record: Json) -> Original | None:
        """Return the record of a line, *data*, in a file that the run used; None where it is not found there."""
        steps, place = self._followed()
        return steps.original(place, data.rstrip(b"\r\n"), record)

    def _notes(self, line: int, session: Session | None, artifact: Artifact | None, record: Json, maker: Activity | None) -> Iterator[str]:
        lines = self._opened(self.path)
        if session is None:
            yield "no manifest tells of this file: what follows is what the record says of itself"
        if not metadata_of(record):
            yield "the record has no metadata"
        elif maker is None and self._placed:
            named = metadata_of(record).get("run_id")
            yield f"no manifest here tells of its run {named}" if named else "neither the record nor a manifest names the run that made it"
        if lines.problem:
            yield lines.problem
        if line in lines.odd or (artifact and artifact.bytes not in (None, self.path.stat().st_size)):
            yield f"the file is not what was recorded: lineage verify {self.path}"


def _placed(around: Path, sessions: Sequence[Session], where: Sequence[Path]) -> Iterator[Placed]:
    """The sessions around a file, and those of other folders, each once."""
    yield from ((around, session) for session in sessions)
    known = {session.id for session in sessions}
    for folder in where:
        if not is_folder(folder):
            raise NotFoundError("no such folder", at=str(folder), hint="--in FOLDER")
        added = [session for session in sessions_in(folder) if session.id not in known]
        known |= {session.id for session in added}
        yield from ((folder.absolute(), session) for session in added)


def _text(data: bytes, line: int) -> bytes:
    """The text of a line, without its ending and a byte order mark."""
    text = data.rstrip(b"\r\n")
    return text.removeprefix(BOM) if line == 1 else text


def _activity(session: Session | None, run_id: str | None) -> Activity | None:
    return next((run for run in session.activities if run.id == run_id), None) if session else None


def _slice(artifact: Artifact | None, line: int, metadata: Json) -> Slice | None:
    """The slice of the record on *line*."""
    parts = (artifact.slices if artifact else None) or ()
    number = Slices(parts).number(metadata, line)
    return None if number is None else parts[number]
