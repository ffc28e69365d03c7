"""What became of the lines of a file, from the fingerprints before and now.  Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Prints = Sequence[int] | Sequence[bytes]  # a fingerprint a line
MAX_CHANGES = 100_000  # lines that are named; a sidecar that promises more missing ones costs nothing
Pair = tuple[int, int]  # the positions of one line before and now, from 0


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One line that is not what or where it was; lines count from 1. `now` is None for a missing line, `before` for an added one."""

    before: int | None
    now: int | None
    what: Literal["changed", "missing", "added", "moved"]


def can_be_named(before: int, now: int) -> bool:
    """Return whether the numbers of lines are near enough to each other for `differences`."""
    return abs(before - now) <= MAX_CHANGES


def differences(before: Prints, now: Prints) -> list[Change]:
    """The fewest changes that a reader would name, in the order of the file as it is now."""
    return _in_place(before, now) or _aligned(before, now)


def _in_place(before: Prints, now: Prints) -> list[Change]:
    """The changes of a file in which lines were changed where they stand, and nothing else; empty where it is not so."""
    if len(before) != len(now):
        return []
    other = [n for n, (a, b) in enumerate(zip(before, now, strict=True)) if a != b]
    is_plain = {before[n] for n in other}.isdisjoint(now[n] for n in other)
    return [Change(n + 1, n + 1, "changed") for n in other] if is_plain else []


def _aligned(before: Prints, now: Prints) -> list[Change]:
    head = _common(before, now)
    tail = _common(before[head:][::-1], now[head:][::-1])
    pairs = _pairs(before, now, head, len(before) - tail, len(now) - tail)
    still = _longest_rise(pairs)
    kept = set(still)
    moved = [Change(old + 1, new + 1, "moved") for old, new in pairs if (old, new) not in kept]
    gone, come = {old for old, _ in pairs}, {new for _, new in pairs}
    found = list(moved)
    for (old, new), (next_old, next_new) in pairwise([(head - 1, head - 1), *still, (len(before) - tail, len(now) - tail)]):
        left = [n for n in range(old + 1, next_old) if n not in gone]
        right = [n for n in range(new + 1, next_new) if n not in come]
        found += _in_a_gap(left, right)
    return sorted(found, key=lambda one: (one.now or one.before or 0, one.before or 0))


def _common(one: Prints, other: Prints) -> int:
    """How many lines both begin with."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _pairs(before: Prints, now: Prints, start: int, end: int, now_end: int) -> list[Pair]:
    """Each line of now with the first equal line of before that is not taken yet, in the order of now."""
    first: dict[int | bytes, int] = {}
    later: dict[int | bytes, list[int]] = {}  # of lines that stand there more than once; most do not
    for n in range(end - 1, start - 1, -1):
        if before[n] in first:
            later.setdefault(before[n], []).append(first[before[n]])
        first[before[n]] = n
    pairs = []
    for n in range(start, now_end):
        old = first.pop(now[n], None)
        if old is not None:
            pairs.append((old, n))
            if later.get(now[n]):
                first[now[n]] = later[now[n]].pop()
    return pairs


def _longest_rise(pairs: Sequence[Pair]) -> list[Pair]:
    """The most pairs that stand in the same order before and now: those lines did not move (patience sorting)."""
    tops: list[int] = []  # the smallest position that ends a rise of each length
    ends: list[int] = []  # the pair it belongs to
    earlier: list[int] = []
    for n, (old, _) in enumerate(pairs):
        length = bisect_left(tops, old)
        earlier.append(ends[length - 1] if length else -1)
        tops[length : length + 1], ends[length : length + 1] = [old], [n]
    rise: list[Pair] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        rise.append(pairs[at])
        at = earlier[at]
    return rise[::-1]


def _in_a_gap(left: Sequence[int], right: Sequence[int]) -> Iterator[Change]:
    """Between two lines that stayed, what is gone and what came is paired as changed; the rest is missing or added."""
    both = min(len(left), len(right))
    yield from (Change(old + 1, new + 1, "changed") for old, new in zip(left, right, strict=False))
    yield from (Change(old + 1, None, "missing") for old in left[both:])
    yield from (Change(None, new + 1, "added") for new in right[both:])
