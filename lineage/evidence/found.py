"""Finders: what a scope holds that answers a question, with the node, the file and the digest that show it.  One finds one thing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from lineage.evidence.scope import Scope
from lineage.facts import Activity, Artifact, Evaluation, Generation, ModelLoad, Session, Training, Transformation
from lineage.mapping.names import fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Something that was recorded: what it says, and where it stands."""

    says: str
    node: str | None = None  # the PROV id
    file: str | None = None
    sha256: str | None = None


Finder = Callable[[Scope], Iterable[Evidence]]


@dataclass(frozen=True, slots=True)
class Row:
    """A heading of a profile: what it is called, what it asks in our words, and what finds it. No finder: we never record it."""

    clause: str
    asks: str
    find: Finder | None = None


def of_file(scope: Scope, session: Session, one: Artifact, says: str = "") -> Evidence:
    """A file as evidence."""
    count = f", {one.count:,} records" if one.count is not None else ""
    root = f", Merkle root {one.merkle_root} over {one.lines:,} lines" if one.merkle_root and one.lines is not None else ""
    return Evidence(says=f"{says or one.type}{count}{root}", node=scope.ids.artifact(one, session), file=one.path, sha256=one.sha256)


def of_run(scope: Scope, run: Activity, says: str) -> Evidence:
    """An activity as evidence."""
    return Evidence(says=says, node=scope.ids.run(run.id))


def software(scope: Scope) -> Iterator[Evidence]:
    """Versions of Python, libraries and code."""
    for session in scope.told():
        versions = [
            f"{key.removesuffix('_version')} {value}" for key, value in session.environment.items() if key.endswith("_version") and value
        ]
        if versions:
            yield Evidence(says=", ".join(versions), node=scope.ids.session(session), file=session.manifest)
    yield from code(scope)


def code(scope: Scope) -> Iterator[Evidence]:
    """The code at a commit, and whether it was as committed."""
    for one in scope.told():
        if one.code and one.code.git_sha:
            state = {True: "with changes", False: "as committed", None: "not known whether as committed"}[one.code.dirty]
            node = scope.ids.code(one.code)
            yield Evidence(says=f"git {one.code.git_sha}, {state}", node=node, file=one.manifest, sha256=one.code.diff_sha256)


def hardware(scope: Scope) -> Iterator[Evidence]:
    """The processor that models ran on."""
    for one in scope.told():
        said = [str(one.environment[key]) for key in ("gpu", "cpu_capability", "platform") if one.environment.get(key)]
        if said:
            yield Evidence(says=", ".join(said), node=scope.ids.session(one), file=one.manifest)


def base_models(scope: Scope) -> Iterator[Evidence]:
    """Models that others made, and how they were loaded."""
    for session, run in scope.of(ModelLoad):
        if isinstance(run, ModelLoad):
            yield Evidence(says=f"{model_of(run)}, {quantization(run)}", node=scope.ids.base_model(run, session), file=session.manifest)


def model_of(run: ModelLoad) -> str:
    """The name and revision of what was loaded."""
    name, revision = run.provenance.get("model_name"), run.provenance.get("revision")
    return f"{name or 'a model without a name'}{f' at revision {revision}' if revision else ', revision not recorded'}"


def quantization(run: ModelLoad) -> str:
    """How it was loaded."""
    said = run.provenance.get("quantization")
    return f"loaded as {said}" if said else "quantization not recorded"


def trainings(scope: Scope) -> Iterator[Evidence]:
    """Trainings, with what they used and made."""
    for session, run in scope.of(Training):
        yield of_run(scope, run, f"training, {status(run)}; {params(run)}")
        yield from (of_file(scope, session, one, f"used: {one.role or one.type}") for one in run.used)
        yield from (of_file(scope, session, one, f"made: {one.role or one.type}") for one in run.made)


def settings(scope: Scope) -> Iterator[Evidence]:
    """The parameters of generations and trainings, which are plans."""
    for _, run in scope.of(Generation, Training, Evaluation):
        if run.params:
            yield of_run(scope, run, f"{type(run).__name__.lower()}: {params(run)} (parameters {fingerprint(run.params)[:8]})")


