"""JSON read strictly: what readers disagree about is named, and never ends in a traceback.

The fast path is taken only where it is proved that it saw everything: when writing the value again gives the same bytes, no key
stood twice and nothing was read kindly. All else is read once more in full.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from itertools import accumulate
from typing import Any

import orjson

from lineage.core import limits

Problem = tuple[str, str]  # the code of a rule, and the detail
_TOO_DEEP: Problem = ("not-json", f"nested deeper than {limits.DEPTH}")
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


def loads(data: bytes) -> tuple[Any, list[Problem]]:
    """The value and what is wrong with it: "not-utf8", "not-json" (then the value is None), "duplicate-key", "not-finite" (reads as null)."""
    if _has_too_many(data):
        return None, [("not-json", f"more than {limits.VALUES:,} values")]
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return _slowly(data)
    if proves(value, data):
        return value, []
    return _slowly(data)


def proves(value: object, data: bytes) -> bool:
    """Is *data* exactly what writing *value* gives? Then each key stood once, and no number or string was changed in reading."""
    try:
        return orjson.dumps(value) == data
    except TypeError:
        return False


def _slowly(data: bytes) -> tuple[Any, list[Problem]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return None, [("not-utf8", f"byte {error.start + 1}")]
    problems: list[Problem] = []
    try:
        value = json.loads(text, object_pairs_hook=_pairs(problems), parse_constant=_constant(problems), parse_float=_float(problems))
    except json.JSONDecodeError as error:
        return None, [("not-json", f"column {error.pos + 1}: {error.msg}")]
    except RecursionError:
        return None, [_TOO_DEEP]
    except ValueError as error:  # an integer of more digits than Python converts
        return None, [("not-json", str(error).split(";")[0])]
    return (None, [_TOO_DEEP]) if _depth(data) > limits.DEPTH else (value, problems)


def _has_too_many(data: bytes) -> bool:
    """Whether *data* may hold more values than are read. Signs in strings count too, for nothing is parsed before."""
    return len(data) > limits.VALUES and sum(map(data.count, (b",", b"[", b"{"))) > limits.VALUES


def _depth(data: bytes) -> int:
    """Return how deep the JSON text *data* is nested. It was parsed, so each string in it ends."""
    if data.count(b"[") + data.count(b"{") <= limits.DEPTH:
        return 0
    plain = data.replace(b"\\\\", b"").replace(b'\\"', b"")  # no quote is left but those around strings
    outside = b"".join(plain.split(b'"')[::2]).translate(None, _NO_BRACKET)
    return max(accumulate(1 if sign in b"[{" else -1 for sign in outside))


def _pairs(problems: list[Problem]) -> Any:
    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        built = dict(pairs)
        if len(built) < len(pairs):
            often = Counter(key for key, _ in pairs)
            problems.extend(("duplicate-key", repr(key)) for key, count in often.items() if count > 1)
        return built

    return build


def _constant(problems: list[Problem]) -> Any:
    def refuse(name: str) -> None:
        problems.append(("not-finite", name))

    return refuse


def _float(problems: list[Problem]) -> Any:
    def read(text: str) -> float | None:
        value = float(text)
        if math.isfinite(value):
            return value
        problems.append(("not-finite", f"{text[:20]} is larger than a double"))
        return None

    return read
