"""A Merkle tree over the lines of a file (RFC 9162, section 2.1): one hash stands for all of them, and a short path proves one.

A leaf is a line exactly as it stands in the file, its line ending included, so the root changes with every byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from lineage.kernel import HASH, ROW, SHORT, STACK, kernel

FINGERPRINT = SHORT - 8  # bytes of a leaf hash: enough to name a line; the root, not this, proves it
EMPTY = sha256().digest()  # the root of no leaves (RFC 9162, 2.1.1)


def leaf_hash(line: bytes) -> bytes:
    """The hash of one leaf: SHA-256 of 0x00 and the line."""
    return sha256(b"\0" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees: SHA-256 of 0x01 and both."""
    return sha256(b"\1" + left + right).digest()


def rows(lines: bytes, offset: int) -> bytes:
    """A row for each of *lines*, whole lines that begin at *offset* of their text: where the line begins (8 bytes, little-endian), and its leaf hash."""
    if kernel:
        return kernel.rows(lines, offset)
    made = []
    for line in split(lines):
        made.append(row(offset, leaf_hash(line)))
        offset += len(line)
    return b"".join(made)


def split(lines: bytes) -> list[bytes]:
    """The lines with their endings; a carriage return alone is none."""
    kept = [line + b"\n" for line in lines.split(b"\n")]
    last = kept.pop()[:-1]
    return [*kept, last] if last else kept


def row(offset: int, leaf: bytes) -> bytes:
    """The row of one line."""
    return offset.to_bytes(8, "little") + leaf


def short(rows: bytes) -> bytes:
    """The rows without the end of each hash: the offset and the fingerprint of each line."""
    if kernel:
        return kernel.short(rows)
    return b"".join(rows[at : at + SHORT] for at in range(0, len(rows), ROW))


def leaves_of(rows: bytes) -> Iterator[bytes]:
    """The leaf hashes in *rows*."""
    return (rows[at + 8 : at + ROW] for at in range(0, len(rows), ROW))


@dataclass(slots=True)
class Tree:
    """The tree while leaves are added, in memory that grows with the logarithm of their number.

    With `target`, the number of a leaf from 0, the path of that leaf is kept.
    """

    target: int | None = None
    size: int = 0
    _stack: bytearray = field(
        default_factory=lambda: bytearray(STACK)
    )  # a hash for each bit that is set in `size`, the largest subtree first
    _mine: int | None = None  # which of them holds the target
    _path: list[bytes] = field(default_factory=list)

    def add(self, leaf: bytes) -> None:
        """Append one leaf, by its hash."""
        top, node, mine = self.size.bit_count(), leaf, self.size == self.target
        bits = self.size
        while bits & 1:
            top, bits = top - 1, bits >> 1
            node, mine = self._joined(top, node, mine)
        self._put(top, node, mine)
        self.size += 1

    def extend(self, rows: bytes) -> None:
        """Append the leaves of *rows*."""
        if kernel and self.target is None:
            self.size = kernel.grown(self._stack, self.size, rows)
            return
        for leaf in leaves_of(rows):
            self.add(leaf)

    def _joined(self, place: int, right: bytes, mine: bool) -> tuple[bytes, bool]:
        left = bytes(self._stack[place * HASH : (place + 1) * HASH])
        if mine or self._mine == place:
            self._path.append(left if mine else right)
        return node_hash(left, right), mine or self._mine == place

    def _put(self, place: int, node: bytes, mine: bool) -> None:
        self._stack[place * HASH : (place + 1) * HASH] = node
        self._mine = place if mine else self._mine

    def finish(self) -> tuple[bytes, tuple[bytes, ...]]:
        """The root, and the inclusion path of the target, from its sibling upwards. Call it once, at the end."""
        if not self.size:
            return EMPTY, ()
        top = self.size.bit_count() - 1
        node, mine = bytes(self._stack[top * HASH : (top + 1) * HASH]), self._mine == top
        for place in range(top - 1, -1, -1):
            node, mine = self._joined(place, node, mine)
        return node, tuple(self._path)


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
