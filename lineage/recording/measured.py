"""The provenances that a loader of ours measured in this process, so that what a caller hands on unchanged counts as observed."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping
from typing import Any

from lineage.contract.plain import plain
from lineage.mapping.names import canonical

LATEST = 256  # loads that are remembered; a process loads far fewer

_measured: deque[bytes] = deque(maxlen=LATEST)


def remember(provenance: Mapping[str, Any]) -> None:
    """Note what a loader measured."""
    _measured.append(_digest(provenance))


def is_measured(provenance: Mapping[str, Any]) -> bool:
    """Return whether a loader measured exactly this: with one value added or changed it is the caller's statement."""
    return _digest(provenance) in _measured


def _digest(provenance: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(canonical(plain(provenance, "provenance")[0])).digest()
