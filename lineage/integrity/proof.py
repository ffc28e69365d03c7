"""One line of a file, proved by root and number of lines: whoever has the line and the proof needs not the file.

The proof is JSON. Its path holds the hashes beside the way from the leaf to the root (RFC 9162, 2.1.3).
The root alone proves that the line is in the file. The numbers in the proof are claims of whoever
wrote it: in trees of other sizes the same path leads to the same root from other places. Who knows
the number of lines too, from the manifest or a signed statement, knows the number of the line.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage.contract.lines import MAX_LINE
from lineage.contract.strict import loads
from lineage.core import limits
from lineage.core.reading import is_file
from lineage.errors import FormatError, NotFoundError, UsageError
from lineage.integrity.index import each_row
from lineage.merkle import Tree, leaf_hash, leaves_of, proved_root

FORMAT = "lineage-inclusion-proof 1"
MAX_PATH = 64
_HASH = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That a line is line number `line` of the `lines` of a file with the root `merkle_root`."""

    file: str  # its name, for people; nothing depends on it
    line: int  # from 1
    lines: int
    merkle_root: str
    leaf: str
    path: tuple[str, ...]

    def json(self) -> dict[str, Any]:
        """As it is written."""
        names = ("file", "line", "lines", "merkle_root", "leaf")
        return {"format": FORMAT, **{name: getattr(self, name) for name in names}, "path": list(self.path)}


def prove(file: Path, line: int) -> Proof:
    """The proof of line *line*, counted from 1, of *file*, which is read once.

    Raises:
        NotFoundError: there is no such file or line. OSError: the file cannot be read.
    """
    if not is_file(file):
        raise NotFoundError("no such file", at=str(file))
    tree, mine = Tree(target=line - 1), b""

    def add(rows: bytes) -> None:
        nonlocal mine
        for leaf in leaves_of(rows):
            mine = leaf if tree.size == line - 1 else mine
            tree.add(leaf)

    each_row(file, add)
    root, path = tree.finish()
    if not 1 <= line <= tree.size:
        raise NotFoundError(f"no such line: the file has {tree.size}", at=f"{file}:{line}")
    found = tuple(node.hex() for node in path)
    return Proof(file=file.name, line=line, lines=tree.size, merkle_root=root.hex(), leaf=mine.hex(), path=found)


def read(path: Path) -> Proof:
    """A proof that was written.

    Raises:
        FormatError: it has not the shape of one. NotFoundError: there is no such file.
    """
    data = read_bounded(path, limits.PROOF)
    said = loads(data)[0] if len(data) <= limits.PROOF else None
    if not isinstance(said, dict) or said.get("format") != FORMAT or not _is_proof(said):
        raise FormatError("this is no inclusion proof", at=str(path), hint="lineage prove FILE:LINE writes one")
    names = ("line", "lines", "merkle_root", "leaf")
    return Proof(file=str(said.get("file")), path=tuple(said["path"]), **{name: said[name] for name in names})


def read_record(path: Path | None) -> bytes:
    """Return one line of a file of records from *path*, or from stdin where it is None.

    Raises:
        UsageError: It is longer than a line may be.
        NotFoundError: There is no such file.
        OSError: It cannot be read.
    """
    data = sys.stdin.buffer.read(MAX_LINE + 1) if path is None else read_bounded(path, MAX_LINE)
    if len(data) > MAX_LINE:
        raise UsageError(
            f"the record is longer than a line may be, {MAX_LINE} bytes", at=str(path or "-"), hint="give one line: sed -n 12p data.jsonl"
        )
    return data


def read_bounded(path: Path, limit: int) -> bytes:
    """Return the bytes of a file or pipe, at most one more than *limit*: then there are too many. A pipe that nobody writes to is empty."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotFoundError("no such file", at=str(path)) from None
    with os.fdopen(descriptor, "rb") as file:
        os.set_blocking(descriptor, True)
        return file.read(limit + 1)


def _is_proof(said: dict[str, Any]) -> bool:
    path = said.get("path")
    if not isinstance(path, list) or len(path) > MAX_PATH:
        return False
    hashes = [said.get("merkle_root"), said.get("leaf"), *path]
    numbers = [said.get("line"), said.get("lines")]
    return all(isinstance(one, str) and _HASH.fullmatch(one) for one in hashes) and all(type(one) is int for one in numbers)


def holds(proof: Proof, record: bytes, root: str, lines: int | None = None) -> str | None:
    """None when *record*, the exact bytes of a line with its line ending, is proved under *root*; else why it is not.

    Args:
        proof: As it was sent.
        record: The line, with its line ending.
        root: The Merkle root to trust, 64 hex digits.
        lines: The number of lines to trust, from where the root comes from. Without it only
            is proved that the line is in the file: `proof.line` stays a claim.
    """
    leaf = leaf_hash(record)
    if proof.merkle_root != root:
        return f"the proof is for the root {proof.merkle_root}, not {root}"
    if lines is not None and proof.lines != lines:
        return f"the proof is for a file of {proof.lines} lines, not {lines}"
    if leaf.hex() != proof.leaf:
        return _other_line(proof, record)
    led_to = proved_root(leaf, proof.line - 1, proof.lines, [bytes.fromhex(node) for node in proof.path])
    return None if led_to is not None and led_to.hex() == root else "the path of the proof does not lead to the root"


def _other_line(proof: Proof, record: bytes) -> str:
    if leaf_hash(record + b"\n").hex() == proof.leaf:
        return "the record lacks the newline that ends the line"
    if record.endswith(b"\n") and leaf_hash(record[:-1]).hex() == proof.leaf:
        return "the record has a newline that the line has not"
    return "the record is not the line that the proof is of"
