"""The activities of a session while they take place: what a user holds inside `with session.generation(...) as run:`."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import orjson

from lineage.contract import manifest, report
from lineage.contract.metadata import artifact_metadata
from lineage.contract.plain import plain
from lineage.contract.times import now
from lineage.core import secrets
from lineage.facts import Activity, Artifact, Evaluation, Gap, Slice, Status, Transformation
from lineage.integrity import index
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

    @property
    def id(self) -> str:
        """The `run_id` of every record it writes."""
        return self._fact.id

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters it was given."""
        return self._fact.params

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
        extra = {
            "eval_seed": seed if seed is not None else fact.params.get("seed"),
            "decoding_params": fact.params,
            "dataset": fact.dataset,
        }
        extra |= {"session_id": self.session.id, "run_id": self.id, "models": self.session.provenances(fact.models)}
        name, version = (script.path, script.version) if script else (None, None)
        return artifact_metadata(self._provenance, script_name=name, script_version=version, timestamp=now(), **extra)
