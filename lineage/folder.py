"""An artifacts folder -> sessions, and what is wrong with it.  Opens nothing outside the folder, changes nothing in it.

Manifests with their journals come first, and what they name is compared with the disk. Files that no manifest names are read for
their inline metadata: what they say is inferred, and what says nothing is legacy.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lineage.capture import files
from lineage.capture.compared import difference, unfollowed
from lineage.capture.folders import LEADS_OUT, NO_FILES
from lineage.capture.places import inside, is_name, leads_out
from lineage.carried import Placed, with_origins
from lineage.contract import journal, manifest
from lineage.contract.around import is_superseded, rewritten
from lineage.contract.below import folders_below
from lineage.contract.lines import holds_records
from lineage.contract.redacted import is_redacted
from lineage.contract.times import wrong_times
from lineage.core.reading import is_folder
from lineage.errors import NotFoundError, UsageError
from lineage.facts import Activity, Artifact, Session, removals
from lineage.findings import Finding, finding
from lineage.intake import Progress, Sidecars, Taken, Wanted, take_in
from lineage.integrity import index
from lineage.unrecorded import orphans, unrecorded, with_inferred


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a folder is read.

    legacy: files without metadata are accepted as unrecorded, which is no finding then. recheck: every file is read, even one that did
    not change since it was read last. jobs: processes that read files of records. progress: is told of the bytes that were read.
    sidecars: which to write; never one in a folder inside a folder that is read recursively.
    """

    legacy: bool = False
    sidecars: Sidecars = "missing"
    recheck: bool = False
    jobs: int = 1
    progress: Progress | None = None


def gathered(
    folder: Path | Sequence[Path],
    how: How = How(),  # it is frozen
    *,
    recursive: bool = False,
) -> tuple[tuple[Placed, ...], tuple[Finding, ...]]:
    """The sessions of a folder or several, with the origins of records that were carried over from one file to another, and the findings.

    Raises NotFoundError when a folder is not there.
    """
    placed: list[Placed] = []
    findings: list[Finding] = []
    roots = [folder] if isinstance(folder, Path) else list(folder)
    shown = dict(_places(folder, recursive))
    for place, name in shown.items():
        found, wrong = read_folder(place, how if place in roots else replace(how, sidecars="none"), shown=name)
        placed += [(place, one) for one in found]
        findings += wrong
    told, more = with_origins(placed, shown, how.recheck)
    return told, tuple(sorted({*findings, *more}, key=lambda one: (one.file, one.line or 0, one.code, one.message)))


def _places(folder: Path | Sequence[Path], recursive: bool) -> Iterator[tuple[Path, str]]:
    """The folders to be read, and what each is called: a single one not at all, folders in it by their path from there."""
    roots = [folder] if isinstance(folder, Path) else list(folder)
    for root in roots:
        if not is_folder(root):
            raise NotFoundError("no such folder", at=str(root), hint="name the folder that holds the session manifests")
        for place in [root, *folders_below(root)] if recursive else [root]:
            way = place.relative_to(root).as_posix() if place != root else ""
            yield place, "/".join(part for part in ("" if len(roots) == 1 else str(root), way) if part)


def pick(sessions: Iterable[Placed], prefix: str) -> Placed:
    """The session whose id begins with *prefix*. Raises NotFoundError, and UsageError when several begin so."""
    fitting = [placed for placed in sessions if placed[1].id.startswith(prefix)]
    if not fitting:
        known = ", ".join(one.id for _, one in sessions) or "none"
        raise NotFoundError("no such session", at=prefix, hint=f"the folder holds: {known}")
    if len(fitting) > 1 and not any(one.id == prefix for _, one in fitting):
        raise UsageError("several sessions begin so", at=prefix, hint=", ".join(one.id for _, one in fitting))
    return next((placed for placed in fitting if placed[1].id == prefix), fitting[0])


def read_folder(folder: Path, how: How = How(), *, shown: str = "") -> tuple[tuple[Session, ...], tuple[Finding, ...]]:  # it is frozen
    """The sessions of *folder* itself, not of folders in it, and the findings, which call its files by their path under *shown*."""
    reading = _Reading(folder, how)
    sessions, orphans = reading.sessions()
    prefix = f"{shown}/" if shown else ""
    return (*sessions, *orphans), tuple(replace(one, file=f"{prefix}{one.file}") for one in reading.findings)


