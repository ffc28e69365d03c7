"""Where one record came from.  The manifests say it; the record's own metadata names the run; the sidecar finds the line.

Nothing is scanned: a question costs one line of the file, however many it has. A record that another file carried on is found in the
file that its run made, by `run_id` and `record_index`, and the two are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from lineage.carried.edits import edited
from lineage.carried.originals import Original, Originals, made_by
from lineage.contract.around import recorded_as, sessions_around
from lineage.contract.slices import Slices
from lineage.core.reading import is_file
from lineage.errors import NotFoundError
from lineage.facts import Activity, Artifact, Json, ModelLoad, Session, Slice
from lineage.integrity.lines import FileLines, as_record, metadata_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The record that a record was carried over from."""

    file: Path
    line: int
    edited: tuple[str, ...]  # the keys whose values differ; none: the same JSON


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
    origin: Origin | None
    notes: tuple[str, ...] = ()

    @property
    def metadata(self) -> Json:
        """The record's own metadata; empty where it has none."""
        return metadata_of(self.record)


@dataclass(slots=True)
class RecordFile:
    """A file of records, open for questions: `with lineage.RecordFile("artifacts/data.jsonl") as file: file.why(8123)`.

    The manifests and the sidecar are read when it is opened, once. Raises NotFoundError when there is no such file.
    """

    path: Path
    _lines: dict[Path, FileLines] = field(default_factory=dict)
    _folder: Path = Path()
    _sessions: tuple[Session, ...] = ()
    _originals: Originals | None = None

    def __post_init__(self) -> None:
        self.path = Path(self.path)
        if not is_file(self.path):
            raise NotFoundError("no such file", at=str(self.path))
        self._folder, self._sessions = sessions_around(self.path)
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
        session, artifact = recorded_as(self.path, self._folder, self._sessions)
        run = _activity(session, artifact.activity if artifact else None)
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
            origin=self._origin(data, record, maker, run),
            notes=tuple(self._notes(line, data, session, artifact, record, maker)),
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
        for one in self._sessions:
            found = _activity(one, named)
            if found:
                return one, found
        return None, None

    def original(self, data: bytes, record: Json) -> Original | None:
        """Where the record that stands in *data* was made, if that is another file of the folder that still holds it."""
        if self._originals is None:
            mine = self.path.resolve()
            made = made_by((self._folder, session) for session in self._sessions)
            others = {run_id: [one for one in there if one.is_inside() and one.path.resolve() != mine] for run_id, there in made.items()}
            self._originals = Originals(others)
        return self._originals.of(data.rstrip(b"\r\n"), record)[0]

    def _origin(self, data: bytes, record: Json, maker: Activity | None, run: Activity | None) -> Origin | None:
        found = self.original(data, record) if maker is not run else None
        return Origin(file=found.made.path, line=found.line, edited=edited(record, found.record)) if found else None

    def _notes(
        self, line: int, data: bytes, session: Session | None, artifact: Artifact | None, record: Json, maker: Activity | None
    ) -> Iterator[str]:
        lines = self._opened(self.path)
        if session is None:
            yield "no manifest tells of this file: what follows is what the record says of itself"
        if not metadata_of(record):
            yield "the record has no metadata"
        elif maker is None and self._sessions:
            named = metadata_of(record).get("run_id")
            yield f"no manifest here tells of its run {named}" if named else "neither the record nor a manifest names the run that made it"
        if lines.problem:
            yield lines.problem
        if line in lines.odd or (artifact and artifact.bytes not in (None, self.path.stat().st_size)):
            yield f"the file is not what was recorded: lineage verify {self.path}"


def _activity(session: Session | None, run_id: str | None) -> Activity | None:
    return next((run for run in session.activities if run.id == run_id), None) if session else None


def _slice(artifact: Artifact | None, line: int, metadata: Json) -> Slice | None:
    """The slice of the record on *line*."""
    parts = (artifact.slices if artifact else None) or ()
    number = Slices(parts).number(metadata, line)
    return None if number is None else parts[number]
