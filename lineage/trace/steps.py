"""Follow one record back, step by step: from each file to the files that its run used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from lineage.carried import inputs_of, job_with, job_without_a_run, writers_of
from lineage.carried.matching import Match, Matcher, Original, edited_by_run
from lineage.carried.originals import Inputs, Made, Placed, Recorded, Source
from lineage.contract.times import xsd_time
from lineage.facts import Activity, Artifact, Json, Session
from lineage.integrity.lines import metadata_of

MOST = 10_000  # steps back from a record; more are hostile
_EVER = float("-inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The record that a record was carried over from, and the run that carried it on from there.

    Attributes:
        file: File that the run used.
        line: Line of the record there.
        edited: Keys whose values the run changed; empty if it wrote the same JSON.
        run: The run; None where no manifest names it, or the record was edited after the run wrote its file.
        session: Session of that run.
        also: (file, line) of the same record in other files that the run used.
    """

    file: Path
    line: int
    edited: tuple[str, ...]
    run: Activity | None = None
    session: Session | None = None
    also: tuple[tuple[Path, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A file, as the session of the run that wrote it recorded it."""

    path: Path
    folder: Path
    session: Session | None = None
    artifact: Artifact | None = None

    @property
    def writers(self) -> tuple[Activity, ...]:
        """The runs that wrote it."""
        return writers_of(self.session, self.artifact) if self.session and self.artifact else ()


@dataclass(slots=True)
class _Hop:
    """The inputs of the runs that wrote one file."""

    inputs: Inputs
    matcher: Matcher | None
    moves_own: bool

    def is_own(self, record: Json) -> bool:
        """Return whether the record names a run that wrote the file."""
        return self.matcher is not None and self.matcher.is_own(record)

    @property
    def is_complete(self) -> bool:
        """Whether every input could be read."""
        return not self.inputs.unread and (self.matcher is None or self.matcher.is_complete)


@dataclass(slots=True)
class Steps:
    """Follows records among the files of some sessions. Files that were read stay known."""

    placed: Sequence[Placed]
    recorded: Recorded = field(init=False)
    _hops: dict[tuple[str, ...], _Hop] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.recorded = Recorded(self.placed)

    def place_of(self, path: Path, folder: Path, session: Session | None = None, artifact: Artifact | None = None) -> Place:
        """Return the entry that fits the bytes of the file, the latest of several; else the one that is given."""
        name = path.absolute()
        makers = self.recorded.makers(self.recorded.digest(path) or "?")
        fitting = [one for one in makers if one.path.absolute() == name]
        latest = max(fitting, key=_when, default=None)
        return Place(path, folder, latest.session, latest.artifact) if latest else Place(path, folder, session, artifact)

    def comes_from(self, place: Place, line: int, data: bytes, record: Json, goals: set[tuple[str, int]]) -> bool | None:
        """Return whether a record came from one of some lines, each with the digest of its file; None where a step is not known."""
        rest, known = [(place, line, data, record, frozenset[str]())], {(str(place.path), line)}
        is_lost = False
        while rest and len(known) < MOST:
            here, number, text, content, left = rest.pop()
            originals, notes = self._originals(here, number, text, content)
            is_lost = is_lost or bool(notes)
            passed = left | {run.id for run in here.writers}
            for one in originals:
                if (one.source.sha256, one.line) in goals:
                    return True
                before = self._before(one.source, here, passed)
                if before is not None and (str(before.path), one.line) not in known:
                    known.add((str(before.path), one.line))
                    rest.append((before, one.line, one.data, one.record, passed))
        return None if is_lost or rest else False

    def back(self, place: Place, line: int, data: bytes, record: Json) -> tuple[tuple[Origin, ...], tuple[str, ...]]:
        """Return every step, the latest first, and notes on a step that cannot be told."""
        steps: list[Origin] = []
        altered: tuple[str, ...] = ()
        left: set[str] = set()  # runs that were passed
        while len(steps) < MOST:
            original, step, notes = self._step(place, line, data, record)
            if original is None or step is None:
                return tuple(steps), (*altered, *notes)
            steps.append(step)
            if step.edited and self._is_altered(place):
                altered += (f"{place.path.name} changed after it was recorded: who edited the record is not known",)
            left |= {run.id for run in place.writers}
            before = self._before(original.source, place, left)
            if before is None:
                return tuple(steps), altered
            place, line, data, record = before, original.line, original.data, original.record
        return tuple(steps), (
            *altered,
            f"more than {MOST:,} steps: not followed further",
        )

    def original(self, place: Place, data: bytes, record: Json) -> Original | None:
        """Return the record in the file that the run used."""
        return self._step(place, 0, data, record)[0]

    def _step(self, place: Place, line: int, data: bytes, record: Json) -> tuple[Original | None, Origin | None, tuple[str, ...]]:
        originals, notes = self._originals(place, line, data, record)
        if not originals:
            return None, None, notes
        first = originals[0]
        changed = edited_by_run(data, record, first, is_own=self._hop(place, record).is_own(record))
        run = None if changed and self._is_altered(place) else self._runner(place, first.source)
        also = tuple((one.source.path, one.line) for one in originals[1:])
        session = place.session if run else None
        return first, Origin(file=first.source.path, line=first.line, edited=changed, run=run, session=session, also=also), ()

    def _is_altered(self, place: Place) -> bool:
        """Return whether the file has other bytes than the run wrote."""
        recorded = place.artifact.sha256 if place.artifact else None
        return recorded is not None and self.recorded.digest(place.path) != recorded

    def _originals(self, place: Place, line: int, data: bytes, record: Json) -> tuple[tuple[Original, ...], tuple[str, ...]]:
        """The record in the files that the run used, and notes where that cannot be told."""
        hop = self._hop(place, record)
        same = [one for one in hop.inputs.sources if place.artifact and one.sha256 == place.artifact.sha256]
        if same and line:
            return (Original(same[0], line, data, record),), ()
        if hop.is_own(record) and not hop.moves_own:
            return (), ()
        match = hop.matcher.match(data, record) if hop.matcher else Match()
        originals = match.originals
        notes = () if originals else self._unmatched(hop, place, record, is_ambiguous=match.is_ambiguous)
        return originals, notes

    def _runner(self, place: Place, source: Source) -> Activity | None:
        using = [run for run in place.writers for used in run.used for one in used.parts or (used,) if one.sha256 == source.sha256]
        return next(iter([*using, *place.writers]), None)

    def _unmatched(self, hop: _Hop, place: Place, record: Json, *, is_ambiguous: bool) -> tuple[str, ...]:
        if hop.is_own(record):
            return () if hop.is_complete else _unread(hop, place)
        if is_ambiguous and hop.is_complete:
            return (f"several lines of the files that its run used fit the record: none is chosen ({place.path.name})",)
        if not hop.is_complete:
            return _unread(hop, place)
        if place.writers:
            return (f"no file that the run used holds the record: where it came from is not known ({place.path.name})",)
        return ()

    def _hop(self, place: Place, record: Json) -> _Hop:
        named = metadata_of(record).get("run_id")
        key = (str(place.path), place.session.id if place.session else "", str(named) if not place.writers else "")
        if key not in self._hops:
            self._hops[key] = self._made_hop(place, named)
        return self._hops[key]

    def _made_hop(self, place: Place, named: object) -> _Hop:
        if place.writers and place.session and place.artifact:
            inputs = inputs_of(place.folder, place.session, place.artifact, self.recorded)
            sources = tuple(one for one in inputs.sources if one.sha256 != place.artifact.sha256)
            job = job_with(place.folder, place.artifact, place.writers, Inputs(sources, inputs.unread), self.recorded)
            return _Hop(inputs, Matcher(job.sources, job.own, job.has_all), job.moves_own)
        artifact = place.artifact or Artifact(path=place.path.name, type="training_data", sha256=self.recorded.digest(place.path))
        found = job_without_a_run(place.path, artifact, {named} if isinstance(named, str) else (), self.recorded)
        return _Hop(Inputs(found.sources), Matcher(found.sources), True) if found else _Hop(Inputs(), None, True)

    def _before(self, source: Source, place: Place, left: frozenset[str] | set[str]) -> Place | None:
        """The file that was used, as the run that wrote it recorded it: at that path, the last before it was used."""
        used_at = min((_instant(run.started_at) for run in place.writers), default=_EVER)
        others = [one for one in self.recorded.makers(source.sha256) if one.run.id not in left]
        if not others:
            return None
        maker = max(others, key=lambda one: (one.path == source.path, used_at == _EVER or _when(one) <= used_at, _when(one)))
        return Place(source.path, maker.folder, maker.session, maker.artifact)


def _unread(hop: _Hop, place: Place) -> tuple[str, ...]:
    return tuple(f"{place.path.name}: its run used {path}: {reason}; the records are not compared" for path, reason in hop.inputs.unread)


def _when(one: Made) -> float:
    return _instant(one.artifact.timestamp or one.run.ended_at or one.run.started_at)


def _instant(time: str | None) -> float:
    """A time as seconds; one without an offset counts as UTC."""
    if not time:
        return _EVER
    try:
        return datetime.fromisoformat(xsd_time(time) or f"{time}+00:00").timestamp()
    except ValueError:
        return _EVER
