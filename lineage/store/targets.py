"""What can be asked: a graph in memory, one on disk, an endpoint. All answer alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from lineage.contract.below import nothing_recorded
from lineage.core import limits
from lineage.core.words import counted
from lineage.findings import Finding
from lineage.store.embedded import Memory, in_memory
from lineage.store.endpoint import Remote
from lineage.store.results import Answer
from lineage.store.saved import Saved
from lineage.store.sources import gather
from lineage.store.sparql import Bindings


class Target(Protocol):
    """Something that answers SPARQL."""

    def asked(self, query: str, bindings: Bindings | None = None, timeout: float | None = None) -> AbstractContextManager[Answer]:
        """The answer to *query*, with its parameters bound, while the block lasts."""


@contextmanager
def opened(
    paths: Sequence[Path],
    *,
    recursive: bool = False,
    store: Path | None = None,
    endpoint: str | None = None,
    memory: int = limits.QUERY_MEMORY,
) -> Iterator[tuple[Target, tuple[str, ...]]]:
    """What is to be asked, and notes on what was read.

    Args:
        paths: folders and PROV files. store: where the graph is kept; *paths* bring it up to date, without any it is asked as it is.
        endpoint: the URL of a SPARQL 1.1 endpoint, which is asked in place of both.
        memory: bytes that a query may take beside the graph; an endpoint has its own limit.

    Raises:
        NotFoundError: a path that is not there. NothingRecordedError: folders without a session. UsageError, FormatError: what a path holds cannot be read.
    """
    if endpoint is not None:
        yield Remote(endpoint), ()
        return
    if store is not None:
        yield Saved(store, memory), _brought_up_to_date(Saved(store), paths, recursive) if paths else ()
        return
    gathered = gather(paths, recursive=recursive)
    if not gathered.graphs and all(path.is_dir() for path in paths):
        raise nothing_recorded(paths[0], recursive="" if recursive else "-r")
    yield Memory(in_memory(gathered.graphs), memory), _notes(gathered.findings)


def _brought_up_to_date(saved: Saved, paths: Sequence[Path], recursive: bool) -> tuple[str, ...]:
    gathered = gather(paths, recursive=recursive)
    changes = saved.update(gathered.graphs)
    if not changes.written and not changes.removed:
        return _notes(gathered.findings)
    told = (
        f"{saved.path}: {counted(len(changes.written), 'session')} written, {len(changes.removed)} removed, {changes.unchanged} unchanged"
    )
    return (told, *_notes(gathered.findings))


def _notes(findings: Sequence[Finding]) -> tuple[str, ...]:
    if not findings:
        return ()
    kinds = ", ".join(f"{count} {code}" for code, count in sorted(Counter(one.code for one in findings).items()))
    return (f"{counted(len(findings), 'finding')} in the files ({kinds}); lineage audit names them",)
