"""Close one session: steps 1 to 6 of `lineage.recording.close`."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import Any, get_args

from lineage.capture.process import is_alive
from lineage.contract import journal, manifest
from lineage.contract.strict import loads
from lineage.contract.times import now
from lineage.contract.writing import as_bytes
from lineage.core import limits
from lineage.core.reading import open_plain
from lineage.core.writing import create, move_aside, replace_file, sync_folder
from lineage.facts import Status
from lineage.findings import Finding, finding
from lineage.recording.digests import Digesting, incomplete
from lineage.recording.journal_stream import JournalStream, in_order

Event = Mapping[str, Any]
Elsewhere = Callable[[str], Collection[str]]  # the files that other sessions than this one made
ENDED = frozenset(get_args(Status)) - {"running"}


@dataclass(frozen=True, slots=True)
class Living:
    """A process of a session that may still run.

    Attributes:
        pid: Its number on its machine; None if nobody recorded it.
        journal: The name of its journal; None for the process that opened the session, if it has none.
        is_known: Whether it runs on this machine. False: nothing tells whether it still runs.
    """

    pid: int | None
    journal: str | None
    is_known: bool

    def __str__(self) -> str:
        who = "a process that left no mark" if self.pid is None else f"process {self.pid}"
        where = f" ({self.journal})" if self.journal else ""
        return f"{who}{where} {'still runs' if self.is_known else 'may still run: it cannot be seen from here'}"


@dataclass(slots=True)
class Closing:
    """A session that may have to be closed, as it is on the disk now."""

    path: Path
    written: bytes | None  # the manifest's bytes; None where there is none
    top: dict[str, Any]
    streams: list[JournalStream]
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def look(cls, path: Path, names: Sequence[str]) -> Closing | None:
        """Read the manifest at *path*, and what its journals say of their processes.

        Args:
            path: Where the manifest is, or would be if its process had come so far.
            names: The journals of the folder, sorted.

        Returns:
            None if the manifest is there and cannot be read: it is not replaced.

        Raises:
            OSError: The manifest or a journal cannot be read.
        """
        written = _bytes(path)
        top = {} if written is None else loads(written)[0]
        if not isinstance(top, dict) or str(top.get("session_id", _id(path))) != _id(path):
            return None
        streams = [JournalStream.look(one) for one in journal.journals(path.parent, _id(path), names)]
        return cls(path, written, top, streams, [one for stream in streams for one in stream.findings])

    @property
    def session_id(self) -> str:
        """The id of the session."""
        return _id(self.path)

    @property
    def living(self) -> tuple[Living, ...]:
        """The processes that may still run, each once."""
        found = [self._living(self._mark(stream), stream.path.name) for stream in self.streams if not stream.has_left]
        if self.top.get("status") == "running" and not any(stream.mark == self._owner for stream in self.streams):
            found.append(self._living(self._owner, None))
        return tuple({(one.pid, one.is_known): one for one in reversed(found) if one}.values())[::-1]

    def close(self, elsewhere: Elsewhere, force: bool) -> str | None:
        """Bring the manifest to its end; returns the status that it says then, or None if there was nothing to do.

        Raises:
            OSError: The manifest or a journal cannot be written or read.
        """
        folding, last_writer = self._folded()
        is_kept = force and bool(self.living)
        concluded = [*self._conclusions(folding, last_writer), *self._digested(folding, last_writer, elsewhere)]
        if not concluded and (is_kept or not self.streams):
            return None
        aside = {} if is_kept else {stream: _aside(stream) for stream in self.streams if stream.findings}
        events = [*concluded, *(_entry(stream, name) for stream, name in aside.items())]
        conclusion = self._write_conclusion(events) if self.streams else None
        done = journal.fold(folding, events)
        self._write_manifest(done)
        if conclusion and not is_kept:
            self._clear(aside)
            conclusion.unlink(missing_ok=True)
        return str(done.get("status"))

    # --- what the journals say

    @property
    def _owner(self) -> Mapping[str, Any] | None:
        """The mark of the process that opened the session."""
        mark = self.top.get("process")
        return mark if isinstance(mark, dict) else next((one.mark for one in self.streams if one.mark), None)

    def _mark(self, stream: JournalStream) -> Mapping[str, Any] | None:
        """The process that wrote a journal; one that does not say was the owner, or a fork of it."""
        return self._owner if stream.mark is None else stream.mark

    @staticmethod
    def _living(mark: Mapping[str, Any] | None, name: str | None) -> Living | None:
        alive = is_alive(mark or {})
        pid = (mark or {}).get("pid")
        return None if alive is False else Living(pid if type(pid) is int else None, name, bool(alive))

    def _folded(self) -> tuple[dict[str, Any], dict[str, JournalStream]]:
        """The manifest with the journals applied, and the journal that last spoke of each activity and file."""
        last_writer: dict[str, JournalStream] = {}

        def events() -> Iterator[Event]:
            for stream, event in in_order(self.streams, self._owner):
                for key in ("activity", "artifact"):
                    if isinstance(event.get(key), dict):
                        last_writer[_key(key, event[key])] = stream
                yield event

        return journal.fold({"session_id": self.session_id, **self.top}, events()), last_writer

    def _runs(self, writer: JournalStream | None) -> bool:
        """Whether the process that wrote a journal runs on this machine; then what it is at is left to it."""
        if writer is None or writer.has_left:
            return False
        return is_alive(self._mark(writer) or {}) is True

    # --- what is concluded

    def _conclusions(self, full: Mapping[str, Any], last_writer: Mapping[str, JournalStream]) -> Iterator[Event]:
        """The end of the session and of its activities was not observed: the time is null, with the reason."""
        gaps = {"ended_at": f"the process was killed; closed at {now()}"}
        for run in full["activities"]:
            if isinstance(run, dict) and _is_open(run.get("status")) and not self._runs(last_writer.get(_key("activity", run))):
                old = run["gaps"] if isinstance(run.get("gaps"), dict) else {}
                yield {"event": "activity", "activity": {**run, "status": "interrupted", "gaps": {**old, **gaps}}}
        if _is_open(full.get("status")) or (self.written is None and "status" not in full):
            yield {"event": "session", "session": {"status": "interrupted", "ended_at": None, "gaps": gaps}}

    def _digested(self, full: Mapping[str, Any], last_writer: Mapping[str, JournalStream], elsewhere: Elsewhere) -> Iterator[Event]:
        is_open = _is_open(full.get("status")) or (full.get("status") == "interrupted" and full.get("ended_at") is None)
        if not is_open and not self.streams:
            return
        entries = list(incomplete(full["artifacts_generated"], self._unclosed()))
        if not entries:
            return
        reason = f"its writer was killed; the file was recorded at {now()}, as it was then"
        digesting = Digesting(self.path.parent, elsewhere(self.session_id), reason)
        for entry in entries:
            made = None if self._runs(last_writer.get(_key("artifact", entry))) else digesting.completed(entry)
            if made:
                yield {"event": "artifact", "artifact": made}
        self.findings += digesting.findings

    def _unclosed(self) -> set[str]:
        """The files that processes wrote which did not leave in good order."""
        return {file for stream in self.streams if not stream.has_left for file in journal.unclosed(stream.events())}

    # --- what is written

    def _write_conclusion(self, events: Sequence[Event]) -> Path:
        """Write *events* to a journal that is applied after all others, so that a reader sees them whichever journals remain."""
        order = max(stream.last_order for stream in self.streams) + 1
        owner = self._owner
        clock = [] if owner is None else [{"event": "process", "process": {"pid": None, "boot": owner.get("boot")}}]
        every = [*clock, *events, {"event": "left"}]
        path = journal.journal_path(self.path.parent, self.session_id, f"closed-{secrets.token_hex(8)}")
        with os.fdopen(create(path), "wb") as file:
            file.writelines(as_bytes({**event, "order": order}) + b"\n" for event in every)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
        return path

    def _write_manifest(self, done: Mapping[str, Any]) -> None:
        if _bytes(self.path) != self.written:
            raise OSError(0, "it changed while the session was closed; close it again", str(self.path))
        self.written = as_bytes(done, indent=True) + b"\n"
        replace_file(self.path, self.written)

    def _clear(self, aside: Mapping[JournalStream, str]) -> None:
        """Remove the journals, or put them aside, if the manifest on the disk holds what was read of them."""
        if _bytes(self.path) != self.written:
            raise OSError(0, "it is not as it was written; the journals are kept", str(self.path))
        for stream in self.streams:
            if not stream.is_unchanged():
                raise OSError(0, "it changed while the session was closed; close it again", str(stream.path))
            if stream in aside:
                move_aside(stream.path, aside[stream])
                self.findings.append(
                    finding("torn-journal", stream.path.name, None, f"what it holds else is in the manifest; kept as {aside[stream]}")
                )
            else:
                stream.path.unlink()


def _id(path: Path) -> str:
    return manifest.session_id_of(path)


def _key(kind: str, body: Mapping[str, Any]) -> str:
    return f"{kind} {body.get('id' if kind == 'activity' else 'file')}"


def _bytes(path: Path) -> bytes | None:
    """The content of a manifest; None where there is none. Raises OSError where it is no regular file, or too large."""
    try:
        descriptor = open_plain(path)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(limits.JSON + 1)
    if len(data) > limits.JSON:
        raise OSError(0, f"larger than {limits.JSON} bytes", str(path))
    return data


def _aside(stream: JournalStream) -> str:
    """The name under which a journal is kept that is not read as one."""
    return f"{stream.path.name}.torn-{secrets.token_hex(4)}"


def _entry(stream: JournalStream, name: str) -> Event:
    """The journal that is put aside, among the files of the session: so it is signed and verified with it."""
    with os.fdopen(open_plain(stream.path), "rb") as file:
        sha256 = file_digest(file, "sha256").hexdigest()
        size = file.tell()
    entry = {"file": name, "type": "journal", "count": None, "timestamp": now(), "sha256": sha256, "bytes": size, "activity": None}
    return {"event": "artifact", "artifact": entry}


def _is_open(status: object) -> bool:
    """Tell whether a status says that its session or run goes on; a word that is no status says nothing of an end."""
    return status is not None and not (isinstance(status, str) and status in ENDED)
