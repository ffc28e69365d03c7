"""The activities of a session while they take place: what a user holds inside `with session.generation(...) as run:`."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self

from lineage.contract import manifest, report
from lineage.contract.lines import holds_records
from lineage.contract.metadata import artifact_metadata
from lineage.contract.plain import plain
from lineage.contract.strict import loads
from lineage.contract.times import now
from lineage.contract.writing import as_bytes
from lineage.core import secrets
from lineage.errors import UsageError
from lineage.facts import Activity, Artifact, Evaluation, Gap, Status
from lineage.recording.ending import Ending, ending
from lineage.recording.inputs import Data, Paths, paths_of, used_data
from lineage.recording.inputs import PathLike as PathLike
from lineage.recording.outputs import Exists, ReportExists
from lineage.recording.prepared import Calls, dump
from lineage.recording.tally import Facts
from lineage.recording.writer import Numbering, RecordWriter

if TYPE_CHECKING:
    from lineage.recording.session import Session


def new_id() -> str:
    """An activity's id: 32 hex digits nobody else draws."""
    return uuid.uuid4().hex


class Run:
    """An activity of a session. A context manager: it ends as `completed`, `failed` or `interrupted`.

    A process that is forked off inside a run, and records something, has a run of its own from then on.
    """

    keeps_metadata = False  # records that come with metadata keep it as it is
    is_shared = False  # the ranks of a distributed job take part in it together, and the main one records it
    calls: Calls | None = None  # of the function that generates; None while none was observed

    def __init__(self, session: Session, fact: Activity, provenance: Mapping[str, Any]) -> None:
        self.session, self._fact, self._provenance = session, fact, provenance
        self._numberings: dict[Path, Numbering] = {}
        self._writers: list[RecordWriter] = []
        self._state: Literal["new", "open", "closed"] = "new"
        self._pid = os.getpid()

    @property
    def id(self) -> str:
        """The `run_id` of every record it writes."""
        return self._fact.id

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters it was given."""
        return self._fact.params

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
        self._writers.append(writer)
        self._add(self.session.relative(writer.path), type, role="records")
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
        self._update(command=tuple(command))

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

    def learned(self, *, params: Mapping[str, Any] | None = None, **facts: Any) -> None:
        """Add what was only learnt while the run took place to its parameters; what was given before stays, and a gap tells of another value."""
        told, gaps = plain({**(params or {}), **facts}, "params")
        with self.session.exclusive():
            known = self._fact.params
            other = [
                Gap(f"params.{key}", f"{value!r} was in force too") for key, value in told.items() if key in known and known[key] != value
            ]
            gaps = tuple(gap for gap in (*gaps, *other) if gap not in self._fact.gaps)
            self._update(params={**told, **known}, gaps=(*self._fact.gaps, *gaps))

    # --- taking place

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close(ending(error))

    async def __aenter__(self) -> Self:
        return self.open()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close(ending(error))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a run cannot be sent to another process; open lineage.session(...) and a run of its own there")

    def require_open(self) -> None:
        """Raise a UsageError unless the run is open."""
        if self._state != "open":
            problem = "not open" if self._state == "new" else "closed"
            raise UsageError(f"the run is {problem}", at=self.id, hint="use it inside its `with` statement, or call run.open() first")

    def _close(self, ending: Ending, **changes: Any) -> None:
        if self._state == "new":
            self.require_open()
        if self._state == "closed":
            return
        is_forked = self._pid != os.getpid()
        try:
            for writer in [] if is_forked else self._writers:
                writer.close()
        finally:
            if not is_forked:  # else the run is the parent's, which goes on
                self._update(**({"ended_at": now()} | changes), status=ending.status, error=ending.error)
            self._state = "closed"
            self.session.closed(self)

    def _become_child(self) -> None:
        """Become a run of its own in a process that was forked off; the parent's run goes on there."""
        if self._pid == os.getpid():
            return
        self._pid, self._writers = os.getpid(), []
        self._fact = replace(self._fact, id=new_id(), made=(), started_at=now())
        self.session.opened(self)
        util = sys.modules.get("multiprocessing.util")  # its processes end by os._exit, after its own finalizers
        if util:
            util.Finalize(None, self._end_child, exitpriority=1)

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
            self.session.add(*events, {"event": "activity", "activity": manifest.activity_json(self._fact)})

    def _add(self, path: str, type: str, role: str) -> None:
        """Name a file that is being written."""
        self._made(Artifact(path=path, type=type, role=role, activity=self.id))

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

    def wrote(self, path: Path, type: str, facts: Facts | None) -> None:
        """Record a file that its writer has closed; without *facts* the file is read from end to end."""
        if facts is None:
            self._made(self.session.outputs.scanned(path, type=type, role="records", activity=self.id))
            return
        if facts.problem:
            self.session.guard.tell(f"the sidecar of {path.name}", facts.problem.strerror or str(facts.problem))
        made = Artifact(path=self.session.relative(path), type=type, role="records", activity=self.id, timestamp=now())
        self._made(replace(made, **asdict(facts.seal), count=facts.count, slices=facts.slices))


