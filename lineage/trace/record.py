"""Where one record came from.  The manifests say it; the record's own metadata names the run; the sidecar finds the line.

Nothing is scanned: a question costs one line of the file, however many it has. A record that another file carried on is found in the
file that its run made, by `run_id` and `record_index`, and the two are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from lineage.contract.around import recorded_as, sessions_around
from lineage.contract.lines import MAX_LINE, UnpackingError, is_compressed, numbered, text_of
from lineage.contract.slices import key_of, shared_of
from lineage.contract.strict import loads
from lineage.errors import FormatError, NotFoundError, UsageError
from lineage.facts import Activity, Artifact, Json, ModelLoad, Session, Slice
from lineage.integrity import index
from lineage.merkle import FINGERPRINT, leaf_hash

NEAR = 256  # lines around the place where a record should be: writers that shared the file put theirs between


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The record that a record was carried over from."""

    file: Path
    line: int
    edited: tuple[str, ...]  # the keys whose values differ; none: the same JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A record in the file that its run made."""

    session: Session
    artifact: Artifact  # the file, as that session's manifest has it
    file: Path
    line: int
    record: Json


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
        found = self.record.get("metadata")
        return found if isinstance(found, Mapping) else {}


@dataclass(slots=True)
class _Lines:
    """The lines of one file, found by its sidecar where it has a good one."""

    path: Path
    index: index.Index | None = None
    problem: str = ""

    @classmethod
    def of(cls, path: Path) -> _Lines:
        try:
            found = index.read(path)
        except (FormatError, OSError) as error:
            return cls(path, None, str(error))
        fits = found is not None and found.seal.bytes == path.stat().st_size
        return cls(path, found if fits else None, "" if fits or found is None else "the file has another size than its sidecar says")

    def line(self, number: int) -> bytes:
        """The bytes of a line. Raises NotFoundError, and UsageError where it is too long to be held or cannot be unpacked."""
        if self.index is not None and not 1 <= number <= len(self.index):
            raise self._missing(number)
        if self.index is None or is_compressed(self.path):
            return self._searched(number)
        with self.path.open("rb") as file:
            file.seek(self.index.offset(number))
            return self._held(file.readline(MAX_LINE + 1), number)

    def _searched(self, number: int) -> bytes:
        with text_of(self.path) as file:
            try:
                for at, line in numbered(file):
                    if at == number:
                        return self._held(line, number)
            except UnpackingError as error:
                raise UsageError(f"the file cannot be unpacked: {error}", at=f"{self.path}:{number}") from error
        raise self._missing(number)

    def _missing(self, number: int) -> NotFoundError:
        return NotFoundError("no such line", at=f"{self.path}:{number}", hint="lines count from 1")

    def _held(self, line: bytes | None, number: int) -> bytes:
        if line is None or len(line) > MAX_LINE:
            raise UsageError(f"the line is longer than {MAX_LINE} bytes", at=f"{self.path}:{number}")
        return line

    def is_indexed(self, number: int, line: bytes) -> bool | None:
        """Is the line what the sidecar was made from? None where there is none to ask."""
        return None if self.index is None else self.index.fingerprint(number) == leaf_hash(line)[:FINGERPRINT]


