"""What a rule may look at: the sessions of a folder, what its files really hold, and its manifests as they were written.

Everything is read once, when it is first asked for. Nothing outside the folder is opened.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage.capture import files
from lineage.capture.places import inside
from lineage.carried import Placed
from lineage.carried.originals import Made
from lineage.consequences.policy import Cause
from lineage.constraints import validate
from lineage.constraints.violations import Violation
from lineage.contract.below import folders_below
from lineage.contract.lines import holds_records
from lineage.contract.strict import loads
from lineage.contract.versions import Versions
from lineage.core import limits
from lineage.export import combined_document, graphs_of, written_as
from lineage.facts import ACTIVITIES, Activity, Artifact, Evaluation, Json, ModelLoad, Session, Slice
from lineage.findings import Finding, finding
from lineage.folder import How, gathered
from lineage.intake import Taken, Wanted, take_in
from lineage.integrity.differences import Change
from lineage.integrity.index import Seal
from lineage.mapping.names import Ids
from lineage.prov.document import Document, flattened
from lineage.prov.statement import Name
from lineage.signing.check import Checked, checked, envelopes
from lineage.trace.reading import Library, open_library

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found, the session it belongs to, and the things of the graph that it makes doubtful."""

    finding: Finding
    session: str | None = None
    about: tuple[Name, ...] = ()
    cause: Cause | None = None  # None: that of its code
    changes: tuple[Change, ...] = ()  # the lines that are concerned, where they are known
    is_line: bool = False  # of the file, the line of the finding alone is concerned


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
    recursive: bool = False
    key: Ed25519PublicKey | None = None  # whose signatures there should be
    head: str | None = None  # the digest of a signature that was the last once
    graphs: Path | None = None  # where the graphs of all sessions lie, if somebody said so
    digests: dict[Path, str | None] = field(default_factory=dict, repr=False, compare=False)
    secrets: set[str] = field(default_factory=set, repr=False, compare=False)  # that were found, to be masked in what is said
    as_exported: set[Path] = field(default_factory=set, repr=False, compare=False)  # PROV files that are what an export writes now
    sizes: dict[Path, dict[int, list[Path]]] = field(default_factory=dict, repr=False, compare=False)  # of the files of each folder

    @classmethod
    def of(cls, folder: Path, how: How, now: datetime, *, recursive: bool = False, **asked: Any) -> World:
        """Read *folder*; *asked* are `key`, `head` and `graphs`. Raises NotFoundError when it is not there."""
        placed, findings = gathered(folder, how, recursive=recursive)
        return cls(folder, placed, findings, now, how, recursive=recursive, **asked)

    def name(self, place: Path, path: str) -> str:
        """What a file is called: by its path from the folder that is audited."""
        way = place.relative_to(self.folder).as_posix()
        return path if way == "." else f"{way}/{path}"

    def called(self, path: Path) -> str:
        """What the file at *path* is called."""
        return path.relative_to(self.folder).as_posix()

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
            if not self.is_replaced(one.folder, one.session, one.artifact):
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

    @cached_property
    def versions(self) -> Mapping[Path, Versions]:
        """The versions of the files of each folder."""
        return {at: Versions(session for place, session in self.placed if place == at) for at, _ in self.placed}

    def is_replaced(self, place: Path, session: Session, artifact: Artifact) -> bool:
        """Return whether a later recorded run wrote the file again: what lies there is not the version of this session."""
        return self.versions[place].replaced_by(artifact, session) is not None

    def slices(self, one: Made | Held) -> tuple[Slice, ...]:
        """The slices that a file of records really holds; those that were recorded, where it cannot be read."""
        taken = self.taken.get(one.path)
        return (taken.scan.slices if taken else one.artifact.slices) or ()

    @cached_property
    def files(self) -> Mapping[str, list[tuple[Path, Session, Artifact]]]:
        """Every file that a session speaks of, by the name that findings call it."""
        named: dict[str, list[tuple[Path, Session, Artifact]]] = {}
        for place, session in self.placed:
            for artifact in (*session.artifacts, *(used for run in session.activities for used in run.used)):
                named.setdefault(self.name(place, artifact.path), []).append((place, session, artifact))
        return named

    def of_session(self, session: Session) -> tuple[Name, ...]:
        """The session as a thing of the graph: what it made came from it."""
        return (self.ids.session(session),)

    def about(self, session: Session, *artifacts: Artifact) -> tuple[Name, ...]:
        """The files as things of the graph."""
        return tuple(self.ids.artifact(one, session) for one in artifacts)

    def is_inside(self, path: Path) -> bool:
        """Does it lie in the folder, whatever links and dots there are on the way?"""
        return path.is_relative_to(self.folder) and inside(self.folder, str(path.relative_to(self.folder))) is not None

    def is_readable(self, path: Path) -> bool:
        """Is it a regular file of the folder?"""
        try:
            return self.is_inside(path) and stat.S_ISREG(path.stat().st_mode)
        except OSError:
            return False

    def beside(self, path: Path, size: int | None) -> list[Path]:
        """The readable files of *size* bytes, of any where it is None, that lie in the folder of *path*."""
        if path.parent not in self.sizes:
            self.sizes[path.parent] = self._sizes(path.parent)
        sizes = self.sizes[path.parent]
        return sizes.get(size, []) if size is not None else [one for same in sizes.values() for one in same]

    def _sizes(self, folder: Path) -> dict[int, list[Path]]:
        found: dict[int, list[Path]] = {}
        try:
            for path in sorted(folder.iterdir()) if self.is_inside(folder) else ():
                if self.is_readable(path):
                    found.setdefault(path.stat().st_size, []).append(path)
        except OSError:  # what was listed is gone, or may not be listed
            return found
        return found

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
        return dict(self._taken_in([Wanted(path, self.name(one.folder, one.artifact.path)) for path, one in paths.items()]))

    def _taken_in(self, wanted: list[Wanted]) -> Iterator[tuple[Path, Taken]]:
        told = take_in(wanted, jobs=self.how.jobs, recheck=self.how.recheck, sidecars="none", progress=self.how.progress)
        return ((one.path, found) for one, found in told if isinstance(found, Taken))

    def seal(self, path: Path) -> Seal:
        """The lines of a file of records and their root, as they are remembered or read. Raises OSError."""
        found = self.taken.get(path) or next((one for _, one in self._taken_in([Wanted(path, path.name)])), None)
        if found is None:
            raise OSError(errno.EIO, "it cannot be read")
        return found.seal

    @cached_property
    def signed(self) -> tuple[tuple[Path, Checked], ...]:
        """The signatures of each folder that has any, or should have: against the key, and its files as they are remembered or read.

        Raises NotFoundError when a key or a head is asked of a folder with neither session nor signature.
        """
        places = list(self._signing_places())
        below = [place.relative_to(self.folder).as_posix() for place in places if place != self.folder]
        told = []
        for place in places:
            way = f"{place.relative_to(self.folder).as_posix()}/" if place != self.folder else ""
            apart = [name.removeprefix(way) for name in below if name.startswith(way)]
            head = self.head if place == self.folder else None
            told.append((place, checked(place, self.key, head=head, reader=_Remembered(self), apart=apart)))
        return tuple(told)

    def _signing_places(self) -> Iterator[Path]:
        """The folders whose signatures are checked, each with its own chain: under a key those that hold sessions, else those that hold signatures."""
        asked = self.key is not None or self.head is not None
        sessions = {place for place, session in self.placed if session.manifest}
        folders = [self.folder, *(folders_below(self.folder) if self.recursive else [])]
        below = sorted(one for one in folders if one != self.folder and (envelopes(one) or (asked and one in sessions)))
        is_root = self.folder in sessions
        if envelopes(self.folder) or (asked and is_root):
            yield self.folder
        yield from below

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
        made = (one for one in self.made if not self.is_replaced(one.folder, one.session, one.artifact))
        read = ((one, self.json(one.path)) for one in made if self.is_report(one) or _may_be_report(one))
        return tuple((one, value) for one, value in read if isinstance(value, dict) and (self.is_report(one) or "summary" in value))

    @staticmethod
    def is_report(one: Made) -> bool:
        """Does the manifest call it a report?"""
        return one.artifact.type == "evaluation" or (one.artifact.role == "report" and isinstance(one.run, Evaluation))

    def json(self, path: Path) -> Any:
        """The JSON of a file of the folder; None where it cannot be read."""
        try:
            return loads(path.read_bytes())[0] if self.is_readable(path) and path.stat().st_size <= limits.JSON else None
        except OSError:
            return None

    @cached_property
    def prov(self) -> Mapping[tuple[Path, str], list[tuple[str, Path]]]:
        """The format and path of each PROV file that is there, by the folder and the id of its session."""
        every = ((place, session.id, written_as(session).items()) for place, session in self.placed)
        return {(place, id_): [(name, place / file) for name, file in told if self.is_readable(place / file)] for place, id_, told in every}

    @property
    def graphs_folder(self) -> Path:
        """Where an export writes the graphs of all sessions, unless somebody said where they lie."""
        return self.graphs or graphs_of(self.folder)

    @cached_property
    def combined(self) -> tuple[Document, tuple[Finding, ...]]:
        """The document of all sessions, each in its bundle, and the circles that were left out."""
        return combined_document([session for _, session in self.placed], self.ids)

    @cached_property
    def flat(self) -> Document:
        """The same without bundles."""
        return flattened(self.combined[0])

    @cached_property
    def broken(self) -> tuple[Violation, ...]:
        """The rules of PROV-CONSTRAINTS that all sessions together break."""
        return tuple(validate(self.flat, "all sessions together"))

    @cached_property
    def by_digest(self) -> Mapping[str, list[Name]]:
        """The things of the graph that are called by a digest."""
        found: dict[str, list[Name]] = {}
        for name in self.library.graph.index:
            found.setdefault(name.rpartition("-sha256-")[2], []).append(name)
        return found

    @cached_property
    def library(self) -> Library:
        """The graph of everything."""
        return open_library([session for _, session in self.placed], ids=self.ids)


class _Remembered:
    """Reads for the check of signatures what the world knows already: a file that did not change since is not read again, unless it is asked for."""

    def __init__(self, world: World) -> None:
        self._world = world

    def digest(self, path: Path) -> str:
        """As the world knows it."""
        found = self._world.digest(path)
        if found is None:
            raise OSError(errno.EIO, "no regular file of the folder, or it cannot be read")
        return found

    def seal(self, path: Path) -> Seal:
        """As the world knows it."""
        return self._world.seal(path)
