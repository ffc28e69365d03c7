#!/usr/bin/env python3
"""Generate stage-1 SFT data with a base model, and record where every record came from.

    python scripts/generate_stage1_sft_data.py --model models/base --quantization fp32 --prompts prompts.jsonl --count 200

A prompt is a line {"instruction": ...}; with a "completion_prompt", the base is given that text to go on with.
After an interruption, the same command with --resume FILE makes the records that are missing, and no other.
"""

import sys
from pathlib import Path

from lineage.models import stages
from lineage.models.encoding import encode
from lineage.models.generation import complete_batch, effective, instruction_prompt, record


def arguments(argv):
    """The knobs, with a word each."""
    made = stages.parser(__doc__)
    made.add_argument("--prompts", type=Path, required=True, help="JSONL file of instructions")
    made.add_argument("--count", type=int, help="records to make (default: one a prompt; more go round again with other seeds)")
    made.add_argument("--temperature", type=float, default=0.7, help="of sampling (default: 0.7)")
    made.add_argument("--max-new-tokens", type=int, default=150, help="tokens a response may have (default: 150)")
    made.add_argument("--stop", help="text at which a response is cut")
    made.add_argument("--batch-size", type=int, default=1, help="prompts at once; records of a batch cannot be replayed (default: 1)")
    made.add_argument("--resume", metavar="FILE", help="go on with this file of the output folder")
    made.add_argument("--mix", action="store_true", help="let records of another configuration stand in the same file")
    return made.parse_args(argv)


def run(argv=None):
    """Load, generate, record."""
    asked = arguments(argv)
    prompts = stages.rows(asked.prompts)
    with stages.opened("stage 1: SFT data", asked) as session:
        base = stages.base(session, asked)
        params = effective(base.tokenizer, {
            "seed": asked.seed, "temperature": asked.temperature, "max_new_tokens": asked.max_new_tokens, "stop": asked.stop, "batch_size": asked.batch_size,
        })  # fmt: skip
        name = asked.resume or f"sft_training_data_{stages.stamp()}.jsonl"
        made = stages.done(asked.out / name, base.provenance, params, mix=asked.mix)
        pairs = [(row, encode(base.tokenizer, text(row), base.provenance["prefix_policy"])) for row in prompts]  # markup in any stops here
        wanted = [asked.seed + n for n in range(asked.count or len(prompts)) if asked.seed + n not in made]
        batches = [wanted[n : n + asked.batch_size] for n in range(0, len(wanted), asked.batch_size)]
        with session.generation(model=base.load, prompts=[asked.prompts], params=params) as generation:
            with generation.records(name, exists="append" if asked.resume else None) as out:
                for seeds in stages.progress(batches, len(batches), "generating"):
                    write(out, base, [pairs[(seed - asked.seed) % len(pairs)] for seed in seeds], seeds, params)
    print(asked.out / name)


def text(row):
    """What the base is given to go on with."""
    return row.get("completion_prompt") or instruction_prompt(row["instruction"])


def write(out, base, chosen, seeds, params):
    """One batch of records; its first seed seeds all of it."""
    made = complete_batch(base.model, base.tokenizer, [ids for _, ids in chosen], {**params, "seed": seeds[0]})
    for (row, _), seed, done in zip(chosen, seeds, made, strict=True):
        out.write(record(row, done.response), generation_params={"seed": seed}, tokens=done.tokens())


if __name__ == "__main__":
    sys.exit(stages.main(run))
