"""The graph on disk.  A session is replaced as a whole, in one transaction; killed at any moment, the store holds the old one or the new.

    STORE/lock     readers share it, a writer has it alone (flock): the engine leaves a read beside a write undefined
    STORE/rdf      the engine's own files (RocksDB); a store that is filled for the first time is written to rdf.new, and renamed when it is whole

The digest of each graph is kept beside it, so a session that did not change is not written again. All of the engine's work on disk is
done in child processes: its threads would not survive a later fork.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import orjson
from pyoxigraph import Literal, NamedNode, Quad, Store

from lineage.core import limits
from lineage.core.reading import is_folder
from lineage.core.writing import make_folder, open_lock
from lineage.errors import LateError, LineageError, NotFoundError, UsageError
from lineage.store.child import Child, Left, reading, seconds
from lineage.store.embedded import evaluate, in_memory
from lineage.store.results import Answer
from lineage.store.sources import Graph
from lineage.store.sparql import Bindings, Dataset, form
from lineage.store.terms import guarded

DIGESTS = NamedNode("https://w3id.org/lineage-prov/store#digests")  # seen only by a query that names it in FROM; no source can write it
DIGEST = NamedNode("https://w3id.org/lineage-prov/store#sha256")
LOCK, RDF, NEW = "lock", "rdf", "rdf.new"
WAIT = 30.0  # seconds that a reader waits for a writer, and a writer for readers
STEP = 0.02  # seconds between two looks at the lock


@dataclass(frozen=True, slots=True)
class Changes:
    """What an update did: the names of the graphs that were written, and of those that left."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int


@dataclass(frozen=True, slots=True)
class Saved:
    """A store on disk. Raises NotFoundError when it is asked and there is none."""

    path: Path
    memory: int = limits.QUERY_MEMORY  # bytes that a query may take

    @contextmanager
    def asked(
        self,
        query: str,
        bindings: Bindings | None = None,
        timeout: float | None = None,
        dataset: Dataset | None = None,
        left: Left | None = None,
    ) -> Iterator[Answer]:
        """The answer to *query*, while the block lasts; a writer waits until then.

        Raises:
            UsageError: it is no query. LateError: it takes longer than *timeout* seconds. LineageError: another process writes for too long.
        """
        form(query)
        work = partial(_read, self.path / RDF, query, bindings or {}, dataset, self.memory)
        with (
            locked(self._there(), fcntl.LOCK_SH, seconds(timeout)),
            Child(work, timeout, left, self.memory) as child,
            reading(child) as found,
        ):
            yield found

    def _there(self) -> Path:
        if not is_folder(self.path / RDF):
            raise NotFoundError("no such store", at=str(self.path), hint="--in FOLDER fills it")
        return self.path

    def digests(self) -> dict[str, str]:
        """The graphs that are stored, each with its digest."""
        if not is_folder(self.path / RDF):
            return {}
        with locked(self.path, fcntl.LOCK_SH), Child(partial(_digests, self.path / RDF)) as child:
            known: dict[str, str] = orjson.loads(child.read())
            return known

    def update(self, graphs: Iterable[Graph]) -> Changes:
        """Make the store hold *graphs* and nothing else. Graphs that did not change are not written.

        Raises:
            UsageError: the path holds something else than a store. LineageError: others read or write it for too long.
        """
        self._ours()
        wanted = {graph.name: graph for graph in graphs}
        if DIGESTS.value in wanted:
            raise UsageError("a graph is called as the one that lineage keeps for itself", at=DIGESTS.value, hint="rename the bundle")
        now = {name: graph.digest for name, graph in wanted.items()}
        if self.digests() == now:
            return Changes((), (), len(now))
        make_folder(self.path)
        with locked(self.path, fcntl.LOCK_EX), Child(partial(_write, self.path / RDF, wanted, now)) as child:
            done = orjson.loads(child.read())
        return Changes(tuple(done["written"]), tuple(done["removed"]), len(now) - len(done["written"]))

    def _ours(self) -> None:
        """Refuse to fill a folder of somebody else's."""
        if self.path.exists() and not (self.path.is_dir() and {one.name for one in self.path.iterdir()} <= {LOCK, RDF, NEW}):
            raise UsageError("this is no store", at=str(self.path), hint="name a path that does not exist, or a store made with --store")


