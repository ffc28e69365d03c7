"""Files of records on the disk, as sessions recorded them: by their digest, and by the run that made them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lineage.capture import files
from lineage.capture.places import own
from lineage.contract.lines import holds_records
from lineage.facts import Activity, Artifact, Session

Placed = tuple[Path, Session]  # the folder that holds the session's files, and the session


@dataclass(frozen=True, slots=True)
class Made:
    """A file that a run made, as the session of the run has it."""

    session: Session
    run: Activity
    folder: Path
    artifact: Artifact

    @property
    def path(self) -> Path:
        """Path of the file on this machine."""
        return self.folder / self.artifact.path


@dataclass(frozen=True, slots=True)
class Source:
    """A file of records on the disk, with the bytes that a session recorded.

    Attributes:
        folder: Folder of the session that recorded the file.
        session: That session.
        artifact: Its entry for the file; the entry with slices where there is a choice.
        path: Path of the file on this machine.
    """

    folder: Path
    session: Session
    artifact: Artifact
    path: Path

    @property
    def sha256(self) -> str:
        """Digest of the file."""
        return self.artifact.sha256 or ""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files of records that a run used.

    Attributes:
        sources: Files that are on the disk with the recorded bytes, in the order of use.
        unread: (path, reason) of files that cannot be compared.
        same: True if the run used the very bytes that it wrote: the file is its own origin.
    """

    sources: tuple[Source, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    same: bool = False

    def __add__(self, other: Inputs) -> Inputs:
        by_digest = {one.sha256: one for one in (*other.sources, *self.sources)}
        ordered = dict.fromkeys(one.sha256 for one in (*self.sources, *other.sources))
        sources = tuple(by_digest[digest] for digest in ordered)
        unread = tuple(dict.fromkeys((*self.unread, *other.unread)))
        return Inputs(sources, unread, self.same or other.same)


@dataclass(slots=True)
class Recorded:
    """All files of records that some sessions recorded. Each file is digested once."""

    placed: Sequence[Placed]
    _digests: dict[Path, str | None] = field(default_factory=dict)
    _by_digest: dict[str, list[Source]] | None = None
    _makers: dict[str, list[Made]] | None = None
    _makers_of: dict[str, list[Made]] | None = None

    def by_digest(self, sha256: str) -> list[Source]:
        """Return the entries of all sessions with this digest, those with slices first."""
        if self._by_digest is None:
            self._by_digest = {}
            for folder, session in self.placed:
                for artifact in _entries(session):
                    source = Source(folder, session, artifact, folder / artifact.path)
                    self._by_digest.setdefault(artifact.sha256 or "", []).append(source)
            for entries in self._by_digest.values():
                entries.sort(key=lambda one: (not one.artifact.slices, one.artifact.activity is None))
        return self._by_digest.get(sha256, [])

    def made_by(self, run_id: str) -> list[Made]:
        """Return the files of records that a run made; none for a run inferred from records."""
        if self._makers is None:
            self._makers = {}
            for folder, session in self.placed:
                for run in session.activities:
                    if not run.inferred:
                        files_made = [Made(session, run, folder, one) for one in run.made if is_of_records(one)]
                        self._makers.setdefault(run.id, []).extend(files_made)
        return self._makers.get(run_id, [])

    def makers(self, sha256: str) -> list[Made]:
        """Return the runs that made a file with this digest."""
        if self._makers_of is None:
            self._makers_of = {}
            for folder, session in self.placed:
                for run in session.activities:
                    for one in run.made if not run.inferred else ():
                        self._makers_of.setdefault(one.sha256 or "", []).append(Made(session, run, folder, one))
        return self._makers_of.get(sha256, [])

    def knows(self, run_id: str) -> bool:
        """Return whether a session recorded the run."""
        self.made_by(run_id)
        return run_id in (self._makers or {})

    def is_intact(self, folder: Path, artifact: Artifact) -> bool:
        """Return whether the file is in its folder with the recorded bytes."""
        path = own(folder, artifact.path)
        return path is not None and artifact.sha256 is not None and self.digest(path) == artifact.sha256

    def digest(self, path: Path) -> str | None:
        """Return the digest of a file; None where it cannot be read."""
        if path not in self._digests:
            try:
                self._digests[path] = files.digest(path)[0]
            except OSError:
                self._digests[path] = None
        return self._digests[path]

    def inputs(self, folder: Path, session: Session, run: Activity, output: Artifact) -> Inputs:
        """Return the files of records that *run* used when it wrote *output*."""
        found = Inputs()
        for used in run.used:
            for part in used.parts or (used,):
                if is_of_records(part):
                    found += self._input(folder, session, part, output)
        return found

    def _input(self, folder: Path, session: Session, used: Artifact, output: Artifact) -> Inputs:
        if used.sha256 is None:
            return Inputs(unread=((used.path, "no digest of it was recorded"),))
        is_same = used.sha256 == output.sha256
        source = self.source(folder, session, used)
        if source is None:
            return Inputs(unread=((used.path, "no file here has the bytes that were used"),), same=is_same)
        return Inputs((source,), same=is_same)

    def source(self, folder: Path, session: Session, used: Artifact) -> Source | None:
        """Return the file with the bytes of *used*: at its path, else wherever a session recorded them."""
        entries = self.by_digest(used.sha256 or "")
        here = own(folder, used.path) or self._in_another_folder(folder / used.path)
        at_path = [one for one in entries if one.folder == folder and one.artifact.path == used.path]
        described = next(
            iter(sorted([*at_path, *entries], key=lambda one: not one.artifact.slices)), None
        )  # whoever used it knows no slices
        if here is not None and self.digest(here) == used.sha256:
            entry = described or Source(folder, session, used, here)
            return Source(entry.folder, entry.session, entry.artifact, here)
        return next((one for one in entries if self.is_intact(one.folder, one.artifact)), None)

    def _in_another_folder(self, path: Path) -> Path | None:
        """Return the regular file, if it is in the folder of some session; a link that leads out of that folder is not followed."""
        plain = Path(os.path.normpath(path.absolute()))
        for folder in dict.fromkeys(folder for folder, _ in self.placed):
            root = Path(os.path.normpath(folder.absolute()))
            if plain.is_relative_to(root) and own(root, plain.relative_to(root).as_posix()):
                return plain
        return None

    def writers(self, folder: Path, path: str) -> dict[str, Activity]:
        """Return the runs that wrote the file at *path*, by their ids."""
        return {
            run.id: run
            for place, session in self.placed
            if place == folder
            for run in session.activities
            if any(one.path == path for one in run.made)
        }


def is_of_records(artifact: Artifact) -> bool:
    """Return whether the file is one of records, by its slices, its role or its name."""
    if artifact.dataset:
        return False
    return bool(artifact.slices) or artifact.role == "records" or holds_records(Path(artifact.path))


def _entries(session: Session) -> list[Artifact]:
    """Return the files of records of a session, each path and digest once, those with slices first."""
    every = [*session.artifacts]
    for run in session.activities:
        every += [part for one in (*run.made, *run.used) for part in one.parts or (one,)]
    kept = [one for one in every if one.sha256 and is_of_records(one)]
    kept.sort(key=lambda one: not one.slices)
    return list({(one.path, one.sha256): one for one in reversed(kept)}.values())[::-1]
