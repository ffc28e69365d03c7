"""The rule about origins: do records, reports, loads and manifest say the same of the model, the loader, the script and the run?

A record that names its run is held against the loads of that run, as its manifest tells them; where none tells of the run, or of its loads,
against what the manifest of the session says of its models: the loads in it, and its `loader_config`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineage.auditing.words import in_words
from lineage.auditing.world import Found, Held, World, called
from lineage.contract.metadata import PROVENANCE
from lineage.core.words import counted
from lineage.facts import Activity, Evaluation, Generation, Json, ModelLoad, Session, Slice

DESCRIBED = ("provenance", "script_version", "script_name", "session_id", "run_id", "generation_params")  # of what slices share
MOVING = ("gaps", "sentinels")  # of the provenance: told anew at each load, and no setting


def provenance_differs(world: World) -> Iterator[Found]:
    """A record says of its loader, script and session what the manifest says of the run that it names; a report and the loader_config too."""
    for one in world.held:
        for part in world.slices(one):
            differing = _against(world, one, part.metadata) if part.metadata else ""
            if differing:
                line = part.lines[0][0] if part.lines else None
                yield world.told("provenance-differs", one, f"{differing} of {counted(part.count, 'record')}", line=line)
    for made, report in world.reports:
        metadata = report.get("metadata")
        differing = (
            _against(world, Held(made.folder, made.session, made.artifact, (made.run,)), metadata) if isinstance(metadata, dict) else ""
        )
        if differing:
            yield world.told("provenance-differs", made, differing)
    yield from _loader_configs(world)
    yield from _misdescribed(world)
    yield from _dangling(world)


def _misdescribed(world: World) -> Iterator[Found]:
    """The manifest describes no records that the file does not hold."""
    for one in world.held:
        for part, keys in undescribed(world, one):
            other = [key for key in keys if key != "generation_params"]
            if other:
                yield world.told(
                    "provenance-differs", one, f"the manifest records another {', '.join(other)} for {counted(part.count, 'record')}"
                )


def undescribed(world: World, one: Held) -> Iterator[tuple[Slice, list[str]]]:
    """The slices that were recorded and are not there, with the keys of the metadata in which the most alike that is there differs."""
    taken, recorded = world.taken.get(one.path), one.artifact.slices or ()
    if taken is None or taken.seal.sha256 != one.artifact.sha256 or any(part.mixed for part in (*recorded, *taken.scan.slices)):
        return
    there = [part.metadata for part in taken.scan.slices if part.metadata]
    for part in recorded if there else ():
        differing = min(([key for key in DESCRIBED if part.metadata.get(key) != real.get(key)] for real in there), key=len)
        if differing and part.metadata:
            yield part, differing


def _dangling(world: World) -> Iterator[Found]:
    """Loads that a run names, and the run that an entry names, are there."""
    for place, session in world.placed:
        made: dict[str, set[str]] = {}
        for run in session.activities:
            for file in run.made:
                made.setdefault(file.path, set()).add(run.id)
            for load in run.models:
                if load not in world.runs:
                    detail = f"{called(run)} used the model of {load[:8]}, which no manifest knows"
                    yield world.found(
                        "provenance-differs", place, session, world.home(session, run), detail=detail, about=(world.ids.run(run.id),)
                    )
        for artifact in session.artifacts if session.manifest else ():
            if artifact.activity and made.get(artifact.path) and artifact.activity not in made[artifact.path]:
                detail = f"{artifact.path} is of run {artifact.activity[:8]}, and {', '.join(sorted(made[artifact.path]))[:8]} says that it made it"
                yield world.found(
                    "provenance-differs", place, session, str(session.manifest), detail=detail, about=world.about(session, artifact)
                )


def _loader_configs(world: World) -> Iterator[Found]:
    """What a manifest says of its model at its top is one of the loads that it tells of."""
    for place, session in world.placed:
        for detail in _unlike_its_loads(session) if session.manifest else ():
            about = world.of_session(session)
            yield world.found("provenance-differs", place, session, str(session.manifest), detail=detail, about=about)


def _unlike_its_loads(session: Session) -> Iterator[str]:
    said, loads = provenance_of(session.loader_config), [load.provenance for load in loads_in(session)]
    names = {key: session.loader_config[key] for key in ("model_name", "quantization") if session.loader_config.get(key) is not None}
    for key, value in names.items() if said else ():
        if not equal(value, said.get(key)):
            yield f"loader_config.{key} is {in_words(value)}, and in its provenance {in_words(said.get(key))}"
    differing = nearest([said], loads) if said and loads else []
    if differing:
        yield f"loader_config.provenance is that of none of its loads: {', '.join(differing)}"


def _against(world: World, one: Held, metadata: Json) -> str:
    """The keys in which the metadata is not what the manifest says of the run that made it; "" where it is, or where nobody says."""
    named = metadata.get("run_id")
    run, problem = _run_of(world, one, named)
    if problem:
        return problem
    keys = _unlike(world, one, run, metadata)
    if run is None or run.inferred:
        return ", ".join(keys)
    script, version = metadata.get("script_name"), metadata.get("script_version")
    if run.script and (isinstance(version, str) or isinstance(named, str)) and run.script.version not in (None, version):
        keys.append("script_version")
    if isinstance(named, str):
        keys += ["script_name"] if run.script and isinstance(script, str) and script != run.script.path else []
        keys += ["session_id"] if metadata.get("session_id") not in (None, world.runs[run.id][0].id) else []
    return ", ".join(keys)


def _run_of(world: World, one: Held, named: object) -> tuple[Activity | None, str]:
    """The run that made the records, and what is wrong if that cannot be."""
    makers = [run for run in one.makers if not run.inferred]
    models_only = bool(makers) and all(isinstance(run, Generation | Evaluation) for run in makers)
    if not isinstance(named, str):
        likely = (
            one.makers if len(one.makers) == 1 else [run for run in one.makers if run.inferred]
        )  # who says nothing else is of one session
        return next((run for run in likely if isinstance(run, Generation | Evaluation)), None), ""
    run = world.runs.get(named, (None, None))[1]
    if run is None:
        return None, f"run_id ({named}, which no manifest knows)" if models_only else ""
    made = run in makers or any(file.path == one.artifact.path for file in run.made)
    return run, f"run_id ({named[:8]}, which did not make this file)" if models_only and not made else ""


def _unlike(world: World, one: Held, run: Activity | None, metadata: Json) -> list[str]:
    """The keys of the provenance that no load says so which the run may have used."""
    said = [provenance_of(metadata), *_models(metadata)]
    loads = [load.provenance for load in world.loads_of(run) if not load.inferred] if run else []
    if loads:
        return nearest(said[:1], loads) or _unlike_by_id(world, run, metadata)
    if run is None or not is_told(said[0]):
        return []
    session = world.runs[run.id][0]
    return nearest(said, [*(load.provenance for load in loads_in(session)), provenance_of(session.loader_config)])


def _unlike_by_id(world: World, run: Activity | None, metadata: Json) -> list[str]:
    """The models of a report that are not the loads with their ids."""
    every = metadata.get("models")
    loads = {load.id: load.provenance for load in world.loads_of(run)} if run else {}
    told = every.items() if isinstance(every, dict) else ()
    return [
        f"models.{id_[:8]}"
        for id_, said in told
        if isinstance(said, dict) and (differing_keys(said, loads[id_]) if id_ in loads else run and id_ in world.runs)
    ]


def loads_in(session: Session) -> list[ModelLoad]:
    """The loads that the manifest itself tells of."""
    return [run for run in session.activities if isinstance(run, ModelLoad) and not run.inferred]


def provenance_of(metadata: Json) -> Mapping[str, Any]:
    """The block `provenance`, if there is one."""
    said = metadata.get("provenance")
    return said if isinstance(said, dict) else {}


def is_told(provenance: Mapping[str, Any]) -> bool:
    """Does it say anything of a loader?  Who used no model writes all its keys as null."""
    return any(provenance.get(key) is not None for key in PROVENANCE)


def nearest(said: Iterable[Mapping[str, Any]], told: Iterable[Json]) -> list[str]:
    """The keys in which the most alike of *said* and *told* differ; none where either says nothing."""
    pairs = [differing_keys(one, other) for one in said if one for other in told if other]
    return min(pairs, key=len, default=[])


def differing_keys(said: Mapping[str, Any], told: Json) -> list[str]:
    """The keys that both have, and the fixed ones, where the values differ."""
    asked = dict.fromkeys((*PROVENANCE, *(key for key in said if key in told)))
    return [key for key in asked if key not in MOVING and not equal(said.get(key), told.get(key))]


def equal(one: object, other: object) -> bool:
    """The same value; True is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _models(metadata: Json) -> Iterator[Mapping[str, Any]]:
    every = metadata.get("models")
    yield from (one for one in every.values() if isinstance(one, dict)) if isinstance(every, dict) else ()
