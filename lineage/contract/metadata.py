"""The `metadata` block of records and reports, and the loader provenance in it (docs/reference/files.md, sections 1, 2 and 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Section 1: the six keys that are always there, and their types.
PROVENANCE: dict[str, type] = {
    "loader_version": str,
    "template_disabled": bool,
    "model_name": str,
    "quantization": str,
    "sentinel_tests_passed": bool,
    "add_special_tokens": bool,
}


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
    return missing + [f"provenance.{key}: expected {PROVENANCE[key].__name__}, got {str(provenance[key])[:40]!r}" for key in wrong]


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
