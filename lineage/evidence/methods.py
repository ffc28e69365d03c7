"""The paragraph for the methods section of a paper: a sentence for each thing that a reader would ask, "not recorded" where nobody wrote it down."""

from __future__ import annotations

from collections.abc import Iterator

from lineage.core.words import counted
from lineage.evidence.checks import REDACTED
from lineage.evidence.found import DATA, gpu, model_of, params, quantization, scores, status
from lineage.evidence.scope import Scope
from lineage.facts import Activity, Artifact, Evaluation, ModelLoad, Session, Training, Transformation


def models(scope: Scope) -> Iterator[str]:
    """What was loaded."""
    for told in dict.fromkeys((model_of(run), quantization(run)) for _, run in scope.of(ModelLoad) if isinstance(run, ModelLoad)):
        yield f"We loaded {told[0]} ({told[1]})."


def generation(scope: Scope) -> Iterator[str]:
    """What was generated."""
    for session, run, made in scope.generated():
        if made.count is not None or made.slices is not None or made.merkle_root:
            count = counted(made.count, "record") if made.count is not None else "an unrecorded number of records"
            count = "a withheld number of records" if scope.checks.of_file(session, made) else count
            digest = _digest(scope, session, made)
            yield f"{_who(scope, run)} generated {count}{_by(session, run)} with {params(run)}{digest}{_ended(run)}."


def selection(scope: Scope) -> Iterator[str]:
    """How data was changed."""
    for session, run in scope.of(Transformation):
        if isinstance(run, Transformation):
            yield f"Data went through the step {run.kind}{_by(session, run)}{_ended(run)}."


def training(scope: Scope) -> Iterator[str]:
    """What was trained."""
    for session, run in scope.of(Training):
        used = (one for one in run.used if one.role in DATA)
        data = ", ".join(f"{one.path}{_digest(scope, session, one)}" for one in used) or "data that was not recorded"
        yield f"{_who(scope, run)} was trained on {data}{_by(session, run)} with {params(run)}{_ended(run)}."


def evaluation(scope: Scope) -> Iterator[str]:
    """What was measured."""
    for session, run in scope.of(Evaluation):
        if isinstance(run, Evaluation):
            numbers = scores(scope, session, run) or "no metric that was recorded"
            size = run.dataset.get("size")
            name = run.dataset.get("name") or "a test set without a name"
            data = f"{name} (examples: {size if size is not None else 'not recorded'})"
            yield f"Of {_who(scope, run)}, on {data}, we measured {numbers}{_by(session, run)}, {params(run)}{_ended(run)}."


def software(scope: Scope) -> Iterator[str]:
    """With what."""
    for session in (one for one in scope.told() if one.manifest):
        said = [
            f"{key.removesuffix('_version')} {value}" for key, value in session.environment.items() if key.endswith("_version") and value
        ]
        sha = session.code.git_sha if session.code else None
        dirty = " with changes that were not committed" if sha and session.code and session.code.dirty else ""
        ran = ", ".join(said) or "unrecorded software"
        yield f"Session {session.id} ran {ran} on {gpu(session)}, code {sha or 'not recorded'}{dirty}."


SENTENCES = (("Models", models), ("Generation", generation), ("Selection of data", selection), ("Training", training), ("Evaluation", evaluation), ("Software and hardware", software))  # fmt: skip


def paragraphs(scope: Scope) -> Iterator[tuple[str, list[str]]]:
    """(heading, its sentences), none where nothing was recorded."""
    for heading, told in SENTENCES:
        yield heading, list(dict.fromkeys(told(scope)))


def _who(scope: Scope, run: Activity) -> str:
    """The models that the run used, by name."""
    loads = [load for load in map(scope.load, run.models) if load]
    return " and ".join(dict.fromkeys(map(model_of, loads))) or "A model that was not recorded"


def _ended(run: Activity) -> str:
    return "" if run.status == "completed" else f" (the run: {status(run)})"


def _by(session: Session, run: Activity) -> str:
    """The script with its commit, and whether the tree differed from it: a commit alone does not say what ran."""
    if run.script is None:
        return ""
    version = run.script.version
    is_modified = version is not None and session.code is not None and session.code.dirty
    modified = ", modified by changes that were not committed" if is_modified else ""
    return f" by {run.script.path} at {version or 'an unrecorded version'}{modified}"


def _digest(scope: Scope, session: Session, one: Artifact) -> str:
    reason = scope.checks.of_file(session, one)
    if reason and reason != REDACTED:
        return f" ({reason}; digest withheld)"
    return f" (SHA-256 {one.sha256})" if one.sha256 else " (digest not recorded)"
