"""Make a record again from its metadata alone, and say what held.

bit-exact      the same tokens and text, in the runtime that the record names (versions, threads, device, processor)
token-exact    the same tokens, though something in the runtime differs
differs        other tokens: the first that differs is named
impossible     it cannot be made again, and why
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage.auditing.replayed import BIT, DIFFERS, IMPOSSIBLE, TOKEN
from lineage.contract.metadata import is_ours
from lineage.contract.strict import loads
from lineage.errors import NotFoundError, UsageError
from lineage.models import identity
from lineage.models.generation import complete_ids
from lineage.models.loader import INT8, CleanModelLoader
from lineage.models.model_search import Sizes, around, model_in
from lineage.models.settings import OBJECTS

COMPARED = ("device", "dtype", "quantization", "attention_implementation", "tokenizer_sha256", "loader_sha256")
_NEEDED = ("provenance", "generation_params", "tokens")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one record."""

    line: int
    level: str
    detail: str = ""


def records(path: Path, lines: Iterable[int] | None = None) -> dict[int, dict[str, Any]]:
    """The records of *path* at these lines (from 1), or all.

    Raises:
        NotFoundError: there is no such file or line. UsageError: the line holds no record.
    """
    if not path.is_file():
        raise NotFoundError("no such file", at=str(path))
    wanted = None if lines is None else set(lines)
    found: dict[int, dict[str, Any]] = {}
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip() and (wanted is None or number in wanted):
                found[number] = _record(path, number, line)
    for number in sorted((wanted or set()) - found.keys()):
        raise NotFoundError("no such record", at=f"{path}:{number}")
    return found


def _record(path: Path, number: int, line: bytes) -> dict[str, Any]:
    value, _ = loads(line.rstrip(b"\r\n"))
    if not isinstance(value, dict):
        raise UsageError("the line holds no record", at=f"{path}:{number}")
    return value


class Replayer:
    """Replays records; a model is loaded once for all records that one loader configuration made.

    Args:
        near: A file of records. A model is looked for by its name from there, and by its digests in the folder of its sessions.
        model: The model's folder, if it is known.
        among: The folder to look in by digests, and the sizes of model files that its sessions recorded, where they are known.
    """

    def __init__(self, near: Path, model: Path | None = None, among: tuple[Path, Sizes] | None = None) -> None:
        self._near, self._model, self._among = near, model, among
        self._loaded: dict[str, tuple[Any, Any, Mapping[str, Any]] | str] = {}

    def replay(self, line: int, record: Mapping[str, Any]) -> Verdict:
        """Make *record* again. Never raises for what a record says."""
        metadata = record.get("metadata")
        reason = why_not(metadata)
        if reason is not None or not isinstance(metadata, dict):
            return Verdict(line, IMPOSSIBLE, reason or "it has no metadata")
        loaded = self._load(metadata["provenance"])
        if isinstance(loaded, str):
            return Verdict(line, IMPOSSIBLE, loaded)
        model, tokenizer, now = loaded
        return _judged(line, record, metadata, model, tokenizer, now)

    def _load(self, provenance: Mapping[str, Any]) -> tuple[Any, Any, Mapping[str, Any]] | str:
        key = repr(sorted(provenance.items(), key=repr))
        if key not in self._loaded:
            self._loaded[key] = self._look_and_load(provenance)
        return self._loaded[key]

    def _look_and_load(self, provenance: Mapping[str, Any]) -> tuple[Any, Any, Mapping[str, Any]] | str:
        folder = self._model or found(str(provenance["model_name"]), provenance.get("revision"), self._near)
        changed = changes(provenance["files"], identity.digests(folder)) if folder and folder.is_dir() else "gone"
        if changed and self._model is None:
            self._among = self._among or around(self._near)
            by_digest = model_in(self._among[0], provenance["files"], self._among[1])
            if by_digest is not None:
                folder, changed = by_digest, changes(provenance["files"], identity.digests(by_digest))
        if folder is None or not folder.is_dir():
            return f"the model {provenance['model_name']} is not here (name its folder with --model)"
        if changed:
            return f"the model's files are not those of the record: {changed}"
        return _reloaded(folder, provenance)


