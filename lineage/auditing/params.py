"""Rules about parameters: are they all told, the seed too, and do records, reports and manifest tell the same?

Records of one run may differ in their seeds, and in what the run says that they differ in: `write(record, generation_params=…)` leaves a gap
`params.<name>` at the run. What a run learns while it takes place stands in its manifest, and need not stand in its records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lineage.auditing.loads import is_elsewhere
from lineage.auditing.provenance import equal, undescribed
from lineage.auditing.records import by_metadata
from lineage.auditing.world import Found, Held, World, called
from lineage.carried.originals import Made
from lineage.contract.decoding import is_greedy
from lineage.contract.slices import key_of
from lineage.core.words import counted, share
from lineage.facts import Activity, Evaluation, Generation, Json, Slice, Training

DECISIVE = ("do_sample", "max_new_tokens", "num_beams", "repetition_penalty")  # what decides a completion, besides the seed
SAMPLING = ("temperature", "top_k", "top_p")  # and where it is sampled
# The same of a model behind an API: OpenAI, Anthropic, Gemini and vLLM have these, and no beams.
LIMITS = ("max_new_tokens", "max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens", "max_length")
REMOTE_SAMPLING = ("temperature", "top_p")
REASONING = ("reasoning", "reasoning_effort", "thinking", "effort")  # models that reason take no temperature


def params_differ(world: World) -> Iterator[Found]:
    """Records and reports tell the parameters, the data set and seeds that the manifest tells of the run that made them."""
    for one in world.held:
        for part in world.slices(one):
            run = _run_of(world, one, part)
            differing = [*_unlike(run, _params(part.metadata)), *_other_seeds(world, one, part)] if run else []
            if differing:
                line = part.lines[0][0] if part.lines else None
                yield world.told("params-differ", one, f"{', '.join(differing)} of {counted(part.count, 'record')}", line=line)
        for part, keys in undescribed(world, one):
            if "generation_params" in keys:
                yield world.told("params-differ", one, f"the manifest records other generation_params for {counted(part.count, 'record')}")
    for made, report in world.reports:
        differing = _report_unlike(made, report) if not made.run.inferred else []
        if differing:
            yield world.told("params-differ", made, ", ".join(differing))


def _run_of(world: World, one: Held, part: Slice) -> Generation | None:
    """The generation that made the records, as its manifest tells it."""
    alone = one.makers[0] if len(one.makers) == 1 and one.artifact.activity else None
    run = world.runs.get(part.run_id, (None, None))[1] if part.run_id else alone
    return run if part.metadata and isinstance(run, Generation) and not run.inferred else None


def _unlike(run: Generation, said: Json) -> list[str]:
    """The parameters that a record has other than its run, and of which the run does not say that records differ in them."""
    open_ = {"seed", *(gap.about.removeprefix("params.") for gap in run.gaps)}
    return [f"{key} {_shown(said[key])} for {_shown(run.params.get(key))}" for key in _other(said, run.params) if key not in open_]


def _other_seeds(world: World, one: Held, part: Slice) -> list[str]:
    """Seeds beyond those that were recorded of these records; where the file is not the one that was recorded, its digest tells."""
    taken, said = world.taken.get(one.path), by_metadata(one.artifact).get(key_of(part.metadata))
    if not (taken and taken.seal.sha256 == one.artifact.sha256 and said and said.seeds and part.seeds):
        return []
    beyond = [
        seed
        for seed, is_beyond in ((part.seeds[0], part.seeds[0] < said.seeds[0]), (part.seeds[1], part.seeds[1] > said.seeds[1]))
        if is_beyond
    ]
    return [f"seed {seed}, where {said.seeds[0]} to {said.seeds[1]} were recorded," for seed in beyond]


def _report_unlike(made: Made, report: Json) -> list[str]:
    run, metadata = made.run, report.get("metadata")
    if not isinstance(run, Evaluation) or not isinstance(metadata, dict):
        return []
    pairs = (("decoding_params", run.params), ("dataset", run.dataset))
    seeds = metadata.get("eval_seed"), run.params.get("seed")
    is_other = None not in seeds and seeds[0] != seeds[1] and all(gap.about != "params.seed" for gap in run.gaps)
    return [f"{name}.{key}" for name, told in pairs for key in _other(metadata.get(name), told)] + ["eval_seed"] * is_other


def _other(said: object, told: Json) -> list[str]:
    """The keys of *said* that the manifest has otherwise, and those that it lacks although it has all that are decisive."""
    asked = said if isinstance(said, dict) and told else {}
    is_whole = not _missing(told)
    return [key for key in asked if (not equal(asked[key], told[key]) if key in told else is_whole)]


def _shown(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


# --- are they all there?


def seed_missing(world: World) -> Iterator[Found]:
    """Who samples or trains says by which seed; where some records do, all do."""
    for place, session in world.placed:
        for run in session.activities:
            if _needs_seed(world, run) and run.params.get("seed") is None and not _seeds_elsewhere(world, run):
                yield world.found(
                    "seed-missing", place, session, world.home(session, run), detail=called(run), about=(world.ids.run(run.id),)
                )
    for one in world.held:
        yield from _seedless(world, one)


def _seedless(world: World, one: Held) -> Iterator[Found]:
    """Records that name no seed, of a run that names one or of which other records do."""
    parts = world.slices(one)
    seeded = {part.run_id for part in parts if part.seeds}
    for part in parts:
        count, line = part.seedless
        run = world.runs.get(part.run_id or "", (None, None))[1]
        said = part.run_id in seeded or bool(run and run.params.get("seed") is not None)
        if count and said and "generation_params" in part.metadata and not is_greedy(_params(part.metadata)):
            yield world.told("seed-missing", one, share(count, part.count, "record"), line=line)


def _needs_seed(world: World, run: Activity) -> bool:
    """Return whether chance decides the run here. Of a model behind an API, the rule `remote-model` says that nobody can repeat it."""
    is_sampled = isinstance(run, Generation | Evaluation) and not is_greedy(run.params) and not _is_remote(world, run)
    return isinstance(run, Training) or is_sampled


def _seeds_elsewhere(world: World, run: Activity) -> bool:
    """Return whether the records of the run name the seed. The seed of a report is the harness's, not the sampler's."""
    made = [one for one in world.made if one.run is run] if isinstance(run, Generation) else []
    return any(part.seeds for one in made for part in world.slices(one))


def params_incomplete(world: World) -> Iterator[Found]:
    """Who asks a model says all parameters that were in force, defaults too; and so do the records and the report of a run that did."""
    for place, session in world.placed:
        for run in session.activities:
            if (
                isinstance(run, Generation | Evaluation)
                and run.models
                and _missing(run.params, _is_remote(world, run))
                and not _in_records(world, run)
            ):
                detail = f"{called(run)} lacks {', '.join(_missing(run.params, _is_remote(world, run)))}"
                yield world.found(
                    "params-incomplete", place, session, world.home(session, run), detail=detail, about=(world.ids.run(run.id),)
                )
    for one in world.held:
        yield from _records_incomplete(world, one)
    for made, report in world.reports:
        remote = _is_remote(world, made.run)
        missing = _missing(_decoding(report), remote) if made.run.models and not _missing(made.run.params, remote) else []
        if missing:
            yield world.told("params-incomplete", made, f"the report lacks {', '.join(missing)}")


def _in_records(world: World, run: Activity) -> bool:
    """Do all records of a run whose calls differed name all parameters of their own call?"""
    if not any(gap.about.startswith("params.") for gap in run.gaps):
        return False
    parts = [part for one in world.made if one.run is run for part in world.slices(one) if part.metadata]
    return bool(parts) and not any(_missing(_params(part.metadata), _is_remote(world, run)) for part in parts)


def _records_incomplete(world: World, one: Held) -> Iterator[Found]:
    """Records that lack what their run has; a run that lacks it too is told of itself."""
    for part in world.slices(one):
        run = world.runs.get(part.run_id or "", (None, None))[1] if part.run_id else next(iter(one.makers), None)
        remote = _is_remote(world, run)
        is_told = isinstance(run, Generation) and run.models and not _missing(run.params, remote)
        missing = [*_missing(_params(part.metadata), remote), *_dropped(one, part)] if part.metadata and is_told else []
        if missing:
            line, detail = (
                (part.lines[0][0] if part.lines else None),
                f"{counted(part.count, 'record')} without {', '.join(dict.fromkeys(missing))}",
            )
            yield world.told("params-incomplete", one, detail, line=line)


def _dropped(one: Held, part: Slice) -> list[str]:
    """The parameters that all records of the run had when they were recorded."""
    recorded = [set(_params(before.metadata)) for before in by_metadata(one.artifact).values() if before.run_id == part.run_id]
    return sorted(set.intersection(*recorded) - set(_params(part.metadata))) if recorded else []


def _params(metadata: Json) -> Mapping[str, object]:
    said = metadata.get("generation_params")
    return said if isinstance(said, dict) else {}


def _decoding(report: Json) -> Json:
    metadata = report.get("metadata")
    said = metadata.get("decoding_params") if isinstance(metadata, dict) else None
    return said if isinstance(said, dict) else {}


def _missing(params: Json, remote: bool = False) -> list[str]:
    """Return the parameters that decide a completion and are not recorded; of a *remote* model, those that APIs have."""
    if remote or _is_in_words_of_an_api(params):
        is_sampled = not is_greedy(params) and not any(params.get(key) is not None for key in REASONING)
        limit = [] if any(params.get(key) is not None for key in LIMITS) else ["max_tokens"]
        return [*limit, *(key for key in REMOTE_SAMPLING if is_sampled and params.get(key) is None)]
    needed = (*DECISIVE, *(SAMPLING if not is_greedy(params) else ()))
    return [key for key in needed if params.get(key) is None and not (key == "max_new_tokens" and params.get("max_length") is not None)]


def _is_in_words_of_an_api(params: Json) -> bool:
    """Return whether the length is limited as APIs and their servers call it: the other parameters are theirs too."""
    return any(params.get(key) is not None for key in LIMITS[1:-1]) and "num_beams" not in params and "do_sample" not in params


def _is_remote(world: World, run: Activity | None) -> bool:
    """Return whether every model of the run ran elsewhere."""
    loads = world.loads_of(run) if run else ()
    return bool(loads) and all(is_elsewhere(load.provenance, load.used) for load in loads)
