"""Which loads are of a model that a training made: those that used the weights which it made. A configuration may stand in other models too."""

from __future__ import annotations

from collections.abc import Iterable

from lineage.auditing.training import WEIGHTS
from lineage.facts import Activity, Artifact, ModelLoad


def digests(files: Iterable[Artifact]) -> frozenset[str]:
    """The digests of files and folders, and of what is in these."""
    return frozenset(one.sha256 for file in files for one in (file, *file.parts) if one.sha256)


def own(model: Artifact, run: Activity, loads: Iterable[ModelLoad]) -> frozenset[str]:
    """The weights of *model* that *run* made and got from none of its *loads*; of a model without such, its own digest."""
    weights = frozenset(one.sha256 for one in model.parts or (model,) if one.sha256 and one.path.endswith(WEIGHTS))
    mine = weights - digests(run.used).union(*(digests(load.used) for load in loads))
    return mine or frozenset([model.sha256] if model.sha256 else [])


def is_of(load: ModelLoad, mine: frozenset[str]) -> bool:
    """Did the load use one of these?  What its loader says of the files counts too."""
    files = load.provenance.get("files")
    said = [one for one in files.values() if isinstance(one, str)] if isinstance(files, dict) else []
    return not mine.isdisjoint(digests(load.used).union(said))
