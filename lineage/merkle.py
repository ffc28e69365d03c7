"""A Merkle tree over the lines of a file (RFC 9162, section 2.1): one hash stands for all of them, and a short path proves one.

A leaf is a line exactly as it stands in the file, its line ending included, so the root changes with every byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 20  # bytes a read; larger reads gained nothing
FINGERPRINT = 8  # bytes of a leaf hash: enough to name a line; the root, not this, proves it
EMPTY = sha256().digest()  # the root of no leaves (RFC 9162, 2.1.1)


def leaf_hash(line: bytes) -> bytes:
    """The hash of one leaf: SHA-256 of 0x00 and the line."""
    return sha256(b"\0" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees: SHA-256 of 0x01 and both."""
    return sha256(b"\1" + left + right).digest()


def leaves(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """(offset, leaf hash) of each line of *file*, in bounded memory however long a line is."""
    position = start = 0
    pending = None  # the hash of a line that goes on in the next chunk
    while chunk := file.read(CHUNK):
        begin = 0
        while end := chunk.find(b"\n", begin) + 1:
            if pending is None:
                yield position + begin, leaf_hash(chunk[begin:end])
            else:
                pending.update(chunk[begin:end])
                yield start, pending.digest()
                pending = None
            begin = end
        if begin < len(chunk):
            if pending is None:
                pending, start = sha256(b"\0"), position + begin
            pending.update(chunk[begin:])
        position += len(chunk)
    if pending is not None:
        yield start, pending.digest()


def fingerprints(path: Path) -> list[bytes]:
    """The fingerprint of each line of the file at *path*. Raises OSError."""
    with path.open("rb") as file:
        return [leaf[:FINGERPRINT] for _, leaf in leaves(file)]


@dataclass(slots=True)
class Tree:
    """The tree while leaves are added, in memory that grows with the logarithm of their number.

    With `target`, the number of a leaf from 0, the path of that leaf is kept.
    """

    target: int | None = None
    size: int = 0
    _stack: list[tuple[int, bytes, bool]] = field(default_factory=list)  # (leaves, hash, holds the target), largest first
    _path: list[bytes] = field(default_factory=list)

    def add(self, leaf: bytes) -> None:
        """Append one leaf, by its hash."""
        node = (1, leaf, self.size == self.target)
        self.size += 1
        while self._stack and self._stack[-1][0] == node[0]:
            node = self._joined(self._stack.pop(), node)
        self._stack.append(node)

    def _joined(self, left: tuple[int, bytes, bool], right: tuple[int, bytes, bool]) -> tuple[int, bytes, bool]:
        if left[2] or right[2]:
            self._path.append(right[1] if left[2] else left[1])
        return left[0] + right[0], node_hash(left[1], right[1]), left[2] or right[2]

    def finish(self) -> tuple[bytes, tuple[bytes, ...]]:
        """The root, and the inclusion path of the target, from its sibling upwards. Call it once, at the end."""
        if not self._stack:
            return EMPTY, ()
        node = self._stack.pop()
        while self._stack:
            node = self._joined(self._stack.pop(), node)
        return node[1], tuple(self._path)


def proved_root(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that *path* leads to from *leaf*, number *index* of *size*; None where no tree has such a path (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return None
    number, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if number & 1 or number == last:
            node = node_hash(sibling, node)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        number, last = number >> 1, last >> 1
    return node if last == 0 else None
