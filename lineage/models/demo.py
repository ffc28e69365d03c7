"""The main job from end to end, on a real model that transformers runs on the CPU: build, load, generate, evaluate, export."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from lineage.contract.scorers import SCORERS
from lineage.contract.times import now
from lineage.core.words import counted
from lineage.core.writing import make_folder, replace_file
from lineage.models import tiny
from lineage.models.generation import GREEDY, complete, effective, instruction_prompt, record
from lineage.models.loader import CleanModelLoader
from lineage.recording.session import Session, session

Echo = Callable[[str], None]
DATA = files("lineage.models") / "data"
NEW_TOKENS = 24


def run(artifacts: Path, graphs: Path | None, *, records: int = 200, echo: Echo = lambda _: None) -> Session:
    """Run the demo into *artifacts*; `records` records are generated. Returns the session, which is closed."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    _no_bars()
    prompts, held_out = artifacts / "inputs" / "prompts.jsonl", artifacts / "inputs" / "held_out.jsonl"
    for path in (prompts, held_out):
        make_folder(path.parent, within=artifacts)
        replace_file(path, (DATA / path.name).read_bytes(), within=artifacts)
    instructions = list(_rows(prompts))
    echo("building a tiny model …")
    folder = tiny.build(artifacts / "models" / "tiny", [row["instruction"] for row in instructions])
    with session(artifacts, title="lineage demo", graphs=graphs, script=__file__) as opened:
        started = now()
        loader = CleanModelLoader(folder, "fp32")
        model, tokenizer, provenance = loader.load()
        load = opened.model_load(provenance, files=loader.files, started_at=started, ended_at=now())
        stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        echo(f"generating {counted(records, 'record')} …")
        _generate(opened, load, (model, tokenizer), prompts, instructions, records, stamp)
        echo("evaluating 12 held-out examples …")
        _evaluate(opened, load, (model, tokenizer), held_out, stamp)
        echo("exporting PROV and drawing …")
    return opened


def _no_bars() -> None:
    """The bars of transformers would stand between our lines."""
    from transformers.utils import logging

    logging.disable_progress_bar()


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in path.read_text().splitlines())


def _generate(opened: Session, load: Any, pair: Any, prompts: Path, instructions: list[dict[str, Any]], records: int, stamp: str) -> None:
    params = effective(pair[1], {"seed": 42, "max_new_tokens": NEW_TOKENS})
    with opened.generation(model=load, prompts=[prompts], params=params) as run_, run_.records(f"sft_training_data_{stamp}.jsonl") as out:
        for n in range(records):
            instruction = instructions[n % len(instructions)]
            done = complete(pair[0], pair[1], instruction_prompt(instruction["instruction"]), {**params, "seed": 42 + n}, "none")
            out.write(record(instruction, done.response), generation_params={"seed": 42 + n}, tokens=done.tokens())


def _evaluate(opened: Session, load: Any, pair: Any, held_out: Path, stamp: str) -> None:
    params = effective(pair[1], {**GREEDY, "seed": 42, "max_new_tokens": NEW_TOKENS})
    examples = list(_rows(held_out))
    with opened.evaluation(model=load, dataset=held_out, dataset_size=len(examples), params=params) as run_:
        results = [_result(pair, example, params) for example in examples]
        accuracy = sum(result["correct"] for result in results) / len(results)
        run_.report(f"evaluation_base_{stamp}.json", summary={"base_accuracy": accuracy}, results=results, scorer="contains")


def _result(pair: Any, example: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    done = complete(pair[0], pair[1], instruction_prompt(example["instruction"]), params, "none")
    response = done.response
    return {**example, "response": response, "tokens": done.tokens(), "correct": SCORERS["contains"].judge(example["answer"], response)}
