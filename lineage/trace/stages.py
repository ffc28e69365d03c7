"""The past of a thing as one line a run: what it made, of what, with what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Protocol

from lineage.core.words import counted
from lineage.mapping.names import LIN
from lineage.prov.terms import MEMBERSHIP, USAGE
from lineage.trace.pictures import Lineage, indent
from lineage.trace.relations import PART
from lineage.trace.things import SESSION, SLICE, Thing

SHOWN = 3  # things of a kind that a line names
_LOAD = LIN["ModelLoad"]
_LIBRARY = "software agent"
_LEFT_OUT = frozenset(
    {_LIBRARY, "session", "environment", "code version", "script", "slice", "loader config", "model load", "loaded model"}
)


class LinkedLineage(Lineage, Protocol):
    """A lineage with its links by number (answers.Lineage)."""

    @property
    def edges(self) -> Mapping[tuple[int, int], str]: ...


def stages(found: LinkedLineage) -> Iterator[str]:
    """Yield what was asked for, then each run on one line under a run that used what it made, then what is left out."""
    runs = _Runs(found)
    for thing in found.start:
        yield thing.text
    yield from runs.lines()
    roots = runs.roots()
    if roots:
        yield f"no run recorded for: {_listed(roots, 2 * SHOWN)}"
    counts = Counter(thing.type for thing in found.things if thing.type in _LEFT_OUT)
    if counts:
        kinds = ", ".join(
            counted(count, "library", "libraries") if kind == _LIBRARY else counted(count, kind) for kind, count in sorted(counts.items())
        )
        yield f"left out: {kinds} (--format tree shows them)"


class _Runs:
    """The runs in the past of what was asked for, each under the first run that used what it made."""

    def __init__(self, found: LinkedLineage) -> None:
        self._graph, self._numbers = found.graph, found.numbers
        self._past: dict[int, dict[int, str]] = {}
        for (newer, older), relation in found.edges.items():
            self._past.setdefault(newer, {})[older] = relation
        self._named: set[int] = set()

    def lines(self) -> Iterator[str]:
        """Yield a line for each run, under the run nearest to it in time that needs it."""
        below = self._below()
        shown: set[int] = set()
        rest: list[tuple[int, tuple[bool, ...]]] = []
        _push(rest, below.pop(None, []), ())
        while rest:
            number, lasts = rest.pop()
            if number not in shown:
                shown.add(number)
                yield f"{indent(lasts)}{self._text(number)}"
                _push(rest, below.get(number, []), lasts)

    def _below(self) -> dict[int | None, list[int]]:
        """The runs under each run; under None, those next to what was asked for."""
        first = [one for number in self._numbers for one in ([number] if self._is_run(number) else self._before(number))]
        needs: dict[int | None, list[int]] = {None: list(dict.fromkeys(first))}
        rest = list(needs[None])
        for run in rest:  # it grows
            if run not in needs:
                needs[run] = self._before(run)
                rest += needs[run]
        below: dict[int | None, list[int]] = {}
        for run, user in _last_users(needs).items():
            below.setdefault(user, []).append(run)
        return {user: sorted(runs, key=lambda one: self._graph.thing(one).text) for user, runs in below.items()}

    def roots(self) -> list[Thing]:
        """Return the files that a run used, and that no run is known to have made."""
        used = [older for newer in self._past if self._is_run(newer) or self._is_load(newer) for older in self._files(newer)]
        return [self._graph.thing(one) for one in dict.fromkeys(used) if not self._before(one)]

    def _is_run(self, number: int) -> bool:
        thing = self._graph.thing(number)
        return thing.kind == "activity" and not self._graph.types[number] & {SESSION, _LOAD}

    def _is_load(self, number: int) -> bool:
        return _LOAD in self._graph.types[number]

    def _before(self, number: int) -> list[int]:
        """The runs next before a node, over files, slices and model loads."""
        used = [one for one, relation in self._graph.past[number].items() if relation == USAGE.name] if self._is_run(number) else []
        reached, rest, runs = {number}, [number, *used], list[int]()
        while rest:
            for older in self._past.get(rest.pop(0), ()):
                if older in reached:
                    continue
                reached.add(older)
                if self._is_run(older):
                    runs.append(older)
                elif self._graph.thing(older).kind == "entity" or self._is_load(older):
                    rest.append(older)
        return sorted(runs, key=lambda one: self._graph.thing(one).text)

    def _files(self, run: int) -> list[int]:
        """The files that a run or a load used: the folder that a run made for the files in it, and no loaded model."""
        used = [older for older, relation in self._graph.past[run].items() if relation == USAGE.name]
        things = {one: self._graph.thing(one) for one in used}
        kept = [one for one, thing in things.items() if thing.kind == "entity" and thing.type not in _LEFT_OUT]
        return list(dict.fromkeys(self._folder(part) for one in kept for part in (self._members(one) or [one])))

    def _members(self, number: int) -> list[int]:
        """The files of a model."""
        past = self._past.get(number, {}).items()
        return [one for one, relation in past if relation == MEMBERSHIP.name and SLICE not in self._graph.types[one]]

    def _folder(self, number: int) -> int:
        return next((one for one, relation in self._past.get(number, {}).items() if relation == PART), number)

    def _text(self, run: int) -> str:
        past = self._past.get(run, {})
        loads = [older for one in past for older in self._past.get(one, ()) if self._is_load(older)]
        data = [self._graph.thing(one) for one in self._files(run)]
        models = [self._graph.thing(one) for load in dict.fromkeys(loads) for one in self._files(load)]
        agents = [self._graph.thing(one) for place in (run, *loads) for one in self._past.get(place, ())]
        named = [one for one in agents if one.type == "loader" or one.type.endswith("params")]
        parts = (
            f" of {_listed(data)}" if data else "",
            f", model files {_listed(models)}" if models else "",
            *(f", {thing.label}" for thing in dict.fromkeys(named)),
        )
        return f"{self._graph.thing(run).text}{''.join(parts)}"


def _last_users(needs: Mapping[int | None, list[int]]) -> dict[int, int | None]:
    """Return for each run the run furthest from the start that needs it. Runs in a circle, as hostile input has them, keep the first."""
    open_users = Counter(run for runs in needs.values() for run in runs)
    users: dict[int, int | None] = {run: user for user, runs in reversed(list(needs.items())) for run in runs}
    rest: list[int | None] = [None]
    for user in rest:  # it grows
        for run in needs[user]:
            users[run] = user
            open_users[run] -= 1
            if not open_users[run]:
                rest.append(run)
    return users


def _push(rest: list[tuple[int, tuple[bool, ...]]], numbers: list[int], lasts: tuple[bool, ...]) -> None:
    rest += [(one, (*lasts, one == numbers[-1])) for one in reversed(numbers)]


def _listed(things: list[Thing], most: int = SHOWN) -> str:
    names = list(dict.fromkeys(f"{thing.name} ({thing.count:,} records)" if thing.count is not None else thing.name for thing in things))
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
