"""Record an experiment: `with lineage.session("artifacts") as session:` opens, records, and at the end exports.

The only object of the package with state. A session is the process's own, its parent's, or its job's (recording/joining.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NoReturn, TypeVar

from lineage.capture import environment, files, git, process, program
from lineage.contract import manifest, metadata
from lineage.contract.plain import plain
from lineage.contract.times import now
from lineage.core import secrets
from lineage.errors import UsageError
from lineage.facts import (
    VALIDATION,
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
from lineage.recording import joining
from lineage.recording.ending import Ending, Termination, ending
from lineage.recording.guard import Guard
from lineage.recording.inputs import (
    Data,
    PathLike,
    Paths,
    loads_of,
    mapping_of,
    named_model,
    one_path,
    test_set,
    used_data,
    used_files,
    words_of,
)
from lineage.recording.log import Log
from lineage.recording.outputs import Outputs
from lineage.recording.runs import EvaluationRun, GenerationRun, Run, TrainingRun, TransformationRun, new_id

DISABLED = "LINEAGE_DISABLED"
DEFAULT_FOLDER = "artifacts"
HOW_TO_OPEN = "write `with lineage.session(...) as session:`, or call session.open()"

AnyRun = TypeVar("AnyRun", bound=Run)
Models = ModelLoad | Sequence[ModelLoad] | None


def session(
    folder: PathLike | None = None,
    *,
    title: str | None = None,
    graphs: PathLike | None = None,
    script: PathLike | None = None,
    seeds: Mapping[str, int] | None = None,
    operator: bool | str = False,
    host: bool | str = False,
    export: bool = True,
) -> Session:
    """Make a session that records into *folder*, to be used in a `with` statement.

    Args:
        folder: Holds the manifest, the records and the reports; made if it is not there. `artifacts` by default, or
            the folder of the session that this process joins. Made absolute now, so a later `os.chdir` changes nothing.
        title: What the experiment is called in the graph.
        graphs: Where the combined graph of the folder goes; `graphs` beside a folder called `artifacts`, else inside it.
        script: The program that runs, if it is not the one that Python was started with.
        seeds: Seeds of the whole process, by the name of the generator.
        operator: Who runs the experiment: a name, or True for the login name. Not recorded by default.
        host: On which machine: a name, or True for the machine's own. Not recorded by default.
        export: Write PROV at the end.

    Returns:
        A session that is not open yet: `with` opens and closes it; notebooks may call `open()` and `close()`.

    Raises:
        TypeError: `operator` or `host` is neither a name nor a boolean.

    `LINEAGE_DISABLED=1` turns recording off: records and reports are still written, without metadata.
    """
    return Session(
        _absolute(folder if folder is not None else joining.joined_folder() or DEFAULT_FOLDER),
        title=title,
        graphs=_absolute(graphs) if graphs else None,
        script=_absolute(script) if script else None,
        seeds=seeds,
        asked={
            "operator": _asked(operator, "operator", process.operator),
            "host": _asked(host, "host", process.host),
        },
        export=export,
    )


def _absolute(path: PathLike) -> Path:
    """Return *path* from the working directory of now; as it is where that directory is gone."""
    try:
        return Path(path).absolute()
    except FileNotFoundError:
        return Path(path)


def _asked(value: bool | str, name: str, look_up: Callable[[], str | None]) -> str | None:
    """Return a name that the caller gave, or the system's if the caller asked for it."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, bool):
        return look_up() if value else None
    raise TypeError(f'{name}: expected a name or True, got {value!r}; pass {name}="ada", or {name}=True for the system\'s own')


