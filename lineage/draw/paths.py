"""The line of a relation: from the border of the newer thing to the border of the older one, through its bends."""

from __future__ import annotations

from itertools import pairwise

from lineage.draw.layout import Point, Size

ROUND = 10.0  # pixels of the radius of a corner
NAMED = 49.0  # pixels from a box to the middle of the name of a line: half of the gap between layers
APART = 8.0  # pixels between two boxes, from which a line goes from side to side


def ends(source: Point, size: Size, target: Point, other: Size) -> tuple[Point, Point, bool]:
    """Where a line leaves and arrives, and whether it does so sideways: it goes from top to bottom where boxes stand above each other."""
    reach = (size[0] + other[0]) / 2
    if abs(source[0] - target[0]) >= reach + APART:
        side = -1 if target[0] < source[0] else 1
        return (source[0] + side * size[0] / 2, source[1]), (target[0] - side * other[0] / 2, target[1]), True
    side = -1 if target[1] < source[1] else 1
    return (source[0], source[1] + side * size[1] / 2), (target[0], target[1] - side * other[1] / 2), False


def path(begin: Point, bends: list[Point], end: Point, sideways: bool) -> str:
    """The line as an SVG path."""
    parts = [f"M{_at(begin)}"]
    for (x1, y1), (x2, y2) in pairwise([begin, *bends, end]):
        if sideways or bends:
            middle = (x1 + x2) / 2
            parts.append(f"C{_at((middle, y1))} {_at((middle, y2))} {_at((x2, y2))}")
        else:
            middle = (y1 + y2) / 2
            parts.append(f"C{_at((x1, middle))} {_at((x2, middle))} {_at((x2, y2))}")
    return "".join(parts)


def named(begin: Point, beside: Point) -> Point:
    """Where the name of a line stands: on it, and in the gap beside the box that it leaves."""
    dx, dy = beside[0] - begin[0], beside[1] - begin[1]
    part = min(0.5, NAMED / abs(dx)) if dx else 0.5
    return begin[0] + dx * part, begin[1] + dy * part * part * (3 - 2 * part)


def turned(source: Point, size: Size, corners: list[Point], target: Point, other: Size) -> tuple[Point, list[Point], Point]:
    """A line around corners: it leaves towards the first and arrives from the last."""
    first = (source[0], corners[0][1])
    last = (target[0], corners[-1][1])
    begin = (source[0], source[1] + (size[1] / 2 if first[1] > source[1] else -size[1] / 2))
    end = (target[0], target[1] + (other[1] / 2 if last[1] > target[1] else -other[1] / 2))
    return begin, [first, *corners[1:-1], last], end


def around(begin: Point, corners: list[Point], end: Point) -> str:
    """Straight lines with round corners."""
    points = [begin, *corners, end]
    parts = [f"M{_at(begin)}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        parts.append(f"L{_at(_towards(corner, before))}Q{_at(corner)} {_at(_towards(corner, after))}")
    return "".join([*parts, f"L{_at(end)}"])


def _towards(corner: Point, other: Point) -> Point:
    """A point near *corner* on the way to *other*, along an axis."""
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    far = abs(dx) + abs(dy)
    step = min(ROUND, far / 2) / far if far else 0.0
    return corner[0] + dx * step, corner[1] + dy * step


def _at(point: Point) -> str:
    return f"{_short(point[0])} {_short(point[1])}"


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
