"""The parameters in force in one call of a model.

    model.generate of transformers    merged by the library's own rules, its defaults filled in
    a pipeline of transformers        the same, with the defaults of the pipeline
    any other function                its arguments that are numbers, short words, or lists and objects of these

What a model reads is never a parameter: prompts, messages, tensors. A credential is left out, with a gap. An object that code must run to know,
such as a logits processor, is null with a gap that names its class.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from lineage.contract.decoding import BEAMS, SAMPLING
from lineage.models import arguments, seeds

ASSISTED = ("num_assistant_tokens", "num_assistant_tokens_schedule", "assistant_confidence_threshold", "assistant_lookbehind", "target_lookbehind")  # fmt: skip
# Recorded even where they have the library's default. Other settings at their defaults follow from the version of the library.
DECISIVE = ("do_sample", "num_beams", "repetition_penalty", "max_new_tokens", "temperature", "top_k", "top_p", *BEAMS)
OBJECTS = (
    "logits_processor", "stopping_criteria", "prefix_allowed_tokens_fn", "assistant_model", "streamer", "custom_generate", "past_key_values",
)  # fmt: skip
ABOUT_RESULT = ("_", "output_", "return_")  # what `generate` hands back besides the tokens
INPUTS = ("inputs", "input_ids", "inputs_embeds", "input_features")
UNSEEDED = "the call named none"


class Settings(NamedTuple):
    """Parameters by name, and the reason for each that is not known."""

    params: dict[str, Any]
    gaps: dict[str, str]


def settings(generate: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Settings:
    """Return the settings of the call `generate(*args, **kwargs)`, which is about to be made."""
    function, args, kwargs = _unwrapped(generate, args, dict(kwargs))
    owner = getattr(function, "__self__", None)
    pipeline = next((one for one in (function, owner) if hasattr(one, "_prepare_generate_kwargs")), None)
    if pipeline is not None:
        return _pipeline(pipeline, kwargs)
    if callable(getattr(owner, "_prepare_generation_config", None)):
        return _model(owner, *arguments.bound(_signed(function, owner), args, kwargs))
    return _function(function, owner, args, kwargs)


def _unwrapped(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """Return the function under partials and decorators, with the arguments that the partials add."""
    while not hasattr(function, "__self__") or isinstance(function, partial):
        if isinstance(function, partial):
            args, kwargs, function = (*function.args, *args), {**function.keywords, **kwargs}, function.func
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        else:
            break
    return function, args, kwargs


# --- transformers


def _signed(function: Any, owner: Any) -> Any:
    """Return the method whose signature names the arguments: that of the base model where an adapter takes `*args`."""
    base = getattr(owner, "get_base_model", None)
    return getattr(base(), "generate", function) if callable(base) else function


def _model(model: Any, named: dict[str, Any], others: dict[str, Any]) -> Settings:
    """Return the settings of `model.generate`, merged as `generate` merges them."""
    given = named.pop("generation_config", None) or others.pop("generation_config", None)
    merged = model._prepare_generation_config(given, **others)
    config, rest = merged if isinstance(merged, tuple) else (merged, {})
    params = _in_force(
        config.to_dict(), type(config)._get_default_generation_params(), has_assistant=named.get("assistant_model") is not None
    )
    every = {**others, **named}
    params |= _length(model, given, others, params, every)
    inputs = next((every[name] for name in INPUTS if arguments.is_tensor(every.get(name))), None)
    if inputs is not None:
        params["batch_size"] = int(inputs.shape[0])
    objects = arguments.objects({name: every.get(name) for name in OBJECTS})
    unused = arguments.plain_arguments({name: value for name, value in rest.items() if name not in OBJECTS})
    gaps = objects | config_gaps(params) | unused.gaps
    params = {**unused.params, **params, **dict.fromkeys(objects)}
    return _seeded(Settings(params, gaps), getattr(inputs, "device", None) or getattr(model, "device", None))


def _in_force(config: Mapping[str, Any], defaults: Mapping[str, Any], *, has_assistant: bool) -> dict[str, Any]:
    """Return the settings of *config* that decide the tokens of this call."""
    unused = set() if config.get("do_sample") else set(SAMPLING) - ({"top_k"} if config.get("penalty_alpha") else set())
    unused |= set(BEAMS) if config.get("num_beams", 1) == 1 else set()
    unused |= set() if has_assistant or config.get("prompt_lookup_num_tokens") else set(ASSISTED)
    unused |= {"transformers_version"}
    return {
        name: value
        for name, value in config.items()
        if value is not None
        and name not in unused
        and (name in DECISIVE or value != defaults.get(name))
        and not name.startswith(ABOUT_RESULT)
    }


def _length(model: Any, given: Any, others: Mapping[str, Any], params: dict[str, Any], every: Mapping[str, Any]) -> dict[str, Any]:
    """Return the limit of new tokens where the call leaves it to the library, which takes its default length for that of the new tokens."""
    said = (others.get("max_length"), getattr(given, "max_length", None), model.generation_config.max_length)
    if "max_new_tokens" in params:
        params.pop("max_length", None)
        return {}
    if any(length is not None for length in said):
        return {"max_length": next(length for length in said if length is not None)}
    limit = int(params.pop("max_length", model.generation_config._get_default_generation_params()["max_length"]))
    ids = next((every[name] for name in ("input_ids", "inputs") if arguments.is_tensor(every.get(name))), None)
    most = getattr(model.config, "max_position_embeddings", None)
    if ids is None or most is None or model.config.is_encoder_decoder:
        return {"max_new_tokens": limit}
    return {"max_new_tokens": min(limit, most - int(ids.shape[-1]))}


def config_gaps(params: dict[str, Any]) -> dict[str, str]:
    """Set the values of a configuration that are objects to null, and return the reason for each."""
    lost = arguments.objects({name: value for name, value in params.items() if not arguments.is_plain(value)})
    params |= dict.fromkeys(lost)
    return lost


def _seeded(found: Settings, device: Any) -> Settings:
    """Add the seed of the generator that the call draws from."""
    if not found.params.get("do_sample") or "seed" in found.params:
        return found
    seed, reason = seeds.drawn_by(device)
    if seed is None:
        return Settings(found.params, {**found.gaps, "seed": reason or UNSEEDED})
    return Settings({**found.params, "seed": seed}, found.gaps)


def _pipeline(pipeline: Any, kwargs: dict[str, Any]) -> Settings:
    """Return the settings with which a pipeline calls its model."""
    size = kwargs.pop("batch_size", None) or getattr(pipeline, "_batch_size", None) or 1
    kwargs.pop("num_workers", None)
    _, forward, _ = pipeline._sanitize_parameters(**kwargs)
    named = pipeline._prepare_generate_kwargs({**pipeline._forward_params, **forward})
    named.pop("prefix_length", None)
    found = _model(pipeline.model, *arguments.bound(pipeline.model.generate, (), named))
    return Settings({**found.params, "batch_size": size}, found.gaps)


# --- any other function


def _function(function: Any, owner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Settings:
    """Return the arguments of a function that are parameters, and the fields of objects that carry parameters."""
    named, others = arguments.bound(function, args, kwargs, defaults=True)
    carriers = {name: value for name, value in named.items() if arguments.carries(name, value)}
    carriers |= _default_sampling(owner, named)
    given = {name: value for name, value in named.items() if name not in carriers}
    positional = _positional(function, args)
    found = arguments.plain_arguments({**given, **others}, content=positional)
    params, gaps = found.params, found.gaps
    for name, carrier in carriers.items():
        inner = arguments.fields(name, carrier)
        params, gaps = {**params, **inner.params}, {**gaps, **inner.gaps}
    if "seed" not in params and "seed" not in gaps and params.get("temperature") != 0:
        gaps["seed"] = UNSEEDED
    return Settings(params, gaps)


def _default_sampling(owner: Any, named: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sampling parameters that vLLM takes from the model where the call gives none."""
    default = getattr(owner, "get_default_sampling_params", None)
    if callable(default) and named.get("sampling_params") is None:
        return {"sampling_params": default()}
    return {}


def _positional(function: Any, args: tuple[Any, ...]) -> frozenset[str]:
    """Return the names of the arguments that were given by position: words among them are what the model reads."""
    try:
        return frozenset(list(inspect.signature(function).parameters)[: len(args)])
    except (TypeError, ValueError):  # a function of C without a signature
        return frozenset()
