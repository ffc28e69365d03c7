"""What a picture is of: an artifacts folder, a session of it, a file, a record, or a PROV document -> statements, and what is known besides."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from urllib.parse import quote

from lineage import export, formats
from lineage.carried import Placed
from lineage.constraints import validate
from lineage.contract.around import recorded_as, sessions_around
from lineage.contract.below import nothing_recorded
from lineage.core.reading import is_file, is_folder
from lineage.errors import NotFoundError, UsageError
from lineage.expansion import Expansion, Lines
from lineage.facts import Session
from lineage.findings import Finding
from lineage.folder import How, gathered, pick
from lineage.mapping.names import Ids, canonical
from lineage.prov.document import Bundle, Document
from lineage.prov.statement import Name
from lineage.trace.record import RecordFile

LONGEST = 20_000  # characters of the metadata of a slice that are kept
CARRIED = 100  # files that a record is followed back through


@dataclass(frozen=True, slots=True)
class Subject:
    """`document` with what is wrong with it; `focus` is the id of what was asked about, where that is one thing."""

    document: Document
    findings: tuple[Finding, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)  # of slices, by id, as JSON
    files: dict[str, Path] = field(default_factory=dict)  # of entities that are files of the folder, by id
    focus: str | None = None
    sessions: tuple[Session, ...] = ()  # whose facts are known; none of a PROV document

    def links(self, target: Path) -> dict[str, str]:
        """For each file its address as seen from a page at *target*."""
        here = target.absolute().parent
        return {id_: quote(os.fsencode(os.path.relpath(path, here))) for id_, path in self.files.items()}


def subject(place: Path, line: int | None = None, *, session: str | None = None, legacy: bool = False, recursive: bool = False) -> Subject:
    """Read what *place* is: a folder, a file of records (a record with *line*), or a PROV document.

    Raises:
        NotFoundError: there is no such file, line or session. NothingRecordedError: a folder without a session. UsageError: a session was asked for where there can be none.
        FormatError: the file is no PROV document.
    """
    if is_folder(place):
        return _folder(place, session, legacy, recursive)
    if not is_file(place):
        raise NotFoundError("no such file or folder", at=str(place), hint="name an artifacts folder, a PROV file, or FILE:LINE")
    around, sessions = sessions_around(place)
    is_document = any(place.suffix.lower() in one.suffixes for one in formats.FORMATS.values())
    if line is not None or recorded_as(place, around, sessions)[1] is not None or (sessions and not is_document):
        return _file(place, line, around, legacy)
    document = formats.load_file(place)
    document = _of_bundle(document, session).read()
    return Subject(document, tuple(validate(document, str(place))))


def _of_bundle(document: Document, session: str | None) -> Document:
    if session is None:
        return document
    full = document.read()
    fitting = [one for one in full.bundles if one.id.rpartition("/")[2].removeprefix("bundle-").startswith(session)]
    if len(fitting) != 1:
        names = ", ".join(one.id.rpartition("/")[2] for one in full.bundles) or "none"
        raise NotFoundError(f"{len(fitting) or 'no'} bundles are called so", at=session, hint=f"the document holds: {names}"[:500])
    return Document(full.namespaces, (), (Bundle(fitting[0].id, fitting[0].statements),))


def _folder(folder: Path, session: str | None, legacy: bool, recursive: bool) -> Subject:
    placed, findings = gathered(folder, How(legacy=legacy), recursive=recursive)
    if not placed:
        raise nothing_recorded(folder, recursive="" if recursive else "-r")
    return _read(folder, placed if session is None else (pick(placed, session),), findings)


def _read(folder: Path, placed: tuple[Placed, ...], findings: tuple[Finding, ...]) -> Subject:
    document, circles = export.combined_document(one for _, one in placed)
    found = Subject(document.read(), (*findings, *circles, *validate(document, str(folder))), sessions=tuple(one for _, one in placed))
    for where, one in placed:
        _know(found, where, one)
    return found


def _know(found: Subject, folder: Path, session: Session) -> None:
    """What the graph does not hold: the metadata of slices, and where the files are."""
    ids = Ids()
    used = (artifact for run in session.activities for artifact in run.used)
    for artifact in chain(session.artifacts, used):
        id_ = ids.artifact(artifact, session)
        path = folder / artifact.path
        if path.exists() and path.resolve().is_relative_to(folder.resolve()):
            found.files[id_] = path
        for one in (one for one in artifact.slices or () if one.lines):
            found.metadata[ids.slice(id_, one)] = canonical(one.metadata).decode("utf-8", "replace")[:LONGEST]


def _file(place: Path, line: int | None, folder: Path, legacy: bool) -> Subject:
    """All of the folder, with the file or the record in focus."""
    placed, findings = gathered(folder, How(legacy=legacy))
    found = _read(folder, placed, findings)
    names = {path.resolve(): id_ for id_, path in found.files.items()}
    focus = names.get(place.resolve())
    if focus is None:
        raise NotFoundError("nothing in its folder tells of this file", at=str(place), hint=f"draw the folder: lineage draw {folder}")
    if line is None:
        return replace(found, focus=focus)
    expansions = _expansions(place, line, folder, {one.id: one for _, one in placed})
    told = [one for expansion in expansions for batch in expansion.batches() for one in batch.expand()]
    document = replace(found.document, statements=(*found.document.statements, *told))
    record = Ids().record(Name(focus), str(line))
    if record not in (one.id for one in told):
        raise UsageError("nothing tells where the record came from", at=f"{place}:{line}", hint=f"draw its file: lineage draw {place}")
    return replace(found, document=document, focus=record)


def _expansions(place: Path, line: int, folder: Path, sessions: dict[str, Session]) -> Iterator[Expansion]:
    """The record, and those that it was carried over from, each as an expansion of one line."""
    seen: set[tuple[Path, int]] = set()
    while (place, line) not in seen and len(seen) < CARRIED:
        seen.add((place, line))
        found = RecordFile(place).why(line)
        if found.session and found.artifact and found.session.id in sessions:
            yield Expansion(folder, sessions[found.session.id], lines=Lines(line, line), only=found.artifact.path)
        if found.origin is None:
            return
        place, line = found.origin.file, found.origin.line
