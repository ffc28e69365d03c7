"""Digests of files and folders, remembered in the user's cache so that no file is read twice.

The cache is a convenience. Where there is no place for it, or it cannot be written, files are read.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lineage.capture.folders import Looking, reason_of, unread
from lineage.capture.reading import hashed
from lineage.core.handlers import is_of_handler
from lineage.core.writing import make_folder, write_whole
from lineage.facts import Artifact

CACHED_FROM = 1 << 20  # bytes; a smaller file is hashed faster than its digest is looked up
SETTLED = 2.0  # seconds; a younger file may change again within one tick of the clock
_KEPT = re.compile(rb"([0-9a-f]{64}) (\d+)")


def digest(path: Path, *, recheck: bool = False) -> tuple[str, int]:
    """Return the SHA-256 (64 hex digits) and the size in bytes of a regular file.

    Args:
        path: The file, or a link to it.
        recheck: Read the file even if its digest is cached.

    Raises:
        OSError: It is no regular file, cannot be read, or changed while it was read.
    """
    return _digest(path, path.stat(), recheck)


def _digest(path: Path | str, seen: os.stat_result, recheck: bool) -> tuple[str, int]:
    if seen.st_size < CACHED_FROM:
        return hashed(path, seen)
    place = Kept.of(Path(path), "digest", seen)
    known = None if recheck else _KEPT.fullmatch(place.read() or b"")
    if known:
        return known[1].decode(), int(known[2])
    sha256, size = hashed(path, seen)
    remember(place, sha256, size)
    return sha256, size


def remember(place: Kept, sha256: str, size: int) -> None:
    """Keep a digest where `digest` looks for it."""
    place.write(f"{sha256} {size}".encode())


def artifact(
    path: Path,
    *,
    folder: Path,
    type: str,
    role: str | None = None,
    recheck: bool = False,
    confined: bool = False,
) -> Artifact:
    """Return the file or folder at *path* as it is now. What cannot be read has a gap.

    Args:
        path: A file, a folder, or a link to one.
        folder: The folder that paths are relative to.
        type: The artifact's type.
        role: What it was used or made as.
        recheck: Read every file, even if its digest is cached.
        confined: Follow no link that leads out of *folder*: it may be a stranger's.
    """
    name = Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    looking = Looking(folder, type, confined, lambda path, seen: _digest(path, seen, recheck))
    try:
        seen = path.stat()
        if stat.S_ISDIR(seen.st_mode):
            return looking.folder_at(path, name, role)
        sha256, size = _digest(path, seen, recheck)
    except (OSError, ValueError) as error:  # a name with a null byte is a ValueError
        if is_of_handler(error):
            raise
        return unread(name, type, role, reason_of(error))
    is_link = looking.leads_out(path, name)
    return Artifact(path=name, type=type, role=role, sha256=sha256, bytes=size, link=is_link)


def folder() -> Path | None:
    """Return the folder of the cache, or None where the user has none.

    `$LINEAGE_CACHE`, else `lineage` in `$XDG_CACHE_HOME`, else in `.cache` of the home folder.
    A relative path is none: it would be another folder after each `os.chdir`.
    """
    own, shared = os.environ.get("LINEAGE_CACHE"), os.environ.get("XDG_CACHE_HOME")
    if own:
        return _absolute(own)
    if shared and _absolute(shared):
        return Path(shared) / "lineage"
    home = _home()
    return home / ".cache" / "lineage" if home else None


def _home() -> Path | None:
    """Return the home folder: `$HOME`, else that of the passwd entry; a container may have neither."""
    try:
        return _absolute(os.environ["HOME"]) if "HOME" in os.environ else Path.home()
    except RuntimeError:
        return None


def _absolute(path: str) -> Path | None:
    return Path(path) if Path(path).is_absolute() else None


@dataclass(frozen=True, slots=True)
class Kept:
    """A place in the cache for a fact about a file, valid while the file is the same."""

    path: Path
    key: str  # of the file as the system described it
    entry: Path | None  # None: nothing is remembered of this file

    @classmethod
    def of(cls, path: Path, what: str, seen: os.stat_result | None = None) -> Kept:
        """Return the place for the fact *what* about the file at *path*.

        A small file has none: it is read as fast. A young one has none: it may change unseen.

        Args:
            path: The file.
            what: The name of the fact.
            seen: What the system says of the file, where the caller asked already.

        Raises:
            OSError: The file is not there.
        """
        seen = seen or path.stat()
        key = _key(path, seen)
        is_young = time.time() - max(seen.st_mtime, seen.st_ctime) < SETTLED
        where = None if is_young or seen.st_size < CACHED_FROM else folder()
        name = hashlib.sha256(f"{what} {key}".encode("utf-8", "surrogateescape")).hexdigest()
        return cls(path, key, where / name if where else None)

    @classmethod
    def of_bytes(cls, path: Path, *names: str) -> Kept:
        """Return the place for a fact about bytes, named by their digests and other *names*."""
        name, where = hashlib.sha256("\n".join(names).encode()).hexdigest(), folder()
        return cls(path, _key(path, path.stat()), where / name if where else None)

    def is_same(self) -> bool:
        """Return whether the file is still what it was."""
        try:
            return _key(self.path, self.path.stat()) == self.key
        except OSError:
            return False

    def read(self) -> bytes | None:
        """Return what was remembered; None where nothing was, or where it is damaged."""
        try:
            text = self.entry.read_bytes() if self.entry else b""
        except OSError:  # no cache: the file is read
            return None
        check, _, data = text.partition(b"\n")
        return data if check == _check(data) else None

    def write(self, data: bytes) -> None:
        """Remember *data*, if the file has not changed since."""
        if self.entry is None or not self.is_same():
            return
        with suppress(OSError):  # no room, no permission: it is learnt again next time
            make_folder(self.entry.parent)
            write_whole(self.entry, lambda out: out.write(_check(data) + b"\n" + data))


def _check(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()


def _key(path: Path, seen: os.stat_result) -> str:
    times = (seen.st_mtime_ns, seen.st_ctime_ns)
    return repr((os.path.realpath(path), seen.st_dev, seen.st_ino, seen.st_size, *times))
