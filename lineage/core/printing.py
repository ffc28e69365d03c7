r"""Escape text for a terminal and for the log of a CI job.

A name or a value that somebody else wrote is printed as text. It cannot move the cursor, turn the direction of writing, or form a
command of the runner that reads the log:

    GitHub Actions    `::error::` where a line begins, `##[error]` anywhere (actions/runner, ActionCommand.cs)
    Azure Pipelines   `##vso[task.setvariable]` and `##[section]` anywhere
    TeamCity          `##teamcity[...]` where a line begins
    GitLab            `section_start:` behind an escape sequence: a control character
"""

from __future__ import annotations

import re
from typing import BinaryIO

_AT_START = re.compile(r"^(\s*):(?=:)")
_AT_ANY_START = re.compile(_AT_START.pattern, re.MULTILINE)
_ANYWHERE = re.compile(r"##(?=(?:vso|teamcity)?\[)", re.IGNORECASE)
_IN_BYTES = re.compile(rb"##(?=(?:vso|teamcity)?\[)", re.IGNORECASE)
_LONGEST = len(b"##teamcity")  # bytes of the beginning of a command that may be cut in two by a write


def printable(text: str, keep: str = "") -> str:
    """Return *text* with every character that cannot be printed, but those of *keep*, as Python writes it."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in keep else repr(letter)[1:-1] for letter in text)


def log_line(text: str) -> str:
    """Return *text* as one line that no terminal and no runner obeys."""
    return _ANYWHERE.sub(r"#\\x23", _AT_START.sub(r"\1\\x3a", printable(text, keep="\t")))


def log_text(text: str) -> str:
    """Return *text* with each of its lines as `log_line` gives it."""
    return "\n".join(log_line(line) for line in text.split("\n"))


class LogSafe:
    r"""A binary output that writes a document with `##[` and the like as the format escapes them.

    Args:
        out: Where the document goes.
        escape: The character `#` as the format writes it inside of a value: `\u0023` in JSON, TSV and Turtle, `&#35;` in XML and HTML.
    """

    def __init__(self, out: BinaryIO, escape: bytes) -> None:
        self._out, self._replacement, self._rest = out, b"#" + escape, b""

    def write(self, data: bytes) -> int:
        """Write *data*, up to what may be the beginning of a command."""
        text = self._rest + bytes(data)
        start = text.rfind(b"##", max(0, len(text) - _LONGEST))
        start = len(text) - 1 if start < 0 and text.endswith(b"#") else start
        self._rest = text[start:] if start >= 0 and not _IN_BYTES.match(text, start) else b""
        self._out.write(self._escaped(text[: len(text) - len(self._rest)]))
        return len(data)

    def flush(self) -> None:
        """Write the rest, and flush the output."""
        self._out.write(self._rest)
        self._rest = b""
        self._out.flush()

    def _escaped(self, data: bytes) -> bytes:
        return _IN_BYTES.sub(lambda _: self._replacement, data)


MARKUP = ("svg", "html", "junit")
ESCAPES = {  # of `#` in a value, by the name of a format
    **dict.fromkeys(("json", "jsonl", "sarif", "tsv", "turtle", "trig", "nquads"), b"\\u0023"),
    **dict.fromkeys((*MARKUP, "dot"), b"&#35;"),
    "mmd": b"#35;",
}


def safe_document(text: str, name: str) -> str:
    """Return a document of the format *name* in which no value forms a command of a runner, with the same meaning.

    A format without an escape, as plain text and Markdown, gets its lines as `log_line` gives them.
    """
    escape = ESCAPES.get(name)
    if escape is None:
        return log_text(text)
    text = _ANYWHERE.sub(lambda _: f"#{escape.decode()}", text)
    return _AT_ANY_START.sub(r"\1&#58;", text) if name in MARKUP else text
