"""The records of a session as PROV, one by one: a stream of batches, in memory that does not grow with the records.

    rows   from lines to what the records have of their own

A file is read once, in order. A record that another file carried on is derived from its line there, which is looked up and compared
by `run_id` and `record_index`; what is not found is not claimed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lineage.capture import files
from lineage.contract.lines import STRETCH, UnpackingError, is_compressed, stretches, text_of
from lineage.errors import FormatError
from lineage.expansion.rows import Kind, Row, Rows
from lineage.facts import Artifact, Json, Session, Slice
from lineage.findings import Finding, finding
from lineage.integrity import index
from lineage.mapping.names import Ids
from lineage.mapping.records import record_batch
from lineage.mapping.sessions import Scope
from lineage.prov.statement import Batch, Name
from lineage.trace.record import RecordFile

ROWS = 8192  # of the same columns, before they are passed on as a batch
HELD = 1 << 17  # rows of all columns together: a file of many slices passes its batches on earlier


@dataclass(frozen=True, slots=True)
class Lines:
    """Which lines of a file: from `first` to `last`, both included, counted from 1."""

    first: int = 1
    last: int | None = None


EVERY = Lines()


@dataclass(slots=True)
class Expansion:
    """The records of one session. `batches` may be read again; `findings` are complete when they have been read."""

    folder: Path
    session: Session
    ids: Ids = field(default_factory=Ids)
    lines: Lines = EVERY
    only: str | None = None  # the path of one file, where not all are asked for
    recheck: bool = False  # read the files for their digests, even if those are cached
    findings: dict[str, Finding] = field(default_factory=dict)

    def batches(self) -> Iterator[Batch]:
        """The statements of every record of the files that are what was recorded."""
        for artifact in self.session.artifacts:
            if artifact.slices and self.only in (None, artifact.path) and self._is_whole(artifact):
                yield from self._of(artifact, artifact.slices)

    def _is_whole(self, artifact: Artifact) -> bool:
        path = self.folder / artifact.path
        if not path.resolve().is_relative_to(self.folder.resolve()):
            self.findings[artifact.path] = finding("outside-folder", artifact.path)
        elif not path.is_file():
            self.findings[artifact.path] = finding("missing-file", artifact.path)
        elif artifact.sha256 != files.digest(path, recheck=self.recheck)[0]:
            self.findings[artifact.path] = finding("altered-file", artifact.path, None, "its records are not expanded")
        return artifact.path not in self.findings

    def _of(self, artifact: Artifact, slices: Sequence[Slice]) -> Iterator[Batch]:
        scope = Scope(self.ids, self.session)
        waiting: dict[Kind, list[Row]] = {}
        held = 0
        for kind, rows in self._rows(artifact, slices):
            waiting.setdefault(kind, []).extend(rows)
            held += len(rows)
            if len(waiting[kind]) >= ROWS:
                held -= len(waiting[kind])
                yield record_batch(scope, artifact, slices[kind[0]], waiting.pop(kind), kind[1])
            elif held >= HELD:
                yield from (record_batch(scope, artifact, slices[number], some, columns) for (number, columns), some in waiting.items())
                waiting, held = {}, 0
        yield from (record_batch(scope, artifact, slices[number], some, columns) for (number, columns), some in waiting.items())

    def _rows(self, artifact: Artifact, slices: Sequence[Slice]) -> Iterator[tuple[Kind, list[Row]]]:
        path, first, last = self.folder / artifact.path, self.lines.first, self.lines.last or sys.maxsize
        carried = frozenset(number for number, one in enumerate(slices) if one.origins)
        reader = Rows(slices, carried, _Origins(path, self.ids).of if carried else None)
        with text_of(path) as file, suppress(UnpackingError):  # the scan tells of damage
            reader.next, offset = _found(path, artifact, first)
            if offset:
                file.seek(offset)
            for stretch in stretches(file):
                yield from reader.of(stretch, first, last)
                if reader.next > last:
                    return


class _Origins:
    """Finds the lines from which the records of a file were carried over."""

    def __init__(self, path: Path, ids: Ids) -> None:
        self._file, self._ids = RecordFile(path), ids

    def of(self, data: bytes, record: Json) -> tuple[Name | None, str | None]:
        """The file of origin and the line there; None and None where nothing tells."""
        found = self._file.original(data, record)
        return (self._ids.artifact(found.source.artifact, found.source.session), str(found.line)) if found else (None, None)


def _found(path: Path, artifact: Artifact, line: int) -> tuple[int, int]:
    """A line from which the file can be read to find *line*, and where it begins: *line* itself where the sidecar is the file's.

    That so many lines stand before it is counted, not believed.
    """
    with suppress(FormatError, OSError):
        known = index.read(path)
        if known and known.seal.sha256 == artifact.sha256 and line <= len(known) and not is_compressed(path):
            offset = known.offset(line)
            if _lines_before(path, offset) == line - 1:
                return line, offset
    return 1, 0


def _lines_before(path: Path, offset: int) -> int | None:
    """How many lines end before *offset*; None where no line begins there."""
    count, left, last = 0, offset, b"\n"
    with path.open("rb") as file:
        while left and (data := file.read(min(left, STRETCH))):
            count, left, last = count + data.count(b"\n"), left - len(data), data[-1:]
    return count if not left and last == b"\n" else None
