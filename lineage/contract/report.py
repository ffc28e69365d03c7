"""Evaluation reports (docs/reference/files.md, section 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lineage.contract.fields import Fields
from lineage.contract.metadata import ours
from lineage.contract.plain import NOT_FINITE, not_finite, plain, plain_value
from lineage.contract.strict import loads
from lineage.contract.times import check_time
from lineage.contract.writing import as_bytes
from lineage.facts import Gap, Json
from lineage.findings import Finding, finding

NESTED = ("metrics", "scores", "results")  # objects in which other tools keep the numbers of a report


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report says of itself. `metadata` is empty in a legacy one, and in one that another tool wrote.

    `summary` holds metrics by their flattened names; None is a metric without a value.
    """

    summary: Json
    metadata: Json = field(default_factory=dict)
    result_count: int = 0

    @property
    def run_id(self) -> str | None:
        """The evaluation that made it, if it says so."""
        run_id = self.metadata.get("run_id")
        return run_id if isinstance(run_id, str) else None


def read(data: bytes, name: str) -> tuple[Report | None, list[Finding]]:
    """The report, or None when *data* is none at all (it has no `summary` with `metadata` or `results`), and what is wrong with it."""
    value, problems = loads(data)
    findings = [finding(code, name, None, detail) for code, detail in problems]
    if not isinstance(value, dict) or "summary" not in value or not ("metadata" in value or "results" in value):
        return None, findings
    fields = Fields(value)
    numbers = {name: number for name, number in by_name(fields.mapping("summary")).items() if number is None or is_number(number)}
    results = value.get("results")
    metadata = ours(fields.mapping("metadata"))
    report = Report(summary=numbers, metadata=metadata, result_count=len(results) if isinstance(results, list) else 0)
    findings += [finding("bad-report", name, None, problem) for problem in fields.problems]
    return report, findings + _times(report, name)


def problems(value: object) -> list[str]:
    """What of a report that is to be there has not the shape of the contract."""
    if not isinstance(value, dict):
        return ["expected an object"]
    fields = Fields(value)
    fields.mapping("summary")
    fields.mapping("metadata")
    missing = [] if "summary" in value else ["summary: is missing"]
    return [*missing, *dict.fromkeys(fields.problems)]


def _times(report: Report, name: str) -> list[Finding]:
    time = report.metadata.get("timestamp")  # of our metadata alone
    code = check_time(time) if isinstance(time, str) else None
    return [finding(code, name, None, f"metadata.timestamp: {time}")] if code else []


def build(summary: Mapping[str, Any], results: Sequence[Any], metadata: Mapping[str, Any] | None) -> bytes:
    """Return a report as bytes: `summary`, `metadata` (unless None) and `results`, indented, with a newline at the end.

    What JSON cannot hold becomes null, in the results too: `metrics_of` and `lost_in` give the reasons.
    """
    told = {"summary": plain(summary, "summary")[0], **({"metadata": metadata} if metadata is not None else {})}
    try:
        return as_bytes({**told, "results": list(results)}, indent=True) + b"\n"
    except (TypeError, ValueError, RecursionError):
        held = [plain_value(one, "results")[0] for one in results]
        return as_bytes({**told, "results": held}, indent=True) + b"\n"


# --- metrics


def flattened(summary: Json, inside: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a summary, those in objects by their path: `gsm8k.exact_match`."""
    for name, value in summary.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{inside}{name}.")
        else:
            yield f"{inside}{name}", value


def by_name(summary: Json) -> dict[str, Any]:
    """Return the values of a summary by their flattened names; of two with one name the first."""
    found: dict[str, Any] = {}
    for name, value in flattened(summary):
        found.setdefault(name, value)
    return found


def is_number(value: object) -> bool:
    """Return whether a value of a summary is a metric. True and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def measures(report: Json) -> Json:
    """Return the part of a report that holds its numbers: its `summary`; of another tool's, the numbers at its top and those of NESTED."""
    summary = report.get("summary")
    if isinstance(summary, Mapping):
        return summary
    return {name: value for name, value in report.items() if is_number(value) or (name in NESTED and isinstance(value, Mapping))}


def metrics_of(summary: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Gap, ...]]:
    """Return the metrics of a summary by their flattened names, and a gap for each value that is no number.

    NaN and infinities are metrics without a value: null, with a gap.
    """
    told, gaps = plain(summary, "summary")
    without_value = {gap.about for gap in gaps if gap.reason == NOT_FINITE}
    values = by_name(told)
    metrics = {name: value for name, value in values.items() if is_number(value) or f"summary.{name}" in without_value}
    lost = {gap.about: gap for gap in gaps}
    for name, value in values.items():
        if name not in metrics:
            lost.setdefault(f"summary.{name}", Gap(f"summary.{name}", "not a number" if value is not None else "no value was given"))
    for name, count in Counter(name for name, _ in flattened(told)).items():
        if count > 1:
            lost.setdefault(f"summary.{name}", Gap(f"summary.{name}", "two values have this name; the first is kept"))
    return metrics, tuple(lost.values())


def lost_in(results: Sequence[Any]) -> tuple[Gap, ...]:
    """Return a gap for what is null in the report's results because JSON cannot hold it, named by the first of its kind."""
    try:
        text = as_bytes(list(results))
        found = not_finite(results, "results") if b"null" in text else ()
    except (TypeError, ValueError, RecursionError):
        found = tuple(gap for n, one in enumerate(results) for gap in plain_value(one, f"results[{n}]")[1])
    reasons = dict.fromkeys(gap.reason for gap in found)
    return tuple(_counted(reason, [gap for gap in found if gap.reason == reason]) for reason in reasons)


def _counted(reason: str, gaps: Sequence[Gap]) -> Gap:
    rest = f", and {len(gaps) - 1:,} more values" if len(gaps) > 1 else ""
    return Gap(gaps[0].about, f"{reason}{rest}")
