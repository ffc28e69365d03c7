"""What a rule may look at: the sessions of a folder, what its files really hold, and its manifests as they were written.

Everything is read once, when it is first asked for. Nothing outside the folder is opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from lineage.capture import files
from lineage.carried import Placed
from lineage.carried.originals import Made
from lineage.contract import manifest
from lineage.contract.lines import holds_records
from lineage.contract.strict import loads
from lineage.facts import ACTIVITIES, Activity, Artifact, Evaluation, Json, ModelLoad, Session, Slice
from lineage.findings import Finding, finding
from lineage.folder import How, gathered
from lineage.intake import Taken, Wanted, take_in
from lineage.mapping.names import Ids
from lineage.prov.statement import Name
from lineage.trace.reading import Library, open_library

MAX_BYTES = manifest.MAX_BYTES  # of a JSON file that is read whole


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found, the session it belongs to, and the things of the graph that it makes doubtful."""

    finding: Finding
    session: str | None = None
    about: tuple[Name, ...] = ()


def called(run: Activity) -> str:
    """A run in words: `model load 3f2a9c1e`."""
    kind = next(name for name, known in ACTIVITIES.items() if known is type(run)).replace("_", " ")
    return f"{kind} {run.id[:17] if run.inferred else run.id[:8]}"


@dataclass(frozen=True, slots=True)
class Held:
    """A file of records, as the session that made it or lists it has it, and the runs of that session that made it, if any did."""

    folder: Path
    session: Session
    artifact: Artifact
    makers: tuple[Activity, ...]

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.folder / self.artifact.path


def _may_be_report(one: Made) -> bool:
    return isinstance(one.run, Evaluation) and one.path.suffix == ".json"


