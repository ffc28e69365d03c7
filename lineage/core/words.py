"""Numbers with their nouns."""

from __future__ import annotations

import json

LONGEST = 40  # letters of a value in a message


def counted(count: int, noun: str, nouns: str = "") -> str:
    """Return a number with its noun: `1 session`, `2 sessions`; *nouns* is a plural that is not made by an s."""
    return f"{count:,} {noun if count == 1 else nouns or f'{noun}s'}"


def share(count: int, of: int | None, noun: str) -> str:
    """Return a part with its whole, which decides the noun: `1 of 12 records`, `1 of 1 record`; without a whole, `12 records`."""
    return counted(count, noun) if of is None else f"{count:,} of {counted(of, noun)}"


def value_text(value: object) -> str:
    """Return a text as it is, and any other value as JSON writes it: `true`, `0.7`, `[1, 2]`, `null`."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def json_text(value: object) -> str:
    """Return a value of a JSON document in a message, a long one cut: `null`, `false`, `'a text'`."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
