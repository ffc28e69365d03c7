"""The files of a working tree: their kind, size and digests, read within a budget of bytes."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lineage.capture.git.listing import Entry
from lineage.facts import Artifact, Gap

READ = 384 << 20  # bytes that are read for digests in one look; 0.6 s for SHA-1 and SHA-256
LARGE = 4 << 20  # bytes; a file this large is read once for both digests
CHUNK = 1 << 20  # bytes; larger reads gained nothing
LINK = "120000"  # mode of a symbolic link in git
SNIFF = 8000  # bytes in which git looks for a NUL (xdiff-interface.c)


class Tree:
    """The working tree at *root*. It reads regular files only, and none that a link outside of *root* leads to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._resolved = Path(os.path.realpath(root))
        self._left = READ
        self._inside: dict[Path, bool] = {}
        self._sha256: dict[tuple[str, int], str] = {}  # of large files that were compared, by path and size

    def status(self, path: str) -> os.stat_result | None:
        """Describe the file or link *path*; None where there is none."""
        place = self.root / path
        try:
            return place.lstat() if self._holds(place.parent) else None
        except (OSError, ValueError):
            return None

    def size(self, path: str) -> int | None:
        """Return the size of the regular file *path*; None where there is none."""
        status = self.status(path)
        return status.st_size if status and stat.S_ISREG(status.st_mode) else None

    def is_unchanged(self, entry: Entry) -> bool | None:
        """Has the file the bytes of the blob?  None: too many bytes were read already."""
        status = self.status(entry.path)
        if status is None:
            return False
        if stat.S_ISLNK(status.st_mode):
            return entry.mode == LINK and _blob(entry.blob, os.fsencode((self.root / entry.path).readlink())) == entry.blob
        if not stat.S_ISREG(status.st_mode) or entry.mode == LINK:
            return False
        name, both = _hash(entry.blob, status.st_size), hashlib.sha256()
        digests = [name, both] if status.st_size > LARGE else [name]
        if not self._update(entry.path, status.st_size, digests):
            return None
        if both in digests:
            self._sha256[entry.path, status.st_size] = both.hexdigest()
        return name.hexdigest() == entry.blob

    def artifact(self, path: str, *, type: str) -> Artifact:
        """Return the regular file *path* with its SHA-256, or with a gap."""
        shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        size = self.size(path)
        if size is None:
            return Artifact(path=shown, type=type, gaps=(Gap("sha256", "no regular file is there"),))
        digest = self._sha256.get((path, size)) or self._digest(path, size)
        gaps = () if digest else (Gap("sha256", "unreadable, changing, or too large to be read when the session began"),)
        return Artifact(path=shown, type=type, sha256=digest, bytes=size, gaps=gaps)

    def uncovered(self, path: str, reason: str) -> Artifact:
        """Return a changed file that the patch does not have, and why."""
        file = self.artifact(path, type="file")
        return replace(file, gaps=(*file.gaps, Gap("patch", reason)))

    def data(self, path: str, limit: int) -> bytes | None:
        """Return the bytes of the regular file *path*; None where it cannot be read or has more than *limit*."""
        size = self.size(path)
        if size is None or size > limit:
            return None
        try:
            with (self.root / path).open("rb") as file:
                found = file.read(limit + 1)
        except OSError:
            return None
        return found if len(found) <= limit else None

    def is_text(self, path: str) -> bool:
        """Does git take the file for text?"""
        try:
            with (self.root / path).open("rb") as file:
                return b"\0" not in file.read(SNIFF)
        except OSError:
            return False

    def _holds(self, folder: Path) -> bool:
        if folder not in self._inside:
            self._inside[folder] = Path(os.path.realpath(folder)).is_relative_to(self._resolved)
        return self._inside[folder]

    def _digest(self, path: str, size: int) -> str | None:
        digest = hashlib.sha256()
        return digest.hexdigest() if self._update(path, size, [digest]) else None

    def _update(self, path: str, size: int, digests: Sequence[hashlib._Hash]) -> bool:
        """Read a file into *digests*. False where it cannot be read, has not *size* bytes at the end, or is more than is left to read."""
        if size > self._left:
            return False
        self._left -= size
        count = 0
        try:
            with (self.root / path).open("rb", buffering=0) as file:
                while count <= size and (data := file.read(CHUNK)):
                    count += len(data)
                    for digest in digests:
                        digest.update(data)
        except OSError:
            return False
        return count == size


def _hash(blob: str, size: int) -> hashlib._Hash:
    """Begin the name that git gives to a blob: SHA-1, or SHA-256 in repositories of that format."""
    digest = hashlib.sha1(usedforsecurity=False) if len(blob) == 40 else hashlib.sha256()
    digest.update(b"blob %d\0" % size)
    return digest


def _blob(blob: str, data: bytes) -> str:
    digest = _hash(blob, len(data))
    digest.update(data)
    return digest.hexdigest()


def blob_name(data: bytes, like: str) -> str:
    """Return the name that git gives to *data* in a repository whose names are as long as *like*."""
    return _blob(like, data)
