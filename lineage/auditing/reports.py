"""Rules about reports: do the numbers follow from the results, and do manifest and report say the same?

A number is computed anew only where that is certain: an accuracy, or how many are correct, in all or of a model, from results that carry a
verdict under a known key, of that model where they name one (lineage/contract/verdicts.py). Of every other number nothing is
claimed (`unclaimed`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from lineage.auditing.words import in_words
from lineage.auditing.world import Found, World
from lineage.carried.originals import Made
from lineage.contract.metadata import check_provenance
from lineage.contract.redacted import is_redacted
from lineage.contract.report import by_name, is_number, measures, problems
from lineage.contract.verdicts import COUNTS, MODEL, SHARES, judged, measure_of
from lineage.core.words import counted
from lineage.facts import Evaluation, Json

CLOSE = 5e-4  # numbers are written rounded to three digits and more


def size_differs(world: World) -> Iterator[Found]:
    """A report has a result for each example of its data set, and each model."""
    for one, report in world.reports:
        results, size = _results(report) or [], _size(report)
        if size is None or is_redacted(one.artifact):  # a redacted copy holds no result
            continue
        models = {repr(row[MODEL]) for row in results if isinstance(row, dict) and MODEL in row}
        if len(results) != size * max(len(models), 1):
            each = f" of each of {len(models)} models" if len(models) > 1 else ""
            yield world.told("size-differs", one, f"{counted(len(results), 'result')}, and dataset.size is {size}{each}")


def malformed(world: World) -> Iterator[Found]:
    """The report of an evaluation is one: a summary of numbers, with metadata or results."""
    read = {one.path: value for one, value in world.reports}
    for one in world.made:
        if world.is_report(one) and world.is_readable(one.path) and not one.run.is_wrapped:
            for problem in problems(read.get(one.path)):
                yield world.told("bad-report", one, problem)
    for one, told in world.reports:
        metadata = told.get("metadata")
        if isinstance(metadata, dict):
            provenance = metadata.get("provenance")
            for problem in check_provenance(provenance) if isinstance(provenance, dict) else ["provenance: expected an object"]:
                yield world.told("bad-metadata", one, f"metadata.{problem}")


def metric_differs(world: World) -> Iterator[Found]:
    """A number of the summary is the one that the results give, and the one that the manifest has."""
    for one, told in world.reports:
        numbers = _values(told)
        for name, value in numbers.items():
            expected = recomputed(name, value, _results(told) or ()) if value is not None else None
            if expected is not None and not _close(value, expected):
                yield world.told("metric-differs", one, f"{name} is {in_words(value)}, and the results give {expected:.4g}")
        yield from _unlike_the_manifest(world, one, numbers)


def _values(report: Json) -> dict[str, Any]:
    """The values of a report by their flattened names."""
    return by_name(measures(report))


def _unlike_the_manifest(world: World, one: Made, summary: Json) -> Iterator[Found]:
    told = one.run.metrics if isinstance(one.run, Evaluation) and not one.run.inferred else {}
    for name, value in told.items():
        if not _close(summary.get(name), value):
            yield world.told(
                "metric-differs", one, f"{name} is {in_words(summary.get(name))}, and {one.session.manifest} says {in_words(value)}"
            )
    is_flattened = any("." in name for name in told)  # manifests that were written before have no nested metrics
    for name, value in summary.items() if told else ():
        if name not in told and is_number(value) and (is_flattened or "." not in name):
            yield world.told("metric-differs", one, f"{name} is {in_words(value)}, and {one.session.manifest} says nothing of it")


def unclaimed(world: World) -> int:
    """How many numbers of reports could not be computed anew."""
    every = ((name, value, _results(report) or ()) for _, report in world.reports for name, value in _values(report).items())
    return sum(recomputed(*one) is None for one in every if is_number(one[1]))


def recomputed(name: str, value: object, results: Sequence[Any]) -> float | None:
    """What the measure with this name and value is by the results: the share or, of a whole number, the count of those that are right; else None."""
    measure = measure_of(name)[0]
    if measure is None or (measure in COUNTS and type(value) is not int):
        return None
    verdicts = [one.verdict for one in judged(name, results)]
    known = [one for one in verdicts if one is not None]
    if not known or len(known) < len(verdicts):
        return None
    return sum(known) / len(known) if measure in SHARES else sum(known)


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
