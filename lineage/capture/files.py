"""Digests of files and folders.  Only regular files are opened; links that lead out of a folder are not followed."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from lineage.facts import Artifact, Gap

CACHED_FROM = 1 << 20  # bytes; a smaller file is hashed faster than its digest is looked up
SETTLED = 2.0  # seconds; a younger file may change again within the clock's step, so its digest is not kept


def digest(path: Path, *, recheck: bool = False) -> tuple[str, int]:
    """SHA-256 (64 hex digits) and size in bytes. With *recheck* the file is read even if its digest is cached.

    Raises:
        OSError: the file cannot be read.
    """
    entry = _entry(path)
    known = None if recheck or entry is None else _cached(entry)
    if known:
        return known
    with path.open("rb") as file:
        before = os.fstat(file.fileno())
        hexdigest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
        after = os.fstat(file.fileno())
    if entry is not None and before.st_mtime_ns == after.st_mtime_ns and size == after.st_size == before.st_size:
        _keep(entry, hexdigest, size)
    return hexdigest, size


def _folder() -> Path:
    own, shared = os.environ.get("LINEAGE_CACHE"), os.environ.get("XDG_CACHE_HOME")
    return Path(own) if own else (Path(shared) if shared else Path.home() / ".cache") / "lineage"


def _entry(path: Path) -> Path | None:
    """Where the digest of the file as it is now is kept; None for a file whose digest is not kept."""
    seen = path.stat()
    if seen.st_size < CACHED_FROM or time.time() - max(seen.st_mtime, seen.st_ctime) < SETTLED:
        return None
    key = repr((os.path.realpath(path), seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns))
    return _folder() / hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _cached(entry: Path) -> tuple[str, int] | None:
    try:
        hexdigest, size = entry.read_text().split()
        return hexdigest, int(size)
    except (OSError, ValueError):  # a cache that is not there or was spoilt is a file to be read, no more
        return None


def _keep(entry: Path, hexdigest: str, size: int) -> None:
    temporary = entry.with_name(f"{entry.name}.{os.getpid()}.tmp")
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(f"{hexdigest} {size}\n")
        temporary.replace(entry)
    except OSError:  # nowhere to keep it: it is read again next time
        temporary.unlink(missing_ok=True)


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
