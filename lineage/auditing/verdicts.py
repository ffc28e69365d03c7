"""Rules about verdicts: is each the one that the recorded scorer gives for the answer and the response beside it?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from lineage.auditing.reports import recomputed
from lineage.auditing.words import in_words
from lineage.auditing.world import Found, World
from lineage.carried.originals import Made
from lineage.contract.metadata import ours
from lineage.contract.redacted import is_redacted
from lineage.contract.report import by_name, measures
from lineage.contract.scorers import Scorer, answers_of, is_plausible, judged_right, named, response_of
from lineage.contract.verdicts import VERDICTS
from lineage.core.words import counted
from lineage.facts import Json

MOST = 20  # results of one report that are named; the rest are counted
SCORES = (*VERDICTS, "score", "acc", "exact_match")  # keys of a verdict: true or false, 1 or 0

Reason = str  # why a verdict was not computed again
_NO_SCORER, _NO_ANSWER, _NO_RESPONSE = "no scorer recorded", "no answer beside it", "no response beside it"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict of a report's result."""

    place: str  # `results[3].correct`
    key: str
    is_right: bool
    answers: tuple[str, ...]
    response: str | None


def verdicts_of(report: Json) -> Iterator[Verdict]:
    """Yield each verdict of a report, with the answer and the response that it is about."""
    results = report.get("results")
    for number, row in enumerate(results if isinstance(results, list) else ()):
        for key, value in row.items() if isinstance(row, dict) else ():
            prefix = _prefix(key)
            if prefix is not None and (isinstance(value, bool) or (type(value) in (int, float) and value in (0, 1))):
                yield Verdict(f"results[{number}].{key}", key, bool(value), answers_of(row), response_of(row, prefix))


def _prefix(key: str) -> str | None:
    """The model that a verdict's key names, as in `sft_correct`; "" for none, None where the key is that of no verdict."""
    if key in SCORES:
        return ""
    return next((key.removesuffix(name) for name in VERDICTS if key.endswith(f"_{name}")), None)


def verdict_differs(world: World) -> Iterator[Found]:
    """A verdict is the one that the scorer which the report names gives."""
    for one, report in world.reports:
        scorer, _ = named(_metadata(report))
        told = list(verdicts_of(report)) if scorer and not is_redacted(one.artifact) else []
        wrong = _unlike(scorer, told) if scorer else []
        yield from _named(world, "verdict-differs", one, told, wrong, f"{scorer.name} gives the other" if scorer else "")


def _unlike(scorer: Scorer, told: list[Verdict]) -> list[Verdict]:
    return [it for it in told if _why_not(it) is None and judged_right(scorer, it.answers, it.response or "") is not it.is_right]


def verdict_doubtful(world: World) -> Iterator[Found]:
    """Where no scorer is named, a verdict says that a response is right only where some usual scorer would."""
    for one, report in world.reports:
        if "scorer" in _metadata(report) or is_redacted(one.artifact):
            continue
        told = list(verdicts_of(report))
        doubtful = [it for it in told if _is_of_texts(it) and it.is_right and not is_plausible(it.answers, it.response or "")]
        yield from _named(world, "verdict-doubtful", one, told, doubtful, "no usual scorer would say so")


def _is_of_texts(it: Verdict) -> bool:
    """Is it about a response and an answer, rather than about tests that a program passed?"""
    return _why_not(it) is None and not it.key.endswith(("passed", "success"))


def _named(world: World, code: str, one: Made, told: list[Verdict], wrong: list[Verdict], why: str) -> Iterator[Found]:
    """The first of the verdicts that are wrong, each with what it is about, and how many more there are."""
    for it in wrong[:MOST]:
        answer = in_words(it.answers[0]) if len(it.answers) == 1 else in_words(list(it.answers))
        about = f"answer {answer!r}, response {in_words(it.response)!r}"
        yield world.told(code, one, f"{it.place} is {in_words(it.is_right)}, and {why}: {about}{_score(told, wrong)}")
    if len(wrong) > MOST:
        yield world.told(code, one, f"and {counted(len(wrong) - MOST, 'more verdict')} of {len(told):,}")


def _score(told: list[Verdict], wrong: list[Verdict]) -> str:
    """The share of right results as it is told, and as it would be."""
    places = {it.place for it in wrong}
    then = sum(it.is_right for it in told) / len(told)
    now = sum(it.is_right is not (it.place in places) for it in told) / len(told)
    return f"; {then:.4g} of the results are right as told, {now:.4g} then"


def _why_not(it: Verdict) -> Reason | None:
    return _NO_ANSWER if not it.answers else _NO_RESPONSE if it.response is None else None


def unscored(world: World) -> Iterator[tuple[str, int, Reason]]:
    """Yield (report, verdicts, why they were not computed again)."""
    for one, report in world.reports:
        scorer, problem = named(_metadata(report))
        reasons = Counter(_why_not(it) if scorer else problem or _NO_SCORER for it in verdicts_of(report))
        name = world.name(one.folder, one.artifact.path)
        yield from ((name, count, why) for why, count in reasons.items() if why is not None)


def rescored(world: World) -> int:
    """How many verdicts were computed again."""
    scored = ((named(_metadata(report))[0], report) for _, report in world.reports)
    return sum(_why_not(it) is None for scorer, report in scored if scorer for it in verdicts_of(report))


def computed_again(world: World) -> set[str]:
    """Return the ids of the evaluations of whose metrics each was computed again, from verdicts that the recorded scorer gave again."""
    open_reports = {name for name, _, _ in unscored(world)}
    found: set[str] = set()
    for one, report in world.reports:
        values = by_name(measures(report))
        is_scored = named(_metadata(report))[0] is not None and world.name(one.folder, one.artifact.path) not in open_reports
        if is_scored and values and all(recomputed(name, value, report.get("results") or ()) is not None for name, value in values.items()):
            found.add(one.run.id)
    return found


def _metadata(report: Json) -> Json:
    return ours(report.get("metadata"))
