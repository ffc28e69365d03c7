"""Typed reading of JSON that others wrote: what has the wrong shape is noted with its path, and reads as absent.

artifacts_generated[3].count: expected an integer, got 'x'
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from lineage.core.words import json_text

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Fields:
    """A JSON object with the path to it. All objects inside share one list of `problems`, in the order of reading."""

    def __init__(self, value: Mapping[str, Any], at: str = "", problems: list[str] | None = None) -> None:
        self._value, self._at = value, at
        self.problems: list[str] = [] if problems is None else problems

    def __contains__(self, key: str) -> bool:
        return self._value.get(key) is not None

    def problem(self, key: str, message: str, value: object) -> None:
        """Note that *key* is wrong."""
        self.problems.append(f"{self._path(key)}: {message}, got {json_text(value)}")

    def text(self, key: str) -> str | None:
        """The string under *key*."""
        value: str | None = self._typed(key, "a string", lambda value: isinstance(value, str))
        return value

    def integer(self, key: str) -> int | None:
        """The integer under *key*; true is none."""
        value: int | None = self._typed(key, "an integer", _is_integer)
        return value

    def number(self, key: str) -> float | int | None:
        """The number under *key*."""
        value: float | int | None = self._typed(key, "a number", lambda value: _is_integer(value) or isinstance(value, float))
        return value

    def truth(self, key: str) -> bool | None:
        """The boolean under *key*."""
        value: bool | None = self._typed(key, "true or false", lambda value: isinstance(value, bool))
        return value

    def digest(self, key: str) -> str | None:
        """The SHA-256 under *key*, as 64 hex digits."""
        value: str | None = self._typed(key, "64 hex digits", lambda value: isinstance(value, str) and bool(_DIGEST.fullmatch(value)))
        return value

    def mapping(self, key: str) -> dict[str, Any]:
        """The object under *key*; empty when there is none."""
        return self._typed(key, "an object", lambda value: isinstance(value, dict)) or {}

    def inside(self, key: str) -> Fields:
        """The object under *key*, to read on in; empty when there is none."""
        return Fields(self.mapping(key), self._path(key), self.problems)

    def items(self, key: str) -> list[Fields]:
        """The objects of the array under *key*; what is no object in it is noted and left out."""
        return [
            Fields(row, self._path(key, n), self.problems) for n, row in self._rows(key, "an object", lambda row: isinstance(row, dict))
        ]

    def texts(self, key: str) -> list[str]:
        """The strings of the array under *key*."""
        return [row for _, row in self._rows(key, "a string", lambda row: isinstance(row, str))]

    def integers(self, key: str) -> list[int]:
        """The integers of the array under *key*."""
        return [row for _, row in self._rows(key, "an integer", _is_integer)]

    def ranges(self, key: str) -> list[tuple[int, int]]:
        """The pairs of positive integers, first not after last, of the array under *key*."""
        return [(row[0], row[1]) for _, row in self._rows(key, "a pair [first, last]", _is_range)]

    def _typed(self, key: str, expected: str, fits: Callable[[Any], bool]) -> Any:
        value = self._value.get(key)
        if value is None or fits(value):
            return value
        self.problem(key, f"expected {expected}", value)
        return None

    def _rows(self, key: str, expected: str, fits: Callable[[Any], bool]) -> list[tuple[int, Any]]:
        rows = list(enumerate(self._typed(key, "an array", lambda value: isinstance(value, list)) or []))
        for n, row in rows:
            if not fits(row):
                self.problem(f"{key}[{n}]", f"expected {expected}", row)
        return [(n, row) for n, row in rows if fits(row)]

    def _path(self, key: str, index: int | None = None) -> str:
        path = f"{self._at}.{key}" if self._at else key
        return path if index is None else f"{path}[{index}]"


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_range(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(_is_integer(end) for end in value) and 1 <= value[0] <= value[1]
