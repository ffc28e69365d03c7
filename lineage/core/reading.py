"""Read files that may come from a stranger: only regular ones, and never more of them than a limit."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from lineage.errors import FormatError


def read_whole(path: Path, most: int, *, follow: bool = True, hint: str | None = None) -> bytes:
    """Return the content of a regular file.

    Args:
        path: The file.
        most: The number of bytes that it may have.
        follow: Whether it may be a link.
        hint: The way out for a file that is too large.

    Raises:
        OSError: It cannot be read, or is a pipe, a device or a folder. None of them is waited for.
        FormatError: It has more than *most* bytes.
    """
    with os.fdopen(open_plain(path, follow=follow), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(most + 1) if size <= most else b""
    if size > most or len(data) > most:
        raise FormatError(f"larger than {most} bytes", at=str(path), hint=hint)
    return data


def open_plain(path: Path, *, follow: bool = False) -> int:
    """Open a regular file for reading, and return its descriptor.

    Raises:
        OSError: It cannot be read, or is a pipe, a device or a folder, or a link that is not to be followed. None of them is waited for.
    """
    way = 0 if follow else getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(path, os.O_RDONLY | way | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link; a socket
            raise OSError(error.errno, "not a regular file", str(path)) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return descriptor


def is_folder(path: Path) -> bool:
    """Return whether *path* is a folder. Never raises: a name that no file can have is none."""
    return os.path.isdir(path)  # noqa: PTH112


def is_file(path: Path) -> bool:
    """Return whether *path* is a regular file, or a link to one. Never raises."""
    return os.path.isfile(path)  # noqa: PTH113


def is_there(path: Path) -> bool:
    """Return whether something has the name *path*. Never raises."""
    return os.path.exists(path)  # noqa: PTH110
