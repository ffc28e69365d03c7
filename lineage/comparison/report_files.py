"""The report of an evaluation, read where it is the file that was recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lineage.capture.files import digest
from lineage.capture.places import own
from lineage.comparison.subjects import Run, Subject
from lineage.contract.strict import loads
from lineage.core import limits
from lineage.facts import Evaluation, Json
from lineage.trace.reading import Library

MOST = 20  # reports that are read for a comparison


@dataclass(frozen=True, slots=True)
class ReportFile:
    """What a report holds; nothing, and the reason, where it cannot be relied on."""

    content: Json = field(default_factory=dict)
    reason: str = ""

    @property
    def results(self) -> Sequence[Any]:
        """The results of single items."""
        rows = self.content.get("results")
        return rows if isinstance(rows, list) else ()


def reports_of(subject: Subject, library: Library) -> Mapping[str, ReportFile]:
    """Return the reports of the evaluations of *subject*, by the id of the run."""
    runs = [run for run in subject.runs if isinstance(run[1], Evaluation)]
    return {run[1].id: _read(library, run) for run in runs[:MOST]}


def _read(library: Library, run: Run) -> ReportFile:
    for made in run[1].made:
        for folder, sessions in library.places.items():
            path = own(folder, made.path) if run[0].id in sessions else None
            if path is None or path.suffix != ".json" or path.stat().st_size > limits.JSON:
                continue
            if made.sha256 not in (None, digest(path)[0]):
                return ReportFile(reason=f"{made.path} is not the file that was recorded")
            content, _ = loads(path.read_bytes())
            if isinstance(content, dict):
                return ReportFile(content)
    return ReportFile(reason="no report lists the items")
