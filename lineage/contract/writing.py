"""A session as the manifest writes it: the whole of it, from facts alone."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import orjson

from lineage.contract import manifest
from lineage.contract.sources import known_json
from lineage.facts import Session

OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY


def session_json(session: Session) -> dict[str, Any]:
    """The manifest of *session*, the keys in the order of the contract. Origins of slices are no part of it: they are found by reading."""
    code = manifest.code_json(session.code) if session.code else {}
    return {
        "session_id": session.id,
        "schema": manifest.SCHEMA,
        "title": session.title,
        "status": session.status,
        "started_at": session.started_at,
        "ended_at": session.ended_at,
        "operator": session.operator,
        "host": session.host,
        "environment": {**session.environment, **code},
        "loader_config": dict(session.loader_config),
        "artifacts_generated": [manifest.artifact_json(one) for one in session.artifacts],
        "activities": [manifest.activity_json(one) for one in session.activities],
        "gaps": manifest.gaps_json(session.gaps),
        **({"error": dict(session.error)} if session.error else {}),
        **known_json(session),
    }


def dumps(session: Session) -> bytes:
    """The manifest as bytes; equal sessions give equal bytes."""
    return as_bytes(session_json(session), indent=True) + b"\n"


def as_bytes(value: object, *, indent: bool = False) -> bytes:
    """JSON as bytes; equal values give equal bytes. NaN and infinities become null, numbers of numpy what they are.

    What orjson refuses (integers over 64 bits, lone surrogates) `json` writes. Raises TypeError for what JSON cannot hold.
    """
    try:
        return orjson.dumps(value, option=OPTIONS | (orjson.OPT_INDENT_2 if indent else 0))
    except TypeError:
        return kindly(value, indent=indent)


def kindly(value: object, *, indent: bool = False) -> bytes:
    """JSON as bytes, also where orjson refuses: it is stricter than JSON. Raises TypeError and ValueError for what JSON cannot hold."""
    separators = None if indent else (",", ":")
    return json.dumps(_finite(value), indent=2 if indent else None, separators=separators, allow_nan=False).encode()


def _finite(value: object) -> object:
    """*value* with null for NaN and infinities, however deep they stand."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value
