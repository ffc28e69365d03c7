"""Times as they stand in JSON, and as PROV writes them. An offset that nobody wrote is never made up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from time import time_ns

from lineage.facts import Gap, Session

_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d+))?\s?(Z|z|[+-]\d\d(?::?\d\d)?)?", re.ASCII)


_BASIC = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)?((?:[.,]\d+)?(?:Z|z|[+-]\d\d(?::?\d\d)?)?)", re.ASCII)
_second: tuple[int, str] = (-1, "")  # the last second that was written out: a record takes far less than one


def now() -> str:
    """The time in UTC, ISO 8601 with microseconds and offset."""
    global _second
    seconds, nanoseconds = divmod(time_ns(), 1_000_000_000)
    known, text = _second
    if known != seconds:
        text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        _second = (seconds, text)
    return f"{text}.{nanoseconds // 1000:06}+00:00"


_PLAIN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?\+00:00", re.ASCII)
SECOND = len("2026-01-01T00:00:00")
_seconds: dict[bytes, bool] = {}  # a file has thousands of records in each
_REMEMBERED = 1 << 14


def is_second(second: bytes) -> bool:
    """Is there such a second?  *second* is written as `2026-01-01T00:00:00`."""
    if second not in _seconds:
        if len(_seconds) >= _REMEMBERED:
            _seconds.clear()
        _seconds[second] = _exists(f"{second.decode()}+00:00")
    return _seconds[second]


def is_plain(value: str) -> bool:
    """Is it a time in UTC as we write it, that exists?  Then `xsd_time` gives it back as it is; asking this is quicker."""
    return bool(_PLAIN.fullmatch(value)) and is_second(value[:SECOND].encode())


def check_time(value: str) -> str | None:
    """The code of the rule that the time breaks: "bad-time" when it is none, "naive-time" when it has no offset."""
    if xsd_time(value):
        return None
    found = _ISO.fullmatch(_extended(value))
    return "naive-time" if found and not found[5] and _exists(f"{found[1]}T{found[2]}{found[3] or ':00'}+00:00") else "bad-time"


def session_times(session: Session) -> Iterator[tuple[str, str | None]]:
    """Yield the times that a session tells, each with what it is the time of."""
    yield from (("started_at", session.started_at), ("ended_at", session.ended_at))
    for run in session.activities:
        yield from ((f"started_at of {run.id[:8]}", run.started_at), (f"ended_at of {run.id[:8]}", run.ended_at))
    yield from ((f"timestamp of {one.path}", one.timestamp) for one in session.artifacts)


def wrong_times(session: Session) -> Iterator[tuple[str, str]]:
    """Yield the code of a rule and what breaks it, for each time of a session that is none or has no offset."""
    for about, time in session_times(session):
        code = check_time(time) if time else None
        if code:
            yield code, f"{about}: {time}"


def time_gaps(**times: str | None) -> Iterator[Gap]:
    """Yield a gap for each time that PROV cannot hold as it was recorded."""
    for about, time in times.items():
        code = check_time(time) if time else None
        if code:
            yield Gap(about, f"{time} {'has no UTC offset' if code == 'naive-time' else 'is not ISO 8601'}")


def _extended(value: str) -> str:
    """A time in the basic form of ISO 8601, as `20251004T120000Z`, in the extended form; any other text as it is."""
    found = _BASIC.fullmatch(value)
    if not found:
        return value
    year, month, day, hour, minute, second, rest = found.groups()
    return f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}{rest}"


def xsd_time(value: str) -> str | None:
    """The same instant as xsd:dateTime writes it, with its offset; None for a naive time and for what is no time."""
    found = _ISO.fullmatch(_extended(value))
    if not found or not found[5]:
        return None
    date, minutes, seconds, fraction, offset = found.groups()
    written = f"{date}T{minutes}{seconds or ':00'}{'.' + fraction if fraction else ''}{_offset(offset)}"
    return written if _exists(f"{date}T{minutes}{seconds or ':00'}{_offset(offset)}") else None


def _offset(offset: str) -> str:
    if offset in "Zz":
        return "Z"
    digits = offset[1:].replace(":", "").ljust(4, "0")
    return f"{offset[0]}{digits[:2]}:{digits[2:]}"


def _exists(value: str) -> bool:
    """Is there such a day, hour and offset?  (xsd allows offsets to 14:00; beyond, no reader takes them.)"""
    try:
        offset = datetime.fromisoformat(value).utcoffset()
    except ValueError:
        return False
    return offset is not None and abs(offset.total_seconds()) <= 14 * 3600
