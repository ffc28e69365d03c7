"""Weights that a training made: which files they are, and whether a load or a run used them."""

from __future__ import annotations

from collections.abc import Iterable

from lineage.facts import Activity, Artifact, ModelLoad

WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".npz")  # how files of weights are called


def digests(files: Iterable[Artifact]) -> frozenset[str]:
    """Return the digests of files and folders, and of what is in these."""
    return frozenset(one.sha256 for file in files for one in (file, *file.parts) if one.sha256)


def told_of(load: ModelLoad) -> frozenset[str]:
    """Return the digests that the loader recorded of the files of the model."""
    files = load.provenance.get("files")
    return frozenset(one for one in files.values() if isinstance(one, str)) if isinstance(files, dict) else frozenset()


def own_weights(made: Artifact, run: Activity, loads: Iterable[ModelLoad]) -> frozenset[str]:
    """Return the digests of the weights that *run* made, and got neither from a file that it used nor from one of its *loads*."""
    weights = frozenset(one.sha256 for one in made.parts or (made,) if one.sha256 and one.path.endswith(WEIGHTS))
    return weights - digests(run.used).union(*(digests(load.used) for load in loads))


def is_adapter(model: Artifact) -> bool:
    """Return whether a model is an adapter, by its type or the names of its files."""
    return "adapter" in model.type or any("adapter" in one.path.rpartition("/")[2] for one in (model, *model.parts))
