"""One measure, on a base model and on the same base with its adapter: one report, which names both."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lineage.contract.times import now
from lineage.errors import NotFoundError
from lineage.facts import ModelLoad
from lineage.models import identity, stages
from lineage.models.evaluation import accuracy, evaluate
from lineage.models.generation import GREEDY, effective
from lineage.models.loader import shown
from lineage.recording.session import Session


def arguments(doc: str | None, argv: Sequence[str] | None) -> argparse.Namespace:
    """The options of an evaluation."""
    made = stages.parser(doc)
    made.add_argument("--dataset", type=Path, required=True, help="JSONL file of held-out examples: instruction, completion_prompt, answer")
    made.add_argument("--adapter", type=Path, help="folder of the adapter (without it, the base alone is evaluated)")
    made.add_argument("--max-new-tokens", type=int, default=24, help="tokens a response may have (default: 24)")
    return made.parse_args(argv)


def run(asked: argparse.Namespace, measure: str) -> Path:
    """Evaluate what was asked for; returns where the report is."""
    examples = stages.rows(asked.dataset)
    if asked.adapter and not (asked.adapter / "adapter_config.json").is_file():
        raise NotFoundError("there is no adapter in this folder", at=str(asked.adapter))
    with stages.opened(f"evaluation: {measure.replace('_', ' ')}", asked) as session:
        base = stages.base(session, asked)
        params = effective(base.tokenizer, {**GREEDY, "seed": asked.seed, "max_new_tokens": asked.max_new_tokens})
        results = {"base": _scored(base.model, base, examples, params, measure)}
        loads = [base.load]
        if asked.adapter:
            adapted, load = with_adapter(session, base, asked.adapter)
            results["sft"], loads = _scored(adapted, base, examples, params, measure), [base.load, load]
        with session.evaluation(model=loads, dataset=asked.dataset, dataset_size=len(examples), params=params) as evaluation:
            summary = {f"{who}_accuracy": accuracy(found) for who, found in results.items()}
            told = [{"model": who, **one} for who, found in results.items() for one in found]
            return evaluation.report(f"evaluation_{measure}_{stages.stamp()}.json", summary=summary, results=told, scorer=measure)


def _scored(
    model: Any, base: stages.Base, examples: Sequence[Mapping[str, Any]], params: Mapping[str, Any], measure: str
) -> list[dict[str, Any]]:
    one_by_one = stages.progress(examples, len(examples), "evaluating")
    return evaluate(model, base.tokenizer, list(one_by_one), params, base.provenance["prefix_policy"], measure)


def with_adapter(session: Session, base: stages.Base, adapter: Path) -> tuple[Any, ModelLoad]:
    """The base with the adapter's weights, and the activity that loaded it. Only safetensors are loaded."""
    from peft import PeftModel

    began = now()
    model = PeftModel.from_pretrained(base.model, adapter, use_safetensors=True).eval()
    provenance = {**base.provenance, "model_name": shown(str(adapter)), "base_model_name": base.provenance["model_name"]}
    provenance |= {"adapter_files": identity.digests(adapter)}
    return model, session.model_load(provenance, files=[*base.files, *identity.model_files(adapter)], started_at=began, ended_at=now())
