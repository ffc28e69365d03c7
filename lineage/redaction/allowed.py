"""Which values may be published.  A table a place in the contract: key -> the shape that its value must have; all other keys and values are left out.

Shapes are closed: digests, counts, times, versions, words of a list. Free text never passes, but for the one name that a publication is about: that
of a model of a hub, `owner/name`, where the commit it was loaded at stands beside it. Letters and digits are ASCII's. Hex digits that spell a text are
no digest: of a million million digests hardly one does so by chance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from lineage.facts import Json
from lineage.redaction.measures import WORDS

Shape = Callable[[object], bool]


def _matches(pattern: str) -> Shape:
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _words(*words: str) -> Shape:
    return lambda value: isinstance(value, str) and value in words


def _hex(pattern: str) -> Shape:
    fits = _matches(pattern)
    return lambda value: fits(value) and not _spells(str(value))


def _spells(digits: str) -> bool:
    """Are the hex digits those of a text, perhaps filled up with zeros?"""
    try:
        text = bytes.fromhex(digits).strip(b"\0").decode()
    except UnicodeDecodeError:
        return False
    return text.isprintable() and text != ""


def is_number(value: object) -> bool:
    """A number, true, false or null; an integer of more than 64 bits could be a text."""
    return value is None or isinstance(value, bool | float) or (isinstance(value, int) and -LARGEST <= value < LARGEST)


def is_count(value: object) -> bool:
    """A whole number that counts something: not below 0, and none that JSON's readers round."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST


def is_truth(value: object) -> bool:
    """True, false or null."""
    return value is None or isinstance(value, bool)


LARGEST = 2**63
MOST = 2**53
is_commit = _hex("[0-9a-f]{40}")
is_hash = _hex("[0-9a-f]{40}|[0-9a-f]{64}")
is_session_id = _matches(r"\d{8}T\d{6}Z-[0-9a-f]{12}")
is_run_id = _hex("[0-9a-f]{32}")
_is_time = _matches(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?")
# Two parts, neither of which begins with a dot, and the first no usual name of a folder.
is_hub_name = _matches(
    r"(?!(?i:models?|artifacts|checkpoints?|adapters?|data|datasets?|outputs?|runs|home|users?|root|tmp|mnt|nfs|opt|srv|usr|var|media|scratch|work(?:space)?)/)"
    r"[A-Za-z0-9][\w-]*/[A-Za-z0-9][\w.-]*"
)
# Words that measures are named with, at most six: no name of which a text could be made.
is_measure = _matches(rf"(?i:(?:{'|'.join(WORDS)})(?:[_,-](?:{'|'.join(WORDS)})){{0,5}})(?:@\d{{1,4}})?")
_version = _matches(r"\d{1,4}(\.\d{1,4}){0,3}((a|b|rc|\.dev|\.post)\d{1,8})?(\+(cpu|cu\d{2,3}))?")
_dtype = _words("float32", "float16", "bfloat16", "int8", "uint8", "float64")

PROVENANCE: Mapping[str, Shape] = {
    "loader_version": is_hash,
    "template_disabled": is_truth,
    "model_name": is_hub_name,
    "quantization": _words("nf4", "fp16", "bf16", "fp32", "int8"),
    "sentinel_tests_passed": is_truth,
    "add_special_tokens": is_truth,
    "loader_sha256": is_hash,
    "revision": is_commit,
    "tokenizer_sha256": is_hash,
    "chat_template_sha256": is_hash,
    "dtype": _dtype,
    "compute_dtype": _dtype,
    "double_quant": is_truth,
    "attention_implementation": _words("sdpa", "eager", "flash_attention_2", "flex_attention"),
    "trust_remote_code": is_truth,
    "allow_contaminated": is_truth,
}
ENVIRONMENT: Mapping[str, Shape] = {
    **{f"{name}_version": _version for name in ("python", "torch", "transformers", "accelerate", "bitsandbytes", "peft", "tokenizers", "lineage")},
    "python_implementation": _words("CPython", "PyPy"),
    "cuda": _version,
    "gpu": _matches(r"(NVIDIA )?((GeForce|RTX|GTX|Quadro|Tesla|TITAN) )*[A-Z]{0,3}\d{1,4}([ -](Ti|SUPER|SXM\d?|PCIe|NVL|Ada|Generation|HBM\d\w?|\d{2,3}GB))*"),
    "threads": is_count,
    "deterministic_algorithms": is_truth,
}  # fmt: skip
PARAMS = frozenset(
    [
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "typical_p",
        "do_sample",
        "max_new_tokens",
        "min_new_tokens",
        "max_length",
        "num_beams",
        "num_return_sequences",
        "repetition_penalty",
        "length_penalty",
        "no_repeat_ngram_size",
        "seed",
        "eval_seed",
        "batch_size",
        "epochs",
        "num_train_epochs",
        "learning_rate",
        "weight_decay",
        "warmup_ratio",
        "warmup_steps",
        "gradient_accumulation_steps",
        "max_steps",
        "lora_r",
        "lora_alpha",
        "lora_dropout",
    ]
)
TYPES = frozenset(
    [
        "training_data",
        "preference_data",
        "evaluation",
        "training_history",
        "report",
        "model",
        "adapter",
        "model_file",
        "prompts",
        "test_set",
        "dataset",
        "patch",
        "script",
        "log",
        "output",
        "input",
        "part",
        "legacy",
    ]
)
KINDS = frozenset(["transform", "filter", "merge", "deduplicate", "command", "split", "shuffle"])


def kept(said: object, table: Mapping[str, Shape]) -> dict[str, Any]:
    """What of an object may be published; a value of another shape is null, so that the key of the contract still stands."""
    held = said if isinstance(said, Mapping) else {}
    return {key: held[key] if fits(held[key]) else None for key, fits in table.items() if key in held}


def numbers(said: Json) -> dict[str, Any]:
    """Parameters by names that everybody knows, where they are numbers."""
    return {key: value for key, value in said.items() if key in PARAMS and is_number(value)}


def hash_or_none(value: object) -> str | None:
    """A digest or git SHA; None for all else."""
    return value if isinstance(value, str) and is_hash(value) else None


def count_or_none(value: object) -> int | None:
    """A count; None for all else."""
    return value if isinstance(value, int) and is_count(value) else None


def time_or_none(value: object) -> str | None:
    """A time that there is, in UTC, for an offset tells where somebody sat; a time without one as it is; None for all else."""
    if not isinstance(value, str) or not _is_time(value):
        return None
    try:
        time = datetime.fromisoformat(value)
        return time.astimezone(UTC).isoformat() if time.utcoffset() else value
    except (ValueError, OverflowError):  # no such day, or none in UTC
        return None
