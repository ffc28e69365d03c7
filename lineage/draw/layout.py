"""Where each box stands: in layers, the past on the left; a long edge bends through the layers between.

The viewer's layout.js is the same algorithm, step for step, and gives the same numbers (a test compares them): change both.
Boxes are numbered from 0; an edge is (newer, older). Nothing here depends on the order of the edges.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lineage.draw.bands import Bands, rounded, wrapped
from lineage.draw.order import ordered

GAP_X, GAP_Y = 64.0, 18.0  # pixels between layers (an edge label fits) and between boxes of a layer
BEND = 10.0  # height that an edge takes where it passes through a layer
CAREFUL = 300  # boxes of a component, up to which edges get bends and crossings are counted
SWEEPS = 12  # of the heights; more moved nothing by a pixel on graphs of 1,000 boxes
WIDE = 1.7  # width to height that the components of a picture are packed to

Size = tuple[float, float]
Point = tuple[float, float]
Edge = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """Centres of the boxes, the points between that each edge passes (from its newer end), and the size of it all.

    An edge in `turned` leads from one row of layers to another: its points are corners, the first above or below its newer end.
    """

    centres: list[Point]
    routes: dict[Edge, list[Point]]
    turned: set[Edge]
    width: float
    height: float


def layout(sizes: Sequence[Size], edges: Sequence[Edge], gap_x: float = GAP_X, wrap: bool = False) -> Layout:
    """Place boxes of these sizes; every edge points left, unless it closes a circle. With *wrap* a long strip becomes rows, read like text."""
    told = sorted({edge for edge in edges if edge[0] != edge[1]})
    parts = [_component(members, sizes, inner, gap_x, wrap) for members, inner in _components(len(sizes), told)]
    return _packed(parts, len(sizes))


@dataclass(frozen=True, slots=True)
class _Part:
    """A component, laid out from its own corner."""

    centres: dict[int, Point]
    routes: dict[Edge, list[Point]]
    turned: list[Edge]
    width: float
    height: float


def _components(count: int, edges: list[Edge]) -> list[tuple[list[int], list[Edge]]]:
    """The boxes that hang together, in the order of their first box, with the edges among them."""
    root = list(range(count))

    def find(box: int) -> int:
        while root[box] != box:
            root[box] = root[root[box]]
            box = root[box]
        return box

    for source, target in edges:
        one, other = find(source), find(target)
        root[max(one, other)] = min(one, other)
    parts: dict[int, tuple[list[int], list[Edge]]] = {}
    for box in range(count):
        parts.setdefault(find(box), ([], []))[0].append(box)
    for edge in edges:
        parts[find(edge[0])][1].append(edge)
    return list(parts.values())


def _component(members: list[int], sizes: Sequence[Size], edges: list[Edge], gap_x: float, wrap: bool) -> _Part:
    number = {box: n for n, box in enumerate(members)}
    told = [(number[source], number[target]) for source, target in edges]
    forward = acyclic(len(members), told)
    layer = layers(len(members), forward)
    heights = [sizes[box][1] for box in members]
    chains = _chains(layer, heights, forward)
    columns = ordered(layer, list(chains.values()), len(members), len(members) <= CAREFUL)
    ys = _heights(columns, heights, list(chains.values()), len(members))
    widths = [sizes[box][0] for box in members]
    bands = wrapped(columns, widths, heights, ys, gap_x, wrap)
    return _part(members, layer, ys, chains, bands)


def _part(members: list[int], layer: list[int], ys: list[float], chains: dict[Edge, list[int]], bands: Bands) -> _Part:
    def at(box: int) -> Point:
        return rounded(bands.xs[layer[box]]), rounded(ys[box] + bands.down[layer[box]])

    centres = {box: at(n) for n, box in enumerate(members)}
    routes, turned = {}, []
    for (a, b), chain in chains.items():
        edge = (members[a], members[b])
        if bands.band[layer[a]] == bands.band[layer[b]]:
            routes[edge] = [at(bend) for bend in chain[1:-1]]
        else:
            turned.append(edge)
            routes[edge] = bands.turn(layer[a], layer[b], centres[edge[0]][0], centres[edge[1]][0])
    return _Part(centres, routes, turned, bands.width + bands.outside, bands.height)


def acyclic(count: int, edges: list[Edge]) -> list[Edge]:
    """The edges without those that close a circle, found by walking depth first from the highest number, which is mostly the newest."""
    targets: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        targets[source].append(target)
    state, at, kept = [0] * count, [0] * count, []  # state 1: on the way, 2: done
    for root in reversed(range(count)):
        stack = [root] if state[root] == 0 else []
        while stack:
            box = stack[-1]
            state[box] = 1
            if at[box] == len(targets[box]):
                state[box] = 2
                stack.pop()
                continue
            following = targets[box][at[box]]
            at[box] += 1
            if state[following] != 1:
                kept.append((box, following))
                if state[following] == 0:
                    stack.append(following)
    return sorted(kept)


def layers(count: int, edges: list[Edge]) -> list[int]:
    """The longest way to a box that has nothing before it; then boxes move right where that shortens more edges than it lengthens."""
    older: list[list[int]] = [[] for _ in range(count)]
    newer: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        older[source].append(target)
        newer[target].append(source)
    layer, waiting = [0] * count, [len(those) for those in older]
    order = [box for box in range(count) if not older[box]]
    for box in order:
        for source in newer[box]:
            layer[source] = max(layer[source], layer[box] + 1)
            waiting[source] -= 1
            if waiting[source] == 0:
                order.append(source)
    for box in reversed(order):
        if len(newer[box]) > len(older[box]):
            layer[box] = min(layer[source] for source in newer[box]) - 1
    return layer


def _chains(layer: list[int], heights: list[float], edges: list[Edge]) -> dict[Edge, list[int]]:
    """Each edge as the boxes and bends it passes; bends are added to *layer* and *heights*. A large component gets none."""
    careful, chains = len(layer) <= CAREFUL, {}
    for source, target in edges:
        bends = []
        for level in range(layer[source] - 1, layer[target], -1) if careful else ():
            bends.append(len(layer))
            layer.append(level)
            heights.append(BEND)
        chains[source, target] = [source, *bends, target]
    return chains


def _heights(columns: list[list[int]], heights: list[float], chains: list[list[int]], boxes: int) -> list[float]:
    """Each box as near to its neighbours' middle as the order of its column allows; edges between bends are kept straightest."""
    near: list[list[tuple[int, float]]] = [[] for _ in heights]
    for chain in chains:
        for one, other in pairwise(chain):
            weight = 1.0 + 3.0 * (one >= boxes) + 3.0 * (other >= boxes)
            near[one].append((other, weight))
            near[other].append((one, weight))
    weights = [sum(weight for _, weight in those) or 1.0 for those in near]
    ys = [0.0] * len(heights)
    for column in columns:
        _place(column, heights, [0.0] * len(column), weights, ys, boxes)
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 else reversed(columns):
            wish = [sum(ys[other] * weight for other, weight in near[box]) / weights[box] if near[box] else ys[box] for box in column]
            _place(column, heights, wish, weights, ys, boxes)
    top = min(y - heights[n] / 2 for n, y in enumerate(ys))
    return [rounded(y - top) for y in ys]


