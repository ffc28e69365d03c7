"""Reasons why git tells nothing of a folder, each with what to do about it."""

from __future__ import annotations

import os
import re
import shlex
import stat
from pathlib import Path

from lineage.capture.git.command import Git, GitError

NO_COMMIT = "the repository has no commit"
_OWNER = re.compile(r"(?:dubious ownership in|unsafe) repository (?:at )?\(?'([^']*)'")


def why_untold(folder: Path, reason: str) -> str:
    """Return the true reason why git found no repository for *folder*, where *reason* is what git printed."""
    owned = _OWNER.search(reason)
    if owned:
        return f"{owned[0]}: it belongs to another user. Run: git config --global --add safe.directory {shlex.quote(owned[1])}"
    if "must be run in a work tree" in reason:
        return f"{folder} is in a bare repository or in its .git folder: there is no working tree"
    if "not a git repository" not in reason and "gitfile" not in reason:
        return reason
    entry = next((place / ".git" for place in (folder, *folder.parents) if os.path.lexists(place / ".git")), None)
    return f"git does not accept {entry}: {_fault(entry) or reason}" if entry else reason


def _fault(entry: Path) -> str | None:
    """Return what is wrong with a `.git` file or folder; None where that is not seen."""
    try:
        mode = entry.stat().st_mode
        if stat.S_ISREG(mode):
            return _fault_of_file(entry)
        if not stat.S_ISDIR(mode):
            return "it is neither a file nor a folder"
        with (entry / "HEAD").open("rb") as head:
            head.read(1)
        missing = [name for name in ("objects", "refs") if not (entry / name).is_dir() and not (entry / "commondir").exists()]
    except OSError as error:
        return f"{error.strerror} ({Path(error.filename).name})" if error.filename else str(error.strerror)
    return f"it has no folder {missing[0]}" if missing else None


def _fault_of_file(entry: Path) -> str | None:
    with entry.open("rb") as file:
        text = os.fsdecode(file.read(4096)).strip()
    if not text.startswith("gitdir:"):
        return "the file does not name a repository (gitdir: PATH)"
    target = entry.parent / text.removeprefix("gitdir:").strip()
    return None if target.exists() else f"it leads to {target}, which does not exist"


def why_no_commit(git: Git, reason: str) -> str:
    """Return why HEAD names no commit, where *reason* is what git printed."""
    try:
        head = git.run("symbolic-ref", "-q", "HEAD").decode(errors="replace").strip()
    except GitError:
        return f"HEAD names no commit: {reason}"
    try:
        others = git.run("for-each-ref", "--count=1", "--format=%(refname)", limit=1 << 16)
    except GitError as error:
        return f"HEAD names no commit: {error}"
    return f"HEAD names no commit: {head} does not exist or is damaged" if others else NO_COMMIT
