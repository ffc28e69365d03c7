"""Find the script that a command line runs: a fact about the code, so a data file among the arguments is none."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

SUFFIXES = frozenset(
    [".py", ".ipynb", ".sh", ".bash", ".zsh", ".r", ".jl", ".pl", ".rb", ".js", ".mjs", ".ts", ".lua", ".php", ".m", ".nf", ".smk"]
)
INTERPRETER = re.compile(r"(?:python|pypy|perl|ruby|node|julia|lua|php)[\d.]*w?|Rscript|(?:ba|da|z|k|fi)?sh")


def script_of(argv: Sequence[str]) -> Path | None:
    """Return the script that *argv* runs, as seen from the working directory.

    It is the first argument that is a file and has the suffix of a script; of an interpreter, the first that is a file; the module
    of `-m`, if it lies here; else the program, if it is named by its path. None for `python -c`, and for a program of the system.
    """
    named = next((Path(part) for part in argv if Path(part).suffix.lower() in SUFFIXES and _is_file(part)), None)
    if named:
        return named
    is_interpreter = INTERPRETER.fullmatch(Path(argv[0]).name) is not None
    if not is_interpreter:
        return Path(argv[0]) if os.sep in argv[0] and _is_file(argv[0]) else None
    return _interpreted(argv[1:])


def _interpreted(arguments: Sequence[str]) -> Path | None:
    for number, part in enumerate(arguments):
        if part == "-m" and number + 1 < len(arguments):
            return _module(arguments[number + 1])
        if part.startswith("-") and not part.startswith("--") and part.endswith(("c", "e")):
            return None  # the code itself follows
        if not part.startswith("-") and _is_file(part):
            return Path(part)
    return None


def _module(name: str) -> Path | None:
    path = Path(*name.split("."))
    return next((one for one in (path.with_suffix(".py"), path / "__main__.py") if _is_file(str(one))), None)


def _is_file(part: str) -> bool:
    try:
        return Path(part).is_file()
    except (OSError, ValueError):  # too long for a name
        return False
