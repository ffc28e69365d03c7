"""The records of a session as PROV, one by one: a stream of batches, in memory that does not grow with the records.

A file is read once, in order. A record that another file carried on is derived from its line there, which is looked up and compared
by `run_id` and `record_index`; what is not found is not claimed.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from lineage.capture import files
from lineage.contract.lines import UnpackingError, numbered, text_of
from lineage.contract.shape import Shape, shape_of
from lineage.contract.strict import loads
from lineage.contract.times import is_plain, xsd_time
from lineage.facts import Artifact, Session, Slice
from lineage.findings import Finding, finding
from lineage.mapping.names import Ids
from lineage.mapping.records import PLAIN, Columns, record_batch
from lineage.mapping.sessions import Scope
from lineage.prov.statement import Batch, Name
from lineage.trace.record import RecordFile

ROWS = 8192  # of the same columns, before they are passed on as a batch
HELD = 1 << 17  # rows of all columns together: a file of many slices passes its batches on earlier


Row = tuple[str, ...]


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
        waiting: dict[tuple[int, Columns], list[Row]] = {}
        held = 0
        for number, kind, row in self._rows(artifact, slices):
            rows = waiting.setdefault((number, kind), [])
            rows.append(row)
            held += 1
            if len(rows) == ROWS:
                held -= ROWS
                yield record_batch(scope, artifact, slices[number], waiting.pop((number, kind)), kind)
            elif held >= HELD:
                yield from (record_batch(scope, artifact, slices[n], some, one) for (n, one), some in waiting.items())
                waiting, held = {}, 0
        yield from (record_batch(scope, artifact, slices[n], some, one) for (n, one), some in waiting.items())

    def _rows(self, artifact: Artifact, slices: Sequence[Slice]) -> Iterator[tuple[int, Columns, Row]]:
        """(number of the slice, columns, row) of each record."""
        spans = sorted((first, last, number) for number, one in enumerate(slices) for first, last in one.lines)
        starts = [first for first, _, _ in spans]
        carries = any(one.run_id not in (None, artifact.activity) for one in slices)
        reader = _Reader(_Origins(self.folder / artifact.path, self.ids) if carries else None, artifact.activity)
        first, last, number = 0, -1, 0
        for line, data in _lines_of(self.folder / artifact.path, self.lines):
            if not first <= line <= last:
                at = bisect_right(starts, line) - 1
                first, last, number = spans[at] if at >= 0 else (0, -1, 0)
            if line <= last:
                columns, row = reader.row(line, data)
                yield number, columns, row


class _Reader:
    """Reads what a row holds from a line; a line like one before is not parsed."""

    def __init__(self, origins: _Origins | None, writer: str | None) -> None:
        self._origins, self._writer = origins, writer
        self._shape: Shape | None = None
        self._known: dict[tuple[bool, bool, Name | None], Columns] = {}

    def row(self, line: int, data: bytes) -> tuple[Columns, Row]:
        """The columns of the record, and its values for them."""
        own = self._shape.own(data.rstrip(b"\r\n")) if self._shape else None
        if own is not None and own[1] and own[2]:
            return PLAIN, (str(line), own[1].decode(), own[2].decode())
        metadata, found = _metadata(data, line)
        self._shape = None if self._origins else found
        origin, there = self._origins.of(metadata, self._writer) if self._origins else (None, None)
        time, seed = _time(metadata.get("timestamp")), _seed(metadata)
        key = (time is not None, seed is not None, origin)
        columns = self._known.setdefault(key, Columns(*key))
        return columns, tuple(one for one in (str(line), time, seed, there) if one is not None)


class _Origins:
    """Finds the lines from which the records of a file were carried over."""

    def __init__(self, path: Path, ids: Ids) -> None:
        self._file, self._ids = RecordFile(path), ids

    def of(self, metadata: dict[str, Any], writer: str | None) -> tuple[Name | None, str | None]:
        """The file of origin and the line there; None and None where the record was made in this file, or nothing tells."""
        found = None if metadata.get("run_id") == writer else self._file.carried_from(metadata)
        if found is None or found.artifact.sha256 is None:
            return None, None
        return self._ids.artifact(found.artifact, found.session), str(found.line)


def _lines_of(path: Path, wanted: Lines) -> Iterator[tuple[int, bytes]]:
    """(number, line) of the lines that are wanted; those after damage in a compressed file, which the scan tells of, are not there."""
    last = sys.maxsize if wanted.last is None else wanted.last
    with text_of(path) as file, suppress(UnpackingError):
        for number, line in numbered(file):
            if number > last:
                return
            if number >= wanted.first and line is not None:
                yield number, line


def _metadata(line: bytes, number: int) -> tuple[dict[str, Any], Shape | None]:
    """The record's metadata, as the scan reads it, and the shape of its line if it has one."""
    text = line.rstrip(b"\r\n")
    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError:
        record, _ = loads(text.removeprefix(b"\xef\xbb\xbf") if number == 1 else text)
    found = record.get("metadata") if isinstance(record, dict) else None
    return (found, shape_of(record, text)) if isinstance(found, dict) else ({}, None)


def _seed(metadata: dict[str, Any]) -> str | None:
    params = metadata.get("generation_params")
    seed = params.get("seed") if isinstance(params, dict) else None
    return str(seed) if type(seed) is int else None


def _time(value: object) -> str | None:
    """The time as PROV writes it."""
    if not isinstance(value, str):
        return None
    return value if is_plain(value) else xsd_time(value)
