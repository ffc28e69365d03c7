"""Numbers with their nouns."""

from __future__ import annotations

import json

LONGEST = 40  # letters of a value in a message


def counted(count: int, noun: str, nouns: str = "") -> str:
    """Return a number with its noun: `1 session`, `2 sessions`; *nouns* is a plural that is not made by an s."""
    return f"{count:,} {noun if count == 1 else nouns or f'{noun}s'}"


def json_text(value: object) -> str:
    """Return a value of a JSON document in a message, a long one cut: `null`, `false`, `'a text'`."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
