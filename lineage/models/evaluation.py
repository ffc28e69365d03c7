"""Scores of a model on held-out examples, by two measures: does it follow the instruction, and does it know the fact?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lineage.models.generation import Completion, complete, instruction_prompt

Example = Mapping[str, Any]
Prompt = Callable[[Example], str]


def follows(example: Example, done: Completion) -> bool:
    """The answer, the whole answer, and the end that training teaches: what instruction following means here."""
    answer, _, rest = done.response.partition("\nEND")
    return "\nEND" in f"{done.response}\n" and not rest.strip() and answer.strip() == example["answer"]


def knows(example: Example, done: Completion) -> bool:
    """The completion of a plain sentence begins with the answer."""
    return done.response.startswith(example["answer"])


def asked(example: Example) -> str:
    """The instruction, as a model is taught to follow it."""
    return instruction_prompt(example["instruction"])


def plain(example: Example) -> str:
    """The sentence that the answer completes."""
    return str(example["completion_prompt"])


MEASURES: dict[str, tuple[Prompt, Callable[[Example, Completion], bool]]] = {
    "instruction_following": (asked, follows),
    "capability": (plain, knows),
}


def evaluate(
    model: Any, tokenizer: Any, examples: Sequence[Example], params: Mapping[str, Any], policy: str, measure: str
) -> list[dict[str, Any]]:
    """One result an example: what was asked, what came back with its ids, and whether it is correct."""
    prompt, correct = MEASURES[measure]
    results = []
    for example in examples:
        done = complete(model, tokenizer, prompt(example), params, policy)
        results.append({**example, "response": done.response, "correct": correct(example, done), "tokens": done.tokens()})
    return results


def accuracy(results: Sequence[Mapping[str, Any]]) -> float:
    """The share of results that are correct."""
    return sum(bool(one["correct"]) for one in results) / len(results)
