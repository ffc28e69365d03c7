"""The compiled loops (kernel.c) and the compiled way of a record into its file (batch.c), where this installation has them.

`kernel` and `CompiledBatch` are None where it has not, and every caller goes without.
They only make things faster. The same answers come from Python, a line at a time; tests hold the two against each other.
SHA-256 is that of the OpenSSL which Python's own `hashlib` is linked with.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lineage.kernel import batch

ROW = 40  # bytes: the offset of a line (little-endian) and its leaf hash
SHORT = 16  # bytes of a row that an index keeps
HASH = 32
STACK = 64 * HASH  # bytes: a tree of 2**64 leaves
UNPROVED, NO_METADATA, FOREIGN = -1, -2, -4  # instead of a shape
SHAPES = 256  # that a matcher learns at most
LINE = Struct("=IIiIIBBxx")  # start, size, shape, time, seed, their sizes
RUN = Struct("=iII")  # shape, first line, last line
TOTAL = Struct("=iIIIIIBB6xqq")  # shape, first line, lines, seeds, earliest and latest time, their sizes, least and greatest seed
OFF = "LINEAGE_NO_KERNEL"  # set to 1: do without, as where there is no compiler


class Kernel:
    """The functions of kernel.c over bytes."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        for name in ("lineage_count", "lineage_leaves", "lineage_match", "lineage_runs", "lineage_totals"):
            getattr(library, name).restype = ctypes.c_size_t
        library.lineage_tree.restype = ctypes.c_uint64
        library.lineage_learn.restype = ctypes.c_int32
        library.lineage_matcher.restype = ctypes.c_void_p

    def rows(self, data: bytes, offset: int) -> bytes:
        """A row of ROW bytes for each line of *data*, whole lines that begin at *offset* of their text."""
        count = self._library.lineage_count(data, _size(len(data)))
        rows = ctypes.create_string_buffer(count * ROW)
        self._library.lineage_leaves(data, _size(len(data)), ctypes.c_uint64(offset), rows, _size(count))
        return rows.raw

    def short(self, rows: bytes) -> bytes:
        """The first SHORT bytes of each row."""
        count = len(rows) // ROW
        made = ctypes.create_string_buffer(count * SHORT)
        self._library.lineage_short(rows, _size(count), made)
        return made.raw

    def grown(self, stack: bytearray, size: int, rows: bytes) -> int:
        """Add the leaves of *rows* to a tree of *size* leaves, whose complete subtrees are in *stack*; the new size."""
        place = (ctypes.c_char * len(stack)).from_buffer(stack)
        return int(self._library.lineage_tree(place, ctypes.c_uint64(size), rows, _size(len(rows) // ROW)))


def _size(number: int) -> ctypes.c_size_t:
    return ctypes.c_size_t(number)


class Matcher:
    """The shapes of lines that were learned, in the order of learning."""

    def __init__(self, kernel: Kernel) -> None:
        self._library = kernel._library
        self._shapes = ctypes.c_void_p(self._library.lineage_matcher())
        if not self._shapes:
            raise MemoryError
        self._lines = ctypes.create_string_buffer(0)
        self._runs = ctypes.create_string_buffer(0)
        self._totals = ctypes.create_string_buffer(SHAPES * TOTAL.size)

    def __del__(self) -> None:
        if getattr(self, "_shapes", None):
            self._library.lineage_matcher_free(self._shapes)

    def learn(self, line: bytes) -> int | None:
        """The number of the shape of *line* (without its ending), if it has one that is new."""
        number = int(self._library.lineage_learn(self._shapes, line, _size(len(line))))
        return None if number == UNPROVED else number

    def lines(self, data: bytes) -> Iterator[tuple[int, int, int, int, int, int, int]]:
        """A LINE for each line of *data*, which is under 4 GiB: whole lines."""
        count = self._match(data)  # which may put the lines into a larger place
        return LINE.iter_unpack(memoryview(self._lines)[: count * LINE.size])

    def runs(self, data: bytes) -> tuple[Iterator[tuple[int, int, int]], int]:
        """Return a RUN for each stretch of lines of one shape, and how many lines *data* has.

        A line that is UNPROVED is a run of its own.
        """
        count = self._match(data)
        if len(self._runs) < count * RUN.size:
            self._runs = ctypes.create_string_buffer(count * RUN.size)
        made = self._library.lineage_runs(self._lines, _size(count), self._runs)
        return RUN.iter_unpack(memoryview(self._runs)[: made * RUN.size]), count

    def totals(self, data: bytes, count: int) -> Iterator[tuple[int, ...]]:
        """Return a TOTAL for each shape among the first *count* lines of *data*, the block that was matched last."""
        made = self._library.lineage_totals(data, self._lines, _size(count), self._totals)
        return TOTAL.iter_unpack(memoryview(self._totals)[: made * TOTAL.size])

    def span(self, line: int) -> tuple[int, int]:
        """Where line number *line* of the block that was matched last begins and ends, without its ending; from 0."""
        start, size, *_ = LINE.unpack_from(self._lines, line * LINE.size)
        return start, start + size

    def _match(self, data: bytes) -> int:
        most = self._library.lineage_count(data, _size(len(data)))
        if len(self._lines) < most * LINE.size:
            self._lines = ctypes.create_string_buffer(most * LINE.size)
        count = ctypes.c_size_t()
        self._library.lineage_match(self._shapes, data, _size(len(data)), _size(0), self._lines, _size(most), ctypes.byref(count))
        return count.value


def _sha256(library: ctypes.CDLL) -> bool:
    """Hand the kernel the SHA-256 of Python's own OpenSSL; False where Python has it built in, or has none."""
    try:
        import _hashlib

        openssl = ctypes.CDLL(_hashlib.__file__)  # a name is looked for in what it is linked with, too
        calls = [ctypes.cast(getattr(openssl, f"SHA256_{name}"), ctypes.c_void_p) for name in ("Init", "Update", "Final")]
    except (ImportError, AttributeError, OSError):
        return False
    library.lineage_sha256(*calls)
    return True


def _is_off() -> bool:
    return os.environ.get(OFF, "") not in ("", "0")


def _source(name: str) -> str:
    """Return the digest of a source file, which the library that was compiled from it names."""
    return sha256(Path(__file__).with_name(name).read_bytes()).hexdigest()


def _loaded() -> tuple[Kernel | None, str]:
    """The kernel, or why there is none."""
    if _is_off():
        return None, f"{OFF} is set"
    path = Path(__file__).with_name("kernel.so")
    if not path.is_file():
        return None, "it was not compiled: there was no C compiler when lineage was installed"
    try:
        library = ctypes.CDLL(str(path))
        library.lineage_source.restype = ctypes.c_char_p
        source = library.lineage_source()
    except (OSError, AttributeError) as error:
        return None, f"it cannot be loaded: {error}"
    if source != _source("kernel.c").encode():
        return None, "it was compiled from another version of kernel.c: install lineage again"
    return (Kernel(library), "") if _sha256(library) else (None, "Python's hashlib is not linked with a shared OpenSSL")


def _loaded_batch() -> tuple[type[batch.Batch] | None, str]:
    """Return the compiled class `Batch`, or the reason why there is none."""
    if _is_off():
        return None, f"{OFF} is set"
    try:
        from lineage.kernel import batch
    except ImportError as error:
        if not Path(__file__).with_name("batch.abi3.so").is_file():
            return None, "it was not compiled: there was no C compiler or no Python.h when lineage was installed"
        return None, f"it cannot be loaded: {error}"
    if batch.source != _source("batch.c"):
        return None, "it was compiled from another version of batch.c: install lineage again"
    return batch.Batch, ""


kernel, reason = _loaded()
CompiledBatch, batch_reason = _loaded_batch()
