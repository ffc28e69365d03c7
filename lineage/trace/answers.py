"""What the traversals answer, as plain frozen objects: `Lineage` (why), `Impact`, `Paths`. What is costly to tell is told when it is asked for."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from lineage.mapping.names import ID_BASE, LIN
from lineage.prov.terms import DERIVATION, GENERATION, MEMBERSHIP, USAGE
from lineage.trace import walks
from lineage.trace.graph import Graph
from lineage.trace.pictures import path_lines, svg, tree
from lineage.trace.things import METRIC, RECORDS, REPORT, SESSION, SLICE, Link, Thing

Direction = Literal["past", "future"]
_TRAINING, _TRANSFORMATION = LIN["Training"], LIN["Transformation"]
_DATA = frozenset({RECORDS, LIN["Dataset"]})
_NO_MODEL = frozenset({RECORDS, SLICE, METRIC, REPORT})


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """All that some things came from ("past"), or all that came from them ("future")."""

    asked: str
    direction: Direction
    graph: Graph = field(repr=False, compare=False)
    numbers: tuple[int, ...] = field(repr=False)  # nodes of the graph: what was asked for
    reached: Mapping[int, int] = field(repr=False)  # every node and its distance, nearest first
    depth: int | None = None  # steps that were followed; None: all
    notes: tuple[str, ...] = ()

    @cached_property
    def start(self) -> tuple[Thing, ...]:
        """What was asked for."""
        return tuple(self.graph.thing(number) for number in self.numbers)

    @cached_property
    def things(self) -> tuple[Thing, ...]:
        """All of it but the start, the nearest first."""
        shown = dict.fromkeys(map(self.graph.shown, self.reached))
        return tuple(self.graph.thing(number) for number in shown if number not in self.numbers)

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Every link between the start and the things."""
        names = self.graph.names
        return tuple(Link(names[newer], names[older], relation) for (newer, older), relation in self.edges.items())

    @cached_property
    def edges(self) -> dict[tuple[int, int], str]:
        """The links by number; a run and its doing are one."""
        found: dict[tuple[int, int], str] = {}
        for newer in self.reached:
            for older, relation in self.graph.past[newer].items():
                if older in self.reached:
                    pair = (self.graph.shown(newer), self.graph.shown(older))
                    if pair[0] != pair[1]:
                        found.setdefault(pair, relation)
        return found

    @cached_property
    def distances(self) -> dict[int, int]:
        """How far each node that is shown is from the start."""
        found: dict[int, int] = {}
        for number, distance in self.reached.items():
            found.setdefault(self.graph.shown(number), distance)
        return found

    @cached_property
    def branches(self) -> dict[int, dict[int, str]]:
        """Under each node the nodes that lie beyond it, by the relation that leads there."""
        found: dict[int, dict[int, str]] = defaultdict(dict)
        for (newer, older), relation in self.edges.items():
            here, beyond = (newer, older) if self.direction == "past" else (older, newer)
            found[here][beyond] = relation
        return dict(found)

    def __str__(self) -> str:
        return "\n".join(tree(self))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {"text/plain": str(self), "image/svg+xml": svg(self)}


@dataclass(frozen=True, slots=True)
class Affected:
    """A file of records, and how many of its records are concerned."""

    file: Thing
    records: int
    made: int  # of these, how many were made here, and not carried over from another file that is known

    @property
    def total(self) -> int | None:
        """All records of the file; None where nobody counted them."""
        return self.file.count


@dataclass(frozen=True, slots=True)
class Score:
    """A number of a report that is concerned."""

    metric: Thing
    report: Thing | None

    @property
    def value(self) -> float | None:
        """The number; None where none was recorded, or what a document calls one is none that JSON could hold."""
        try:
            value = float(self.metric.value) if self.metric.value is not None else math.nan
        except ValueError:
            return None
        return value if math.isfinite(value) else None


