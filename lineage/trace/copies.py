"""Follow one record into the files that hold a copy of it, and on to what used those files.

A file is read only if a slice of it was carried from one that holds the record. Each line there that may be a copy is followed back, step by
step, to the record in question (steps.py). Where a file cannot be read, it counts as one that holds the record, and a note says so. Files of
records are entered through their records alone: a filter that dropped the record ends its way there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from lineage.capture.files import digest
from lineage.carried.matching import body, identity
from lineage.contract.lines import UnpackingError, holds_records, numbered, text_of
from lineage.contract.slices import Slices, key_of
from lineage.facts import Json, Session
from lineage.integrity.lines import metadata_of, record_in
from lineage.mapping.names import LIN, Ids
from lineage.prov.terms import GENERATION
from lineage.trace.answers import Affected, Impact
from lineage.trace.graph import Graph
from lineage.trace.reading import Library
from lineage.trace.record import RecordFile
from lineage.trace.relations import CARRIED
from lineage.trace.steps import Place, Steps
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
    """The record that is followed.

    Attributes:
        goals: Its lines, each with the digest of the file: equal lines cannot be told apart.
        held: Files that were looked at, and how often they hold it.
    """

    library: Library
    record: Json
    goals: set[tuple[str, int]]
    steps: Steps
    held: dict[int, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unread: set[int] = field(default_factory=set)  # files that could not be looked at
    _names: set[tuple[object, ...] | None] = field(default_factory=set)  # identities and contents of copies
    _bodies: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._learn(self.record)

    def _learn(self, record: Json) -> None:
        self._names |= {identity(record)} - {None}
        self._bodies.add(body(record))

    def is_in(self, file: int) -> bool:
        """Return whether the file holds the record; True where nobody can say."""
        if file not in self.held:
            self.held[file] = self._count(file)
        return self.held[file] > 0

    def _count(self, file: int) -> int:
        place = self._on_disk(file)
        if place is None:
            self.unread.add(file)
            self.notes.append(f"counted as holding it, for it could not be looked at: {self.library.graph.thing(file).name}")
            return 1
        lines = []
        for number, data, record in self._alike(place.path):
            if self._is_copy(place, number, data, record):
                lines.append(number)
                self._learn(record)
        self.notes += [f"a copy: {place.path}:{line}" for line in lines]
        return len(lines)

    def _is_copy(self, place: Place, number: int, data: bytes, record: Json) -> bool:
        found = self.steps.comes_from(place, number, data, record, self.goals)
        return found or (found is None and self._is_same(record))

    def _is_same(self, record: Json) -> bool:
        """Return whether the metadata name the same record; a run that wrote several files numbers each, so the times are compared too."""
        mine, other = metadata_of(self.record), metadata_of(record)
        if identity(record) is None or identity(record) != identity(self.record):
            return False
        return mine.get("timestamp") is None or other.get("timestamp") in (None, mine.get("timestamp"))

    def _alike(self, path: Path) -> Iterator[tuple[int, bytes, Json]]:
        """Yield the lines that may hold the record, edited or not: those with its identity, its content, or its bytes."""
        with text_of(path) as file, suppress(UnpackingError):
            for number, line in numbered(file):
                record = record_in(line) if line else None
                if line and record is not None and (identity(record) in self._names or body(record) in self._bodies):
                    yield number, line.rstrip(b"\r\n"), record

    def often(self, path: Path) -> int:
        """Return how often the file in question holds it: once, where the record does not say which it is."""
        return max(1, sum(self._is_same(record) for _, _, record in self._alike(path)))

    def _on_disk(self, number: int) -> Place | None:
        """The file, where one of the sessions that tell of it has it, if its bytes are still those."""
        digests = set(texts(self.library.graph.told[number], LIN["sha256"]))
        for folder, path in self.library.paths(number):
            if path.is_file() and path.resolve().is_relative_to(folder.resolve()) and digest(path)[0] in digests:
                return self.steps.place_of(path, folder)
        return None


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
    if RECORDS in graph.types[other] or _is_made_of_lines(graph, other):  # of which nobody knows slices
        return record.is_in(other)
    is_carried = other in graph.carried or graph.past[other][number] == CARRIED
    return not is_carried or other not in graph.holder or record.is_in(graph.holder[other])


def _is_made_of_lines(graph: Graph, number: int) -> bool:
    """Return whether a run made the node, a file of records that name no run, as a wrapped command makes it."""
    is_counted = number in graph.counts and number not in graph.holder
    is_made = any(relation == GENERATION.name for relation in graph.past[number].values())
    return is_counted and is_made and any(holds_records(Path(place)) for place in graph.thing(number).places)


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
        content = file.why(line).record
    record = _Record(library, content, _equal_lines(path, line, content), Steps(_placed(library)))
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


def _equal_lines(path: Path, line: int, record: Json) -> set[tuple[str, int]]:
    """The lines of a file that hold an equal record."""
    sha256, content = digest(path)[0], key_of(record)
    lines = {line}
    with text_of(path) as file, suppress(UnpackingError):
        for number, text in numbered(file):
            other = record_in(text) if text else None
            if other is not None and key_of(other) == content:
                lines.add(number)
    return {(sha256, number) for number in lines}


def _placed(library: Library) -> list[tuple[Path, Session]]:
    sessions = {one.id: one for one in library.sessions}
    return [(folder, sessions[name]) for folder, names in library.places.items() for name in sorted(names) if name in sessions]
