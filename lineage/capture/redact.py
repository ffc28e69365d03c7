"""Secrets taken out of command lines and messages before anything is written."""

from __future__ import annotations

import re
from collections.abc import Sequence

HIDDEN = "***"
_HIDING = r"(?:[A-Za-z0-9]+[-_.])*(?:token|secret|passw(?:or)?d|api[-_]?key|access[-_]?key|credentials?|auth(?:orization)?|private[-_]?key)"
_OPTION = re.compile(rf"--?{_HIDING}", re.IGNORECASE)
_ASSIGNED = re.compile(rf"((?:--?)?\b{_HIDING}\s*[=:]\s*)(\S.*)", re.IGNORECASE)
_SHAPES = re.compile(
    r"\bhf_[A-Za-z0-9]{8,}|\bsk-[A-Za-z0-9_-]{8,}|\bgh[opsur]_[A-Za-z0-9]{8,}|\bgithub_pat_\w{8,}|\bAKIA[0-9A-Z]{12,}"
    r"|\bxox[a-z]-[A-Za-z0-9-]{8,}|\beyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]*|(?<=Bearer )\S+|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
)


def redact(text: str) -> str:
    """*text* with `***` for what has the shape of a secret, or is assigned to a name that says it is one."""
    return _SHAPES.sub(HIDDEN, _ASSIGNED.sub(lambda found: found[1] + HIDDEN, text))


def command_line(argv: Sequence[str]) -> list[str]:
    """The arguments, with secrets hidden: `--token X`, `--token=X`, `API_KEY=X`, and what has the shape of a token."""
    shown, hide = [], False
    for argument in argv:
        shown.append(HIDDEN if hide and not argument.startswith("--") else redact(argument))
        hide = bool(_OPTION.fullmatch(argument))
    return shown
