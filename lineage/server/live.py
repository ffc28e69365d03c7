"""What is served, as it is now: made when it is first asked for, and anew when the files have changed since.

What changed is told by names, sizes and times of the files; who asks meanwhile waits for the one that is made.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from pyoxigraph import NamedNode, Quad, RdfFormat, serialize

from lineage import formats
from lineage.consequences.steps import with_steps
from lineage.draw.packed import packed
from lineage.draw.reading import model
from lineage.draw.view import Wish
from lineage.errors import NotFoundError
from lineage.integrity.index import FOLDER as SIDECARS
from lineage.prov.document import Document
from lineage.server.settings import Settings
from lineage.store.child import FORKING
from lineage.store.embedded import Memory, in_memory
from lineage.store.saved import Saved
from lineage.store.sources import gather
from lineage.subject import Subject, subject

_EVERYTHING = "SELECT ?g ?s ?p ?o { GRAPH ?g { ?s ?p ?o } }"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Explorer:
    """The explorer's data as JSON, and the files that it may ask for by the end of their ids."""

    version: str
    data: bytes
    files: dict[str, Path] = field(default_factory=dict)


class _Kept(Generic[T]):
    """A thing that is good for one version."""

    def __init__(self, make: Callable[[str], T]) -> None:
        self._make, self._lock = make, threading.Lock()
        self._found: tuple[str, T] | None = None

    def get(self, version: str) -> T:
        """It, made if it is of another version."""
        with self._lock:
            if self._found is None or self._found[0] != version:
                self._found = (version, self._make(version))
            return self._found[1]


class Live:
    """A folder, PROV file or store. Raises NotFoundError when it is not there, now or later."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._explorer, self._graph = _Kept(self._read), _Kept(self._gathered)
        self.version()

    @property
    def title(self) -> str:
        """What the page is called."""
        place = self._settings.place or self._settings.store or Path()
        return place.resolve().name or str(place)

    def version(self) -> str:
        """Another text when something may have changed."""
        place = self._settings.place
        if place is None:
            return _digest(sorted(self._saved().digests().items()))
        if not place.exists():
            raise NotFoundError(
                "no such folder or file", at=str(place), hint="name the folder that holds the session manifests, or a PROV file"
            )
        return _digest(_stats(place))

    def explorer(self) -> Explorer:
        """What the explorer shows now."""
        return self._explorer.get(self.version())

    def target(self) -> Memory | Saved:
        """What is asked now. A store without a folder is asked as it is."""
        return self._saved() if self._settings.place is None else self._graph.get(self.version())

    def file(self, name: str) -> Path:
        """The file of the folder whose id ends so. Raises NotFoundError; a link that leads out of the folder is none."""
        path = self.explorer().files.get(name)
        root = (self._settings.place or Path()).resolve()
        if path is None or not path.is_file() or not path.resolve().is_relative_to(root):
            raise NotFoundError("no such file in the folder", at=name, hint="reload the explorer: the folder may have changed")
        return path

    def _saved(self) -> Saved:
        store = self._settings.store or Path()
        if self._settings.place is None and not store.is_dir():
            raise NotFoundError("no such store", at=str(store), hint="lineage query --in FOLDER --store PATH fills it")
        return Saved(store)

    def _read(self, version: str) -> Explorer:
        place = self._settings.place
        found = Subject(_of_store(self._saved())) if place is None else subject(place, recursive=self._settings.recursive)
        made = model(found.document, findings=found.findings, metadata=found.metadata)
        made = with_steps(made, found.sessions, found.document)
        text = json.dumps(packed(made, Wish()), ensure_ascii=False, separators=(",", ":"))
        return Explorer(version, text.encode("utf-8", "replace"), {id_.rpartition("/")[2]: path for id_, path in found.files.items()})

    def _gathered(self, _: str) -> Memory | Saved:
        graphs = gather([self._settings.place or Path()], recursive=self._settings.recursive).graphs
        if self._settings.store is not None:
            Saved(self._settings.store).update(graphs)
            return Saved(self._settings.store)
        with FORKING:
            return Memory(in_memory(graphs))


def _digest(rows: object) -> str:
    return hashlib.sha256(repr(rows).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _stats(place: Path) -> list[tuple[str, int, int]]:
    """Name, time and size of each file that may be read; sidecars are ours, and change when we read."""
    if place.is_file():
        return [_stat(place.stat(), str(place))]
    return sorted(_seen(place))


def _stat(found: os.stat_result, name: str) -> tuple[str, int, int]:
    return name, found.st_mtime_ns, found.st_size


def _seen(folder: Path) -> Iterator[tuple[str, int, int]]:
    """The files of a folder and of those in it: an artifact may be a folder, of weights. What goes or is closed to us meanwhile is not there."""
    with suppress(FileNotFoundError, PermissionError), os.scandir(folder) as entries:
        for one in entries:
            if one.is_dir(follow_symlinks=False):
                yield from _seen(Path(one.path)) if one.name != SIDECARS else ()
                continue
            with suppress(FileNotFoundError):
                yield _stat(one.stat(follow_symlinks=False), one.path)


def _of_store(saved: Saved) -> Document:
    """The graphs of a store as the bundles of a document."""
    with saved.asked(_EVERYTHING) as found:
        quads = (Quad(s, p, o, g) for g, s, p, o in found.rows if isinstance(g, NamedNode))  # type: ignore[arg-type]  # a quad has no gaps
        return formats.loads(serialize(quads, format=RdfFormat.N_QUADS) or b"", "nquads")
