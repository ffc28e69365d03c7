"""Convert Python values that users hand over to JSON: parameters, provenance, summaries. Libraries are never imported for it.

    None, bool, int, float, str    as they are; NaN, infinities and integers of over 600 digits are gaps
    Enum                           its value
    Mapping                        an object; keys become text, and a key that is there already is a gap
    list, tuple, range, deque      a list
    set, frozenset                 a sorted list
    Decimal, Fraction              a number where a float has the same value, else text: "0.1" is a number, 1/3 is "1/3"
    date, datetime, time           ISO 8601
    timedelta                      seconds
    Path, UUID                     text
    numpy, torch, pandas, jax      scalars as numbers, arrays of up to 1,000 values as lists, dtypes and devices as text

Anything else becomes null with a gap that names its type, and so does what lies too deep, contains itself, or raises when it is read.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from numbers import Complex, Integral, Real
from types import TracebackType
from typing import Any
from uuid import UUID

from lineage.core import secrets
from lineage.facts import Gap, Json

MAX_DEPTH = 150  # levels; the manifest adds up to ten, and deeper JSON than 200 is refused by its readers (strict.py)
MAX_VALUES = 100_000  # in one member: a list that contains another one twice, and so on, doubles at each level
MAX_GAPS = 100  # in one member; a member with more of them becomes null as a whole
MAX_ARRAY = 1_000  # values; larger arrays are data, and no setting
MAX_BITS = 2_000  # of an integer: some 600 digits; Python may refuse to read more than 640
UNLIMITED = -1
NOT_FINITE = "not a finite number"
_LIBRARIES = ("numpy", "torch", "jax", "jaxlib", "ml_dtypes", "tensorflow", "cupy", "mlx")
_NAMED = ("dtype", "DType", "Dtype", "device", "layout", "memory_format")  # types of those libraries that stand for a name


def plain(content: Json, at: str) -> tuple[dict[str, Any], tuple[Gap, ...]]:
    """Convert a mapping to JSON.

    Args:
        content: Any mapping. Nothing in it makes this raise.
        at: Name of the mapping in the paths of the gaps: `params.stop[0]`.

    Returns:
        The JSON object, and a gap for each value that became null or was left out, with the reason.
        Secrets are taken out, with a gap for each.
    """
    conversion = _Conversion()
    if not isinstance(content, Mapping):
        return {}, (Gap(at, f"expected a mapping, not a {type(content).__name__}"),)
    found: dict[str, Any] = {}
    with _Attempt(conversion.gaps, at):
        found = conversion.object(content, at, conversion.member)
    shown, hidden = secrets.hide(found, at)
    return shown, tuple(dict.fromkeys([*conversion.gaps, *(Gap(about, reason) for about, reason in hidden)]))


def plain_value(value: object, at: str) -> tuple[Any, tuple[Gap, ...]]:
    """Convert any value to JSON, as `plain` does."""
    conversion = _Conversion()
    return conversion.member(value, at), tuple(dict.fromkeys(conversion.gaps))


def not_finite(value: object, at: str) -> tuple[Gap, ...]:
    """Return a gap for each NaN or infinity in *value*, at its path.

    JSON writers make null of these without a word. Whoever wrote *value* asks only where the text has a `null`.
    """
    gaps: list[Gap] = []
    rest = [(value, at)]
    while rest:
        inner, path = rest.pop()
        if hasattr(inner, "tolist"):  # an array, or a scalar of numpy
            inner = inner.tolist()
        elif is_dataclass(inner) and not isinstance(inner, type):
            inner = {field.name: getattr(inner, field.name) for field in fields(inner)}
        if isinstance(inner, Mapping):
            rest += [(one, f"{path}.{key}") for key, one in inner.items()]
        elif isinstance(inner, list | tuple):
            rest += [(one, f"{path}[{n}]") for n, one in enumerate(inner)]
        elif isinstance(inner, Real) and not isinstance(inner, int) and not math.isfinite(inner):
            gaps.append(Gap(path, NOT_FINITE))
    return tuple(reversed(gaps))


class _LimitError(Exception):
    """A member has too many values or gaps."""


class _Attempt:
    """Read a value of a user's class, which may raise anything; the error becomes a gap."""

    def __init__(self, gaps: list[Gap], at: str) -> None:
        self._gaps, self._at = gaps, at

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if not isinstance(error, Exception) or isinstance(error, _LimitError):
            return False
        self._gaps.append(Gap(self._at, f"reading it raised {type(error).__name__}"))
        return True