@contextmanager
def locked(path: Path, how: int, timeout: float | None = None) -> Iterator[None]:
    """Hold the store's lock, shared or alone. Raises LineageError when others hold it for more than `WAIT` seconds, LateError for *timeout*."""
    descriptor = open_lock(path / LOCK)
    try:
        _take(descriptor, how, path, timeout)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, how: int, path: Path, timeout: float | None) -> None:
    wait = min(WAIT, WAIT if timeout is None else timeout)
    until = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() > until:
                who = "another process writes it" if how == fcntl.LOCK_SH else "other processes read or write it"
                kind = LineageError if wait == WAIT else LateError
                raise kind(f"{who}, for more than {wait:g} seconds", at=str(path), hint="ask again when they are done") from error
        time.sleep(STEP)


def _opened(path: Path, *, writing: bool) -> Store:
    try:
        return Store(str(path)) if writing else Store.read_only(str(path))
    except (OSError, RuntimeError) as error:
        raise LineageError(
            f"the store cannot be opened: {error}", at=str(path), hint="delete it and fill it again: it is made from the artifacts"
        ) from error


def _read(path: Path, query: str, bindings: Bindings, dataset: Dataset | None, memory: int, out: BinaryIO) -> None:
    evaluate(_opened(path, writing=False), query, bindings, out, hidden=DIGESTS, dataset=dataset, memory=memory)


def _known(store: Store) -> dict[str, str]:
    quads = store.quads_for_pattern(None, DIGEST, None, DIGESTS)
    return {q.subject.value: q.object.value for q in quads if isinstance(q.subject, NamedNode) and isinstance(q.object, Literal)}


def _digests(path: Path, out: BinaryIO) -> None:
    out.write(orjson.dumps(_known(_opened(path, writing=False))))


def _write(path: Path, wanted: Mapping[str, Graph], now: Mapping[str, str], out: BinaryIO) -> None:
    """In the child: fill a store that is not there, else each changed graph in a transaction of its own."""
    try:
        written, removed = _replaced(path, wanted, now) if path.exists() else (_filled(path, wanted, now), [])
    except (OSError, RuntimeError, SyntaxError) as error:
        raise LineageError(f"the store cannot be written: {error}", at=str(path), hint="what was in it before is still there") from error
    out.write(orjson.dumps({"written": written, "removed": removed}))


def _filled(path: Path, wanted: Mapping[str, Graph], now: Mapping[str, str]) -> list[str]:
    """All at once, beside its place: the engine writes sorted files, several times faster than transactions."""
    new = path.with_name(NEW)
    shutil.rmtree(new, ignore_errors=True)  # what somebody who was killed has left
    store = _opened(new, writing=True)
    store.bulk_extend(in_memory(wanted.values()))
    store.bulk_extend(Quad(NamedNode(name), DIGEST, Literal(digest), DIGESTS) for name, digest in now.items())
    store.optimize()
    store.flush()
    del store
    new.rename(path)
    return list(now)


def _replaced(path: Path, wanted: Mapping[str, Graph], now: Mapping[str, str]) -> tuple[list[str], list[str]]:
    store = _opened(path, writing=True)
    before = _known(store)
    removed = [name for name in before if name not in now]
    written = [name for name, digest in now.items() if before.get(name) != digest]
    for name in removed:
        store.update(_leave(name))
    for name in written:
        leaving = [_leave(name)] if name in before else []
        store.update(";\n".join([*leaving, *_enter(wanted[name])]))
    store.flush()
    return written, removed


def _leave(name: str) -> str:
    """The graph leaves, and the merge loses what no other graph tells. (SPARQL 1.1 Update: one request is one transaction.)"""
    graph = NamedNode(name)
    return f"""DELETE {{ ?s ?p ?o }} WHERE {{ GRAPH {graph} {{ ?s ?p ?o }}
        FILTER NOT EXISTS {{ GRAPH ?other {{ ?s ?p ?o }} FILTER(?other != {graph} && ?other != {DIGESTS}) }} }};
    DROP SILENT GRAPH {graph};
    DELETE WHERE {{ GRAPH {DIGESTS} {{ {graph} {DIGEST} ?digest }} }}"""


def _enter(graph: Graph) -> Iterator[str]:
    """The graph's triples, the merge's, and its digest. Each text is an operation: its nodes without a name are its own."""
    name = NamedNode(graph.name)
    for text in graph.texts:
        yield f"INSERT DATA {{ GRAPH {name} {{ {guarded(text.decode())} }} }}"
    yield f"INSERT {{ ?s ?p ?o }} WHERE {{ GRAPH {name} {{ ?s ?p ?o }} }}"
    yield f'INSERT DATA {{ GRAPH {DIGESTS} {{ {name} {DIGEST} "{graph.digest}" }} }}'
