"""Files, folders, slices of records, and reports with their metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lineage.contract.times import time_gaps
from lineage.core.words import counted
from lineage.facts import Activity, Artifact, Evaluation, Gap, Origin, Slice, Training
from lineage.known_by import source
from lineage.mapping.attributes import Attribute, gaps, known_by, some
from lineage.mapping.names import DQV, FAIR4ML, LIN, MLS, PROV, SCHEMA
from lineage.mapping.sessions import Scope, kind, when
from lineage.prov.statement import Name, Statement, literal, statement
from lineage.prov.terms import DERIVATION, ENTITY, GENERATION, MEMBERSHIP

# The artifact's `type` in the manifest, as classes. Any other type is a plain `lin:Artifact` with the type as an attribute.
TYPES: Mapping[str, tuple[Name, ...]] = {
    "training_data": (LIN["RecordFile"], MLS["Dataset"]),
    "prompts": (LIN["Prompts"], MLS["Dataset"]),
    "dataset": (LIN["Dataset"], MLS["Dataset"]),
    "test_set": (LIN["TestSet"], MLS["Dataset"]),
    "evaluation": (LIN["Report"],),
    "training_history": (LIN["TrainingHistory"],),
    "model": (LIN["Model"], MLS["Model"], FAIR4ML["MLModel"]),
    "model_file": (LIN["ModelFile"],),
    "patch": (LIN["Patch"],),
    "script": (LIN["ScriptFile"], SCHEMA["SoftwareSourceCode"]),
    "legacy": (LIN["Legacy"],),
}

# What is said of a data set that is no file; its rows are the artifact's count.
DATASET: Mapping[str, Name] = {
    "class": LIN["dataClass"],
    "fingerprint": LIN["fingerprint"],
    "split": LIN["split"],
    "hub": LIN["hubName"],
    "revision": LIN["revision"],
}


def artifact_statements(scope: Scope, artifact: Artifact) -> Iterator[Statement]:
    """The file as an entity; a folder or a file of records as a collection with its members."""
    name = scope.ids.artifact(artifact, scope.session)
    yield statement(ENTITY, name, attributes=_about(artifact))
    for part in artifact.parts:
        yield from artifact_statements(scope, part)
        yield statement(MEMBERSHIP, None, name, scope.ids.artifact(part, scope.session))
    for one in (one for one in artifact.slices or () if one.lines):
        yield from _slice(scope, artifact, name, one)


def is_unchanged(run: Activity, artifact: Artifact) -> bool:
    """Return whether the run used the very bytes that it wrote: they were there before it, so it did not generate them."""
    return artifact.sha256 is not None and any(one.sha256 == artifact.sha256 for one in run.used)


def _about(artifact: Artifact) -> Iterator[Attribute]:
    classes = TYPES.get(artifact.type, (LIN["Artifact"],))
    collection = [PROV["Collection"]] if artifact.parts or artifact.slices else []
    yield from kind(*classes, *collection)
    yield from some(LIN["artifactType"], None if artifact.type in TYPES else artifact.type)
    yield PROV["label"], literal(_clean(artifact.path.rsplit("/", 1)[-1]))
    yield PROV["location"], literal(_clean(artifact.path))
    yield from some(LIN["sha256"], artifact.sha256)
    yield from some(LIN["bytes"], artifact.bytes)
    yield from some(LIN["count"], artifact.count)
    yield from some(LIN["merkleRoot"], artifact.merkle_root)
    yield from some(LIN["lineCount"], artifact.lines)
    for key, name in DATASET.items():
        value = artifact.dataset.get(key)
        yield from some(name, value if isinstance(value, str) else None)
    yield from some(LIN["removedAt"], artifact.removed_at)
    yield from known_by(source(artifact, "dataset" if artifact.dataset else "sha256"))
    yield from gaps((*artifact.gaps, *time_gaps(timestamp=artifact.timestamp)))


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _slice(scope: Scope, artifact: Artifact, file: Name, one: Slice) -> Iterator[Statement]:
    name = scope.ids.slice(file, one)
    yield statement(ENTITY, name, attributes=_slice_about(scope, artifact, one))
    yield statement(MEMBERSHIP, None, file, name)
    writers = (run for run in scope.session.activities if run.id == artifact.activity)
    is_old = any(is_unchanged(run, artifact) for run in writers)
    if artifact.activity and one.metadata and not is_old:  # nobody says who made records without metadata
        yield statement(GENERATION, None, name, scope.ids.run(artifact.activity), when(artifact.timestamp))

    for origin in one.origins:
        yield from _origin(scope, name, origin)


def _origin(scope: Scope, part: Name, origin: Origin) -> Iterator[Statement]:
    """The slice of a file that the run used, and of the derivation how many records it concerns and what was edited."""
    made = Artifact(path=origin.path, type="training_data", sha256=origin.sha256)
    file = scope.ids.artifact(made, scope.session)
    about = [(LIN["count"], literal(origin.count)), (LIN["editedCount"], literal(origin.edited))]
    about += [(LIN["editedKey"], literal(_clean(key))) for key in origin.edited_keys]
    yield statement(
        ENTITY,
        file,
        attributes=[*kind(*TYPES[made.type], PROV["Collection"]), (PROV["label"], literal(_clean(origin.path.rsplit("/", 1)[-1])))],
    )
    older = scope.ids.origin(origin)
    if older != file:
        yield statement(ENTITY, older, attributes=kind(LIN["Slice"], PROV["Collection"]))
        yield statement(MEMBERSHIP, None, file, older)
    yield statement(DERIVATION, None, part, older, attributes=[*about, *known_by(source(origin, "count"))])


def _slice_about(scope: Scope, artifact: Artifact, one: Slice) -> Iterator[Attribute]:
    yield from kind(LIN["Slice"], PROV["Collection"])
    yield PROV["label"], literal(f"{counted(one.count, 'record')}")
    yield LIN["lines"], literal(", ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in one.lines))
    yield from some(LIN["scattered"], one.scattered or None)
    yield from some(LIN["mixed"], one.mixed or None)
    yield LIN["count"], literal(one.count)
    yield from some(LIN["unmatchedCount"], one.unmatched or None)
    yield from some(LIN["undecidedCount"], one.undecided or None)
    yield from some(LIN["firstTime"], one.first_time)
    yield from some(LIN["lastTime"], one.last_time)
    if one.seeds:
        yield from (*some(LIN["firstSeed"], one.seeds[0]), *some(LIN["lastSeed"], one.seeds[1]))
    if one.run_id and one.run_id != artifact.activity:
        yield LIN["recordedRun"], scope.ids.run(one.run_id)
    if not one.metadata and not one.mixed:
        yield PROV["type"], LIN["Legacy"]


def metric_statements(scope: Scope, run: Evaluation | Training, report: Artifact) -> Iterator[Statement]:
    """Each number of the report as an entity that was derived from it."""
    file = scope.ids.artifact(report, scope.session)
    for measure, value in run.metrics.items():
        name = scope.ids.metric(file, measure)
        about = [*kind(LIN["Metric"], DQV["QualityMeasurement"]), *some(PROV["label"], measure), *some(LIN["measure"], measure)]
        about += gaps(_without_value(run, measure)) if value is None else some(PROV["value"], value)
        about += known_by(source(run, f"metrics.{measure}"))
        yield statement(ENTITY, name, attributes=[*about, *_computed_on(scope, run)])
        yield statement(GENERATION, None, name, scope.ids.run(run.id), when(report.timestamp))
        yield statement(DERIVATION, None, name, file, scope.ids.run(run.id))


def _without_value(run: Evaluation | Training, measure: str) -> list[Gap]:
    """The reason why a metric has no value."""
    abouts = (f"summary.{measure}", f"metrics.{measure}")
    return [gap for gap in run.gaps if gap.about in abouts] or [Gap(abouts[0], "the report has null")]


def _computed_on(scope: Scope, run: Evaluation | Training) -> Iterator[Attribute]:
    for model in run.models:
        yield DQV["computedOn"], scope.ids.loaded_model(model)
