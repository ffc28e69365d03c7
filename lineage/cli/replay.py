"""`lineage replay`: make records again from their metadata, and say what held."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineage.cli import place, row, tell
from lineage.models.replay_sample import require_models

if TYPE_CHECKING:
    from lineage.models.replay import Verdict

VERIFICATION_FAILED = 4


@click.command("replay", epilog="Example: lineage replay artifacts/sft_training_data.jsonl:12")
@click.argument("record", metavar="FILE[:LINE]")
@click.option("--sample", metavar="N", type=click.IntRange(1), help="N records of the file, chosen by --seed.")
@click.option("--seed", default=0, show_default=True, help="Chooses the sample.")
@click.option("--model", type=click.Path(path_type=Path, file_okay=False), help="The model's folder, if it is not where the record says.")
def command(record: str, sample: int | None, seed: int, model: Path | None) -> int:
    """Make records again, each from its metadata alone, and say which level held.

    bit-exact: same tokens and text in the same runtime; token-exact: same tokens although the runtime differs; differs; impossible,
    and why. Exit code 4 when a record differs or cannot be made again.
    """
    require_models()
    path, line = place(record)
    levels: Counter[str] = Counter()
    for verdict in _verdicts(path, line, sample, seed, model):
        levels[verdict.level] += 1
        row(f"{path}:{verdict.line}: {verdict.level}{f': {verdict.detail}' if verdict.detail else ''}")
    tell(", ".join(f"{count} {level}" for level, count in sorted(levels.items())) or "there is no record to replay")
    return 0 if set(levels) <= {"bit-exact", "token-exact"} else VERIFICATION_FAILED


def _verdicts(path: Path, line: int | None, sample: int | None, seed: int, model: Path | None) -> Iterator[Verdict]:
    from transformers.utils import logging

    from lineage.models.replay import Replayer, records

    logging.disable_progress_bar()
    found = records(path, None if line is None else [line])
    lines = sorted(found)
    if sample is not None and sample < len(lines):
        lines = sorted(random.Random(seed).sample(lines, sample))  # noqa: S311 - a choice that can be repeated, no secret
    replayer = Replayer(path, model)
    return (replayer.replay(number, found[number]) for number in lines)
