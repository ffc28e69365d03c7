"""The policy applied to two subjects."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from lineage.comparison.policy import POLICY, RANKS, Rank, Row, Rule, State
from lineage.comparison.reports import lines, markdown
from lineage.comparison.subjects import Subject, Subjects
from lineage.contract.around import sessions_around
from lineage.errors import UsageError
from lineage.trace.reading import Library, Where, open_library
from lineage.trace.search import on_disk

Verdict = Literal["comparable", "not comparable", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two subjects, the verdict and every row of the policy that applies to them."""

    one: Subject
    other: Subject
    rows: tuple[Row, ...]
    stated_check: str | None = None

    def having(self, state: State, rank: Rank | None = None) -> tuple[Row, ...]:
        """The rows of a state, and of a rank."""
        return tuple(row for row in self.rows if row.state == state and rank in (None, row.rank))

    @cached_property
    def forgiven(self) -> bool:
        """Is the loader all that forbids the comparison, and is a check stated (rule 3 of the notice)?"""
        return self.stated_check is not None and [row.rule.what for row in self.having("differs", "breaks")] == ["loader"]

    @cached_property
    def verdict(self) -> Verdict:
        """Comparable, not, or unknown: a fact that decides is missing on one side or both."""
        if self.having("differs", "breaks") and not self.forgiven:
            return "not comparable"
        return "unknown" if self.having("unknown", "breaks") else "comparable"

    @cached_property
    def single_records(self) -> str:
        """May it be claimed that single records are the same? "no", "unknown" or "nothing forbids it"."""
        rows = [row for row in self.rows if row.rule.records]
        if any(row.state == "differs" for row in rows):
            return "no"
        return "unknown" if any(row.state == "unknown" for row in rows) else "nothing forbids it"

    def __str__(self) -> str:
        return "\n".join(lines(self))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {"text/plain": str(self), "text/markdown": "\n".join(markdown(self))}


def compare(one: str | Path, other: str | Path, where: Where | Library = None, *, stated_check: str | None = None, recursive: bool = False) -> Comparison:  # fmt: skip
    """Are two evaluations, data sets, models or sessions comparable, by docs/reference/comparability.md?

    Args:
        where: folders of artifacts; by default those around the two files, else `artifacts`.
        stated_check: how it was checked that two loaders agree (a replay, say): then another loader alone forbids nothing.

    Raises:
        NotFoundError: nothing is called so. UsageError: several things are, or the two are of different kinds.
    """
    library = where if isinstance(where, Library) else open_library(where if where is not None else around(one, other), recursive=recursive)
    subjects = Subjects(library)
    return judged(subjects.subject(str(one)), subjects.subject(str(other)), stated_check)


def judged(one: Subject, other: Subject, stated_check: str | None = None) -> Comparison:
    """The comparison of two subjects. Raises UsageError for two of different kinds."""
    if one.kind != other.kind:
        raise UsageError(f"one is a {one.kind}, the other a {other.kind}", at=f"{one.asked}, {other.asked}", hint="compare two of a kind")
    rows = [_row(rule, one, other) for rule in POLICY if one.kind in rule.kinds]
    kept = (row for row in rows if row.state != "not applicable")
    check = stated_check.strip() or None if stated_check else None
    return Comparison(one=one, other=other, rows=tuple(sorted(kept, key=lambda row: RANKS.index(row.rank))), stated_check=check)


def _row(rule: Rule, one: Subject, other: Subject) -> Row:
    left, right = tuple(rule.facts(one)), tuple(rule.facts(other))
    return Row(rule, rule.judge(left, right), left, right)


def around(*names: str | Path) -> list[Path] | None:
    """The folders whose sessions tell of the files among *names*; None where none is a file."""
    folders = [sessions_around(Path(name))[0] for name in names if on_disk(name)]
    return list(dict.fromkeys(folders)) or None
