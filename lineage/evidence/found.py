"""Finders: what a scope holds that answers a question, with the node, the file and the digest that show it.  One finds one thing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from lineage.contract.redacted import is_redacted
from lineage.core.words import counted, value_text
from lineage.evidence import trained
from lineage.evidence.checks import REDACTED
from lineage.evidence.scope import Scope
from lineage.facts import VALIDATION, Activity, Artifact, Evaluation, Generation, ModelLoad, Session, Training, Transformation, trained_on
from lineage.known_by import behind, in_words, source
from lineage.mapping.names import fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Something that was recorded: what it says, and where it stands."""

    says: str
    node: str | None = None  # the PROV id
    file: str | None = None
    sha256: str | None = None
    known_by: str = ""  # how it is known, in words


DATA = (None, "trainingData", "input")  # the roles in which a training uses data
Finder = Callable[[Scope], Iterable[Evidence]]


@dataclass(frozen=True, slots=True)
class Row:
    """A heading of a profile: what it is called, what it asks in our words, and what finds it. No finder: we never record it."""

    clause: str
    asks: str
    find: Finder | None = None


def of_file(scope: Scope, session: Session, one: Artifact, says: str = "") -> Evidence:
    """A file as evidence. Count, root and digest are given where the file is the one that was recorded."""
    node, reason = scope.ids.artifact(one, session), scope.checks.of_file(session, one)
    if reason and reason != REDACTED:
        return Evidence(says=f"{says or one.type}, {reason}; count and digest withheld", node=node, file=one.path)
    count = f", {counted(one.count, 'record')}" if one.count is not None else ""
    root = f", Merkle root {one.merkle_root} over {counted(one.lines, 'line')}" if one.merkle_root and one.lines is not None else ""
    original = ", redacted: the digest is that of the original" if is_redacted(one) else ""
    known_by = in_words([source(one, "dataset" if one.dataset else "sha256")])
    return Evidence(says=f"{says or one.type}{count}{root}{original}", node=node, file=one.path, sha256=one.sha256, known_by=known_by)


def of_run(scope: Scope, session: Session, run: Activity, says: str) -> Evidence:
    """An activity as evidence: it stands in the session's manifest, else in the records that it made."""
    files = () if session.manifest else (*run.made, *session.artifacts)
    told = of_file(scope, session, files[0]) if files else of_session(scope, session, says)
    return replace(told, says=says, node=scope.ids.run(run.id), known_by=in_words([source(run, "status")]))


def of_session(scope: Scope, session: Session, says: str) -> Evidence:
    """A session as evidence: its manifest, as it is now."""
    digest, known_by = scope.digest(session, session.manifest), in_words([source(session, "status")])
    return Evidence(says=says, node=scope.ids.session(session), file=session.manifest, sha256=digest, known_by=known_by)


def software(scope: Scope) -> Iterator[Evidence]:
    """Versions of Python, libraries and code."""
    for session in scope.told():
        versions = [
            f"{key.removesuffix('_version')} {value}" for key, value in session.environment.items() if key.endswith("_version") and value
        ]
        if versions:
            yield of_session(scope, session, ", ".join(versions))
    yield from code(scope)


def code(scope: Scope) -> Iterator[Evidence]:
    """The code at a commit, and whether it was as committed."""
    for one in scope.told():
        if one.code and one.code.git_sha:
            state = {True: "with changes", False: "as committed", None: "not known whether as committed"}[one.code.dirty]
            state += f", declared by {one.code.sha_variable}" if one.code.sha_variable else ""
            diff = f", their diff has the SHA-256 {one.code.diff_sha256}" if one.code.diff_sha256 else ""
            known_by = in_words([source(one.code, "git_sha")])
            told = of_session(scope, one, f"git {one.code.git_sha}, {state}{diff}")
            yield replace(told, node=scope.ids.code(one.code), known_by=known_by)
            if one.code.patch:
                yield of_file(scope, one, one.code.patch, "the changes")


def hardware(scope: Scope) -> Iterator[Evidence]:
    """The processor that models ran on."""
    for one in scope.told():
        said = [str(one.environment[key]) for key in ("gpu", "cpu_capability", "platform") if one.environment.get(key)]
        if said:
            yield of_session(scope, one, ", ".join(said))


