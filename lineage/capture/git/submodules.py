"""Submodules: each is a repository of its own, with a configuration of its own, and is asked as carefully as the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lineage.capture.git.changes import changes
from lineage.capture.git.command import GitError
from lineage.capture.git.listing import Listing, listing
from lineage.capture.git.repository import Repository, opened
from lineage.capture.git.tree import Tree

MAX_SUBMODULES = 50  # of a repository and its submodules; each costs four calls of git
MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Submodule:
    """A submodule that is checked out.

    Attributes:
        path: Its folder in the outermost repository.
        listed: Its files; None where git could not tell.
        dirty: Do its files differ from its commit? None: not known.
        reason: Why something is not known.
    """

    path: str
    listed: Listing | None
    dirty: bool | None
    reason: str | None = None


def submodules(repository: Repository, listed: Listing, *, depth: int = 1, prefix: str = "") -> Iterator[Submodule]:
    """Return the submodules that are checked out, those in submodules too."""
    paths = [path for path in listed.submodules() if (repository.root / path / ".git").exists()]
    for path in paths[:MAX_SUBMODULES]:
        yield from _looked_at(repository, path, depth, prefix + path)
    for path in paths[MAX_SUBMODULES:]:
        yield Submodule(prefix + path, None, None, f"only {MAX_SUBMODULES} submodules are looked at")


def _looked_at(repository: Repository, path: str, depth: int, name: str) -> Iterator[Submodule]:
    if depth > MAX_DEPTH:
        yield Submodule(name, None, None, "too deep in other submodules")
        return
    try:
        inner = opened(repository.root / path, repository.git.deadline)
        listed = listing(inner)
        found = changes(inner, listed, Tree(inner.root))
    except (GitError, OSError) as error:
        yield Submodule(name, None, None, str(error))
        return
    dirty = True if found else None if found.unknown else False
    yield Submodule(name, listed, dirty, found.unknown[0] if found.unknown else None)
    yield from submodules(inner, listed, depth=depth + 1, prefix=f"{name}/")
