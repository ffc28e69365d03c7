"""A look at one repository: what changed, what ran untracked, and the patch of both."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage.capture import files
from lineage.capture.git.changes import Changes, changes
from lineage.capture.git.command import Deadline, Git, GitError
from lineage.capture.git.listing import Listing, listing
from lineage.capture.git.patch import addition, diff
from lineage.capture.git.repository import Repository
from lineage.capture.git.submodules import Submodule, submodules
from lineage.capture.git.tree import Tree
from lineage.capture.program import Program, imported
from lineage.facts import Artifact, Gap

MAX_SCRIPTS = 200  # untracked programs that are listed
MAX_ADDED = 8 << 20  # bytes of all files that are added to a patch
SOURCES = (".py", ".pyw", ".ipynb")
NAMED = 3  # files that a gap names


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch of the commit, and its SHA-256 (None: the patch is not whole)."""

    data: bytes = b""
    sums: hashlib._Hash | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a repository.

    Attributes:
        root: Its folder.
        listed: Its files; None where git could not tell.
        is_dirty: True if a tracked file or a submodule differs from the commit, or untracked code runs.
        doubts: Reasons why changes may have been missed.
        untracked: The script and imported modules that git does not track, by path.
        programs: Untracked programs: those that ran, and others that lie there.
        uncovered: Changed files that the patch does not have.
        patch: The patch.
        gaps: What could not be learnt.
        imported: Files of modules that were looked at.
    """

    root: Path
    listed: Listing | None
    is_dirty: bool
    doubts: tuple[str, ...]
    untracked: tuple[str, ...]
    programs: tuple[Artifact, ...]
    uncovered: tuple[Artifact, ...]
    patch: Patch
    gaps: tuple[Gap, ...]
    imported: frozenset[Path] = frozenset()

    def name_of(self, path: Path) -> str:
        """Return *path* from the repository's folder."""
        return _name(path, self.root)

    def why_untracked(self, name: str) -> str | None:
        """Return why the file has no version; None where git tracks it."""
        if name.startswith("../"):
            return f"the script lies outside of the repository {self.root}"
        if self.listed is None:
            return self.doubts[0]
        return None if self.listed.tracks(name) else f"git does not track {name}"


def look_at(repository: Repository, program: Program) -> Look:
    """Look at *repository*, in which *program* runs."""
    tree = Tree(repository.root)
    try:
        listed = listing(repository)
    except GitError as error:
        return _blind(repository, str(error))
    found, doubts = _changes(repository, listed, tree)
    inner = tuple(submodules(repository, listed))
    doubts += [f"submodule {one.path}: {one.reason}" for one in inner if one.dirty is None]
    modules = frozenset(imported(tree.root))
    untracked = _untracked(tree.root, listed, inner, program, modules)
    patch, gaps, made = _patch(repository, tree, found, untracked)
    changed_inner = [f"{one.path} (a submodule)" for one in inner if one.dirty]
    is_dirty = made or bool(found.uncovered or changed_inner or _sources(untracked, program, tree.root))
    hidden = [*(f"{one.path} ({one.gaps[-1].reason})" for one in found.uncovered), *changed_inner]
    if is_dirty and (hidden or doubts):
        missing = few([*hidden, *doubts])
        patch = Patch(patch.data, None)
        gaps += [Gap("git_patch", f"not in the patch: {missing}"), Gap("git_diff_sha256", f"the diff is not whole: {missing}")]
    elif doubts:
        gaps.append(Gap("git_dirty", few(doubts)))
    programs, unlisted = _programs(tree, listed, untracked)
    facts = (tuple(doubts), untracked, programs, tuple(found.uncovered), patch, (*gaps, *unlisted))
    return Look(repository.root, listed, is_dirty, *facts, imported=modules)


def _sources(untracked: Iterable[str], program: Program, root: Path) -> list[str]:
    """Return the untracked files that are code to be read; an imported file of another kind is compiled from some source."""
    script = _name(program.path, root) if program.path else None
    return [name for name in untracked if name.endswith(SOURCES) or name == script]


def _blind(repository: Repository, reason: str) -> Look:
    return Look(repository.root, None, False, (reason,), (), (), (), Patch(), (Gap("git_dirty", reason), Gap("git_untracked", reason)))


def _changes(repository: Repository, listed: Listing, tree: Tree) -> tuple[Changes, list[str]]:
    try:
        found = changes(repository, listed, tree)
    except (GitError, OSError) as error:
        return Changes(), [str(error)]
    return found, list(found.unknown)


