"""The way from a result to the thing that it came from, on one line: `kept.jsonl <- filter <- gen.jsonl`.

Things and runs alternate. A slice is named as its file, a loaded model as the files that it was loaded from. Every name
is printable and on one line. The middle of a long chain is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lineage.mapping.names import LIN
from lineage.prov.terms import GENERATION, MEMBERSHIP, USAGE
from lineage.trace.graph import Graph
from lineage.trace.relations import PART

ARROW = " <- "
HEAD, TAIL = 8, 4  # names that are shown at both ends of a chain
_LOADED, _MODEL = LIN["LoadedModel"], LIN["Model"]


@dataclass(frozen=True, slots=True)
class _Way:
    """The names from a thing to its origin: the newest, the oldest, and how many there are."""

    head: tuple[str, ...]
    tail: tuple[str, ...]
    length: int

    def after(self, names: tuple[str, ...]) -> _Way:
        """Return the way with newer *names* in front; a name that repeats its neighbour is left out."""
        head, tail, length = self.head, self.tail, self.length
        for name in reversed(names):
            if head[:1] != (name,):
                tail = tail if length >= TAIL else (name, *tail)
                head, length = (name, *head)[: HEAD + TAIL], length + 1
        return _Way(head, tail, length)

    def __str__(self) -> str:
        if self.length <= HEAD + TAIL:
            return ARROW.join(self.head)
        between = f"({self.length - HEAD - TAIL:,} more)"
        return ARROW.join((*self.head[:HEAD], between, *self.tail))


class Chains:
    """The chains of one walk. Each node takes its way over the nearest node of the walk."""

    def __init__(self, graph: Graph, reached: Mapping[int, int]) -> None:
        """Read the walk: every node with its distance, the nearest first."""
        self._graph = graph
        self._reached = reached
        self._ways: dict[int, _Way] = {}
        self._with_slices = graph.carriers()
        for number, distance in reached.items():
            self._ways[number] = self._way(number, distance)

    def of(self, number: int) -> str:
        """Return the chain of a node; its own name where it is what was asked for or was not reached."""
        name = self._name(number)
        way = self._ways.get(number)
        return str(way.after((name,))) if way else name

    def _way(self, number: int, distance: int) -> _Way:
        origin = _Way((), (), 0)
        older = self._nearest(number, distance) if distance else None
        if older is None:
            return origin.after((self._name(number),))
        way = self._ways[older]
        if self._is_transparent(number, older):
            return way
        run = self._run_between(number, older)
        return way.after((self._name(number), self._name(run)) if run is not None else (self._name(number),))

    def _nearest(self, number: int, distance: int) -> int | None:
        """The node of the walk that is one step nearer; a file of carried records is reached through its own slices."""
        graph = self._graph
        nearer = [one for one in graph.past[number] if self._reached.get(one) == distance - 1]
        own = [one for one in nearer if graph.holder.get(one) == number]
        chosen = own if own and number in self._with_slices else nearer
        return min(chosen, key=self._rank, default=None)

    def _rank(self, number: int) -> tuple[bool, str, str]:
        is_session = LIN["Session"] in self._graph.types[number]
        return is_session, self._name(number), self._graph.names[number]

    def _is_transparent(self, number: int, older: int) -> bool:
        """Does the node only stand for the older one: a part for its folder, a loaded model for its load?"""
        graph = self._graph
        relation, types = graph.past[number][older], graph.types[number]
        if relation == PART or graph.holder.get(older) == number:
            return True
        return _LOADED in types or (_MODEL in types and relation == MEMBERSHIP.name)

    def _run_between(self, newer: int, older: int) -> int | None:
        """The run that made the newer thing and used the older one."""
        graph = self._graph
        if USAGE.name in (graph.past[newer][older],):
            return None
        source = graph.holder.get(older, older)
        runs = [graph.shown(one) for one, relation in graph.past[newer].items() if relation == GENERATION.name and one != older]
        using = [run for run in runs if graph.past[run].keys() & {older, source}]
        return min(using, key=lambda one: graph.names[one], default=None)

    def _name(self, number: int) -> str:
        graph = self._graph
        name = graph.thing(graph.holder.get(number, number)).name
        return name if name.isprintable() else "".join(one if one.isprintable() else repr(one)[1:-1] for one in name)
