"""Strongly connected components and paths, without recursion: what depth a document has is not ours to choose."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def core(count: int, edges: Sequence[tuple[int, int]]) -> list[bool]:
    """Which of `count` nodes may lie on a cycle: what is left when nodes without a way in, or without a way out, are taken off."""
    kept = [True] * count
    for ahead in (True, False):
        _peel(kept, edges if ahead else [(b, a) for a, b in edges])
    return kept


def _peel(kept: list[bool], edges: Sequence[tuple[int, int]]) -> None:
    after: list[list[int]] = [[] for _ in kept]
    degree = [0] * len(kept)
    for one, other in edges:
        if kept[one] and kept[other]:
            after[one].append(other)
            degree[other] += 1
    ready = [node for node, n in enumerate(degree) if n == 0 and kept[node]]
    while ready:
        node = ready.pop()
        kept[node] = False
        for other in after[node]:
            degree[other] -= 1
            if degree[other] == 0:
                ready.append(other)


def component_of(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The number of each node's strongly connected component (Tarjan, with a stack of our own); -1 for a node off every cycle."""
    kept = core(count, edges)
    after: list[list[int]] = [[] for _ in range(count)]
    for one, other in edges:
        if kept[one] and kept[other]:
            after[one].append(other)
    return _tarjan(after, kept)


def _tarjan(after: list[list[int]], kept: list[bool]) -> list[int]:
    index, low, found, stack = [-1] * len(kept), [0] * len(kept), [-1] * len(kept), list[int]()
    clock = 0
    for root in (node for node, is_kept in enumerate(kept) if is_kept):
        work = [(root, 0)] if index[root] < 0 else []
        while work:
            node, n = work.pop()
            if n == 0:
                index[node] = low[node] = clock
                clock += 1
                stack.append(node)
            for n in range(n, len(after[node])):  # noqa: B020 - it goes on where it stopped
                other = after[node][n]
                if index[other] < 0:
                    work += [(node, n + 1), (other, 0)]
                    break
                if found[other] < 0:
                    low[node] = min(low[node], index[other])
            else:
                _leave(node, work, low, index, stack, found)
    return found


def _leave(node: int, work: list[tuple[int, int]], low: list[int], index: list[int], stack: list[int], found: list[int]) -> None:
    if low[node] == index[node]:
        while True:
            other = stack.pop()
            found[other] = node
            if other == node:
                break
    if work:
        parent = work[-1][0]
        low[parent] = min(low[parent], low[node])


def components(edges: Sequence[tuple[Node, Node]]) -> list[list[Node]]:
    """A cycle of each component that has one; its nodes in order, the first again at the end."""
    names = list(dict.fromkeys(node for edge in edges for node in edge))
    number = {name: n for n, name in enumerate(names)}
    numbered = [(number[a], number[b]) for a, b in edges]
    found = component_of(len(names), numbered)
    cycles = []
    for inside in within(found, numbered).values():
        a, b = numbered[inside[0]]
        cycles.append([names[n] for n in (a, *path((numbered[n] for n in inside), b, a))])
    return cycles


def within(found: Sequence[int], edges: Sequence[tuple[int, int]]) -> dict[int, list[int]]:
    """The edges inside each component, by their place in *edges*: in one pass, however many components there are."""
    inside: dict[int, list[int]] = {}
    for n, (one, other) in enumerate(edges):
        if found[one] >= 0 and found[one] == found[other]:
            inside.setdefault(found[one], []).append(n)
    return inside


def path(edges: Iterable[tuple[int, int]], start: int, goal: int) -> list[int]:
    """A shortest way from *start* to *goal*, both included."""
    after: dict[int, list[int]] = {}
    for one, other in edges:
        after.setdefault(one, []).append(other)
    came: dict[int, int] = {start: start}
    waiting = deque([start])
    while waiting and goal not in came:
        node = waiting.popleft()
        for other in after.get(node, ()):
            if other not in came:
                came[other] = node
                waiting.append(other)
    way = [goal]
    while way[-1] != start:
        way.append(came[way[-1]])
    return way[::-1]
