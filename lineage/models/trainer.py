"""A callback of transformers' Trainer: parameters, metrics, checkpoints, and the checkpoint that a training was resumed from.

on_train_begin    the arguments in force, the sizes of the data, the adapter, the checkpoint it goes on from
on_log            kept in memory; the whole curve becomes a file when the run ends
on_evaluate       the last value of each metric
on_save           the checkpoint, and the checkpoints that the limit on them removed
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, fields
from functools import wraps
from pathlib import Path
from typing import Any

from lineage.core.writing import replace_file
from lineage.facts import Artifact
from lineage.known_by import KnownBy
from lineage.models.arguments import plain_arguments
from lineage.recording.runs import TrainingRun

# Recorded whatever their value; other arguments where they differ from their default.
ARGUMENTS = (
    "seed", "data_seed", "num_train_epochs", "per_device_train_batch_size", "gradient_accumulation_steps", "learning_rate", "weight_decay",
    "warmup_steps", "lr_scheduler_type", "optim", "adam_beta1", "adam_beta2", "adam_epsilon", "bf16", "fp16", "gradient_checkpointing",
    "max_grad_norm", "label_smoothing_factor",
)  # fmt: skip
# Say nothing of the model: places, trackers, the hub, the terminal. `hub_token` is a secret.
UNRELATED = (
    "output_dir", "logging_dir", "run_name", "report_to", "project", "disable_tqdm", "log_level", "log_level_replica", "log_on_each_node",
    "logging_first_step", "push_to_hub", "hub_model_id", "hub_strategy", "hub_token", "hub_private_repo", "hub_always_push", "hub_revision",
    "trackio_space_id", "trackio_bucket_id", "trackio_static_space_id", "do_train", "do_eval", "do_predict", "overwrite_output_dir", "local_rank",
    "resume_from_checkpoint", "max_steps", "skip_memory_metrics", "ddp_timeout", "debug", "enable_jit_checkpoint",
)  # fmt: skip
HISTORY = "training_history"
_CHECKPOINT = "checkpoint-"  # how transformers calls its folders


def callback(run: TrainingRun) -> Any:
    """Return a TrainerCallback that records a training which takes place inside *run*. Only the main process records.

    Args:
        run: The run of `session.training(...)`; it must still take place when the Trainer trains or evaluates.
    """
    from transformers import TrainerCallback

    recorder = _Recorder(run)
    run.at_end(recorder.write_history)

    class Recorder(TrainerCallback):  # type: ignore[misc]
        """Passes what the Trainer reports to the run."""

        on_train_begin = _event(recorder.begin)
        on_log = _event(recorder.log)
        on_evaluate = _event(recorder.evaluate)
        on_save = _event(recorder.save)
        on_train_end = _event(recorder.end)

    return Recorder()


def _event(record: Callable[..., None]) -> Callable[..., None]:
    """Return a method of a callback. An error in recording is a gap, and the training goes on."""

    @wraps(record, updated=())
    def method(_: Any, args: Any, state: Any, control: Any, **more: Any) -> None:
        run = record.__self__.run  # type: ignore[attr-defined]
        if state.is_world_process_zero and run.session.recording:
            with run.session.guard("an event of the training", ours=True):
                record(args, state, **more)

    return method


class _Recorder:
    """The state of one callback: the logged values, and the checkpoints that are there."""

    def __init__(self, run: TrainingRun) -> None:
        self.run = run
        self._entries: list[Mapping[str, Any]] = []
        self._written = 0  # entries in the file
        self._checkpoints: dict[Path, Artifact] = {}

    def begin(
        self, args: Any, state: Any, *, model: Any = None, train_dataloader: Any = None, eval_dataloader: Any = None, **_: Any
    ) -> None:
        """Record what is in force, and the checkpoint that the training goes on from."""
        self._checkpoints |= {path: self._found(path) for path in _checkpoints(args) if path not in self._checkpoints}
        params = _arguments(args, state) | _sizes(args, state, train_dataloader, eval_dataloader) | _adapted(model)
        if state.global_step:
            params |= self._resumed(args, state)
        self.run.learned(params=params, known_by=KnownBy.OBSERVED)

    def _found(self, path: Path) -> Artifact:
        """A checkpoint that was there before this training."""
        return Artifact(path=self.run.session.relative(path), type="model", role="checkpoint")

    def _resumed(self, args: Any, state: Any) -> dict[str, Any]:
        path = _resumed_from(args, state)
        if path is None:
            self.run.gap("params.resume_from_checkpoint", "the training was resumed from a checkpoint that the Trainer did not name")
            return {"resume_from_checkpoint": None, "resume_step": state.global_step}
        used = self.run.session.input(path, type="model", role="checkpoint")
        self.run.use(path, role="checkpoint", type="model")
        if path.absolute() in self._checkpoints:
            self._checkpoints[path.absolute()] = used
        return {"resume_from_checkpoint": self.run.session.relative(path), "resume_step": state.global_step}

    def log(self, args: Any, state: Any, *, logs: Mapping[str, Any] | None = None, **_: Any) -> None:
        """Keep the values of one step."""
        self._entries.append({"epoch": state.epoch, **(logs or {}), "step": state.global_step})

    def evaluate(self, args: Any, state: Any, *, metrics: Mapping[str, Any] | None = None, **_: Any) -> None:
        """Record an evaluation, one after the training too."""
        self.run.measured(_values(metrics or {}) | {"step": state.global_step}, known_by=KnownBy.OBSERVED)

    def save(self, args: Any, state: Any, **_: Any) -> None:
        """Record a checkpoint, and which ones it replaced."""
        path = (Path(_run_dir(args, state)) / f"{_CHECKPOINT}{state.global_step}").absolute()
        self._checkpoints[path] = self.run.checkpoint(path)
        self.run.measured(_last(self._entries) | {"step": state.global_step}, known_by=KnownBy.OBSERVED)
        self._removed(args)

    def end(self, args: Any, state: Any, **_: Any) -> None:
        """Record the results."""
        self._removed(args)
        best = {"best_metric": state.best_metric, "best_step": state.best_global_step}
        facts = {
            "steps": state.global_step,
            "epochs": state.epoch,
            "flos": state.total_flos,
            "input_tokens": state.num_input_tokens_seen or None,
        }
        results = {name: value for name, value in {**facts, **best}.items() if value is not None}
        self.run.measured(_last(self._entries) | results | {"step": state.global_step}, known_by=KnownBy.OBSERVED)
        if state.global_step < state.max_steps:
            self.run.gap("steps", f"the training stopped at step {state.global_step} of {state.max_steps}; the Trainer does not say why")
        self.write_history()

    def _removed(self, args: Any) -> None:
        """Record which checkpoints are gone, if a limit on them is set: nothing else says that the training removed them."""
        gone = [path for path in self._checkpoints if not path.exists()]
        for path in gone:
            artifact = self._checkpoints.pop(path)
            if args.save_total_limit:
                self.run.removed(artifact)

    def write_history(self) -> None:
        """Write all logged values as a file of the session: step, epoch, metric and value."""
        if len(self._entries) == self._written or not self.run.session.recording:
            return
        self.run.measured(_last(self._entries), known_by=KnownBy.OBSERVED)
        name = f"{HISTORY}_{self.run.id}.csv"
        replace_file(self.run.session.folder / name, _table(self._entries))
        self.run.output(name, type=HISTORY)
        self._written = len(self._entries)


# --- what is in force


def _arguments(args: Any, state: Any) -> dict[str, Any]:
    """Return the arguments that decide the model, as JSON holds them."""
    known = args.to_dict()
    own = {field.name for field in fields(args)} - {field.name for field in fields(_base_class(args))}
    wanted = [field for field in fields(args) if field.name in known and field.name not in UNRELATED]
    differing = {
        field.name for field in wanted if field.name in own or field.name in ARGUMENTS or _differs(field, getattr(args, field.name))
    }
    found = plain_arguments({name: value for name, value in known.items() if name in differing and value is not None})
    values = {name: value for name, value in found.params.items() if value is not None}
    if args.max_steps > 0:
        values.pop("num_train_epochs", None)  # the limit on steps is in force instead
    return values | {"max_steps": state.max_steps, "total_steps": state.max_steps}


def _base_class(args: Any) -> Any:
    """Return `TrainingArguments` of transformers: what a subclass adds, as TRL's do, is always recorded."""
    return next(cls for cls in type(args).__mro__ if cls.__name__ == "TrainingArguments" and cls.__module__.startswith("transformers"))


