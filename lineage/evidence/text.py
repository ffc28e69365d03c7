"""Text of users inside Markdown and YAML: whatever it holds, it stays text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# A backslash before ASCII punctuation is Markdown for the sign itself: what opens anything anywhere, and what does so at the start of a line.
_PUNCTUATION = re.compile(r"([\\`*_{}\[\]<>()|~&!:@#]|^[-+=.]|^\d+(?=[.)])|(?<=www)\.)", re.IGNORECASE)
_LONE = re.compile("[\ud800-\udfff]")


def markdown(text: object) -> str:
    """*text* on one line, in which no sign means anything."""
    line = "".join(letter if letter.isprintable() else " " if letter.isspace() else repr(letter)[1:-1] for letter in str(text))
    return _PUNCTUATION.sub(lambda one: f"\\{one[0]}" if not one[0].isdigit() else f"{one[0]}\\", line.strip())


def code(text: object) -> str:
    """*text* as code, on one line; a fence longer than any run of backticks in it holds it."""
    line = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in str(text))
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    return f"{fence} {line} {fence}" if "`" in line else f"`{line}`"


def yaml(value: Mapping[str, Any]) -> str:
    """A mapping as YAML 1.1 and 1.2 alike: keys and strings are quoted as in JSON, so that no text is ever taken for anything else."""
    return "".join(f"{line}\n" for line in _lines(value, ""))


def _lines(value: Any, indent: str) -> Iterator[str]:
    items = value.items() if isinstance(value, Mapping) else ((None, one) for one in value)
    for key, inner in items:
        mark = f"{indent}-" if key is None else f"{indent}{_scalar(key) if not _is_plain(key) else key}:"
        if isinstance(inner, Mapping | Sequence) and not isinstance(inner, str) and inner:
            yield mark
            yield from _lines(inner, indent + "  ")
        else:
            yield f"{mark} {_scalar(inner)}"


def _is_plain(key: str) -> bool:
    """Keys of ours, which the Hub's readers look for by regular expression, stand as they are."""
    return re.fullmatch("[a-z][a-z_-]*", key) is not None and key not in ("y", "n", "yes", "no", "on", "off", "true", "false", "null")


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        quoted = json.dumps(_LONE.sub("\N{REPLACEMENT CHARACTER}", value), ensure_ascii=False)
        return "".join(letter if letter.isprintable() else _escaped(letter) for letter in quoted)
    if isinstance(value, float):  # YAML 1.1 takes 1e+16 for a text, and has other words for what is not finite
        return re.sub(r"^(-?\d+)e", r"\1.0e", json.dumps(value)) if math.isfinite(value) else "null"
    return json.dumps(value)


def _escaped(letter: str) -> str:
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"
