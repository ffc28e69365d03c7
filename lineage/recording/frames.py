"""Append lines to a compressed file, as frames that are each whole: gzip members or zstd frames.

A frame is one `write`, so several processes may append, and what a killed process had written stays
readable to the standard tools. Frames are written under a lock of the file: whoever has it knows that
nobody else is in the midst of a frame, and may cut off the torn one of a process that was killed.
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import os
import weakref
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from threading import Timer
from time import monotonic
from typing import Any

from lineage.recording.appending import UNKNOWN, locked
from lineage.recording.workers import before_exit

FRAME = 1 << 18  # bytes of text; larger frames gained under 1 % on records
DELAY = 1.0  # seconds that a record waits for its frame, at most
GZIP_LEVEL, ZSTD_LEVEL = 6, 3  # the defaults of the tools
READ = 1 << 20  # bytes at a time
GZIP_MAGIC = b"\x1f\x8b\x08"
GZIP_HEADER = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x08\0LP\x04\0"  # RFC 1952, 2.3: an extra field LP, the size of the member
ZSTD_MAGIC = 0xFD2FB528
SKIPPABLE = range(0x184D2A50, 0x184D2A60)  # RFC 8878, 3.1.2


class FrameFile:
    """A compressed file of lines. Whoever calls it has *lock*, which the timer takes as well.

    Attributes:
        is_alone: Every byte of the file is from this object.
        end: Where the file ends, as far as this object knows.
        text: Bytes of text that were taken.
        is_undone: The last `append` raised, and its line is neither in the file nor waits for its frame.
    """

    def __init__(self, path: Path, descriptor: int, lock: AbstractContextManager[object]) -> None:
        self._descriptor, self._lock = descriptor, lock
        self._packed, self._ends = (gzip_member, gzip_ends) if path.name.endswith(".gz") else (zstd_packer(), zstd_ends)
        self._lines: list[bytes] = []
        self._waiting = 0  # bytes of text in `_lines`
        self._last = monotonic()
        self._flight: tuple[bytes, int, int] | None = None  # the frame that is being written, where, and of how many lines
        self._timer: Timer | None = None
        self._problem: OSError | None = None  # of the timer; the next call raises it
        self._digest = hashlib.sha256()
        self.end = self.text = 0
        self.is_undone = False
        self.is_alone = self.size() == 0
        with locked(descriptor) as is_locked:
            self._catch_up(is_locked)
        self._pid = os.getpid()
        _open.add(self)
        _finish_before_exit()

    def append(self, line: bytes) -> None:
        """Take one line; it is written within DELAY.

        Raises:
            OSError: The line is not taken, or lines that were taken before could not be written.
        """
        self.is_undone = True
        self._raise_problem()
        self.is_undone = False
        self.text += len(line)  # first: should a signal raise here, it is seen that a line was not counted
        self._lines.append(line)
        self._waiting += len(line)
        now = monotonic()
        if self._waiting >= FRAME or now - self._last > DELAY:
            self._try_line(line)
        elif self._timer is None:
            self._start_timer(line)

    @property
    def packed_digest(self) -> str:
        """SHA-256 of the bytes on the disk, while `is_alone`."""
        return self._digest.hexdigest()

    def flush(self) -> None:
        """Write what waits, and wait until it is on the disk. Raises OSError."""
        self.write_frame()
        self._problem = None
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the descriptor. Lines that wait are dropped: `flush` comes first."""
        if self._timer:
            self._timer.cancel()
        self._timer, self._lines, self._waiting = None, [], 0
        _open.discard(self)
        os.close(self._descriptor)

    def abandon(self) -> None:
        """Close the descriptor that was inherited; the lines that wait are those of the process that this one was forked off."""
        _open.discard(self)
        os.close(self._descriptor)

    def size(self) -> int:
        """The size of the file now."""
        return os.fstat(self._descriptor).st_size

    def inode(self) -> int:
        """The number by which the file system knows the file."""
        return os.fstat(self._descriptor).st_ino

    def write_frame(self) -> None:
        """Write the lines that wait as one frame. Raises OSError, after which they still wait."""
        self._land()
        if self._lines:
            self._put(self._packed(b"".join(self._lines)))
            self._lines, self._waiting, self._flight = [], 0, None
        self._last = monotonic()

    def finish(self) -> None:
        """Write what waits at the end of the interpreter, where nobody closed the file. Raises OSError."""
        if self._pid == os.getpid():
            with self._lock:
                self.write_frame()

    def _try_line(self, line: bytes) -> None:
        """Write a frame that ends with *line*; where that fails, the caller still has the line."""
        try:
            self.write_frame()
        except OSError:
            if self._flight is None and self._lines and self._lines[-1] is line:  # a signal may have raised later
                self._lines.pop()
                self._waiting -= len(line)
                self.text -= len(line)
                self.is_undone = True
            raise

    def _start_timer(self, line: bytes) -> None:
        timer = Timer(DELAY, self._in_time)
        timer.daemon = True
        try:
            timer.start()  # where a signal raises here the thread may be dead, so the next line starts another
        except RuntimeError:  # no thread can be started: at the end of the interpreter, or at a limit
            self._try_line(line)
            return
        self._timer = timer

    def _in_time(self) -> None:
        """Write what waits; called by the timer's thread."""
        with self._lock:
            if self._timer is None:  # it was closed
                return
            self._timer = None
            try:
                self.write_frame()
            except OSError as error:
                self._problem = error

    def _raise_problem(self) -> None:
        problem, self._problem = self._problem, None
        if problem:
            raise problem

    def _put(self, frame: bytes) -> None:
        with locked(self._descriptor) as is_locked:
            self._catch_up(is_locked)
            start, self.end = self.end, UNKNOWN
            self._flight = frame, start, len(self._lines)
            try:
                self._write(frame)
            except OSError:
                if is_locked or self.is_alone:
                    self._cut(start)
                raise
            self.end = start + len(frame)
        self._digest.update(frame)

    def _land(self) -> None:
        """Where a signal raised while a frame was written, find out whether it was: its lines stand once in the file."""
        if self._flight is None:
            return
        frame, start, count = self._flight
        is_written = os.pread(self._descriptor, len(frame), start) == frame
        lines = self._lines[count if is_written else 0 :]
        self._lines, self._waiting, self._flight = lines, sum(map(len, lines)), None
        self.is_alone, self.end = False, UNKNOWN  # it is not known what of the frame was counted

    def _write(self, frame: bytes) -> None:
        done = os.write(self._descriptor, frame)
        if done < len(frame):
            done += os.write(self._descriptor, frame[done:])
        if done < len(frame):
            raise OSError(errno.ENOSPC, f"only {done} of {len(frame)} bytes written")

    def _catch_up(self, is_locked: bool) -> None:
        """Find where the file ends now; a frame that a killed process left torn is cut off."""
        size = self.size()
        if size == self.end:
            return
        self.is_alone = False
        start = 0 if self.end == UNKNOWN else self.end
        whole = max(self._ends(self._descriptor, start, size), default=start)
        if whole < size and is_locked:
            os.ftruncate(self._descriptor, whole)
        self.end = self.size()

    def _cut(self, start: int) -> None:
        with suppress(OSError):
            os.ftruncate(self._descriptor, start)
            self.end = start
            self._flight = None


