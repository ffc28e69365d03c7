"""Layers beside each other; a strip of many layers is cut into rows that are read like text, the past first.

The viewer's bands.js is the same algorithm: change both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

STRIP = 2000.0  # pixels of width, up to which nothing is cut
FLAT = 3.0  # width to height, up to which nothing is cut
ASPECT = 1.7  # width to height that the rows together come near to
GUTTER = 34.0  # pixels between rows, where lines from one to the other run
LANE = 7.0  # pixels between two such lines
LANES = 4  # in a gutter; more lines share them

Point = tuple[float, float]


def rounded(value: float) -> float:
    """To a tenth, in the way that JavaScript does it too."""
    return math.floor(value * 10 + 0.5) / 10


@dataclass(slots=True)
class Bands:
    """For each layer: the middle of its boxes, how far down it is moved, and its row. For each row: where it ends."""

    xs: list[float]
    down: list[float]
    band: list[int]
    bottoms: list[float]
    width: float
    height: float
    used: int = 0  # lines that turn, so far
    outside: float = 0.0  # pixels that lines take beside the rows

    def turn(self, source: int, target: int, source_x: float, target_x: float) -> list[Point]:
        """The corners of a line from a layer of one row to a layer of another: through the gutters, and outside past the rows between."""
        one, other = self.band[source], self.band[target]
        lane = LANE * (self.used % LANES) - LANE * (LANES - 1) / 2
        self.used += 1
        up = one > other
        first = rounded(self.bottoms[one - 1 if up else one] + GUTTER / 2 + lane)
        last = rounded(self.bottoms[other if up else other - 1] + GUTTER / 2 + lane)
        if first == last:
            return [(source_x, first), (target_x, last)]
        outside = rounded(self.width + GUTTER / 2 + lane)
        self.outside = GUTTER
        return [(source_x, first), (outside, first), (outside, last), (target_x, last)]


def wrapped(
    columns: Sequence[Sequence[int]], widths: Sequence[float], heights: Sequence[float], ys: Sequence[float], gap: float, wrap: bool
) -> Bands:
    """Place the layers; in rows, with *wrap* and where they would be a strip."""
    wide = [max((widths[box] for box in column if box < len(widths)), default=0.0) for column in columns]
    total = sum(wide) + gap * (len(wide) - 1)
    height = max(y + heights[box] / 2 for box, y in enumerate(ys))
    is_strip = wrap and total > STRIP and total > FLAT * height
    band = _cut(wide, gap, math.sqrt(total * height * ASPECT)) if is_strip else [0] * len(columns)
    return _stacked(columns, widths, heights, ys, gap, band, wide)


def _cut(wide: Sequence[float], gap: float, ideal: float) -> list[int]:
    """The row of each layer: as few rows as *ideal* asks for, as even as can be."""
    total = sum(wide) + gap * (len(wide) - 1)
    rows = max(1, math.floor(total / ideal + 0.5))
    limit = total / rows
    while (cut := _greedy(wide, gap, limit))[-1] >= rows:
        limit *= 1.02
    return cut


def _greedy(wide: Sequence[float], gap: float, limit: float) -> list[int]:
    row, x, found = 0, 0.0, []
    for width in wide:
        if x > 0 and x + width > limit:
            row, x = row + 1, 0.0
        found.append(row)
        x += width + gap
    return found


def _stacked(
    columns: Sequence[Sequence[int]],
    widths: Sequence[float],
    heights: Sequence[float],
    ys: Sequence[float],
    gap: float,
    band: list[int],
    wide: Sequence[float],
) -> Bands:
    found = Bands([], [], band, [], 0.0, 0.0)
    y = 0.0
    for row in range(band[-1] + 1):
        inside = [level for level in range(len(columns)) if band[level] == row]
        boxes = [box for level in inside for box in columns[level] if box < len(widths) or band[-1] == 0]
        top, bottom = min(ys[box] - heights[box] / 2 for box in boxes), max(ys[box] + heights[box] / 2 for box in boxes)
        x = 0.0
        for level in inside:
            found.xs.append(x + wide[level] / 2)
            found.down.append(y - top)
            x += wide[level] + gap
        found.width = max(found.width, x - gap)
        y += bottom - top
        found.bottoms.append(y)
        y += GUTTER
    found.height = y - GUTTER
    return found
