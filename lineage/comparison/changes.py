"""One fact that two sessions do not share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Change = Literal["added", "removed", "changed"]
SECTIONS = ("session", "environment", "code", "runs", "params", "artifacts", "metrics")


@dataclass(frozen=True, slots=True)
class Changed:
    """A fact that is not the same in both."""

    section: str  # one of SECTIONS
    fact: str  # "torch_version", "generation 1: temperature", …
    kind: Change
    one: object
    other: object
