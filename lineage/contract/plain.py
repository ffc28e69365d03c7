"""What users hold, as JSON: paths, times and numbers of numpy are written as what they are; what JSON has no word for is a gap."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from datetime import date
from enum import Enum
from numbers import Integral, Real
from typing import Any

from lineage.core import secrets
from lineage.facts import Gap, Json


def plain(content: Json, at: str) -> tuple[dict[str, Any], tuple[Gap, ...]]:
    """*content* as JSON, and a gap, called by its path under *at*, for each value that became null because JSON cannot hold it.

    Secrets are taken out, with a gap for each.
    """
    gaps: list[Gap] = []
    shown, hidden = secrets.hide(_object(content, at, gaps), at)
    return shown, (*gaps, *(Gap(about, reason) for about, reason in hidden))


def _object(content: Json, at: str, gaps: list[Gap]) -> dict[str, Any]:
    return {str(key): _value(value, f"{at}.{key}", gaps) for key, value in content.items()}


def _value(value: object, at: str, gaps: list[Gap]) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        return _object(value, at, gaps)
    if isinstance(value, list | tuple):
        return [_value(inner, f"{at}[{n}]", gaps) for n, inner in enumerate(value)]
    for known in _scalar(value):
        return known
    gaps.append(Gap(at, "not a finite number" if isinstance(value, Real) else f"JSON cannot hold a {type(value).__name__}"))
    return None


def _scalar(value: object) -> Iterator[object]:
    """The value as JSON writes it, if it does."""
    if isinstance(value, Enum) and isinstance(value.value, str | int):
        yield value.value
    elif isinstance(value, Integral):
        yield int(value)
    elif isinstance(value, Real) and math.isfinite(value):
        yield float(value)
    elif isinstance(value, os.PathLike):
        yield os.fsdecode(value)
    elif isinstance(value, date):  # a datetime too
        yield value.isoformat()
