"""Write what one process records of a session: its journal, and the manifest if the session is its own.

An event is appended to the journal and nothing else is done. The owner rewrites the manifest when the session
begins, when it ends, and at most once a second between; readers fold the journals over it.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lineage.capture import process
from lineage.contract import journal, manifest
from lineage.contract.strict import loads
from lineage.contract.times import now
from lineage.contract.writing import as_bytes
from lineage.core.reading import open_plain
from lineage.core.writing import create, replace_file
from lineage.recording.guard import Guard

Event = Mapping[str, Any]
INTERVAL = 1.0  # seconds between two writes of the manifest while a session runs
UNENDED = "the session ended while the run was open"
GONE = "its process ended without closing it"


class Log:
    """The journal of this process, and for the owner of the session the manifest."""

    def __init__(self, folder: Path, session_id: str, *, owner: bool, guard: Guard) -> None:
        self.folder, self.session_id, self.owner, self.guard = folder, session_id, owner, guard
        self._manifest = manifest.path_of(folder, session_id)
        self._fold = journal.Fold({})
        self._unwritten: list[bytes] = []  # events that the disk did not take; the next one tries again
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._torn = False
        self._path: Path | None = None
        self._descriptor: int | None = None
        self._last_write = float("-inf")
        self._is_stale = False

    @property
    def is_used(self) -> bool:
        """Whether this process has written to its journal."""
        return self._pid == os.getpid() and self._path is not None

    def add(self, *events: Event) -> None:
        """Append *events*; bring the manifest up to date if that was not done within the last second."""
        with self.exclusive(), self.guard("the journal"):
            for event in events:
                ordered = {**event, "order": time.monotonic_ns()}
                if self.owner:
                    self._fold.apply(ordered)
                self._unwritten.append(as_bytes(ordered))
            self._flush()
        if self.owner:
            self._is_stale = True
            if time.monotonic() - self._last_write >= INTERVAL:
                self._write(self._fold.result)

    def settle(self) -> None:
        """Write the manifest if it lacks events of this process; only the owner does."""
        if self.owner and self._pid == os.getpid() and self._is_stale:
            self._write(self._fold.result)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Let one thread at a time change what is recorded; a forked child does not wait for threads it has not."""
        if self._pid != os.getpid():
            self._become_child()
        with self._lock:
            yield

    def refresh(self) -> None:
        """Bring the manifest up to date with what all processes of the session wrote; only the owner does."""
        if self.owner and self._pid == os.getpid():
            self._write(lambda: self._folded(self._journals()))

    def claimed(self, file: str) -> bool:
        """Return whether any process of this session makes *file*."""
        with self.guard("the journals"):
            artifacts = self._folded(self._journals()).get("artifacts_generated", ())
            return any(isinstance(one, dict) and one.get("file") == file for one in artifacts)
        return False

    def has_others(self) -> bool:
        """Return whether there are journals of other processes."""
        with self.guard("the journals"):
            return bool(set(self._journals()) - {self._path})
        return True

    def leave(self) -> None:
        """Say that this process is done, and fold the journals into the manifest where no other process goes on.

        The last process to leave folds: the owner, or one that outlives it.
        """
        self.add({"event": "left"})
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        with self.guard("the journals"):
            if self.owner:
                self._end()
            else:
                self._end_after_the_owner()

    # --- the journal

    def _become_child(self) -> None:
        """Start a journal of its own in a process that was forked off; the session stays the parent's."""
        self._pid, self.owner, self._lock = os.getpid(), False, threading.RLock()
        self._fold, self._unwritten, self._torn = journal.Fold({}), [], False
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._path = self._descriptor = None

    def _flush(self) -> None:
        """Write the events that wait. Raises OSError; what was not written stays."""
        descriptor = self._own()
        while self._unwritten:
            event = self._unwritten[0]
            try:
                journal.append(descriptor, b"\n" + event if self._torn else event)
            except OSError:
                self._torn = True  # end the torn line before the next event, so that it spoils nothing but itself
                raise
            self._torn = False
            del self._unwritten[0]

    def _own(self) -> int:
        """Return the descriptor of this process's journal, which begins with the process's mark."""
        if self._descriptor is None:
            path = journal.journal_path(self.folder, self.session_id, f"{self._pid}-{uuid.uuid4().hex[:8]}")
            self._descriptor, self._path = create(path, os.O_WRONLY | os.O_APPEND), path
            mark = {"event": "process", "process": process.process_mark(), "order": time.monotonic_ns()}
            self._unwritten.insert(0, as_bytes(mark))
        return self._descriptor

    def _journals(self) -> list[Path]:
        return journal.journals(self.folder, self.session_id)

    # --- the manifest

    def _write(self, state: Any) -> None:
        with self.exclusive(), self.guard("the manifest"):
            replace_file(self._manifest, as_bytes(state(), indent=True) + b"\n")
        self._last_write, self._is_stale = time.monotonic(), False

    def _folded(self, paths: Sequence[Path]) -> dict[str, Any]:
        """Return the manifest on the disk with all journals applied, and with what the disk did not take."""
        full, _ = journal.folded(self._on_disk(), paths)
        return journal.fold(full, [loads(event)[0] for event in self._unwritten])

    def _on_disk(self) -> dict[str, Any]:
        try:
            with os.fdopen(open_plain(self._manifest), "rb") as file:
                value, _ = loads(file.read())
        except FileNotFoundError:
            return {}
        return value if isinstance(value, dict) else {}

    def _end(self) -> None:
        """Write the whole manifest, and remove the journals if every process has left or is gone."""
        paths = self._journals()
        if set(paths) <= {self._path}:
            self._finish(self._fold.result(), paths, open_runs={})
            return
        if not self._finish_all(paths):
            self._finish_all(paths)  # a process that left while the manifest was written saw no end of the session

    def _end_after_the_owner(self) -> None:
        """Fold the journals of a session whose owner has ended, if this is the last process of it."""
        paths = self._journals()  # before the manifest: a journal that is gone by now is in it
        if _status(self._on_disk()) in (None, "running"):
            return
        with suppress(FileNotFoundError):  # another process that leaves now folds them
            if not _unfinished(paths)[0]:
                self._finish_all(paths)

    def _finish_all(self, paths: Sequence[Path]) -> bool:
        """Fold all journals into the manifest, and return whether they could be removed: no process that may live goes on."""
        living, open_runs, unclosed = _unfinished(paths)
        full = self._folded(paths)
        with self.guard("digests of files whose writer was killed", ours=True):
            full = self._completed(full, unclosed)
        self._finish(full, () if living else paths, open_runs)
        return not living

    def _completed(self, full: dict[str, Any], unclosed: set[str]) -> dict[str, Any]:
        """Return the manifest with digests of the files that killed processes did not close, as they are now."""
        if not unclosed:
            return full
        from lineage.recording.digests import Digesting  # it loads what reads records: only where a process was killed

        digesting = Digesting(self.folder, (), f"its writer was killed; the file was recorded at {now()}, as it was then")
        made = {entry["file"]: digesting.completed(entry) for entry in full["artifacts_generated"] if entry.get("file") in unclosed}
        return journal.fold(full, [{"event": "artifact", "artifact": entry} for entry in made.values() if entry])

    def _finish(self, full: dict[str, Any], paths: Sequence[Path], open_runs: Mapping[str, str]) -> None:
        """Write the manifest; remove the journals *paths* once the manifest on the disk holds them."""
        default = UNENDED if paths else None  # with journals that stay, a process goes on, and so may its activities
        activities = [_ended(one, open_runs, default) for one in full.get("activities", ())]
        replace_file(self._manifest, as_bytes(full | {"activities": activities}, indent=True) + b"\n")
        for path in paths:
            path.unlink(missing_ok=True)


