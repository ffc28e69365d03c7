"""Files of a folder that no session names, and the format of each: results of another tool, cards, crates, JSON that nobody knows."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from lineage.contract import journal, manifest
from lineage.contract.below import tells_of_a_session
from lineage.contract.redacted import FILE
from lineage.contract.strict import loads
from lineage.facts import Session

MOST_FILES = 10_000  # that are listed; a folder that somebody sent may have any number
MARKS = (b'<meta name="generator" content="lineage audit">', b'"report": "lineage audit"')  # in the head of an audit's report
LARGEST = 1 << 22  # bytes of a JSON file that is looked into
OWN = "the product's own"
AUDIT = "a report of an audit"
HIDDEN = "a hidden file"
UNKNOWN = "no known format"
UNKNOWN_JSON = "JSON of an unknown kind"
UNREADABLE = "it cannot be read"
LINK = "a link"
WITH_SESSIONS = "a folder with sessions of its own: use --recursive"
MORE = "the rest is not listed"

_NAMES = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"(.*/)?wandb-(summary|metadata)\.json|.*\.wandb", "Weights & Biases"),
        (r"(.*/)?mlruns/.*|(.*/)?mlflow\.db", "MLflow"),
        (r"(.*/)?MLmodel", "MLflow"),
        (r".*\.eval", "Inspect log"),
        (r"(.*/)?adapter_(config\.json|model\.(safetensors|bin))", "PEFT adapter"),
        (r"(.*/)?ro-crate-metadata\.json", "RO-Crate"),
        (r"(.*/)?croissant\.json", "Croissant"),
        (r"(.*/)?(README|MODEL_CARD|DATA_CARD)\.md", "card"),
        (r"(.*/)?trainer_state\.json", "state of a Transformers trainer"),
        (r"(.*/)?(dvc\.(yaml|lock)|.*\.dvc)", "DVC"),
        (r"(.*/)?emissions\.csv", "CodeCarbon"),
        (r"(.*/)?events\.out\.tfevents\..*", "TensorBoard"),
        (r".*\.intoto\.jsonl?", "in-toto attestation"),
        (r"(.*/)?(bagit|bag-info|manifest-\w+|tagmanifest-\w+)\.txt", "BagIt"),
    )
)
_KEYS = (  # of a JSON object, and what has them
    ({"results", "lm_eval_version"}, "lm-evaluation-harness results"),
    ({"results", "versions", "config"}, "lm-evaluation-harness results"),
    ({"results", "config_general"}, "lighteval results"),
    ({"results", "configs", "n-shot"}, "lm-evaluation-harness results"),
    ({"eval", "plan", "version"}, "Inspect log"),
    ({"peft_type"}, "PEFT adapter"),
    ({"schema_version", "evaluation_id"}, "Every Eval Ever"),
    ({"@context", "@graph"}, "JSON-LD"),
)
_HARNESS = re.compile(r"(.*/)?(results|samples)_.*\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d.*\.jsonl?")


def unnamed(folder: Path, named: Collection[str], apart: Collection[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield (file, kind) for each file of *folder* that no session names, in the order of their paths.

    Args:
        folder: Where the sessions are.
        named: Files and folders that sessions name, by their paths from there.
        apart: Folders inside that are read by themselves.
    """
    known = set(named)
    count = 0
    for place, folders, files in os.walk(folder):
        way = Path(place).relative_to(folder).as_posix() if Path(place) != folder else ""
        prefix = f"{way}/" if way else ""
        if way and way not in apart and any(map(tells_of_a_session, files)):
            folders.clear()
            yield way, WITH_SESSIONS
            continue
        folders[:] = sorted(name for name in folders if name != ".lineage" and f"{prefix}{name}" not in known | set(apart))
        for name in sorted(files):
            if f"{prefix}{name}" in known:
                continue
            count += 1
            if count > MOST_FILES:
                yield f"{prefix}{name}", MORE
                return
            yield f"{prefix}{name}", kind_of(folder, f"{prefix}{name}")


def of_other_tools(folder: Path, placed: Sequence[tuple[Path, Session]]) -> tuple[tuple[str, str], ...]:
    """Return the files of *folder* that no session names and whose format is another tool's, each with its kind."""
    return tuple(one for one in unnamed(folder, named_files(folder, placed)) if is_of_another_tool(one[1]))


def named_files(folder: Path, placed: Sequence[tuple[Path, Session]]) -> set[str]:
    """Return the files that sessions name, by their paths from *folder*."""
    named = set()
    for place, session in placed:
        way = place.relative_to(folder).as_posix()
        prefix = "" if way == "." else f"{way}/"
        used = (one for run in session.activities for one in run.used)
        named |= {f"{prefix}{one.path}" for one in (*session.artifacts, *used)}
    return named


def kind_of(folder: Path, name: str) -> str:
    """Return the format of a file that no session names."""
    path, last = folder / name, name.rpartition("/")[2]
    if path.is_symlink() or not path.is_file():
        return LINK if path.is_symlink() else "not a regular file"
    if _is_own(name):
        return OWN
    if last.endswith((".html", ".json")) and any(_begins_with(path, mark) for mark in MARKS):
        return AUDIT
    if f"/{name}".count("/."):
        return HIDDEN
    known = next((kind for pattern, kind in _NAMES if pattern.fullmatch(name)), None)
    if known or _HARNESS.fullmatch(name):
        return known or "lm-evaluation-harness results"
    if last.endswith(".json"):
        return _kind_of_json(path)
    return UNKNOWN


def is_of_another_tool(kind: str) -> bool:
    """Return whether a file of this kind holds what somebody may take for recorded."""
    return kind not in (OWN, AUDIT, HIDDEN, UNKNOWN, UNREADABLE, LINK, MORE, WITH_SESSIONS, "not a regular file")


def _is_own(name: str) -> bool:
    place, _, last = name.rpartition("/")
    if last == FILE:
        return True
    if place.rpartition("/")[2] == "graphs" and last.startswith("lineage."):
        return True
    return last.startswith((manifest.PREFIX, journal.PREFIX)) or bool(
        re.fullmatch(r"session_.+\.(prov\.\w+|ttl|dsse\.json|records\..+)", last)
    )


def _begins_with(path: Path, mark: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return mark in file.read(1 << 9)
    except OSError:
        return False


def _kind_of_json(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            return f"{UNKNOWN_JSON}, larger than {LARGEST >> 20} MiB"
        value = loads(path.read_bytes())[0]
    except OSError:
        return UNREADABLE
    keys = set(value) if isinstance(value, dict) else set()
    return next((kind for needed, kind in _KEYS if needed <= keys), UNKNOWN_JSON)
