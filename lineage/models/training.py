"""Supervised fine-tuning of a loaded base on recorded examples: LoRA, by peft and transformers' own Trainer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lineage.errors import UsageError
from lineage.models.encoding import encode
from lineage.models.practice import padded

PARAMS: dict[str, Any] = {
    "method": "lora", "seed": 42, "max_steps": 300, "batch_size": 16, "learning_rate": 1e-2, "lora_r": 16, "lora_alpha": 32, "lora_dropout": 0.0,
    "target_modules": "all-linear", "lr_scheduler": "linear",
}  # fmt: skip


def examples(paths: Iterable[Path]) -> list[dict[str, str]]:
    """The `prompt` and `completion` of every record.

    Raises:
        UsageError: a record has none, or there are no records.
    """
    found = [_example(path, number, line) for path in paths for number, line in enumerate(path.read_text().splitlines(), 1) if line.strip()]
    if not found:
        raise UsageError("there is no record to train on", hint="name a file that generate_stage1_sft_data.py wrote")
    return found


def _example(path: Path, number: int, line: str) -> dict[str, str]:
    row = json.loads(line)
    if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in ("prompt", "completion")):
        raise UsageError("the record has no prompt and completion", at=f"{path}:{number}")
    return {"prompt": row["prompt"], "completion": row["completion"]}


def train(
    model: Any,
    tokenizer: Any,
    rows: Sequence[Mapping[str, str]],
    out: Path,
    params: Mapping[str, Any],
    policy: str,
    callbacks: Sequence[Any] = (),
) -> Any:
    """Train an adapter on *rows* and save it to *out*; only completions carry loss. Returns the model with its adapter, in evaluation mode.

    The caller's random numbers stay what they were; two runs with one seed give the same weights on one machine.
    """
    import torch
    from transformers import PrinterCallback, Trainer

    encoded = [_encoded(tokenizer, row, policy) for row in rows]
    with torch.random.fork_rng():
        adapted = _adapter(model, params)
        arguments = _arguments(out, params, model.device.type == "cpu")
        pad = tokenizer.pad_token_id or 0
        trainer = Trainer(
            model=adapted,
            args=arguments,
            train_dataset=encoded,
            data_collator=lambda batch: padded([one["ids"] for one in batch], pad, untrained=[one["skip"] for one in batch]),
            callbacks=list(callbacks),
        )
        trainer.remove_callback(PrinterCallback)  # it prints to stdout, which carries data
        trainer.train()
    adapted.eval()
    adapted.save_pretrained(out)
    return adapted


def _encoded(tokenizer: Any, row: Mapping[str, str], policy: str) -> dict[str, Any]:
    prompt = encode(tokenizer, row["prompt"], policy)
    end = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    return {"ids": [*prompt, *encode(tokenizer, row["completion"], "none"), *end], "skip": len(prompt)}


def _adapter(model: Any, params: Mapping[str, Any]) -> Any:
    import torch
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    torch.manual_seed(params["seed"])
    if getattr(model, "is_quantized", False):
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    shape = {"r": params["lora_r"], "lora_alpha": params["lora_alpha"], "lora_dropout": params["lora_dropout"]}
    return get_peft_model(model, LoraConfig(**shape, target_modules=params["target_modules"], task_type="CAUSAL_LM"))


def _arguments(out: Path, params: Mapping[str, Any], cpu: bool) -> Any:
    from transformers import TrainingArguments

    seeds = {"seed": params["seed"], "data_seed": params["seed"]}
    quiet: dict[str, Any] = {"report_to": [], "save_strategy": "no", "disable_tqdm": True, "logging_strategy": "no"}
    return TrainingArguments(
        output_dir=str(out),
        max_steps=params["max_steps"],
        per_device_train_batch_size=params["batch_size"],
        learning_rate=params["learning_rate"],
        lr_scheduler_type=params["lr_scheduler"],
        remove_unused_columns=False,
        use_cpu=cpu,
        **seeds,
        **quiet,
    )
