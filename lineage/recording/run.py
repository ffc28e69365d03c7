"""An activity of a session while it takes place: what a user holds inside `with session.generation(...) as run:`."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self

from lineage.contract import manifest
from lineage.contract.lines import holds_records
from lineage.contract.plain import plain
from lineage.contract.strict import loads
from lineage.contract.times import now
from lineage.core import secrets
from lineage.errors import UsageError
from lineage.facts import Activity, Artifact, Gap, Status
from lineage.known_by import Known, KnownBy, value_sources, with_values
from lineage.recording.calls import DIFFER, VARIED, Call, Calls
from lineage.recording.ending import Block, Ending, close_all, ending
from lineage.recording.inputs import Data, Paths, paths_of, used_data
from lineage.recording.inputs import PathLike as PathLike
from lineage.recording.outputs import Exists
from lineage.recording.prepared import dump
from lineage.recording.tally import Facts
from lineage.recording.workers import before_exit
from lineage.recording.writer import Numbering, RecordWriter

if TYPE_CHECKING:
    from lineage.recording.session import Session

WRITTEN: Known = {"activity": KnownBy.OBSERVED, "role": KnownBy.OBSERVED}  # of a file that the recorder wrote itself


def new_id() -> str:
    """An activity's id: 32 hex digits nobody else draws."""
    return uuid.uuid4().hex


