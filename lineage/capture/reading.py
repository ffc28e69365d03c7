"""Open regular files and hash them; refuse devices, pipes, sockets and files of the kernel.

A file is judged twice: before it is opened, for opening a device may act on it, and by its
descriptor, for another file may have taken its name meanwhile.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from functools import lru_cache
from io import RawIOBase
from pathlib import Path

NOT_REGULAR = "not a regular file"
OF_THE_KERNEL = "a file of the kernel, which is not read"
CHANGED = "it changed while it was read"
SMALL = 1 << 18  # bytes; a smaller file is hashed by one read, without a buffer of hashlib's size
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | os.O_CLOEXEC


def hashed(path: str | Path, seen: os.stat_result | None = None) -> tuple[str, int]:
    """Return the SHA-256 (64 hex digits) and the size in bytes of a regular file.

    Args:
        path: The file, or a link to it.
        seen: What the system says of the file, where the caller asked already.

    Raises:
        OSError: It is no regular file, cannot be read, or changed while it was read.
    """
    refuse_special(path, seen or os.stat(path))  # noqa: PTH116  # a string for the many files of a folder
    descriptor = os.open(path, _FLAGS)
    try:
        before = os.fstat(descriptor)
        refuse_special(path, before)
        digest, size = _hashed(descriptor, before.st_size)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    is_same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    if size != before.st_size or not is_same:
        raise OSError(errno.EBUSY, CHANGED, str(path))
    return digest, size


def refuse_special(path: str | Path, seen: os.stat_result) -> None:
    """Raise an OSError where *seen* is not of a regular file, or of one of the kernel's."""
    if not stat.S_ISREG(seen.st_mode):
        raise OSError(errno.EINVAL, NOT_REGULAR, str(path))
    if is_of_kernel(seen):
        raise OSError(errno.EINVAL, OF_THE_KERNEL, str(path))


def is_of_kernel(seen: os.stat_result) -> bool:
    """Return whether a file or folder lies in /proc, /sys or /dev, whatever path led there.

    Shared memory (/dev/shm) is a file system of its own, and holds ordinary files.
    """
    return seen.st_dev in _kernel_devices()


@lru_cache(maxsize=1)
def _kernel_devices() -> frozenset[int]:
    """Return the numbers of the kernel's own file systems."""
    found = set()
    for place in ("/proc", "/sys", "/dev"):
        try:
            found.add(os.stat(place).st_dev)  # noqa: PTH116
        except OSError:  # not a Linux, or a bare container
            continue
    return frozenset(found - {os.stat("/").st_dev})  # noqa: PTH116  # a plain folder called /dev


def _hashed(descriptor: int, size: int) -> tuple[str, int]:
    """Hash at most one byte more than *size*: a file that grows for ever ends, and is found out.

    A file whose size is said to be 0 is asked for a byte: the kernel's files all claim to be empty.
    """
    if size >= SMALL:
        bounded = _Bounded(descriptor, size + 1)
        return hashlib.file_digest(bounded, "sha256").hexdigest(), bounded.count  # type: ignore[arg-type]
    hasher, count = hashlib.sha256(), 0
    while count <= size:
        data = os.read(descriptor, size + 1 - count)
        if not data:
            break
        hasher.update(data)
        count += len(data)
    return hasher.hexdigest(), count


class _Bounded(RawIOBase):
    """The first *most* bytes behind a descriptor, which stays open."""

    def __init__(self, descriptor: int, most: int) -> None:
        self._descriptor, self._most, self.count = descriptor, most, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        view = memoryview(buffer)[: self._most - self.count]
        size = os.readv(self._descriptor, [view]) if view else 0
        self.count += size
        return size
