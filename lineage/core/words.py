"""Numbers with their nouns."""

from __future__ import annotations


def counted(count: int, noun: str, nouns: str = "") -> str:
    """Return a number with its noun: `1 session`, `2 sessions`; *nouns* is a plural that is not made by an s."""
    return f"{count:,} {noun if count == 1 else nouns or f'{noun}s'}"