def _unfinished(paths: Sequence[Path]) -> tuple[bool, dict[str, str], set[str]]:
    """What processes did not end.

    Returns:
        Whether a process that may live has not left; the activities that processes which are gone left open, with the
        reason; the files that they left open.
    """
    living = False
    open_runs: dict[str, str] = {}
    files: set[str] = set()
    for path in paths:
        events, _ = journal.read(path)
        if journal.left(events):
            continue
        mark = journal.process_of(events)
        if mark is None or process.is_alive(mark) is not False:
            living = True
            continue
        bodies = (event.get("activity") for event in events)
        open_runs |= {body["id"]: GONE for body in bodies if isinstance(body, dict) and isinstance(body.get("id"), str)}
        files |= journal.unclosed(events)
    return living, open_runs, files


def _ended(activity: Any, open_runs: Mapping[str, str], default: str | None) -> Any:
    """Return an activity that was left running as interrupted; when it ended was not observed."""
    if not isinstance(activity, dict) or activity.get("status") != "running":
        return activity
    reason = open_runs.get(str(activity.get("id")), default)
    if reason is None:
        return activity
    gaps = activity.get("gaps")
    return {**activity, "status": "interrupted", "gaps": {**(gaps if isinstance(gaps, dict) else {}), "ended_at": reason}}


def _status(full: Mapping[str, Any]) -> object:
    return full.get("status")
