"""Verdicts of single results, and the measures that are computed from them.

A measure is recognised by its name alone: an accuracy, or a count of correct answers, in all or of a model. Names are read
without regard to case, nesting, and what separates words: `sft_accuracy`, `Accuracy (SFT)` and `{"sft": {"accuracy": …}}`
are one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lineage.facts import Json

VERDICTS = ("correct", "is_correct", "passed", "success")  # booleans, or 0 and 1
MODEL = "model"  # the key under which a result names the model, as the measure does: "sft" of "sft_accuracy"
SHARES, COUNTS = ("accuracy", "acc"), ("n_correct", "num_correct", "correct_count", "correct")  # how measures of verdicts are called


@dataclass(frozen=True, slots=True)
class Judged:
    """A result and its verdict: 1 for right, 0 for wrong, None where it carries none."""

    result: Json
    verdict: float | None


def judged(name: str, results: Sequence[Any]) -> list[Judged]:
    """Return the results that a measure is about, with their verdicts; none where *name* is no measure of verdicts."""
    measure, model, is_loose = measure_of(name)
    rows = [row for row in results if isinstance(row, dict)]
    if measure is None or len(rows) < len(results):
        return []
    return _verdicts(model, rows, is_loose)


def measure_of(name: str) -> tuple[str | None, str, bool]:
    """Return the measure, the model that is named before or after it, and whether it is one for certain.

    `format_correct` may count another thing, and is not certain.
    """
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


def _verdicts(model: str, rows: Sequence[Json], is_loose: bool) -> list[Judged]:
    """Judge the results of the model; every result, where results name no model, and the measure none or one that it may well be."""
    if any(MODEL in row for row in rows):
        return [Judged(row, _verdict(row, "")) for row in rows if _words(row.get(MODEL)) == model]
    named = model and any(f"{model}_{key}" in map(_words, row) for row in rows for key in VERDICTS)
    if named:
        return [Judged(row, _verdict(row, f"{model}_")) for row in rows]
    return [Judged(row, _verdict(row, "")) for row in rows] if is_loose else []


def _verdict(row: Json, prefix: str) -> float | None:
    words = {_words(key): value for key, value in row.items()} if prefix else row
    for key in VERDICTS:
        value = words.get(f"{prefix}{key}")
        if isinstance(value, bool) or (type(value) in (int, float) and value in (0, 1)):
            return float(value)
    return None
