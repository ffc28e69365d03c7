"""A comparison, and a difference of two sessions, as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from lineage.comparison.changes import Changed
from lineage.comparison.policy import RANKS, Rank, Row, State
from lineage.comparison.seen import Fact, text
from lineage.comparison.subjects import Subject

LONGEST = 60  # letters of a value that a line shows; JSON has it whole


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
    def forgiven(self) -> bool: ...
    @property
    def verdict(self) -> str: ...
    @property
    def single_records(self) -> str: ...
    def having(self, state: State, rank: Rank | None = None) -> tuple[Row, ...]: ...


class SessionDiff(Protocol):
    """What is reported of two sessions (sessions.SessionDiff)."""

    @property
    def one(self) -> str: ...
    @property
    def other(self) -> str: ...
    @property
    def changes(self) -> tuple[Changed, ...]: ...
    @property
    def equal(self) -> int: ...


def lines(found: Comparison) -> Iterator[str]:
    """The verdict, then every difference and all that is unknown, the gravest first, each with where it stands on either side."""
    return map(_printable, _lines(found))


def _printable(line: str) -> str:
    """One line that obeys no control character of a value: a notebook would."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in line)


def _lines(found: Comparison) -> Iterator[str]:
    yield f"{found.verdict}: {found.one.title} and {found.other.title}"
    yield f"single records the same: {found.single_records}"
    if found.stated_check:
        yield f"stated check: {found.stated_check}{'' if found.forgiven else ' (forgives nothing: the loader is not all that differs, or does not)'}"
    for row in _notable(found):
        yield f"{row.rank:<10} {row.rule.what}: {'unknown: ' if row.state == 'unknown' else ''}{_values(row.one)} | {_values(row.other)}"
        yield from (f"{'':<10}   {fact}" for fact in dict.fromkeys(_placed(row)))
    yield f"{'unknown':<10} {_named(found.having('unknown', 'may change') + found.having('unknown', 'cosmetic'))}"
    yield f"{'equal':<10} {_named(found.having('equal'))}"


def _notable(found: Comparison) -> Iterator[Row]:
    """What differs, and what is unknown and would decide."""
    for rank in RANKS:
        yield from found.having("differs", rank)
        yield from found.having("unknown", rank) if rank == "breaks" else ()


def _named(rows: Sequence[Row]) -> str:
    return ", ".join(row.rule.what for row in rows) or "nothing else"


def _values(facts: Sequence[Fact]) -> str:
    """The values that one side has, each once."""
    shown = dict.fromkeys(_short(text(fact.value)) if fact.value is not None else f"? ({fact.reason})" for fact in facts)
    return ", ".join(shown) or "? (no run says it)"


def _short(value: str) -> str:
    return value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"


def _placed(row: Row) -> Iterator[str]:
    for facts in (row.one, row.other):
        for fact in facts:
            yield f"{_short(text(fact.value)) if fact.value is not None else '?'} in {fact.place}"


def markdown(found: Comparison) -> Iterator[str]:
    """The same as Markdown: a heading, and a table of what differs or is unknown."""
    yield f"**{found.verdict}**: {_plain(found.one.title)} and {_plain(found.other.title)}"
    yield ""
    yield f"Single records the same: {found.single_records}."
    if found.stated_check:
        yield f"Stated check: {_plain(found.stated_check)}."
    yield ""
    yield "| rank | what | state | one | other | where |"
    yield "|---|---|---|---|---|---|"
    for row in _notable(found):
        where = "; ".join(dict.fromkeys(str(fact.place) for fact in (*row.one, *row.other)))
        cells = (row.rank, row.rule.what, row.state, _values(row.one), _values(row.other), where)
        yield f"| {' | '.join(map(_plain, cells))} |"
    yield ""
    yield f"Unknown, and forbidding nothing: {_named(found.having('unknown', 'may change') + found.having('unknown', 'cosmetic'))}. "
    yield f"Equal: {_named(found.having('equal'))}."


def _plain(value: str) -> str:
    """Text that is only text in Markdown: on one line, and what could be markup as character references."""
    line = "".join(letter if letter.isprintable() else " " for letter in value)
    return "".join(f"&#{ord(letter)};" if letter in "\\`*_{}[]<>|#&~$!" else letter for letter in line)


def as_json(found: Comparison) -> dict[str, Any]:
    """The comparison as a JSON object with stable keys."""
    return {
        "verdict": found.verdict,
        "single_records": found.single_records,
        "stated_check": found.stated_check,
        "one": {"asked": found.one.asked, "kind": found.one.kind, "title": found.one.title},
        "other": {"asked": found.other.asked, "kind": found.other.kind, "title": found.other.title},
        "rows": [_row_json(row) for row in found.rows],
    }


def _row_json(row: Row) -> dict[str, Any]:
    told = {"what": row.rule.what, "rank": row.rank, "state": row.state, "rule": row.rule.notice, "why": row.rule.why}
    return told | {"one": [_fact_json(fact) for fact in row.one], "other": [_fact_json(fact) for fact in row.other]}


def _fact_json(fact: Fact) -> dict[str, Any]:
    place = {"session": fact.place.session, "activity": fact.place.activity, "artifact": fact.place.artifact}
    return {"value": fact.value, "reason": fact.reason or None, **place}


# --- sessions


def diff_lines(found: SessionDiff) -> Iterator[str]:
    """Each fact that differs on a line, as a diff writes it."""
    return map(_printable, _diff_lines(found))


def _diff_lines(found: SessionDiff) -> Iterator[str]:
    yield f"--- {found.one}"
    yield f"+++ {found.other}"
    for change in found.changes:
        yield f"{change.section}: {change.fact}"
        if change.kind != "added":
            yield f"- {text(change.one)}"
        if change.kind != "removed":
            yield f"+ {text(change.other)}"


def diff_markdown(found: SessionDiff) -> Iterator[str]:
    """The same as a table."""
    yield f"| section | fact | change | {_plain(found.one)} | {_plain(found.other)} |"
    yield "|---|---|---|---|---|"
    for one in found.changes:
        values = ("" if one.kind == "added" else text(one.one), "" if one.kind == "removed" else text(one.other))
        yield f"| {' | '.join(map(_plain, (one.section, one.fact, one.kind, *map(_short, values))))} |"


def diff_json(found: SessionDiff) -> dict[str, Any]:
    """The difference as a JSON object with stable keys."""
    changes = [{"section": one.section, "fact": one.fact, "change": one.kind, "one": one.one, "other": one.other} for one in found.changes]
    return {"one": found.one, "other": found.other, "changes": changes, "equal": found.equal}
