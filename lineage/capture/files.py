"""Digests of files and folders.  Only regular files are opened; links that lead out of a folder are not followed."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lineage.facts import Artifact, Gap

CACHED_FROM = 1 << 20  # bytes; a smaller file is hashed faster than its digest is looked up
MAX_NAME = 200  # bytes of a file's name that its temporary repeats: a name has 255 at most
SETTLED = 2.0  # seconds; a younger file may change again within the clock's step, so its digest is not kept


def digest(path: Path, *, recheck: bool = False) -> tuple[str, int]:
    """SHA-256 (64 hex digits) and size in bytes. With *recheck* the file is read even if its digest is cached.

    Raises:
        OSError: the file cannot be read.
    """
    place = Kept.of(path, "digest")
    known = None if recheck else re.fullmatch(rb"([0-9a-f]{64}) (\d+)", place.read() or b"")
    if known:
        return known[1].decode(), int(known[2])
    with path.open("rb") as file:
        hexdigest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
    remember(place, hexdigest, size)
    return hexdigest, size


def remember(place: Kept, sha256: str, size: int) -> None:
    """Keep a digest where `digest` looks for it."""
    place.write(f"{sha256} {size}".encode())


def folder() -> Path:
    """Where what was learnt of files is kept: `$LINEAGE_CACHE`, else `lineage` among the user's caches."""
    own, shared = os.environ.get("LINEAGE_CACHE"), os.environ.get("XDG_CACHE_HOME")
    return Path(own) if own else (Path(shared) if shared else Path.home() / ".cache") / "lineage"


@dataclass(frozen=True, slots=True)
class Kept:
    """Where something that was learnt of a file as it was then is kept, so that the file need not be read again while it is the same."""

    path: Path
    key: str  # of the file as the system described it
    entry: Path | None  # None: the file is small, or so young that it may change again unseen

    @classmethod
    def of(cls, path: Path, what: str) -> Kept:
        """Where *what* was learnt of the file at *path* as it is now. Raises OSError."""
        seen = path.stat()
        key = _key(path, seen)
        young = time.time() - max(seen.st_mtime, seen.st_ctime) < SETTLED
        name = hashlib.sha256(f"{what} {key}".encode("utf-8", "surrogateescape")).hexdigest()
        return cls(path, key, None if young or seen.st_size < CACHED_FROM else folder() / name)

    @classmethod
    def of_bytes(cls, path: Path, *names: str) -> Kept:
        """Where something is kept that is true of bytes, by their digests and other *names*, wherever they lie."""
        seen = path.stat()
        return cls(path, _key(path, seen), folder() / hashlib.sha256("\n".join(names).encode()).hexdigest())

    def is_same(self) -> bool:
        """Is the file still what it was?"""
        try:
            return _key(self.path, self.path.stat()) == self.key
        except OSError:
            return False

    def read(self) -> bytes | None:
        """What was kept; None where nothing was, or where it was spoilt."""
        try:
            check, _, data = self.entry.read_bytes().partition(b"\n") if self.entry else (b"", b"", b"")
        except OSError:  # a cache that is not there is a file to be read, no more
            return None
        return data if check == _check(data) else None

    def write(self, data: bytes) -> None:
        """Keep *data*, if the file has not changed since."""
        if self.entry is None or not self.is_same():
            return
        with suppress(OSError):  # nowhere to keep it: it is learnt again next time
            self.entry.parent.mkdir(parents=True, exist_ok=True)
            temporary, out = exclusive(self.entry)
            with out:
                out.write(_check(data) + b"\n" + data)
            temporary.replace(self.entry)


def exclusive(target: Path) -> tuple[Path, BinaryIO]:
    """A new file beside *target*, to be renamed to it: nothing that lies there already is written to, nor through. Raises OSError."""
    path = target.with_name(f".{target.name[:MAX_NAME]}.{secrets.token_hex(8)}.tmp")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o644)
    return path, os.fdopen(descriptor, "w+b")


def _check(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()


def _key(path: Path, seen: os.stat_result) -> str:
    return repr((os.path.realpath(path), seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns))


def artifact(path: Path, *, folder: Path, type: str, role: str | None = None, recheck: bool = False) -> Artifact:
    """The file or folder at *path* as it is now, its path told from *folder*. What cannot be read has a gap for its digest.

    With *recheck* every file is read, even if its digest is cached.
    """
    name = Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return _directory(path, name, folder, type, role, recheck)
        if not stat.S_ISREG(mode):
            return _unread(name, type, role, "not a regular file")
        sha256, size = digest(path, recheck=recheck)
    except OSError as error:
        return _unread(name, type, role, error.strerror or "cannot be read")
    return Artifact(path=name, type=type, role=role, sha256=sha256, bytes=size)


def _unread(name: str, type: str, role: str | None, reason: str) -> Artifact:
    return Artifact(path=name, type=type, role=role, gaps=(Gap("sha256", reason),))


def _directory(path: Path, name: str, folder: Path, type: str, role: str | None, recheck: bool) -> Artifact:
    parts = tuple(artifact(file, folder=folder, type="model_file" if type == "model" else "part", recheck=recheck) for file in _files(path))
    unread = tuple(Gap(part.path, gap.reason) for part in parts for gap in part.gaps)
    lines = "".join(f"{part.sha256}  {os.path.relpath(part.path, name)}\n" for part in sorted(parts, key=lambda part: part.path))
    sha256 = None if unread else hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()
    size = sum(part.bytes or 0 for part in parts)
    return Artifact(path=name, type=type, role=role, sha256=sha256, bytes=size, parts=parts, gaps=unread)


def _files(path: Path) -> Iterator[Path]:
    """The files under *path*, sorted; a link counts when its target lies under *path* too."""
    root = path.resolve()
    for place, _, names in sorted(os.walk(path)):
        for name in sorted(names):
            file = Path(place) / name
            if not file.is_symlink() or file.resolve().is_relative_to(root):
                yield file