@dataclass(slots=True)
class RecordFile:
    """A file of records, open for questions: `with lineage.RecordFile("artifacts/data.jsonl") as file: file.why(8123)`.

    The manifests and the sidecar are read when it is opened, once. Raises NotFoundError when there is no such file.
    """

    path: Path
    _lines: dict[Path, _Lines] = field(default_factory=dict)
    _folder: Path = Path()
    _sessions: tuple[Session, ...] = ()

    def __post_init__(self) -> None:
        self.path = Path(self.path)
        if not self.path.is_file():
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
        made_by, maker = self._maker(_meta(record), session, run)
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
            slice=_slice(artifact, line, _meta(record)),
            session=session,
            run=run,
            maker=maker,
            made_in=made_by,
            loads=loads,
            origin=self._origin(record, maker, run),
            notes=tuple(self._notes(line, data, session, artifact, record, maker)),
        )

    def _opened(self, path: Path) -> _Lines:
        if path not in self._lines:
            self._lines[path] = _Lines.of(path)
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

    def carried_from(self, metadata: Json) -> Carried | None:
        """Where the record with this metadata was made, if that is another file of the folder that still holds it."""
        number = metadata.get("record_index")
        session, maker = self._maker(metadata, None, None)
        if session is None or maker is None or type(number) is not int:
            return None
        for artifact in (one for one in maker.made if one.role == "records"):
            path = self._folder / artifact.path
            if path.is_file() and path.resolve().is_relative_to(self._folder.resolve()) and path.resolve() != self.path.resolve():
                found = self._found(path, maker.id, number)
                if found:
                    return Carried(session=session, artifact=artifact, file=path, line=found[0], record=found[1])
        return None

    def _origin(self, record: Json, maker: Activity | None, run: Activity | None) -> Origin | None:
        found = self.carried_from(_meta(record)) if maker is not run else None
        return Origin(file=found.file, line=found.line, edited=_edited(record, found.record)) if found else None

    def _found(self, path: Path, run_id: str, number: int) -> tuple[int, Json] | None:
        """The record of the file at *path* with this `run_id` and `record_index`, looked for where it should be and around there."""
        lines = self._opened(path)
        for line in _near(number + 1):
            try:
                record = as_record(lines.line(line), str(path))
            except (NotFoundError, UsageError):
                continue
            said = _meta(record)
            if said.get("run_id") == run_id and said.get("record_index") == number:
                return line, record
        return None

    def _notes(
        self, line: int, data: bytes, session: Session | None, artifact: Artifact | None, record: Json, maker: Activity | None
    ) -> Iterator[str]:
        lines = self._opened(self.path)
        if session is None:
            yield "no manifest tells of this file: what follows is what the record says of itself"
        if not _meta(record):
            yield "the record has no metadata"
        elif maker is None and self._sessions:
            yield f"no manifest here tells of its run {_meta(record).get('run_id')}"
        if lines.problem:
            yield lines.problem
        if lines.is_indexed(line, data) is False or (artifact and artifact.bytes not in (None, self.path.stat().st_size)):
            yield f"the file is not what was recorded: lineage verify {self.path}"


def _near(line: int) -> Iterator[int]:
    """*line*, then the lines around it, the nearest first."""
    yield line
    for away in range(1, NEAR):
        yield from (one for one in (line + away, line - away) if one > 0)


def as_record(data: bytes, at: str) -> dict[str, Any]:
    """The record of a line. Raises UsageError when the line holds none."""
    value, _ = loads(data.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n"))
    if not isinstance(value, dict):
        raise UsageError("the line holds no record", at=at, hint="a record is one JSON object a line")
    return value


def _meta(record: Json) -> Json:
    found = record.get("metadata")
    return found if isinstance(found, Mapping) else {}


def _activity(session: Session | None, run_id: str | None) -> Activity | None:
    return next((run for run in session.activities if run.id == run_id), None) if session else None


def _slice(artifact: Artifact | None, line: int, metadata: Json) -> Slice | None:
    """By the line; where slices alternate too often to name their lines, by what the record shares with them."""
    parts = [one for one in (artifact.slices if artifact else None) or () if any(first <= line <= last for first, last in one.lines)]
    key = key_of(shared_of(metadata)[0]) if any(one.scattered for one in parts) else b""
    return next((one for one in parts if not one.scattered or key_of(one.metadata) == key), None)


def _edited(record: Json, origin: Json) -> tuple[str, ...]:
    """The keys whose values are not those of the origin, those that are new or gone too."""
    absent = object()
    return tuple(sorted(key for key in {*record, *origin} if record.get(key, absent) != origin.get(key, absent)))