def models(scope: Scope) -> Iterator[Evidence]:
    """What was loaded, and how."""
    for session, run in scope.of(ModelLoad):
        if isinstance(run, ModelLoad):
            told = of_run(scope, session, run, f"{model_of(run)}, {quantization(run)}")
            yield replace(told, node=scope.ids.base_model(run, session), known_by=in_words([source(run, "provenance")]))


def base_models(scope: Scope) -> Iterator[Evidence]:
    """Of what was loaded, what no training that is recorded has made."""
    mine = frozenset[str]().union(*(scope.own(made, run) for _, run, made in scope.trained()))
    ours = [run for _, run in scope.of(ModelLoad) if isinstance(run, ModelLoad) and trained.is_of(run, mine)]
    nodes = {scope.ids.base_model(run, session) for session, run in scope.of(ModelLoad) if run in ours and isinstance(run, ModelLoad)}
    yield from (one for one in models(scope) if one.node not in nodes)


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
        yield of_run(scope, session, run, f"training, {status(run)}; {params(run)}")
        yield from (of_file(scope, session, one, f"used: {one.role or one.type}") for one in run.used)
        yield from (of_file(scope, session, one, f"made: {one.role or one.type}") for one in run.made)


def settings(scope: Scope) -> Iterator[Evidence]:
    """The parameters of generations and trainings, which are plans."""
    for session, run in scope.of(Generation, Training, Evaluation):
        if run.params:
            yield of_run(scope, session, run, f"{type(run).__name__.lower()}: {params(run)} (parameters {fingerprint(run.params)[:8]})")


def training_data(scope: Scope) -> Iterator[Evidence]:
    """Data that trainings used, and where it was made."""
    known = {(one.path, one.sha256): one for session in scope.sessions for one in session.artifacts}
    for session, run in scope.of(Training):
        for one in trained_on(run):
            made = known.get((one.path, one.sha256), one)
            if one.role in DATA or made.slices is not None:
                yield of_file(scope, session, made, origin(scope, made))


def origin(scope: Scope, one: Artifact) -> str:
    """Who made a file of data."""
    makers = [run for session in scope.sessions for run in session.activities if run.id == one.activity]
    if not makers:
        return "data whose making was not recorded"
    loads = [load for run in makers for load in map(scope.load, run.models) if load]
    by = f" with {', '.join(model_of(load) for load in loads)}" if loads else ""
    return f"data made by a {type(makers[0]).__name__.lower()}{by}"


def generated(scope: Scope) -> Iterator[Evidence]:
    """Files of records that models wrote as training data, and that no training which is recorded used."""
    used = {one.sha256 for _, run in scope.of(Training) for one in trained_on(run) if one.sha256}
    for session, _, made in scope.generated():
        if made.type == "training_data" and made.sha256 not in used:
            yield of_file(scope, session, made, f"written as training data, no training with it is recorded: {origin(scope, made)}")


def validation_data(scope: Scope) -> Iterator[Evidence]:
    """Data that models were measured on while they were trained."""
    for session, run in scope.of(Training):
        used = (one for one in run.used if one.role == VALIDATION)
        yield from (of_file(scope, session, one, "used for validation in a training") for one in used)


def test_data(scope: Scope) -> Iterator[Evidence]:
    """Data that models were measured on."""
    for session, run in scope.of(Evaluation):
        yield from (of_file(scope, session, one, f"used in an evaluation: {one.role or one.type}") for one in run.used)


def data(scope: Scope) -> Iterator[Evidence]:
    """Data for training, for validation, and for testing."""
    yield from (*training_data(scope), *generated(scope), *validation_data(scope), *test_data(scope))


def prompts(scope: Scope) -> Iterator[Evidence]:
    """What models were asked."""
    for session, run in scope.of(Generation):
        yield from (of_file(scope, session, one, one.role or one.type) for one in run.used)


def selection(scope: Scope) -> Iterator[Evidence]:
    """How data was filtered, merged or deduplicated."""
    for session, run in scope.of(Transformation):
        if isinstance(run, Transformation):
            yield of_run(scope, session, run, f"{run.kind}, {status(run)}")
            yield from (of_file(scope, session, one, f"made: {one.type}") for one in run.made)


