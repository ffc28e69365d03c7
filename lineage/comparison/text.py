"""Values as a reader sees them: on a line, without control characters, and as text alone in Markdown."""

from __future__ import annotations

import re

from lineage.mapping.names import canonical

LONGEST = 60  # letters of a value that a line shows; JSON has all of it
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28,52}\b")  # enough of a digest or commit to ask with
_ID = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{24}\b")


def text(value: object) -> str:
    """A value as a reader sees it: text as it is, anything else as JSON in a fixed order."""
    return value if isinstance(value, str) else canonical(value).decode()


def short(value: str, longest: int = LONGEST) -> str:
    """A value cut to *longest* letters, its digests to 12 and its ids to 8."""
    value = _ID.sub(r"\1…", _DIGEST.sub(r"\1…", value))
    return value if len(value) <= longest else f"{value[: longest - 1]}…"


def printable(line: str) -> str:
    """One line that obeys no control character of a value: a notebook would."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in line)


def plain(value: str) -> str:
    """Text that is only text in Markdown: on one line, and what could be markup as character references."""
    line = "".join(letter if letter.isprintable() else " " for letter in value)
    return "".join(f"&#{ord(letter)};" if letter in "\\`*_{}[]<>|#&~$!" else letter for letter in line)
