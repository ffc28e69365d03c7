"""The `metadata` block of records and reports, and the loader provenance in it (docs/reference/files.md, sections 1, 2 and 5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from lineage.core.words import json_text

# Section 1: the six keys that are always there, and their types.
PROVENANCE: dict[str, type] = {
    "loader_version": str,
    "template_disabled": bool,
    "model_name": str,
    "quantization": str,
    "sentinel_tests_passed": bool,
    "add_special_tokens": bool,
}

_RUN_ID = re.compile("[0-9a-f]{32}")
_SESSION_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{12}")


def _is_text_or_null(value: object) -> bool:
    return value is None or isinstance(value, str)


# Keys that other tools rarely have, with the values that we write. They confirm that metadata are ours.
CONFIRMING: dict[str, Callable[[Any], bool]] = {
    "session_id": lambda value: isinstance(value, str) and bool(_SESSION_ID.fullmatch(value)),
    "record_index": lambda value: True,  # whatever its value: the kernel skips it in lines of a shape that it knows
    "script_name": _is_text_or_null,
    "script_version": _is_text_or_null,
    "generation_params": lambda value: isinstance(value, Mapping),
    "decoding_params": lambda value: isinstance(value, Mapping),
    "eval_seed": lambda value: value is None or type(value) is int,
}


def is_ours(metadata: object) -> TypeGuard[Mapping[str, Any]]:
    """Return whether *metadata* of a record or report were written by lineage, or by hand in its shape.

    Other tools write `metadata` too, with a `run_id` (MLflow, LangChain) or a `provenance` (dolma) of their own. Metadata are ours when

    1. `provenance` is an object with at least one of the six fixed keys, or
    2. `run_id` is 32 hex digits and one of CONFIRMING is there, or
    3. `provenance` or `run_id` is there in any other form, and two of CONFIRMING are: metadata of ours that were damaged.

    The kernel decides the same by the names of the keys (kernel.c, is_foreign).
    """
    if not isinstance(metadata, Mapping):
        return False
    provenance = metadata.get("provenance")
    if isinstance(provenance, Mapping) and not PROVENANCE.keys().isdisjoint(provenance):
        return True
    if "provenance" not in metadata and "run_id" not in metadata:
        return False
    run_id = metadata.get("run_id")
    is_our_run = isinstance(run_id, str) and bool(_RUN_ID.fullmatch(run_id))
    confirming = sum(key in metadata and is_like_ours(metadata[key]) for key, is_like_ours in CONFIRMING.items())
    return confirming >= (1 if is_our_run else 2)


def ours(metadata: object) -> Mapping[str, Any]:
    """Return *metadata* if they are ours, else an empty object."""
    return metadata if is_ours(metadata) else {}


def completed(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """*provenance* with all six fixed keys: one that is missing is null, with its reason in `gaps`."""
    missing = {key: "not given by the loader" for key in PROVENANCE if provenance.get(key) is None}
    given = provenance.get("gaps")
    gaps = {**missing, **(given if isinstance(given, Mapping) else {})}
    full = {key: provenance.get(key) for key in PROVENANCE} | {key: value for key, value in provenance.items() if key != "gaps"}
    return full | ({"gaps": gaps} if gaps else {})


def check_provenance(provenance: Mapping[str, Any]) -> list[str]:
    """What is wrong with the six fixed keys: missing, or of another type than null and their own."""
    missing = [f"provenance.{key}: is missing" for key in PROVENANCE if key not in provenance]
    wrong = [key for key, kind in PROVENANCE.items() if provenance.get(key) is not None and not isinstance(provenance[key], kind)]
    return missing + [f"provenance.{key}: expected {PROVENANCE[key].__name__}, got {json_text(provenance[key])}" for key in wrong]


def artifact_metadata(
    provenance: Mapping[str, Any],
    *,
    script_name: str | None,
    script_version: str | None,
    timestamp: str,
    why_no_version: str | None = None,
    **extra: Any,
) -> dict[str, Any]:
    """The block: provenance, script_version, script_name, timestamp and *extra*; what is null among the first says why in `gaps`."""
    block: dict[str, Any] = {"provenance": completed(provenance), "script_version": script_version, "script_name": script_name}
    block |= {"timestamp": timestamp, **extra}
    if script_version is None:
        block["gaps"] = {"script_version": why_no_version or "nobody gave the commit of the script", **(extra.get("gaps") or {})}
    return block