class Session:
    """A session of an experiment: not yet open, open, or closed; see `session`."""

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
        self._seen = git.Seen(CodeVersion(git_sha=None), program.given(script) if script else program.running())
        self._loads: dict[str, ModelLoad] = {}
        self._member = joining.alone()
        self._log = Log(folder, self.id, owner=True, guard=self.guard)
        self.outputs = Outputs(self, graphs)
        self._before: dict[str, str | None] = {}
        self._state: Literal["new", "open", "closed"] = "new"
        self._pid = os.getpid()
        self._open_runs: dict[str, Run] = {}
        self._termination = Termination()

    # --- what a user calls

    def without_script(self) -> None:
        """Record no script: a command is wrapped that has none, and the code is that of the working directory."""
        self._script_path = None

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

    def open(self) -> Session:
        """Open the session and return it. The `with` statement calls this.

        Nothing that goes wrong with recording raises here; a folder that cannot be written to raises when records are.

        Raises:
            UsageError: The session is open, or was closed.
        """
        if self._state != "new":
            todo = "close it first" if self._state == "open" else "make a new one with lineage.session(...)"
            raise UsageError(f"the session is {'open already' if self._state == 'open' else 'closed'}", at=self.id, hint=todo)
        with self.guard("the folder"):
            self.folder.mkdir(parents=True, exist_ok=True)
        self._state, self._pid = "open", os.getpid()
        if self.recording:
            with self.guard("the session of the job"):
                self._member = joining.membership(self.folder)
            self._log = Log(self.folder, self.id, owner=self.owner, guard=self.guard)
            self._begin()
            self._termination.watch()
        return self

    def model_load(
        self, provenance: Mapping[str, Any], files: Paths = (), *, started_at: str | None = None, ended_at: str | None = None
    ) -> ModelLoad:
        """Record that a model was loaded, as *provenance* says (docs/reference/files.md, section 1), from *files*.

        The files are digested now (cached by what the file system says of them). The times are those that the caller observed.

        Raises:
            TypeError: *provenance* is no mapping, or *files* is neither a path nor an iterable of paths.
        """
        said = named_model(mapping_of(provenance, "provenance", '{"model_name": "org/name", ...}'))
        used = used_files(self, files, "files", type="model_file", role="modelFile")
        gaps = [Gap(name, "the caller did not say") for name, time in (("started_at", started_at), ("ended_at", ended_at)) if time is None]
        told, unheld = plain(said, "provenance")
        facts: dict[str, Any] = {
            "provenance": metadata.completed(told),
            "used": tuple(used),
            "gaps": (*gaps, *unheld),
            "script": self._seen.code.script,
        }
        load = ModelLoad(id=new_id(), status="completed", started_at=started_at, ended_at=ended_at, **facts)
        self._loads[load.id] = load
        first = {"loader_config": {"provenance": load.provenance, **{key: load.provenance[key] for key in ("model_name", "quantization")}}}
        with self.guard(f"model load {load.id}"):
            late = self._runtime() | (first if len(self._loads) == 1 else {})
            self.add({"event": "session", "session": late}, {"event": "activity", "activity": manifest.activity_json(load)})
        return load

    def generation(self, *, model: Models = None, prompts: Data = (), params: Mapping[str, Any] | None = None) -> GenerationRun:
        """A model turns prompts into records: `with session.generation(...) as run: run.records("out.jsonl")`.

        Args:
            model: What `model_load` returned, or several of them.
            prompts: A path, a data set in memory, or an iterable of them.
            params: The parameters of the generation.
        """
        used = used_data(self, prompts, "prompts", type="prompts", role="prompts")
        return self._run(GenerationRun, Generation, model, used, params)

    def training(
        self, *, model: Models = None, datasets: Data = (), validation: Data = (), params: Mapping[str, Any] | None = None
    ) -> TrainingRun:
        """Data and a base model become an adapter or a model: `run.output("adapter", type="model")`.

        Args:
            model: What `model_load` returned, or several of them.
            datasets: What the model is trained on: a path, a data set in memory, or an iterable of them.
            validation: What it is measured on while it is trained, and not trained on.
            params: The parameters of the training.
        """
        used = used_data(self, datasets, "datasets", type="dataset", role="trainingData")
        measured = used_data(self, validation, "validation", type="dataset", role=VALIDATION)
        if self.world_size > 1:
            params = {"world_size": self.world_size, **mapping_of(params, "params", '{"seed": 42}')}
        return self._run(TrainingRun, Training, model, chain(used, measured), params)

    def evaluation(
        self,
        *,
        model: Models = None,
        dataset: Data = None,
        params: Mapping[str, Any] | None = None,
        dataset_name: str | None = None,
        dataset_size: int | None = None,
    ) -> EvaluationRun:
        """Models are measured on a data set: `run.report("evaluation_base.json", summary={...}, results=[...])`.

        Args:
            model: What `model_load` returned, or several of them.
            dataset: A path, a data set in memory, or an iterable of them.
            params: The parameters of the evaluation.
            dataset_name: What the data set is called; the name of its file if not given.
            dataset_size: The number of its examples.
        """
        found = used_data(self, dataset, "dataset", type="test_set", role="testSet")
        models, params = loads_of(model, "model"), mapping_of(params, "params", '{"seed": 42}')
        used = tuple(found)
        about, _ = plain(test_set(used, dataset_name, dataset_size), "dataset")
        return self._run(EvaluationRun, Evaluation, models, used, params, dataset=about)

    def transformation(
        self, kind: str, *, inputs: Data = (), params: Mapping[str, Any] | None = None, command: Sequence[str] = ()
    ) -> TransformationRun:
        """Files become other files with no model: *kind* is "filter", "merge", "deduplicate", …"""
        used = used_data(self, inputs, "inputs", type="dataset", role="input")
        words = secrets.command_line(words_of(command, "command"))
        return self._run(TransformationRun, Transformation, None, used, params, kind=secrets.redact(kind), command=tuple(words))

    def artifact(self, path: PathLike, *, type: str = "artifact") -> Artifact:
        """Record a file or folder that the session made, outside any run; *path* is relative to the session's folder.

        Raises:
            UsageError: It is outside the folder, or a file that the session or its export writes.
        """
        made = self.output(path, type=type, role=None, activity=None)
        self.add({"event": "artifact", "artifact": manifest.artifact_json(made)})
        return made

    def close(self, status: Status = "completed") -> None:
        """End the session. The `with` statement calls it; a second call changes nothing.

        Args:
            status: How the session ended.

        Raises:
            UsageError: The session was never opened.
        """
        self._close(Ending(status))

    def __enter__(self) -> Session:
        return self.open()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close(ending(error))

    async def __aenter__(self) -> Session:
        return self.open()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close(ending(error))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a session cannot be sent to another process; open lineage.session(...) there: it joins this one")

    # --- beginning and end

    def _close(self, ending: Ending) -> None:
        if self._state == "new":
            raise UsageError("the session is not open", hint=HOW_TO_OPEN)
        if self._state == "closed":
            return
        self._termination.defer()
        try:
            for run in list(self._open_runs.values()):
                run.abandon()
        finally:
            self._state = "closed"
            self._end(ending)

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
            about["environment"]["seeds"] = plain(self._seeds, "seeds")[0]
        return about | {key: value for key, value in self._asked.items() if value is not None}

    def _write_prov(self) -> None:
        with self.guard("the PROV documents", ours=True):
            from lineage.export import export_folder

            export_folder(self.folder, graphs=self._graphs)

    # --- what runs ask

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

    def provenances(self, loads: Iterable[str]) -> dict[str, Json]:
        """The provenance of each of these loads, by id."""
        return {load: self._loads[load].provenance for load in loads}

    def relative(self, path: Path) -> str:
        """*path* from the session's folder, with `/`."""
        return Path(os.path.relpath(path.absolute(), self.folder.absolute())).as_posix()

    def claimed(self, path: Path) -> bool:
        """Did a process of this session say that it makes the file at *path*?"""
        return self._log.claimed(self.relative(path))

    def has_others(self) -> bool:
        """Return whether other processes take part in the session."""
        return not self.owner or self._log.has_others()

    def input(self, path: PathLike, *, type: str, role: str) -> Artifact:
        """The file that *path* names, from the working directory, else from the session's folder, as it is now."""
        return next(used_files(self, one_path(path, "path"), "path", type=type, role=role))

    def output(self, path: PathLike, *, type: str, role: str | None, activity: str | None) -> Artifact:
        """The file or folder that was made at *path*, as it is now."""
        made = files.artifact(self.outputs.inside(one_path(path, "path")), folder=self.folder, type=type, role=role)
        return replace(made, activity=activity, timestamp=now())

    def _run(
        self,
        recorder: type[AnyRun],
        what: type[Activity],
        model: Models,
        used: Iterable[Artifact],
        params: Mapping[str, Any] | None,
        **own: Any,
    ) -> AnyRun:
        loads = loads_of(model, "model")
        script: Script | None = self._seen.code.script
        told, gaps = plain(mapping_of(params, "params", '{"seed": 42}'), "params")
        common: dict[str, Any] = {
            "script": script,
            "models": tuple(load.id for load in loads),
            "params": told,
            "used": tuple(used),
            "gaps": gaps,
        }
        fact = what(id=new_id(), **common, **own)
        return recorder(self, fact, loads[0].provenance if loads else metadata.completed({}))


def _put_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
