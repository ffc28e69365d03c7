"""Compare a file with what writing a document gives, piece by piece, up to the first difference."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO, cast

from lineage.formats import by_name
from lineage.prov.document import Document


def is_written(document: Document, name: str, path: Path) -> bool:
    """Return whether the file at *path* has the bytes of *document* in the format *name*."""
    try:
        with path.open("rb") as there:
            by_name(name).write(document, cast("BinaryIO", _Comparing(there)))
            return not there.read(1)
    except (_DiffersError, OSError):
        return False


class _DiffersError(Exception):
    """What is written is not what is there."""


class _Comparing(io.RawIOBase):
    """Takes what is written, and compares it with a file."""

    def __init__(self, there: BinaryIO) -> None:
        self._there = there

    def writable(self) -> bool:
        """It is made for that."""
        return True

    def write(self, data: Any) -> int:
        """Raises _DiffersError."""
        if self._there.read(len(data)) != data:
            raise _DiffersError
        return len(data)
