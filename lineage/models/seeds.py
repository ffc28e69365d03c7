"""The seed of torch's generator, where it says what a call will draw."""

from __future__ import annotations

import sys
from typing import Any


def drawn_by(device: Any = None) -> tuple[int | None, str | None]:
    """Return the seed that the generator of *device* starts from at this moment, or None and the reason.

    A seed makes a call reproducible only while nothing was drawn since. So the state of the generator is compared with the state that its seed gives.

    Args:
        device: torch device on which the call draws; the CPU if not given.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return None, "torch is not loaded"
    place = torch.device(device or "cpu")
    if place.type not in ("cpu", "cuda"):
        return None, f"the generator of {place.type} was not read"
    if place.type == "cuda" and not torch.cuda.is_initialized():
        return None, "CUDA is not initialized"
    generator = _generator(torch, place)
    seed = int(generator.initial_seed())
    fresh = torch.Generator(device=place).manual_seed(_signed(seed))
    if torch.equal(generator.get_state(), fresh.get_state()):
        return seed, None
    return None, f"the generator was seeded with {seed} and used since"


def _generator(torch: Any, place: Any) -> Any:
    if place.type == "cpu":
        return torch.default_generator
    return torch.cuda.default_generators[torch.cuda.current_device() if place.index is None else place.index]


def _signed(seed: int) -> int:
    """Return the seed as `manual_seed` takes it: 64 bits with a sign."""
    return seed - (1 << 64) if seed >= 1 << 63 else seed
