"""Write files safely: whole or not at all, never through a link, never in place of a device.

A folder may come from a stranger, so no name in it can be trusted. A file with a predictable temporary name could be a link that leads
anywhere, and so could a folder on the way. Each file is created beside its target under a random name, by the descriptor of its folder,
and renamed when it is whole.

    write_whole    a file of a folder, as a stream
    replace_file   the same from bytes, durably
    write_new      the same under a name that is free
    write_output   the file that a user named: a pipe or a device is written into
    Pending        what they are made of
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from lineage.errors import UsageError

MAX_NAME = 200  # bytes of a name that its temporary repeats; a file name has at most 255
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)  # file systems without hard links
NOTHING = "nothing was written"
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_DEVICES = ("/dev", "/proc")  # /dev/stdout is a link to what stdout is, a regular file too


class Pending:
    """A file while it is written. It has its name after `keep` or `link`, and is gone after `close` otherwise."""

    def __init__(self, path: Path, *, within: Path | None = None) -> None:
        """Create a temporary file beside *path*.

        Args:
            path: Where the file will be: a regular file, or a name that is free.
            within: The folder that was chosen. No folder between it and *path* may be a link. None: the parent of *path*.

        Raises:
            UsageError: *path* does not lie in *within*.
            OSError: The file cannot be created, or *path* is a link, a device or a folder.
        """
        self.path = path
        self._folder = _open_folder(path, within)
        try:
            _refuse_special(path, self._folder)
            self._name: str | None = temporary_name(path).name
            self.file: BinaryIO = os.fdopen(_create(self._name, os.O_RDWR, self._folder), "w+b")
        except OSError as error:
            os.close(self._folder)
            raise OSError(error.errno, error.strerror, str(path)) from None

    def __enter__(self) -> Pending:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def keep(self, *, durable: bool = False) -> None:
        """Give the file its name, in place of one that is there.

        Args:
            durable: Whether it must be there after a power cut.

        Raises:
            OSError: It cannot be written to the disk or renamed.
        """
        self._flush(durable)
        _refuse_special(self.path, self._folder)
        self._narrow()
        os.replace(self._temporary(), self.path.name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        self._name = None
        if durable:
            os.fsync(self._folder)

    def link(self) -> bool:
        """Give the file its name, durably; False where the name is taken. Raises OSError as `keep` does."""
        self._flush(durable=True)
        place = {"src_dir_fd": self._folder, "dst_dir_fd": self._folder}
        try:
            os.link(self._temporary(), self.path.name, follow_symlinks=False, **place)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            if not self._rename_to_free_name():
                return False
        os.fsync(self._folder)
        return True

    def close(self) -> None:
        """Remove the file if it has no name yet."""
        if self._folder < 0:
            return
        with suppress(OSError):  # what is buffered cannot be written, and what counts was flushed
            self.file.close()
        if self._name is not None:
            with suppress(OSError):  # the file that was asked for is what counts
                os.unlink(self._name, dir_fd=self._folder)
        os.close(self._folder)
        self._folder = -1

    def _rename_to_free_name(self) -> bool:
        """Take the name first, then replace what took it."""
        try:
            os.close(_create(self.path.name, os.O_WRONLY, self._folder))
        except FileExistsError:
            return False
        os.replace(self._temporary(), self.path.name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        self._name = None
        return True

    def _narrow(self) -> None:
        """Let nobody read or write the file who could not read or write the one that it replaces."""
        with suppress(FileNotFoundError):
            before = os.stat(self.path.name, dir_fd=self._folder, follow_symlinks=False).st_mode
            os.fchmod(self.file.fileno(), os.fstat(self.file.fileno()).st_mode & before & 0o777)

    def _flush(self, durable: bool) -> None:
        self.file.flush()
        if durable:
            os.fsync(self.file.fileno())

    def _temporary(self) -> str:
        if self._name is None:
            raise ValueError("the file has its name already")
        return self._name


def write_whole(path: Path, write: Callable[[BinaryIO], object], *, within: Path | None = None) -> Path:
    """Let *write* fill *path*, which appears whole or not at all, and return it. It may be gone after a power cut.

    Raises:
        UsageError, OSError: As `Pending` does. And whatever *write* raises.
    """
    with Pending(path, within=within) as pending:
        write(pending.file)
        pending.keep()
    return path


def replace_file(path: Path, data: bytes, *, within: Path | None = None) -> None:
    """Write *data* to *path* at once: a reader sees the old bytes or the new, also after a power cut.

    Raises:
        UsageError, OSError: As `Pending` does.
    """
    with Pending(path, within=within) as pending:
        pending.file.write(data)
        pending.keep(durable=True)


def write_new(path: Path, data: bytes) -> bool:
    """Write *data* to *path*, durably, if nothing has this name; return whether it was free. Raises OSError as `Pending` does."""
    with Pending(path) as pending:
        pending.file.write(data)
        return pending.link()


def write_output(path: Path, write: Callable[[BinaryIO], object]) -> Path:
    """Let *write* fill the file that a user named. What is no regular file, as /dev/stdout or a pipe, is written into.

    Raises:
        OSError: The file cannot be written, or *path* is a link to a regular file. And whatever *write* raises.
    """
    is_device = os.path.realpath(path.parent).startswith(_DEVICES) and path.exists()
    if not is_device and (not path.exists() or path.is_file() or path.is_dir()):
        return write_whole(path, write)
    descriptor = os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        if stat.S_ISREG(os.fstat(descriptor).st_mode) and not is_device:
            raise OSError(errno.EINVAL, f"it became a regular file; {NOTHING}", str(path))
        write(file)
    return path


def make_folder(path: Path, *, within: Path | None = None) -> Path:
    """Make the folder *path* and those above it, and return it; one that is there stays.

    Args:
        path: The folder.
        within: The folder that was chosen. No folder from there to *path* may be a link. None: links are followed.

    Raises:
        UsageError: *path* does not lie in *within*.
        OSError: It cannot be made, or something else than a folder has its name.
    """
    if within is None:
        path.mkdir(parents=True, exist_ok=True)
        return path
    within.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(within, _FOLDER)
    try:
        for name in _parts(path, within):
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=descriptor)
            descriptor = _step(descriptor, name, path)
    finally:
        os.close(descriptor)
    return path


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside *path*, which takes its name when the block ends well, and is gone otherwise.

    Raises:
        OSError: It cannot be made, or *path* is no empty folder.
    """
    make_folder(path.absolute().parent)
    temporary = temporary_name(path.absolute())
    temporary.mkdir(mode=0o777)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def move_aside(path: Path, name: str) -> None:
    """Call the file *path* *name* in its folder, where nothing is called so. Raises OSError."""
    if os.path.lexists(path.with_name(name)):
        raise FileExistsError(errno.EEXIST, f"exists already; {NOTHING}", str(path.with_name(name)))
    path.rename(path.with_name(name))


