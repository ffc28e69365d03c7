"""How a session begins and ends: what `Session` is apart from what it records."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, NoReturn, Self

from lineage.capture import environment, git, process, program
from lineage.contract import manifest
from lineage.contract.plain import plain
from lineage.contract.times import now
from lineage.core import secrets
from lineage.core.writing import make_folder
from lineage.errors import UsageError
from lineage.facts import CodeVersion, Gap, Status
from lineage.known_by import KnownBy
from lineage.recording import joining
from lineage.recording.ending import Block, Ending, Termination, close_all, ending
from lineage.recording.guard import Guard
from lineage.recording.inputs import PathLike
from lineage.recording.log import Log
from lineage.recording.run import Run

DISABLED = "LINEAGE_DISABLED"
HOW_TO_OPEN = "write `with lineage.session(...) as session:`, or call session.open()"


class Lifecycle(Block):
    """A session that is not yet open, open, or closed."""

    def __init__(
        self,
        folder: Path,
        *,
        title: str | None,
        graphs: Path | None,
        script: PathLike | None,
        seeds: Mapping[str, int] | None,
        asked: Mapping[str, str | None],
        looked_up: Sequence[str] = (),
        export: bool,
    ) -> None:
        self.folder, self.title, self._graphs, self._seeds, self._asked, self._export = folder, title, graphs, seeds, asked, export
        self._looked_up = looked_up  # of what was asked for: not the caller's word, but the system's
        self.recording = os.environ.get(DISABLED, "") in ("", "0")
        self.guard = Guard()
        self._seen = git.Seen(CodeVersion(git_sha=None), program.given(script) if script else program.running())
        self._member = joining.alone()
        self._log = Log(folder, self.id, owner=True, guard=self.guard)
        self._before: dict[str, str | None] = {}
        self._state: Literal["new", "open", "closed"] = "new"
        self._pid = os.getpid()
        self._open_runs: dict[str, Run] = {}
        self._termination = Termination()

    def without_script(self) -> None:
        """Record no script: a command is wrapped that has none, and the code is that of the working directory."""
        self._seen = git.Seen(CodeVersion(git_sha=None), program.NONE)

    @property
    def manifest(self) -> Path:
        """Where the session's manifest is. It is brought up to date first, so that its reader finds every event."""
        if self._state == "open" and self.recording:
            self._log.settle()
        return manifest.path_of(self.folder, self.id)

    @property
    def id(self) -> str:
        """The session's id; a process that joins a session gets its id when it opens."""
        return self._member.session_id

    @property
    def owner(self) -> bool:
        """Whether this process opened the session; others joined it."""
        return self._member.owner

    @property
    def is_main(self) -> bool:
        """Whether this process records what all ranks of a distributed job do together, as a training."""
        return self._member.is_main

    @property
    def world_size(self) -> int:
        """Number of processes of the distributed job that this one is part of; 1 outside of one."""
        return self._member.world_size

    def open(self) -> Self:
        """Open the session and return it. The `with` statement calls this.

        Nothing that goes wrong with recording raises here; a folder that cannot be written to raises when records are.

        Raises:
            UsageError: The session is open, or was closed.
        """
        if self._state != "new":
            todo = "close it first" if self._state == "open" else "make a new one with lineage.session(...)"
            raise UsageError(f"the session is {'open already' if self._state == 'open' else 'closed'}", at=self.id, hint=todo)
        with self.guard("the folder"):
            make_folder(self.folder)
        self._state, self._pid = "open", os.getpid()
        if self.recording:
            with self.guard("the session of the job"):
                self._member = joining.membership(self.folder)
            self._log = Log(self.folder, self.id, owner=self.owner, guard=self.guard)
            self._termination.watch()
            self._begin_or_end()
            atexit.register(self._left_open)
        return self

    def close(self, status: Status = "completed") -> None:
        """End the session. The `with` statement calls it; a second call changes nothing.

        Args:
            status: How the session ended.

        Raises:
            UsageError: The session was never opened.
        """
        self._close(Ending(status))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a session cannot be sent to another process; open lineage.session(...) there: it joins this one")

    # --- beginning and end

    def _left_open(self) -> None:
        """End a session that the program left open when it ended: a notebook, or a forgotten close()."""
        if self._state == "open" and self._pid == os.getpid():
            self.guard.tell("the end of the session", "the program ended while the session was open")
            self._export = False  # the interpreter shuts down
            self.close("interrupted")

    def _close(self, how: Ending) -> None:
        if self._state == "new":
            raise UsageError("the session is not open", hint=HOW_TO_OPEN)
        if self._state == "closed":
            return
        self._termination.defer()
        atexit.unregister(self._left_open)
        try:
            close_all(run.abandon for run in list(self._open_runs.values()))
        finally:
            self._state = "closed"
            self._end(how)

    def _end(self, ending: Ending) -> None:
        """Record the end: of the session if this process opened it, else only that this process is done."""
        is_forked = self._pid != os.getpid()
        if not self.recording or (is_forked and not self._log.is_used):
            return
        if self.owner and not is_forked:
            self._record_end(ending)
        self._log.leave()
        if is_forked:
            return
        for name, value in self._before.items():
            _put_variable(name, value)
        if self.owner and self._member.file:
            with self.guard("the file of the job"):
                self._member.file.unlink(missing_ok=True)
        self._termination.unwatch()  # from here on nothing is lost: the documents can be exported again
        if self.owner and self._export:
            self._write_prov()

    def _record_end(self, ending: Ending) -> None:
        self._log.add({"event": "session", "session": self._runtime()})
        changed = self._look_again()
        gaps = manifest.gaps_json([*self._seen.code.gaps, *self.guard.gaps])
        last: dict[str, Any] = {"status": ending.status, "ended_at": now(), "environment": changed, "gaps": gaps}
        if ending.error:
            last["error"] = dict(ending.error)
        self._log.add({"event": "session", "session": last})

    def _begin_or_end(self) -> None:
        """Begin. No `with` statement ends a session that is left while it opens, so it is ended here."""
        is_open = False
        try:
            self._begin()
            is_open = True
        finally:
            if not is_open and self._log.is_used:
                self._close(ending(sys.exc_info()[1]))
            elif not is_open:  # nothing was recorded
                self._state = "closed"
                self._termination.unwatch()

    def _begin(self) -> None:
        self._look_at_code()
        if not self.owner:
            self._log.add()  # begins the journal, so that others know of this process
            return
        self._before = {name: os.environ.get(name) for name in (joining.VARIABLE, joining.OWNER)}
        os.environ |= {joining.VARIABLE: os.path.realpath(manifest.path_of(self.folder, self.id)), joining.OWNER: str(os.getpid())}
        self._log.add({"event": "session", "session": self._opening()}, *self._kept())

    def _look_at_code(self) -> None:
        with self.guard("the code version", ours=True):
            self._seen = git.look(self._seen.program, folder=Path.cwd(), keep_in=self.folder if self.owner else None)

    def _look_again(self) -> dict[str, Any]:
        """Look at the code as the session ends; return its keys of `environment` where they changed."""
        before = self._seen.code
        with self.guard("the code version", ours=True):
            self._seen = git.look_again(self._seen)
            self._log.add(*self._kept())
        return manifest.code_json(self._seen.code) if self._seen.code != before else {}

    def _kept(self) -> list[dict[str, Any]]:
        return [{"event": "artifact", "artifact": manifest.artifact_json(kept)} for kept in self._seen.artifacts]

    def _runtime(self) -> dict[str, Any]:
        """Return what only torch knows of the environment, for the session's manifest; nothing while it is not loaded."""
        if not self.recording:
            return {}
        with self.guard("the environment of torch", ours=True):
            late, missing = environment.runtime()
            return {"environment": late, "gaps": manifest.gaps_json(missing)}
        return {}

    def _opening(self) -> dict[str, Any]:
        """Return the first event of the session, which its owner writes."""
        seen: dict[str, Any] = {}
        missing: tuple[Gap, ...] = ()
        with self.guard("the environment", ours=True):
            seen, missing = environment.environment()
        about: dict[str, Any] = {
            "session_id": self.id,
            "schema": manifest.SCHEMA,
            "title": secrets.redact(self.title) if self.title else self.title,
            "status": "running",
            "started_at": now(),
            "ended_at": None,
            "environment": {**seen, **manifest.code_json(self._seen.code)},
            "loader_config": {},
            "gaps": manifest.gaps_json([*missing, *self._seen.code.gaps, *self.guard.gaps]),
        }
        with self.guard("the mark of the process"):
            about["process"] = process.process_mark()
        if self.world_size > 1:
            about["environment"]["world_size"] = self.world_size
        if self._seeds:
            about["environment"]["seeds"], lost = plain(self._seeds, "seeds")
            about["gaps"] |= manifest.gaps_json(lost)
        asked = {key: value for key, value in self._asked.items() if value is not None}
        known = {key: KnownBy.OBSERVED.value for key in self._looked_up if key in asked}
        return about | asked | ({"known": known} if known else {})

    def _write_prov(self) -> None:
        with self.guard("the PROV documents", ours=True):
            from lineage.export import export_folder

            export_folder(self.folder, graphs=self._graphs)

    def add(self, *events: Mapping[str, Any]) -> None:
        """Write events to the journal; nothing when recording is off.

        Raises:
            UsageError: The session is not open.
        """
        self.require_open()
        if self.recording:
            self._log.add(*events)

    def require_open(self) -> None:
        """Raise a UsageError unless the session is open."""
        if self._state == "new":
            raise UsageError("the session is not open", hint=HOW_TO_OPEN)
        if self._state == "closed":
            raise UsageError("the session is closed", at=self.id, hint="record inside its `with` statement, or make a new session")

    def opened(self, run: Run) -> None:
        """Remember a run that must be closed before the session is."""
        self._open_runs[run.id] = run

    def forked(self) -> None:
        """Handle SIGTERM in a process that was forked off and records, as in the one that opened the session."""
        if self._termination.is_inherited():
            self._termination = Termination()
            self._termination.watch()

    def closed(self, run: Run) -> None:
        """Forget a run that is closed."""
        self._open_runs = {key: one for key, one in self._open_runs.items() if one is not run}

    def exclusive(self) -> AbstractContextManager[None]:
        """One thread at a time may change what is recorded."""
        return self._log.exclusive()

    def refresh(self) -> None:
        """Bring the manifest up to date with what other processes of the session wrote."""
        if self.recording:
            self._log.refresh()

    @property
    def why_no_version(self) -> str:
        """Why the script has no version."""
        return git.why_no_version(self._seen.code)

    def relative(self, path: Path) -> str:
        """*path* from the session's folder, with `/`."""
        return Path(os.path.relpath(path.absolute(), self.folder.absolute())).as_posix()

    def claimed(self, path: Path) -> bool:
        """Did a process of this session say that it makes the file at *path*?"""
        return self._log.claimed(self.relative(path))

    def has_others(self) -> bool:
        """Return whether other processes take part in the session."""
        return not self.owner or self._log.has_others()


def _put_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
