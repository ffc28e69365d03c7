"""`with lineage.session("artifacts") as session:` — capture, record, and at the end export.

The only object of the package with state. It opens a session of its own, or joins the one that `LINEAGE_SESSION` names (its
manifest's path), when that lies in the same folder: so child processes and ranks take part.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from lineage.capture import environment, files, git, process
from lineage.contract import manifest, metadata
from lineage.contract.plain import plain
from lineage.contract.times import now
from lineage.core import secrets, writing
from lineage.errors import UsageError
from lineage.facts import (
    Activity,
    Artifact,
    CodeVersion,
    Evaluation,
    Gap,
    Generation,
    Json,
    ModelLoad,
    Script,
    Status,
    Training,
    Transformation,
)
from lineage.recording.guard import Guard, logger
from lineage.recording.log import Log
from lineage.recording.runs import EvaluationRun, GenerationRun, PathLike, Run, TrainingRun, TransformationRun, new_id

VARIABLE = "LINEAGE_SESSION"  # the manifest's path, for child processes
_OWNER = "LINEAGE_SESSION_PID"  # who set it: that process itself does not join
DISABLED = "LINEAGE_DISABLED"
DEFAULT_FOLDER = "artifacts"

AnyRun = TypeVar("AnyRun", bound=Run)
Models = ModelLoad | Sequence[ModelLoad] | None


def session(
    folder: PathLike | None = None,
    *,
    title: str | None = None,
    graphs: PathLike | None = None,
    script: PathLike | None = None,
    seeds: Mapping[str, int] | None = None,
    operator: bool = False,
    host: bool = False,
    export: bool = True,
) -> Session:
    """A session that records into *folder* (`artifacts` if not given), to be used in a `with` statement.

    Args:
        folder: holds the manifest, the records and the reports; made if it is not there.
        title: what the experiment is called in the graph.
        graphs: where the combined graph of the folder goes; `graphs` beside a folder called `artifacts`, else inside it.
        script: the program that runs, if it is not the one that Python was started with.
        seeds: seeds of the whole process, by the name of the generator.
        operator: record the login name. host: record the machine's name. Neither is recorded unless asked for.
        export: write PROV at the end.

    `LINEAGE_DISABLED=1` turns recording off: records and reports are still written, without metadata.
    """
    where = Path(folder if folder is not None else _joined_folder() or DEFAULT_FOLDER)
    asked = {"operator": process.operator() if operator else None, "host": process.host() if host else None}
    return Session(where, title=title, graphs=Path(graphs) if graphs else None, script=script, seeds=seeds, asked=asked, export=export)


def _joined_folder() -> Path | None:
    path = os.environ.get(VARIABLE)
    return Path(path).parent if path and os.environ.get(_OWNER) != str(os.getpid()) else None


def _joins(folder: Path) -> str | None:
    """The id of the session of another process to join, if that session records into *folder*."""
    joined = _joined_folder()
    if joined is None or joined.resolve() != folder.resolve():
        return None
    return manifest.session_id_of(Path(os.environ[VARIABLE]))


def new_session_id() -> str:
    """The time in UTC, readable, and 12 random hex digits: two sessions in one second differ."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:12]}"


