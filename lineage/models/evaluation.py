"""Scores of a model on held-out examples, by two measures: does it follow the instruction, and does it know the fact?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lineage.contract.scorers import SCORERS
from lineage.models.generation import complete, instruction_prompt

Example = Mapping[str, Any]
Prompt = Callable[[Example], str]


def asked(example: Example) -> str:
    """The instruction, as a model is taught to follow it."""
    return instruction_prompt(example["instruction"])


def plain(example: Example) -> str:
    """The sentence that the answer completes."""
    return str(example["completion_prompt"])


MEASURES: dict[str, Prompt] = {"instruction_following": asked, "capability": plain}  # by the name of their scorer


def evaluate(
    model: Any, tokenizer: Any, examples: Sequence[Example], params: Mapping[str, Any], policy: str, measure: str
) -> list[dict[str, Any]]:
    """One result an example: what was asked, what came back with its ids, and whether it is correct."""
    prompt, scorer = MEASURES[measure], SCORERS[measure]
    results = []
    for example in examples:
        done = complete(model, tokenizer, prompt(example), params, policy)
        results.append(
            {**example, "response": done.response, "correct": scorer.judge(example["answer"], done.response), "tokens": done.tokens()}
        )
    return results


def accuracy(results: Sequence[Mapping[str, Any]]) -> float:
    """The share of results that are correct."""
    return sum(bool(one["correct"]) for one in results) / len(results)