_open: weakref.WeakSet[FrameFile] = weakref.WeakSet()
_finished_by = 0  # the process in which multiprocessing will call `_finish`


@atexit.register
def _finish() -> None:
    """Write what waits in files that nobody closed."""
    problem: OSError | None = None
    for file in list(_open):
        try:
            file.finish()
        except OSError as error:  # the other files may lie on another disk
            problem = problem or error
    if problem:
        raise problem


def _finish_before_exit() -> None:
    """Have files finished in a process of multiprocessing too."""
    global _finished_by
    if _finished_by != os.getpid():
        _finished_by = os.getpid()
        before_exit(_finish, order=0)


def gzip_member(text: bytes) -> bytes:
    """Compress *text* as one gzip member that says how long it is."""
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(text) + packer.flush()
    end = zlib.crc32(text).to_bytes(4, "little") + (len(text) & 0xFFFFFFFF).to_bytes(4, "little")
    size = len(GZIP_HEADER) + 4 + len(body) + len(end)
    return b"".join((GZIP_HEADER, size.to_bytes(4, "little"), body, end))


def gzip_ends(descriptor: int, start: int, size: int) -> Iterator[int]:
    """Where each whole gzip member ends that begins at *start* or behind it."""
    while start < size:
        head = os.pread(descriptor, len(GZIP_HEADER) + 4, start)
        if head.startswith(GZIP_HEADER):
            start += int.from_bytes(head[-4:], "little")
        else:
            start = _inflated(descriptor, start)
        if not 0 < start <= size:
            return
        yield start


def _inflated(descriptor: int, start: int) -> int:
    """Where the member of another writer ends; 0 where it is not whole."""
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        while data := os.pread(descriptor, READ, start):
            reader.decompress(data)
            start += len(data)
            if reader.eof:
                return start - len(reader.unused_data)
    except zlib.error:
        pass
    return 0


def zstd_packer() -> Callable[[bytes], bytes]:
    """A function that compresses text as one zstd frame."""
    import zstandard

    packer: Any = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True)
    return lambda text: bytes(packer.compress(text))


def zstd_ends(descriptor: int, start: int, size: int) -> Iterator[int]:
    """Where each whole zstd frame ends that begins at *start* or behind it (RFC 8878, 3.1); nothing is unpacked."""
    while start < size:
        head = os.pread(descriptor, 18, start)
        magic = int.from_bytes(head[:4], "little")
        if magic in SKIPPABLE and len(head) >= 8:
            start += 8 + int.from_bytes(head[4:8], "little")
        elif magic == ZSTD_MAGIC and len(head) > 5:
            start = _after_blocks(descriptor, start + _header_size(head[4]), size) + 4 * (head[4] >> 2 & 1)
        else:
            return
        if start > size:
            return
        yield start


def _header_size(descriptor: int) -> int:
    """The bytes of the frame header, the magic number included, by its descriptor byte."""
    is_single = descriptor >> 5 & 1
    content = (is_single, 2, 4, 8)[descriptor >> 6]
    dictionary = (0, 1, 2, 4)[descriptor & 3]
    return 5 + (not is_single) + dictionary + content


def _after_blocks(descriptor: int, start: int, size: int) -> int:
    """Where the blocks of a frame end; behind *size* where they are cut off."""
    while start + 3 <= size:
        head = int.from_bytes(os.pread(descriptor, 3, start), "little")
        is_last, kind, length = head & 1, head >> 1 & 3, head >> 3
        start += 3 + (1 if kind == 1 else length)  # kind 1: one byte, repeated
        if is_last:
            return start
    return size + 1