def _untracked(root: Path, listed: Listing, inner: Sequence[Submodule], program: Program, modules: Iterable[Path]) -> tuple[str, ...]:
    """Return the script and the imported modules that git does not track, by their paths in the repository."""
    script = [_name(program.path, root)] if program.path and not program.is_installed else []
    top = os.path.realpath(root)
    names = {*script, *(path.relative_to(top).as_posix() for path in modules)}
    return tuple(sorted(name for name in names if not name.startswith("../") and not _tracks(listed, inner, name)))


def _tracks(listed: Listing, inner: Sequence[Submodule], name: str) -> bool:
    within = [one for one in inner if name.startswith(f"{one.path}/")]
    if not within:
        return listed.tracks(name)
    last = max(within, key=lambda one: len(one.path))
    return last.listed is None or last.listed.tracks(name.removeprefix(f"{last.path}/"))


def _patch(repository: Repository, tree: Tree, found: Changes, untracked: Iterable[str]) -> tuple[Patch, list[Gap], bool]:
    """Return the patch, what is missing in it, and whether a tracked file differs from the commit."""
    gaps: list[Gap] = []
    try:
        shown = diff(repository.git, found.differing)
    except (GitError, OSError) as error:
        shown, reason = b"", f"the patch was not made: {error}"
        gaps = [Gap("git_patch", reason), Gap("git_diff_sha256", reason)]
    gone = [entry.path for entry in found.differing if tree.status(entry.path) is None]  # git shows no file behind a loop of links
    made = bool(shown or found.added or gaps or gone)
    parts, size = [shown], 0
    for name in (*found.added, *untracked):
        part = addition(tree, name, repository.sha)
        if part is None or size + len(part) > MAX_ADDED:
            found.uncovered.append(tree.uncovered(name, "too large for the patch, or unreadable"))
        else:
            parts.append(part)
            size += len(part)
    data = b"".join(parts)
    return Patch(data, None if gaps else hashlib.sha256(data)), gaps, made


def _programs(tree: Tree, listed: Listing, ran: Sequence[str]) -> tuple[tuple[Artifact, ...], list[Gap]]:
    """Return the untracked programs: first those that ran. Untracked data are no programs."""
    names = [*ran, *(name for name in listed.programs() if name not in ran)]
    gaps = [Gap("git_untracked", listed.no_untracked)] if listed.no_untracked else []
    if len(names) > MAX_SCRIPTS:
        gaps.append(Gap("git_untracked", f"{len(names) - MAX_SCRIPTS} more scripts are not listed"))
    return tuple(tree.artifact(name, type="script") for name in names[:MAX_SCRIPTS]), gaps


def untracked_among(root: Path, paths: Iterable[Path], deadline: Deadline) -> list[str]:
    """Return those of *paths* under *root* that git does not track. A file in a submodule is asked of the submodule. Raises GitError."""
    names = [name for name in (_name(path, root) for path in paths) if not name.startswith("../")]
    asked: dict[Path, list[str]] = {}
    for name in names:
        asked.setdefault(_repository_of(root, name), []).append(name)
    return sorted(name for top, group in asked.items() for name in _unlisted(top, root, group, deadline))


def _repository_of(root: Path, name: str) -> Path:
    """Return the innermost folder above the file that has a `.git`: the repository, or a submodule."""
    parents = [root / parent for parent in Path(name).parents]
    return next((parent for parent in parents if os.path.lexists(parent / ".git")), root)


def _unlisted(top: Path, root: Path, names: Sequence[str], deadline: Deadline) -> list[str]:
    inside = {Path(os.path.relpath(root / name, top)).as_posix(): name for name in names}
    chosen = ("--", *inside) if len(inside) <= MAX_SCRIPTS else ()  # a command line has an end
    told = Git(top, deadline).run("--literal-pathspecs", "ls-files", "-z", "--cached", *chosen)
    tracked = {os.fsdecode(name) for name in told.split(b"\0")}
    return [name for short, name in inside.items() if short not in tracked]


def script_digest(program: Program) -> str | None:
    """Return the SHA-256 of the program's file; None where it is no regular file."""
    try:
        if program.path is None or not stat.S_ISREG(program.path.stat().st_mode):
            return None
        return files.digest(program.path)[0]
    except OSError:
        return None


def few(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _name(path: Path, root: Path) -> str:
    real, top = os.path.realpath(path), os.path.realpath(root)
    return Path(os.path.relpath(real, top)).as_posix()
