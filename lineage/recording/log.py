"""What one process knows of a session, on its way to the disk: its journal, and the manifest if the session is its own."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lineage.contract import journal, manifest
from lineage.contract.strict import loads
from lineage.contract.writing import as_bytes
from lineage.core.writing import replace_file
from lineage.facts import Artifact
from lineage.recording.guard import Guard

Event = dict[str, Any]


class Log:
    """Appends events to the process's own journal; the owner of the session also keeps the manifest up to date."""

    def __init__(self, folder: Path, session_id: str, *, owner: bool, guard: Guard) -> None:
        self.folder, self.session_id, self.owner, self.guard = folder, session_id, owner, guard
        self._events: list[Event] = []  # kept too: a full disk must not make the last manifest poorer than it need be
        self._pid = 0
        self._lock, self._locked_by = threading.RLock(), os.getpid()
        self._torn = False
        self._descriptor: int | None = None

    def add(self, *events: Mapping[str, Any]) -> None:
        """Append *events*, and bring the manifest up to date."""
        with self.exclusive():
            self._events += [dict(event) for event in events]
            with self.guard("the journal"):
                for event in events:
                    self._append(as_bytes(event))
            self.refresh()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """One thread at a time; a fork does not wait for a thread that it does not have."""
        if self._locked_by != os.getpid():
            self._lock, self._locked_by = threading.RLock(), os.getpid()
        with self._lock:
            yield

    def _append(self, event: bytes) -> None:
        """One line; what a full disk left of an earlier one is ended first, so that it spoils nothing but itself."""
        try:
            journal.append(self._own(), b"\n" + event if self._torn else event)
        except OSError:
            self._torn = True
            raise
        self._torn = False

    def refresh(self) -> None:
        """Rewrite the manifest from all journals; only the owner does, so that no late writer puts an old one over a new one."""
        if self.owner and os.getpid() == self._pid:
            with self.exclusive(), self.guard("the manifest"):
                self._write()

    def _write(self) -> None:
        path = manifest.path_of(self.folder, self.session_id)
        folded, _ = journal.folded({}, journal.journals(self.folder, self.session_id))
        replace_file(path, as_bytes(journal.fold(folded, self._events), indent=True) + b"\n")

    def claimed(self, file: str) -> bool:
        """Does any process of this session write to *file*? The owner folds finished journals into the manifest."""
        with self.guard("the journals"):
            paths = journal.journals(self.folder, self.session_id)
            if any(_names(event, file) for path in paths for event in journal.read(path)[0]):
                return True
            return any(artifact.path == file for artifact in self._folded())
        return False

    def _folded(self) -> tuple[Artifact, ...]:
        """The artifacts of the manifest, journals and all."""
        session, _ = manifest.read(manifest.path_of(self.folder, self.session_id))
        return session.artifacts if session else ()

    def has_others(self) -> bool:
        """Are there journals of other processes?"""
        with self.guard("the journals"):
            own = self._descriptor is not None and self._pid == os.getpid()
            return len(journal.journals(self.folder, self.session_id)) > own
        return True

    def _own(self) -> int:
        """The descriptor of this process's journal; a fork gets a journal of its own."""
        if self._descriptor is None or self._pid != os.getpid():
            if self._pid and self._pid != os.getpid():
                self._events, self.owner = [], False
            self._pid = os.getpid()
            name = journal.journal_path(self.folder, self.session_id, f"{self._pid}-{uuid.uuid4().hex[:8]}")
            self._descriptor = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o644)
        return self._descriptor

    def leave(self) -> None:
        """Say that this process is done; the owner folds all finished journals into the manifest and removes them."""
        self.add({"event": "left"})
        if self._descriptor is not None and self._pid == os.getpid():
            os.close(self._descriptor)
            self._descriptor = None
        if self.owner:
            with self.guard("the journals"):
                self._fold_away()

    def _fold_away(self) -> None:
        """Remove the journals that the manifest on disk already holds: those of processes that have left."""
        done = [path for path in journal.journals(self.folder, self.session_id) if journal.left(journal.read(path)[0])]
        raw = loads(manifest.path_of(self.folder, self.session_id).read_bytes())[0]
        if isinstance(raw, dict) and journal.folded(raw, done)[0] == raw:
            for path in done:
                path.unlink()


def _names(event: Mapping[str, Any], file: str) -> bool:
    body = event.get("artifact")
    return isinstance(body, dict) and body.get("file") == file
