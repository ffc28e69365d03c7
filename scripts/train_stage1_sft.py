#!/usr/bin/env python3
"""Fine-tune the base on recorded examples (LoRA), and record what the adapter was made from.

python scripts/train_stage1_sft.py --model models/base --quantization fp32 --data artifacts/sft_training_data_X.jsonl --max-steps 400
"""

import sys
from pathlib import Path

from lineage.models import stages
from lineage.models.hooks import callback
from lineage.models.training import PARAMS, examples, train


def arguments(argv):
    """The knobs, with a word each."""
    made = stages.parser(__doc__)
    made.add_argument("--data", type=Path, nargs="+", required=True, help="JSONL files with prompt and completion")
    made.add_argument("--adapter", help="name of the adapter's folder (default: adapter_TIME)")
    for key, kind in (("max_steps", int), ("batch_size", int), ("learning_rate", float), ("lora_r", int), ("lora_alpha", int)):
        made.add_argument(f"--{key.replace('_', '-')}", type=kind, default=PARAMS[key], help=f"(default: {PARAMS[key]})")
    return made.parse_args(argv)


def run(argv=None):
    """Load, train, save, record."""
    asked = arguments(argv)
    rows = examples(asked.data)
    params = {**PARAMS, **{key: value for key, value in vars(asked).items() if key in PARAMS}}
    name = asked.adapter or f"adapter_{stages.stamp()}"
    if (asked.out / name).exists():
        raise stages.UsageError("the folder exists already", at=str(asked.out / name), hint="name another with --adapter")
    with stages.opened("stage 1: SFT", asked) as session:
        base = stages.base(session, asked)
        with session.training(model=base.load, datasets=asked.data, params={**params, "examples": len(rows)}) as training:
            train(base.model, base.tokenizer, rows, asked.out / name, params, base.provenance["prefix_policy"], [callback(training)])
            training.output(name, type="model", role="adapter")
    print(asked.out / name)


if __name__ == "__main__":
    sys.exit(stages.main(run))