@dataclass(frozen=True, kw_only=True)
class Impact(Lineage):
    """All that came from some things, with the records and scores that are concerned.

    Attributes:
        settle: What would settle whether these things had a part in it; "" where they had.
    """

    settle: str = ""

    @cached_property
    def files(self) -> tuple[Affected, ...]:
        """Each file of records that was reached, by name; 0 records: it came from what is concerned, and holds none of it."""
        graph, holder, types = self.graph, self.graph.holder, self.graph.types
        told: dict[int, list[int]] = {number: [0, 0] for number in self.reached if RECORDS in types[number] or self._is_counted(number)}
        for number in holder.keys() & self.reached.keys():
            counts, held = told.setdefault(holder[number], [0, 0]), graph.counts.get(number, 0)
            counts[0] += held
            counts[1] += 0 if number in graph.carried else held
        found = (Affected(graph.thing(number), records, made) for number, (records, made) in self._whole(told))
        return tuple(sorted(found, key=lambda one: (one.file.name, one.file.id)))

    def _whole(self, told: dict[int, list[int]]) -> Iterator[tuple[int, list[int]]]:
        """A file whose slices nobody knows is concerned as a whole."""
        for number, counts in told.items():
            known = any(self.graph.holder.get(one) == number for one in self.graph.past[number])
            count = self.graph.counts.get(number, 0)
            yield number, counts if known else [count, 0 if self._is_copied(number) else count]

    def _is_counted(self, number: int) -> bool:
        """Is it a file that a run made, with counted records that name no run, as a wrapped command makes?"""
        return number in self.graph.counts and number not in self.graph.holder and bool(self._makers(number))

    def _is_copied(self, number: int) -> bool:
        """Did a transformation make it from records, so that they are counted where it took them from?"""
        graph = self.graph
        makers = [one for one in self._makers(number) if _TRANSFORMATION in graph.types[one]]
        return any(graph.counts.get(one) for maker in makers for one in graph.past[maker])

    def _makers(self, number: int) -> list[int]:
        """The runs that made it; a session is none."""
        graph = self.graph
        made_by = (graph.shown(one) for one, relation in graph.past[number].items() if relation == GENERATION.name)
        return [one for one in made_by if SESSION not in graph.types[one]]

    @cached_property
    def unread(self) -> frozenset[int]:
        """Files of records that could not be looked at, so that it is not known whether they are concerned."""
        return frozenset()

    @cached_property
    def outputs(self) -> tuple[Thing, ...]:
        """Every other file that a run made: neither records, a model, a part of a folder, nor the report of a score that is listed."""
        graph = self.graph
        listed = (
            {one.file.id for one in self.files} | {one.id for one in self.models} | {one.report.id for one in self.scores if one.report}
        )
        made = (one for one in self.reached if graph.names[one] not in listed and self._is_output(one))
        return tuple(sorted(map(graph.thing, made), key=lambda one: (one.name, one.id)))

    def _is_output(self, number: int) -> bool:
        graph = self.graph
        is_file = graph.names[number].removeprefix(ID_BASE).startswith(("file-", "folder-")) and not graph.types[number] & {SLICE, METRIC}
        is_part = any(graph.past[one].get(number) == MEMBERSHIP.name for one in graph.future[number])
        return is_file and not is_part and bool(self._makers(number))

    @cached_property
    def records(self) -> int:
        """How many records are concerned, each counted where it was made."""
        return sum(one.made for one in self.files)

    @cached_property
    def copies(self) -> int:
        """How many copies of records in other files are concerned besides."""
        return sum(one.records - one.made for one in self.files)

    @cached_property
    def scores(self) -> tuple[Score, ...]:
        """Every number of every report that is concerned."""
        found = (Score(self.graph.thing(number), self._report(number)) for number in self.reached if METRIC in self.graph.types[number])
        return tuple(sorted(found, key=lambda one: (one.report.name if one.report else "", one.metric.id)))

    def _report(self, metric: int) -> Thing | None:
        reports = (one for one, relation in self.graph.past[metric].items() if relation == "wasDerivedFrom")
        return next((self.graph.thing(one) for one in reports), None)

    @cached_property
    def models(self) -> tuple[Thing, ...]:
        """Every adapter or model, whatever a training made, that is concerned."""
        reached = dict.fromkeys((*self.reached, *self.numbers))
        found = (self.graph.thing(number) for number in reached if self._trained(number))
        return tuple(sorted(found, key=lambda one: (one.name, one.id)))

    def _trained(self, number: int) -> bool:
        types, made_by = self.graph.types, self.graph.past[number].items()
        trained = any(relation == GENERATION.name and _TRAINING in types[one] for one, relation in made_by)
        return trained and not types[number] & _NO_MODEL