def why_not(metadata: object) -> str | None:
    """Why a record with this metadata can be made again by nobody; None when it can be tried."""
    if not is_ours(metadata):
        return "it has no metadata"
    missing = [key for key in _NEEDED if not isinstance(metadata.get(key), dict)]
    if missing:
        return f"its metadata has no {missing[0]}"
    if not isinstance(metadata["provenance"].get("files"), dict):
        return "its provenance names no digests of the model's files"
    if metadata["provenance"].get("trust_remote_code"):
        return "the model came with code of its own, which is not run"
    if metadata["generation_params"].get("batch_size") != 1:
        return "it was generated in a batch, and sampling depends on what else was in it"
    if not isinstance(metadata["generation_params"].get("seed"), int) and metadata["generation_params"].get("do_sample") is not False:
        return "it has no seed"
    unheld = [name for name in OBJECTS if name in metadata["generation_params"]]
    if unheld:
        return f"the call used an object that no record holds: {', '.join(unheld)}"
    ids = (metadata["tokens"].get("prompt_ids"), metadata["tokens"].get("completion_ids"))
    good = all(isinstance(one, list) and all(type(n) is int for n in one) for one in ids) and ids[0]
    return None if good else "its tokens are not lists of ids"


def found(name: str, revision: object, near: Path) -> Path | None:
    """The model's folder, by the name that was recorded: from the working directory, from a folder above the record, or in the hub's cache."""
    places = (Path.cwd(), *near.resolve().parents)
    here = next((place / name for place in places if (place / name / "config.json").is_file()), None)
    return here or (_cached(name, revision) if isinstance(revision, str) else None)


def _cached(name: str, revision: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        config = try_to_load_from_cache(name, "config.json", revision=revision)
    except HFValidationError:  # no name of the hub
        return None
    return Path(config).parent if isinstance(config, str) else None


def changes(then: Mapping[str, Any], now: Mapping[str, str]) -> str:
    """The first file that differs, or nothing."""
    for name in sorted({*then, *now}):
        if then.get(name) != now.get(name):
            return f"{name} is {'gone' if name not in now else 'new' if name not in then else 'another'}"
    return ""


def _reloaded(folder: Path, provenance: Mapping[str, Any]) -> tuple[Any, Any, Mapping[str, Any]] | str:
    import torch

    runtime = provenance.get("runtime")
    threads = runtime.get("threads") if isinstance(runtime, dict) else None
    if type(threads) is int and 0 < threads < 1024:
        torch.set_num_threads(threads)
    device = str(provenance.get("device", "cpu")).split(":")[0]
    if device != "cpu" and not torch.cuda.is_available():
        return f"it was made on {device}, and there is none here"
    loader = CleanModelLoader(
        folder,
        str(provenance["quantization"]),
        compute_dtype=_number_type(provenance),
        double_quant=bool(provenance.get("double_quant")),
        prefix_policy=provenance.get("prefix_policy"),
        attn_implementation=provenance.get("attention_implementation"),
        device_map=None if device == "cpu" else provenance.get("device"),
        allow_contaminated=True,
    )
    return loader.load()


def _number_type(provenance: Mapping[str, Any]) -> str:
    """Return the number type that the model is loaded with: at int8 that of the model, for bitsandbytes chooses its own to compute in."""
    said = provenance.get("dtype" if provenance.get("quantization") == INT8 else "compute_dtype")
    return str(said or "bfloat16")


def _judged(
    line: int, record: Mapping[str, Any], metadata: Mapping[str, Any], model: Any, tokenizer: Any, now: Mapping[str, Any]
) -> Verdict:
    then = metadata["tokens"]
    done = complete_ids(model, tokenizer, then["prompt_ids"], {"pad_token_id": None, **metadata["generation_params"]})
    other = runtime_differences(metadata["provenance"], now)
    if done.completion_ids != then["completion_ids"]:
        n = _first(done.completion_ids, then["completion_ids"])
        return Verdict(line, DIFFERS, f"from token {n} on{f'; the runtime differs too: {other}' if other else ''}")
    if done.response != record.get("response"):
        return Verdict(line, DIFFERS, "the tokens are the same, the response is not: it was altered after it was made")
    return Verdict(line, TOKEN, other) if other else Verdict(line, BIT)


def _first(one: list[int], other: list[int]) -> int:
    """The index, from 0, of the first token that differs."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def runtime_differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs in versions, threads, processor, device and loader."""
    before, after = (_object(one.get("runtime")) for one in (then, now))
    pairs = [(key, before.get(key), after.get(key)) for key in sorted({*before, *after})]
    pairs += [(key, then.get(key), now.get(key)) for key in COMPARED]
    return ", ".join(f"{key} {old} then, {new} now" for key, old, new in pairs if old != new)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
