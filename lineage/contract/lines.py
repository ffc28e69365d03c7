"""Files of records as their writers left them: plain, `.gz` or `.zst`, read as one stream of lines in bounded memory.

The digest of a file is that of the bytes on the disk; lines are those of the text that they hold.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from lineage.core import limits
from lineage.errors import FormatError

RECORDS = (".jsonl", ".jsonl.gz", ".jsonl.zst")  # how files of records are called
MAX_LINE = limits.LINE
READ = 1 << 20  # bytes at a time
PACKED = 1 << 10  # bytes that are unpacked at a time: 32 MiB of text at most
STRETCH = 1 << 18  # bytes of lines at a time: they stay in the processor's cache while all that is asked of them is done


class UnpackingError(FormatError):
    """The compressed data is damaged, cut off, or a bomb."""


def holds_records(path: Path) -> bool:
    """Is the file one of records, by its name?"""
    return path.name.endswith(RECORDS)


def is_compressed(path: Path) -> bool:
    """Is the file one of packed records, by its name?"""
    return path.name.endswith(RECORDS[1:])


class Digested(io.RawIOBase):
    """A file that digests what is read of it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.digest, self.size = file, hashlib.sha256(), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill *buffer* with what comes next."""
        view = memoryview(buffer)
        done = self._file.readinto(view)  # type: ignore[attr-defined]
        self.digest.update(view[:done])
        self.size += done
        return cast("int", done)

    def finish(self) -> None:
        """Read what the reader above left over, so that the digest is that of the whole file."""
        while self.read(READ):
            pass


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, Digested]]:
    """The text of the file at *path*, and what digests its bytes.

    Raises:
        OSError: the file cannot be read. UnpackingError: from a read of it, when it is not what its name says.
    """
    with path.open("rb", buffering=0) as file:
        raw = Digested(cast("BinaryIO", file))
        yield _text(path, io.BufferedReader(raw, READ)), raw
        raw.finish()


@contextmanager
def text_of(path: Path) -> Iterator[BinaryIO]:
    """The text of the file at *path*, where nobody asks for its digest. Raises as `opened` does."""
    with path.open("rb") as file:
        yield _text(path, file)


def numbered(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """(number, line) of each line, counted from 1, with its ending; None for a line that is too long to be held."""
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE and not line.endswith(b"\n"):
            while (part := file.readline(READ)) and not part.endswith(b"\n"):
                pass
        yield number, line if len(line) <= MAX_LINE else None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes of a text, in order: whole lines; or, not `whole`, a part of a line that is too long to be held."""

    data: bytes
    offset: int  # where they begin in the text
    whole: bool = True
    ends: bool = True  # False: the line goes on in the next stretch


def stretches(file: BinaryIO, offset: int = 0) -> Iterator[Stretch]:
    """The text of *file* from where it stands, which is at *offset*. Raises what reading it raises, UnpackingError too."""
    held: list[bytes] = []  # the pieces of a line that has not ended
    size = 0  # of them, in bytes
    long = False  # inside a line that is too long
    while chunk := file.read(STRETCH):
        first = chunk.find(b"\n") + 1
        if held and size + (first or len(chunk)) > MAX_LINE:
            yield Stretch(b"".join(held), offset, whole=False, ends=False)
            offset, held, size, long = offset + size, [], 0, True
        if long:
            part = chunk[:first] if first else chunk
            yield Stretch(part, offset, whole=False, ends=bool(first))
            offset, long, chunk = offset + len(part), not first, chunk[len(part) :]
        cut = chunk.rfind(b"\n") + 1
        if cut:
            data = b"".join((*held, chunk[:cut]))
            yield Stretch(data, offset)
            offset, held, size = offset + len(data), [], 0
        if cut < len(chunk):
            held.append(chunk[cut:])
            size += len(chunk) - cut
    if held:
        yield Stretch(b"".join(held), offset, whole=size <= MAX_LINE)


def _text(path: Path, buffered: io.BufferedReader) -> BinaryIO:
    if not is_compressed(path):
        return buffered
    most = max(limits.UNPACKED, limits.RATIO * path.stat().st_size)
    if path.name.endswith(".gz"):
        return cast("BinaryIO", _Guarded(path, gzip.GzipFile(fileobj=buffered, mode="rb"), most))
    return cast("BinaryIO", _Guarded(path, io.BufferedReader(_Zst(buffered), READ), most))


class _Zst(io.RawIOBase):
    """Zstandard frames, one behind the other, unpacked; one that is cut off is an error, as it is for gzip."""

    def __init__(self, file: io.BufferedReader) -> None:
        import zstandard

        self._zstandard, self._file = zstandard, file
        self._frame: Any = None
        self._packed = self._text = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill *buffer* with what comes next."""
        while not self._text:
            self._packed = self._packed or self._file.read(PACKED)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError("the last frame is cut off")
                return 0
            self._unpack()
        size = min(len(buffer), len(self._text))
        memoryview(buffer)[:size] = self._text[:size]
        self._text = self._text[size:]
        return size

    def _unpack(self) -> None:
        frame = self._frame or self._zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        try:
            self._text = frame.decompress(self._packed)
        except self._zstandard.ZstdError as error:
            raise zlib.error(str(error)) from error
        self._frame, self._packed = (None, frame.unused_data) if frame.eof else (frame, b"")


class _Guarded:
    """Unpacked text: what is wrong with it is one error, whatever the format."""

    def __init__(self, path: Path, file: gzip.GzipFile | io.BufferedReader, most: int) -> None:
        self._path, self._file, self._most, self._size = path, file, most, 0

    def readline(self, size: int = -1) -> bytes:
        """The next line, or *size* bytes of it."""
        return self._counted(self._file.readline, size)

    def read(self, size: int = -1) -> bytes:
        """The next bytes, *size* of them at most."""
        return self._counted(self._file.read, size)

    def _counted(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            data = read(size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise self._error(str(error)) from error
        self._size += len(data)
        if self._size > self._most:
            raise self._error(f"it unpacks to more than {self._most} bytes")
        return data

    def _error(self, reason: str) -> UnpackingError:
        return UnpackingError(reason, at=str(self._path), hint="ask the sender for it")