class Session:
    """A session that is taking place; see `session`."""

    def __init__(
        self,
        folder: Path,
        *,
        title: str | None,
        graphs: Path | None,
        script: PathLike | None,
        seeds: Mapping[str, int] | None,
        asked: Mapping[str, str | None],
        export: bool,
    ) -> None:
        self.folder, self.title, self._graphs, self._seeds, self._asked, self._export = folder, title, graphs, seeds, asked, export
        self.recording = os.environ.get(DISABLED, "") in ("", "0")
        self.guard = Guard()
        self._script_path = Path(script) if script else _main_script()
        self._loads: dict[str, ModelLoad] = {}
        self._code = CodeVersion(git_sha=None)
        joined = _joins(folder)
        self.id = joined or new_session_id()
        self.owner = joined is None
        self._log = Log(folder, self.id, owner=self.owner, guard=self.guard)
        self._before: dict[str, str | None] = {}
        self._closed = False

    # --- what a user calls

    @property
    def manifest(self) -> Path:
        """Where the session's manifest is."""
        return manifest.path_of(self.folder, self.id)

    def model_load(
        self, provenance: Mapping[str, Any], files: Iterable[PathLike] = (), *, started_at: str | None = None, ended_at: str | None = None
    ) -> ModelLoad:
        """Record that a model was loaded, as *provenance* says (docs/reference/files.md, section 1), from *files*.

        The files are digested now (cached by what the file system says of them). The times are those that the caller observed.
        """
        gaps = [Gap(name, "the caller did not say") for name, time in (("started_at", started_at), ("ended_at", ended_at)) if time is None]
        told, unheld = plain(provenance, "provenance")
        used = tuple(self.input(path, type="model_file", role="modelFile") for path in files)
        facts: dict[str, Any] = {
            "provenance": metadata.completed(told),
            "used": used,
            "gaps": (*gaps, *unheld),
            "script": self._code.script,
        }
        load = ModelLoad(id=new_id(), status="completed", started_at=started_at, ended_at=ended_at, **facts)
        self._loads[load.id] = load
        first = {"loader_config": {"provenance": load.provenance, **{key: load.provenance[key] for key in ("model_name", "quantization")}}}
        late, missing = environment.runtime() if self.recording else ({}, ())
        event = {"environment": late, "gaps": manifest.gaps_json(missing)} | (first if len(self._loads) == 1 else {})
        self.add({"event": "session", "session": event}, {"event": "activity", "activity": manifest.activity_json(load)})
        return load

    def generation(
        self, *, model: Models = None, prompts: Iterable[PathLike] = (), params: Mapping[str, Any] | None = None
    ) -> GenerationRun:
        """A model turns prompts into records: `with session.generation(...) as run: run.records("out.jsonl")`."""
        used = (self.input(path, type="prompts", role="prompts") for path in prompts)
        return self._run(GenerationRun, Generation, model, used, params)

    def training(self, *, model: Models = None, datasets: Iterable[PathLike] = (), params: Mapping[str, Any] | None = None) -> TrainingRun:
        """Data and a base model become an adapter or a model: `run.output("adapter", type="model")`."""
        used = (self.input(path, type="dataset", role="trainingData") for path in datasets)
        return self._run(TrainingRun, Training, model, used, params)

    def evaluation(
        self,
        *,
        model: Models = None,
        dataset: PathLike | None = None,
        params: Mapping[str, Any] | None = None,
        dataset_name: str | None = None,
        dataset_size: int | None = None,
    ) -> EvaluationRun:
        """Models are measured on a data set: `run.report("evaluation_base.json", summary={...}, results=[...])`."""
        used = [self.input(dataset, type="test_set", role="testSet")] if dataset is not None else []
        name = dataset_name or (Path(dataset).stem if dataset is not None else None)
        about, _ = plain({"name": name, "size": dataset_size, "version": used[0].sha256 if used else None}, "dataset")
        return self._run(EvaluationRun, Evaluation, model, used, params, dataset=about)

    def transformation(
        self, kind: str, *, inputs: Iterable[PathLike] = (), params: Mapping[str, Any] | None = None, command: Sequence[str] = ()
    ) -> TransformationRun:
        """Files become other files with no model: *kind* is "filter", "merge", "deduplicate", …"""
        used = (self.input(path, type="dataset", role="input") for path in inputs)
        own = {"kind": secrets.redact(kind), "command": tuple(secrets.command_line(command))}
        return self._run(TransformationRun, Transformation, None, used, params, **own)

    def artifact(self, path: PathLike, *, type: str = "artifact") -> Artifact:
        """Record a file or folder that the session made, outside any run; *path* is relative to the session's folder."""
        made = self.output(path, type=type, role=None, activity=None)
        self.add({"event": "artifact", "artifact": manifest.artifact_json(made)})
        return made

    def close(self, status: Status = "completed") -> None:
        """End the session. The `with` statement calls it; a second call changes nothing."""
        if not self.recording or self._closed:
            return
        self._closed = True
        if self.owner:
            self._end(status)
        self._log.leave()
        for name, value in self._before.items():
            _put_variable(name, value)
        if self.owner and self._export:
            self._write_prov()

    def __enter__(self) -> Session:
        with self.guard("the folder"):
            self.folder.mkdir(parents=True, exist_ok=True)
        if self.recording:
            self._begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self.close("completed")
        else:
            self.close("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")

    # --- beginning and end

    def _begin(self) -> None:
        self._code = self._look_at_code()
        if self.owner:
            self._before = {name: os.environ.get(name) for name in (VARIABLE, _OWNER)}
            os.environ |= {VARIABLE: str(self.manifest.resolve()), _OWNER: str(os.getpid())}
            self.add({"event": "session", "session": self._opening()})
            if self._code.patch:
                self.add({"event": "artifact", "artifact": manifest.artifact_json(self._code.patch)})
        else:
            self.add({"event": "process", "process": process.process_mark()})

    def _look_at_code(self) -> CodeVersion:
        with self.guard("the code version"):
            return git.code_version(self._script_path, folder=Path.cwd(), patch_into=self.folder if self.owner else None)
        return CodeVersion(git_sha=None)

    def _opening(self) -> dict[str, Any]:
        seen, missing = environment.environment()
        gaps = manifest.gaps_json([*missing, *self._code.gaps])
        about: dict[str, Any] = {
            "session_id": self.id,
            "schema": manifest.SCHEMA,
            "title": secrets.redact(self.title) if self.title else self.title,
            "status": "running",
            "started_at": now(),
            "ended_at": None,
        }
        about |= {
            "environment": {**seen, **manifest.code_json(self._code)},
            "loader_config": {},
            "gaps": gaps,
            "process": process.process_mark(),
        }
        about["environment"] |= plain({"seeds": self._seeds}, "environment")[0] if self._seeds else {}
        return about | {key: value for key, value in self._asked.items() if value is not None}

    def _end(self, status: Status) -> None:
        late, missing = environment.runtime()
        gaps = manifest.gaps_json([*missing, *self.guard.gaps])
        self.add({"event": "session", "session": {"status": status, "ended_at": now(), "environment": late, "gaps": gaps}})

    def _write_prov(self) -> None:
        from lineage.export import export_folder

        with self.guard("the PROV documents", ours=True):
            export_folder(self.folder, graphs=self._graphs)

    # --- what runs ask

    def add(self, *events: Mapping[str, Any]) -> None:
        """Write events to the journal; nothing when recording is off."""
        if self.recording:
            self._log.add(*events)

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
        return next(
            (gap.reason for gap in self._code.gaps if gap.about in ("git_sha", "script_version")), "the script is in no git repository"
        )

    def provenances(self, loads: Iterable[str]) -> dict[str, Json]:
        """The provenance of each of these loads, by id."""
        return {load: self._loads[load].provenance for load in loads}

    def relative(self, path: Path) -> str:
        """*path* from the session's folder, with `/`."""
        return Path(os.path.relpath(path.absolute(), self.folder.absolute())).as_posix()

    def inside(self, path: PathLike) -> Path:
        """Where an output called *path* goes.

        Raises:
            UsageError: that is not inside the session's folder.
        """
        target = self.folder / path
        if ".." in Path(self.relative(target)).parts or Path(self.relative(target)).is_absolute():
            raise UsageError("an output must lie in the session's folder", at=str(path), hint=f"name a path under {self.folder}")
        return target

    def claim(self, name: PathLike, *, append: bool) -> Path:
        """The path for a new output called *name*: itself, or the next free name when that holds something of another origin."""
        target = self.inside(name)
        if append or not target.exists() or (self.recording and self._log.claimed(self.relative(target))):
            self._claim(target)
            return target
        n = 2
        while (free := target.with_name(f"{target.stem}-{n}{target.suffix}")).exists():
            n += 1
        logger.warning("lineage: %s exists; %s is written instead", target.name, free.name)
        self._claim(free)
        return free

    def _claim(self, target: Path) -> None:
        claimed = Artifact(path=self.relative(target), type="output")
        self.add({"event": "artifact", "artifact": manifest.artifact_json(claimed)})

    def write(self, target: Path, data: bytes) -> None:
        """Write a whole file, atomically. Raises OSError."""
        target.parent.mkdir(parents=True, exist_ok=True)
        writing.replace_file(target, data)

    def input(self, path: PathLike, *, type: str, role: str) -> Artifact:
        """The file that *path* names, from the working directory, else from the session's folder, as it is now."""
        here, there = Path(path), self.folder / path
        found = there if not here.exists() and there.exists() else here
        if not self.recording:
            return Artifact(path=str(path), type=type, role=role)
        return files.artifact(found, folder=self.folder, type=type, role=role)

    def output(self, path: PathLike, *, type: str, role: str | None, activity: str | None) -> Artifact:
        """The file or folder that was made at *path*, as it is now."""
        made = files.artifact(self.inside(path), folder=self.folder, type=type, role=role)
        return replace(made, activity=activity, timestamp=now())

    def scanned(self, path: Path, *, type: str, role: str, activity: str) -> Artifact:
        """A file of records of several kinds, or that several wrote: read from end to end, with the root over its lines and a sidecar."""
        from lineage.intake import Taken, Wanted, take_in

        made = self.output(self.relative(path), type=type, role=role, activity=activity)
        if not self.recording:
            return made
        with self.guard(f"records of {path.name}"):
            for _, found in take_in([Wanted(path, path.name)], recheck=True, sidecars="replace"):
                if not isinstance(found, Taken):
                    raise found
                facts = {"count": found.scan.count, "slices": found.scan.slices, **asdict(found.seal)}
                made = replace(made, **facts)
        return made

    def _run(
        self,
        recorder: type[AnyRun],
        what: type[Activity],
        model: Models,
        used: Iterable[Artifact],
        params: Mapping[str, Any] | None,
        **own: Any,
    ) -> AnyRun:
        loads = (model,) if isinstance(model, ModelLoad) else tuple(model or ())
        script: Script | None = self._code.script
        told, gaps = plain(params or {}, "params")
        common: dict[str, Any] = {
            "script": script,
            "models": tuple(load.id for load in loads),
            "params": told,
            "used": tuple(used),
            "gaps": gaps,
        }
        fact = what(id=new_id(), **common, **own)
        return recorder(self, fact, loads[0].provenance if loads else metadata.completed({}))


def _main_script() -> Path | None:
    """The program that Python was started with; None in an interactive session."""
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(path) if path else None


def _put_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
