"""Rules about reports: do the numbers follow from the results, and do manifest and report say the same?

A number is computed anew only where that is certain: a measure called `accuracy` or `<model>_accuracy`, from results that carry a verdict
under a known key, of that model where they name one. Of every other number nothing is claimed (`unclaimed`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lineage.auditing.world import Found, Made, World
from lineage.contract.redacted import is_redacted
from lineage.facts import Evaluation, Json

VERDICTS = ("correct", "is_correct", "passed", "success")  # booleans, or 0 and 1
MODEL = "model"  # the key under which a result names the model, as the measure does: "sft" of "sft_accuracy"
SUFFIX = "accuracy"
CLOSE = 5e-4  # numbers are written rounded to three digits and more


def size_differs(world: World) -> Iterator[Found]:
    """A report has a result for each example of its data set, and each model."""
    for one, report in world.reports:
        results, size = _results(report), _size(report)
        if results is None or size is None or is_redacted(one.artifact):  # a redacted copy holds no result
            continue
        models = {repr(row[MODEL]) for row in results if isinstance(row, dict) and MODEL in row}
        if len(results) != size * max(len(models), 1):
            each = f" of each of {len(models)} models" if len(models) > 1 else ""
            yield _told(world, "size-differs", one, f"{len(results)} results, and dataset.size is {size}{each}")


def metric_differs(world: World) -> Iterator[Found]:
    """A number of the summary is the one that the results give, and the one that the manifest has."""
    for one, report in world.reports:
        summary = report.get("summary")
        for name, value in summary.items() if isinstance(summary, dict) else ():
            expected = recomputed(name, _results(report) or ())
            if expected is not None and not _close(value, expected):
                yield _told(world, "metric-differs", one, f"{name} is {value}, and the results give {expected:.4g}")
        yield from _unlike_the_manifest(world, one, summary if isinstance(summary, dict) else {})


def _unlike_the_manifest(world: World, one: Made, summary: Json) -> Iterator[Found]:
    told = one.run.metrics if isinstance(one.run, Evaluation) and not one.run.inferred else {}
    for name, value in told.items():
        if not _close(summary.get(name), value):
            yield _told(
                world, "metric-differs", one, f"{name} is {summary.get(name, 'not there')}, and {one.session.manifest} says {value}"
            )


def unclaimed(world: World) -> int:
    """How many numbers of reports could not be computed anew."""
    told = (
        (name, _results(report) or ())
        for _, report in world.reports
        for name in (report.get("summary") if isinstance(report.get("summary"), dict) else {}) or {}
    )
    return sum(recomputed(name, results) is None for name, results in told)


def recomputed(name: str, results: Sequence[Any]) -> float | None:
    """The share of results that are right, where the measure is one and each result says so; else None."""
    who = name.removesuffix(SUFFIX).rstrip("_") if name.endswith(SUFFIX) else None
    rows = [row for row in results if isinstance(row, dict)]
    if who is None or not rows or len(rows) < len(results):
        return None
    if any(MODEL in row for row in rows):
        rows = [row for row in rows if row.get(MODEL) == who]
    elif who and any(f"{who}_{key}" in row for row in rows for key in VERDICTS):
        return _share([_verdict(row, f"{who}_") for row in rows])
    return _share([_verdict(row, "") for row in rows])


def _verdict(row: Mapping[str, Any], prefix: str) -> float | None:
    for key in VERDICTS:
        value = row.get(f"{prefix}{key}")
        if isinstance(value, bool) or (type(value) in (int, float) and value in (0, 1)):
            return float(value)
    return None


def _share(verdicts: Sequence[float | None]) -> float | None:
    known = [one for one in verdicts if one is not None]
    return sum(known) / len(known) if known and len(known) == len(verdicts) else None


def _close(value: object, expected: object) -> bool:
    """The same number, as near as reports round, or the same value of any other kind."""
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in (value, expected)):
        return value == expected
    try:
        return math.isclose(float(value), float(expected), rel_tol=0, abs_tol=CLOSE)  # type: ignore[arg-type]
    except OverflowError:  # an integer that no double holds
        return value == expected


def _results(report: Json) -> list[Any] | None:
    results = report.get("results")
    return results if isinstance(results, list) else None


def _size(report: Json) -> int | None:
    metadata = report.get("metadata")
    dataset = metadata.get("dataset") if isinstance(metadata, dict) else None
    size = dataset.get("size") if isinstance(dataset, dict) else None
    return size if type(size) is int else None


def _told(world: World, code: str, one: Made, detail: str) -> Found:
    about = world.about(one.session, one.artifact)
    return world.found(code, one.place, one.session, one.artifact.path, detail=detail, about=about)
