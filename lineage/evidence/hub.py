"""What the Hugging Face Hub takes in front matter: ids of repositories and of metrics, and sizes. It refuses a card with any other.

Sources: modelcard.md and datasetcard.md of huggingface/hub-docs, and `huggingface_hub.utils.validate_repo_id`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from lineage.facts import Artifact, ModelLoad

METRICS = ("exact_match", "accuracy", "precision", "recall", "f1", "perplexity", "bleu", "sacrebleu", "chrf", "rouge", "meteor", "bertscore", "wer", "cer", "mse", "mae")  # fmt: skip
UNKNOWN = "unknown"  # a data set's id, which is required; nothing tells that one lies on the Hub
_SIZES = (
    "n<1K",
    "1K<n<10K",
    "10K<n<100K",
    "100K<n<1M",
    "1M<n<10M",
    "10M<n<100M",
    "100M<n<1B",
    "1B<n<10B",
    "10B<n<100B",
    "100B<n<1T",
    "n>1T",
)
_ID = re.compile(r"(?!.*(?:--|\.\.))(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9_])?(?<!\.git)", re.ASCII)
_COMMIT = re.compile("[0-9a-f]{40}")
_PATH = re.compile(r"(?!.*\.\.)[\w.-]+(?:/[\w.-]+)*", re.ASCII)


def is_id(text: str) -> bool:
    """Could it be the id of a repository?"""
    return len(text) <= 96 and _ID.fullmatch(text) is not None


def base_of(load: ModelLoad) -> str | None:
    """The id of a model that was loaded at a commit of the Hub; None for all else: the name of a folder is no id, whatever it looks like."""
    name, revision = load.provenance.get("model_name"), load.provenance.get("revision")
    known = isinstance(revision, str) and _COMMIT.fullmatch(revision)
    return name if known and isinstance(name, str) and is_id(name) else None


def data_of(files: Iterable[Artifact]) -> list[str]:
    """The names of files of data that the Hub takes for ids; what lies in folders has too many parts, so the last one stands for it."""
    names = dict.fromkeys(one.path.rpartition("/")[2] for one in files)
    return [name for name in names if is_id(name)]


def patterns(files: Iterable[Artifact]) -> list[str]:
    """The paths of files, if none is a pattern and none leads out of the repository; else nothing."""
    paths = list(dict.fromkeys(one.path for one in files))
    return paths if all(map(_PATH.fullmatch, paths)) else []


def size(count: int) -> str:
    """The category of a number of records."""
    return _SIZES[max(0, min(len(str(count)) - 3, len(_SIZES) - 1))]


def metric(name: str) -> str | None:
    """The Hub's id of a measure: `accuracy` of `sft_accuracy`; None where it has none."""
    return next((one for one in METRICS if name == one or name.endswith(f"_{one}")), None)


def results(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Numbers as `model-index` holds them; what is no finite number is left out."""
    numbers = {name: value for name, value in metrics.items() if isinstance(value, int | float) and not isinstance(value, bool)}
    return [
        {"type": metric(name) or name, "name": name, "value": value}
        for name, value in numbers.items()
        if isinstance(value, int) or math.isfinite(value)
    ]
