"""The nodes that a fault concerns: files by their digests, and of a file of which lines changed only the slices of these lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage.consequences.policy import Cause
from lineage.consequences.weighing import Consequences, consequences
from lineage.integrity.differences import Change
from lineage.mapping.names import Ids
from lineage.trace.graph import Graph
from lineage.trace.reading import Library, open_library
from lineage.trace.things import whole_number

_DIGEST = "-sha256-"


@dataclass(frozen=True, slots=True)
class Concerned:
    """Nodes of a graph, and for files of which single lines are concerned, how many."""

    numbers: tuple[int, ...] = ()
    lines: Mapping[int, int] | None = None


def by_digest(graph: Graph) -> dict[str, list[int]]:
    """Return the nodes of files and folders by their digests."""
    index: dict[str, list[int]] = {}
    for name, number in graph.index.items():
        before, mark, digest = name.rpartition(_DIGEST)
        if mark and before:
            index.setdefault(digest, []).append(number)
    return index


def concerned(graph: Graph, numbers: Iterable[int], changes: Sequence[Change] = ()) -> Concerned:
    """Return what is concerned of files: the slices of changed lines, or the whole file where a line was added or no slice is known."""
    files = tuple(dict.fromkeys(numbers))
    parts = {number: _parts(graph, number, changes) for number in files}
    narrowed = any(parts.values())
    count = len({change.before for change in changes})
    nodes = tuple(dict.fromkeys(part for number in files for part in (parts[number] or ((number,) if not narrowed else ()))))
    is_counted = changes and all(change.before is not None for change in changes)
    return Concerned(nodes, dict.fromkeys(files, count) if is_counted else None)


def _parts(graph: Graph, number: int, changes: Sequence[Change]) -> tuple[int, ...]:
    if not changes or any(change.before is None for change in changes):
        return ()
    lines = {change.before for change in changes if change.before is not None}
    parts = (one for one in graph.past[number] if graph.holder.get(one) == number)
    return tuple(part for part in parts if _has_any(graph.thing(part).lines, lines))


def _has_any(text: str | None, lines: set[int]) -> bool:
    """Is any of *lines* in `1-3, 7`?"""
    for part in (text or "").split(", "):
        first, _, last = part.partition("-")
        ends = whole_number(first), whole_number(last or first)
        if ends[0] is not None and ends[1] is not None and any(ends[0] <= line <= ends[1] for line in lines):
            return True
    return False


class Weighing:
    """A folder whose graph is read once, when the first consequences are asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._library: Library | None = None
        self._by_digest: dict[str, list[int]] = {}

    def of(self, digests: Iterable[str], changes: Sequence[Change] = (), cause: Cause = "content", manifest: str = "") -> Consequences:
        """Return what was made from the files of these digests; from changed lines alone, where they are named.

        Args:
            digests: SHA-256 of files and folders.
            changes: The lines of the file that changed.
            cause: Why they are concerned.
            manifest: The name of a manifest: all that its session made is concerned too.
        """
        if self._library is None:
            self._library = open_library(self._folder)
            self._by_digest = by_digest(self._library.graph)
        numbers = [number for digest in dict.fromkeys(digests) for number in self._by_digest.get(digest, ())]
        names = [Ids().session(one) for one in self._library.sessions if manifest and one.manifest == manifest]
        numbers += [self._library.graph.index[name] for name in names if name in self._library.graph.index]
        found = concerned(self._library.graph, numbers, changes)
        return consequences(self._library.graph, found.numbers, cause, found.lines)
