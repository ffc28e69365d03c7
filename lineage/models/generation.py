"""Completions from fully specified parameters.  One at a time with a seed for each, so that a record can be made again; or in batches,
which is faster, and which `replay` cannot repeat record by record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage.models.decoding import GREEDY, PARAMS, effective, generation_config
from lineage.models.encoding import encode

__all__ = ["GREEDY", "PARAMS", "Completion", "complete", "complete_batch", "complete_ids", "effective", "instruction_prompt", "record"]


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model added to a prompt: the ids that it got and gave, and the response as text."""

    prompt_ids: list[int]
    completion_ids: list[int]  # with the end token, if the model came to it
    response: str

    def tokens(self) -> dict[str, list[int]]:
        """What a record keeps so that it can be made again and compared."""
        return {"prompt_ids": self.prompt_ids, "completion_ids": self.completion_ids}


def complete(model: Any, tokenizer: Any, prompt: str, params: Mapping[str, Any], policy: str) -> Completion:
    """One completion of *prompt*; *params* are those of `effective` and a `seed`.

    Raises:
        ContaminationError: markup in the prompt would reach the model as control tokens.
    """
    return complete_ids(model, tokenizer, encode(tokenizer, prompt, policy), params)


def complete_ids(model: Any, tokenizer: Any, ids: Sequence[int], params: Mapping[str, Any]) -> Completion:
    """One completion of the prompt that has these ids."""
    return complete_batch(model, tokenizer, [list(ids)], params)[0]


def complete_batch(model: Any, tokenizer: Any, prompts: Sequence[list[int]], params: Mapping[str, Any]) -> list[Completion]:
    """Completions of several prompts in one go, padded on the left, with one seed for all of them."""
    import torch

    width, pad = max(map(len, prompts)), params["pad_token_id"] or 0
    rows = torch.tensor([[pad] * (width - len(ids)) + ids for ids in prompts], device=model.device)
    mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts], device=model.device)
    torch.manual_seed(params.get("seed") or 0)
    with torch.inference_mode():
        made = model.generate(
            input_ids=rows, attention_mask=mask, generation_config=generation_config(params), **_readers(tokenizer, params)
        )
    return [_completion(tokenizer, ids, row[width:].tolist(), params) for ids, row in zip(prompts, made, strict=True)]


def _readers(tokenizer: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tokenizer where the model itself must look for texts at which to stop."""
    return {"tokenizer": tokenizer} if params.get("stop_strings") else {}


def _completion(tokenizer: Any, ids: list[int], made: list[int], params: Mapping[str, Any]) -> Completion:
    ends = _ends(params["eos_token_id"])
    last = next((n for n, token in enumerate(made) if token in ends), None)
    if last is not None:
        made = made[: last + 1]
    text: str = tokenizer.decode([one for one in made if one not in ends], skip_special_tokens=False, clean_up_tokenization_spaces=False)
    stop = params.get("stop")
    return Completion(ids, made, (text.split(stop)[0] if stop else text).strip())


def _ends(token: object) -> frozenset[object]:
    """Return the tokens that end a completion: none, one, or several, as newer models have."""
    return frozenset(token) if isinstance(token, list | tuple) else frozenset([token])


def instruction_prompt(instruction: str) -> str:
    """The prompt that a model is taught to follow instructions with."""
    return f"Instruction: {instruction}\nResponse:"


def record(instruction: Mapping[str, Any], response: str) -> dict[str, Any]:
    """The record of the contract (docs/reference/files.md, section 2), without its metadata; other keys of the instruction stay."""
    prompt, completion = instruction_prompt(instruction["instruction"]), f" {response}\nEND"
    return {**instruction, "response": response, "formatted_text": prompt + completion, "prompt": prompt, "completion": completion}
