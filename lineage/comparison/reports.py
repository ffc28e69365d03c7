"""A comparison as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from lineage.comparison import significance
from lineage.comparison.causes import Cause
from lineage.comparison.numbers import Metric
from lineage.comparison.policy import RANKS, Rank, Row, State
from lineage.comparison.seen import Fact
from lineage.comparison.subjects import Subject
from lineage.comparison.text import LONGEST, plain, printable, short, text

MOST_CAUSES = 3  # differences that stand on a line of their own
MOST_NAMES = 6  # of things on one line
MOST_METRICS = 2  # on the line of the numbers
LONGEST_ROW = 120  # letters of a value that no cause covers
MOST_LINES = 10  # in a terminal, whatever is compared


class Comparison(Protocol):
    """What is reported of two subjects (verdict.Comparison)."""

    @property
    def one(self) -> Subject: ...
    @property
    def other(self) -> Subject: ...
    @property
    def rows(self) -> tuple[Row, ...]: ...
    @property
    def stated_check(self) -> str | None: ...
    @property
    def causes(self) -> tuple[Cause, ...]: ...
    @property
    def metrics(self) -> tuple[Metric, ...]: ...
    @property
    def inert(self) -> tuple[tuple[tuple[str, object], ...], tuple[tuple[str, object], ...]]: ...
    @property
    def is_same(self) -> bool: ...
    @property
    def forgiven(self) -> bool: ...
    @property
    def verdict(self) -> str: ...
    @property
    def single_records(self) -> str: ...
    def having(self, state: State, rank: Rank | None = None) -> tuple[Row, ...]: ...


def lines(found: Comparison, full: bool = False) -> Iterator[str]:
    """Yield the verdict, then the causes, what follows from them, and the numbers; at most MOST_LINES lines.

    Args:
        full: Every row instead, with the session, run and file of each value.
    """
    return map(printable, _all_lines(found) if full else _lines(found))


def _lines(found: Comparison) -> Iterator[str]:
    yield f"{found.verdict}: A {_called(found.one)}, B {_called(found.other)}{' (the same thing)' if found.is_same else ''}"
    if found.stated_check:
        yield _stated(found)
    undecided = list(_listed("unknown", [_unknown(row) for row in found.having("unknown", "breaks")]))
    yield from undecided if found.verdict == "unknown" else ()
    first = _first(found)
    yield from _cause_lines(found, first, MOST_CAUSES - (found.stated_check is not None))
    yield from _metric_line(found.metrics)
    yield from _listed("may change", [_cause_text(one) for one in found.causes if one.rank == "may change" and one not in first])
    yield from _listed("not in force", _inert(found))
    yield from undecided if found.verdict != "unknown" else ()
    count = len(found.having("equal"))
    yield f"{count} facts are equal; single records the same: {found.single_records}; every fact with its place: --all"


def _called(subject: Subject) -> str:
    """What was asked for, and what it is."""
    title = short(subject.title)
    return title if not subject.asked or subject.asked in subject.title.split() else f"{subject.asked} ({title})"


def _first(found: Comparison) -> list[Cause]:
    """The causes that stand on lines of their own: those that break, else the earliest of the others."""
    breaking = [one for one in found.causes if one.rank == "breaks"]
    own = [one for one in breaking if one.is_own]
    return [*own, *(one for one in breaking if not one.is_own)] or list(found.causes[:1])


def _cause_lines(found: Comparison, first: Sequence[Cause], most: int) -> Iterator[str]:
    """The causes, each with both values, and rows that no cause covers; below the first what follows from it."""
    covered = {one.rule for one in first if one.is_own}
    rows = [_row_text(row) for row in found.having("differs", "breaks") if row.rule.what not in covered]
    texts = [*map(_cause_text, first), *rows]
    for number, told in enumerate(texts[:most]):
        yield f"{told}; and {len(texts) - most} more" if number == most - 1 and len(texts) > most else told
        yield from _consequence_line(first[0]) if number == 0 and first else ()
    is_decided = not found.is_same and not found.having("unknown", "breaks")
    if not texts and is_decided and any(one.one != one.other for one in found.metrics):
        yield "no recorded difference explains the numbers: every setting and input that both recorded is equal"


def _consequence_line(cause: Cause) -> Iterator[str]:
    if cause.consequences:
        names = cause.consequences
        shown = ", ".join(map(short, names[:MOST_NAMES]))
        rest = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        yield f"  because of {cause.what}, these differ: {shown}{rest}"


def _cause_text(cause: Cause) -> str:
    kind = cause.rank if cause.is_own else "upstream"
    return f"{cause.what} {_side(cause.one)} -> {_side(cause.other)} ({kind}; {', '.join(cause.steps[:3])})"


def _row_text(row: Row) -> str:
    """A row whose values follow from a cause, or that no single run holds."""
    sides = (_values(side, LONGEST_ROW) for side in (row.one, row.other))
    return f"{row.rule.label or row.rule.what} {' -> '.join(sides)} ({row.rank})"


def _side(value: object) -> str:
    return "not recorded" if value is None else short(text(value))


def _metric_line(metrics: Sequence[Metric]) -> Iterator[str]:
    """The numbers of both sides, those that differ first, and the test of each."""
    ordered = sorted(metrics, key=lambda one: (one.one == one.other, one.paired is None))
    if ordered:
        rest = f"; and {len(ordered) - MOST_METRICS} more metrics" if len(ordered) > MOST_METRICS else ""
        yield "; ".join(map(_metric, ordered[:MOST_METRICS])) + rest


def _metric(metric: Metric) -> str:
    values = f"{metric.name} {_side(metric.one)} -> {_side(metric.other)}"
    paired = metric.paired
    if paired is None:
        return f"{values} (not tested: {metric.untested})" if metric.one != metric.other else values
    low, high = significance.interval(paired)
    p = significance.p_value(paired.only_one, paired.only_other)
    needed = significance.items_needed(paired)
    if paired.is_real:
        settled = "the difference is real"
    else:
        settled = f"not settled: about {needed:,} items would settle it" if needed else "no difference was seen"
    return (
        f"{values} ({paired.difference:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}; {paired.items:,} item{'s' if paired.items != 1 else ''} paired by {metric.by}, "
        f"{paired.only_other:,} gained, {paired.only_one:,} lost, exact McNemar p = {p:.3g}: {settled})"
    )


def _inert(found: Comparison) -> list[str]:
    """The parameters without effect, with the value of each side that recorded one."""
    sides = [dict(pairs) for pairs in found.inert]
    names = dict.fromkeys(name for side in sides for name in side)
    told = {name: [f"{_side(side[name])} ({label})" for label, side in zip("AB", sides, strict=True) if name in side] for name in names}
    return [f"{name} {', '.join(values)}" for name, values in told.items()]


def _unknown(row: Row) -> str:
    """A fact that would decide, and which side lacks it."""
    known = [
        "A" if any(fact.value is not None for fact in row.one) else "",
        "B" if any(fact.value is not None for fact in row.other) else "",
    ]
    sides = " and ".join(filter(None, known))
    return f"{row.rule.what} ({'complete on neither side' if sides == 'A and B' else f'recorded by {sides} alone' if sides else 'recorded by neither'})"


def _listed(what: str, items: Sequence[str]) -> Iterator[str]:
    if items:
        rest = f"; and {len(items) - MOST_NAMES} more" if len(items) > MOST_NAMES else ""
        yield f"{what}: {'; '.join(items[:MOST_NAMES])}{rest}"


def _stated(found: Comparison) -> str:
    forgives_nothing = " (forgives nothing: the loader is not all that differs, or does not)"
    return f"stated check: {found.stated_check}{'' if found.forgiven else forgives_nothing}"


def _all_lines(found: Comparison) -> Iterator[str]:
    yield f"{found.verdict}: {found.one.title} and {found.other.title}"
    yield f"single records the same: {found.single_records}"
    if found.stated_check:
        yield _stated(found)
    for cause in found.causes:
        yield f"cause      {_cause_text(cause)}"
        yield from (f"{'':<10} {line}" for line in _consequence_line(cause))
    yield from (f"metric     {_metric(one)}" for one in found.metrics)
    yield from (f"inert      {one}" for one in _inert(found))
    for row in _notable(found):
        yield f"{row.rank:<10} {row.rule.what}: {'unknown: ' if row.state == 'unknown' else ''}{_values(row.one)} | {_values(row.other)}"
        yield from (f"{'':<10}   {fact}" for fact in dict.fromkeys(_placed(row)))
    unrecorded = [row for row in found.having("unknown", "breaks") if not _is_recorded(row)]
    yield f"{'unknown':<10} {_named([*unrecorded, *found.having('unknown', 'may change'), *found.having('unknown', 'cosmetic')])}"
    yield f"{'equal':<10} {_named(found.having('equal'))}"


def _notable(found: Comparison) -> Iterator[Row]:
    """What differs, and what one side recorded and would decide."""
    for rank in RANKS:
        yield from found.having("differs", rank)
        yield from (row for row in found.having("unknown", rank) if rank == "breaks" and _is_recorded(row))


def _is_recorded(row: Row) -> bool:
    """Whether any side recorded a value."""
    return any(fact.value is not None for fact in (*row.one, *row.other))


def _named(rows: Sequence[Row]) -> str:
    return ", ".join(row.rule.what for row in rows) or "nothing else"


def _values(facts: Sequence[Fact], longest: int = LONGEST) -> str:
    """The values that one side has, each once."""
    shown = dict.fromkeys(short(text(fact.value), longest) if fact.value is not None else f"? ({fact.reason})" for fact in facts)
    return ", ".join(shown) or "? (no run says it)"


def _placed(row: Row) -> Iterator[str]:
    for facts in (row.one, row.other):
        for fact in facts:
            yield f"{short(text(fact.value)) if fact.value is not None else '?'} in {fact.place}"


def markdown(found: Comparison) -> Iterator[str]:
    """The same as Markdown: a heading, and a table of what differs or is unknown."""
    yield f"**{found.verdict}**: {plain(found.one.title)} and {plain(found.other.title)}"
    yield ""
    yield f"Single records the same: {found.single_records}."
    if found.stated_check:
        yield f"Stated check: {plain(found.stated_check)}."
    yield ""
    yield from (
        f"{line}  " for line in (*map(plain, map(_cause_text, found.causes[:MOST_CAUSES])), *map(plain, _metric_line(found.metrics)))
    )
    yield from (f"Not in force: {plain(one)}.  " for one in _inert(found))
    yield ""
    yield "| rank | what | state | one | other | where |"
    yield "|---|---|---|---|---|---|"
    for row in _notable(found):
        where = "; ".join(dict.fromkeys(str(fact.place) for fact in (*row.one, *row.other)))
        cells = (row.rank, row.rule.what, row.state, _values(row.one), _values(row.other), where)
        yield f"| {' | '.join(map(plain, cells))} |"
    yield ""
    yield f"Unknown, and forbidding nothing: {_named(found.having('unknown', 'may change') + found.having('unknown', 'cosmetic'))}. "
    yield f"Equal: {_named(found.having('equal'))}."


def as_json(found: Comparison) -> dict[str, Any]:
    """The comparison as a JSON object with stable keys."""
    return {
        "verdict": found.verdict,
        "single_records": found.single_records,
        "stated_check": found.stated_check,
        "one": {"asked": found.one.asked, "kind": found.one.kind, "title": found.one.title},
        "other": {"asked": found.other.asked, "kind": found.other.kind, "title": found.other.title},
        "rows": [_row_json(row) for row in found.rows],
        "same_thing": found.is_same,
        "causes": [asdict(one) for one in found.causes],
        "metrics": [_metric_json(one) for one in found.metrics],
        "inert": {side: dict(pairs) for side, pairs in zip(("one", "other"), found.inert, strict=True)},
    }


def _metric_json(metric: Metric) -> dict[str, Any]:
    told: dict[str, Any] = {"name": metric.name, "one": metric.one, "other": metric.other, "untested": metric.untested or None}
    paired = metric.paired
    if paired is None:
        return told | {"test": None}
    counts = asdict(paired) | {"items": paired.items, "paired_by": metric.by, "left_out": metric.left_out}
    low, high = significance.interval(paired)
    return told | {
        "test": counts
        | {"difference": paired.difference, "p": significance.p_value(paired.only_one, paired.only_other), "method": significance.TEST}
        | {"interval": [low, high], "interval_method": significance.INTERVAL, "is_real": paired.is_real}
        | {"items_needed": significance.items_needed(paired), "items_method": significance.ITEMS}
    }


def _row_json(row: Row) -> dict[str, Any]:
    told = {"what": row.rule.what, "rank": row.rank, "state": row.state, "rule": row.rule.notice, "why": row.rule.why}
    return told | {"one": [_fact_json(fact) for fact in row.one], "other": [_fact_json(fact) for fact in row.other]}


def _fact_json(fact: Fact) -> dict[str, Any]:
    place = {"session": fact.place.session, "activity": fact.place.activity, "artifact": fact.place.artifact}
    return {"value": fact.value, "reason": fact.reason or None, **place}
