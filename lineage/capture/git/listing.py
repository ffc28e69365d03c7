"""The files of a repository as its index lists them: tracked ones, those with a flag that hides changes, and untracked ones."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from lineage.capture.git.command import GitError
from lineage.capture.git.repository import Repository

CODE = (".py", ".pyw", ".pyx", ".sh", ".ipynb")  # suffixes of programs; other untracked files are data
_FLAGGED = re.compile(rb"(?:\A|\0)([a-zS]) (\d{6}) ([0-9a-f]{40,64}) 0\t([^\0]*)")
_TRACKED = re.compile(rb". \d{6} [0-9a-f]{40,64} \d")
_GITLINK = re.compile(rb"(?:\A|\0). 160000 [0-9a-f]{40,64} 0\t([^\0]*)")
_OTHER = re.compile(rb"(?:\A|\0)\? ([^\0]*)")


@dataclass(frozen=True, slots=True)
class Entry:
    """A tracked file: its name in the repository, and the blob that a commit or the index has for it."""

    path: str
    mode: str  # six octal digits
    blob: str
    optional: bool = False  # True: skip-worktree, so its absence is no change (a sparse checkout)


@dataclass(frozen=True, slots=True)
class Listing:
    """What `git ls-files` prints. It stays as bytes: most of its lines are never looked at."""

    raw: bytes
    no_untracked: str | None = None  # why it names no untracked files

    def tracks(self, path: str) -> bool:
        """Is the file *path* in the index?"""
        name = b"\t" + os.fsencode(path) + b"\0"
        place = self.raw.find(name)
        while place >= 0:
            start = self.raw.rfind(b"\0", 0, place) + 1
            if _TRACKED.fullmatch(self.raw, start, place):  # not the end of an untracked file's name
                return True
            place = self.raw.find(name, place + 1)
        return False

    def flagged(self) -> list[Entry]:
        """Return the files whose changes git does not look at: skip-worktree and assume-unchanged."""
        found = _FLAGGED.findall(self.raw)
        return [Entry(os.fsdecode(path), mode.decode(), blob.decode(), tag in b"Ss") for tag, mode, blob, path in found]

    def submodules(self) -> list[str]:
        """Return the paths of submodules."""
        return [os.fsdecode(path) for path in _GITLINK.findall(self.raw)]

    def programs(self) -> list[str]:
        """Return the untracked files with the suffix of a program, sorted; ignored ones are not among them."""
        suffixes = tuple(map(os.fsencode, CODE))
        return sorted(os.fsdecode(path) for path in _OTHER.findall(self.raw) if path.endswith(suffixes))


def listing(repository: Repository) -> Listing:
    """List the files of *repository*. Where untracked files are too many, list the tracked ones alone. Raises GitError."""
    tracked = ("ls-files", "-v", "-s", "-z", "--cached")
    half = repository.git.deadline.left / 2
    try:
        return Listing(repository.git.within(half).run(*tracked, "--others", "--exclude-standard"))
    except GitError as error:
        return Listing(repository.git.run(*tracked), no_untracked=str(error))
