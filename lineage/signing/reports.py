"""Which numbers of a report are not those that its session recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lineage.contract import report
from lineage.core import limits
from lineage.facts import Evaluation, Session


def metrics_changed(path: Path, name: str, session: Session | None) -> Iterator[str]:
    """`accuracy: 0.5 was recorded, 0.9 stands in the file`, for each number of the report *name* that differs."""
    runs = [
        run for run in (session.activities if session else ()) if isinstance(run, Evaluation) and any(one.path == name for one in run.made)
    ]
    if not runs or path.stat().st_size > limits.JSON:
        return
    found, _ = report.read(path.read_bytes(), name)
    if found is None:
        yield "it is no report any more"
        return
    for measure in sorted(found.summary.keys() | runs[0].metrics.keys()):
        recorded, stands = runs[0].metrics.get(measure), found.summary.get(measure)
        if recorded != stands:
            yield f"{measure}: {_number(recorded)} was recorded, {_number(stands)} stands in the file"


def _number(value: object) -> str:
    return "nothing" if value is None else f"{value}"