def training_data(scope: Scope) -> Iterator[Evidence]:
    """Data that trainings used, and where it was made."""
    known = {(one.path, one.sha256): one for session in scope.sessions for one in session.artifacts}
    for session, run in scope.of(Training):
        for one in run.used:
            made = known.get((one.path, one.sha256), one)
            if one.role in (None, "trainingData", "input") or made.slices is not None:
                yield of_file(scope, session, made, _origin(scope, made))


def _origin(scope: Scope, one: Artifact) -> str:
    makers = [run for session in scope.sessions for run in session.activities if run.id == one.activity]
    if not makers:
        return "data whose making was not recorded"
    loads = [load for run in makers for load in map(scope.load, run.models) if load]
    by = f" with {', '.join(model_of(load) for load in loads)}" if loads else ""
    return f"data made by a {type(makers[0]).__name__.lower()}{by}"


def generated(scope: Scope) -> Iterator[Evidence]:
    """Files of records that models wrote."""
    yield from (of_file(scope, session, made, _origin(scope, made)) for session, _, made in scope.generated())


def prompts(scope: Scope) -> Iterator[Evidence]:
    """What models were asked."""
    for session, run in scope.of(Generation):
        yield from (of_file(scope, session, one, one.role or one.type) for one in run.used)


def selection(scope: Scope) -> Iterator[Evidence]:
    """How data was filtered, merged or deduplicated."""
    for session, run in scope.of(Transformation):
        if isinstance(run, Transformation):
            yield of_run(scope, run, f"{run.kind}, {status(run)}")
            yield from (of_file(scope, session, one, f"made: {one.type}") for one in run.made)


def evaluations(scope: Scope) -> Iterator[Evidence]:
    """Test sets, metrics and reports."""
    for session, run in scope.of(Evaluation):
        if isinstance(run, Evaluation):
            yield from of_evaluation(scope, session, run)


def of_evaluation(scope: Scope, session: Session, run: Evaluation) -> Iterator[Evidence]:
    """One evaluation: its numbers, its test set, its report."""
    numbers = ", ".join(f"{measure} = {value}" for measure, value in run.metrics.items()) or "no metric recorded"
    yield of_run(scope, run, f"evaluation of {run.ended_at or 'a time that was not recorded'}: {numbers}")
    yield from (of_file(scope, session, one, f"used: {one.role or one.type}") for one in run.used)
    yield from (of_file(scope, session, one, "report") for one in run.made)


def signatures(scope: Scope) -> Iterator[Evidence]:
    """Signatures that lie beside manifests. Whether they hold is not looked at here."""
    for one in scope.told():
        path = scope.signature(one)
        if path:
            yield Evidence(says=f"signature of session {one.id}, not checked here (lineage verify --key)", file=path.name)


def compute(scope: Scope) -> Iterator[Evidence]:
    """How long trainings took, by the clock."""
    for session, run in scope.of(Training):
        gpu = session.environment.get("gpu")
        yield of_run(scope, run, f"training of {seconds(run)} on {gpu or 'a machine whose GPU was not recorded'}")


def logs(scope: Scope) -> Iterator[Evidence]:
    """Manifests: what took place, recorded as it took place."""
    for one in scope.told():
        yield Evidence(
            says=f"{len(one.activities)} activities, {one.status or 'status not recorded'}", node=scope.ids.session(one), file=one.manifest
        )


def changes(scope: Scope) -> Iterator[Evidence]:
    """Sessions in order, with the code of each."""
    for one in sorted(scope.told(), key=lambda one: (one.started_at or "", one.id)):
        sha = one.code.git_sha if one.code else None
        yield Evidence(
            says=f"{one.started_at or 'time not recorded'}: code {sha or 'not recorded'}", node=scope.ids.session(one), file=one.manifest
        )


def params(run: Activity) -> str:
    """Parameters on one line."""
    return ", ".join(f"{key} = {value}" for key, value in run.params.items()) or "parameters not recorded"


def status(run: Activity) -> str:
    """How it ended."""
    return run.status or "status not recorded"


def seconds(run: Activity) -> str:
    """The time between start and end."""
    try:
        started, ended = (datetime.fromisoformat(time) for time in (run.started_at or "", run.ended_at or ""))
        return f"{(ended - started).total_seconds():g} s"
    except (ValueError, TypeError):  # not both recorded, or only one of them with an offset
        return "a duration that was not recorded"
