"""What the manifests of a folder state and no byte in it proves: the section "claimed, not checked" of a report."""

from __future__ import annotations

from collections.abc import Iterator

from lineage.auditing.loads import configurations, is_remote
from lineage.auditing.world import World
from lineage.contract.verdicts import VERDICTS
from lineage.core.words import counted
from lineage.facts import Activity, Evaluation, Generation, ModelLoad, Training, Transformation

Claim = tuple[str, int, str]  # what, how many, why it was not checked


def claims(world: World) -> Iterator[Claim]:
    """Yield what is claimed by whoever recorded the folder, counted, with what would settle it."""
    yield from (one for one in (*_of_runs(world), *_of_models(world), *_of_reports(world), *_of_sessions(world)) if one[1])


def _of_runs(world: World) -> Iterator[Claim]:
    runs = [run for _, session in world.placed for run in session.activities if not run.inferred]
    yield "generations", _count(runs, Generation), "parameters, seeds and times are the recorder's statement"
    yield "records", sum(one.scan.recorded for one in world.taken.values()), "that a model made them: repeat a sample with lineage replay, where you have the model"  # fmt: skip
    yield "trainings", _count(runs, Training), "that the weights come from the recorded data: only training again would show it"
    yield "evaluations", _count(runs, Evaluation), "parameters, seeds and times are the recorder's statement"
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
    verdicts = sum(_has_verdict(row) for _, report in world.reports for row in report.get("results") or () if isinstance(row, dict))
    yield "verdicts on answers", verdicts, "they are added up; answers are not scored again"


def _has_verdict(row: dict[str, object]) -> bool:
    return any(str(key).casefold().endswith(VERDICTS) for key in row)


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
