"""Many sessions: the earlier ones stand in rows, those in rows again, until few stand side by side."""

from __future__ import annotations

from dataclasses import replace

from lineage.draw.labels import Labels
from lineage.draw.model import Group

SHOWN = 50  # sessions that stand on their own: the latest; those before them stand in rows of as many
ROWS = 20  # rows that stand side by side; more of them stand in rows of rows


def in_rows(groups: list[Group], common: list[Group], kind: str, labels: Labels) -> list[Group]:
    """*groups*, in order of time, then *common*, then the rows; a group's number is smaller than that of the row it is in."""
    every = [*groups, *common]
    earlier = list(range(len(groups) - SHOWN if len(groups) > SHOWN + SHOWN // 5 else 0))
    size = SHOWN
    while earlier:
        cut = [earlier[max(0, end - size) : end] for end in range(len(earlier), 0, -size)][::-1]
        for row in cut:
            every.append(_row(every, row, kind, labels))
            for n in row:
                every[n] = replace(every[n], parent=len(every) - 1)
        earlier = list(range(len(every) - len(cut), len(every))) if len(cut) > ROWS else []
        size = ROWS
    return every


def _row(every: list[Group], row: list[int], kind: str, labels: Labels) -> Group:
    label = f"{sum(_count(every, n) for n in row):,} earlier {kind}s"
    first, last = next((every[n].time for n in row if every[n].time), ""), every[row[-1]].time
    facets = [tuple(sorted({value for n in row for value in getattr(every[n], key)})) for key in ("loader_versions", "quantizations")]
    box = labels.group(label, [" to ".join(dict.fromkeys(time[:10] for time in (first, last) if time))])
    return Group("sessions", label, box, None, None, first, *facets)


def _count(every: list[Group], n: int) -> int:
    return sum(_count(every, m) for m, one in enumerate(every[:n]) if one.parent == n) if every[n].kind == "sessions" else 1
