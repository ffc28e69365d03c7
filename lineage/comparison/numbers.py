"""The metrics of both sides, and for accuracies with a verdict for each item, whether the difference is real."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage.comparison.policy import State
from lineage.comparison.report_files import ReportFile
from lineage.comparison.significance import Paired
from lineage.comparison.subjects import Report, Run, Subject
from lineage.contract.report import is_number
from lineage.contract.verdicts import SHARES, Judged, judged, measure_of
from lineage.facts import Evaluation
from lineage.mapping.names import canonical

IDS = ("id", "item_id", "example_id", "sample_id", "doc_id", "question_id", "task_id", "uid", "index", "idx", "number")
CONTENT = ("question", "instruction", "prompt", "input", "problem", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number that both sides have.

    Attributes:
        paired: The verdicts of the items that both sides judged; None where there are none, for the reason in *untested*.
        by: What items were paired by: a key of the results, or "position".
        left_out: Items that one side alone has, or that carry no verdict.
    """

    name: str
    one: float | None
    other: float | None
    paired: Paired | None = None
    by: str = ""
    left_out: int = 0
    untested: str = ""


def metrics(one: Subject, other: Subject, data_set: State) -> tuple[Metric, ...]:
    """Return the metrics of two evaluations, or of two sessions with one evaluation each; none of other subjects.

    Args:
        data_set: Whether the test sets are equal: only then items without an id are paired by their position.
    """
    sides = [_evaluation(side) for side in (one, other)]
    if sides[0] is None or sides[1] is None:
        return ()
    left, right = (side[1].metrics for side in sides if side is not None and isinstance(side[1], Evaluation))
    names = [name for name in left if name in right and any(is_number(side[name]) for side in (left, right))]
    files = [_report(one, sides[0]), _report(other, sides[1])]
    return tuple(_metric(name, left[name], right[name], files, data_set) for name in names)


def _report(subject: Subject, run: Run) -> Report:
    return subject.reports.get(run[1].id, ReportFile(reason="no report was read"))


def _evaluation(subject: Subject) -> Run | None:
    runs = [run for run in subject.runs if isinstance(run[1], Evaluation)]
    return runs[0] if len(runs) == 1 else None


def _metric(name: str, one: Any, other: Any, files: Sequence[Report], data_set: State) -> Metric:
    if measure_of(name)[0] not in SHARES:
        return Metric(name=name, one=one, other=other, untested="no share of items that are right")
    reason = next((side.reason for side in files if side.reason), "")
    sides = [judged(name, side.results) for side in files]
    if reason or not all(sides):
        return Metric(name=name, one=one, other=other, untested=reason or "the results carry no verdicts of this measure")
    by, pairs = _pairs(sides[0], sides[1], data_set)
    known = [(a.verdict, b.verdict) for a, b in pairs if a.verdict is not None and b.verdict is not None]
    if not known:
        return Metric(name=name, one=one, other=other, untested=by if not pairs else "the results carry no verdicts")
    counts = {pair: known.count(pair) for pair in ((1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0))}
    both, only_one, only_other, neither = counts.values()
    paired = Paired(both=both, only_one=only_one, only_other=only_other, neither=neither)
    return Metric(name=name, one=one, other=other, paired=paired, by=by, left_out=sum(map(len, sides)) - 2 * len(known))


def _pairs(one: Sequence[Judged], other: Sequence[Judged], data_set: State) -> tuple[str, list[tuple[Judged, Judged]]]:
    """What the items are paired by, and the pairs; the reason, and none, where nothing tells which items are the same."""
    for key in (*(IDS if data_set != "differs" else ()), *CONTENT):
        left, right = _by_key(one, key), _by_key(other, key)
        common = [value for value in left if value in right]
        if common:
            return key, [(left[value], right[value]) for value in common]
    if data_set != "equal":
        return "the test sets are not known to be the same, and the results name no items", []
    if len(one) != len(other):
        return "the results name no items, and their numbers differ", []
    return "position", list(zip(one, other, strict=True))


def _by_key(side: Sequence[Judged], key: str) -> Mapping[Hashable, Judged]:
    """The items by a key that each has and no two share; none where that is not so."""
    values = list(_values(side, key))
    if len(values) < len(side):
        return {}
    return dict(zip(values, side, strict=True)) if len(set(values)) == len(side) else {}


def _values(side: Sequence[Judged], key: str) -> Iterator[bytes]:
    for one in side:
        if one.result.get(key) is None:
            return
        yield canonical(one.result[key])
