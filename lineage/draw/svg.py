"""The picture as SVG, by PROV's graph conventions: entity a yellow ellipse, activity a blue rectangle, agent an orange house.

Every text is escaped, nothing refers to anything outside the file but links that are safe to follow.
"""

from __future__ import annotations

import hashlib
from html import escape

from lineage.draw.compose import LABELLED, Placed, compose
from lineage.draw.layout import Point, Size
from lineage.draw.legend import Legend, legend, title
from lineage.draw.model import Box, Model, Node
from lineage.draw.paths import around, ends, named, path, turned
from lineage.draw.style import FILL, FRAME, LINE, colour
from lineage.draw.text import clean, width
from lineage.draw.view import Edge, View, box_of

MARGIN, TOP = 24.0, 58.0  # pixels around the picture, and for its title
NARROWEST = 560.0  # pixels that the legend needs
TITLE = 40  # lines of a tooltip
_FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif"


def text(value: str) -> str:
    """*value* as XML text, in one line."""
    return escape(clean(value))


def svg(model: Model, seen: View) -> str:
    """The whole file."""
    placed = compose(model, seen)
    return _Drawing(model, seen, placed).whole()


class _Drawing:
    def __init__(self, model: Model, seen: View, placed: Placed) -> None:
        self._model, self._seen, self._placed = model, seen, placed
        told = repr((model.title, seen.items, sorted(seen.edges), [box_of(model, item) for item in seen.items]))
        self._key = "l" + hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:8]  # two pictures on a page do not meet
        self._problems: dict[int, list[str]] = {}  # by what stands for the nodes that they concern
        for problem in model.problems:
            for item in {place for node in problem.nodes if (place := seen.places[node]) is not None}:
                self._problems.setdefault(item, []).append(problem.text)

    def whole(self) -> str:
        wide = max(self._placed.width, NARROWEST) + 2 * MARGIN
        under = legend(self._model, self._seen, wide - 2 * MARGIN, bool(self._placed.turned))
        height = TOP + self._placed.height + 26 + under.height + MARGIN
        frames = [self._frame(group) for group in sorted(self._placed.frames, reverse=True)]
        lines = [self._line(edge) for edge in self._seen.edges]
        boxes = [self._box(item) for item in self._seen.items]
        names = [self._name(edge) for edge in self._seen.edges] if len(self._seen.edges) <= LABELLED else []
        parts = [self._head(wide, height, under), self._markers(), self._title(), *frames, *lines, *boxes, *names]
        return "\n".join([*parts, under.at(MARGIN, height - under.height - MARGIN), "</svg>\n"])

    def _head(self, width: float, height: float, under: Legend) -> str:
        told = f"{len(self._seen.items)} things and {len(self._seen.edges)} relations; arrows point to the past. {under.words}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
            f'role="img" aria-labelledby="{self._key}t {self._key}d" font-family="{_FONT}">\n'
            f'<title id="{self._key}t">{text(title(self._model, self._seen))}</title>\n<desc id="{self._key}d">{text(told)}</desc>\n'
            '<rect width="100%" height="100%" fill="#FFFFFF"/>'
        )

    def _markers(self) -> str:
        colours = sorted({colour(terms) for terms in self._seen.edges.values()})
        made = "".join(
            f'<marker id="{self._key}{one[1:]}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 1L10 5L0 9z" fill="{one}"/></marker>'
            for one in colours
        )
        return f"<defs>{made}</defs>"

    def _title(self) -> str:
        return f'<text x="{MARGIN:.0f}" y="34" font-size="18" font-weight="600" fill="#1A1A1A">{text(title(self._model, self._seen)[:90])}</text>'

    def _at(self, point: Point) -> Point:
        return point[0] + MARGIN, point[1] + TOP

    def _frame(self, group: int) -> str:
        (left, top, width, height), one = self._placed.frames[group], self._model.groups[group]
        x, y = self._at((left, top))
        state = (
            f'<tspan dx="10" font-size="11" font-weight="400" fill="{FRAME["text"]}">{text(one.box.lines[-1])}</tspan>'
            if one.box.lines
            else ""
        )
        return (
            f'<g><title>{text(one.label)}</title><rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="8" '
            f'fill="{FRAME["fill"]}" stroke="{FRAME["line"]}"/>'
            f'<text x="{x + 14:.1f}" y="{y + 21:.1f}" font-size="12.5" font-weight="600" fill="#2B3A4A">{text(one.box.label)}{state}</text></g>'
        )

    def _way(self, edge: Edge) -> tuple[str, Point, Point]:
        """The line of a relation as a path, and the two points that its name stands between."""
        size, other = (_size(box_of(self._model, item)) for item in edge)
        source, target = (self._at(self._placed.centres[item]) for item in edge)
        bends = [self._at(point) for point in self._placed.routes.get(edge, ())]
        if edge in self._placed.turned:
            begin, corners, end = turned(source, size, bends, target, other)
            return around(begin, corners, end), corners[0], corners[1]
        begin, end, sideways = ends(source, size, target, other)
        return path(begin, bends, end, sideways), begin, [*bends, end][0]

    def _line(self, edge: Edge) -> str:
        way, paint = self._way(edge)[0], colour(self._seen.edges[edge])
        tip = f"{box_of(self._model, edge[0]).label} {self._told(edge)} {box_of(self._model, edge[1]).label}"
        return (
            f'<g fill="none"><title>{text(tip)}</title><path d="{way}" stroke="{paint}" stroke-width="1.3" '
            f'marker-end="url(#{self._key}{paint[1:]})"/></g>'
        )

    def _name(self, edge: Edge) -> str:
        _, begin, beside = self._way(edge)
        names = self._told(edge).split(" · ")
        x, y = named(begin, beside)
        y -= 4 + 11 * (len(names) - 1)
        spans = "".join(f'<tspan x="{x:.1f}" dy="{11 if n else 0}">{text(name)}</tspan>' for n, name in enumerate(names))
        halo = '<g stroke="#FFFFFF" stroke-opacity="0.9" stroke-width="3" stroke-linejoin="round">'
        name = f'<text x="{x:.1f}" y="{y:.1f}">{spans}</text>'  # twice: not every program that reads SVG knows paint-order
        return f'<g font-size="10" text-anchor="middle" fill="{colour(self._seen.edges[edge])}">{halo}{name}</g>{name}</g>'

    def _told(self, edge: Edge) -> str:
        """The relations between two boxes, and how many a group stands for."""
        counted = max(edge) >= len(self._model.nodes)
        return " · ".join(f"{term} ×{n}" if counted and n > 1 else term for term, n in sorted(self._seen.edges[edge].items()))

    def _box(self, item: int) -> str:
        x, y = self._at(self._placed.centres[item])
        box = box_of(self._model, item)
        node = self._model.nodes[item] if item < len(self._model.nodes) else None
        wrong = self._problems.get(item, [])
        tips = [*wrong, *(_tooltip(node) if node else [self._model.groups[item - len(self._model.nodes)].label])]
        tip = "\n".join(text(line) for line in tips[:TITLE])
        kind = node.kind if node else "group"
        stacked = any(one.parent == item for one in self._model.nodes) if node else False
        about = f' data-prov="{text(node.id)}"' if node else ""
        drawn = f"{shape(kind, (x, y), _size(box), stacked, item == self._seen.focus)}{_words(box, x, y)}{_badge(wrong, x, y, box)}"
        drawn += _uses(self._seen.quiet.get(item, 0), x, y, box)
        inner = f'<a href="{text(node.link)}">{drawn}</a>' if node and node.link else drawn
        return f'<g text-anchor="middle"{about}><title>{tip}</title>{inner}</g>'


