"""A view laid out: each open group in a frame of its own, frames and boxes beside each other.

The viewer's compose.js is the same algorithm: change both.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from lineage.draw.bands import rounded
from lineage.draw.layout import Point, Size, layout
from lineage.draw.model import Model
from lineage.draw.view import Edge, View, box_of

PAD, HEAD = 16.0, 34.0  # pixels inside of a frame, and for its title
LABELLED = 40  # relations, up to which each has its name on it
GAP, WIDE_GAP = 56.0, 98.0  # pixels between layers, without and with names on the relations
ROOT = -1

Rect = tuple[float, float, float, float]  # left, top, width, height


@dataclass(slots=True)
class Placed:
    """Centres of items, frames of groups, and the points that each relation passes from its newer end on."""

    centres: dict[int, Point] = field(default_factory=dict)
    frames: dict[int, Rect] = field(default_factory=dict)
    routes: dict[Edge, list[Point]] = field(default_factory=dict)
    turned: set[Edge] = field(default_factory=set)  # relations whose points are corners
    width: float = 0.0
    height: float = 0.0


def compose(model: Model, seen: View) -> Placed:
    """Place everything that *seen* shows."""
    return _Composing(model, seen).placed()


class _Composing:
    def __init__(self, model: Model, seen: View) -> None:
        self._model, self._count = model, len(model.nodes)
        self._gap = gap(seen)
        frames = framed(model, seen)
        self._up = {item: self._outer(item, frames) for item in [*seen.items, *(self._count + group for group in frames)]}
        self._inside: dict[int, list[int]] = defaultdict(list)
        for item in sorted(self._up, key=self._turn):
            self._inside[self._up[item]].append(item)
        self._edges: dict[int, dict[Edge, list[Edge]]] = defaultdict(lambda: defaultdict(list))
        for edge in seen.edges:
            container, pair = self._level(edge)
            self._edges[container][pair].append(edge)

    def _turn(self, item: int) -> tuple[int, int]:
        """What is earlier comes first: things, rows of sessions, sessions."""
        row = item >= self._count and self._model.groups[item - self._count].kind in ("sessions", "common")
        return (0 if item < self._count else 1 if row else 2), item

    def _outer(self, item: int, frames: set[int]) -> int:
        """The frame that an item or a frame stands in."""
        group = self._model.nodes[item].group if item < self._count else self._model.groups[item - self._count].parent
        while group is not None and group not in frames:
            group = self._model.groups[group].parent
        return ROOT if group is None else self._count + group

    def _level(self, edge: Edge) -> tuple[int, Edge]:
        """The innermost frame that holds both ends, and which of its own boxes they are in."""
        over = {}
        at = edge[0]
        while at != ROOT:
            over[self._up[at]] = at
            at = self._up[at]
        at = edge[1]
        while self._up[at] not in over:
            at = self._up[at]
        return self._up[at], (over[self._up[at]], at)

    def placed(self) -> Placed:
        """Everything, from the corner of the picture."""
        return self._of(ROOT)

    def _of(self, container: int) -> Placed:
        inside = self._inside[container]
        parts = {item: self._of(item) for item in inside if item in self._inside}
        sizes = [self._size(item, parts) for item in inside]
        number = {item: n for n, item in enumerate(inside)}
        pairs = self._edges[container]
        flat = layout(sizes, [(number[a], number[b]) for a, b in pairs], self._gap, container == ROOT)
        found = Placed(width=flat.width, height=flat.height)
        for item, (x, y), (width, height) in zip(inside, flat.centres, sizes, strict=True):
            if item in parts:
                self._nest(found, item, parts[item], (rounded(x - width / 2), rounded(y - height / 2), width, height))
            else:
                found.centres[item] = (x, y)
        for (a, b), edges in pairs.items():
            for edge in edges:
                found.routes[edge] = flat.routes.get((number[a], number[b]), [])
                if (number[a], number[b]) in flat.turned:
                    found.turned.add(edge)
        return found

    def _size(self, item: int, parts: dict[int, Placed]) -> Size:
        box = box_of(self._model, item)
        if item not in parts:
            return box.width, box.height
        return max(box.width, parts[item].width + 2 * PAD), parts[item].height + HEAD + PAD

    def _nest(self, found: Placed, frame: int, part: Placed, rect: Rect) -> None:
        dx, dy = rect[0] + PAD, rect[1] + HEAD
        found.frames[frame - self._count] = rect
        found.centres |= {item: (rounded(x + dx), rounded(y + dy)) for item, (x, y) in part.centres.items()}
        found.frames |= {group: (rounded(x + dx), rounded(y + dy), w, h) for group, (x, y, w, h) in part.frames.items()}
        found.routes |= {edge: [(rounded(x + dx), rounded(y + dy)) for x, y in points] for edge, points in part.routes.items()}


def gap(seen: View) -> float:
    """Pixels between layers: as many as the names of the relations take, where they are written."""
    return WIDE_GAP if len(seen.edges) <= LABELLED else GAP


def framed(model: Model, seen: View) -> set[int]:
    """The open groups that have a frame: those that something of is drawn, if there is more than one."""
    if not seen.framed:
        return set()
    found: set[int] = set()
    for item in seen.items:
        group = model.nodes[item].group if item < len(model.nodes) else model.groups[item - len(model.nodes)].parent
        while group is not None and group not in found:
            found.add(group)
            group = model.groups[group].parent
    return found if len(model.groups) > 1 else set()
