"""Read the records of a file, a page at a time. A page begins after a line number.

With a good sidecar, the last page costs as much as the first. A packed file, and one that was
altered, is read from its beginning.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

from lineage.contract.lines import UnpackingError, numbered, text_of
from lineage.errors import LateError, LineageError, UsageError
from lineage.integrity.lines import FileLines, as_record, metadata_of

PAGE, MOST = 100, 500  # records of a page, and how many may be asked for
CLIPPED = 300  # characters of a record that are shown
PARSED = 1 << 20  # bytes of a line that is parsed to be shown
Line = tuple[int, bytes | None]


def page(path: Path, after: int = 0, limit: int = PAGE, until: float | None = None) -> dict[str, Any]:
    """Return records of a file.

    Args:
        path: The file.
        after: The page begins after this line.
        limit: Number of records, at most.
        until: When reading stops, in seconds of `time.monotonic`; None does not limit it.

    Returns:
        `lines` (number of lines; None without a sidecar), `rows`, and `next`: the line after which
        the next page begins, None at the end.

    Raises:
        UsageError: The file cannot be unpacked.
        LateError: The time is over.
    """
    lines = FileLines(path)
    found = list(_looked_up(lines, after, limit + 1) if lines.is_ready else _read(path, after, limit + 1, until))
    if any(line is None for _, line in found) and lines.is_ready:  # the sidecar is of another file
        found = list(_read(path, after, limit + 1, until))
    rows = [_row(path, number, line) for number, line in found[:limit]]
    count = lines.index.seal.lines if lines.index else None
    return {"after": after, "next": rows[-1]["line"] if len(found) > limit else None, "lines": count, "rows": rows}


def _looked_up(lines: FileLines, after: int, count: int) -> Iterator[Line]:
    total = len(lines.index or ())
    for number in range(after + 1, min(after + count, total) + 1):
        try:
            yield number, lines.quick(number)
        except UsageError:  # too long to be held
            yield number, None


def _read(path: Path, after: int, count: int, until: float | None) -> Iterator[Line]:
    with text_of(path) as file:
        try:
            yield from islice(numbered(cast(BinaryIO, _Timely(file, until))), after, after + count)
        except UnpackingError as error:
            raise UsageError(f"the file cannot be unpacked: {error}", at=path.name) from error


class _Timely:
    """A file that is read line by line within a limit of time. Raises LateError after it."""

    def __init__(self, file: BinaryIO, until: float | None) -> None:
        self._file, self._until = file, until

    def readline(self, size: int) -> bytes:
        """Return the next line, or a part of it of *size* bytes."""
        if self._until is not None and time.monotonic() > self._until:
            raise LateError(
                "the file could not be read in time", at="after", hint="ask for a page nearer to the beginning, or unpack the file"
            )
        return self._file.readline(size)


def _row(path: Path, number: int, line: bytes | None) -> dict[str, Any]:
    """What a line says of itself; where it is no record, why."""
    row = {"line": number, "run": None, "seed": None, "time": None, "preview": "", "problem": None}
    if line is None or len(line) > PARSED:
        return row | {"problem": f"longer than {PARSED} bytes"}
    try:
        record = as_record(line, f"{path.name}:{number}")
    except LineageError as error:
        return row | {"preview": _clipped(line.decode("utf-8", "replace")), "problem": error.message}
    said = metadata_of(record)
    params = said.get("generation_params")
    seed = params.get("seed") if isinstance(params, dict) else None
    told = {"run": said.get("run_id"), "seed": seed, "time": said.get("timestamp")}
    rest = {name: value for name, value in record.items() if name != "metadata"}
    return row | {name: _plain(value) for name, value in told.items()} | {"preview": _clipped(json.dumps(rest, ensure_ascii=False))}


def _plain(value: object) -> str | int | float | None:
    """A value of a cell: text is clipped, and what is no single value is shown as JSON."""
    if value is None or isinstance(value, int | float):
        return value
    return _clipped(value if isinstance(value, str) else json.dumps(value))


def _clipped(text: str) -> str:
    return text if len(text) <= CLIPPED else f"{text[: CLIPPED - 1]}…"
