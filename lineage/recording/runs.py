"""The activities of a session while they take place: what a user holds inside `with session.generation(...) as run:`."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import orjson

from lineage.capture import files
from lineage.contract import manifest, report
from lineage.contract.metadata import artifact_metadata
from lineage.contract.plain import plain
from lineage.contract.times import now
from lineage.facts import Activity, Artifact, Evaluation, Gap, Slice, Status, Training, Transformation
from lineage.integrity import index
from lineage.recording.calls import DIFFER, VARIED, Call, Calls
from lineage.recording.guard import logger
from lineage.recording.writer import RecordWriter, dump

if TYPE_CHECKING:
    from lineage.recording.session import Session

PathLike = str | os.PathLike[str]


def new_id() -> str:
    """An activity's id: 32 hex digits nobody else draws."""
    return uuid.uuid4().hex


class Run:
    """An activity that is taking place. A context manager: it ends as `completed`, `failed`, or `interrupted` by the keyboard."""

    keeps_metadata = False  # records that come with metadata keep it as it is

    def __init__(self, session: Session, fact: Activity, provenance: Mapping[str, Any]) -> None:
        self.session, self._fact, self._provenance = session, fact, provenance
        self._numbers: dict[Path, Iterator[int]] = {}
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

    # --- what a user calls

    def records(self, path: PathLike, *, type: str = "training_data", append: bool = False) -> RecordWriter:
        """A writer of JSONL records to *path*, relative to the session's folder (see RecordWriter)."""
        writer = RecordWriter(self, path, type=type, append=append)
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

    def called(self, params: Mapping[str, Any], gaps: Mapping[str, str]) -> None:
        """Record a call of the model that has returned: records written from now on in this thread or task are its work.

        Args:
            params: Parameters in force, by name, the seed too.
            gaps: Reason for each parameter that is not known, by its name.
        """
        self._calls.add(params, gaps)

    def at_end(self, call: Callable[[], None]) -> None:
        """Call *call* when the run ends, however it ends."""
        self._at_end.append(call)

    # --- taking place

    def __enter__(self) -> Self:
        self._update(started_at=now())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for call in self._at_end:
            with self.session.guard("the end of a run"):
                call()
        self._update(ended_at=now(), status=_ending(error))

    def _update(self, **changes: Any) -> None:
        with self.session.exclusive():
            self._fact = replace(self._fact, **changes)
            self.session.add({"event": "activity", "activity": manifest.activity_json(self._recorded())})

    def _recorded(self) -> Activity:
        """Return the activity as the manifest states it: with the parameters that all calls of its model have in common."""
        common = self._calls.common
        return self._fact if common is None else _with_calls(self._fact, common)

    def _add(self, path: str, type: str, role: str) -> None:
        """Name a file that is being written."""
        self._made(Artifact(path=path, type=type, role=role, activity=self.id))

    def _made(self, artifact: Artifact) -> None:
        with self.session.exclusive():
            others = tuple(one for one in self._fact.made if one.path != artifact.path)
            self._fact = replace(self._fact, made=(*others, artifact))
            events = (
                {"event": "artifact", "artifact": manifest.artifact_json(artifact)},
                {"event": "activity", "activity": manifest.activity_json(self._recorded())},
            )
            self.session.add(*events)

    # --- what the writer asks

    def metadata_head(self) -> bytes | None:
        """The part of a record's metadata that is the same in every record, up to its parameters; None when recording is off."""
        shared = self.shared_metadata()
        if shared is None:
            return None
        head = {key: value for key, value in shared.items() if key != "generation_params"}
        return dump(head)[1:-1] + b","

    def shared_metadata(self) -> dict[str, Any] | None:
        """What the metadata of all its records has in common, as a reader will find it."""
        if not self.session.recording:
            return None
        script = self._fact.script
        shared = {"provenance": self._provenance, "script_version": script.version if script else None}
        shared |= {"script_name": script.path if script else None, "session_id": self.session.id, "run_id": self.id}
        shared["generation_params"] = {key: value for key, value in self.params.items() if key != "seed"}
        if not script or script.version is None:
            shared["gaps"] = {"script_version": self.session.why_no_version}
        return dict(orjson.loads(dump(shared)))

    def numbers(self, path: Path) -> Iterator[int]:
        """The indexes of the records that the run writes to *path*: they go on when the file is opened again."""
        return self._numbers.setdefault(path, count())

    def params_json(self) -> bytes:
        """The run's own parameters."""
        return dump(self.params, at="params")

    def forked(self) -> Run:
        """The same run in a process that was forked off: a run of its own, so that no two records have one index."""
        twin = type(self)(self.session, replace(self._fact, id=new_id(), made=()), self._provenance)
        twin._calls = self._calls
        twin._calls.follow(twin._update)
        twin._update(started_at=now())
        return twin

    def wrote(
        self, path: Path, type: str, sha256: str | None, size: int | None, count: int | None, slices: tuple[Slice, ...] | None
    ) -> None:
        """The writer has closed *path*; what it does not know, because others wrote to the file or its records differ, is read off the file."""
        if sha256 is None or slices is None:
            self._made(self.session.scanned(path, type=type, role="records", activity=self.id))
            return
        relative = self.session.relative(path)
        facts: dict[str, Any] = {"sha256": sha256, "bytes": size, "count": count, "slices": slices}
        made = Artifact(path=relative, type=type, role="records", activity=self.id, timestamp=now(), **facts)
        self._made(self._sealed(path, made))

    def _sealed(self, path: Path, made: Artifact) -> Artifact:
        """A file of records with the root over its lines, and with a sidecar by which each line is found."""
        with self.session.guard(f"the Merkle root of {path.name}"):
            if self.session.recording:
                seal = index.build(path)
                return replace(made, lines=seal.lines, merkle_root=seal.merkle_root) if made.sha256 == seal.sha256 else made
        return made


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
    return replace(fact, params={**common.params, **given}, gaps=(*fact.gaps, *(gap for gap in others if gap not in fact.gaps)))


