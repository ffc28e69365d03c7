"""Record an experiment: `with lineage.session("artifacts") as session:` opens, records, and at the end exports.

The only object of the package with state. A session is the process's own, its parent's, or its job's (recording/joining.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from lineage.capture import files, process
from lineage.contract import manifest, metadata
from lineage.contract.plain import plain
from lineage.contract.times import now
from lineage.core import secrets
from lineage.facts import (
    VALIDATION,
    Activity,
    Artifact,
    Evaluation,
    Gap,
    Generation,
    Json,
    ModelLoad,
    Script,
    Training,
    Transformation,
)
from lineage.known_by import KnownBy
from lineage.recording import joining
from lineage.recording.inputs import (
    Data,
    PathLike,
    Paths,
    loads_of,
    mapping_of,
    named_model,
    one_path,
    test_set,
    text_of,
    used_data,
    used_files,
    words_of,
)
from lineage.recording.lifecycle import Lifecycle
from lineage.recording.measured import is_measured
from lineage.recording.outputs import Outputs
from lineage.recording.runs import EvaluationRun, GenerationRun, Run, TrainingRun, TransformationRun, new_id

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
        TypeError: `folder`, `graphs` or `script` is no path, `title` no text, or `operator` or `host` neither a name nor a boolean.
        PathError: A path is empty or has a null byte.

    `LINEAGE_DISABLED=1` turns recording off: records and reports are still written, without metadata.
    """
    return Session(
        _absolute(folder if folder is not None else joining.joined_folder() or DEFAULT_FOLDER, "folder"),
        title=None if title is None else text_of(title, "title", "stage 1"),
        graphs=_absolute(graphs, "graphs") if graphs else None,
        script=_absolute(script, "script") if script else None,
        seeds=seeds,
        asked={
            "operator": _asked(operator, "operator", process.operator),
            "host": _asked(host, "host", process.host),
        },
        looked_up=[name for name, value in (("operator", operator), ("host", host)) if value is True],
        export=export,
    )


def _absolute(given: PathLike, argument: str) -> Path:
    """Return a path from the working directory of now; as it is where that directory is gone."""
    path = one_path(given, argument, "artifacts")
    try:
        return Path(path).absolute()
    except FileNotFoundError:
        return Path(path)


def _asked(value: bool | str, name: str, look_up: Callable[[], str | None]) -> str | None:
    """Return a name that the caller gave, or the system's if the caller asked for it."""
    if isinstance(value, str) and value:
        return secrets.redact(value)
    if isinstance(value, bool):
        return look_up() if value else None
    raise TypeError(f'{name}: expected a name or True, got {value!r}; pass {name}="ada", or {name}=True for the system\'s own')


class Session(Lifecycle):
    """A session of an experiment; see `session`. Its life is in recording/lifecycle.py."""

    def __init__(self, folder: Path, *, graphs: Path | None, **options: Any) -> None:
        super().__init__(folder, graphs=graphs, **options)
        self.outputs = Outputs(self, graphs)
        self._loads: dict[str, ModelLoad] = {}

    # --- what a user calls

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
        if is_measured(said):
            facts["known"] = {"status": KnownBy.OBSERVED, "provenance": KnownBy.OBSERVED}
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
        called = secrets.redact(text_of(kind, "kind", "filter"))
        used = used_data(self, inputs, "inputs", type="dataset", role="input")
        words = secrets.command_line(words_of(command, "command"))
        return self._run(TransformationRun, Transformation, None, used, params, kind=called, command=tuple(words))

    def artifact(self, path: PathLike, *, type: str = "artifact") -> Artifact:
        """Record a file or folder that the session made, outside any run; *path* is relative to the session's folder.

        Raises:
            UsageError: It is outside the folder, or a file that the session or its export writes.
        """
        made = self.output(path, type=type, role=None, activity=None)
        self.add({"event": "artifact", "artifact": manifest.artifact_json(made)})
        return made

    # --- what runs ask

    def provenances(self, loads: Iterable[str]) -> dict[str, Json]:
        """The provenance of each of these loads, by id."""
        return {load: self._loads[load].provenance for load in loads}

    def input(self, path: PathLike, *, type: str, role: str) -> Artifact:
        """The file that *path* names, from the working directory, else from the session's folder, as it is now."""
        return next(used_files(self, one_path(path, "path"), "path", type=type, role=role))

    def output(self, path: PathLike, *, type: str, role: str | None, activity: str | None) -> Artifact:
        """The file or folder that was made at *path*, as it is now."""
        target = self.outputs.inside(one_path(path, "path"))
        made = Artifact(path=self.relative(target), type=type, role=role, gaps=(Gap("sha256", "cannot be looked at"),))
        with self.guard(f"the digest of {target.name}", ours=True):
            made = files.artifact(target, folder=self.folder, type=type, role=role)
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