@dataclass(frozen=True)
class World:
    """A folder as it is now."""

    folder: Path
    placed: tuple[Placed, ...]
    read: tuple[Finding, ...]  # what was wrong in reading
    now: datetime
    how: How = field(default_factory=How)
    ids: Ids = field(default_factory=Ids)
    digests: dict[Path, str | None] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, folder: Path, how: How, now: datetime, *, recursive: bool = False) -> World:
        """Read *folder*. Raises NotFoundError when it is not there."""
        placed, findings = gathered(folder, how, recursive=recursive)
        return cls(folder, placed, findings, now, how)

    def name(self, place: Path, path: str) -> str:
        """What a file is called: by its path from the folder that is audited."""
        inside = place.relative_to(self.folder).as_posix()
        return path if inside == "." else f"{inside}/{path}"

    def found(self, code: str, place: Path, session: Session, file: str, *, line: int | None = None, detail: str = "", about: tuple[Name, ...] = ()) -> Found:  # fmt: skip
        """A finding at a file of a session."""
        return Found(finding(code, self.name(place, file), line, detail), session.id, about)

    def told(self, code: str, one: Made | Held, detail: str, *, line: int | None = None) -> Found:
        """A finding at a file, which makes the file doubtful."""
        about = self.about(one.session, one.artifact)
        return self.found(code, one.folder, one.session, one.artifact.path, line=line, detail=detail, about=about)

    def home(self, session: Session, run: Activity | None = None) -> str:
        """The file that tells of the run: the manifest, else a file that the run made, or a run that used it as a model."""
        if session.manifest:
            return session.manifest
        runs = [one for one in session.activities if run is None or run.id in (one.id, *one.models)]
        return next((made.path for one in runs for made in one.made), session.artifacts[0].path if session.artifacts else session.id)

    @cached_property
    def runs(self) -> Mapping[str, tuple[Session, Activity]]:
        """Every activity by its id, with its session."""
        return {run.id: (session, run) for _, session in self.placed for run in session.activities}

    def loads(self) -> Iterator[tuple[Path, Session, ModelLoad]]:
        """Every model load."""
        for place, session in self.placed:
            for run in session.activities:
                if isinstance(run, ModelLoad):
                    yield place, session, run

    def loads_of(self, run: Activity) -> tuple[ModelLoad, ...]:
        """The loads whose models the run used, as far as they are known."""
        known = (self.runs.get(one, (None, None))[1] for one in run.models)
        return tuple(one for one in known if isinstance(one, ModelLoad))

    @cached_property
    def made(self) -> tuple[Made, ...]:
        """Every file that a run made."""
        return tuple(Made(session, run, place, one) for place, session in self.placed for run in session.activities for one in run.made)

    @cached_property
    def held(self) -> tuple[Held, ...]:
        """Every file that holds records with metadata or that a run made, once: as the session has it whose runs made it, else the first that lists it."""
        makers: dict[tuple[str, Path], list[Made]] = {}
        for one in self.made:
            makers.setdefault((one.session.id, one.path), []).append(one)
        told = {(session.id, place / one.path): one for place, session in self.placed for one in session.artifacts}
        made = [
            Held(one.folder, one.session, told.get(key, one.artifact), tuple(each.run for each in (one, *more)))
            for key, (one, *more) in makers.items()
        ]
        listed = [Held(place, session, one, ()) for place, session in self.placed for one in session.artifacts if one.slices]
        every: dict[Path, Held] = {}
        for held in (*made, *listed):
            if holds_records(held.path) or held.artifact.slices:
                every.setdefault(held.path, held)
        return tuple(every.values())

    def slices(self, one: Made | Held) -> tuple[Slice, ...]:
        """The slices that a file of records really holds; those that were recorded, where it cannot be read."""
        taken = self.taken.get(one.path)
        return (taken.scan.slices if taken else one.artifact.slices) or ()

    def about(self, session: Session, *artifacts: Artifact) -> tuple[Name, ...]:
        """The files as things of the graph."""
        return tuple(self.ids.artifact(one, session) for one in artifacts)

    def is_inside(self, path: Path) -> bool:
        """Does it lie in the folder, whatever links and dots there are on the way?"""
        if not path.is_relative_to(self.folder) or ".." in path.relative_to(self.folder).parts:
            return False
        try:
            return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.folder))
        except ValueError:  # JSON can hold names that no file has
            return False

    def is_readable(self, path: Path) -> bool:
        """Is it a regular file of the folder?"""
        try:
            return self.is_inside(path) and stat.S_ISREG(path.stat().st_mode)
        except OSError:
            return False

    def digest(self, path: Path) -> str | None:
        """The digest of a file of the folder as it is now; None where it cannot be read."""
        if path not in self.digests:
            try:
                self.digests[path] = files.digest(path, recheck=self.how.recheck)[0] if self.is_readable(path) else None
            except OSError:
                self.digests[path] = None
        return self.digests[path]

    @cached_property
    def taken(self) -> Mapping[Path, Taken]:
        """What the files of records really hold, those that runs made and those that nobody names; remembered as long as a file is the same."""
        paths = {one.path: one for one in self.held if holds_records(one.path) and self.is_readable(one.path)}
        wanted = [Wanted(path, self.name(one.folder, one.artifact.path)) for path, one in paths.items()]
        told = take_in(wanted, jobs=self.how.jobs, recheck=self.how.recheck, sidecars="none", progress=self.how.progress)
        return {one.path: found for one, found in told if isinstance(found, Taken)}

    @cached_property
    def manifests(self) -> Mapping[str, Json]:
        """Each manifest by the id of its session, as it was written; what its journals add is not in it."""
        read = ((session.id, self.json(place / session.manifest)) for place, session in self.placed if session.manifest)
        return {id_: value for id_, value in read if isinstance(value, dict)}

    def entries(self, session: Session) -> list[dict[str, Any]]:
        """The objects of `artifacts_generated`, as they were written."""
        rows = self.manifests.get(session.id, {}).get("artifacts_generated")
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    @cached_property
    def reports(self) -> tuple[tuple[Made, Json], ...]:
        """Every report of an evaluation that can be read, with its content: what is called one, and what an evaluation made that has a summary."""
        read = ((one, self.json(one.path)) for one in self.made if self.is_report(one) or _may_be_report(one))
        return tuple((one, value) for one, value in read if isinstance(value, dict) and (self.is_report(one) or "summary" in value))

    @staticmethod
    def is_report(one: Made) -> bool:
        """Does the manifest call it a report?"""
        return one.artifact.type == "evaluation" or (one.artifact.role == "report" and isinstance(one.run, Evaluation))

    def json(self, path: Path) -> Any:
        """The JSON of a file of the folder; None where it cannot be read."""
        try:
            return loads(path.read_bytes())[0] if self.is_readable(path) and path.stat().st_size <= MAX_BYTES else None
        except OSError:
            return None

    @cached_property
    def library(self) -> Library:
        """The graph of everything."""
        return open_library([session for _, session in self.placed], ids=self.ids)
