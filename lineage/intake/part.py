"""One part of a file of records: its lines are read once, and what was found lies in a folder, whole or not at all.

    <number>.rows   a row for each line (lineage/merkle.py)
    <number>.json   the bytes of those rows, and what the lines hold (lineage.contract.slices.Part); written last, so where it is the part is done
    sha256          the digest of the file and its size

A part has the lines that begin in its PART bytes of the file. A compressed file is one part.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from lineage.contract.lines import Stretch, UnpackingError, opened, stretches
from lineage.contract.records import Reading
from lineage.contract.slices import Part
from lineage.core.writing import Pending, write_whole
from lineage.integrity.index import Leaves

PART = 32 << 20  # bytes; the results are the same bytes as long as this is
SEARCH = 1 << 16  # bytes read at a time where the beginning of a line is looked for
Step = Callable[[int], object]  # told of bytes that were read
Rows = Callable[[bytes], object]  # gets rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A file of records that is to be read in `parts` parts, and the folder for what is found."""

    path: Path
    size: int
    parts: int
    folder: Path
    legacy: bool
    hashed: bool  # True: only its bytes are asked about, not its records

    def rows(self, number: int) -> Path:
        """Where the rows of a part lie."""
        return self.folder / f"{number}.rows"

    def done(self, number: int) -> Path:
        """Where what a part holds lies, once it is done."""
        return self.folder / f"{number}.json"

    def is_done(self, number: int) -> bool:
        """Is the part done, and are its rows whole?"""
        try:
            return bool(self.rows(number).stat().st_size == json.loads(self.done(number).read_bytes())[0])
        except (OSError, ValueError):
            return False

    def found(self, number: int) -> Part:
        """What the part holds."""
        return Part.loads(json.loads(self.done(number).read_bytes())[1].encode())

    @property
    def sha256(self) -> Path:
        """Where the digest lies, once it is known."""
        return self.folder / "sha256"


def take(task: Task, number: int, step: Step = lambda size: None, digest: hashlib._Hash | None = None) -> int:
    """Read part *number*, from 0; returns the bytes of its text. *digest* gets them too. Raises OSError."""
    with Pending(task.rows(number)) as pending:
        part, size = read(task, number, pending.file.write, step, digest)
        length = pending.file.tell()
        pending.keep()
    put(task.done(number), json.dumps([length, part.dumps().decode()]).encode())
    return size


def read(task: Task, number: int, rows: Rows, step: Step, digest: hashlib._Hash | None = None) -> tuple[Part, int]:
    """Read part *number*; *rows* gets a row for each of its lines. What it holds, and the bytes of its text. Raises OSError."""
    reading, leaves, size = Reading(legacy=task.legacy, first=number == 0), Leaves(rows), 0
    try:
        for stretch in _one(task) if task.parts == 1 else _window(task, number):
            if not task.hashed:
                reading.take(stretch)
            leaves.take(stretch)
            if digest:
                digest.update(stretch.data)
            size += len(stretch.data)
            step(len(stretch.data))
    except UnpackingError as error:
        reading.damaged(error.message)
    leaves.finish()
    return reading.part, size


def digest(task: Task) -> int:
    """Find the digest of the whole file, for parts that several processes read; returns its bytes. Raises OSError."""
    with task.path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        put(task.sha256, f"{found} {file.tell()}".encode())
        return file.tell()


def put(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all."""
    write_whole(path, lambda out: out.write(data))


def _one(task: Task) -> Iterator[Stretch]:
    with opened(task.path) as (text, raw):
        try:
            yield from stretches(text)
        finally:
            raw.finish()
            put(task.sha256, f"{raw.digest.hexdigest()} {raw.size}".encode())


def _window(task: Task, number: int) -> Iterator[Stretch]:
    with task.path.open("rb", buffering=0) as file:
        begin, until = number * PART, min((number + 1) * PART, task.size)
        start = _line_start(file, begin, until)
        if start is not None:
            end = _line_start(file, until, task.size)
            file.seek(start)
            yield from stretches(cast("BinaryIO", _Window(file, task.size - start if end is None else end - start)), start)


def _line_start(file: BinaryIO, at: int, stop: int) -> int | None:
    """Where the first line begins that begins at *at* or behind it, and before *stop*."""
    if at == 0:
        return 0 if stop else None
    at -= 1
    file.seek(at)
    while at < stop and (data := file.read(SEARCH)):
        found = data.find(b"\n") + 1
        if found:
            return at + found if at + found < stop else None
        at += len(data)
    return None


class _Window:
    """The next *size* bytes of a file, and no more."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size

    def read(self, size: int) -> bytes:
        """The next bytes."""
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        return data