def _differs(field: Field[Any], value: Any) -> bool:
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    value, default = getattr(value, "value", value), getattr(default, "value", default)
    return bool((value or None) != (default or None)) and not _is_default(value)


def _is_default(value: Any) -> bool:
    """Is it an object with its own defaults, as the Trainer puts one where none was given?"""
    return hasattr(value, "to_dict") and value.to_dict().items() <= type(value)().to_dict().items()


def _sizes(args: Any, state: Any, train: Any, evaluation: Any) -> dict[str, Any]:
    """Return how much data each step and each epoch takes."""
    batch = (state.train_batch_size or args.train_batch_size) * args.gradient_accumulation_steps * args.world_size
    sizes: dict[str, Any] = {"world_size": args.world_size, "effective_batch_size": batch}
    for name, loader in (("train_examples", train), ("eval_examples", evaluation)):
        count = _length(getattr(loader, "dataset", None))
        sizes |= {} if count is None else {name: count}
    batches = _length(train)
    if args.max_steps > 0 and batches:
        steps = max(batches // args.gradient_accumulation_steps + bool(batches % args.gradient_accumulation_steps), 1)
        sizes["num_train_epochs"] = state.max_steps / steps
    return sizes


def _length(data: Any) -> int | None:
    try:
        return len(data)
    except TypeError:  # a stream has no length
        return None


def _adapted(model: Any) -> dict[str, Any]:
    """Return the name and commit of the model, and the configuration of its adapters."""
    from lineage.models.loader import shown

    model = getattr(model, "module", model)
    config = getattr(model, "config", None)
    name, commit = getattr(config, "_name_or_path", None), getattr(config, "_commit_hash", None)
    facts = {"model_name": shown(name) if name else None, "model_revision": commit}
    adapters = getattr(model, "peft_config", None)
    if isinstance(adapters, Mapping):
        facts["adapters"] = {str(key): _adapter(adapter) for key, adapter in adapters.items()}
    return {key: value for key, value in facts.items() if value}


def _adapter(config: Any) -> dict[str, Any]:
    """Return what the configuration of an adapter sets."""
    values = {name: value for name, value in config.to_dict().items() if value not in (None, {}, []) and name != "base_model_name_or_path"}
    return plain_arguments(values).params


# --- checkpoints


def _run_dir(args: Any, state: Any) -> str:
    """Return the folder of the checkpoints; a search for hyperparameters has one for each trial."""
    trial = getattr(state, "trial_name", None)
    inside = Path(args.output_dir) / str(trial)
    return str(inside if trial and inside.is_dir() else args.output_dir)


def _checkpoints(args: Any) -> Iterator[Path]:
    for path in Path(args.output_dir).absolute().glob(f"{_CHECKPOINT}*"):
        if path.name.removeprefix(_CHECKPOINT).isdigit():
            yield path


def _resumed_from(args: Any, state: Any) -> Path | None:
    """Return the checkpoint that was loaded.

    The Trainer gives its callbacks the step and not the path, so the path is read from the frame of its training loop. Without such a frame, it is the
    checkpoint of that step in the output folder, if `resume_from_checkpoint` of the arguments names no other.
    """
    named = _argument_of("_inner_training_loop", "resume_from_checkpoint") or args.resume_from_checkpoint
    path = Path(named) if isinstance(named, str | Path) else Path(_run_dir(args, state)) / f"{_CHECKPOINT}{state.global_step}"
    return path if path.is_dir() else None


def _argument_of(function: str, name: str) -> Any:
    """Return an argument of the innermost caller that is called *function*."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != function:
        frame = frame.f_back  # type: ignore[assignment]
    return frame.f_locals.get(name) if frame is not None else None


# --- logged values


def _values(logs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metrics among logged values."""
    return {name: value for name, value in logs.items() if name not in ("epoch", "step", "total_flos")}


def _last(entries: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the last value of each metric."""
    return {name: value for entry in entries for name, value in _values(entry).items()}


def _table(entries: list[Mapping[str, Any]]) -> bytes:
    """Return all values as CSV, a value a line: rows of one table whatever was logged."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("step", "epoch", "metric", "value"))
    for entry in entries:
        rows.writerows((entry.get("step"), entry.get("epoch"), name, value) for name, value in _values(entry).items())
    return text.getvalue().encode()
