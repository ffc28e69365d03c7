"""The walks over the graph: all that came before, all that came after, the shortest ways between. Breadth first and without recursion, so a
chain of any length and a circle in hostile input both end."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from lineage.trace.graph import Graph

MOST_PATHS = 16  # shortest ways that are told; a lattice has more of them than anyone can read


def past(graph: Graph, start: Iterable[int], depth: int | None = None) -> dict[int, int]:
    """Return every node that *start* came from, with its distance, nearest first; *start* itself at 0.

    A file is among them if one of its slices is, unless that slice is part of what was asked for. The step from a file of
    carried records to its slices is not counted in *depth*.
    """
    begin = tuple(start)
    limit = None if depth is None else depth + (not graph.carriers().isdisjoint(begin))
    reached = _reached(graph.past, begin, limit, graph.goes)
    files: dict[int, int] = {}
    for number, distance in reached.items():
        file = graph.holder.get(number)
        if file is not None and distance and file not in reached:
            files.setdefault(file, distance)
    if not files:
        return reached
    return dict(sorted({**reached, **files}.items(), key=lambda item: item[1]))


def future(graph: Graph, start: Iterable[int], depth: int | None = None) -> dict[int, int]:
    """Return every node that came from *start*, with its distance, nearest first; *start* itself at 0."""
    return _reached(graph.future, start, depth, entering(graph))


def entering(graph: Graph) -> Callable[[int, int], bool]:
    """Return the test whether `future` goes from an older node to a newer one that came from it."""
    return lambda older, newer: graph.goes(newer, older)


def _anywhere(older: int, newer: int) -> bool:
    return True


def _reached(
    neighbours: list[dict[int, str]] | list[list[int]],
    start: Iterable[int],
    depth: int | None,
    goes: Callable[[int, int], bool] = _anywhere,
) -> dict[int, int]:
    seen = dict.fromkeys(start, 0)
    layer, distance = list(seen), 0
    while layer and (depth is None or distance < depth):
        distance += 1
        following = []
        for number in layer:
            for other in neighbours[number]:
                if other not in seen and goes(number, other):
                    seen[other] = distance
                    following.append(other)
        layer = following
    return seen


def ways(graph: Graph, newer: Iterable[int], older: Iterable[int]) -> list[list[int]]:
    """The shortest ways from *newer* back to *older*, each a list of nodes; at most `MOST_PATHS` of them, none if there is none."""
    goals, starts = set(older), set(newer)
    distance = _reached(graph.past, starts, None, graph.goes)
    near = min((distance[goal] for goal in goals if goal in distance), default=None)
    if near is None:
        return []
    found = _backwards(graph, distance, sorted(goal for goal in goals if distance.get(goal) == near))
    shown = {tuple(_by_files(graph, way)): None for way in found}
    return [list(way) for way in shown]


def _by_files(graph: Graph, way: list[int]) -> list[int]:
    """Return a way with files in place of their slices, where each step is a link then too."""
    files: list[int] = []
    for number in way:
        file = _file(graph, number)
        if not files or files[-1] != file:
            files.append(file)
    is_linked = all(older in graph.past[newer] for newer, older in itertools.pairwise(files))
    return files if is_linked and way[0] == files[0] else way


def _file(graph: Graph, number: int) -> int:
    return graph.holder.get(number, graph.shown(number))


def _backwards(graph: Graph, distance: Mapping[int, int], goals: list[int]) -> list[list[int]]:
    """Ways from distance 0 to each goal, walked from the goal: every step goes one nearer to the start, so none is a dead end."""
    found: list[list[int]] = []
    rest = deque([goal] for goal in goals)
    while rest and len(found) < MOST_PATHS:
        way = rest.pop()
        if distance[way[-1]] == 0:
            found.append(way[::-1])
            continue
        here = way[-1]
        nearer = (one for one in graph.future[here] if distance.get(one) == distance[here] - 1)
        rest.extend([*way, one] for one in nearer if graph.goes(one, here))
    return found
