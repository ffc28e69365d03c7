"""One record, followed: into the files that hold a copy of it, known by its `run_id` and `record_index`, and on to what used those files.

A file is read only if a slice of it was carried from one that holds the record. Where the file is not there to be read, it counts as one that
holds it, and a note says so. Files of records are entered through their records alone: a filter that dropped the record ends its way there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from lineage.capture.files import digest
from lineage.contract.lines import UnpackingError, numbered, text_of
from lineage.contract.slices import Slices
from lineage.contract.strict import loads
from lineage.facts import Json
from lineage.integrity.lines import metadata_of, record_in
from lineage.mapping.names import LIN, Ids
from lineage.trace.answers import Affected, Impact
from lineage.trace.graph import Graph
from lineage.trace.reading import Library
from lineage.trace.record import RecordFile
from lineage.trace.relations import CARRIED
from lineage.trace.things import RECORDS, texts, whole_number


def slices_of(library: Library, path: Path, line: int) -> tuple[int, ...]:
    """The node of the slice that the record of this line stands in, found by what the record says; several, where a document does not tell which;
    its file's, where no slices are known.

    Raises:
        NotFoundError: there is no such line, or the sessions do not tell of the file.
    """
    with RecordFile(path) as file:
        metadata = metadata_of(record_in(file.read(line)) or {})
    numbers = library.find(str(path))
    known = [part for number in numbers for part in _by_facts(library, number, metadata, line)]
    parts = [part for number in numbers for part in library.graph.whole(number)[1:]]
    fitting = known or [part for part in parts if _holds(library.graph.thing(part).lines or "", line)]
    return tuple(dict.fromkeys(fitting)) or numbers[:1]


def _by_facts(library: Library, number: int, metadata: Json, line: int) -> Iterator[int]:
    """The slice of the file that the record belongs to, as a session tells of its slices."""
    ids, name = library.ids or Ids(), library.graph.names[number]
    told = set(library.graph.sessions[number])
    for session in (one for one in library.sessions if one.id in told):
        for file in (*session.artifacts, *(one for run in session.activities for one in (*run.made, *run.used))):
            parts = [one for one in file.slices or () if one.lines]
            found = Slices(parts).number(metadata, line) if parts and ids.artifact(file, session) == name else None
            if found is not None:
                yield library.graph.index[ids.slice(name, parts[found])]
                return


def _holds(text: str, line: int) -> bool:
    """Is *line* one of `1-3, 7`?"""
    ends = ((first, last or first) for first, _, last in (part.partition("-") for part in text.split(", ")))
    known = ((whole_number(first), whole_number(last)) for first, last in ends)
    return any(first is not None and last is not None and first <= line <= last for first, last in known)


@dataclass(slots=True)
class _Record:
    """The record that is followed."""

    library: Library
    run_id: str | None
    number: object
    time: object  # a run that wrote several files numbers each anew: its records of one number differ in their times
    held: dict[int, int] = field(default_factory=dict)  # files that were looked at, and how often they hold it
    notes: list[str] = field(default_factory=list)
    unread: set[int] = field(default_factory=set)  # files that could not be looked at

    def is_in(self, file: int) -> bool:
        """Does the file hold the record? True where nobody can say."""
        if file not in self.held:
            self.held[file] = self._looked(file)
        return self.held[file] > 0

    def _looked(self, held: int) -> int:
        found = self._on_disk(held)
        if found is None or self.run_id is None or type(self.number) is not int:
            self.unread.add(held)
            self.notes.append(f"counted as holding it, for it could not be looked at: {self.library.graph.thing(held).name}")
            return 1
        lines = list(self._lines_in(found))
        self.notes += [f"a copy: {found}:{line}" for line in lines]
        return len(lines)

    def _lines_in(self, path: Path) -> Iterator[int]:
        if self.run_id is not None and type(self.number) is int:
            yield from _lines_with(path, self.run_id, self.number, self.time)

    def often(self, path: Path) -> int:
        """How often the file that was asked about holds it: once, where the record does not say which it is."""
        return max(1, sum(1 for _ in self._lines_in(path)))

    def _on_disk(self, number: int) -> Path | None:
        """The file, where one of the sessions that tell of it has it, if its bytes are still those."""
        digests = set(texts(self.library.graph.told[number], LIN["sha256"]))
        tried = (path for folder, path in self.library.paths(number) if path.is_file() and path.resolve().is_relative_to(folder.resolve()))
        return next((path for path in tried if digest(path)[0] in digests), None)


def _lines_with(path: Path, run_id: str, number: int, time: object) -> Iterator[int]:
    """The lines that hold the record of this run, number and time. Only lines that mention the run are parsed."""
    mark = run_id.encode()
    with text_of(path) as file:
        try:
            for at, line in numbered(file):
                if line and mark in line and _is(line, run_id, number, time):
                    yield at
        except UnpackingError:
            return


def _is(line: bytes, run_id: str, number: int, time: object) -> bool:
    value, _ = loads(line.strip())
    metadata = metadata_of(value) if isinstance(value, dict) else {}
    if metadata.get("run_id") != run_id or metadata.get("record_index") != number:
        return False
    return time is None or metadata.get("timestamp") in (None, time)


def _followed(graph: Graph, starts: Iterable[int], record: _Record, depth: int | None) -> dict[int, int]:
    """Every node that the record had a part in, with its distance."""
    with_slices = set(graph.holder.values())
    seen, distance = dict.fromkeys(starts, 0), 0
    layer = list(seen)
    while layer and (depth is None or distance < depth):
        distance += 1
        layer = [
            other
            for number in layer
            for other in graph.future[number]
            if other not in seen and _goes(graph, number, other, record, with_slices)
        ]
        seen |= dict.fromkeys(layer, distance)
    return seen


def _goes(graph: Graph, number: int, other: int, record: _Record, with_slices: set[int]) -> bool:
    """Does the way go from *number* on to *other*?"""
    if other in with_slices:
        return graph.holder.get(number) == other
    if RECORDS in graph.types[other]:  # of which nobody knows slices
        return record.is_in(other)
    return graph.past[other][number] != CARRIED or other not in graph.holder or record.is_in(graph.holder[other])


@dataclass(frozen=True, kw_only=True)
class RecordImpact(Impact):
    """All that came from one record. `records` is 1 where it was made, `copies` its copies in other files."""

    held: Mapping[int, int]  # files that a copy was carried to, and how often they hold it
    not_read: frozenset[int] = frozenset()  # of these, the ones that could not be looked at
    often: int = 1  # how often its own file holds it

    @cached_property
    def unread(self) -> frozenset[int]:
        """Files that may hold the record and could not be looked at."""
        return self.not_read

    @cached_property
    def files(self) -> tuple[Affected, ...]:
        """The files that hold the record."""
        graph, (start, *_) = self.graph, self.numbers
        mine = graph.holder.get(start, start)
        own = Affected(graph.thing(mine), self.often, 0 if start in graph.carried else 1)
        others = (Affected(graph.thing(one), count, 0) for one, count in self.held.items() if count and one != mine)
        return (own, *sorted(others, key=lambda one: (one.file.name, one.file.id)))


def impact_of_record(library: Library, path: Path, line: int, asked: str, depth: int | None) -> RecordImpact:
    """All that came from the record of a line. Raises NotFoundError where there is no such line, or no session tells of the file."""
    starts = slices_of(library, path, line)
    with RecordFile(path) as file:
        metadata = file.why(line).metadata
    run_id = metadata.get("run_id")
    record = _Record(library, run_id if isinstance(run_id, str) else None, metadata.get("record_index"), metadata.get("timestamp"))
    reached = _followed(library.graph, starts, record, depth)
    return RecordImpact(
        asked=asked,
        direction="future",
        graph=library.graph,
        numbers=starts,
        reached=reached,
        depth=depth,
        notes=tuple(sorted(record.notes)),
        held=record.held,
        not_read=frozenset(record.unread),
        often=record.often(path),
    )
