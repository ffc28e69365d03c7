"""Finish sessions whose processes were killed: fold their journals, digest their files, mark them `interrupted`.

A session is closed in six steps, and a kill between two of them loses nothing:

1. Look at the manifest and every journal. Refuse if a process of the session may still run.
2. Fold the journals over the manifest.
3. Take the digests of files that their writer did not record.
4. Write what is concluded to a journal of its own, ordered after all others.
5. Write the manifest.
6. Remove the journals, if the manifest on the disk holds them. A journal with lines that cannot be read is put aside.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lineage.contract import journal, manifest
from lineage.contract.strict import loads
from lineage.core import limits
from lineage.core.reading import open_plain
from lineage.errors import NotFoundError, UsageError
from lineage.findings import Finding, finding
from lineage.recording.closing import Closing, Living

POLL = 0.2  # seconds between two looks at a process that is waited for


@dataclass(frozen=True, slots=True)
class Closed:
    """What was done in a folder.

    Attributes:
        closed: The status of each session that was finished, by its id.
        running: The processes that may still run, by the id of their session, which was left as it is.
        findings: What is wrong with files of the sessions that were looked at.
    """

    closed: Mapping[str, str]
    running: Mapping[str, tuple[Living, ...]]
    findings: tuple[Finding, ...]


def close_sessions(folder: Path, *, prefix: str = "", force: bool = False, wait: float = 0) -> Closed:
    """Close the sessions of *folder* that were left open: those that say `running`, and those with journals.

    Whether a process runs can be seen on the machine where it ran only, since that machine was started.

    Args:
        folder: Holds the session manifests.
        prefix: Only sessions whose id begins with this.
        force: Close a session although a process of it may still run. Its journals are kept, and what it
            writes later is read with them.
        wait: Seconds to wait for processes that run on this machine.

    Raises:
        NotFoundError: No such folder, or no session in it begins with *prefix*.
        UsageError: Another process closes sessions of the folder now.
    """
    if not folder.is_dir():
        raise NotFoundError("no such folder", at=str(folder))
    with _alone(folder):
        closing = _Folder(folder, force, time.monotonic() + wait)
        closing.findings += _planted(folder)
        ids = [one for one in closing.ids if one.startswith(prefix)]
        if not ids:
            raise NotFoundError("no session begins so", at=prefix or str(folder))
        told = {one: closing.close(one) for one in ids}
    closed = {one: status for one, status in told.items() if status}
    return Closed(closed, closing.running, tuple(dict.fromkeys(closing.findings)))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process close sessions of a folder at a time."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise UsageError("another process closes sessions here", at=str(folder), hint="wait for it, and try again") from None
    except OSError:  # a file system without locks
        pass
    try:
        yield
    finally:
        os.close(descriptor)


class _Folder:
    """A folder whose sessions are closed one after the other."""

    def __init__(self, folder: Path, force: bool, until: float) -> None:
        self.running: dict[str, tuple[Living, ...]] = {}
        self.findings: list[Finding] = []
        self._folder, self._force, self._until = folder, force, until
        self._made: dict[str, set[str]] | None = None

    @property
    def ids(self) -> list[str]:
        """The ids of all sessions that a manifest or a journal tells of."""
        names = [path.name for path in self._folder.iterdir()]
        told = {manifest.session_id_of(Path(name)) for name in names if _is_manifest(name)}
        return sorted(told | {_of_journal(name) for name in names if journal.is_called(name)})

    def close(self, session_id: str) -> str | None:
        """Close one session, unless it has ended or a process of it may run; returns its status if there was anything to do."""
        try:
            return self._close(manifest.path_of(self._folder, session_id))
        except OSError as error:
            name = Path(error.filename or self._folder).name
            self.findings.append(finding("unreadable", name, None, error.strerror or str(error)))
            return None

    def _close(self, path: Path) -> str | None:
        session_id = manifest.session_id_of(path)
        closing = self._looked_at(path)
        while closing and not self._force and (living := closing.living):
            if not all(one.is_known for one in living) or time.monotonic() >= self._until:
                self.running[session_id] = living
                return None
            time.sleep(POLL)
            if any(one.is_known for one in closing.living):
                continue
            closing = self._looked_at(path)
        if closing is None:
            return None
        try:
            return closing.close(self._made_elsewhere, self._force)
        finally:
            self.findings += closing.findings

    def _looked_at(self, path: Path) -> Closing | None:
        names = journal.listed(self._folder)
        for name in names:
            if _of_journal(name) == manifest.session_id_of(path) and not _is_plain(self._folder / name):
                self.findings.append(finding("unreadable", name, None, "not a regular file"))
        closing = Closing.look(path, names)
        if closing is None:
            detail = "no object, or the id of another session; it is left as it is"
            self.findings.append(finding("bad-manifest", path.name, None, detail))
        return closing

    def _made_elsewhere(self, session_id: str) -> Collection[str]:
        """The files of which other manifests of the folder hold a digest."""
        if self._made is None:
            self._made = {path.name: set(_digested(path)) for path in self._folder.iterdir() if _is_manifest(path.name)}
        own = manifest.path_of(self._folder, session_id).name
        return {file for name, files in self._made.items() if name != own for file in files}


def _planted(folder: Path) -> Iterator[Finding]:
    """Links with the names of our temporary files: who made them hoped that we would write through them."""
    names = sorted(path.name for path in folder.iterdir() if path.name.startswith(".session_") and path.is_symlink())
    if names:
        yield finding("outside-folder", names[0], None, f"{len(names)} links have names of temporary files; none was followed")


def _is_manifest(name: str) -> bool:
    return name.startswith(manifest.PREFIX) and name.endswith(manifest.SUFFIX)


def _of_journal(name: str) -> str:
    """The id of the session in the name of a journal."""
    return name.removeprefix(journal.PREFIX).rpartition("_")[0]


def _is_plain(path: Path) -> bool:
    try:
        os.close(open_plain(path))
    except OSError:
        return False
    return True


def _digested(path: Path) -> Iterable[str]:
    """The files of which a manifest holds a digest; none of one that cannot be read."""
    try:
        with os.fdopen(open_plain(path), "rb") as file:
            top = loads(file.read(limits.JSON))[0]
    except OSError:
        return
    entries = top.get("artifacts_generated") if isinstance(top, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("file"), str) and entry.get("sha256"):
            yield entry["file"]