@dataclass(frozen=True, kw_only=True)
class Paths:
    """The shortest ways between two things, each from the newer to the older, those with the most derivations first; none, where neither came from
    the other. Of very many at most `walks.MOST_PATHS` are told.
    """

    newer: tuple[Thing, ...]
    older: tuple[Thing, ...]
    ways: tuple[tuple[Link, ...], ...]
    graph: Graph = field(repr=False, compare=False)

    def __bool__(self) -> bool:
        return bool(self.ways)

    def __str__(self) -> str:
        return "\n".join(path_lines(self.graph, self.ways))


def why(graph: Graph, numbers: tuple[int, ...], asked: str, depth: int | None = None, direction: Direction = "past") -> Lineage:
    """All that the nodes came from, or with *direction* all that came from them."""
    if direction == "past":
        reached = walks.past(graph, numbers, depth)
        return Lineage(asked=asked, direction="past", graph=graph, numbers=numbers, reached=reached, depth=depth)
    start = tuple(dict.fromkeys(one for number in numbers for one in graph.whole(number)))
    reached = walks.future(graph, start, depth)
    return Lineage(asked=asked, direction="future", graph=graph, numbers=numbers, reached=reached, depth=depth)


def impact(graph: Graph, numbers: tuple[int, ...], asked: str, depth: int | None = None) -> Impact:
    """All that came from the nodes, to the slice: what was made of a merged file is concerned if records of it are."""
    start = tuple(dict.fromkeys(one for number in numbers for one in graph.whole(number)))
    reached = walks.future(graph, start, depth)
    return Impact(asked=asked, direction="future", graph=graph, numbers=numbers, reached=reached, depth=depth)


def unmade_data(found: Impact) -> tuple[Thing, ...]:
    """The data of every training that is not concerned, as far as anybody knows, of which no session tells how it was made."""
    graph = found.graph
    trainings = (number for number in range(len(graph.names)) if _TRAINING in graph.types[number] and number not in found.reached)
    used = {older for one in trainings for older, relation in graph.past[one].items() if relation == USAGE.name}
    unmade = (graph.thing(one) for one in used if not graph.past[one] and graph.types[one] & _DATA)
    return tuple(sorted(unmade, key=lambda one: (one.name, one.id)))


def path(graph: Graph, one: tuple[int, ...], other: tuple[int, ...]) -> Paths:
    """The shortest ways from *one* back to *other*, or where there is none, from *other* back to *one*."""
    whole = {number for start in other for number in graph.whole(start)}
    found, newer, older = walks.ways(graph, one, whole), one, other
    if not found:
        whole = {number for start in one for number in graph.whole(start)}
        found, newer, older = walks.ways(graph, other, whole), other, one
    ways = dict.fromkeys(tuple(_links(graph, way)) for way in found)
    ordered = sorted(
        ways, key=lambda way: (sum(link.relation != DERIVATION.name for link in way), [(link.newer, link.older) for link in way])
    )
    return Paths(newer=tuple(map(graph.thing, newer)), older=tuple(map(graph.thing, older)), ways=tuple(ordered), graph=graph)


def _links(graph: Graph, way: list[int]) -> Iterator[Link]:
    for newer, older in itertools.pairwise(way):
        if graph.names[newer] != graph.names[older]:
            yield Link(graph.names[newer], graph.names[older], graph.past[newer][older])
