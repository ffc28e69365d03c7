"""Append whole lines to a file that other processes may append to as well.

A line is one `write` on a descriptor opened with O_APPEND. The kernel takes such writes one after the
other, so lines of living writers never mix. Two things can still spoil a line, and both are seen:
a write that ends early (a full disk), and a torn line in front of it (a writer that was killed).
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import SEEK_CUR, SEEK_SET
from time import sleep

from lineage.contract.strict import loads
from lineage.recording.batch import new_batch

TAIL = 64 << 20  # bytes of a last line that are looked at
SETTLED = 0.1  # seconds in which a line is written, where that cannot be waited for
UNKNOWN = -1  # where the file ends, after a write that failed


class LineFile:
    """A plain file of lines. Whoever calls it lets one thread in at a time.

    Attributes:
        is_alone: Every byte of the file is from this object.
        batch: The lines that are not hashed yet, and where the file ends. A compiled batch writes lines, too.
        is_undone: The last `append` or `settle` raised, and nothing of its line is in the file.
    """

    def __init__(self, descriptor: int, *, is_shared: bool) -> None:
        self._descriptor = descriptor
        end_torn_line(descriptor, is_shared=is_shared)
        self.batch = new_batch(descriptor)
        self.end = os.fstat(descriptor).st_size
        self.is_alone = self.end == 0
        self.is_undone = False
        os.lseek(descriptor, self.end, SEEK_SET)  # `_undo` compares

    def append(self, line: bytes) -> None:
        """Write one line.

        Raises:
            OSError: The line is not in the file.
        """
        self.is_undone = False
        end, self.batch.end = self.batch.end, UNKNOWN
        try:
            done = os.write(self._descriptor, line)
        except OSError:
            self._undo(end)
            raise
        self.settle(line, done, end)

    def settle(self, line: bytes, done: int, end: int) -> None:
        """Make sure of a line of which *done* bytes were just written to the file, which ended at *end*.

        Raises:
            OSError: The line is not in the file.
        """
        self.is_undone = False
        if done != len(line):
            self._rest(line, done, end + done)
            return
        place = os.lseek(self._descriptor, 0, SEEK_CUR)
        if place != end + done or end < 0:
            self._beside_others(line)
        else:
            self.batch.end = place

    @property
    def end(self) -> int:
        """Where the file ends, as far as this object knows."""
        return self.batch.end

    @end.setter
    def end(self, place: int) -> None:
        self.batch.end = place

    @property
    def text(self) -> int:
        """Bytes of text in the file, as far as this object knows."""
        return self.end

    @property
    def packed_digest(self) -> None:
        """The digest of the bytes is that of the text."""
        return

    def flush(self) -> None:
        """Wait until what was written is on the disk. Raises OSError."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._descriptor)

    def abandon(self) -> None:
        """Close the descriptor that was inherited from the process that this one was forked off."""
        os.close(self._descriptor)

    def size(self) -> int:
        """The size of the file now."""
        return os.fstat(self._descriptor).st_size

    def inode(self) -> int:
        """The number by which the file system knows the file."""
        return os.fstat(self._descriptor).st_ino

    def _undo(self, end: int) -> None:
        """Find out whether a write that raised wrote nothing: a signal handler may have raised the error after it."""
        if end != UNKNOWN and os.lseek(self._descriptor, 0, SEEK_CUR) == end:
            self.batch.end = end
            self.is_undone = True

    def _rest(self, line: bytes, done: int, end: int) -> None:
        """Finish a line whose first *done* bytes were written, up to *end* if the writer is alone."""
        if self.is_alone and end >= done and self.size() == end:
            self._rest_alone(line, done, end - done)
            return
        self.is_alone = False
        self._write_all(line)  # whatever was glued to the first part is seen by its writer, and written again
        self._beside_others(line)

    def _rest_alone(self, line: bytes, done: int, start: int) -> None:
        try:
            self._write_all(line[done:])
        except OSError:
            self._cut(start)
            raise
        self.end = start + len(line)

    def _cut(self, start: int) -> None:
        """Take the part of a line off the end; where that fails, the next line sees it."""
        self.end = UNKNOWN
        with suppress(OSError):
            os.ftruncate(self._descriptor, start)
            os.lseek(self._descriptor, start, SEEK_SET)
            self.end = start
            self.is_undone = True

    def _beside_others(self, line: bytes) -> None:
        """Make sure that the line that was just written stands on its own: it may be glued to the torn line of a process that was killed."""
        self.is_alone = False
        while True:
            self.end = os.lseek(self._descriptor, 0, SEEK_CUR)
            start = self.end - len(line)
            if start == 0 or os.pread(self._descriptor, 1, start - 1) == b"\n":
                return
            self._write_all(line)

    def _write_all(self, data: bytes) -> None:
        done = os.write(self._descriptor, data)
        if done < len(data):
            self.end = UNKNOWN
            raise OSError(errno.ENOSPC, f"only {done} of {len(data)} bytes written")


@contextmanager
def locked(descriptor: int) -> Iterator[bool]:
    """Lock the file against others that lock it; False where the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        with suppress(OSError):  # closing the descriptor unlocks it too
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def end_torn_line(descriptor: int, *, is_shared: bool) -> None:
    """End the last line of the file, if it lacks its newline for good.

    Where others write, only a last line that is whole JSON is ended: it may be somebody's record. A torn
    one is left: a newline of ours and the line of another would make a blank line between them.
    """
    if not _is_torn(descriptor):
        return
    with locked(descriptor):
        if _is_torn(descriptor) and (not is_shared or _ends_whole(descriptor)) and os.write(descriptor, b"\n") < 1:
            raise OSError(errno.ENOSPC, "the last line of the file could not be ended")


def _is_torn(descriptor: int) -> bool:
    """Does the file end inside a line, and for good?

    A line appears page by page. `posix_fallocate` waits for the lock under which another process writes,
    and changes nothing here; a file that has the same size after it had no writer.
    """
    while (size := os.fstat(descriptor).st_size) and os.pread(descriptor, 1, size - 1) != b"\n":
        try:
            os.posix_fallocate(descriptor, 0, 1)
        except OSError:  # this file system cannot allocate
            sleep(SETTLED)
        if os.fstat(descriptor).st_size == size:
            return True
    return False


def _ends_whole(descriptor: int) -> bool:
    """Is the last line, which has no newline, whole JSON?"""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, TAIL, max(size - TAIL, 0))
    last = tail.rpartition(b"\n")[2]
    return not loads(last)[1]
