"""Write files safely: whole or not at all, never through a link, never in place of a device.

A folder may come from a stranger, so no name in it can be trusted: a file with a predictable
temporary name could be a link that leads anywhere.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

MAX_NAME = 200  # bytes of a name that its temporary repeats; a file name has at most 255
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


def replace_file(path: Path, data: bytes) -> None:
    """Write *data* to *path* at once: a reader sees the old bytes or the new, also after a power cut.

    Args:
        path: A regular file, or a name that is free.
        data: The whole content.

    Raises:
        OSError: The file cannot be written, or *path* is a link, a device or a folder.
    """
    refuse_special(path)
    with written_beside(path, data) as temporary:
        temporary.replace(path)
    sync_folder(path.parent)


@contextmanager
def written_beside(path: Path, data: bytes) -> Iterator[Path]:
    """Write *data* to a temporary file beside *path*, durably, and yield it to be renamed or linked. It is removed at the end.

    Raises:
        OSError: The file cannot be written.
    """
    temporary = temporary_name(path)
    descriptor = create(temporary)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        with suppress(OSError):  # the file that was asked for is what counts
            temporary.unlink(missing_ok=True)


def temporary_name(path: Path) -> Path:
    """Return a name beside *path* that nobody can foresee. The name of *path* is cut by bytes, as file systems count."""
    beginning = os.fsdecode(os.fsencode(path.name)[:MAX_NAME])
    return path.with_name(f".{beginning}.{secrets.token_hex(8)}.tmp")


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> Path:
    """Let *write* fill *path*, which appears whole or not at all, and return it. It may be gone after a power cut.

    Raises:
        OSError: The file cannot be written, or *path* is a link, a device or a folder. And whatever *write* raises.
    """
    refuse_special(path)
    temporary = temporary_name(path)
    with os.fdopen(create(temporary, os.O_RDWR), "w+b") as file:
        try:
            write(file)
            file.flush()
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return path


def write_output(path: Path, write: Callable[[BinaryIO], object]) -> Path:
    """Let *write* fill the file that a user named. What is no regular file, as /dev/stdout or a pipe, is written into.

    Raises:
        OSError: The file cannot be written, or *path* is a link to a regular file. And whatever *write* raises.
    """
    if not path.exists() or path.is_file() or path.is_dir():
        return write_whole(path, write)
    with path.open("wb") as file:
        write(file)
    return path


def create(path: Path, flags: int = os.O_WRONLY) -> int:
    """Create the file *path* and return its descriptor.

    Raises:
        FileExistsError: Something has this name already; a link counts, wherever it leads.
        OSError: The file cannot be created.
    """
    return os.open(path, flags | os.O_CREAT | os.O_EXCL | _NOFOLLOW | os.O_CLOEXEC, 0o644)


def refuse_special(path: Path) -> None:
    """Raise an OSError when *path* is there and is no regular file; a link is none."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file; nothing was written", str(path))


def sync_folder(folder: Path) -> None:
    """Make a rename in *folder* durable.

    Raises:
        OSError: The folder cannot be opened or synchronised.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
