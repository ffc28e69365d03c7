"""A difference of two sessions as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from lineage.comparison.changes import Changed
from lineage.comparison.text import plain, printable, short, text


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


def diff_lines(found: SessionDiff) -> Iterator[str]:
    """Each fact that differs on a line, as a diff writes it."""
    return map(printable, _diff_lines(found))


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
    yield f"| section | fact | change | {plain(found.one)} | {plain(found.other)} |"
    yield "|---|---|---|---|---|"
    for one in found.changes:
        values = ("" if one.kind == "added" else text(one.one), "" if one.kind == "removed" else text(one.other))
        yield f"| {' | '.join(map(plain, (one.section, one.fact, one.kind, *map(short, values))))} |"


def diff_json(found: SessionDiff) -> dict[str, Any]:
    """The difference as a JSON object with stable keys."""
    changes = [{"section": one.section, "fact": one.fact, "change": one.kind, "one": one.one, "other": one.other} for one in found.changes]
    return {"one": found.one, "other": found.other, "changes": changes, "equal": found.equal}
