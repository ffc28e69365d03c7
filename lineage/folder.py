"""An artifacts folder -> sessions, and what is wrong with it.  Opens nothing outside the folder, changes nothing in it.

Manifests with their journals come first, and what they name is compared with the disk. Files that no manifest names are read for
their inline metadata: what they say is inferred, and what says nothing is legacy.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath

from lineage.capture import files
from lineage.contract import manifest, records
from lineage.contract.lines import holds_records
from lineage.facts import Activity, Artifact, Session
from lineage.findings import Finding, finding
from lineage.unrecorded import unrecorded


def read_folder(
    folder: Path, *, legacy: bool = False, shown: str = "", recheck: bool = False
) -> tuple[tuple[Session, ...], tuple[Finding, ...]]:
    """The sessions of *folder* itself, not of folders in it, and the findings, which call its files by their path under *shown*.

    With *recheck* every file is read, even if its digest is cached.
    """
    reading = _Reading(folder, legacy, recheck)
    sessions = reading.recorded()
    orphans, wrong = unrecorded(folder, reading.named, legacy=legacy)
    found = (*sessions, *([orphans] if orphans else []))
    prefix = f"{shown}/" if shown else ""
    return found, tuple(replace(one, file=f"{prefix}{one.file}") for one in (*reading.findings, *wrong))


class _Reading:
    """One pass over the manifests of a folder."""

    def __init__(self, folder: Path, legacy: bool, recheck: bool) -> None:
        self.findings: list[Finding] = []
        self.named: set[str] = set()  # the files that some manifest names
        self._folder, self._legacy, self._recheck = folder, legacy, recheck

    def recorded(self) -> list[Session]:
        """The session of each manifest, its files compared with the disk."""
        sessions: dict[str, Session] = {}
        for path in self._manifests():
            session, wrong = manifest.read(path)
            self.findings += wrong
            if session is None:
                continue
            if session.id in sessions:
                self._tell("bad-manifest", path.name, f"session_id: {sessions[session.id].manifest} has the same")
            else:
                sessions[session.id] = self._checked(session)
        return list(sessions.values())

    def _manifests(self) -> list[Path]:
        """The manifests that are there, and those that only journals tell of."""
        names = set(self._folder.glob(f"{manifest.PREFIX}*{manifest.SUFFIX}"))
        for path in self._folder.glob("session_journal_*.jsonl"):
            session_id = path.name.removeprefix("session_journal_").rpartition("_")[0]
            names.add(manifest.path_of(self._folder, session_id))
        return sorted(names)

    def _checked(self, session: Session) -> Session:
        seen = {artifact.path: self._compared(artifact, session) for artifact in session.artifacts}
        used = {artifact.path: artifact for run in session.activities for artifact in run.used if artifact.path not in seen}
        for artifact in used.values():
            if not _outside(artifact.path):
                self._compared(artifact, session)
        activities = tuple(_remade(run, seen) for run in session.activities)
        return replace(session, artifacts=tuple(seen.values()), activities=activities)

    def _compared(self, artifact: Artifact, session: Session) -> Artifact:
        """The artifact as recorded, completed from the disk where nothing was recorded of it."""
        self.named.add(artifact.path)
        if _outside(artifact.path) or _leads_out(self._folder / artifact.path, self._folder):
            self._tell("outside-folder", artifact.path, f"named by {session.manifest}")
            return artifact
        path = self._folder / artifact.path
        if not path.exists():
            if artifact.sha256 or artifact.timestamp:  # else it was announced, and its process ended before it was begun
                self._tell("missing-file", artifact.path, f"named by {session.manifest}")
            return artifact
        now = files.artifact(path, folder=self._folder, type=artifact.type, recheck=self._recheck)
        if artifact.sha256 and now.sha256 and artifact.sha256 != now.sha256:
            self._tell("altered-file", artifact.path, f"recorded as {artifact.sha256[:16]}…, now {now.sha256[:16]}…")
            return artifact
        for gap in now.gaps:
            self._tell("unreadable", artifact.path, gap.reason)
        return self._completed(artifact, now, path)

    def _completed(self, artifact: Artifact, now: Artifact, path: Path) -> Artifact:
        full = replace(artifact, sha256=now.sha256, bytes=now.bytes, parts=artifact.parts or now.parts)
        if artifact.slices is not None or not holds_records(path) or artifact.activity is None or now.sha256 is None:
            return full
        scan = records.scan(path, artifact.path, legacy=self._legacy)
        self.findings += scan.findings
        return replace(full, count=scan.count, slices=scan.slices)

    def _tell(self, code: str, file: str, detail: str) -> None:
        self.findings.append(finding(code, file, None, detail))


def _remade(run: Activity, seen: dict[str, Artifact]) -> Activity:
    made = tuple(replace(seen.get(one.path, one), role=one.role) for one in run.made)
    return replace(run, made=tuple(replace(one, activity=one.activity or run.id) for one in made))


def _outside(path: str) -> bool:
    pure = PurePosixPath(path)
    return pure.is_absolute() or ".." in pure.parts or "\0" in path or not path


def _leads_out(path: Path, folder: Path) -> bool:
    """Does a link on the way lead out of the folder?"""
    return not path.resolve().is_relative_to(folder.resolve())
