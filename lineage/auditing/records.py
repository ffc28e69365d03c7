"""Rules about records: what the lines say, held against what the manifest says of the run that made them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage.auditing.world import Found, World, called
from lineage.carried.originals import Made
from lineage.contract.metadata import PROVENANCE
from lineage.facts import Activity, Evaluation, Generation, Json, ModelLoad, Slice, Training

MOVING = ("gaps", "sentinels")  # of the provenance: told anew at each load, and no setting
DECISIVE = ("do_sample", "max_new_tokens", "num_beams", "repetition_penalty")  # what decides a completion, besides the seed
SAMPLING = ("temperature", "top_k", "top_p")  # and where it is sampled


def slices(world: World, one: Made) -> tuple[Slice, ...]:
    """The slices that the file really holds; those that were recorded, where it cannot be read."""
    taken = world.taken.get(one.path)
    return (taken.scan.slices if taken else one.artifact.slices) or ()


def mixed_loaders(world: World) -> Iterator[Found]:
    """A file holds records of one loader version."""
    for one in _files(world):
        first: dict[str, int] = {}
        for part in slices(world, one):
            version = _provenance(part.metadata).get("loader_version")
            if isinstance(version, str):
                first.setdefault(version, part.lines[0][0] if part.lines else 1)
        if len(first) > 1:
            said = ", ".join(f"{version[:8]} from line {line}" for version, line in sorted(first.items(), key=lambda pair: pair[1]))
            yield world.found("mixed-loaders", one.folder, one.session, one.artifact.path, line=sorted(first.values())[1], detail=said)


def _files(world: World) -> Iterator[Made]:
    """Every file of records once, though several runs wrote to it."""
    seen = set()
    for one in world.made:
        if (one.path in world.taken or one.artifact.slices) and one.path not in seen:
            seen.add(one.path)
            yield one


def provenance_differs(world: World) -> Iterator[Found]:
    """A record says of its loader and script what the manifest says of the run that it names; a report too."""
    for one in world.made:
        if not one.run.inferred and (one.path in world.taken or one.artifact.slices):
            for part in slices(world, one):
                differing = _against(world, one, part.metadata) if part.metadata else ""
                if differing:
                    line = part.lines[0][0] if part.lines else None
                    yield _differs(world, one, line, f"{differing} of {part.count} records")
    for one, report in world.reports:
        metadata = report.get("metadata")
        differing = _against(world, one, metadata) if isinstance(metadata, dict) and not one.run.inferred else ""
        if differing:
            yield _differs(world, one, None, differing)


def _differs(world: World, one: Made, line: int | None, detail: str) -> Found:
    about = world.about(one.session, one.artifact)
    return world.found("provenance-differs", one.folder, one.session, one.artifact.path, line=line, detail=detail, about=about)


def _against(world: World, one: Made, metadata: Json) -> str:
    """The keys in which the metadata is not what the manifest says of the run that made it; "" where it is, or where nobody says."""
    named = metadata.get("run_id")
    run = world.runs.get(named, (None, None))[1] if isinstance(named, str) else one.run
    if run is None or (not isinstance(named, str) and not isinstance(run, Generation | Evaluation)):
        return f"run_id ({named}, which no manifest knows)" if isinstance(one.run, Generation) and isinstance(named, str) else ""
    if run is not one.run and isinstance(one.run, Generation | Evaluation) and all(file.path != one.artifact.path for file in run.made):
        return f"run_id ({str(named)[:8]}, which did not make this file)"
    loads = world.loads_of(run)
    keys = min((_keys(_provenance(metadata), load) for load in loads), key=len) if loads else []
    version = metadata.get("script_version")
    if run.script and isinstance(version, str) and run.script.version not in (None, version):
        keys.append("script_version")
    return ", ".join(keys)


def _keys(said: Mapping[str, Any], load: ModelLoad) -> list[str]:
    """The keys that both have, and the fixed ones, where the values differ."""
    told = load.provenance
    asked = dict.fromkeys((*PROVENANCE, *(key for key in said if key in told)))
    return [key for key in asked if key not in MOVING and not _equal(said.get(key), told.get(key))]


def _equal(one: object, other: object) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _provenance(metadata: Json) -> Mapping[str, Any]:
    said = metadata.get("provenance")
    return said if isinstance(said, dict) else {}


def count_differs(world: World) -> Iterator[Found]:
    """A file holds as many records as the manifest says."""
    for place, session in world.placed:
        told = {str(row.get("file")): row.get("count") for row in world.entries(session)}
        for artifact in session.artifacts:
            taken, count = world.taken.get(place / artifact.path), told.get(artifact.path)
            if taken and type(count) is int and count != taken.scan.count:
                said = f"{count:,} were recorded, {taken.scan.count:,} are there"
                yield world.found("count-differs", place, session, artifact.path, detail=said, about=world.about(session, artifact))


def seed_missing(world: World) -> Iterator[Found]:
    """Who samples or trains says by which seed."""
    for place, session in world.placed:
        for run in session.activities:
            if _needs_seed(run) and run.params.get("seed") is None and not _seeds_elsewhere(world, run):
                detail = called(run)
                yield world.found("seed-missing", place, session, world.home(session, run), detail=detail)


def _needs_seed(run: Activity) -> bool:
    return isinstance(run, Training) or (isinstance(run, Generation | Evaluation) and _samples(run.params))


def _samples(params: Json) -> bool:
    temperature = params.get("temperature")
    greedy = isinstance(temperature, int | float) and not isinstance(temperature, bool) and temperature == 0
    return params.get("do_sample") is not False and not greedy


def _seeds_elsewhere(world: World, run: Activity) -> bool:
    """Do the records or the report name the seed?"""
    made = [one for one in world.made if one.run is run] if isinstance(run, Generation) else []
    if any(part.seeds for one in made for part in slices(world, one)):
        return True
    told = (report.get("metadata") for one, report in world.reports if one.run is run)
    return any(isinstance(said, dict) and said.get("eval_seed") is not None for said in told)


def params_incomplete(world: World) -> Iterator[Found]:
    """Who asks a model says all parameters that were in force, defaults too; and so do the records of a run that did."""
    for place, session in world.placed:
        for run in session.activities:
            if isinstance(run, Generation | Evaluation) and run.models and _missing(run.params):
                detail = f"{called(run)} lacks {', '.join(_missing(run.params))}"
                yield world.found("params-incomplete", place, session, world.home(session, run), detail=detail)
    for one in world.made:
        if isinstance(one.run, Generation) and one.run.models and not _missing(one.run.params):
            yield from _records_incomplete(world, one)


def _records_incomplete(world: World, one: Made) -> Iterator[Found]:
    for part in slices(world, one):
        params = part.metadata.get("generation_params")
        missing = _missing(params if isinstance(params, dict) else {}) if part.metadata else []
        if missing:
            line, detail = (part.lines[0][0] if part.lines else None), f"{part.count:,} records lack {', '.join(missing)}"
            yield world.found("params-incomplete", one.folder, one.session, one.artifact.path, line=line, detail=detail)


def _missing(params: Json) -> list[str]:
    return [key for key in (*DECISIVE, *(SAMPLING if _samples(params) else ())) if params.get(key) is None]
