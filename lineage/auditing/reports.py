"""Rules about reports: do the numbers follow from the results, and do manifest and report say the same?

A number is computed anew only where that is certain: an accuracy, or how many are correct, in all or of a model, from results that carry a
verdict under a known key, of that model where they name one. Names are read without regard to case, nesting, and what stands between words:
`sft_accuracy`, `Accuracy (SFT)` and `{"sft": {"accuracy": …}}` are one. Of every other number nothing is claimed (`unclaimed`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from lineage.auditing.words import in_words
from lineage.auditing.world import Found, World
from lineage.carried.originals import Made
from lineage.contract.metadata import check_provenance
from lineage.contract.redacted import is_redacted
from lineage.contract.report import by_name, is_number, problems
from lineage.core.words import counted
from lineage.facts import Evaluation, Json

VERDICTS = ("correct", "is_correct", "passed", "success")  # booleans, or 0 and 1
MODEL = "model"  # the key under which a result names the model, as the measure does: "sft" of "sft_accuracy"
SHARES, COUNTS = ("accuracy", "acc"), ("n_correct", "num_correct", "correct_count", "correct")  # how measures of verdicts are called
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
        if world.is_report(one) and world.is_readable(one.path):
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
    """The values of a report's summary by their flattened names."""
    summary = report.get("summary")
    return by_name(summary) if isinstance(summary, dict) else {}


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
    measure, who, is_loose = _measure(name)
    rows = [row for row in results if isinstance(row, dict)]
    if measure is None or not rows or len(rows) < len(results) or (measure in COUNTS and type(value) is not int):
        return None
    verdicts = _verdicts(who, rows, is_loose)
    known = [one for one in verdicts if one is not None]
    if not known or len(known) < len(verdicts):
        return None
    return sum(known) / len(known) if measure in SHARES else sum(known)


def _measure(name: str) -> tuple[str | None, str, bool]:
    """What is measured, the model that is named before or after it, and whether it is one for certain: `format_correct` may count another thing."""
    words = _words(name)
    for measure in (*SHARES, *COUNTS):
        if words == measure:
            return measure, "", True
        if words.endswith(f"_{measure}"):
            return measure, words.removesuffix(f"_{measure}"), measure in SHARES
        if words.startswith(f"{measure}_"):
            return measure, words.removeprefix(f"{measure}_"), False
    return None, "", False


def _words(name: object) -> str:
    return re.sub(r"[^a-z0-9]+", "_", str(name).casefold()).strip("_")


def _verdicts(who: str, rows: Sequence[Json], is_loose: bool) -> list[float | None]:
    """What each result says of the model; what each says, where results name no model, and the measure none or one that it may well be."""
    if any(MODEL in row for row in rows):
        return [_verdict(row, "") for row in rows if _words(row.get(MODEL)) == who]
    named = who and any(f"{who}_{key}" in map(_words, row) for row in rows for key in VERDICTS)
    if named:
        return [_verdict(row, f"{who}_") for row in rows]
    return [_verdict(row, "") for row in rows] if is_loose else []


def _verdict(row: Json, prefix: str) -> float | None:
    words = {_words(key): value for key, value in row.items()} if prefix else row
    for key in VERDICTS:
        value = words.get(f"{prefix}{key}")
        if isinstance(value, bool) or (type(value) in (int, float) and value in (0, 1)):
            return float(value)
    return None


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
