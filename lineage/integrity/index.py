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
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from struct import Struct
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any

import orjson

from lineage.capture import files
from lineage.capture.places import bag_of
from lineage.contract.lines import Stretch, UnpackingError, opened, stretches
from lineage.contract.strict import loads
from lineage.core.writing import Pending, make_folder
from lineage.errors import FormatError
from lineage.kernel import SHORT
from lineage.merkle import Tree, row, rows, short

FOLDER = ".lineage"
MAGIC = b"lineage-index 1\n"
ROW = SHORT  # bytes a line
MAX_HEADER = 4096  # bytes
LARGE, MAX_SHARE = 64 << 20, 8  # a sidecar of more than LARGE bytes and MAX_SHARE times its file is not made: the file is a bomb
MAX_NAME = 240  # bytes of a file's name; a longer one leaves no room for `.index`
SPOOLED = 16 << 20  # bytes of rows in memory: a million lines
COPIED = 1 << 20  # bytes of rows at a time
PAIR = Struct("<QQ")  # offset, fingerprint
FITS = b"each row is that of its line"  # remembered of a file and its sidecar


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

    def fingerprints(self) -> array[int]:
        """The fingerprint of each line, in order, as a number."""
        return array("Q", _numbers(self._rows))

    def sha256(self) -> str:
        """Return the digest of the rows: what a signature holds of an index."""
        return hashlib.sha256(self._rows).hexdigest()

    def fits(self, file: Path) -> bool:
        """Read *file* up to the first row that is not that of its line. Return whether there is none, and the seal is that of the file.

        Raises OSError.
        """
        comparison = _Comparison(self._rows)
        try:
            sha256, size = each_row(file, comparison.add)
        except (_OtherRowError, UnpackingError):
            return False
        root = comparison.tree.finish()[0].hex()
        return self.seal == Seal(sha256=sha256, bytes=size, lines=comparison.tree.size, merkle_root=root)


class _OtherRowError(Exception):
    """A row of a sidecar is not that of the line."""


class _Comparison:
    """Compares the rows of a sidecar with those of a file, and makes the tree of the file."""

    def __init__(self, expected: memoryview) -> None:
        self._expected = expected
        self.tree = Tree()

    def add(self, rows: bytes) -> None:
        """Compare the rows of the next lines. Raises _OtherRowError."""
        start, now = self.tree.size * ROW, short(rows)
        if self._expected[start : start + len(now)] != now:
            raise _OtherRowError
        self.tree.extend(rows)


def path_of(file: Path) -> Path:
    """Where the sidecar of *file* lies."""
    return file.parent / FOLDER / f"{file.name}.index"


class Leaves:
    """Hashes the lines of a text; *put* gets a row for each (lineage/merkle.py), in order, however long a line is."""

    def __init__(self, put: Callable[[bytes], object]) -> None:
        self._put = put
        self._long: tuple[int, Any] | None = None  # where a line began that is too long to be held, and its hash so far

    def take(self, stretch: Stretch) -> None:
        """The next stretch of the text."""
        if stretch.whole:
            self._put(rows(stretch.data, stretch.offset))
            return
        self._long = self._long or (stretch.offset, hashlib.sha256(b"\0"))
        self._long[1].update(stretch.data)
        if stretch.ends:
            self.finish()

    def finish(self) -> None:
        """The text has ended: so has its last line."""
        if self._long:
            self._put(row(self._long[0], self._long[1].digest()))
            self._long = None


