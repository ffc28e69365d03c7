"""Record the files that a wrapped command was declared to make, and name those that it did not make."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage.contract import journal
from lineage.errors import UsageError
from lineage.recording.runs import EvaluationRun, Run
from lineage.recording.session import Session

Look = tuple[tuple[str, int, int, int, int], ...]  # of each file: name, inode, size, times of content and of change
NOT_MADE = "the command did not make it"
UNCHANGED = "it was there before, and the command did not change it"
LED_OUT = "it leads out of the session's folder"


@dataclass(frozen=True, slots=True)
class Declared:
    """An output before the command runs.

    Attributes:
        shown: The path as the user gave it.
        name: The path from the session's folder, with `/`.
        before: The file, or each file of the folder, as it was.
    """

    shown: str
    name: str
    before: Look


def declared(folder: Path, paths: Sequence[str]) -> tuple[Declared, ...]:
    """Return the outputs that *paths* name, from the working directory.

    Raises:
        UsageError: A path does not lie in *folder*.
    """
    return tuple(Declared(path, _name(folder, path), _look(Path(path))) for path in paths)


def record(session: Session, run: Run, outputs: Sequence[Declared]) -> Iterator[tuple[str, str]]:
    """Record *outputs* as they are now; yield each that was not made, with the reason, which becomes a gap of the run."""
    known = _recorded(session)
    for output in outputs:
        reason = _not_made(session.folder, output)
        if reason:
            run.gap(f"output {output.name}", reason)
            yield output.shown, reason
        elif output.name not in known:  # a command that records itself says more of its files than we can
            with session.guard(f"output {output.name}", ours=True):
                run.reported(output.name) if isinstance(run, EvaluationRun) else run.output(output.name)


def _name(folder: Path, path: str) -> str:
    """Where an output lies in *folder*, with the links on the way resolved, but not one that it is itself."""
    target = Path(path)
    is_plain = target.name not in ("", "..")
    place = Path(os.path.realpath(target.parent), target.name) if is_plain else os.path.realpath(target)
    name = Path(os.path.relpath(place, os.path.realpath(folder)))
    if name == Path() or name.parts[:1] == ("..",):
        hint = f"name a path under {folder}, from the working directory, or another --folder"
        raise UsageError("an output must lie in the session's folder", at=path, hint=hint)
    return name.as_posix()


def _not_made(folder: Path, output: Declared) -> str | None:
    path = folder / output.name
    if not path.exists():
        return NOT_MADE
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        return LED_OUT
    return UNCHANGED if output.before and _look(path) == output.before else None


def _look(path: Path) -> Look:
    """What the system says of a file, or of each file in a folder; nothing if it is not there."""
    try:
        seen = path.stat()
        if not stat.S_ISDIR(seen.st_mode):
            return (_entry("", seen),)
    except OSError:
        return ()
    return tuple(_walked(path))


def _walked(folder: Path) -> Iterator[tuple[str, int, int, int, int]]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place) / name
            try:
                yield _entry(str(path.relative_to(folder)), path.lstat())
            except OSError:  # it is gone again
                continue


def _entry(name: str, seen: os.stat_result) -> tuple[str, int, int, int, int]:
    return name, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _recorded(session: Session) -> set[str]:
    """The files of which a process of the session recorded what made them, and their digest."""
    names: set[str] = set()
    with session.guard("the journals"):
        for path in journal.journals(session.folder, session.id) if session.recording else ():
            names.update(str(made["file"]) for made in map(_artifact, journal.read(path)[0]) if made)
    return names


def _artifact(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    made = event.get("artifact")
    is_whole = isinstance(made, dict) and bool(made.get("activity") and made.get("sha256") and made.get("file"))
    return made if is_whole else None
