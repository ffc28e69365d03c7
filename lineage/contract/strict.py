"""JSON read strictly: what readers disagree about is named, and never ends in a traceback.

The fast path is taken only where it is proved that it saw everything: when writing the value again gives the same bytes, no key
stood twice and nothing was read kindly. All else is read once more in full.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import orjson

MAX_DEPTH = 200  # deeper JSON is no record, and recursion on it is an attack

Problem = tuple[str, str]  # the code of a rule, and the detail


def loads(data: bytes) -> tuple[Any, list[Problem]]:
    """The value and what is wrong with it: "not-utf8", "not-json" (then the value is None), "duplicate-key", "not-finite" (reads as null)."""
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
    if _too_deep(text):
        return None, [("not-json", f"nested deeper than {MAX_DEPTH}")]
    problems: list[Problem] = []
    try:
        return json.loads(
            text, object_pairs_hook=_pairs(problems), parse_constant=_constant(problems), parse_float=_float(problems)
        ), problems
    except json.JSONDecodeError as error:
        return None, [("not-json", f"column {error.pos + 1}: {error.msg}")]
    except (ValueError, RecursionError) as error:  # an integer of more digits than Python converts
        return None, [("not-json", str(error).split(";")[0])]


def _too_deep(text: str) -> bool:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    depth = deepest = 0
    inside = escaped = False
    for letter in text:
        if inside:
            inside, escaped = escaped or letter != '"', letter == "\\" and not escaped
        elif letter == '"':
            inside = True
        elif letter in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in "]}":
            depth -= 1
    return deepest > MAX_DEPTH


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
