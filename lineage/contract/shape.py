"""The fast path over records: a line that has the shape of one that was parsed in full is understood without parsing its metadata.

A shape is learned from a line that JSON's own writer would write byte for byte: the text of its metadata, in which only what belongs
to the single record (time, index, seed, tokens) may differ. A line fits when the rest of it, too, is exactly what the writer would
write. So nothing is assumed: a key that stands twice, an odd number, a broken letter, another order all make the line fail to fit,
and then it is read in full.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from lineage.contract.strict import proves
from lineage.contract.times import SECOND, is_second

_INTEGER = rb"(?:0|[1-9][0-9]{0,15})"  # what every reader reads alike
_LIST = rb"\[(?:" + _INTEGER + rb"(?:," + _INTEGER + rb")*+)?\]"
_TIME = rb'"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?\+00:00)"'  # such times sort as text: "+" comes before "." and the digits
_SEED = rb"(?P<seed>0|-?[1-9][0-9]{0,15})"
_OWN = {"timestamp": _TIME, "record_index": _INTEGER}
_OWN_TOKENS = "tokens"


Own = tuple[int, bytes, bytes]  # where the head ends, and the time and the seed as they are written; b"" where there is none


@dataclass(frozen=True, slots=True)
class Shape:
    """`start` is the text from the metadata's key to the first thing that is a record's own, `rest` the pattern of what follows."""

    start: bytes
    rest: re.Pattern[bytes]

    def fit(self, line: bytes) -> Own | None:
        """What is the record's own, if its line (without its ending) is all that the shape says; None: read it in full."""
        own = self.own(line)
        return own if own is not None and _is_head(line[: own[0]] + b"}") else None

    def own(self, line: bytes) -> Own | None:
        """The same for a line that is known to hold a record: that its head is JSON is not proved again."""
        at = line.rfind(self.start)
        found = self.rest.fullmatch(line, at + len(self.start))
        if found is None or at < 1:
            return None
        time, seed = found.group("time", "seed")
        return (at, time, seed) if not time or is_second(time[:SECOND]) else None


def _is_head(text: bytes) -> bool:
    """Is it one object with a key at least, none of them `metadata`, as the writer writes it?"""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return type(value) is dict and len(value) > 0 and "metadata" not in value and orjson.dumps(value) == text


def shape_of(record: dict[str, Any], line: bytes) -> Shape | None:
    """The shape of a line that was parsed in full; None when it has none: its metadata stand elsewhere than at its end, say."""
    metadata = record.get("metadata")
    if not isinstance(metadata, dict) or len(record) < 2 or next(reversed(record)) != "metadata" or not proves(record, line):
        return None
    parts = [b',"metadata":', *_object(metadata, _OWN), b"}"]
    if not _is_captured(metadata, [part.text for part in parts if isinstance(part, _Own)]):
        return None
    pattern = [part if isinstance(part, bytes) else part.text for part in parts]
    own = next((n for n, part in enumerate(parts) if not isinstance(part, bytes)), None)
    own = len(parts) if own is None else own
    rest = b"".join(re.escape(part) if isinstance(part, bytes) else part.text for part in parts[own:])
    absent = b"".join(b"(?P<%s>)" % name for name in (b"time", b"seed") if b"(?P<%s>" % name not in rest)
    return Shape(b"".join(pattern[:own]), re.compile(rest + absent))


def _is_captured(metadata: dict[str, Any], own: list[bytes]) -> bool:
    """Does the pattern take the record's time and seed? One that it does not would pass as what all records share."""
    params = metadata.get("generation_params")
    seed = params.get("seed") if isinstance(params, dict) else None
    return (_TIME in own or not isinstance(metadata.get("timestamp"), str)) and (_SEED in own or type(seed) is not int)


@dataclass(frozen=True, slots=True)
class _Own:
    """A pattern for what is a record's own."""

    text: bytes


def _object(value: Mapping[str, Any], own: Mapping[str, bytes]) -> Iterator[bytes | _Own]:
    yield b"{"
    for n, (key, inner) in enumerate(value.items()):
        yield (b"," if n else b"") + orjson.dumps(key) + b":"
        yield from _member(key, inner, own)
    yield b"}"


def _member(key: str, inner: Any, own: Mapping[str, bytes]) -> Iterator[bytes | _Own]:
    written = orjson.dumps(inner)
    if own is _OWN and key == "generation_params" and isinstance(inner, dict):
        yield from _object(inner, {"seed": _SEED})
    elif own is _OWN and key == _OWN_TOKENS and isinstance(inner, dict):
        yield from _object(inner, dict.fromkeys(inner, _LIST))
    elif key in own and re.fullmatch(own[key], written):
        yield _Own(own[key])
    else:
        yield written
