"""The tracked files that differ from the commit, found without running a filter and without reading large files twice.

`git diff-index` names the files whose dates, sizes or flags differ; it reads none of them. Files with a flag that hides changes
(skip-worktree, assume-unchanged) are added. Each is then hashed here and compared with its blob.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from lineage.capture.git.command import Git, GitError
from lineage.capture.git.lfs import pointers
from lineage.capture.git.listing import Entry, Listing
from lineage.capture.git.repository import Repository
from lineage.capture.git.tree import Tree
from lineage.facts import Artifact

MAX_FILE = 8 << 20  # bytes of a text, old or new, that git compares; xdiff takes five times as much memory
BINARY = 4  # a binary file counts so many times: git deflates it twice and looks for a delta
MAX_FILES = 8 << 20  # bytes of all files that git compares; the patch has at most twice as many
MAX_ASKED = 50  # blobs of a partial clone that are asked for one by one
SUBMODULE = "160000"  # mode of a submodule's commit
NOWHERE = "000000"  # mode of a file that the commit does not have


@dataclass(slots=True)
class Changes:
    """The files that differ from the commit, and those that could not be compared."""

    differing: list[Entry] = field(default_factory=list)  # small enough for git to show how
    added: list[str] = field(default_factory=list)  # in the index and not in the commit
    uncovered: list[Artifact] = field(default_factory=list)  # changed, and not to be shown; each with the reason
    unknown: list[str] = field(default_factory=list)  # reasons why a file cannot be compared

    def __bool__(self) -> bool:
        return bool(self.differing or self.added or self.uncovered)


def changes(repository: Repository, listed: Listing, tree: Tree) -> Changes:
    """Find what differs from the commit. Raises GitError."""
    if repository.refused:
        raise GitError(repository.refused)
    found = Changes()
    suspects: list[Entry] = []
    unread: set[str] = set()
    for entry, switched in _candidates(repository, listed, tree).values():
        if entry.mode == NOWHERE:
            found.added.append(entry.path)
        elif entry.mode == SUBMODULE:
            found.differing.append(entry)
        elif switched or not (same := tree.is_unchanged(entry)):
            suspects.append(entry)
            unread |= {entry.path} if not switched and same is None else set()
    found.differing += _unfiltered(repository, suspects, tree, found)
    sizes = _sizes(repository.git, found.differing)
    _set_apart(found, unread, tree, sizes)
    _limit(found, tree, sizes)
    return found


def _candidates(repository: Repository, listed: Listing, tree: Tree) -> dict[str, tuple[Entry, bool]]:
    """Return the files that may differ, by path, as the commit has them; True beside a file whose mode differs."""
    found: dict[str, tuple[Entry, bool]] = {}
    raw = repository.git.run("diff-index", "--raw", "-z", "--no-renames", "--no-abbrev", "--ignore-submodules=dirty", "HEAD", "--")
    fields = iter(raw.split(b"\0"))
    for about, name in zip(fields, fields, strict=False):
        old, new, blob, _, status = about.decode().removeprefix(":").split(" ")
        path = os.fsdecode(name)
        if status[0] != "U" or path not in found:  # an unmerged file is named twice
            found[path] = (Entry(path, old, blob), status[0] in "MT" and old != new)
    for flagged in listed.flagged():
        if flagged.optional and tree.status(flagged.path) is None:
            found.pop(flagged.path, None)
        else:
            found.setdefault(flagged.path, (flagged, False))
    return found


def _unfiltered(repository: Repository, suspects: list[Entry], tree: Tree, found: Changes) -> list[Entry]:
    """Return the suspects that no filter changes; what is known of the others goes to *found*."""
    filtered = _filters(repository, suspects) if repository.filters and suspects else {}
    large = [entry for entry in suspects if filtered.get(entry.path) == "lfs"]
    targets = pointers(repository.git, large)
    for entry in suspects:
        name = filtered.get(entry.path)
        if entry.path in targets:
            now = tree.artifact(entry.path, type="file")
            if now.sha256 is None and now.bytes == targets[entry.path].bytes:
                found.unknown.append(f"{entry.path} is too large to be compared with its Git LFS pointer")
            elif now.sha256 != targets[entry.path].sha256:
                found.uncovered.append(tree.uncovered(entry.path, "kept by Git LFS"))
        elif name is not None:
            found.unknown.append(
                f"{entry.path} cannot be compared without the filter {name!r}, a command of the repository, which is not run"
            )
    return [entry for entry in suspects if entry.path not in filtered]


def _filters(repository: Repository, entries: Iterable[Entry]) -> dict[str, str]:
    """Return the filter of each entry that has one with a command, by path."""
    with as_file(os.fsencode(entry.path) + b"\0" for entry in entries) as paths:
        told = repository.git.run("check-attr", "-z", "--stdin", "filter", stdin=paths).split(b"\0")
    named = {os.fsdecode(path): os.fsdecode(value) for path, value in zip(told[::3], told[2::3], strict=False)}
    return {path: name for path, name in named.items() if name in repository.filters}


def _set_apart(found: Changes, unread: set[str], tree: Tree, sizes: Mapping[str, int | None]) -> None:
    """Move files that nobody read, and that have the size of their blob, to *unknown*."""
    alike = {entry.path for entry in found.differing if entry.path in unread and tree.size(entry.path) == sizes.get(entry.blob)}
    found.differing = [entry for entry in found.differing if entry.path not in alike]
    found.unknown += [f"{path} is too large to be compared" for path in sorted(alike)]


def _limit(found: Changes, tree: Tree, sizes: Mapping[str, int | None]) -> None:
    """Move what git should not compare from *differing* to *uncovered*: smallest files first stay."""
    weights = {entry.path: _weight(entry, tree, sizes) for entry in found.differing}
    left = MAX_FILES
    stay = []
    for entry in sorted(found.differing, key=lambda entry: (weights[entry.path] or 0, entry.path)):
        weight = weights[entry.path]
        if weight is not None and weight <= min(left, MAX_FILE):
            left -= weight
            stay.append(entry)
        else:
            reason = "the commit's version is not in this clone" if weight is None else "too large for the patch"
            found.uncovered.append(tree.uncovered(entry.path, reason))
    found.differing = sorted(stay, key=lambda entry: os.fsencode(entry.path))


def _weight(entry: Entry, tree: Tree, sizes: Mapping[str, int | None]) -> int | None:
    """Return the bytes that comparing costs; None where the blob is not there."""
    if entry.mode == SUBMODULE:
        return 0
    old, new = sizes.get(entry.blob), tree.size(entry.path)
    if old is None:
        return None
    is_text = new is not None and tree.is_text(entry.path)
    return max(old, new or 0) * (1 if is_text else BINARY)


def _sizes(git: Git, entries: Iterable[Entry]) -> dict[str, int | None]:
    """Return the size of each blob in bytes; None for one that a partial clone does not have."""
    blobs = [entry.blob for entry in entries if entry.mode != SUBMODULE]
    if not blobs:
        return {}
    with as_file(f"{blob}\n".encode() for blob in blobs) as names:
        try:
            lines = git.run("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=names).decode().splitlines()
        except GitError as error:
            return _sizes_here(git, blobs, error)
    told = (line.split(" ") for line in lines)
    return {blob: int(size) if size.isdecimal() else None for blob, size in told}


def _sizes_here(git: Git, blobs: Sequence[str], error: GitError) -> dict[str, int | None]:
    """Ask for blobs one by one: git before 2.45 stops at the first that a partial clone does not have."""
    if "could not fetch" not in str(error) or len(blobs) > MAX_ASKED:
        raise error
    sizes: dict[str, int | None] = {}
    for blob in blobs:
        try:
            sizes[blob] = int(git.run("cat-file", "-s", blob))
        except GitError:
            sizes[blob] = None
    return sizes


def as_file(parts: Iterable[bytes]) -> IO[bytes]:
    """Return an open file of *parts* for git to read: a pipe would have to be filled while git answers."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    file.writelines(parts)
    file.seek(0)
    return file
