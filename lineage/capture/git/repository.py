"""The repository of a folder: its root, its commit, and git with its filters switched off."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from lineage.capture.git.command import Deadline, Git, GitError
from lineage.capture.git.reasons import why_no_commit, why_untold

MAX_FILTERS = 100  # filters of one configuration; each is switched off by name
_ANSWER = re.compile(rb"(.+)\n([0-9a-f]{40,64})\n([^\n]+)", re.DOTALL)
_FILTER = re.compile(rb"filter\.(.*)\.(?:clean|smudge|process|required)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Repository:
    """A working tree at a commit."""

    root: Path
    sha: str
    branch: str | None  # None: a detached head
    git: Git  # asks in the root, with every filter off
    filters: frozenset[str]  # names of the filters that the configuration has commands for
    refused: str | None = None  # why no file may be compared: a filter of the configuration cannot be switched off


def opened(folder: Path, deadline: Deadline) -> Repository:
    """Return the repository that *folder* is in.

    Raises:
        GitError: there is none, it has no commit, or git cannot be asked; with the reason.
    """
    git = Git(folder, deadline)
    try:
        told = git.run("rev-parse", "--show-toplevel", "HEAD", "--abbrev-ref", "HEAD").removesuffix(b"\n")
    except GitError as error:
        no_commit = "'HEAD'" in str(error)
        raise GitError(why_no_commit(git, str(error)) if no_commit else why_untold(folder, str(error))) from error
    parts = _ANSWER.fullmatch(told)
    if parts is None:
        raise GitError(f"git answered what is no commit: {told[:80].decode(errors='replace')!r}")
    root, sha, branch = parts.groups()
    name = branch.decode(errors="replace")
    inside = replace(git, folder=Path(os.fsdecode(root)))
    facts = {"root": inside.folder, "sha": sha.decode(), "branch": None if name == "HEAD" else name}
    try:
        filters = _filters(inside)
    except GitError as error:
        return Repository(**facts, git=inside, filters=frozenset(), refused=str(error))  # type: ignore[arg-type]
    off = tuple(f"filter.{name}.{key}" for name in sorted(filters) for key in ("clean=", "smudge=", "process=", "required=false"))
    return Repository(**facts, git=replace(inside, settings=off), filters=filters)  # type: ignore[arg-type]


def _filters(git: Git) -> frozenset[str]:
    """Return the names of the filters in the configuration. No file is looked at before."""
    try:
        names = git.run("config", "--includes", "-z", "--name-only", "--get-regexp", r"^filter\..*\.(clean|smudge|process|required)$")
    except GitError as error:
        if str(error) != "git ended with 1":  # git-config(1): nothing matches
            raise
        return frozenset()
    found = {os.fsdecode(match[1]) for match in map(_FILTER.fullmatch, names.split(b"\0")) if match}
    unsafe = sorted(name for name in found if "=" in name or "\n" in name)
    if unsafe or len(found) > MAX_FILTERS:
        raise GitError(f"the configuration has filters that cannot be switched off: {(unsafe or sorted(found))[0][:80]!r}")
    return frozenset(found)
