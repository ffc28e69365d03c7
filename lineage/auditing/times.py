"""Rules about times: is each one a time with an offset, not in the future, and in the order in which things happen?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from lineage.auditing.records import slices
from lineage.auditing.world import Found, World, called
from lineage.contract.times import check_time, xsd_time
from lineage.facts import Activity, Session

SKEW = timedelta(minutes=5)  # by which the clocks of two machines may differ

Told = Iterator[tuple[str, str | None]]  # (what it is the time of, the time)


def wrong_times(world: World) -> Iterator[Found]:
    """Every time of a manifest is ISO 8601 with an offset (naive-time, bad-time)."""
    for place, session in world.placed:
        for about, time in _times(session) if session.manifest else ():
            code = check_time(time) if time else None
            if code:
                yield world.found(code, place, session, world.home(session), detail=f"{about}: {time}")


def future_time(world: World) -> Iterator[Found]:
    """No time lies in the future, beyond what clocks differ by."""
    for place, session in world.placed:
        for about, time in _times(session):
            when = instant(time)
            if when and when > world.now + SKEW:
                yield world.found("future-time", place, session, world.home(session), detail=f"{about}: {time}")
    for one in world.made:
        for part in slices(world, one) if one.path in world.taken else ():
            when = instant(part.last_time)
            if when and when > world.now + SKEW:
                yield world.found("future-time", one.folder, one.session, one.artifact.path, detail=f"a record: {part.last_time}")


def time_order(world: World) -> Iterator[Found]:
    """Nothing ends before it starts; runs lie within their session, and records within the run that made them."""
    for place, session in world.placed:
        whole = _span(session)
        yield from _disordered(world, place, session, "the session", session)
        for run in session.activities:
            name = called(run)
            yield from _disordered(world, place, session, name, run)
            for about, time in ((f"the start of {name}", run.started_at), (f"the end of {name}", run.ended_at)):
                if _outside(time, whole, SKEW):
                    yield _told(world, place, session, f"{about}, {time}, lies outside its session", run)
    yield from _records(world)


def _records(world: World) -> Iterator[Found]:
    for one in world.made:
        for part in slices(world, one) if one.path in world.taken else ():
            run = world.runs.get(part.run_id or "", (None, None))[1]
            span = _span(run) if run and not run.inferred else (None, None)
            for time in dict.fromkeys((part.first_time, part.last_time)):
                if _outside(time, span, SKEW):
                    line, detail = (part.lines[0][0] if part.lines else None), f"a record of {time} lies outside its run"
                    yield world.found("time-order", one.folder, one.session, one.artifact.path, line=line, detail=detail, about=world.about(one.session, one.artifact))  # fmt: skip


def instant(time: str | None) -> datetime | None:
    """The instant, where the time has an offset."""
    written = xsd_time(time) if time else None
    return datetime.fromisoformat(written) if written else None


def _times(session: Session) -> Told:
    yield from (("started_at", session.started_at), ("ended_at", session.ended_at))
    for run in session.activities:
        yield from ((f"started_at of {run.id[:8]}", run.started_at), (f"ended_at of {run.id[:8]}", run.ended_at))
    yield from ((f"timestamp of {one.path}", one.timestamp) for one in session.artifacts)


def _span(one: Session | Activity) -> tuple[datetime | None, datetime | None]:
    return instant(one.started_at), instant(one.ended_at)


def _outside(time: str | None, span: tuple[datetime | None, datetime | None], slack: timedelta) -> bool:
    when, (start, end) = instant(time), span
    return bool(when and ((start and when < start - slack) or (end and when > end + slack)))


def _disordered(world: World, place: Path, session: Session, name: str, one: Session | Activity) -> Iterator[Found]:
    start, end = _span(one)
    if start and end and end < start:
        yield _told(world, place, session, f"{name} ends at {one.ended_at}, before it starts at {one.started_at}", one)


def _told(world: World, place: Path, session: Session, detail: str, one: Session | Activity) -> Found:
    about = (world.ids.run(one.id),) if isinstance(one, Activity) else ()
    return world.found("time-order", place, session, world.home(session), detail=detail, about=about)