class Sealing:
    """A sidecar while it is written, and the tree over its lines. A context manager: what is not kept is gone at its end."""

    def __init__(self, file: Path) -> None:
        self._target, self._file = path_of(file), file
        self._tree = Tree()
        self._pending: Pending | None = None

    def __enter__(self) -> Sealing:
        return self

    def open(self) -> None:
        """Begin the sidecar. Raises OSError where it cannot be written; the tree is made all the same."""
        make_folder(self._target.parent, within=self._file.parent)
        self._pending = Pending(self._target, within=self._file.parent)
        self._pending.file.write(b" " * MAX_HEADER)

    def add(self, rows: bytes) -> None:
        """The rows of the next lines."""
        self._tree.extend(rows)
        self.put(short(rows))
        if self._pending and self._tree.size * ROW > LARGE and self._tree.size * ROW > MAX_SHARE * self._file.stat().st_size:
            self._drop()

    def put(self, short_rows: bytes) -> None:
        """The same, of lines that are in a tree already, as the sidecar keeps them. A full disk ends the sidecar, and nothing else."""
        if self._pending:
            try:
                self._pending.file.write(short_rows)
            except OSError:
                self._drop()

    def seal(self, sha256: str, size: int) -> Seal:
        """What stands for the file, whose bytes have this digest."""
        return Seal(sha256=sha256, bytes=size, lines=self._tree.size, merkle_root=self._tree.finish()[0].hex())

    def keep(self, seal: Seal) -> bool:
        """Put the sidecar in its place, where it appears whole or not at all; is it there now? Raises OSError."""
        if self._pending is None:
            return False
        self._pending.file.seek(0)
        self._pending.file.write(_header(seal))
        self._pending.keep()
        self._drop()
        return True

    def _drop(self) -> None:
        if self._pending:
            self._pending.close()
        self._pending = None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._drop()


class Rows:
    """The rows of a text while its lines are written, kept for the sidecar; beyond SPOOLED bytes in a file without a name."""

    def __init__(self) -> None:
        self._tree, self._leaves = Tree(), Leaves(self._add)
        self._short: IO[bytes] = BytesIO()
        self._offset = 0

    def take(self, lines: bytes) -> None:
        """Add whole lines that come next in the text. Raises OSError."""
        self._leaves.take(Stretch(lines, self._offset))
        self._offset += len(lines)

    def _add(self, rows: bytes) -> None:
        self._tree.extend(rows)
        if self._tree.size * ROW > SPOOLED and isinstance(self._short, BytesIO):
            spooled = TemporaryFile()  # noqa: SIM115  # `close` closes it, and so does its end
            spooled.write(self._short.getvalue())
            self._short = spooled
        self._short.write(short(rows))

    def save(self, file: Path, sha256: str, size: int) -> tuple[Seal, OSError | None]:
        """Write the sidecar of *file*, whose bytes have this digest and size; the seal, and why there is no sidecar."""
        with Sealing(file) as sealing:
            seal = Seal(sha256=sha256, bytes=size, lines=self._tree.size, merkle_root=self._tree.finish()[0].hex())
            try:
                sealing.open()
                self._short.seek(0)
                while rows := self._short.read(COPIED):
                    sealing.put(rows)
                sealing.keep(seal)
            except OSError as error:
                return seal, error
        return seal, None

    def close(self) -> None:
        """Give up the rows."""
        self._short.close()


def each_row(file: Path, put: Callable[[bytes], object]) -> tuple[str, int]:
    """Read *file* once and pass on the rows of its lines, which are those of its text; the digest and size of its bytes.

    Raises OSError, and UnpackingError when it is not what its name says.
    """
    leaves = Leaves(put)
    with opened(file) as (text, raw):
        for stretch in stretches(text):
            leaves.take(stretch)
    leaves.finish()
    return raw.digest.hexdigest(), raw.size


def build(file: Path, *, keep: bool = True) -> Seal:
    """Read *file* once; with *keep*, write its sidecar, which appears whole or not at all. Raises as `each_row` does, and OSError for the sidecar."""
    with Sealing(file) as sealing:
        if keep:
            sealing.open()
        seal = sealing.seal(*each_row(file, sealing.add))
        if keep:
            sealing.keep(seal)
        return seal


