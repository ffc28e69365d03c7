"""Where questions look: folders of artifacts, and PROV files of whatever format. Nothing of them is changed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lineage import formats, mapping
from lineage.core.reading import is_folder, is_there
from lineage.core.words import counted
from lineage.errors import NotFoundError, UsageError
from lineage.facts import Session
from lineage.findings import Finding
from lineage.folder import gathered
from lineage.mapping.cycles import without_cycles
from lineage.mapping.names import Ids
from lineage.prov.document import Document
from lineage.trace.checks import checking
from lineage.trace.graph import Graph, built, read
from lineage.trace.refined import refine
from lineage.trace.search import Search

DEFAULT = Path("artifacts")
Where = str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | Iterable[Session] | None


@dataclass(slots=True)
class Library:
    """Sessions or documents that were read, ready to be asked many times. Shows itself as the list of its sessions, and in a notebook as their picture."""

    graph: Graph
    search: Search
    sessions: tuple[Session, ...] = ()
    findings: tuple[Finding, ...] = ()
    folders: tuple[Path, ...] = ()  # as they were asked for
    places: Mapping[Path, frozenset[str]] = field(default_factory=dict)  # the ids of the sessions in each folder
    ids: Ids | None = None
    documents: tuple[Document, ...] = ()

    def find(self, text: str) -> tuple[int, ...]:
        """The nodes that *text* means. Raises NotFoundError and UsageError (see Search.find)."""
        return self.search.find(text, self.places)

    def paths(self, number: int) -> Iterator[tuple[Path, Path]]:
        """(folder, path): where a file may lie, by the sessions that tell of it and the folders that these are in."""
        told = frozenset(self.graph.sessions[number])
        for folder, sessions in self.places.items():
            if told & sessions:
                yield from ((folder, folder / place) for place in self.graph.thing(number).places)

    def __str__(self) -> str:
        told = (f"{one.id}  {one.status or '-':<11}  {one.title or ''}".rstrip() for one in self.sessions)
        recorded = sum(one.manifest is not None for one in self.sessions)
        where = counted(recorded, "session") if self.sessions else counted(len(self.documents), "document")
        return "\n".join([*told, f"{counted(len(self.graph.index), 'thing')} in {where}"])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from lineage.draw import draw  # a question needs no picture

        return {"text/plain": str(self), "image/svg+xml": draw(self.document())}

    def document(self) -> Document:
        """All of it as one document with a bundle a session, as `lineage export` writes it; documents are joined as they are."""
        if not self.documents:
            return without_cycles(mapping.combined(self.sessions, self.ids))[0]
        namespaces = {prefix: iri for one in reversed(self.documents) for prefix, iri in one.namespaces.items()}
        bundles = tuple(bundle for one in self.documents for bundle in one.bundles)
        return Document(namespaces, tuple(statement for one in self.documents for statement in one.statements), bundles)


def open_library(where: Where = None, *, recursive: bool = False, ids: Ids | None = None) -> Library:
    """What *where* holds: a folder, several, PROV files, or sessions; None is the folder `artifacts`.

    Raises:
        NotFoundError: a path is not there. UsageError: folders and PROV files together, or a file of no known format.
    """
    told = _told(where)
    sessions = tuple(one for one in told if isinstance(one, Session))
    paths = tuple(Path(one) for one in told if not isinstance(one, Session))
    for path in paths:
        if not is_there(path):
            raise NotFoundError("no such folder or file", at=str(path), hint="say --in PATH")
    folders = tuple(path for path in paths if is_folder(path))
    if len(folders) < len(paths):
        return _documents(paths, bool(folders or sessions))
    return _folders(folders, sessions, recursive, ids)


def _told(where: Where) -> list[Session | str | os.PathLike[str]]:
    if where is None:
        return [DEFAULT]
    return [where] if isinstance(where, str | os.PathLike) else list(where)


def _documents(paths: tuple[Path, ...], mixed: bool) -> Library:
    if mixed:
        raise UsageError("folders and PROV files cannot be asked together", at=str(paths[0]), hint="export the folder, and name that file")
    documents = tuple(formats.load_file(path).read() for path in paths)
    graph = refine(read((path.name, document) for path, document in zip(paths, documents, strict=True)))
    return Library(graph, Search(graph), documents=documents)


def _folders(folders: tuple[Path, ...], sessions: tuple[Session, ...], recursive: bool, ids: Ids | None) -> Library:
    placed, findings = gathered(folders, recursive=recursive)
    every = {one.id: one for one in (*sessions, *(one for _, one in placed))}
    graph = built(every.values(), ids)
    places = {
        folder: frozenset(one.id for place, one in placed if place == folder) for folder in dict.fromkeys(place for place, _ in placed)
    }
    graph.check = checking(places)
    return Library(graph, Search(graph), tuple(every.values()), findings, folders, places, ids)