class _Conversion:
    """One conversion, with its gaps and the containers that are being read."""

    def __init__(self) -> None:
        self.gaps: list[Gap] = []
        self._open: set[int] = set()
        self._left, self._most_gaps = 0, UNLIMITED

    def member(self, value: object, at: str) -> Any:
        """Return a value as JSON, that alone is null if it has too many values or gaps."""
        before = len(self.gaps)
        self._left, self._most_gaps = MAX_VALUES, before + MAX_GAPS
        try:
            return self.value(value, at)
        except _LimitError as error:
            self.gaps[before:] = [Gap(at, str(error))]
            return None
        finally:
            self._most_gaps = UNLIMITED

    def value(self, value: object, at: str) -> Any:
        """Return *value* as JSON; null with a gap where there is none."""
        self._left -= 1
        kind = type(value)
        if value is None or kind is bool:
            return value
        if self._left < 0:
            raise _LimitError(f"more than {MAX_VALUES:,} values")
        if kind is float:
            return value if math.isfinite(value) else self._gap(at, NOT_FINITE)  # type: ignore[arg-type]
        with _Attempt(self.gaps, at):
            return self._converted(value, at)
        return None

    def _gap(self, at: str, reason: str) -> None:
        if len(self.gaps) == self._most_gaps:
            raise _LimitError(f"more than {MAX_GAPS} values that JSON cannot hold; one is at {at}: {reason}")
        self.gaps.append(Gap(at, reason))

    def _converted(self, value: object, at: str) -> Any:
        if isinstance(value, str) and not isinstance(value, Enum):
            return _text(value)
        if isinstance(value, Enum | Mapping | Set | Sequence) and not isinstance(value, bytes | bytearray | memoryview):
            return self._inside(value, at, self._contained)
        if isinstance(value, Real | Decimal):
            return self._number(value, at)
        if isinstance(value, date | time | timedelta | os.PathLike | UUID):
            return self._written(value, at)
        if _is_named(value):
            return value.__name__ if isinstance(value, type) else str(value)
        if hasattr(type(value), "tolist") and not isinstance(value, Complex):
            return self._inside(value, at, self._array)
        return self._gap(at, f"JSON cannot hold a {type(value).__name__}")

    def _inside(self, value: Any, at: str, read: Callable[[Any, str], Any]) -> Any:
        """Read a value that holds others, if it is not being read already."""
        if id(value) in self._open:
            return self._gap(at, "it contains itself")
        if len(self._open) >= MAX_DEPTH:
            return self._gap(at, f"nested deeper than {MAX_DEPTH}")
        self._open.add(id(value))
        try:
            return read(value, at)
        finally:
            self._open.discard(id(value))

    def _contained(self, value: Enum | Mapping[Any, Any] | Set[Any] | Sequence[Any], at: str) -> Any:
        if isinstance(value, Enum):
            return self.value(value.value, at)
        if len(value) > self._left:
            raise _LimitError(f"more than {MAX_VALUES:,} values")
        if isinstance(value, Mapping):
            return self.object(value, at, self.value)
        if isinstance(value, Set):
            return sorted_values([self.value(inner, f"{at}[]") for inner in value])
        names = getattr(value, "_fields", None)
        if isinstance(value, tuple) and isinstance(names, tuple) and len(names) == len(value):
            return self._named(value, names, at)
        return [self.value(inner, f"{at}[{n}]") for n, inner in enumerate(value)]

    def _named(self, values: tuple[Any, ...], names: tuple[str, ...], at: str) -> list[Any]:
        """Return a named tuple as a list; its names tell which values are secrets, and are not kept."""
        shown, hidden = secrets.hide({name: self.value(inner, f"{at}.{name}") for name, inner in zip(names, values, strict=True)}, at)
        for about, reason in hidden:
            self._gap(about, reason)
        return [*shown.values()]

    def object(self, content: Mapping[Any, Any], at: str, convert: Callable[[object, str], Any]) -> dict[str, Any]:
        """Return a mapping as JSON; each value is converted by *convert*."""
        made: dict[str, Any] = {}
        for key, value in content.items():
            name = key if type(key) is str and key.isascii() else _name(key)
            if name is None:
                self._gap(f"{at}.({type(key).__name__})", f"a {type(key).__name__} is no key of JSON")
            elif name in made:
                self._gap(f"{at}.{name}", "two keys are this text; the first is kept")
            else:
                made[name] = convert(value, f"{at}.{name}")
        return made

    def _number(self, value: Real | Decimal, at: str) -> Any:
        if isinstance(value, Integral):
            whole = int(value)
            return whole if whole.bit_length() <= MAX_BITS else self._gap(at, f"an integer of more than {MAX_BITS} bits")
        if isinstance(value, Decimal | Fraction):
            return self._exact(value, at)
        number = float(value)
        return number if math.isfinite(number) else self._gap(at, NOT_FINITE)

    def _exact(self, value: Decimal | Fraction, at: str) -> Any:
        """A number where a float says the same, else text."""
        if isinstance(value, Decimal) and not value.is_finite():
            return self._gap(at, NOT_FINITE)
        try:
            number = float(value)
        except OverflowError:
            return str(value)
        same = Decimal(repr(number)) if isinstance(value, Decimal) else number
        return number if math.isfinite(number) and same == value else str(value)

    def _written(self, value: date | time | timedelta | os.PathLike[Any] | UUID, at: str) -> Any:
        if isinstance(value, os.PathLike):
            return _text(os.fsdecode(value))
        if isinstance(value, UUID):
            return str(value)
        if value != value:  # NaT of pandas
            return self._gap(at, "not a time")
        return float(value.total_seconds()) if isinstance(value, timedelta) else _text(value.isoformat())

    def _array(self, value: Any, at: str) -> Any:
        """An array or scalar of numpy, or of what is like it."""
        is_tensor = hasattr(type(value), "numel")
        size = value.numel() if is_tensor else value.size
        if size > MAX_ARRAY:
            return self._gap(at, f"an array of {size:,} values: more than {MAX_ARRAY:,} are not kept")
        if getattr(getattr(value, "dtype", None), "kind", "") in ("M", "m"):  # times of numpy
            return self._times(value, at)
        return self.value(value.item() if is_tensor and size == 1 else value.tolist(), at)

    def _times(self, value: Any, at: str) -> Any:
        """Times of numpy: `tolist` gives integers without their unit."""
        if getattr(value, "ndim", 0):
            return [self.value(inner, f"{at}[{n}]") for n, inner in enumerate(value)]
        return self._gap(at, "not a time") if str(value) == "NaT" else str(value)


