"""What the manifests of a folder state and no byte in it proves: the section "claimed, not checked" of a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from lineage.auditing.loads import configurations, is_remote
from lineage.auditing.replayed import BIT, TOKEN, Replayed
from lineage.auditing.verdicts import computed_again, unscored
from lineage.auditing.world import World
from lineage.core.words import counted
from lineage.facts import Activity, Evaluation, Json, ModelLoad, Training, Transformation
from lineage.known_by import RECORDED, KnownBy, has_value, kinds, row_of

Claim = tuple[str, int, str]  # what, how many, why it was not checked


def claims(world: World, again: Replayed | None = None) -> Iterator[Claim]:
    """Yield what is claimed by whoever recorded the folder, counted, with what would settle it."""
    told = (*_by_the_table(world), *_of_runs(world, again), *_of_models(world), *_of_reports(world), *_of_sessions(world))
    yield from (one for one in told if one[1])


def known(world: World, subject: Json, again: Replayed | None) -> dict[str, dict[str, int]]:
    """Return how many values are known by each source, and how many things by each check that was made now."""
    sources = Counter(
        known_by.value
        for fact in _facts(world)
        for field in fields(fact)
        if row_of(type(fact), field.name) is not None and has_value(getattr(fact, field.name))
        for known_by in kinds(fact, field.name)
    )
    checks = {
        KnownBy.BYTES_CHECKED: sum(one["result"] == "as recorded" for one in subject["files_checked"]),
        KnownBy.SIGNED: sum(len(one.signed) for _, one in world.signed) if world.key is not None else 0,
        KnownBy.REPLAYED: sum(one.level in (BIT, TOKEN) for one in again.outcomes) if again else 0,
    }
    return {
        "sources": {one.value: sources[one.value] for one in RECORDED},
        "checks": {one.value: count for one, count in checks.items()},
    }


def _by_the_table(world: World) -> Iterator[Claim]:
    """Each value whose source is not an observation, by the table of known_by.py: counted by what it is and how it is known."""
    counts: Counter[tuple[str, KnownBy, str]] = Counter()
    computed = computed_again(world)
    for fact in _facts(world):
        for field in fields(fact):
            if field.name == "metrics" and isinstance(fact, Evaluation) and fact.id in computed:
                continue
            row = row_of(type(fact), field.name)
            if row is not None and row.what and has_value(getattr(fact, field.name)):
                unseen = [known_by for known_by in kinds(fact, field.name) if known_by is not KnownBy.OBSERVED]
                counts.update((row.what, known_by, row.settle) for known_by in unseen)
    for (what, known_by, settle), count in sorted(counts.items()):
        yield f"{what} ({known_by})", count, f"to settle it: {settle}"


def _facts(world: World) -> Iterator[Any]:
    """Every fact of the sessions once; runs that no manifest tells of have a line of their own."""
    for _, session in world.placed:
        yield session
        yield from session.artifacts
        for run in session.activities:
            if not run.inferred:
                yield run
                yield from run.used


def _of_runs(world: World, again: Replayed | None) -> Iterator[Claim]:
    runs = [run for _, session in world.placed for run in session.activities if not run.inferred]
    made_again = sum(not one.is_result and one.level in (BIT, TOKEN) for one in again.outcomes) if again else 0
    yield "records", sum(one.scan.recorded for one in world.taken.values()) - made_again, "that a model made them: repeat a sample with lineage audit --replay N, where you have the model"  # fmt: skip
    yield "trainings", _count(runs, Training), "that the weights come from the recorded data: only training again would show it"
    yield "transformations", _count(runs, Transformation), "what the commands did between inputs and outputs: they are not run again"
    inferred = sum(run.inferred for _, session in world.placed for run in session.activities)
    yield "runs without a manifest", inferred, "they are inferred from the metadata of records and reports"


def _count(runs: list[Activity], kind: type[Activity]) -> int:
    return sum(type(run) is kind for run in runs)


def _of_models(world: World) -> Iterator[Claim]:
    told = list(configurations(world))
    local = [one for one in told if not is_remote(one)]
    versions = sum(one.provenance.get("loader_version") is not None for one in local)
    sentinels = sum(one.provenance.get("sentinel_tests_passed") is not None for one in local)
    loads = sum(
        isinstance(run, ModelLoad) and not run.inferred and not run.used for _, session in world.placed for run in session.activities
    )
    yield "loader versions", versions, "that this loader loaded the model is the loader's own statement"
    yield "results of sentinel tests", sentinels, "the tests are not run again"
    yield "model loads without files", loads, "which weights were loaded: only their name was recorded"
    yield "models behind an API", len(told) - len(local), "which model answered is the provider's statement"


def _of_reports(world: World) -> Iterator[Claim]:
    yield from ((f"verdicts of {name}", count, why) for name, count, why in unscored(world))


def _of_sessions(world: World) -> Iterator[Claim]:
    sessions = [session for _, session in world.placed if session.manifest]
    unclean = sum(session.code is not None and session.code.git_sha is not None and session.code.dirty is None for session in sessions)
    signed = sum(len(one.signed) for _, one in world.signed)
    is_under_key = world.key is not None and signed == len(sessions)
    yield "environments, operators and commits", len(sessions), "they are the recording machine's own statement"
    yield "clocks", len(sessions), "times are those of the recording machine; only their order is checked"
    yield "states of the working tree", unclean, "whether the code had changes was not recorded"
    yield (
        "manifests",
        0 if is_under_key else len(sessions) - signed,
        "they are not signed: anyone who can write to the folder can change them",
    )
    what = counted(len(sessions), "session")
    yield "runs that were never recorded", len(sessions), f"{what} cannot show which runs were discarded and left out"
