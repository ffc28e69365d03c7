"""Versions of a file: a session may write a file again that an earlier session wrote or used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from lineage.contract.times import xsd_time
from lineage.facts import Activity, Artifact, Session


class Versions:
    """Every version of a file that a run of a session wrote, by the path of the file."""

    def __init__(self, sessions: Iterable[Session]) -> None:
        self._written: dict[str, list[tuple[Session, Activity]]] = {}
        for session in sessions:
            for path, run in _written(session):
                self._written.setdefault(path, []).append((session, run))

    def replaced_by(self, artifact: Artifact, session: Session) -> tuple[Session, Activity] | None:
        """Return the run that wrote the file after *session* recorded it: of another session, or of its own where it used the file.

        Args:
            artifact: The file as *session* recorded it, as an output or as an input.

        Returns:
            The first later run, with its session. None where no such run is known to have started after the file was
            recorded: runs that overlap, or have no comparable times, replace nothing.
        """
        writers = self._written.get(artifact.path, ())
        recorded_at = _recorded_at(artifact, session) if writers else None
        if recorded_at is None:
            return None
        is_output = any((one.path, one.sha256) == (artifact.path, artifact.sha256) for one in session.artifacts)
        others = [(other, run) for other, run in writers if other.id != session.id or not is_output]
        later = [(started, *writer) for writer in others if (started := _instant(writer[1].started_at)) and started >= recorded_at]
        return min(later, key=lambda version: version[0])[1:] if later else None


def _written(session: Session) -> Iterator[tuple[str, Activity]]:
    """Yield the files that runs of the session wrote, each with its run."""
    runs = {run.id: run for run in session.activities if not run.inferred}
    pairs = {(one.path, one.activity) for one in session.artifacts if one.activity in runs}
    pairs |= {(one.path, run.id) for run in runs.values() for one in run.made}
    yield from ((path, runs[id_]) for path, id_ in sorted(pairs) if id_)


def _recorded_at(artifact: Artifact, session: Session) -> datetime | None:
    """Return when the session recorded the file: its timestamp, else the start of the last run that used it."""
    if artifact.timestamp:
        return _instant(artifact.timestamp)
    starts = [_instant(run.started_at) for run in session.activities if any(one.path == artifact.path for one in run.used)]
    return max(starts) if starts and None not in starts else None  # type: ignore[type-var]


def _instant(time: str | None) -> datetime | None:
    written = xsd_time(time) if time else None
    return datetime.fromisoformat(written) if written else None
