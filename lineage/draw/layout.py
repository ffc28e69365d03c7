"""Where each node stands: in layers, the past on the left; a long edge bends through the layers between."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

GAP_X, GAP_Y = 96, 26  # pixels between layers (an edge label fits) and between nodes of a layer
BEND = 14  # height that an edge takes where it passes through a layer
SWEEPS = 12  # of the barycentre; more changed nothing on graphs of 1,000 nodes

Size = tuple[float, float]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Layout:
    """Centres of the nodes, the points each edge passes, and the size of it all."""

    centres: Mapping[str, Point]
    routes: Mapping[tuple[str, str], tuple[Point, ...]]
    width: float
    height: float


def layout(sizes: Mapping[str, Size], edges: Sequence[tuple[str, str]]) -> Layout:
    """Place nodes of these sizes; every edge (newer, older) points left, unless it closes a circle."""
    forward = _acyclic(sorted(sizes), sorted(set(edges)))
    layer = _layers(sorted(sizes), forward)
    full, chains = _with_bends(dict(sizes), layer, forward)
    columns = _ordered(layer, full, chains)
    ys = _heights(columns, full, chains)
    xs = _columns(columns, full)
    centres = {node: (xs[layer[node]], ys[node]) for node in sizes}
    routes = {edge: tuple((xs[layer[bend]], ys[bend]) for bend in chain[1:-1]) for edge, chain in chains.items()}
    width = max((x + sizes[node][0] / 2 for node, (x, _) in centres.items()), default=0.0)
    return Layout(centres, routes, width, max((ys[node] + full[node][1] / 2 for node in full), default=0.0))


def _acyclic(nodes: list[str], edges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The edges without those that close a circle, found by walking depth first in order."""
    targets = defaultdict(list)
    for source, target in edges:
        targets[source].append(target)
    state: dict[str, int] = {}  # 1: on the way, 2: done
    kept = []
    for root in nodes:
        stack = [(root, iter(targets[root]))] if root not in state else []
        state.setdefault(root, 1)
        while stack:
            node, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                state[node] = 2
                stack.pop()
            elif state.get(following) != 1:
                kept.append((node, following))
                if following not in state:
                    state[following] = 1
                    stack.append((following, iter(targets[following])))
    return kept


def _layers(nodes: list[str], edges: list[tuple[str, str]]) -> dict[str, int]:
    """The longest way to a node that has nothing before it; such a node then moves right, next to the first that needs it."""
    before, after = defaultdict(list), defaultdict(list)
    for source, target in edges:
        before[source].append(target)
        after[target].append(source)
    order = list(TopologicalSorter({node: before[node] for node in nodes}).static_order())
    layer: dict[str, int] = {}
    for node in order:
        layer[node] = max((layer[target] + 1 for target in before[node]), default=0)
    for node in order:
        if not before[node] and after[node]:
            layer[node] = min(layer[source] for source in after[node]) - 1
    return layer


def _with_bends(
    sizes: dict[str, Size], layer: dict[str, int], edges: list[tuple[str, str]]
) -> tuple[dict[str, Size], dict[tuple[str, str], list[str]]]:
    chains = {}
    for n, (source, target) in enumerate(edges):
        bends = [f"\0{n}.{level}" for level in range(layer[source] - 1, layer[target], -1)]
        for level, bend in zip(range(layer[source] - 1, layer[target], -1), bends, strict=True):
            layer[bend], sizes[bend] = level, (0.0, BEND)
        chains[source, target] = [source, *bends, target]
    return sizes, chains


Neighbours = Mapping[str, list[str]]


def _neighbours(chains: Mapping[tuple[str, str], list[str]]) -> tuple[Neighbours, Neighbours]:
    left, right = defaultdict(list), defaultdict(list)
    for chain in chains.values():
        for newer, older in itertools.pairwise(chain):
            left[newer].append(older)
            right[older].append(newer)
    return left, right


def _ordered(layer: Mapping[str, int], sizes: Mapping[str, Size], chains: Mapping[tuple[str, str], list[str]]) -> list[list[str]]:
    columns: list[list[str]] = [[] for _ in range(max((layer[node] for node in sizes), default=-1) + 1)]
    for node in sorted(sizes):
        columns[layer[node]].append(node)
    left, right = _neighbours(chains)
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            place = {node: n for other in columns for n, node in enumerate(other)}
            near = left if sweep % 2 == 0 else right
            column.sort(key=lambda node, near=near, place=place: (_mean([place[other] for other in near[node]], place[node]), node))  # type: ignore[misc]
    return columns


def _mean(values: list[int], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _heights(columns: list[list[str]], sizes: Mapping[str, Size], chains: Mapping[tuple[str, str], list[str]]) -> dict[str, float]:
    """Each node as near to its neighbours' middle as the order of its column allows."""
    left, right = _neighbours(chains)
    ys: dict[str, float] = {}
    for column in columns:
        _place(column, sizes, dict.fromkeys(column, 0.0), ys)
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 else reversed(columns):
            near = {node: left[node] + right[node] for node in column}
            wish = {node: sum(ys[other] for other in near[node]) / len(near[node]) if near[node] else ys[node] for node in column}
            _place(column, sizes, wish, ys)
    top = min((ys[node] - sizes[node][1] / 2 for node in ys), default=0.0)
    return {node: y - top for node, y in ys.items()}


def _place(column: list[str], sizes: Mapping[str, Size], wish: Mapping[str, float], ys: dict[str, float]) -> None:
    """Least squares under the order of the column: neighbours that would overlap move as one block (pool adjacent violators)."""
    blocks: list[tuple[float, int, list[tuple[str, float]]]] = []  # sum of wishes less offsets, count, members with offsets
    offset = 0.0
    for n, node in enumerate(column):
        if n:
            offset += (sizes[column[n - 1]][1] + sizes[node][1]) / 2 + GAP_Y
        blocks.append((wish[node] - offset, 1, [(node, offset)]))
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] >= blocks[-1][0] / blocks[-1][1]:
            total, count, members = blocks.pop()
            blocks[-1] = (blocks[-1][0] + total, blocks[-1][1] + count, blocks[-1][2] + members)
    for total, count, members in blocks:
        for node, down in members:
            ys[node] = round(total / count + down, 1)


def _columns(columns: list[list[str]], sizes: Mapping[str, Size]) -> list[float]:
    xs, right = [], 0.0
    for column in columns:
        width = max((sizes[node][0] for node in column), default=0.0)
        xs.append(round(right + width / 2, 1))
        right += width + GAP_X
    return xs
