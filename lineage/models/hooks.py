"""The same facts for scripts of one's own, in two lines.

trainer = Trainer(..., callbacks=[callback(run)])              # inside `with session.training(...) as run:`
generate = recorded(model.generate, run)                       # inside `with session.generation(...) as run:`
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lineage.recording.runs import GenerationRun, TrainingRun

ARGUMENTS = (
    "seed", "data_seed", "max_steps", "num_train_epochs", "per_device_train_batch_size", "gradient_accumulation_steps", "learning_rate",
    "weight_decay", "warmup_steps", "lr_scheduler_type", "optim", "bf16", "fp16", "gradient_checkpointing", "max_grad_norm",
)  # fmt: skip


def callback(run: TrainingRun) -> Any:
    """A TrainerCallback that records, of a training that takes place inside *run*: its arguments, its length, its loss, its checkpoints."""
    from transformers import TrainerCallback

    class Recorder(TrainerCallback):  # type: ignore[misc]
        """Tells *run* what the trainer does."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            run.learned(params=_arguments(args), total_steps=state.max_steps)

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            _checkpoint(run, Path(args.output_dir) / f"checkpoint-{state.global_step}")

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            losses = [entry["train_loss"] for entry in state.log_history if "train_loss" in entry]
            run.learned(steps=state.global_step, flos=state.total_flos, **({"train_loss": losses[-1]} if losses else {}))

    return Recorder()


def _arguments(args: Any) -> dict[str, Any]:
    return {name: value for name in ARGUMENTS if (value := getattr(args, name, None)) is not None}


def _checkpoint(run: TrainingRun, path: Path) -> None:
    """The checkpoint as an output, when it lies in the session's folder; files in it are digested, pickles among them never loaded."""
    relative = os.path.relpath(path.absolute(), run.session.folder.absolute())
    if relative.startswith(".."):
        run.gap(path.name, "the checkpoint lies outside the session's folder")
    else:
        run.output(relative, type="model", role="checkpoint")


def recorded(generate: Callable[..., Any], run: GenerationRun) -> Callable[..., Any]:
    """`model.generate`, which also records the settings that were in force: those of its first call, and a gap where a later one differs."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        made = generate(*args, **kwargs)
        run.learned(params=_settings(generate, kwargs))
        return made

    return wrapper


def _settings(generate: Callable[..., Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """What the call said, over what the model's own generation config says."""
    own = getattr(getattr(generate, "__self__", None), "generation_config", None)
    told = kwargs.get("generation_config")
    layers = [config.to_dict() for config in (own, told) if config is not None] + [kwargs]
    return {
        key: value
        for layer in layers
        for key, value in layer.items()
        if isinstance(value, str | bool | int | float) and not key.startswith("_")
    }