def check_target(path: Path, *, within: Path | None = None) -> None:
    """Raise what writing to *path* would raise because of what stands there now, a missing folder aside.

    Raises:
        UsageError: *path* does not lie in *within*.
        OSError: It is a link, a device or a folder, or a folder on the way is a link.
    """
    try:
        folder = _open_folder(path, within)
    except FileNotFoundError:
        return
    try:
        _refuse_special(path, folder)
    finally:
        os.close(folder)


def temporary_name(path: Path) -> Path:
    """Return a name beside *path* that nobody can foresee. The name of *path* is cut by bytes, as file systems count."""
    beginning = os.fsdecode(os.fsencode(path.name)[:MAX_NAME])
    return path.with_name(f".{beginning}.{secrets.token_hex(8)}.tmp")


def create(path: Path, flags: int = os.O_WRONLY, mode: int = 0o644) -> int:
    """Create the file *path* and return its descriptor: for what grows while others read it, as records and journals.

    Raises:
        FileExistsError: Something has this name already; a link counts, wherever it leads.
        OSError: The file cannot be created.
    """
    return _create(path, flags, mode=mode)


def open_again(path: Path, flags: int = os.O_RDWR) -> int:
    """Open a regular file to be appended to, and return its descriptor. Raises OSError where it is a link, a device or a folder."""
    refuse_special(path)
    descriptor = os.open(path, flags | _NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return descriptor


def open_lock(path: Path) -> int:
    """Open the file *path* to be locked, and return its descriptor; it is created where it is not there. Nothing is written to it.

    Raises:
        OSError: It cannot be opened, or is a link, a device or a folder.
    """
    refuse_special(path)
    return os.open(path, os.O_RDWR | os.O_CREAT | _NOFOLLOW | os.O_CLOEXEC, 0o666)


def refuse_special(path: Path) -> None:
    """Raise an OSError when *path* is there and is no regular file; a link is none."""
    _refuse_special(path, None)


def sync_folder(folder: Path) -> None:
    """Make a rename in *folder* durable.

    Raises:
        OSError: The folder cannot be opened or synchronised.
    """
    descriptor = os.open(folder, _FOLDER)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _create(path: Path | str, flags: int, folder: int | None = None, *, mode: int = 0o644) -> int:
    return os.open(path, flags | os.O_CREAT | os.O_EXCL | _NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=folder)


def _refuse_special(path: Path, folder: int | None) -> None:
    try:
        mode = os.stat(path if folder is None else path.name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"not a regular file; {NOTHING}", str(path))


def _open_folder(path: Path, within: Path | None) -> int:
    """Open the folder of *path*, step by step from *within*. Raises OSError where a step is a link."""
    descriptor = os.open(path.parent if within is None else within, _FOLDER)
    try:
        for name in () if within is None else _parts(path.parent, within):
            descriptor = _step(descriptor, name, path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _step(descriptor: int, name: str, path: Path) -> int:
    """Open the folder *name* in the one that is open, which is closed then."""
    try:
        inner = os.open(name, _FOLDER | _NOFOLLOW, dir_fd=descriptor)
    except NotADirectoryError:
        raise NotADirectoryError(errno.ENOTDIR, f"{name} is a link or a file, and no folder; {NOTHING}", str(path)) from None
    os.close(descriptor)
    return inner


def _parts(path: Path, within: Path) -> tuple[str, ...]:
    """Return the steps from *within* to *path*. Raises UsageError where there are none."""
    try:
        parts = path.relative_to(within).parts
    except ValueError:
        parts = ("..",)
    if ".." in parts:
        raise UsageError(f"it does not lie in {within}; {NOTHING}", at=str(path))
    return parts
