"""Completions from fully specified parameters.  One at a time with a seed for each, so that a record can be made again; or in batches,
which is faster, and which `replay` cannot repeat record by record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage.models.encoding import encode

# Everything that decides a completion besides the seed; `stop` is where the response is cut, not where the model stops.
PARAMS: dict[str, Any] = {
    "do_sample": True, "temperature": 0.7, "top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0, "num_beams": 1, "max_new_tokens": 150, "batch_size": 1,
    "stop": None,
}  # fmt: skip
GREEDY: dict[str, Any] = {
    **{key: value for key, value in PARAMS.items() if key not in ("temperature", "top_k", "top_p")},
    "do_sample": False,
}
_OURS = ("seed", "batch_size", "stop", "eos_token_id", "pad_token_id")


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model added to a prompt: the ids that it got and gave, and the response as text."""

    prompt_ids: list[int]
    completion_ids: list[int]  # with the end token, if the model came to it
    response: str

    def tokens(self) -> dict[str, list[int]]:
        """What a record keeps so that it can be made again and compared."""
        return {"prompt_ids": self.prompt_ids, "completion_ids": self.completion_ids}


def effective(tokenizer: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters that will be in force: the given ones over `PARAMS` (or `GREEDY`), and the tokens that end and pad."""
    base = PARAMS if params.get("do_sample", True) else GREEDY
    return {**base, **params, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}


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
        made = model.generate(input_ids=rows, attention_mask=mask, generation_config=_config(params))
    return [_completion(tokenizer, ids, row[width:].tolist(), params) for ids, row in zip(prompts, made, strict=True)]


def _config(params: Mapping[str, Any]) -> Any:
    from transformers import GenerationConfig

    asked = {key: value for key, value in params.items() if key not in _OURS}
    return GenerationConfig(**asked, eos_token_id=params["eos_token_id"], pad_token_id=params["pad_token_id"])


def _completion(tokenizer: Any, ids: list[int], made: list[int], params: Mapping[str, Any]) -> Completion:
    end = params["eos_token_id"]
    if end in made:
        made = made[: made.index(end) + 1]
    text: str = tokenizer.decode([one for one in made if one != end], skip_special_tokens=False, clean_up_tokenization_spaces=False)
    stop = params.get("stop")
    return Completion(ids, made, (text.split(stop)[0] if stop else text).strip())


def instruction_prompt(instruction: str) -> str:
    """The prompt that a model is taught to follow instructions with."""
    return f"Instruction: {instruction}\nResponse:"


def record(instruction: Mapping[str, Any], response: str) -> dict[str, Any]:
    """The record of the contract (docs/reference/files.md, section 2), without its metadata; other keys of the instruction stay."""
    prompt, completion = instruction_prompt(instruction["instruction"]), f" {response}\nEND"
    return {**instruction, "response": response, "formatted_text": prompt + completion, "prompt": prompt, "completion": completion}
