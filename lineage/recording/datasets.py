"""Data sets that are no file: objects of a data library, and names on a hub.

An object is known by what it looks like (`_fingerprint`, `num_rows`, `split`, or a length and
items), so no data library is imported. Its bytes have no digest; what it says of itself is kept.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set, ValuesView
from inspect import getattr_static, isroutine
from operator import index
from pathlib import Path
from typing import Any, SupportsIndex

from lineage.capture import files
from lineage.facts import Artifact, Gap

MARKS = ("_fingerprint", "num_rows")  # of datasets.Dataset; pyarrow's tables have the second
MAX_CACHED = 1 << 32  # bytes of cache files that are digested: some seconds of reading
IN_MEMORY = "a data set in memory: there is no file to digest; what it says of itself is recorded"
WITH_PARTS = f"{IN_MEMORY}, and its cache files, which may hold more rows than it"
ON_HUB = "no such file; taken for a name on a hub, whose content was not looked at"
NOT_OPENED = "a URL, which was not opened"
_ABSENT = object()
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
# Two words, as hubs name data sets and models; a revision may follow.
_HUB = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@(?P<revision>[\w./-]+))?")
# A name that ends so is a missing file, not a name on a hub.
_FILES = re.compile(
    r"\.(jsonl?|ndjson|csv|tsv|txt|md|ya?ml|toml|py|parquet|arrow|feather|npy|npz|h5|hdf5|tfrecord|pickle|pkl|"
    r"gz|zst|bz2|xz|zip|tar|tgz|db|sqlite|safetensors|bin|pt|pth|ckpt|gguf|onnx|model|log|html|xml|png|jpe?g|wav)$",
    re.IGNORECASE,
)


# --- objects


def is_dataset(value: object) -> bool:
    """Return whether *value* looks like a data set. Runs none of its code."""
    if isinstance(value, type):
        return False
    if any(_static(value, name) is not _ABSENT for name in MARKS):
        return True
    split = _static(value, "split")
    if split is not _ABSENT and not isroutine(split):
        return True
    return not isinstance(value, Sequence | Set | Mapping | ValuesView | Iterator) and _has_items(value)


def splits(value: object) -> tuple[tuple[str | None, Any], ...]:
    """Return the data sets in *value* with the names of their splits; one by itself has none."""
    if isinstance(value, Mapping):
        return tuple((str(name), one) for name, one in value.items())
    return ((None, value),)


def is_dictionary_of_datasets(value: object) -> bool:
    """Return whether *value* maps splits to data sets, as `datasets.DatasetDict` does."""
    return isinstance(value, Mapping) and bool(value) and all(is_dataset(one) for one in value.values())


def _static(value: object, name: str) -> object:
    return getattr_static(value, name, _ABSENT)


def _has_items(value: object) -> bool:
    """Return whether it has a length and items, or is one of the data sets that are only iterated.

    An array of texts holds paths.
    """
    kinds = type(value).__mro__
    if any(kind.__name__ == "IterableDataset" for kind in kinds):
        return True
    has = {name for kind in kinds for name in ("__len__", "__getitem__", "__iter__") if name in vars(kind)}
    if "__len__" not in has or len(has) == 1:
        return False
    return getattr(getattr(value, "dtype", None), "kind", None) != "U"


def in_memory(value: object, split: str | None, *, folder: Path, type: str, role: str) -> Artifact:
    """Return a data set as an input: without a digest, with what it says of itself.

    Args:
        value: The data set.
        split: The name of its split, where the caller knows it; else the data set is asked.
        folder: The session's folder.
        type: The artifact's type.
        role: What it was used as.
    """
    about = _about(value, split)
    parts = tuple(_cache_files(value, folder))
    reason = WITH_PARTS if parts else IN_MEMORY
    unknown = [f"dataset.{key}" for key, known in about.items() if known is None]
    gaps = (Gap("sha256", reason), *(Gap(name, "the object does not say") for name in unknown))
    facts: dict[str, Any] = {"dataset": about, "count": about["rows"], "parts": parts, "gaps": gaps}
    return Artifact(path=_called(about), type=type, role=role, **facts)


def _about(value: object, split: str | None) -> dict[str, Any]:
    kind = type(value)
    own = getattr(value, "split", None)
    fingerprint = getattr(value, "_fingerprint", None)
    return {
        "class": f"{kind.__module__}.{kind.__qualname__}",
        "fingerprint": fingerprint if isinstance(fingerprint, str) else None,
        "split": split or (None if own is None or callable(own) else str(own)),
        "rows": _rows(value),
    }


def _rows(value: Any) -> int | None:
    """Return the number of rows; a loader's length is that of its batches, and says nothing."""
    rows = getattr(value, "num_rows", None)
    if rows is None and not hasattr(value, "batch_size") and hasattr(value, "__len__"):
        rows = len(value)
    return index(rows) if isinstance(rows, SupportsIndex) and not isinstance(rows, bool) else None


def _called(about: Mapping[str, Any]) -> str:
    """Return a name: two data sets that nothing tells apart have two names."""
    kind = about["class"].rpartition(".")[2]
    words = (kind, about["split"], about["fingerprint"] or uuid.uuid4().hex[:12])
    return _UNSAFE.sub("_", "-".join(word for word in words if word))


def _cache_files(value: object, folder: Path) -> Iterator[Artifact]:
    """Yield the files that a data set is read from, if it names any and they are not too large."""
    told = getattr(value, "cache_files", None)
    rows = told if isinstance(told, list | tuple) else ()
    names = [row["filename"] for row in rows if isinstance(row, Mapping) and "filename" in row]
    paths = [Path(name) for name in names if isinstance(name, str) and os.path.isfile(name)]  # noqa: PTH113
    if _size(paths) <= MAX_CACHED:
        for path in dict.fromkeys(paths):
            yield files.artifact(path, folder=folder, type="part")


def _size(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


# --- names


def elsewhere(text: str, *, folder: Path, type: str, role: str) -> Artifact | None:
    """Return an input that is named but is no file: a URL, or a name on a hub. None: it is neither.

    Args:
        text: The name, of which no file or folder is there.
        folder: The session's folder.
        type: The artifact's type.
        role: What it was used as.
    """
    if re.match(r"[A-Za-z][\w+.-]+://", text):
        return Artifact(path=text, type=type, role=role, gaps=(Gap("sha256", NOT_OPENED),))
    found = _HUB.fullmatch(text)
    if not found or _FILES.search(found["name"]) or _is_folder(found["name"], folder):
        return None
    about = {"hub": found["name"], "revision": found["revision"]}
    gaps = [Gap("sha256", ON_HUB)]
    if not found["revision"]:
        gaps.append(Gap("dataset.revision", "the caller did not say"))
    return Artifact(path=found["name"], type=type, role=role, dataset=about, gaps=tuple(gaps))


def _is_folder(name: str, folder: Path) -> bool:
    """Return whether the first word is a folder here: then the second is a missing file of it."""
    first = name.partition("/")[0]
    return first == folder.name or Path(first).is_dir() or (folder / first).is_dir()