def _size(box: Box) -> Size:
    return box.width, box.height


def _tooltip(node: Node) -> list[str]:
    return [node.label, node.id, *(f"{name}: {value}"[:200] for name, value in node.attributes)]


def _words(box: Box, x: float, y: float) -> str:
    top = y + 4.5 - 7.5 * len(box.lines)
    first = f'<text x="{x:.1f}" y="{top:.1f}" font-size="13" fill="#111111">{text(box.label)}</text>'
    rest = "".join(
        f'<text x="{x:.1f}" y="{top + 15 * (n + 1):.1f}" font-size="11" fill="#3A3A3A">{text(line)}</text>'
        for n, line in enumerate(box.lines)
    )
    return first + rest


def _badge(wrong: list[str], x: float, y: float, box: Box) -> str:
    if not wrong:
        return ""
    cx, cy = x + box.width / 2 - 8, y - box.height / 2 + 2
    return f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="8" fill="#B3261E" stroke="#FFFFFF"/><text x="{cx:.1f}" y="{cy + 4:.1f}" font-size="11" font-weight="700" fill="#FFFFFF">{len(wrong)}</text>'


def _uses(count: int, x: float, y: float, box: Box) -> str:
    """How many use a thing whose lines are not drawn."""
    if not count:
        return ""
    words = f"{count:,} uses"
    wide, top = width(words, 10) + 12, y + box.height / 2 - 7
    return (
        f'<rect x="{x - wide / 2:.1f}" y="{top:.1f}" width="{wide:.1f}" height="15" rx="7.5" fill="#FFFFFF" stroke="{LINE["entity"]}"/>'
        f'<text x="{x:.1f}" y="{top + 11:.1f}" font-size="10" fill="#333333">{words}</text>'
    )


def shape(kind: str, centre: Point, size: Size, stacked: bool = False, strong: bool = False) -> str:
    """The outline of a thing; *stacked* says that it has members that are not drawn, *strong* that all is about it."""
    (x, y), (width, height) = centre, size
    thick = ' stroke-width="3"' if strong else ""
    paint = f'fill="{FILL[kind]}" stroke="{LINE[kind]}"{thick}'
    left, top = x - width / 2, y - height / 2
    if kind == "agent":
        return f'<path d="M{left:.1f} {top + height:.1f}V{top + 8:.1f}L{x:.1f} {top - 5:.1f}L{left + width:.1f} {top + 8:.1f}V{top + height:.1f}z" {paint}/>'
    round_ = height / 2 if kind == "entity" else 8 if kind == "group" else 2
    behind = [6, 3] if kind == "group" else [3] if stacked else []
    return "".join(
        f'<rect x="{left + off:.1f}" y="{top + off:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{round_:.1f}" {paint}/>'
        for off in [*behind, 0]
    )