def evaluations(scope: Scope) -> Iterator[Evidence]:
    """Test sets, metrics and reports."""
    for session, run in scope.of(Evaluation):
        if isinstance(run, Evaluation):
            yield from of_evaluation(scope, session, run)


def scores(scope: Scope, session: Session, run: Evaluation) -> str:
    """Return the metrics of an evaluation on one line; a metric that its report does not hold is named without its value."""
    metrics = scope.checks.metrics(session, run)
    shown = [_score(run, measure, value) for measure, value in metrics.supported.items()]
    return ", ".join([*shown, *(f"{measure} withheld: {reason}" for measure, reason in metrics.withheld.items())])


def _score(run: Evaluation, measure: str, value: object) -> str:
    """A metric with its value, and how that is known."""
    return f"{measure} = no value" if value is None else f"{measure} = {value} ({source(run, f'metrics.{measure}')})"


def of_evaluation(scope: Scope, session: Session, run: Evaluation) -> Iterator[Evidence]:
    """One evaluation: its numbers, its test set, its report."""
    numbers = scores(scope, session, run) or "no metric recorded"
    ended = run.ended_at or "a time that was not recorded"
    yield of_run(scope, session, run, f"evaluation of {ended}, {status(run)}: {numbers}")
    yield from (of_file(scope, session, one, f"used: {one.role or one.type}") for one in run.used)
    yield from (of_file(scope, session, one, "report") for one in run.made)


def signatures(scope: Scope) -> Iterator[Evidence]:
    """Signatures that lie beside manifests. Whether they hold is not looked at here."""
    for one in scope.told():
        path = scope.signature(one)
        if path:
            says = f"signature of session {one.id} by a key, not checked here (lineage verify --key)"
            yield Evidence(says=says, file=path.name, sha256=scope.digest(one, path.name))


def training_time(scope: Scope) -> Iterator[Evidence]:
    """How long trainings took, by the clock."""
    return _time(scope, Training)


def compute(scope: Scope) -> Iterator[Evidence]:
    """How long trainings, generations and evaluations took, by the clock."""
    return _time(scope, Training, Generation, Evaluation)


def _time(scope: Scope, *kinds: type[Activity]) -> Iterator[Evidence]:
    for session, run in scope.of(*kinds):
        yield of_run(scope, session, run, f"{type(run).__name__.lower()}, {status(run)}, {seconds(run)} on {gpu(session)}")


def gpu(session: Session) -> str:
    """The GPU; where there is none, why."""
    known = session.environment.get("gpu")
    why = next((one.reason for one in session.gaps if one.about in ("gpu", "environment.gpu")), None)
    return str(known) if known else f"a machine whose GPU was not recorded{f' ({why})' if why else ''}"


def logs(scope: Scope) -> Iterator[Evidence]:
    """Manifests: what took place, recorded as it took place."""
    for one in scope.told():
        if one.manifest:
            yield of_session(scope, one, f"{len(one.activities)} activities, {one.status or 'status not recorded'}")


def changes(scope: Scope) -> Iterator[Evidence]:
    """Sessions in order, with the code of each."""
    for one in sorted(scope.told(), key=lambda one: (one.started_at or "", one.id)):
        sha = one.code.git_sha if one.code else None
        if one.manifest:
            yield of_session(scope, one, f"{one.started_at or 'time not recorded'}: code {sha or 'not recorded'}")


def params(run: Activity) -> str:
    """Parameters on one line."""
    told = ", ".join(f"{key} = {value_text(value)}" for key, value in run.params.items())
    return f"{told}{behind(run, 'params')}" if told else "parameters not recorded"


def status(run: Activity) -> str:
    """How it ended; of a run that is known from its records alone nobody knows."""
    return (run.status if not run.inferred else None) or "status not recorded"


def seconds(run: Activity) -> str:
    """The time between start and end."""
    try:
        started, ended = (datetime.fromisoformat(time) for time in (run.started_at or "", run.ended_at or ""))
        return f"{(ended - started).total_seconds():g} s"
    except (ValueError, TypeError):  # not both recorded, or only one of them with an offset
        return "a duration that was not recorded"
