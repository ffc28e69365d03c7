"""The policy applied to two subjects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from lineage.comparison.causes import Cause, causes
from lineage.comparison.makers import Makers
from lineage.comparison.numbers import Metric, metrics
from lineage.comparison.policy import POLICY, RANKS, Rank, Row, Rule, State, of_same_place
from lineage.comparison.report_files import reports_of
from lineage.comparison.reports import lines, markdown
from lineage.comparison.subjects import Subject, Subjects, is_same
from lineage.contract.around import sessions_around
from lineage.errors import UsageError
from lineage.mapping.names import canonical
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
    causes: tuple[Cause, ...] = ()
    metrics: tuple[Metric, ...] = ()
    is_same: bool = False  # both sides are the very same thing

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

    @cached_property
    def inert(self) -> tuple[tuple[tuple[str, object], ...], tuple[tuple[str, object], ...]]:
        """The parameters of each side that were recorded and have no effect."""
        sides = ([fact for row in self.rows for fact in getattr(row, side)] for side in ("one", "other"))
        one, other = (tuple({canonical(pair): pair for fact in side for pair in fact.inert}.values()) for side in sides)
        return one, other

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
    left, right = (subjects.subject(str(name)) for name in (one, other))
    sides = [replace(side, reports=reports_of(side, library)) for side in (left, right)]
    found = judged(sides[0], sides[1], stated_check)
    if found.is_same:
        return found
    state: State = next((row.state for row in found.rows if row.rule.what == "data set"), "unknown")
    known = metrics(found.one, found.other, state)
    return replace(found, causes=causes(found.one, found.other, Makers(library)), metrics=known)


def judged(one: Subject, other: Subject, stated_check: str | None = None) -> Comparison:
    """The comparison of two subjects. Raises UsageError for two of different kinds."""
    if one.kind != other.kind:
        raise UsageError(f"one is a {one.kind}, the other a {other.kind}", at=f"{one.asked}, {other.asked}", hint="compare two of a kind")
    same = is_same(one, other)
    rows = [_row(rule, one, other, same) for rule in POLICY if one.kind in rule.kinds]
    kept = sorted((row for row in rows if row.state != "not applicable"), key=lambda row: RANKS.index(row.rank))
    check = stated_check.strip() or None if stated_check else None
    return Comparison(one=one, other=other, rows=tuple(kept), stated_check=check, is_same=same)


def _row(rule: Rule, one: Subject, other: Subject, same: bool) -> Row:
    """A row of the policy. A thing is equal to itself, and so is what two things share, whether it was recorded or not."""
    left, right = tuple(rule.facts(one)), tuple(rule.facts(other))
    state = rule.judge(left, right)
    if same or (state == "unknown" and of_same_place(left, right)):
        state = "equal" if left or right else "not applicable"
    return Row(rule, state, left, right)


def around(*names: str | Path) -> list[Path] | None:
    """The folders among *names*, and those whose sessions tell of the files among them; None where none is on disk."""
    folders = [_folder_of(Path(name)) for name in names if on_disk(name)]
    return list(dict.fromkeys(folders)) or None


def _folder_of(path: Path) -> Path:
    """The folder itself where it holds sessions, or folders of sessions; else the one that holds the sessions of the file."""
    folder, sessions = sessions_around(path)
    is_inside = any(path.resolve() == (folder / one.path).resolve() for session in sessions for one in session.artifacts)
    return path if path.is_dir() and not is_inside else folder
