"""What the loaded model does with plain text and with chat markup.  Advice with numbers: some base models saw chat in training.

The measures and thresholds come from five models (docs/METHODOLOGY_CHANGE_NOTICE.md); heuristics on the text of answers were
tried and tell nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lineage.models.encoding import BOS, NONE, control_ids, encode, is_markup

PROMPT_SET = "1"  # of SENTENCE and PROMPTS
SENTENCE = "The old man walked down to the river to look for his dog, but it was late and he could not see it."
PROMPTS = ("The capital of France is", "The opposite of hot is", "Once upon a time", "1, 2, 3,", "The weather today", "def add(a, b):")
SANITY = 1.0  # nats a token by which plain text must be likelier than its words shuffled
CONTROL_MASS = 0.05  # probability of control tokens at any step
TURN_END = 0.1  # probability of the end of a turn after a full answer
PREFIX = 1.0  # nats a token that contradict the prefix policy
STEPS = 24
CHAT = ({"role": "user", "content": "Name the capital of France."}, {"role": "assistant", "content": "Paris."})

Advice = dict[str, Any]


def behavioural(model: Any, tokenizer: Any, policy: str, template: str | None, *, sentence: str = SENTENCE) -> dict[str, Advice]:
    """Each measure's {"passed": bool | null, "value": float | null, "threshold": float} by name; null says why in "reason"."""
    sane = language_sanity(model, tokenizer, policy, sentence)
    control = control_mass(model, tokenizer, policy)
    return {
        "language_sanity": sane,
        "control_mass": control if sane["passed"] else _idle(control, "the model does not know the language of the probe"),
        "turn_end": turn_end(model, tokenizer, policy, template),
        "prefix_policy": prefix_policy(model, tokenizer, policy, sentence),
    }


def _advice(passed: bool, value: float, threshold: float) -> Advice:
    if not math.isfinite(value):
        return _idle({"value": None, "threshold": threshold}, "the model gives no finite number")
    return {"passed": passed, "value": round(value, 4), "threshold": threshold}


def _idle(advice: Advice, reason: str) -> Advice:
    return {**advice, "passed": None, "reason": reason}


def language_sanity(model: Any, tokenizer: Any, policy: str, sentence: str) -> Advice:
    """Is plain text likelier than the same words in another order?"""
    words = sentence.split()
    shuffled = " ".join(words[n] for n in sorted(range(len(words)), key=lambda n: (n * 7) % len(words)))
    gain = _loss(model, encode(tokenizer, shuffled, policy)) - _loss(model, encode(tokenizer, sentence, policy))
    return _advice(gain > SANITY, gain, SANITY)


def control_mass(model: Any, tokenizer: Any, policy: str) -> Advice:
    """The largest probability of control tokens (but the end of a text) while plain prompts are continued greedily."""
    ends = {one for one in (tokenizer.eos_token_id, tokenizer.pad_token_id) if one is not None and not is_markup(tokenizer.decode([one]))}
    control = sorted(control_ids(tokenizer) - ends)
    value = max(_mass(model, encode(tokenizer, prompt, policy), control) for prompt in PROMPTS) if control else 0.0
    return _advice(value < CONTROL_MASS, value, CONTROL_MASS)


def turn_end(model: Any, tokenizer: Any, policy: str, template: str | None) -> Advice:
    """The probability that the model ends the turn after a full answer inside its own chat template."""
    idle: Advice = {"value": None, "threshold": TURN_END}
    if template is None:
        return _idle(idle, "the tokenizer came without a chat template")
    answer, rest = _answered(tokenizer, template)
    ends = [one for one in tokenizer.encode(rest.lstrip(), add_special_tokens=False)[:1] if one in control_ids(tokenizer)]
    if not ends:
        return _idle(idle, "the template ends a turn with no control token, or could not be applied")
    value = float(_next(model, tokenizer.encode(answer, add_special_tokens=False))[ends].sum())
    return _advice(value < TURN_END, value, TURN_END)


def _answered(tokenizer: Any, template: str) -> tuple[str, str]:
    """A chat up to its full answer, and what the template puts after that; empty if the template cannot be applied."""
    from jinja2 import TemplateError

    try:
        text = str(tokenizer.apply_chat_template(list(CHAT), chat_template=template, tokenize=False))
    except (TemplateError, ValueError, TypeError):  # templates are code of the model's author
        return "", ""
    before, found, after = text.rpartition(CHAT[1]["content"])
    return before + found, after if found else ""


def prefix_policy(model: Any, tokenizer: Any, policy: str, sentence: str) -> Advice:
    """Does the model find plain text likelier with the prefix that the policy leaves out, or without the one it sets?"""
    if tokenizer.bos_token_id is None:
        return _idle({"value": None, "threshold": PREFIX}, "the tokenizer has no token that begins a text")
    gain = _loss(model, encode(tokenizer, sentence, NONE)) - _loss(model, encode(tokenizer, sentence, BOS))
    against = -gain if policy == BOS else gain
    return _advice(against < PREFIX, against, PREFIX)


def _loss(model: Any, ids: Sequence[int]) -> float:
    """Nats a token."""
    import torch

    row = torch.tensor([list(ids)], device=model.device)
    with torch.inference_mode():
        return float(model(input_ids=row, labels=row).loss)


def _next(model: Any, ids: Sequence[int]) -> Any:
    import torch

    with torch.inference_mode():
        return model(input_ids=torch.tensor([list(ids)], device=model.device)).logits[0, -1].float().softmax(-1)


def _mass(model: Any, ids: list[int], control: Sequence[int]) -> float:
    largest = 0.0
    for _ in range(STEPS):
        chances = _next(model, ids)
        largest = max(largest, float(chances[list(control)].sum()))
        ids = [*ids, int(chances.argmax())]
    return largest
