"""In which order the boxes of a layer stand, so that few edges cross: barycentres, then exchanges of neighbours.

The viewer's order.js is the same algorithm: change both.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

ROUNDS = 10  # of sweeps both ways; more gained under one crossing in a hundred
PATIENCE = 3  # rounds without a gain before it ends
QUICK = 4  # rounds for a large component, whose crossings are not counted

Columns = list[list[int]]
Near = list[list[int]]


def ordered(layer: Sequence[int], chains: Sequence[Sequence[int]], boxes: int, careful: bool) -> Columns:
    """The boxes and bends of each layer from top to bottom. With *careful* the best order of three beginnings."""
    left: Near = [[] for _ in layer]  # one layer down, or where a long edge that has no bends ends
    right: Near = [[] for _ in layer]
    for chain in chains:
        for newer, older in pairwise(chain):
            left[newer].append(older)
            right[older].append(newer)
    first = _by_number(layer)
    if not careful:
        return _quick(first, left, right)
    beginnings = [first, _by_walk(layer, left, right, -1), _by_walk(layer, left, right, 1)]
    return min((_best(columns, left, right) for columns in beginnings), key=lambda tried: tried[0])[1]


def _by_number(layer: Sequence[int]) -> Columns:
    columns: Columns = [[] for _ in range(max(layer, default=-1) + 1)]
    for box, level in enumerate(layer):
        columns[level].append(box)
    return columns


def _by_walk(layer: Sequence[int], left: Near, right: Near, sign: int) -> Columns:
    """In the order in which a walk, depth first, from the newest (-1) or the oldest (1) comes to them: what hangs together begins together."""
    columns: Columns = [[] for _ in range(max(layer, default=-1) + 1)]
    seen = [False] * len(layer)
    for root in sorted(range(len(layer)), key=lambda box: (sign * layer[box], box)):
        stack = [root]
        while stack:
            box = stack.pop()
            if not seen[box]:
                seen[box] = True
                columns[layer[box]].append(box)
                stack += reversed(left[box] + right[box])
    return columns


def _places(columns: Columns) -> list[int]:
    places = [0] * sum(map(len, columns))
    for column in columns:
        for n, box in enumerate(column):
            places[box] = n
    return places


def _sweep(columns: Columns, near: Near, places: list[int], backward: bool) -> None:
    """Sort each layer by the middle of its neighbours on one side; a box without any keeps its place."""
    for column in reversed(columns) if backward else columns:
        keys = {box: sum(places[other] for other in near[box]) / len(near[box]) if near[box] else float(places[box]) for box in column}
        column.sort(key=keys.__getitem__)
        for n, box in enumerate(column):
            places[box] = n


def _quick(columns: Columns, left: Near, right: Near) -> Columns:
    places = _places(columns)
    for _ in range(QUICK):
        _sweep(columns, left, places, False)
        _sweep(columns, right, places, True)
    return columns


def _best(columns: Columns, left: Near, right: Near) -> tuple[int, Columns]:
    """Sweep and exchange until nothing is gained; returns the fewest crossings seen, and the order that has them."""
    places = _places(columns)
    best, kept, idle = crossings(columns, right, places), [column[:] for column in columns], 0
    for _ in range(ROUNDS):
        _sweep(columns, left, places, False)
        _sweep(columns, right, places, True)
        _exchange(columns, left, right, places)
        now = crossings(columns, right, places)
        if now < best:
            best, kept, idle = now, [column[:] for column in columns], 0
        else:
            idle += 1
        if best == 0 or idle == PATIENCE:
            break
    return best, kept


def _exchange(columns: Columns, left: Near, right: Near, places: list[int]) -> None:
    """Exchange neighbours of a layer as long as that takes crossings away."""
    changed, rounds = True, 0
    while changed and rounds < ROUNDS:
        changed, rounds = False, rounds + 1
        for column in columns:
            for n in range(len(column) - 1):
                upper, lower = column[n], column[n + 1]
                gain = _gain(left[upper], left[lower], places) + _gain(right[upper], right[lower], places)
                if gain > 0:
                    column[n], column[n + 1] = lower, upper
                    places[upper], places[lower] = n + 1, n
                    changed = True


def _gain(upper: list[int], lower: list[int], places: list[int]) -> int:
    """Crossings that go less those that come when two boxes, whose neighbours these are, change places."""
    gain = 0
    for one in upper:
        at = places[one]
        for other in lower:
            if at > places[other]:
                gain += 1
            elif at < places[other]:
                gain -= 1
    return gain


def crossings(columns: Columns, right: Near, places: Sequence[int]) -> int:
    """How often edges between neighbouring layers cross (Barth, Jünger and Mutzel's accumulator tree)."""
    total = 0
    for at, column in enumerate(columns[:-1]):
        width = len(columns[at + 1])
        ends = [end for box in column for end in sorted(places[other] for other in right[box])]
        tree = [0] * (width + 1)
        for seen, end in enumerate(ends):
            total += seen - _sum(tree, end + 1)
            spot = end + 1
            while spot <= width:
                tree[spot] += 1
                spot += spot & -spot
    return total


def _sum(tree: list[int], spot: int) -> int:
    total = 0
    while spot > 0:
        total += tree[spot]
        spot -= spot & -spot
    return total