def sealed(file: Path) -> tuple[Seal, str]:
    """Read *file* once. Return what stands for it, and the digest of the rows that its sidecar has to have. Raises as `each_row` does."""
    rows_hash = hashlib.sha256()
    tree = Tree()

    def add(rows: bytes) -> None:
        rows_hash.update(short(rows))
        tree.extend(rows)

    sha256, size = each_row(file, add)
    seal = Seal(sha256=sha256, bytes=size, lines=tree.size, merkle_root=tree.finish()[0].hex())
    return seal, rows_hash.hexdigest()


def fingerprints(file: Path) -> array[int]:
    """The fingerprint of each line of *file*, as a number; of a packed one, up to where it is damaged. Raises OSError."""
    found = array("Q")
    with suppress(UnpackingError):
        each_row(file, lambda rows: found.extend(_numbers(short(rows))))
    return found


def _numbers(rows: bytes | memoryview) -> Iterator[int]:
    return (fingerprint for _, fingerprint in PAIR.iter_unpack(rows))


def exists(file: Path) -> bool:
    """Does *file* have a sidecar?  One that cannot be looked at is none."""
    try:
        return path_of(file).exists()
    except (OSError, ValueError):  # JSON can hold names that no file has
        return False


def can_be_made(file: Path) -> bool:
    """Is there no sidecar of *file*, and may one be made?"""
    folder = path_of(file).parent
    try:
        if exists(file) or bag_of(file.parent):
            return False
        place = folder if folder.exists() else folder.parent
        return not folder.is_symlink() and os.access(place, os.W_OK) and len(os.fsencode(file.name)) < MAX_NAME
    except (OSError, ValueError):
        return False


def _header(seal: Seal) -> bytes:
    text = MAGIC + orjson.dumps(asdict(seal))
    return text + b" " * (MAX_HEADER - 1 - len(text)) + b"\n"


def read(file: Path) -> Index | None:
    """The sidecar of *file*; None when there is none.

    Raises:
        FormatError: what lies there is no sidecar, or is cut off. OSError: it cannot be read.
    """
    path = path_of(file)
    if not exists(file) or not path.is_file() or path.is_symlink() or path.parent.is_symlink():
        return None
    with path.open("rb") as sidecar:
        data = memoryview(mmap.mmap(sidecar.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b"")
    head = bytes(data[:MAX_HEADER])
    seal = _seal(loads(head[len(MAGIC) :].strip())[0]) if head.startswith(MAGIC) else None
    if seal is None or len(data) != MAX_HEADER + ROW * seal.lines:
        raise FormatError("the sidecar is damaged", at=str(path), hint="delete it; lineage export writes it anew")
    return Index(seal, data[MAX_HEADER:])


def of_file(file: Path, *, recheck: bool = False) -> Index | None:
    """Return the sidecar of *file* if each of its rows is that of the line in the file; None where there is no sidecar.

    The file is read once for it. The answer is remembered while file and sidecar stay the same.

    Args:
        file: A file of records.
        recheck: Read the file even if the answer is remembered.

    Raises:
        FormatError: The sidecar is damaged, or belongs to other bytes than the file has.
        OSError: The file or the sidecar cannot be read.
    """
    known = read(file)
    if known is None:
        return None
    if known.seal.bytes != file.stat().st_size:
        raise _foreign(file, "the file has another size than its sidecar says")
    kept = files.Kept.of(file, f"rows {files.digest(path_of(file), recheck=recheck)[0]}")
    if not recheck and kept.read() == FITS:
        return known
    if not known.fits(file):
        raise _foreign(file, "the rows of the sidecar are not those of the file")
    kept.write(FITS)
    return known


def _foreign(file: Path, problem: str) -> FormatError:
    return FormatError(problem, at=str(path_of(file)), hint=f"it is not used; lineage verify {file} tells which of the two was altered")


def _seal(said: object) -> Seal | None:
    kinds = {"sha256": str, "bytes": int, "lines": int, "merkle_root": str}
    if not isinstance(said, dict) or any(type(said.get(key)) is not kind for key, kind in kinds.items()):
        return None
    return Seal(**{key: said[key] for key in kinds})