class _Reading:
    """One pass over a folder: the manifests, then the files of records that must be read, then what both say together."""

    def __init__(self, folder: Path, how: How) -> None:
        self.findings: list[Finding] = []
        self._folder, self._how = folder, how
        self._taken: dict[Path, Taken] = {}
        self._made: set[str] = set()  # files of which a manifest says what made them
        self._unlike: set[Path] = set()  # files that are not what a manifest recorded
        self._removed: dict[str, str] = {}  # files that a training removed, and when
        self._rewritten: dict[str, tuple[Artifact, ...]] = {}  # the entries of files that several sessions wrote

    def sessions(self) -> tuple[list[Session], list[Session]]:
        """The session of each manifest, its files compared with the disk; and one that holds the files that no manifest names, if there are any."""
        told = self._told()
        self._made, self._removed, self._rewritten = _made(told), removals(told), rewritten(told)
        made = {artifact.path for one in told for artifact in one.artifacts}
        used = {artifact.path for one in told for run in one.activities for artifact in run.used}
        alone = orphans(self._folder, made)
        self._take_in([*self._unread(told), *(Wanted(path, path.name, self._how.legacy) for path in alone if holds_records(path))])
        alone = [path for path in alone if path.name not in used or self._tells(path)]
        checked = self._with_inferred([self._checked(one) for one in told], alone)
        found, wrong = unrecorded({path: path.relative_to(self._folder).as_posix() for path in alone}, self._taken, legacy=self._how.legacy)
        self.findings += wrong
        return checked, [found] if found else []

    def _with_inferred(self, told: list[Session], alone: list[Path]) -> list[Session]:
        """The sessions with what files that they list without a run speak of, in the first that lists each; *alone* gets those of no session here."""
        known, full = set(self._made), []
        for session in told:
            listed = {self._folder / one.path: one for one in session.artifacts if one.path not in known and self._is_as_listed(one)}
            known |= {one.path for one in listed.values()}
            found, wrong, elsewhere = with_inferred(session, listed, self._taken, legacy=self._how.legacy)
            self.findings += wrong
            alone += elsewhere
            full.append(found)
        return full

    def _is_as_listed(self, artifact: Artifact) -> bool:
        """Is the file there, and the one that was recorded?"""
        path = self._folder / artifact.path
        if is_redacted(artifact) or not self._is_inside(artifact.path) or not os.path.isfile(path):  # noqa: PTH113  # never raises
            return False
        return path not in self._unlike

    def _tells(self, path: Path) -> bool:
        """Do records in the file, which some run used, say who made them?"""
        return path in self._taken and self._taken[path].scan.recorded > 0

    def _told(self) -> list[Session]:
        """What the manifests say, in the order of their names; of two that claim one session the one that is a file and is called so."""
        names = journal.listed(self._folder)
        read = [(path, session) for path in self._manifests(names) for session in [self._read(path, names)] if session]
        sessions: dict[str, Session] = {}
        for path, session in sorted(read, key=_doubt):
            if session.id in sessions:
                self._tell("bad-manifest", path.name, f"session_id: {sessions[session.id].manifest} has the same")
            else:
                sessions[session.id] = session
        return sorted(sessions.values(), key=lambda one: one.manifest or "")

    def _read(self, path: Path, names: Sequence[str]) -> Session | None:
        """One manifest with its journals. Journals alone may tell of the session that their name says, and of no other."""
        session, wrong = manifest.read(path, names)
        self.findings += wrong
        for code, detail in wrong_times(session) if session else ():
            self._tell(code, path.name, detail)
        if session is None or path.is_file() or session.id == manifest.session_id_of(path):
            return session
        self._tell("bad-manifest", path.name, f"session_id: journals of this name tell of {session.id}")
        return None

    def _unread(self, told: Iterable[Session]) -> Iterator[Wanted]:
        """The files of records whose slices nobody recorded, and those without a sidecar."""
        listed = [one for session in told for one in session.artifacts]
        lacking = {one.path for one in listed if self._lacks_slices(one) or one.path not in self._made}
        for artifact in {one.path: one for one in listed}.values():
            path = self._folder / artifact.path
            is_there = self._is_inside(artifact.path) and holds_records(path) and os.path.isfile(path)  # noqa: PTH113  # never raises
            is_wanted = artifact.path in lacking or (artifact.sha256 and self._how.sidecars != "none" and index.can_be_made(path))
            if is_there and is_wanted and not is_redacted(artifact):
                yield Wanted(path, artifact.path, self._how.legacy, artifact.sha256)

    def _take_in(self, wanted: list[Wanted]) -> None:
        how = self._how
        for one, taken in take_in(wanted, jobs=how.jobs, recheck=how.recheck, sidecars=how.sidecars, progress=how.progress):
            if isinstance(taken, Taken):
                self._taken[one.path] = taken
            else:
                self._tell("unreadable", one.name, taken.strerror or str(taken))

    def _is_inside(self, path: str) -> bool:
        return inside(self._folder, path) is not None

    def _manifests(self, journals: Iterable[str]) -> list[Path]:
        """The manifests that are there, and those that only *journals* tell of."""
        paths = set(self._folder.glob(f"{manifest.PREFIX}*{manifest.SUFFIX}"))
        for name in journals:
            session_id = name.removeprefix(journal.PREFIX).rpartition("_")[0]
            paths.add(manifest.path_of(self._folder, session_id))
        return [path for path in sorted(paths) if self._is_ours(path)]

    def _is_ours(self, path: Path) -> bool:
        """Is it a file of the folder, or not there?  A pipe would make its reader wait, and a link may lead anywhere."""
        if not self._is_inside(path.name):
            self._tell("outside-folder", path.name, "a link")
            return False
        if path.exists() and not path.is_file():
            self._tell("unreadable", path.name, "not a regular file")
            return False
        return True

    def _checked(self, session: Session) -> Session:
        seen = {artifact.path: self._compared(artifact, session) for artifact in session.artifacts}
        used = {artifact.path: artifact for run in session.activities for artifact in run.used if artifact.path not in seen}
        for artifact in used.values():
            if not leads_out(artifact.path) and is_name(artifact.path):
                self._compared(artifact, session)
        activities = tuple(_remade(run, seen) for run in session.activities)
        return replace(session, artifacts=tuple(seen.values()), activities=activities)

    def _compared(self, artifact: Artifact, session: Session) -> Artifact:
        """The artifact as recorded, completed from the disk where nothing was recorded of it."""
        if artifact.dataset:  # a data set in memory or on a hub: no file is called so
            return artifact
        if not self._is_inside(artifact.path):
            if artifact.link and not leads_out(artifact.path):
                self._tell("not-covered", artifact.path, LEADS_OUT)
            else:
                self._tell("outside-folder", artifact.path, f"named by {session.manifest}")
            return artifact
        path = self._folder / artifact.path
        if is_superseded(artifact, self._rewritten.get(artifact.path, ())):  # the last entry of the file is compared
            return artifact
        if is_redacted(artifact):  # the digest is that of an original which is elsewhere
            return artifact
        if not os.path.exists(path):  # noqa: PTH110  # never raises, whatever the name
            announced = not artifact.sha256 and not artifact.timestamp  # and its process ended before it was begun
            removed_at = self._removed.get(artifact.path)
            is_removed = removed_at is not None and (artifact.timestamp or "") <= removed_at
            if not announced and not is_removed:
                self._tell("missing-file", artifact.path, f"named by {session.manifest}")
            return artifact
        now = self._now(artifact, path)
        changed = difference(artifact, now)
        if changed:
            self._tell("altered-file", artifact.path, changed)
            self._unlike.add(path)
            return artifact
        self._tell_unread(artifact, now)
        return self._completed(artifact, now, path)

    def _tell_unread(self, artifact: Artifact, now: Artifact) -> None:
        """Tell what was not checked: by design, or because it cannot be read."""
        links, recorded = set(unfollowed(now)), {gap.about for gap in artifact.gaps}
        for gap in now.gaps:
            name = artifact.path if gap.about == "sha256" else gap.about
            if gap.about == "sha256" and (now.parts or gap.reason == NO_FILES):  # each file has a gap of its own
                continue
            self._tell("not-covered" if name in links or gap.about in recorded else "unreadable", name, gap.reason)

    def _now(self, artifact: Artifact, path: Path) -> Artifact:
        taken = self._taken.get(path)
        if taken:
            return replace(artifact, sha256=taken.seal.sha256, bytes=taken.seal.bytes)
        return files.artifact(path, folder=self._folder, type=artifact.type, recheck=self._how.recheck, confined=True)

    def _completed(self, artifact: Artifact, now: Artifact, path: Path) -> Artifact:
        sha256, size = (now.sha256, now.bytes) if now.sha256 else (artifact.sha256, artifact.bytes)
        full = replace(artifact, sha256=sha256, bytes=size, parts=artifact.parts or now.parts)
        taken = self._taken.get(path)
        if taken is None or not self._lacks_slices(artifact):
            return full
        self.findings += taken.scan.findings
        return replace(full, count=taken.scan.count, slices=taken.scan.slices)

    def _lacks_slices(self, artifact: Artifact) -> bool:
        """Did a run make it, and did nobody say what records it holds?"""
        return artifact.slices is None and (artifact.activity is not None or artifact.path in self._made)

    def _tell(self, code: str, file: str, detail: str) -> None:
        self.findings.append(finding(code, file, None, detail))


def _doubt(read: tuple[Path, Session]) -> tuple[bool, bool, Path]:
    """What is to be believed first comes first: anybody can lay a journal beside a manifest, or a manifest under another name."""
    path, session = read
    return not path.is_file(), session.id != manifest.session_id_of(path), path


def _made(told: Iterable[Session]) -> set[str]:
    """The files of which a session says which run made them, at the file or at the run."""
    named = {one.path for session in told for run in session.activities for one in run.made}
    runs = [({run.id for run in session.activities}, session) for session in told]
    return named.union(one.path for ids, session in runs for one in session.artifacts if one.activity in ids)


def _remade(run: Activity, seen: dict[str, Artifact]) -> Activity:
    """The run with what it made as it was found: what it names, and the files that name it."""
    made = [replace(seen.get(one.path, one), role=one.role) for one in run.made]
    made += [one for one in seen.values() if one.activity == run.id and one.path not in {other.path for other in run.made}]
    return replace(run, made=tuple(replace(one, activity=one.activity or run.id) for one in made))