def _place(column: list[int], heights: list[float], wish: list[float], weights: list[float], ys: list[float], boxes: int) -> None:
    """Least squares under the order of the column: neighbours that would overlap move as one block (pool adjacent violators)."""
    blocks: list[list[float]] = []  # sum of weighted wishes less offsets, sum of weights, first member
    offsets = [0.0] * len(column)
    for n, box in enumerate(column):
        if n:
            before = column[n - 1]
            gap = GAP_Y if box < boxes and before < boxes else GAP_Y / 2
            offsets[n] = offsets[n - 1] + (heights[before] + heights[box]) / 2 + gap
        blocks.append([(wish[n] - offsets[n]) * weights[box], weights[box], n])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] >= blocks[-1][0] / blocks[-1][1]:
            total, weight, _ = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += weight
    for at, (total, weight, first) in enumerate(blocks):
        last = int(blocks[at + 1][2]) if at + 1 < len(blocks) else len(column)
        for n in range(int(first), last):
            ys[column[n]] = total / weight + offsets[n]


def _packed(parts: list[_Part], count: int) -> Layout:
    """The components in rows, as wide as makes the whole a picture and no strip."""
    area = sum((part.width + GAP_X) * (part.height + 2 * GAP_Y) for part in parts)
    limit = max([math.sqrt(area * WIDE), *(part.width for part in parts)])
    centres: list[Point] = [(0.0, 0.0)] * count
    routes: dict[Edge, list[Point]] = {}
    turned: set[Edge] = set()
    x = y = row = width = 0.0
    for part in sorted(parts, key=lambda part: len(part.centres) > 1):  # what stands alone stands together
        if x and x + part.width > limit:
            x, y, row = 0.0, y + row + 2 * GAP_Y, 0.0
        for box, (cx, cy) in part.centres.items():
            centres[box] = (rounded(cx + x), rounded(cy + y))
        for edge, points in part.routes.items():
            routes[edge] = [(rounded(cx + x), rounded(cy + y)) for cx, cy in points]
        turned.update(part.turned)
        width, row = max(width, x + part.width), max(row, part.height)
        x += part.width + GAP_X / 2
    return Layout(centres, routes, turned, rounded(width), rounded(y + row))
