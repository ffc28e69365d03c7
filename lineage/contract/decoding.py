"""Parameters of decoding: which of those that were recorded have an effect.

Sources: `GenerationConfig` of transformers (which warns that a sampling flag is ignored when `do_sample` is false), the
APIs of OpenAI and vLLM (temperature 0 is greedy decoding).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lineage.facts import Json

SAMPLING = ("temperature", "top_k", "top_p", "min_p", "top_h", "typical_p", "epsilon_cutoff", "eta_cutoff")  # unused where nothing is drawn
BEAMS = ("length_penalty", "early_stopping")  # unused with one beam
GROUPS = ("num_beam_groups", "diversity_penalty")  # of beams: unused with one beam too
CONTRASTIVE = "penalty_alpha"  # with it, decoding without sampling reads top_k
SEED = "seed"  # of the sampler; a seed of a harness (eval_seed, fewshot_seed) is another thing


@dataclass(frozen=True, slots=True)
class Decoding:
    """Parameters that are in force, and those that have no effect beside them."""

    in_force: dict[str, object]
    inert: dict[str, object]


def is_greedy(params: Json) -> bool:
    """Return whether the parameters say that nothing is drawn: `do_sample` is false, or the temperature is 0."""
    temperature = params.get("temperature")
    is_zero = isinstance(temperature, int | float) and not isinstance(temperature, bool) and temperature == 0
    return params.get("do_sample") is False or is_zero


def in_force(params: Json) -> Decoding:
    """Split parameters into those in force and those without effect.

    Greedy decoding is `do_sample: false`, whichever way it was asked for: `temperature: 0` says the same.
    """
    greedy = is_greedy(params)
    unread = {key for key in params if _is_inert(key, params, greedy)}
    effective = {key: value for key, value in params.items() if key not in unread}
    if greedy:
        effective["do_sample"] = False
    is_another_name = {"temperature"} if greedy and params.get("do_sample") is not False else set()
    return Decoding(effective, {key: params[key] for key in params if key in unread - is_another_name})


def _is_inert(key: str, params: Mapping[str, object], greedy: bool) -> bool:
    if key == "top_k" and params.get(CONTRASTIVE):
        return False
    if key in SAMPLING or key == SEED:
        return greedy
    return key in (*BEAMS, *GROUPS) and params.get("num_beams") == 1