class GenerationRun(Run):
    """A model turns prompts into records."""


class TrainingRun(Run):
    """Data and a base model become an adapter or a model. All ranks of a distributed job take part in one training."""

    is_shared = True


class TransformationRun(Run):
    """Files become other files with no model. Records that are carried over keep the metadata they came with."""

    keeps_metadata = True


class EvaluationRun(Run):
    """Models are measured on a data set."""

    def report(
        self,
        path: PathLike,
        *,
        summary: Mapping[str, Any],
        results: Sequence[Any],
        seed: int | None = None,
        exists: ReportExists = "number",
    ) -> Path:
        """Write the report of the contract, whole or not at all, and return where it is.

        Args:
            path: Relative to the session's folder.
            summary: Numbers by the name of their measure, also in nested mappings. What JSON cannot hold is null in the
                report, with a gap in the manifest.
            results: One object an example.
            seed: Of this report, if it is not that of the run.
            exists: What to do with a file that exists: "number" takes the next free name (the results are there and must
                not be lost), "replace" replaces it, "error" raises.

        Raises:
            OSError: The report cannot be written.
            OutputExistsError: The file exists, and *exists* is "error".
        """
        self.require_open()
        outputs = self.session.outputs
        outputs.check_report(path, exists)
        if seed is not None and seed != self.params.get("seed"):
            self.gap("params.seed", "a report says a seed of its own")
        target = outputs.report(path, report.build(summary, results, self._known_metadata(seed)), exists)
        with self.session.guard(f"report {target.name}"):
            self._measured(summary, results)
            self.output(self.session.relative(target), type="evaluation", role="report")
        return target

    def _known_metadata(self, seed: int | None) -> dict[str, Any] | None:
        """The metadata of a report; what cannot be serialised is a gap. None when recording is off."""
        if not self.session.recording:
            return None
        with self.session.guard("the metadata of a report", ours=True):
            metadata = self._metadata(seed)
            as_bytes(metadata)
            return metadata
        ids = {"session_id": self.session.id, "run_id": self.id}
        return {"provenance": None, "timestamp": now(), **ids, "gaps": {"provenance": "it could not be serialised"}}

    def _measured(self, summary: Mapping[str, Any], results: Sequence[Any]) -> None:
        metrics, gaps = report.metrics_of(summary)
        known = self._fact.gaps
        gaps = tuple(gap for gap in (*gaps, *report.lost_in(results)) if gap not in known)
        self._fact = replace(self._fact, metrics=metrics, gaps=(*known, *gaps))  # type: ignore[call-arg]  # an Evaluation

    def _metadata(self, seed: int | None) -> dict[str, Any]:
        fact, script = self._fact, self._fact.script
        assert isinstance(fact, Evaluation)
        extra = {
            "eval_seed": seed if seed is not None else fact.params.get("seed"),
            "decoding_params": fact.params,
            "dataset": fact.dataset,
        }
        extra |= {"session_id": self.session.id, "run_id": self.id, "models": self.session.provenances(fact.models)}
        name, version = (script.path, script.version) if script else (None, None)
        reason = self.session.why_no_version
        return artifact_metadata(
            self._provenance, script_name=name, script_version=version, timestamp=now(), why_no_version=reason, **extra
        )
