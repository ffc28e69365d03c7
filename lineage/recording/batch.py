"""Keep the lines that were written and are not hashed yet.

`new_batch` returns an object of the compiled class (lineage/kernel/batch.c) where this installation
has it. That class writes a record in one call, `put`; without it, the writer does so step by step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from lineage.kernel import CompiledBatch

if TYPE_CHECKING:
    from lineage.kernel import batch


class Batch:
    """The lines of one file that are not hashed yet, and how far the file got.

    Attributes:
        end: Where the file ends, as far as its writer knows.
        count: All lines so far.
        size: Bytes of the lines that are not hashed yet.
    """

    __slots__ = ("_is_kept", "_lines", "count", "end", "size")

    def __init__(self) -> None:
        self.end = self.count = self.size = 0
        self._lines: list[bytes] = []
        self._is_kept = True

    def add(self, line: bytes) -> None:
        """Count a line that was written."""
        if self._is_kept:
            self._lines.append(line)
            self.count += 1
            self.size += len(line)

    def take(self) -> bytes:
        """Return the lines as one text, and begin the next batch."""
        text = b"".join(self._lines)
        self._lines.clear()
        self.size = 0
        return text

    def stop(self) -> None:
        """Count no more lines."""
        self._is_kept = False
        self._lines.clear()
        self.size = 0


AnyBatch: TypeAlias = "Batch | batch.Batch"


def new_batch(descriptor: int) -> AnyBatch:
    """Return an empty batch of the lines that are written to *descriptor*."""
    return CompiledBatch(descriptor) if CompiledBatch else Batch()
