"""The files of a working tree: their kind, size and digests, read within a budget of bytes."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import replace
from pathlib import Path

from lineage.capture.git.listing import Entry
from lineage.facts import Artifact, Gap

READ = 512 << 20  # bytes that are read for digests in one look; about 0.3 s of SHA-1
CHUNK = 1 << 20  # bytes; larger reads gained nothing
LINK = "120000"  # mode of a symbolic link in git
SNIFF = 8000  # bytes in which git looks for a NUL (xdiff-interface.c)


class Tree:
    """The working tree at *root*. It reads regular files only, and none that a link outside of *root* leads to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._resolved = root.resolve()
        self._left = READ
        self._inside: dict[Path, bool] = {}

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
        digest = self._digest(entry.path, status.st_size, _hash(entry.blob, status.st_size))
        return None if digest is None else digest == entry.blob

    def artifact(self, path: str, *, type: str) -> Artifact:
        """Return the regular file *path* with its SHA-256, or with a gap."""
        shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        size = self.size(path)
        if size is None:
            return Artifact(path=shown, type=type, gaps=(Gap("sha256", "no regular file is there"),))
        digest = self._digest(path, size, hashlib.sha256())
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
            self._inside[folder] = folder.resolve().is_relative_to(self._resolved)
        return self._inside[folder]

    def _digest(self, path: str, size: int, digest: hashlib._Hash) -> str | None:
        """Return the digest of a file that has *size* bytes, also at the end; None where that cannot be said."""
        if size > self._left:
            return None
        self._left -= size
        count = 0
        try:
            with (self.root / path).open("rb", buffering=0) as file:
                while count <= size and (data := file.read(CHUNK)):
                    digest.update(data)
                    count += len(data)
        except OSError:
            return None
        return digest.hexdigest() if count == size else None


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
