"""An artifacts folder -> PROV files beside it.  Only reads the artifacts; each output appears whole or not at all.

    read_folder      manifests, record files and reports of a folder, as sessions, with what is wrong with them
    export_folder    those sessions as PROV: a document a session beside its manifest, and all of them combined in `graphs/`

What no manifest tells of is inferred from inline metadata; what has none is legacy. Nothing is invented.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from lineage import formats, mapping
from lineage.capture.places import bag_of, is_name
from lineage.carried import Placed
from lineage.constraints import validate
from lineage.contract.unnamed import of_other_tools
from lineage.core.writing import check_target, make_folder, write_whole
from lineage.draw import draw
from lineage.errors import UsageError
from lineage.expansion import EVERY, Expansion, Lines
from lineage.facts import Session
from lineage.findings import Finding, finding
from lineage.folder import How, gathered, pick
from lineage.intake import Progress
from lineage.mapping.cycles import without_cycles
from lineage.mapping.names import Ids, safe
from lineage.prov.document import Document, flattened

SESSION_FORMATS = ("json", "turtle")
COMBINED_FORMATS = ("json", "turtle", "trig")
COMBINED = "lineage"  # the stem of the combined files
PICTURE = "svg"
LONGEST = 200  # bytes of a session's id in the name of a file
SAMPLE = 1000  # lines of a file whose records are validated before all are written


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export read and wrote."""

    sessions: tuple[Session, ...]
    files: tuple[Path, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()  # what a format could not hold
    foreign: tuple[tuple[str, str], ...] = ()  # files of other tools that no session names, each with its format


def graphs_of(folder: Path) -> Path:
    """Where the combined graph goes: `graphs` beside a folder called `artifacts`, else inside the folder."""
    return folder.absolute().parent / "graphs" if folder.absolute().name == "artifacts" else folder / "graphs"


def export_folder(
    folder: Path,
    *,
    graphs: Path | None = None,
    output: Path | None = None,
    only: Sequence[str] = (),
    session: str | None = None,
    legacy: bool = False,
    recursive: bool = False,
    ids: Ids | None = None,
    allow_invalid: bool = False,
    recheck: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Exported:
    """Write the PROV of *folder*: a document a session beside its manifest, the combined graph and its picture to *graphs*.

    Nothing is written into folders inside *folder*: the documents of their sessions go into folders of the same names in *graphs*.

    Args:
        output: write everything there, and nothing into *folder*, sidecars included.
        only: format names, instead of those written by default.
        session: only the session whose id begins so; then nothing combined is written.
        legacy: files without metadata are accepted as unrecorded, which is no finding then.
        recursive: sessions in folders inside *folder* too.
        allow_invalid: write a document although PROV-CONSTRAINTS forbids it; it is a finding all the same.
        recheck: read every file, even one that did not change since it was read last.
        jobs: processes that read files of records. progress: is told of (bytes read, bytes to be read), now and then.

    Raises:
        NotFoundError: no such folder or session.
        UsageError: the beginning of the id fits several; a file would be written into a bag, through a link, or over a file that a session
            recorded. Nothing is written then.
        OSError: what has the name of a file to be written is a link, a device or a folder. Nothing is written then.
    """
    how = How(legacy=legacy, recheck=recheck, jobs=jobs, progress=progress, sidecars="missing" if output is None else "none")
    sessions, findings = gathered(folder, how, recursive=recursive)
    chosen = sessions if session is None else (pick(sessions, session),)
    foreign = of_other_tools(folder, sessions)
    if not sessions:
        return Exported((), (), findings, foreign=foreign)
    target = output or graphs or (_own_graphs(folder) if session is None else graphs_of(folder))
    writing = Writing(output or folder, target, _recorded(sessions))
    gate, ids = _Gate(allow_invalid), ids or Ids()
    document, circles, good = _good(sessions, ids, gate)
    wanted = {id(one) for _, one in chosen}
    for path, one, told in (part for part in good if id(part[1]) in wanted):
        writing.session(path.relative_to(folder), one, told, only or SESSION_FORMATS)
    notes = _combined(writing, document, only, gate) if session is None else ()
    return Exported(tuple(one for _, one in chosen), writing.all(), (*findings, *circles, *gate.findings), notes, foreign)


def _own_graphs(folder: Path) -> Path:
    """Where the combined graph goes if nobody says where. Raises UsageError where a link has that name."""
    graphs = graphs_of(folder)
    if graphs.is_symlink():
        hint = "remove it or make it a folder, or name another one with --output"
        raise UsageError("the folder of the graphs is a link; nothing was written", at=str(graphs), hint=hint)
    return graphs


def _recorded(sessions: Iterable[Placed]) -> set[str]:
    """Where the files are that sessions made."""
    return {os.path.realpath(place / one.path) for place, session in sessions for one in session.artifacts if is_name(one.path)}


class Writing:
    """The files of an export. All are checked before the first is written."""

    def __init__(self, folder: Path, graphs: Path, recorded: Collection[str] = ()) -> None:
        """Collect files for *folder*, and those of all sessions and of folders in it for *graphs*. Neither may be in a bag."""
        self._folder, self._graphs, self._recorded = folder, graphs, recorded
        self._files: list[tuple[Path, Path, Callable[[BinaryIO], object]]] = []  # path, the folder that was chosen, what fills it
        for place in (folder, graphs):
            if bag := bag_of(place):
                hint = "name a folder outside of it with --output"
                raise UsageError("a file in this BagIt bag would make it invalid; nothing was written", at=str(bag), hint=hint)

    def session(self, place: Path, session: Session, document: Document, names: Sequence[str]) -> None:
        """The document of a session in the folder *place* of the folder that is exported."""
        for name in names:
            root = self._folder if place == Path() else self._graphs
            self.add(root / place / f"{_stem(session)}{_suffix(name)}", root, lambda out, name=name: formats.dump(document, out, name))  # type: ignore[misc]

    def combined(self, suffix: str, write: Callable[[BinaryIO], object]) -> None:
        """A file of all sessions."""
        self.add(self._graphs / f"{COMBINED}{suffix}", self._graphs, write)

    def add(self, path: Path, root: Path, write: Callable[[BinaryIO], object]) -> None:
        """A file somewhere in *root*. Raises what `export_folder` does."""
        if os.path.realpath(path) in self._recorded:
            hint = "move it, or name another folder with --output"
            raise UsageError("a session recorded a file of this name; nothing was written", at=str(path), hint=hint)
        check_target(path, within=root)
        self._files.append((path, root, write))

    def all(self) -> tuple[Path, ...]:
        """Write the files and return where they are."""
        for path, root, write in self._files:
            make_folder(path.parent, within=root)
            write_whole(path, write, within=root)
        return tuple(path for path, _, _ in self._files)


def _good(placed: Sequence[Placed], ids: Ids, gate: _Gate) -> tuple[Document, tuple[Finding, ...], list[tuple[Path, Session, Document]]]:
    """What may be written: all sessions together, the circles that were left out of that, and each session with its document.

    What is valid together is valid alone, for PROV-CONSTRAINTS forbids only more where more is said. So each is judged only where all together are
    not valid, or where circles were left out, which may have hidden what is wrong.
    """
    document, circles = combined_document((one for _, one in placed), ids)
    alone = each_alone(placed, ids, document, circles)
    if not circles and not validate(flattened(document), COMBINED):
        return document, (), list(alone)
    good = [(path, one, told) for path, one, told in alone if gate.passes(told, _stem(one))]
    return *combined_document((one for _, one, _ in good), ids), good


def each_alone(
    placed: Sequence[Placed], ids: Ids, document: Document, circles: Sequence[Finding]
) -> Iterator[tuple[Path, Session, Document]]:
    """Each session with its document. It is what `combined_document` said of the session, unless circles were left out of that."""
    ordered = sorted(placed, key=lambda one: ids.bundle(one[1]))  # as the bundles are
    for (path, one), bundle in zip(ordered, document.read().bundles, strict=True):
        yield path, one, session_document(one, ids) if circles else Document(document.namespaces, bundle.statements)


class _Gate:
    """Lets valid documents through, and invalid ones if that is allowed; keeps what it found."""

    def __init__(self, allow_invalid: bool) -> None:
        self._allow_invalid = allow_invalid
        self.findings: list[Finding] = []

    def passes(self, document: Document, name: str) -> bool:
        """May *document* be written as *name*?"""
        found = validate(document, name)
        self.findings += found
        if found and not self._allow_invalid:
            self.findings.append(finding("prov-not-written", name))
        return not found or self._allow_invalid


def session_document(session: Session, ids: Ids | None = None) -> Document:
    """One session as a document that PROV-CONSTRAINTS allows."""
    return without_cycles(mapping.document(session, ids))[0]


def combined_document(sessions: Iterable[Session], ids: Ids | None = None) -> tuple[Document, tuple[Finding, ...]]:
    """All sessions, each in its bundle, and the circles that were left out."""
    return without_cycles(mapping.combined(sessions, ids))


def records_document(expansion: Expansion) -> Document:
    """A session with its records as a stream: to be written once."""
    told = session_document(expansion.session, expansion.ids)
    return Document(told.namespaces, chain(told.statements, expansion.batches()))


def export_records(folder: Path, *, session: str | None = None, lines: Lines = EVERY, only: Sequence[str] = (), file: str | None = None, ids: Ids | None = None, how: How = How()) -> Exported:  # fmt: skip  # noqa: B008  # it is frozen
    """Write each session of *folder* with its records one by one, to `session_<id>.records.*` beside its manifest.

    Args:
        session: only the session whose id begins so. lines: only these of each file. file: only this one, by its path in the folder.
        only: format names; Turtle and PROV-JSON if none is given.
    """
    placed, findings = gathered(folder, how)
    chosen = placed if session is None else (pick(placed, session),)
    writing, expansions = Writing(folder, folder, _recorded(placed)), []
    for place, one in chosen:
        expansion = Expansion(place, one, ids or Ids(), lines, file, how.recheck)
        wrong = validate(sampled(expansion), f"{_stem(one)}.records")
        findings = (*findings, *wrong, *([finding("prov-not-written", f"{_stem(one)}.records")] if wrong else []))
        for name in () if wrong else only or SESSION_FORMATS:
            target = place / f"{_stem(one)}.records{_suffix(name)}"
            writing.add(target, place, lambda out, e=expansion, name=name: formats.dump(records_document(e), out, name))  # type: ignore[misc]
        expansions.append(expansion)
    written = writing.all()
    findings = (*findings, *(one for expansion in expansions for one in expansion.findings.values()))
    return Exported(tuple(one for _, one in chosen), written, tuple(dict.fromkeys(findings)))


def sampled(expansion: Expansion) -> Document:
    """The session with the first records of each of its files: what is validated before a million are written."""
    first = expansion.lines.first
    last = min(first + SAMPLE - 1, expansion.lines.last or first + SAMPLE - 1)
    return records_document(replace(expansion, lines=Lines(first, last), findings={}))


def _stem(session: Session) -> str:
    """Return the name of the files of a session without a suffix. A long one is cut: a file name has at most 255 bytes."""
    if not session.manifest:
        return "session_unrecorded"
    name = safe(session.id)
    if len(name.encode()) <= LONGEST:
        return f"session_{name}"
    return f"session_{name.encode()[:LONGEST].decode(errors='ignore')}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _combined(writing: Writing, document: Document, only: Sequence[str], gate: _Gate) -> tuple[str, ...]:
    """Write the graph of all sessions, if it is valid; return notes on formats that cannot hold all of it."""
    notes: list[str] = []
    flat = flattened(document)
    if not all([gate.passes(document, COMBINED), gate.passes(flat, f"{COMBINED} without bundles")]):
        return ()
    for name in only or COMBINED_FORMATS:
        held = document if formats.by_name(name).holds_bundles else flat
        if held is not document:
            notes.append(
                f"{COMBINED}{_suffix(name)} holds the statements of all sessions without their bundles; {COMBINED}.trig keeps them apart"
            )
        writing.combined(_suffix(name), lambda out, held=held, name=name: formats.dump(held, out, name))  # type: ignore[misc]
    if not only:
        writing.combined(f".{PICTURE}", lambda out: out.write(draw(document).encode()))
    return tuple(notes)


def _suffix(name: str) -> str:
    """PROV-JSON is `.prov.json`, so that it is never taken for a manifest or a report."""
    return ".prov.json" if name == "json" else formats.by_name(name).suffixes[0]


def written_as(session: Session) -> dict[str, str]:
    """What the document of the session is called in each format, beside its manifest."""
    return {name: f"{_stem(session)}{_suffix(name)}" for name in formats.FORMATS}


def combined_as() -> dict[str, str]:
    """What the document of all sessions is called in each format, in the folder of the graphs."""
    return {name: f"{COMBINED}{_suffix(name)}" for name in formats.FORMATS}