class Run(Block):
    """An activity of a session. A context manager: it ends as `completed`, `failed` or `interrupted`.

    A process that is forked off inside a run, and records something, has a run of its own from then on.
    """

    keeps_metadata = False  # records that come with metadata keep it as it is
    is_shared = False  # the ranks of a distributed job take part in it together, and the main one records it

    def __init__(self, session: Session, fact: Activity, provenance: Mapping[str, Any]) -> None:
        self.session, self._fact, self._provenance = session, fact, provenance
        self._numberings: dict[Path, Numbering] = {}
        self._writers: list[RecordWriter] = []
        self._state: Literal["new", "open", "closed"] = "new"
        self._pid = os.getpid()
        self._at_end: list[Callable[[], None]] = []
        self._calls = Calls(session.exclusive, self._update)
        self._params: tuple[Activity, Call | None, Mapping[str, Any]] = (fact, None, fact.params)

    @property
    def id(self) -> str:
        """The `run_id` of every record it writes."""
        return self._fact.id

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters it was given, and those that all calls of its model had in common. The same object while nothing changes."""
        fact, common = self._fact, self._calls.common
        if self._params[0].params is not fact.params or self._params[1] is not common:
            self._params = (fact, common, fact.params if common is None else {**common.params, **fact.params})
        return self._params[2]

    @property
    def calls(self) -> Calls | None:
        """The calls of its model that a wrapper reported; None while there are none."""
        return None if self._calls.common is None else self._calls

    @property
    def is_silent(self) -> bool:
        """Whether another rank of the job records this run."""
        return self.is_shared and not self.session.is_main

    def open(self) -> Self:
        """Open the run and return it. The `with` statement calls this.

        Raises:
            UsageError: The run is open, or was closed, or its session is not open.
        """
        self.session.require_open()
        if self._state != "new":
            raise UsageError(f"the run is {self._state} already", at=self.id, hint="make a new one, as session.generation(...)")
        self._state, self._pid = "open", os.getpid()
        self._update(started_at=now())
        self.session.opened(self)
        return self

    def close(self, status: Status = "completed") -> None:
        """End the run and its writers. The `with` statement calls it; a second call changes nothing.

        Raises:
            UsageError: The run was never opened.
            OSError: Records could not be written.
        """
        self._close(Ending(status))

    def abandon(self) -> None:
        """End a run that its session is closed over: that it was left open is recorded, and not how it ended."""
        with self.session.exclusive():
            self._fact = replace(self._fact, gaps=(*self._fact.gaps, Gap("ended_at", "the session was closed while the run was open")))
        self._close(Ending("interrupted"), ended_at=None)

    @property
    def used(self) -> tuple[Artifact, ...]:
        """The inputs of the run, as they are recorded."""
        return self._fact.used

    # --- what a user calls

    def records(self, path: PathLike, *, type: str = "training_data", exists: Exists | None = None) -> RecordWriter:
        """Open a file of records, and return its writer. A file that this session made is appended to.

        Args:
            path: Relative to the session's folder. It ends in `.jsonl`, `.jsonl.gz` or `.jsonl.zst`; the last two are compressed.
            type: What the records are.
            exists: What to do with a file that another session made: "append" adds to it, "number" takes the next free
                name (`out-2.jsonl`), "replace" deletes it first. Without a choice the call fails.

        Raises:
            OutputExistsError: The file exists, and no choice was made. It is a `FileExistsError` too.
            UsageError: The name has another suffix or leads out of the folder, or there is no such choice.
            OSError: The file cannot be created or opened.
        """
        self.require_open()
        output = self.session.outputs.open(path, exists)
        writer = RecordWriter(self, output, type=type)
        self.continued(writer, type)
        return writer

    def use(self, path: Data, *, role: str = "input", type: str = "dataset") -> None:
        """Record that the run used something that was not known when it began, as it is now.

        Args:
            path: A file or folder, a data set in memory, or an iterable of them.
            role: What it was used as: "input", "prompts", "trainingData", "validationData", "testSet", or a word of your own.
            type: What it is: "dataset", "prompts", "test_set", "model", ...

        Raises:
            TypeError: *path* is something else.
        """
        self.require_open()
        used = tuple(used_data(self.session, path, "path", type=type, role=role))
        with self.session.exclusive():
            self._update(used=(*self._fact.used, *used))

    def output(self, path: Paths, *, type: str = "output", role: str = "output") -> None:
        """Record that the run made a file or folder, as it is now.

        Args:
            path: A path relative to the session's folder, or an iterable of them.
            type: What it is: "model", "adapter", "training_data", ...
            role: What it was made as.

        Raises:
            TypeError: *path* is something else.
            UsageError: It is outside the folder, or a file that the session or its export writes.
        """
        paths = paths_of(path, "path")
        self.require_open()
        if self.is_silent:
            return
        self._become_child()
        for one in paths:
            self._made(self._made_at(one, type=type, role=role))

    def _made_at(self, path: PathLike, *, type: str, role: str) -> Artifact:
        """Return the file or folder at *path* as it is now; a file of records is read from end to end."""
        target = self.session.outputs.inside(path)
        facts = {"type": type, "role": role, "activity": self.id}
        is_scanned = holds_records(target) and target.is_file()
        return self.session.outputs.scanned(target, **facts) if is_scanned else self.session.output(path, **facts)

    def wraps(self, command: Sequence[str]) -> None:
        """Record the command that does the work, without its secrets."""
        self._update(command=tuple(secrets.command_line(command)))

    def finished(self, exit_code: int) -> None:
        """Record the exit code of that command."""
        self._update(exit_code=exit_code)

    def gap(self, about: str, reason: str) -> None:
        """Record that something could not be learnt, and why."""
        with self.session.exclusive():
            self._update(gaps=(*self._fact.gaps, Gap(secrets.redact(about), secrets.redact(reason))))

    def hidden(self, reasons: Mapping[str, str]) -> None:
        """Record why values of records' own parameters are not recorded, each once."""
        for about, reason in reasons.items():
            if Gap(about, reason) not in self._fact.gaps:
                self.gap(about, reason)

    def learned(self, *, params: Mapping[str, Any] | None = None, known_by: KnownBy = KnownBy.CLAIMED, **facts: Any) -> None:
        """Add what was only learnt while the run took place to its parameters; what was given before stays, and a gap tells of another value.

        *known_by* is how the values are known: observed, where they were read from the library that uses them.
        """
        told, gaps = plain({**(params or {}), **facts}, "params")
        with self.session.exclusive():
            known = self._fact.params
            other = [
                Gap(f"params.{key}", f"{value!r} was in force too") for key, value in told.items() if key in known and known[key] != value
            ]
            gaps = tuple(gap for gap in (*gaps, *other) if gap not in self._fact.gaps)
            values = {**dict.fromkeys(told, known_by), **value_sources(self._fact, "params")}
            values |= {key: known_by for key, value in told.items() if known_by is KnownBy.OBSERVED and known.get(key, value) == value}
            sources = with_values(self._fact.known, "params", values)
            self._update(params={**told, **known}, gaps=(*self._fact.gaps, *gaps), known=sources)

    def called(self, params: Mapping[str, Any], gaps: Mapping[str, str]) -> None:
        """Record a call of the model that has returned: records written from now on in this thread or task are its work.

        Args:
            params: Parameters in force, by name, the seed too.
            gaps: Reason for each parameter that is not known, by its name.
        """
        self._calls.add(params, gaps)

    def failed(self, params: Mapping[str, Any], gaps: Mapping[str, str]) -> None:
        """Note a call of the model that raised: a record that follows is not surely the work of the call before.

        Args:
            params: Parameters in force, by name, the seed too.
            gaps: Reason for each parameter that is not known, by its name.
        """
        self._calls.failed(params, gaps)

    def at_end(self, call: Callable[[], None]) -> None:
        """Call *call* when the run ends, however it ends."""
        self._at_end.append(call)

    # --- taking place

    def __reduce__(self) -> NoReturn:
        raise TypeError("a run cannot be sent to another process; open lineage.session(...) and a run of its own there")

    def require_open(self) -> None:
        """Raise a UsageError unless the run is open."""
        if self._state != "open":
            problem = "not open" if self._state == "new" else "closed"
            raise UsageError(f"the run is {problem}", at=self.id, hint="use it inside its `with` statement, or call run.open() first")

    def _close(self, how: Ending, **changes: Any) -> None:
        if self._state == "new":
            self.require_open()
        if self._state == "closed":
            return
        is_forked = self._pid != os.getpid()
        for call in () if is_forked else self._at_end:
            with self.session.guard("the end of a run"):
                call()
        try:
            close_all(writer.close for writer in ([] if is_forked else self._writers))
        except OSError as error:
            how = ending(error) if how.status == "completed" else how
            raise
        finally:
            if not is_forked:  # else the run is the parent's, which goes on
                self._update(**({"ended_at": now()} | changes), status=how.status, error=how.error)
            self._state = "closed"
            self.session.closed(self)

    def _become_child(self) -> None:
        """Become a run of its own in a process that was forked off; the parent's run goes on there."""
        if self._pid == os.getpid():
            return
        self._pid, self._writers = os.getpid(), []
        self._fact = replace(self._fact, id=new_id(), made=(), started_at=now())
        self._calls.follow(self._update)
        self.session.opened(self)
        self.session.forked()
        before_exit(self._end_child, order=1)

    def _end_child(self) -> None:
        """End a run of a process that multiprocessing ends: no `with` statement does it there."""
        if self._state == "open":
            with self.session.guard("the end of a forked process"):
                self.gap("status", "the process ended; whether its code failed was not observed")
                self.close()
                self.session.close()

    def _update(self, **changes: Any) -> None:
        self._become_child()
        with self.session.exclusive():
            self._fact = replace(self._fact, **changes)
            self._publish()

    def _publish(self, *events: Mapping[str, Any]) -> None:
        """Write *events* and the run as it is now to the journal."""
        if self.is_silent:
            return
        with self.session.guard(f"run {self.id}"):
            self.session.add(*events, {"event": "activity", "activity": manifest.activity_json(self._recorded())})

    def _recorded(self) -> Activity:
        """Return the activity as the manifest states it: with the parameters that all calls of its model have in common."""
        common = self._calls.common
        return self._fact if common is None else _with_calls(self._fact, common)

    def _add(self, path: str, type: str, role: str) -> None:
        """Name a file that is being written."""
        self._made(Artifact(path=path, type=type, role=role, activity=self.id, known=WRITTEN))

    def _made(self, artifact: Artifact) -> None:
        self._become_child()
        with self.session.exclusive():
            others = tuple(one for one in self._fact.made if one.path != artifact.path)
            self._fact = replace(self._fact, made=(*others, artifact))
            self._publish({"event": "artifact", "artifact": manifest.artifact_json(artifact)})

    # --- what the writer asks

    def shared_metadata(self) -> dict[str, Any]:
        """What the metadata of all its records has in common, but for their parameters, as a reader will find it."""
        ids = {"session_id": self.session.id, "run_id": self.id}
        with self.session.guard("the metadata of records", ours=True):
            script = self._fact.script
            shared = {"provenance": self._provenance, "script_version": script.version if script else None}
            shared |= {"script_name": script.path if script else None, **ids}
            if not script or script.version is None:
                shared["gaps"] = {"script_version": self.session.why_no_version}
            return dict(loads(dump(shared))[0])
        return {"provenance": None, "script_version": None, **ids, "gaps": {"provenance": "it could not be serialised"}}

    def numbering(self, path: Path) -> Numbering:
        """The indexes of the records that the run writes to *path*: they go on when the file is opened again."""
        return self._numberings.setdefault(path, Numbering())

    def forked(self) -> Run:
        """Return the run under which a process that was forked off writes, so that no two records have one index."""
        if self._pid != os.getpid():
            self._numberings = {}
            self._update()
        return self

    def continued(self, writer: RecordWriter, type: str) -> None:
        """Name the file of a writer that begins, also in a process that was forked off, and close it with the run."""
        self._writers.append(writer)
        self._add(self.session.relative(writer.path), type, role="records")

    def wrote(self, path: Path, type: str, facts: Facts | None) -> None:
        """Record a file that its writer has closed; without *facts* the file is read from end to end."""
        if facts is None:
            self._made(replace(self.session.outputs.scanned(path, type=type, role="records", activity=self.id), known=WRITTEN))
            return
        if facts.problem:
            self.session.guard.tell(f"the sidecar of {path.name}", facts.problem.strerror or str(facts.problem))
        made = Artifact(path=self.session.relative(path), type=type, role="records", activity=self.id, timestamp=now(), known=WRITTEN)
        self._made(replace(made, **asdict(facts.seal), count=facts.count, slices=facts.slices))


def _with_calls(fact: Activity, common: Call) -> Activity:
    """Return *fact* with the parameters of its calls. A given value stays, and a gap names what was in force instead."""
    given = fact.params
    unlike = {
        key: f"given as {given[key]!r}; calls were made with {value!r}"
        for key, value in common.params.items()
        if key in given and given[key] != value
    }
    gaps = {key: VARIED if reason == DIFFER else reason for key, reason in common.gaps.items()} | unlike
    others = tuple(Gap(f"params.{key}", reason) for key, reason in gaps.items())
    called = {key for key in common.params if key not in given or given[key] == common.params[key]}
    sources = with_values(fact.known, "params", {**value_sources(fact, "params"), **dict.fromkeys(called, KnownBy.OBSERVED)})
    return replace(
        fact, params={**common.params, **given}, known=sources, gaps=(*fact.gaps, *(gap for gap in others if gap not in fact.gaps))
    )