def _ending(error: BaseException | None) -> Status:
    if error is None:
        return "completed"
    return "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"


class GenerationRun(Run):
    """A model turns prompts into records."""


class TrainingRun(Run):
    """Data and a base model become an adapter or a model."""

    def measured(self, metrics: Mapping[str, Any]) -> None:
        """Record the last value of each metric. A value that is no finite number is null, with a gap.

        Args:
            metrics: Value by the name of its measure, such as `eval_loss`.
        """
        told, gaps = plain(metrics, "metrics")
        with self.session.exclusive():
            assert isinstance(self._fact, Training)
            others = tuple(gap for gap in self._fact.gaps if gap.about.removeprefix("metrics.") not in told)
            self._update(metrics={**self._fact.metrics, **told}, gaps=(*others, *gaps))

    def checkpoint(self, path: PathLike) -> Artifact:
        """Record a checkpoint as it is now. One outside of the session's folder is recorded too, with a warning on the terminal."""
        where = Path(path)
        relative = self.session.relative(where)
        if not manifest.is_outside(relative):
            self.output(relative, type="model", role="checkpoint")
            return next(made for made in self._fact.made if made.path == relative)
        logger.warning("lineage: %s lies outside of %s; its digest is recorded, and no audit can check it", relative, self.session.folder)
        made = replace(
            files.artifact(where, folder=self.session.folder, type="model", role="checkpoint"), activity=self.id, timestamp=now()
        )
        with self.session.exclusive():
            self._update(made=(*(one for one in self._fact.made if one.path != made.path), made))
        return made

    def removed(self, artifact: Artifact) -> None:
        """Record that the training removed a file, which it made itself or found: a limit on checkpoints asks for that."""
        gone = replace(artifact, removed_at=now())
        with self.session.exclusive():
            assert isinstance(self._fact, Training)
            if artifact.activity != self.id:
                self._update(removed=(*self._fact.removed, gone))
            elif manifest.is_outside(artifact.path):
                self._update(made=tuple(gone if one.path == gone.path else one for one in self._fact.made))
            else:
                self._made(gone)


class TransformationRun(Run):
    """Files become other files with no model. Records that are carried over keep the metadata they came with."""

    keeps_metadata = True

    def finished(self, exit_code: int) -> None:
        """The command that the run wraps has ended."""
        assert isinstance(self._fact, Transformation)
        self._update(exit_code=exit_code)


class EvaluationRun(Run):
    """Models are measured on a data set."""

    def report(self, path: PathLike, *, summary: Mapping[str, Any], results: Sequence[Any], seed: int | None = None) -> Path:
        """Write the report of the contract to *path*, relative to the session's folder; returns where it really is.

        `summary` holds numbers by the name of their measure; `results` one object an example. A report that exists is never
        overwritten: the next free name is taken.
        """
        target = self.session.claim(path, append=False)
        if seed is not None and seed != self.params.get("seed"):
            self.gap("params.seed", "a report says a seed of its own")
        data = report.build(summary, results, self._metadata(seed) if self.session.recording else None)
        with self.session.guard(f"report {target.name}"):
            self.session.write(target, data)
            self._measured(summary)
            self.output(self.session.relative(target), type="evaluation", role="report")
        return target

    def _measured(self, summary: Mapping[str, Any]) -> None:
        told, _ = plain(summary, "summary")  # numbers of numpy too
        numbers = {name: value for name, value in told.items() if isinstance(value, int | float) and not isinstance(value, bool)}
        self._fact = replace(self._fact, metrics=numbers)  # type: ignore[call-arg]  # an Evaluation

    def _metadata(self, seed: int | None) -> dict[str, Any]:
        fact, script = self._fact, self._fact.script
        assert isinstance(fact, Evaluation)
        params = self._recorded().params
        extra = {
            "eval_seed": seed if seed is not None else params.get("seed"),
            "decoding_params": params,
            "dataset": fact.dataset,
        }
        extra |= {"session_id": self.session.id, "run_id": self.id, "models": self.session.provenances(fact.models)}
        name, version = (script.path, script.version) if script else (None, None)
        return artifact_metadata(self._provenance, script_name=name, script_version=version, timestamp=now(), **extra)
