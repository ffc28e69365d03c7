"""Rules about times: is each one a time with an offset, not in the future, and in the order in which things happen?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from lineage.auditing.world import Found, World, called
from lineage.carried.originals import Made
from lineage.contract.times import check_time, xsd_time
from lineage.facts import Activity, Generation, Session
from lineage.prov.statement import Name

SKEW = timedelta(minutes=5)  # by which the clocks of two machines may differ

Span = tuple[datetime | None, datetime | None]


def wrong_times(world: World) -> Iterator[Found]:
    """Check that every time of a report is ISO 8601 with an offset (naive-time, bad-time); who reads manifests and records checks theirs."""
    for one, time in _of_reports(world):
        code = check_time(time)
        if code:
            yield world.told(code, one, f"metadata.timestamp: {time}")


def future_time(world: World) -> Iterator[Found]:
    """No time lies in the future, beyond what clocks differ by."""
    for place, session in world.placed:
        for name, time, about in _times(world, session):
            when = instant(time)
            if when and when > world.now + SKEW:
                yield world.found("future-time", place, session, world.home(session), detail=f"{name}: {time}", about=about)
    for report, time in _of_reports(world):
        when = instant(time)
        if when and when > world.now + SKEW:
            yield world.told("future-time", report, f"metadata.timestamp: {time}")
    for one in world.held:
        for part in world.slices(one) if one.path in world.taken else ():
            when = instant(part.last_time)
            if when and when > world.now + SKEW:
                yield world.told("future-time", one, f"a record: {part.last_time}")


def time_order(world: World) -> Iterator[Found]:
    """Nothing ends before it starts; runs and files lie within their session, records and reports within the run that made them."""
    for place, session in world.placed:
        whole = _span(session)
        yield from _disordered(world, place, session, "the session", session)
        for run in session.activities:
            name = called(run)
            yield from _disordered(world, place, session, name, run)
            for about, time in ((f"the start of {name}", run.started_at), (f"the end of {name}", run.ended_at)):
                if _outside(time, whole, SKEW):
                    yield _told(world, place, session, f"{about}, {time}, lies outside its session", run)
        for artifact in session.artifacts if session.manifest else ():
            if _outside(artifact.timestamp, whole, SKEW):
                detail = f"the timestamp of {artifact.path}, {artifact.timestamp}, lies outside its session"
                yield world.found("time-order", place, session, str(session.manifest), detail=detail, about=world.about(session, artifact))
    yield from _records(world)
    for report, time in _of_reports(world):
        if _outside(time, _span_of(world, report.run.id), SKEW):
            yield world.told("time-order", report, f"metadata.timestamp, {time}, lies outside its run")


def _records(world: World) -> Iterator[Found]:
    for one in world.held:
        for part in world.slices(one) if one.path in world.taken else ():
            maker = next(iter(one.makers), None)
            span = _span_of(world, part.run_id or (maker.id if isinstance(maker, Generation) else ""))
            for time in dict.fromkeys((part.first_time, part.last_time)):
                if _outside(time, span, SKEW):
                    line = part.lines[0][0] if part.lines else None
                    yield world.told("time-order", one, f"a record of {time} lies outside its run", line=line)


def _span_of(world: World, run_id: str) -> Span:
    """When the run took place: within its session, where nobody says when it began or ended."""
    session, run = world.runs.get(run_id, (None, None))
    if session is None or run is None:
        return None, None
    (start, end), (first, last) = _span(run), _span(session)
    return start or first, end or last


def _of_reports(world: World) -> Iterator[tuple[Made, str]]:
    """Every report with the time that stands in it."""
    for one, report in world.reports:
        metadata = report.get("metadata")
        time = metadata.get("timestamp") if isinstance(metadata, dict) else None
        if isinstance(time, str):
            yield one, time


def instant(time: str | None) -> datetime | None:
    """The instant, where the time has an offset."""
    written = xsd_time(time) if time else None
    return datetime.fromisoformat(written) if written else None


def _times(world: World, session: Session) -> Iterator[tuple[str, str | None, tuple[Name, ...]]]:
    """Yield every time of a manifest: the field, the time, and the thing of the graph."""
    itself = world.of_session(session)
    yield from (("started_at", session.started_at, itself), ("ended_at", session.ended_at, itself))
    for run in session.activities:
        about = (world.ids.run(run.id),)
        yield from ((f"started_at of {run.id[:8]}", run.started_at, about), (f"ended_at of {run.id[:8]}", run.ended_at, about))
    yield from ((f"timestamp of {one.path}", one.timestamp, world.about(session, one)) for one in session.artifacts)


def _span(one: Session | Activity) -> Span:
    return instant(one.started_at), instant(one.ended_at)


def _outside(time: str | None, span: Span, slack: timedelta) -> bool:
    when, (start, end) = instant(time), span
    return bool(when and ((start and when < start - slack) or (end and when > end + slack)))


def _disordered(world: World, place: Path, session: Session, name: str, one: Session | Activity) -> Iterator[Found]:
    start, end = _span(one)
    if start and end and end < start:
        yield _told(world, place, session, f"{name} ends at {one.ended_at}, before it starts at {one.started_at}", one)


def _told(world: World, place: Path, session: Session, detail: str, one: Session | Activity) -> Found:
    about = (world.ids.run(one.id),) if isinstance(one, Activity) else world.of_session(one)
    return world.found("time-order", place, session, world.home(session), detail=detail, about=about)
