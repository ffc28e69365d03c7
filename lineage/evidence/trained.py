"""Which loads are of a model that a training made: those that used the weights which it made. A configuration may stand in other models too."""

from __future__ import annotations

from collections.abc import Iterable

from lineage.contract.weights import digests, own_weights, told_of
from lineage.facts import Activity, Artifact, ModelLoad


def own(model: Artifact, run: Activity, loads: Iterable[ModelLoad]) -> frozenset[str]:
    """The weights of *model* that *run* made and got from none of its *loads*; of a model without such, its own digest."""
    return own_weights(model, run, loads) or frozenset([model.sha256] if model.sha256 else [])


def is_of(load: ModelLoad, mine: frozenset[str]) -> bool:
    """Did the load use one of these?  What its loader says of the files counts too."""
    return not mine.isdisjoint(digests(load.used) | told_of(load))