def sorted_values(values: list[Any]) -> list[Any]:
    """Sort JSON values: numbers and strings as such, values of several kinds by their text."""
    kinds = {type(value) for value in values}
    if kinds <= {int, float} or kinds == {str}:
        return sorted(values)
    return sorted(values, key=lambda value: json.dumps(value, sort_keys=True))


def _text(value: str) -> str:
    """The text as JSON readers give it back: two surrogates that are a pair are one letter, and one that stands alone is kept."""
    text = str.__str__(value)
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _name(key: object) -> str | None:
    """The text of a key; None where its type has no obvious text."""
    if isinstance(key, Enum):
        return _name(key.value)
    if isinstance(key, str):
        return _text(key)
    if isinstance(key, os.PathLike):
        return _text(os.fsdecode(key))
    if isinstance(key, date | time):
        return _text(key.isoformat())
    if isinstance(key, bool | None | Decimal | Fraction | UUID):
        return str(key)
    if isinstance(key, Integral):
        return str(int(key)) if int(key).bit_length() <= MAX_BITS else None
    return str(float(key)) if isinstance(key, Real) else None


def _is_named(value: object) -> bool:
    """Is it a dtype, a device or the like, or a class of numbers (`numpy.float32`), of a library that we know?"""
    kinds = value.__mro__ if isinstance(value, type) else type(value).__mro__
    of_library = [kind for kind in kinds if kind.__module__.partition(".")[0] in _LIBRARIES]
    if isinstance(value, type):
        return any(kind.__name__ == "generic" for kind in of_library)
    return any(kind.__name__ in _NAMED for kind in of_library)
