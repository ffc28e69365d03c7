"""Evaluation reports (docs/reference/files.md, section 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lineage.contract.fields import Fields
from lineage.contract.strict import loads
from lineage.contract.times import check_time
from lineage.contract.writing import as_bytes
from lineage.facts import Json
from lineage.findings import Finding, finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report says of itself. `metadata` is empty in a legacy one."""

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
    summary = fields.inside("summary")
    numbers = {key: number for key in fields.mapping("summary") if (number := summary.number(key)) is not None}
    results = value.get("results")
    report = Report(summary=numbers, metadata=fields.mapping("metadata"), result_count=len(results) if isinstance(results, list) else 0)
    findings += [finding("bad-report", name, None, problem) for problem in fields.problems]
    return report, findings + _times(report, name)


def problems(value: object) -> list[str]:
    """What of a report that is to be there has not the shape of the contract."""
    if not isinstance(value, dict):
        return ["expected an object"]
    fields = Fields(value)
    summary = fields.inside("summary")
    for key in fields.mapping("summary"):
        summary.number(key)
    fields.mapping("metadata")
    missing = [] if "summary" in value else ["summary: is missing"]
    return [*missing, *dict.fromkeys(fields.problems)]


def _times(report: Report, name: str) -> list[Finding]:
    time = report.metadata.get("timestamp")
    code = check_time(time) if isinstance(time, str) else None
    return [finding(code, name, None, f"metadata.timestamp: {time}")] if code else []


def build(summary: Mapping[str, Any], results: Sequence[Any], metadata: Mapping[str, Any] | None) -> bytes:
    """A report as bytes: `summary`, `metadata` (unless None) and `results`, indented, with a newline at the end."""
    whole = {"summary": summary, **({"metadata": metadata} if metadata is not None else {}), "results": list(results)}
    return as_bytes(whole, indent=True) + b"\n"
