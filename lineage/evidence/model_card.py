"""A model card: front matter as the Hugging Face Hub reads it, and what was recorded of the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lineage.contract.weights import is_adapter
from lineage.errors import NotFoundError, UsageError
from lineage.evidence import found, hub
from lineage.evidence.found import Row
from lineage.evidence.scope import Scope
from lineage.facts import Artifact, Evaluation, Session, Training

ROWS = (
    Row("Intended use", "what it is for, and what not"),
    Row("Base model", "what it was made from", found.models),
    Row("Training", "how it was made", found.trainings),
    Row("Training data", "what it was trained on", found.training_data),
    Row("Selection of data", "how the data was filtered", found.selection),
    Row("Evaluation", "what was measured"),  # of the model itself: rows_of puts its evaluations here
    Row("Software", "what it was made with", found.software),
    Row("Hardware", "where it was made", found.hardware),
    Row("Signatures", "which sessions a key has signed; whose key it is, is not recorded", found.signatures),
    Row("Bias, risks, limits", "what is known to go wrong"),
    Row("Licence", "under which it may be used"),
)


def model_of(scope: Scope) -> tuple[Session, Training, Artifact]:
    """The model that the card is of: what the last training of the scope made. Raises UsageError where several could be meant."""
    trained = scope.trained()
    if not trained:
        raise NotFoundError(
            "no training made a model there", at="model-card", hint="name what a training made: lineage report --profile model-card X"
        )
    if len({made.sha256 or made.path for _, _, made in trained}) > 1 and scope.names is None:
        names = ", ".join(dict.fromkeys(made.path for _, _, made in trained))
        raise UsageError("which model?", at="model-card", hint=f"lineage report --profile model-card X, where X is one of {names}")
    return trained[-1]


def rows_of(scope: Scope) -> tuple[Row, ...]:
    """The table, with the evaluations of the model itself: they came after it, so they are not what it came from."""
    _, run, model = model_of(scope)
    runs = scope.measured(model, run)

    def measured(scope: Scope) -> list[found.Evidence]:
        return [one for session, run in runs for one in found.of_evaluation(scope, session, run)]

    return tuple(Row(row.clause, row.asks, measured) if row.clause == "Evaluation" else row for row in ROWS)


def front(scope: Scope) -> dict[str, Any]:
    """The front matter. What was not recorded has no key: the Hub takes a key for a claim."""
    _, run, model = model_of(scope)
    bases = _bases(scope, run)
    data = hub.data_of(one for one in run.used if one.role in found.DATA)
    made: dict[str, Any] = {"base_model": bases if len(bases) > 1 else bases[0]} if bases else {}
    made |= {"base_model_relation": "adapter" if is_adapter(model) else "finetune"} if bases else {}
    made |= {"datasets": data} if data else {}
    results = [one for evaluation in _measured(scope, model, run) for one in _results(evaluation)]
    metrics = [one for one in hub.METRICS if any(one == told["type"] for result in results for told in result["metrics"])]
    made |= {"metrics": metrics} if metrics else {}
    return made | {"tags": ["lineage"]} | ({"model-index": [{"name": model.path, "results": results}]} if results else {})


def absent(scope: Scope) -> Iterator[tuple[str, str]]:
    """(key, why): what the front matter does not say."""
    _, run, model = model_of(scope)
    loads = [load for load in map(scope.load, run.models) if load]
    if not loads:
        yield "base_model", "not recorded"
    elif len(_bases(scope, run)) < len({load.provenance.get("model_name") for load in loads}):
        yield "base_model", "a model that was not loaded at a commit of the Hub has no id there"
    yield from _without_numbers(scope, model, run)
    yield "license", "not recorded"


def _measured(scope: Scope, model: Artifact, run: Training) -> list[Evaluation]:
    """The evaluations of the model, with the metrics alone that their reports hold."""
    every = scope.measured(model, run)
    return [replace(evaluation, metrics=scope.checks.metrics(session, evaluation).supported) for session, evaluation in every]


def _without_numbers(scope: Scope, model: Artifact, run: Training) -> Iterator[tuple[str, str]]:
    """Why the front matter has no number, or not all."""
    every = scope.measured(model, run)
    withheld: dict[str, str] = {}
    for session, evaluation in every:
        own = _own(evaluation)
        withheld |= {name: why for name, why in scope.checks.metrics(session, evaluation).withheld.items() if name in own}
    reasons = "; ".join(f"{name} withheld: {why}" for name, why in withheld.items())
    if not any(_results(evaluation) for evaluation in _measured(scope, model, run)):
        yield "model-index", reasons or "no number is recorded as this model's own"
    elif reasons:
        yield "further numbers in model-index", reasons


def _bases(scope: Scope, run: Training) -> list[str]:
    loads = (load for load in map(scope.load, run.models) if load)
    return list(dict.fromkeys(name for name in map(hub.base_of, loads) if name))


def _results(run: Evaluation) -> list[dict[str, Any]]:
    numbers = hub.results(_own(run))
    dataset = {"name": str(run.dataset.get("name") or "not recorded"), "type": hub.UNKNOWN}
    return [{"task": {"type": "text-generation"}, "dataset": dataset, "metrics": numbers}] if numbers else []


def _own(run: Evaluation) -> dict[str, Any]:
    """The numbers of the trained model: all, where it was measured alone; beside its base those that the contract calls `sft_…`, and of more none."""
    if len(run.models) < 2:
        return dict(run.metrics)
    return {name: value for name, value in run.metrics.items() if name.startswith("sft_")} if len(run.models) == 2 else {}


def title(scope: Scope) -> str:
    """The name of the model."""
    return model_of(scope)[2].path
