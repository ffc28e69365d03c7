"""The walks over the graph: all that came before, all that came after, the shortest ways between. Breadth first and without recursion, so a
chain of any length and a circle in hostile input both end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping

from lineage.trace.graph import Graph

MOST_PATHS = 16  # shortest ways that are told; a lattice has more of them than anyone can read


def past(graph: Graph, start: Iterable[int], depth: int | None = None) -> dict[int, int]:
    """Every node that *start* came from, with its distance, nearest first; *start* itself at 0."""
    return _reached(graph.past, start, depth)


def future(graph: Graph, start: Iterable[int], depth: int | None = None) -> dict[int, int]:
    """Every node that came from *start*, with its distance, nearest first; *start* itself at 0."""
    return _reached(graph.future, start, depth)


def affected(graph: Graph, start: Iterable[int], depth: int | None = None) -> dict[int, int]:
    """As `future`, but that a file of records that were all carried over is entered through its slices alone: a file that went into a merge has no part
    in what was made of the merge if none of its records came through.
    """
    return _reached(graph.future, start, depth, entering(graph))


def entering(graph: Graph) -> Callable[[int, int], bool]:
    """Return the test whether `affected` goes from an older node to a newer one that came from it."""
    narrow = graph.carriers()
    return lambda older, newer: newer not in narrow or graph.holder.get(older) == newer


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
    distance = _reached(graph.past, starts, None)
    near = min((distance[goal] for goal in goals if goal in distance), default=None)
    if near is None:
        return []
    return _backwards(graph, distance, sorted(goal for goal in goals if distance.get(goal) == near))


def _backwards(graph: Graph, distance: Mapping[int, int], goals: list[int]) -> list[list[int]]:
    """Ways from distance 0 to each goal, walked from the goal: every step goes one nearer to the start, so none is a dead end."""
    found: list[list[int]] = []
    rest = deque([goal] for goal in goals)
    while rest and len(found) < MOST_PATHS:
        way = rest.pop()
        if distance[way[-1]] == 0:
            found.append(way[::-1])
            continue
        rest.extend([*way, one] for one in graph.future[way[-1]] if distance.get(one) == distance[way[-1]] - 1)
    return found
