"""Decoding parameters: their defaults, what each may be, and the combination that is in force."""

from __future__ import annotations

import importlib.util
import math
import operator
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from lineage.contract.decoding import BEAMS, SAMPLING
from lineage.errors import UsageError

# Everything that decides a completion besides the seed; `stop` is where the response is cut, not where the model stops.
PARAMS: dict[str, Any] = {
    "do_sample": True, "temperature": 0.7, "top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0, "num_beams": 1, "max_new_tokens": 150, "batch_size": 1,
    "stop": None,
}  # fmt: skip
GREEDY: dict[str, Any] = {
    **{key: value for key, value in PARAMS.items() if key not in ("temperature", "top_k", "top_p")},
    "do_sample": False,
}
OURS = ("seed", "batch_size", "stop", "eos_token_id", "pad_token_id")  # not read by GenerationConfig, or passed apart
MODES = ("greedy_search", "sample", "beam_search", "beam_sample")  # others need code from the hub

Limit = tuple[type, Callable[[Any], bool], str]
_SEEDS = range(-(1 << 63), 1 << 64)  # as torch.manual_seed takes them
LIMITS: dict[str, Limit] = {
    "temperature": (float, lambda value: 1e-20 <= value <= 1e20, "more than 0, or 0 for greedy decoding"),
    "top_k": (int, lambda value: value >= 0, "0 (off) or more"),
    "top_p": (float, lambda value: 0 <= value <= 1, "from 0 to 1"),
    "min_p": (float, lambda value: 0 <= value <= 1, "from 0 to 1"),
    "top_h": (float, lambda value: 0 < value <= 1, "more than 0, at most 1"),
    "typical_p": (float, lambda value: 0 < value <= 1, "more than 0, at most 1"),
    "epsilon_cutoff": (float, lambda value: 0 <= value < 1, "from 0 to less than 1"),
    "eta_cutoff": (float, lambda value: 0 <= value < 1, "from 0 to less than 1"),
    "repetition_penalty": (float, lambda value: value > 0, "more than 0"),
    "length_penalty": (float, lambda value: True, "a number"),
    "no_repeat_ngram_size": (int, lambda value: value >= 0, "0 (off) or more"),
    "num_beams": (int, lambda value: value >= 1, "1 or more"),
    "num_return_sequences": (int, lambda value: value == 1, "1: a prompt gets one response"),
    "max_new_tokens": (int, lambda value: value >= 1, "1 or more"),
    "min_new_tokens": (int, lambda value: value >= 0, "0 or more"),
    "min_length": (int, lambda value: value >= 0, "0 or more"),
    "batch_size": (int, lambda value: value >= 1, "1 or more"),
    "seed": (int, lambda value: value in _SEEDS, "at most 64 bits"),
}


def _is_token(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_tokens(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0 and all(map(_is_token, value))


def _are_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0 and all(isinstance(text, str) and text for text in value)


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool)


Shape = tuple[Callable[[Any], bool], str]
_TOKENS: Shape = (_are_tokens, "a list of token ids")
_TOKEN: Shape = (lambda value: _is_token(value) or _are_tokens(value), "a token id, or a list of them")
_TRUTH: Shape = (_is_truth, "True or False")
SHAPES: dict[str, Shape] = {
    "do_sample": _TRUTH,
    "renormalize_logits": _TRUTH,
    "remove_invalid_values": _TRUTH,
    "use_cache": _TRUTH,
    "early_stopping": (lambda value: _is_truth(value) or value == "never", 'True, False or "never"'),
    "stop": (lambda value: isinstance(value, str), "a text at which the response is cut"),
    "stop_strings": (lambda value: _are_texts(value) or (isinstance(value, str) and bool(value)), "a text, or a list of texts"),
    "eos_token_id": _TOKEN,
    "pad_token_id": (_is_token, "a token id"),
    "suppress_tokens": _TOKENS,
    "begin_suppress_tokens": _TOKENS,
    "bad_words_ids": (
        lambda value: isinstance(value, list) and len(value) > 0 and all(map(_are_tokens, value)),
        "a list of lists of token ids",
    ),
}


def effective(tokenizer: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return all parameters that will be in force: the given ones over `PARAMS` (or `GREEDY`), and the tokens that end and pad.

    A temperature of 0 means greedy decoding. What greedy decoding does not use is left out.

    Args:
        tokenizer: Gives the tokens that end and pad, unless *params* does.
        params: Parameters by name. One that is None counts as not given.

    Raises:
        UsageError: A value is of the wrong type or out of range, no parameter is called so, or `generate` would refuse the combination.
    """
    given = {name: _checked(name, value) for name, value in params.items() if value is not None}
    if given.get("temperature") == 0:
        given["do_sample"] = False
    is_sampled = given.get("do_sample", True)
    ends = {name: given.pop(name, getattr(tokenizer, name)) for name in ("eos_token_id", "pad_token_id")}
    full = {**(PARAMS if is_sampled else GREEDY), **given, **ends}
    unused = () if is_sampled else SAMPLING
    found = {name: value for name, value in full.items() if name not in unused and (name not in BEAMS or full["num_beams"] > 1)}
    _check_together(found)
    return found


def _checked(name: str, value: Any) -> Any:
    """Return the value of one parameter in the type that `generate` takes."""
    if name not in LIMITS and name not in SHAPES:
        close = get_close_matches(name, [*LIMITS, *SHAPES], 1)
        hint = f"did you mean {close[0]}?" if close else f"use one of {', '.join((*LIMITS, *SHAPES))}"
        raise UsageError("not a decoding parameter", at=f"params.{name}", hint=hint)
    if name in SHAPES:
        fits, wanted = SHAPES[name]
        if not fits(value):
            raise UsageError(f"{name} is {value!r}", at=f"params.{name}", hint=f"use {wanted}")
        return value
    kind, fits, wanted = LIMITS[name]
    number = _number(value, kind)
    if number is None or not (fits(number) or (name == "temperature" and number == 0)):
        what = "a whole number" if kind is int else "a number"
        raise UsageError(f"{name} is {value!r}", at=f"params.{name}", hint=f"use {what}: {wanted}")
    return number


def _number(value: Any, kind: type) -> Any:
    """Return *value* as an int or a finite float; None where it is none."""
    if isinstance(value, bool | str):
        return None
    try:
        return operator.index(value) if kind is int else _finite(float(value))
    except (TypeError, ValueError, OverflowError):
        return None


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _check_together(params: Mapping[str, Any]) -> None:
    """Check that `generate` takes all of the parameters together.

    Raises:
        UsageError: It would refuse them, ignore one, or need code from the hub.
    """
    if params.get("min_new_tokens", 0) > params["max_new_tokens"]:
        raise UsageError("min_new_tokens is more than max_new_tokens", at="params", hint="lower the one or raise the other")
    if importlib.util.find_spec("transformers") is None:
        return
    try:
        config = generation_config(params)
        config.validate(strict=True)
    except (TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"transformers refuses the parameters: {error}", at="params", hint="change or leave out what it names") from error
    mode = str(config.get_generation_mode().value)
    if mode not in MODES:
        raise UsageError(
            f"the parameters ask for {mode}, which generate takes from the hub", at="params", hint=f"use one of {', '.join(MODES)}"
        )


def generation_config(params: Mapping[str, Any]) -> Any:
    """Return the parameters as transformers takes them."""
    from transformers import GenerationConfig

    asked = {key: value for key, value in params.items() if key not in OURS}
    return GenerationConfig(**asked, eos_token_id=params["eos_token_id"], pad_token_id=params["pad_token_id"])
