"""Values and numbers as findings write them: what is null was not recorded, and what is false is false."""

from __future__ import annotations

import json

LONGEST = 40  # letters of a value in a finding


def in_words(value: object) -> str:
    """Return a JSON value in words: null as `not recorded`, true and false as JSON writes them, a long one cut."""
    if value is None:
        return "not recorded"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
