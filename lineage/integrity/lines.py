"""Single lines of a file of records, found by its sidecar where it has a good one; and records, by what they say of themselves."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from lineage.contract.lines import MAX_LINE, UnpackingError, is_compressed, numbered, text_of
from lineage.contract.metadata import ours
from lineage.contract.strict import loads
from lineage.errors import FormatError, NotFoundError, UsageError
from lineage.facts import Json
from lineage.integrity import index
from lineage.merkle import FINGERPRINT, leaf_hash

HELD = 256 << 20  # bytes of text that are held at most


class FileLines:
    """The lines of one file; it is opened when the first is asked for, and closed with the object."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index: index.Index | None = None
        self.problem = ""  # why the sidecar is not used, where there is one
        self.odd: set[int] = set()  # lines that were asked for, and are not what the sidecar was made from
        self._descriptor: int | None = None
        self._held: list[bytes] | None = None
        try:
            self.index = index.of_file(path)
        except (FormatError, OSError) as error:
            self.problem = str(error)

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        if getattr(self, "_descriptor", None) is not None:
            os.close(self._descriptor or 0)
        self._descriptor = None

    def held(self) -> FileLines:
        """Itself, ready for many questions: where a line cannot be found without reading those before it, a text of moderate size is held."""
        if not self.is_ready:
            held: list[bytes] = []
            size = 0
            with text_of(self.path) as file, suppress(UnpackingError):
                for _, line in numbered(file):
                    held.append(line or b"")
                    size += len(held[-1])
                    if size > HELD:
                        return self
            self._held = held
        return self

    @property
    def is_ready(self) -> bool:
        """Is a line found without reading those before it?"""
        return self._held is not None or (self.index is not None and not is_compressed(self.path))

    def _has(self, number: int) -> bool:
        return 1 <= number <= len(self.index if self._held is None and self.index else self._held or ())

    def line(self, number: int) -> bytes:
        """The bytes of a line with its ending. Raises NotFoundError, and UsageError where it is too long to be held or cannot be unpacked.

        What the sidecar says is believed only where it is a line with that fingerprint; else the file is read from its beginning.
        """
        if self.is_ready and not self._has(number):
            raise self._missing(number)
        found = self.quick(number)
        if found is None and self.is_ready:
            self.odd.add(number)
        return self._searched(number) if found is None else found

    def quick(self, number: int) -> bytes | None:
        """The bytes of a line, if it is found without reading those before it; None where it is not there, or not what the sidecar says."""
        if not self.is_ready or not self._has(number):
            return None
        return self._held[number - 1] if self._held is not None else self._indexed(self.index, number) if self.index else None

    def distrust(self) -> None:
        """Do without the sidecar: it has told of a line that is not there."""
        self.index = None
        self.held()

    def _indexed(self, known: index.Index, number: int) -> bytes | None:
        start = known.offset(number)
        end = known.offset(number + 1) if number < len(known) else known.seal.bytes
        if not 0 <= start < end <= known.seal.bytes:
            return None
        if end - start > MAX_LINE:
            raise self._too_long(number)
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_RDONLY)
        data = os.pread(self._descriptor, end - start + (start > 0), start - (start > 0))
        line = data[1:] if start else data
        is_line = (not start or data[:1] == b"\n") and line.find(b"\n") in (len(line) - 1, -1 if end == known.seal.bytes else len(line) - 1)
        return line if is_line and len(line) == end - start and known.fingerprint(number) == leaf_hash(line)[:FINGERPRINT] else None

    def _searched(self, number: int) -> bytes:
        with text_of(self.path) as file:
            try:
                for at, line in numbered(file):
                    if at == number:
                        if line is None:
                            raise self._too_long(number)
                        return line
            except UnpackingError as error:
                raise UsageError(f"the file cannot be unpacked: {error}", at=f"{self.path}:{number}") from error
        raise self._missing(number)

    def _missing(self, number: int) -> NotFoundError:
        return NotFoundError("no such line", at=f"{self.path}:{number}", hint="lines count from 1")

    def _too_long(self, number: int) -> UsageError:
        return UsageError(f"the line is longer than {MAX_LINE} bytes", at=f"{self.path}:{number}")


def as_record(data: bytes, at: str) -> dict[str, Any]:
    """The record of a line. Raises UsageError when the line holds none."""
    value = record_in(data)
    if value is None:
        raise UsageError("the line holds no record", at=at, hint="a record is one JSON object a line")
    return value


def record_in(data: bytes) -> dict[str, Any] | None:
    """The record of a line; None when the line holds none."""
    value, _ = loads(data.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n"))
    return value if isinstance(value, dict) else None


def metadata_of(record: Json) -> Json:
    """Return the record's metadata; empty where it has none of ours."""
    return ours(record.get("metadata"))
