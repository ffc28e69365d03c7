"""The paragraph for the methods section of a paper: a sentence for each thing that a reader would ask, "not recorded" where nobody wrote it down."""

from __future__ import annotations

from collections.abc import Iterator

from lineage.evidence.found import model_of, params, quantization
from lineage.evidence.scope import Scope
from lineage.facts import Activity, Evaluation, ModelLoad, Training, Transformation


def models(scope: Scope) -> Iterator[str]:
    """What was loaded."""
    for told in dict.fromkeys((model_of(run), quantization(run)) for _, run in scope.of(ModelLoad) if isinstance(run, ModelLoad)):
        yield f"We loaded {told[0]} ({told[1]})."


def generation(scope: Scope) -> Iterator[str]:
    """What was generated."""
    for _, run, made in scope.generated():
        count = f"{made.count:,}" if made.count is not None else "an unrecorded number of"
        yield f"It generated {count} records{_by(run)} with {params(run)}{_digest(made.sha256)}."


def selection(scope: Scope) -> Iterator[str]:
    """How data was changed."""
    for _, run in scope.of(Transformation):
        if isinstance(run, Transformation):
            yield f"Data went through the step {run.kind}{_by(run)}."


def training(scope: Scope) -> Iterator[str]:
    """What was trained."""
    for _, run in scope.of(Training):
        data = ", ".join(f"{one.path}{_digest(one.sha256)}" for one in run.used) or "data that was not recorded"
        yield f"We trained on {data}{_by(run)} with {params(run)}."


def evaluation(scope: Scope) -> Iterator[str]:
    """What was measured."""
    for _, run in scope.of(Evaluation):
        if isinstance(run, Evaluation):
            numbers = ", ".join(f"{measure} = {value}" for measure, value in run.metrics.items()) or "no metric that was recorded"
            size = run.dataset.get("size")
            data = (
                f"{run.dataset.get('name') or 'a test set without a name'} ({size if size is not None else 'size not recorded'} examples)"
            )
            yield f"On {data} we measured {numbers}{_by(run)}, {params(run)}."


def software(scope: Scope) -> Iterator[str]:
    """With what."""
    for session in scope.told():
        said = [
            f"{key.removesuffix('_version')} {value}" for key, value in session.environment.items() if key.endswith("_version") and value
        ]
        sha = session.code.git_sha if session.code else None
        gpu = session.environment.get("gpu")
        yield f"Session {session.id} ran {', '.join(said) or 'unrecorded software'} on {gpu or 'a machine whose GPU was not recorded'}, code {sha or 'not recorded'}."


SENTENCES = (("Models", models), ("Generation", generation), ("Selection of data", selection), ("Training", training), ("Evaluation", evaluation), ("Software and hardware", software))  # fmt: skip


def paragraphs(scope: Scope) -> Iterator[tuple[str, list[str]]]:
    """(heading, its sentences), none where nothing was recorded."""
    for heading, told in SENTENCES:
        yield heading, list(dict.fromkeys(told(scope)))


def _by(run: Activity) -> str:
    if run.script is None:
        return ""
    return f" by {run.script.path} at {run.script.version or 'an unrecorded version'}"


def _digest(sha256: str | None) -> str:
    return f" (SHA-256 {sha256})" if sha256 else " (digest not recorded)"
