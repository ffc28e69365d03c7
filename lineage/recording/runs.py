"""The activities of a session while they take place: what a user holds inside `with session.generation(...) as run:`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from lineage.contract import manifest, report
from lineage.contract.metadata import artifact_metadata
from lineage.contract.plain import plain
from lineage.contract.strict import loads
from lineage.contract.times import now
from lineage.contract.writing import as_bytes
from lineage.facts import Activity, Artifact, Evaluation, Gap, Status, Transformation
from lineage.recording.outputs import Exists, PathLike, ReportExists
from lineage.recording.prepared import Calls, dump
from lineage.recording.tally import Facts
from lineage.recording.writer import Numbering, RecordWriter

if TYPE_CHECKING:
    from lineage.recording.session import Session


def new_id() -> str:
    """An activity's id: 32 hex digits nobody else draws."""
    return uuid.uuid4().hex


class Run:
    """An activity that is taking place. A context manager: it ends as `completed`, `failed`, or `interrupted` by the keyboard."""

    keeps_metadata = False  # records that come with metadata keep it as it is
    calls: Calls | None = None  # of the function that generates; None while none was observed

    def __init__(self, session: Session, fact: Activity, provenance: Mapping[str, Any]) -> None:
        self.session, self._fact, self._provenance = session, fact, provenance
        self._numberings: dict[Path, Numbering] = {}

    @property
    def id(self) -> str:
        """The `run_id` of every record it writes."""
        return self._fact.id

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters it was given."""
        return self._fact.params

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
        output = self.session.outputs.open(path, exists)
        writer = RecordWriter(self, output, type=type)
        self._add(self.session.relative(writer.path), type, role="records")
        return writer

    def use(self, path: PathLike, *, role: str = "input", type: str = "dataset") -> None:
        """Record that the run used the file or folder at *path*, as it is now."""
        used = self.session.input(path, type=type, role=role)
        with self.session.exclusive():
            self._update(used=(*self._fact.used, used))

    def output(self, path: PathLike, *, type: str = "output", role: str = "output") -> None:
        """Record that the run made the file or folder at *path*, relative to the session's folder, as it is now."""
        artifact = self.session.output(path, type=type, role=role, activity=self.id)
        self._made(artifact)

    def gap(self, about: str, reason: str) -> None:
        """Record that something could not be learnt, and why."""
        with self.session.exclusive():
            self._update(gaps=(*self._fact.gaps, Gap(about, reason)))

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
        self._update(started_at=now())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._update(ended_at=now(), status=_ending(error))

    def _update(self, **changes: Any) -> None:
        with self.session.exclusive():
            self._fact = replace(self._fact, **changes)
            self.session.add({"event": "activity", "activity": manifest.activity_json(self._fact)})

    def _add(self, path: str, type: str, role: str) -> None:
        """Name a file that is being written."""
        self._made(Artifact(path=path, type=type, role=role, activity=self.id))

    def _made(self, artifact: Artifact) -> None:
        with self.session.exclusive():
            others = tuple(one for one in self._fact.made if one.path != artifact.path)
            self._fact = replace(self._fact, made=(*others, artifact))
            events = (
                {"event": "artifact", "artifact": manifest.artifact_json(artifact)},
                {"event": "activity", "activity": manifest.activity_json(self._fact)},
            )
            self.session.add(*events)

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
        """The same run in a process that was forked off: a run of its own, so that no two records have one index."""
        twin = type(self)(self.session, replace(self._fact, id=new_id(), made=()), self._provenance)
        twin._update(started_at=now())
        return twin

    def wrote(self, path: Path, type: str, facts: Facts | None) -> None:
        """Record a file that its writer has closed; without *facts* the file is read from end to end."""
        if facts is None:
            self._made(self.session.outputs.scanned(path, type=type, role="records", activity=self.id))
            return
        if facts.problem:
            self.session.guard.tell(f"the sidecar of {path.name}", facts.problem.strerror or str(facts.problem))
        made = Artifact(path=self.session.relative(path), type=type, role="records", activity=self.id, timestamp=now())
        self._made(replace(made, **asdict(facts.seal), count=facts.count, slices=facts.slices))


def _ending(error: BaseException | None) -> Status:
    if error is None:
        return "completed"
    return "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"


class GenerationRun(Run):
    """A model turns prompts into records."""


class TrainingRun(Run):
    """Data and a base model become an adapter or a model."""


class TransformationRun(Run):
    """Files become other files with no model. Records that are carried over keep the metadata they came with."""

    keeps_metadata = True

    def finished(self, exit_code: int) -> None:
        """The command that the run wraps has ended."""
        assert isinstance(self._fact, Transformation)
        self._update(exit_code=exit_code)


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
            summary: Numbers by the name of their measure.
            results: One object an example.
            seed: Of this report, if it is not that of the run.
            exists: What to do with a file that exists: "number" takes the next free name (the results are there and must
                not be lost), "replace" replaces it, "error" raises.

        Raises:
            OSError: The report cannot be written.
            OutputExistsError: The file exists, and *exists* is "error".
        """
        outputs = self.session.outputs
        outputs.check_report(path, exists)
        if seed is not None and seed != self.params.get("seed"):
            self.gap("params.seed", "a report says a seed of its own")
        target = outputs.report(path, report.build(summary, results, self._known_metadata(seed)), exists)
        with self.session.guard(f"report {target.name}"):
            self._measured(summary)
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

    def _measured(self, summary: Mapping[str, Any]) -> None:
        told, _ = plain(summary, "summary")  # numbers of numpy too
        numbers = {name: value for name, value in told.items() if isinstance(value, int | float) and not isinstance(value, bool)}
        self._fact = replace(self._fact, metrics=numbers)  # type: ignore[call-arg]  # an Evaluation

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
        return artifact_metadata(self._provenance, script_name=name, script_version=version, timestamp=now(), **extra)
