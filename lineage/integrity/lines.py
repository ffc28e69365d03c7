"""Single lines of a file of records, found by its sidecar where it has a good one; and records, by what they say of themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lineage.contract.lines import MAX_LINE, UnpackingError, is_compressed, numbered, text_of
from lineage.contract.strict import loads
from lineage.errors import FormatError, NotFoundError, UsageError
from lineage.facts import Json
from lineage.integrity import index
from lineage.merkle import FINGERPRINT, leaf_hash

HELD = 256 << 20  # bytes of text that are held at most
NEAR = 256  # lines around the place where a record should be: writers that shared the file put theirs between


class FileLines:
    """The lines of one file; it is opened when the first is asked for, and closed with the object."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index: index.Index | None = None
        self.problem = ""  # why the sidecar is not used, where there is one
        self._descriptor: int | None = None
        self._held: list[bytes] | None = None
        try:
            found = index.read(path)
        except (FormatError, OSError) as error:
            self.problem = str(error)
            return
        if found is not None and found.seal.bytes == path.stat().st_size:
            self.index = found
        elif found is not None:
            self.problem = "the file has another size than its sidecar says"

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

    def has(self, number: int) -> bool:
        """Is there such a line, in a file that is ready?"""
        return self.is_ready and 1 <= number <= len(self.index if self._held is None and self.index else self._held or ())

    def line(self, number: int) -> bytes:
        """The bytes of a line with its ending. Raises NotFoundError, and UsageError where it is too long to be held or cannot be unpacked."""
        if self._held is not None:
            if not 1 <= number <= len(self._held):
                raise self._missing(number)
            return self._held[number - 1]
        if self.index is None or is_compressed(self.path):
            return self._searched(number)
        if not 1 <= number <= len(self.index):
            raise self._missing(number)
        start = self.index.offset(number)
        end = self.index.offset(number + 1) if number < len(self.index) else self.index.seal.bytes
        if end - start > MAX_LINE:
            raise self._too_long(number)
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_RDONLY)
        return os.pread(self._descriptor, max(end - start, 0), start)

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

    def is_indexed(self, number: int, line: bytes) -> bool | None:
        """Is the line what the sidecar was made from? None where there is none to ask."""
        if self.index is None or not 1 <= number <= len(self.index):
            return None
        return self.index.fingerprint(number) == leaf_hash(line)[:FINGERPRINT]

    def find(self, run_id: str, number: int) -> tuple[int, dict[str, Any], bytes] | None:
        """(line, record, bytes) of the record with this `run_id` and `record_index`, looked for where it should be and around there."""
        for line in _near(number + 1):
            try:
                data = self.line(line)
                record = as_record(data, str(self.path))
            except (NotFoundError, UsageError):
                continue
            said = metadata_of(record)
            if said.get("run_id") == run_id and said.get("record_index") == number:
                return line, record, data
        return None


def _near(line: int) -> Iterator[int]:
    """*line*, then the lines around it, the nearest first."""
    yield line
    for away in range(1, NEAR):
        yield from (one for one in (line + away, line - away) if one > 0)


def as_record(data: bytes, at: str) -> dict[str, Any]:
    """The record of a line. Raises UsageError when the line holds none."""
    value, _ = loads(data.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n"))
    if not isinstance(value, dict):
        raise UsageError("the line holds no record", at=at, hint="a record is one JSON object a line")
    return value


def metadata_of(record: Json) -> Json:
    """The record's metadata; empty where it has none."""
    found = record.get("metadata")
    return found if isinstance(found, Mapping) else {}
