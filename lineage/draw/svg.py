"""The picture as SVG, by PROV's graph conventions: entity a yellow ellipse, activity a blue rectangle, agent an orange house.

Every text is escaped, and nothing refers to anything outside the file.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from html import escape

from lineage.draw.graph import Edge, Node, Picture
from lineage.draw.layout import Layout, Point, layout

FILL = {"entity": "#FFFC87", "activity": "#9FB1FC", "agent": "#FED37F"}
LINE = {"entity": "#808080", "activity": "#0000FF", "agent": "#000000"}
COLOUR = {
    "wasGeneratedBy": "#006400",
    "used": "#8B0000",
    "wasAssociatedWith": "#B36B00",
    "wasAttributedTo": "#B36B00",
    "actedOnBehalfOf": "#B36B00",
}
OTHER = "#555555"
MARGIN, TOP = 24, 52  # pixels around the picture, and for its title
LONGEST = 30  # letters of a label; the whole stands in the tooltip
LETTER, SMALL = 7.4, 6.0  # pixels of an average letter at 13 and at 10.5 px
_ILLEGAL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")
_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # marks that would turn the text around them


def text(value: str) -> str:
    """*value* as XML text: what XML 1.0 forbids as U+FFFD, marks of direction away."""
    return escape(_DIRECTION.sub("", _ILLEGAL.sub("\ufffd", value)))


def _cut(value: str, longest: int = LONGEST) -> str:
    return value if len(value) <= longest else f"{value[: longest - 1]}…"


def _size(node: Node) -> tuple[float, float]:
    words = max(len(_cut(node.label)) * LETTER, len(_cut(node.sublabel, LONGEST + 8)) * SMALL)
    return round(max(words, 40) + (44 if node.kind == "entity" else 26), 1), 46.0 if node.sublabel else 36.0


def svg(picture: Picture) -> str:
    """The whole file."""
    sizes = {node.id: _size(node) for node in picture.nodes}
    placed = layout(sizes, [(edge.source, edge.target) for edge in picture.edges])
    key = hashlib.sha256(repr(picture).encode("utf-8", "replace")).hexdigest()[:8]
    width, height = max(placed.width, 520) + 2 * MARGIN, placed.height + TOP + 62
    parts = [_head(picture, width, height), _markers(picture, key), _title(picture)]
    parts += [_edge(edge, placed, sizes, key) for edge in picture.edges]
    parts += [_node(node, placed.centres[node.id], sizes[node.id]) for node in picture.nodes]
    parts += [_label(edge, placed, sizes) for edge in picture.edges]
    return "\n".join([*parts, _legend(picture, height), "</svg>\n"])


def _head(picture: Picture, width: float, height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" role="img" '
        f'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">\n<title>{text(picture.title)}</title>\n'
        f"<desc>{len(picture.nodes)} things and {len(picture.edges)} relations; arrows point to the past. {text(_not_drawn(picture))}</desc>\n"
        '<rect width="100%" height="100%" fill="#FFFFFF"/>'
    )


def _not_drawn(picture: Picture) -> str:
    return "Not drawn: " + ", ".join(f"{count} {what}" for what, count in picture.hidden) if picture.hidden else ""


def _colour(edge: Edge) -> str:
    return COLOUR.get(edge.label.split(" · ")[0], OTHER)


def _markers(picture: Picture, key: str) -> str:
    colours = sorted({_colour(edge) for edge in picture.edges})
    made = "".join(
        f'<marker id="{key}{colour[1:]}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" '
        f'orient="auto"><path d="M0 0L10 5L0 10z" fill="{colour}"/></marker>'
        for colour in colours
    )
    return f"<defs>{made}</defs>"


def _title(picture: Picture) -> str:
    return f'<text x="{MARGIN}" y="30" font-size="17" font-weight="600" fill="#222222">{text(_cut(picture.title, 70))}</text>'


def _at(point: Point) -> Point:
    return point[0] + MARGIN, point[1] + TOP


def _ends(edge: Edge, placed: Layout, sizes: dict[str, tuple[float, float]]) -> list[Point]:
    """The points of an edge, from the border of its source to the border of its target."""
    source, target = _at(placed.centres[edge.source]), _at(placed.centres[edge.target])
    left = -1 if target[0] <= source[0] else 1
    begin = (source[0] + left * sizes[edge.source][0] / 2, source[1])
    end = (target[0] - left * sizes[edge.target][0] / 2, target[1])
    return [begin, *map(_at, placed.routes.get((edge.source, edge.target), ())), end]


def _edge(edge: Edge, placed: Layout, sizes: dict[str, tuple[float, float]], key: str) -> str:
    points = _ends(edge, placed, sizes)
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x1, y1), (x2, y2) in itertools.pairwise(points):
        middle = (x1 + x2) / 2
        path += f"C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    colour = _colour(edge)
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.3" marker-end="url(#{key}{colour[1:]})"/>'


def _label(edge: Edge, placed: Layout, sizes: dict[str, tuple[float, float]]) -> str:
    (x1, y1), (x2, y2) = _ends(edge, placed, sizes)[:2]
    names = edge.label.split(" · ")
    x, y = (x1 + x2) / 2, (y1 + y2) / 2 - 4 - 11 * (len(names) - 1)
    spans = "".join(f'<tspan x="{x:.1f}" dy="{11 if n else 0}">{text(name)}</tspan>' for n, name in enumerate(names))
    halo = 'stroke="#FFFFFF" stroke-width="3" paint-order="stroke"'
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="10" text-anchor="middle" fill="{_colour(edge)}" {halo}>{spans}</text>'


def _node(node: Node, centre: Point, size: tuple[float, float]) -> str:
    (x, y), (width, height) = _at(centre), size
    second = (
        f'<text x="{x:.1f}" y="{y + 13:.1f}" font-size="10.5" fill="#333333">{text(_cut(node.sublabel, LONGEST + 8))}</text>'
        if node.sublabel
        else ""
    )
    first = f'<text x="{x:.1f}" y="{y + (-3 if node.sublabel else 4):.1f}" font-size="13" fill="#111111">{text(_cut(node.label))}</text>'
    shape = _shape(node.kind, x, y, width, height)
    return f'<g text-anchor="middle" data-prov="{text(node.id)}"><title>{text(node.title)}</title>{shape}{first}{second}</g>'


def _shape(kind: str, x: float, y: float, width: float, height: float) -> str:
    paint = f'fill="{FILL[kind]}" stroke="{LINE[kind]}"'
    if kind == "agent":
        left, right, top, bottom = x - width / 2, x + width / 2, y - height / 2, y + height / 2
        return f'<path d="M{left:.1f} {bottom:.1f}V{top + 6:.1f}L{x:.1f} {top - 8:.1f}L{right:.1f} {top + 6:.1f}V{bottom:.1f}z" {paint}/>'
    round_ = height / 2 if kind == "entity" else 2
    return f'<rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{round_:.1f}" {paint}/>'


def _legend(picture: Picture, height: float) -> str:
    kinds = [kind for kind in FILL if any(node.kind == kind for node in picture.nodes)]
    parts, x = [], float(MARGIN)
    for kind in kinds:
        parts.append(
            _shape(kind, x + 14, height - 40, 28, 16)
            + f'<text x="{x + 34:.0f}" y="{height - 36:.0f}" font-size="11" fill="#333333">{kind}</text>'
        )
        x += 100
    parts.append(f'<text x="{x:.0f}" y="{height - 36:.0f}" font-size="11" fill="#333333">arrows point to the past</text>')
    parts.append(f'<text x="{MARGIN}" y="{height - 14:.0f}" font-size="11" fill="#555555">{text(_not_drawn(picture))}</text>')
    return "".join(parts)
