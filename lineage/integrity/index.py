"""The sidecar of a file of records, `.lineage/<name>.index`: 16 bytes a line, so that a line is found, and named when it has changed.

It is a cache, made from the file and deleted without loss, with one exception: when a file was altered, the sidecar from before
is what names the lines. So only the writer of a file makes it, when it closes.

    lineage-index 1\\n                                      the format and its version
    {"sha256": …, "bytes": …, "lines": …, "merkle_root": …}\\n
    offset (8 bytes, little-endian), fingerprint (8 bytes)   for each line; the fingerprint begins the line's leaf hash
"""

from __future__ import annotations

import hashlib
import mmap
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from lineage.contract.strict import loads
from lineage.errors import FormatError
from lineage.merkle import FINGERPRINT, Tree, leaves

FOLDER = ".lineage"
MAGIC = b"lineage-index 1\n"
ROW = 16  # bytes a line
MAX_HEADER = 4096  # bytes
FLUSH = 1 << 16  # bytes of rows held before they are written


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What stands for the whole of a file."""

    sha256: str
    bytes: int
    lines: int  # the leaves of the tree: every line, blank ones too
    merkle_root: str


class Index:
    """A sidecar that was read. Its rows are looked up in memory that the system pages in as needed."""

    def __init__(self, seal: Seal, rows: memoryview) -> None:
        self.seal, self._rows = seal, rows

    def __len__(self) -> int:
        return len(self._rows) // ROW

    def offset(self, line: int) -> int:
        """Where line *line*, counted from 1, begins. Raises IndexError for a line that is not there."""
        if not 1 <= line <= len(self):
            raise IndexError(line)
        return int.from_bytes(self._rows[(line - 1) * ROW : (line - 1) * ROW + 8], "little")

    def fingerprint(self, line: int) -> bytes:
        """The fingerprint of line *line*, counted from 1."""
        return bytes(self._rows[(line - 1) * ROW + 8 : line * ROW])

    def fingerprints(self) -> list[bytes]:
        """The fingerprint of each line, in order."""
        return [bytes(self._rows[at + 8 : at + ROW]) for at in range(0, len(self._rows), ROW)]


def path_of(file: Path) -> Path:
    """Where the sidecar of *file* lies."""
    return file.parent / FOLDER / f"{file.name}.index"


def build(file: Path, *, keep: bool = True) -> Seal:
    """Read *file* once; with *keep*, write its sidecar, which appears whole or not at all.

    Raises:
        OSError: the file cannot be read, or the sidecar not be written.
    """
    if not keep:
        with Path(os.devnull).open("wb") as nowhere:
            return _read_through(file, nowhere)
    target = path_of(file)
    target.parent.mkdir(exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w+b") as out:
            out.write(b" " * MAX_HEADER)
            seal = _read_through(file, out)
            out.seek(0)
            out.write(_header(seal))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return seal


def _read_through(file: Path, out: BinaryIO) -> Seal:
    tree, rows = Tree(), bytearray()
    with file.open("rb") as source:
        digested = _Digested(source)
        for offset, leaf in leaves(digested):  # type: ignore[arg-type]  # it reads, and that is all that is asked of it
            tree.add(leaf)
            rows += offset.to_bytes(8, "little") + leaf[:FINGERPRINT]
            if len(rows) >= FLUSH:
                out.write(rows)
                rows.clear()
    out.write(rows)
    root, _ = tree.finish()
    return Seal(sha256=digested.digest.hexdigest(), bytes=digested.size, lines=tree.size, merkle_root=root.hex())


class _Digested:
    """A file that digests what is read of it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.digest, self.size = file, hashlib.sha256(), 0

    def read(self, size: int) -> bytes:
        """The next bytes."""
        data = self._file.read(size)
        self.digest.update(data)
        self.size += len(data)
        return data


def _header(seal: Seal) -> bytes:
    text = MAGIC + orjson.dumps(asdict(seal))
    return text + b" " * (MAX_HEADER - 1 - len(text)) + b"\n"


def read(file: Path) -> Index | None:
    """The sidecar of *file*; None when there is none.

    Raises:
        FormatError: what lies there is no sidecar, or is cut off. OSError: it cannot be read.
    """
    path = path_of(file)
    if not path.is_file() or path.is_symlink():
        return None
    with path.open("rb") as sidecar:
        data = memoryview(mmap.mmap(sidecar.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b"")
    head = bytes(data[:MAX_HEADER])
    seal = _seal(loads(head[len(MAGIC) :].strip())[0]) if head.startswith(MAGIC) else None
    if seal is None or len(data) != MAX_HEADER + ROW * seal.lines:
        raise FormatError("the sidecar is damaged", at=str(path), hint="delete it; lineage export writes it anew")
    return Index(seal, data[MAX_HEADER:])


def _seal(said: object) -> Seal | None:
    kinds = {"sha256": str, "bytes": int, "lines": int, "merkle_root": str}
    if not isinstance(said, dict) or any(type(said.get(key)) is not kind for key, kind in kinds.items()):
        return None
    return Seal(**{key: said[key] for key in kinds})
