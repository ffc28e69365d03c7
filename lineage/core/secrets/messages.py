"""Hide secrets in messages: a text of any kind, also one that shows a command as Python or a shell does."""

from __future__ import annotations

import re

from lineage.core.secrets.arguments import command_line, within
from lineage.core.secrets.patterns import Pattern
from lineage.core.secrets.text import masked

_LIST = Pattern(r"""\[(?:\s*(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")\s*,?)+\s*\]""")
_FAILED = Pattern(r"(Command ')([^\[].*?)(' (?:returned|timed out|died))", re.DOTALL)


def redact(text: str) -> str:
    """Return *text* with `***` in place of each secret.

    Args:
        text: A message, a title, an address, JSON, a header, a command: anything.
    """
    if "['" in text or '["' in text:
        text = _LIST.sub(_arguments, text)
    if "Command '" in text:  # subprocess.CalledProcessError and TimeoutExpired
        text = _FAILED.sub(lambda found: found[1] + within(found[2]) + found[3], text)
    return masked(text)


def _arguments(found: re.Match[str]) -> str:
    """Return a list of arguments, as Python shows it, with secrets hidden."""
    import ast

    try:
        argv = ast.literal_eval(found[0])
    except (SyntaxError, ValueError):
        return found[0]
    shown = command_line(argv)
    return found[0] if shown == argv else repr(shown)
