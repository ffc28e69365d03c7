"""The facts that a report tells of: all of a folder, or of one thing what it came from and, of a model, what measured it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lineage.capture.files import digest
from lineage.capture.places import own
from lineage.errors import UsageError
from lineage.evidence import trained
from lineage.evidence.checks import Checks
from lineage.facts import Activity, Artifact, Evaluation, Generation, ModelLoad, Session, Training
from lineage.mapping.names import Ids
from lineage.prov.statement import Name
from lineage.signing.statement import envelope_path
from lineage.trace import answers
from lineage.trace.reading import Library


@dataclass(frozen=True, slots=True)
class Scope:
    """Sessions, and which of their activities and files are told of: all, where `names` is None."""

    sessions: tuple[Session, ...]
    ids: Ids
    names: frozenset[Name] | None = None
    places: Mapping[Path, frozenset[str]] = field(default_factory=dict)  # the ids of the sessions in each folder
    checks: Checks = field(default_factory=Checks, compare=False)
    _digests: dict[tuple[str, str], str | None] = field(default_factory=dict, repr=False, compare=False)

    def activities(self) -> Iterator[tuple[Session, Activity]]:
        """Those that are told of, in the order in which they took place."""
        every = [(session, run) for session in self.sessions for run in session.activities]
        for session, run in sorted(every, key=lambda one: (one[1].started_at or "", one[0].id, one[1].id)):
            if self.names is None or self.ids.run(run.id) in self.names:
                yield session, run

    def of(self, *kinds: type[Activity]) -> Iterator[tuple[Session, Activity]]:
        """The activities of these kinds."""
        return ((session, run) for session, run in self.activities() if isinstance(run, kinds))

    def told(self) -> Iterator[Session]:
        """The sessions that hold an activity that is told of; all, where everything is."""
        with_activities = {session.id for session, _ in self.activities()}
        return (one for one in self.sessions if self.names is None or one.id in with_activities)

    def load(self, id_: str) -> ModelLoad | None:
        """A model load by its id."""
        return next((run for one in self.sessions for run in one.activities if run.id == id_ and isinstance(run, ModelLoad)), None)

    def signature(self, session: Session) -> Path | None:
        """The signature that lies beside a session's manifest, whatever it is worth."""
        return next((path for folder in self._folders(session) if (path := own(folder, envelope_path(folder, session.id).name))), None)

    def digest(self, session: Session, name: str | None) -> str | None:
        """The SHA-256 of a file beside the session's manifest, as it is now; None where there is none."""
        key = (session.id, name or "")
        if key not in self._digests:
            paths = (own(folder, name or "") for folder in self._folders(session))
            self._digests[key] = next((digest(path, recheck=True)[0] for path in paths if path), None)
        return self._digests[key]

    def _folders(self, session: Session) -> Iterator[Path]:
        return (folder for folder, sessions in self.places.items() if session.id in sessions)

    def files(self) -> frozenset[tuple[str, str]] | None:
        """(session, path) of each file that is in the scope; None where everything is."""
        if self.names is None:
            return None
        every = [(session, one) for session in self.sessions for one in (*session.artifacts, *_of_runs(session))]
        return frozenset((session.id, one.path) for session, one in every if self.ids.artifact(one, session) in self.names)

    def trained(self) -> list[tuple[Session, Training, Artifact]]:
        """What trainings made."""
        return [(session, run, made) for session, run in self.of(Training) if isinstance(run, Training) for made in run.made]

    def generated(self) -> list[tuple[Session, Generation, Artifact]]:
        """What generations made."""
        return [(session, run, made) for session, run in self.of(Generation) if isinstance(run, Generation) for made in run.made]

    def own(self, model: Artifact, run: Activity) -> frozenset[str]:
        """The digests by which a load is known to be of *model*, which *run* trained."""
        return trained.own(model, run, filter(None, map(self.load, run.models)))

    def measured(self, model: Artifact, trained_by: Activity) -> list[tuple[Session, Evaluation]]:
        """The evaluations of a model: those that used a load of the weights which its training made."""
        mine = self.own(model, trained_by)
        every = ((session, run) for session in self.sessions for run in session.activities if isinstance(run, Evaluation))
        return [
            (session, run) for session, run in every if any(trained.is_of(load, mine) for load in filter(None, map(self.load, run.models)))
        ]


def _of_runs(session: Session) -> Iterator[Artifact]:
    """The files that the runs of a session used or made."""
    return (one for run in session.activities for one in (*run.used, *run.made))


def scope_of(x: str | None, library: Library, checks: Checks | None = None) -> Scope:
    """All of *library*; of *x* all that it came from.

    *checks* are the byte checks of the folders; without them nothing was checked, and nothing is withheld.

    Raises NotFoundError and UsageError as `lineage.why` does, and UsageError for PROV files, which do not hold the facts.
    """
    if not library.sessions:
        raise UsageError("a report is made of folders with manifests", hint="lineage report --profile P [X] --in FOLDER")
    names = _names(library, x) if x else None
    return Scope(library.sessions, library.ids or Ids(), names, library.places, checks or Checks())


def _names(library: Library, x: str) -> frozenset[Name]:
    numbers = library.find(x)
    found = answers.why(library.graph, numbers, x)
    return frozenset(thing.id for thing in (*found.start, *found.things))
