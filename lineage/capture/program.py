"""The program that runs: a script, a module, a notebook, the text behind `python -c`, or an interactive session."""

from __future__ import annotations

import os
import stat
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

MAX_TEXT = 1 << 20  # characters of executed code that are kept
INTERACTIVE = "an interactive session: no script is known"
PACKAGES = ("site-packages", "dist-packages")


@dataclass(frozen=True, slots=True)
class Program:
    """What Python was started with.

    Attributes:
        path: Its file; None where there is none.
        reason: Why there is no file, or why the file has no version.
        is_installed: True if the file was installed with a package or with Python, so the working directory tells the repository.
        text: The code itself, where it was given in the command line.
        cells: True if code is typed into a shell that keeps it.
    """

    path: Path | None = None
    reason: str | None = None
    is_installed: bool = False
    text: str | None = None
    cells: bool = False


NONE = Program(reason="a command that is no script: no program is known")


def given(path: str | os.PathLike[str]) -> Program:
    """Return the program that the caller names."""
    return Program(Path(path).absolute())


def running() -> Program:
    """Return the program of this process."""
    shell = _shell()
    main = sys.modules.get("__main__")
    loader = getattr(main, "__loader__", None)  # Python deletes `__file__` when a script ends, also where its threads go on
    file = getattr(main, "__file__", None) or getattr(loader, "path", None)
    if getattr(sys, "frozen", False):
        return Program(reason=f"the program is frozen into {Path(sys.executable).name}: its source files are not there")
    if isinstance(file, str) and file and not file.startswith("<"):  # "<stdin>" is no name
        return _of_file(Path(file).absolute())
    if shell is not None:
        return _of_shell(shell)
    return _without_file()


def _of_file(path: Path) -> Program:
    if is_installed(path):
        launched = _launched()
        reason = f"{path.name} is an installed program, not a file of the repository"
        return Program(launched) if launched else Program(path, reason, is_installed=True)
    if _is_regular(path):
        return Program(path)
    if _outermost(path) != path:
        return Program(_outermost(path))
    reason = "a folder or a file that is gone" if not path.exists() else "not a regular file"
    return Program(reason=f"the script {path.name} is {reason}: its text is not known")


def _launched() -> Path | None:
    """Return the script that an installed launcher runs in its own process (cProfile, pdb, coverage): argv names it."""
    first = Path(sys.argv[0]).absolute() if sys.argv and sys.argv[0].endswith((".py", ".pyw")) else None
    return first if first and _is_regular(first) and not is_installed(first) else None


def _of_shell(shell: Any) -> Program:
    notebook = _notebook(shell)
    if notebook is None:
        return Program(reason=INTERACTIVE, cells=True)
    return Program(notebook, cells=True)


def _without_file() -> Program:
    original = list(sys.orig_argv)
    if sys.argv and sys.argv[0] == "-c":
        text = next((word for option, word in pairwise(original) if _takes_code(option)), None)
        return Program(reason="the program was given with python -c: there is no script file", text=text)
    if hasattr(sys, "ps1") or sys.flags.interactive:
        return Program(reason=INTERACTIVE)
    if sys.argv and sys.argv[0] in ("", "-"):
        return Program(reason="the program was read from standard input: there is no script file")
    return Program(reason="Python was started inside another program: no script is known")


def _takes_code(option: str) -> bool:
    return option.startswith("-") and not option.startswith("--") and option.endswith("c")


def _shell() -> Any:
    """Return IPython's shell of this process; None outside IPython."""
    library = sys.modules.get("IPython.core.getipython")
    get_ipython = getattr(library, "get_ipython", None)
    return get_ipython() if callable(get_ipython) else None


def _notebook(shell: Any) -> Path | None:
    """Return the notebook's file: VS Code names it in the session, Jupyter in a variable of its kernels.

    A name that is relative to the server's folder is looked for in the kernel's folder, where Jupyter starts it.
    """
    named = (getattr(shell, "user_ns", None) or {}).get("__vsc_ipynb_file__")
    names = [named, os.environ.get("JPY_SESSION_NAME") if hasattr(shell, "kernel") else None]
    given_names = [name for name in names if isinstance(name, str) and name]
    paths = [path for name in given_names for path in (Path(name).absolute(), Path(Path(name).name).absolute())]
    return next((path for path in paths if _is_regular(path)), None)


def executed(program: Program) -> str | None:
    """Return the code that was run and that no file has: executed cells, or the text behind `python -c`."""
    shell = _shell() if program.cells else None
    if shell is None:
        return program.text
    history = getattr(getattr(shell, "history_manager", None), "input_hist_raw", None) or (getattr(shell, "user_ns", None) or {}).get("In")
    if not isinstance(history, list):
        return None
    cells = [f"# In[{number}]\n{cell}\n" for number, cell in enumerate(history) if isinstance(cell, str) and cell.strip()]
    return "\n".join(cells)


def imported(root: Path) -> Iterator[Path]:
    """Yield the files of loaded modules under *root*, those of installed packages and of Python itself aside."""
    top = os.path.realpath(root)
    folders: dict[str, str] = {}
    for module in list(sys.modules.values()):
        file = module.__dict__.get("__file__") if isinstance(module, ModuleType) else None
        if not isinstance(file, str) or file[:1] in ("", "<") or _in_packages(file):
            continue
        folder, name = os.path.split(os.path.abspath(file))  # noqa: PTH100 - a thousand modules, and Path takes ten times as long
        real = folders.setdefault(folder, "") or os.path.realpath(folder)
        folders[folder] = real
        path = os.path.join(real, name)  # noqa: PTH118
        if path.startswith(top.rstrip(os.sep) + os.sep) and not _in_packages(path):
            yield _outermost(Path(path))


def _outermost(path: Path) -> Path:
    """Return the zip archive that *path* lies in; *path* itself where it lies in none."""
    if path.exists():
        return path
    return next((place for place in path.parents if place.is_file()), path)


def is_installed(path: Path) -> bool:
    """Is the file one of Python's own, of an installed package, or of the environment that runs?"""
    return _in_packages(str(path)) or _in_packages(os.path.realpath(path))


def _in_packages(path: str) -> bool:
    return path.startswith(_installed()) or any(f"{os.sep}{name}{os.sep}" in path for name in PACKAGES)


@cache
def _installed() -> tuple[str, ...]:
    """Return the folders of Python's library, of packages and of their scripts. The prefix itself may be the repository."""
    places = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")}
    real = {os.path.realpath(place) for place in places}
    return tuple(sorted(place.rstrip(os.sep) + os.sep for place in places | real))


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False
