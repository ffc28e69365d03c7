"""The patch: what git shows of changed files, and additions of files that the commit does not have.

git compares the files with an index made here, which has the commit's blobs of the changed files and nothing else. The index of
the repository is not touched, its flags play no part, and unchanged files are not looked at.
"""

from __future__ import annotations

import base64
import hashlib
import os
import struct
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from lineage.capture.git.command import Git
from lineage.capture.git.listing import Entry
from lineage.capture.git.tree import SNIFF, Tree, blob_name
from lineage.core.writing import replace_file

MAX_PATCH = 20 << 20  # bytes; a longer diff is not read to its end
MAX_ADDED = 4 << 20  # bytes of one file that is added
_DIFF = (
    "diff",
    "--binary",
    "--full-index",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--no-relative",
    "--ignore-submodules=dirty",
    "--submodule=short",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--diff-algorithm=default",
    "--indent-heuristic",
    "--inter-hunk-context=0",
    "--unified=3",
    "-O/dev/null",
)
_NARROW = ("core.sparseCheckout=false", "index.sparse=false", "diff.suppressBlankEmpty=false")
_QUOTED = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}


def diff(git: Git, entries: Iterable[Entry]) -> bytes:
    """Return the changes of *entries* as a patch of the commit; empty where conversions of line ends are all that differs.

    Raises:
        GitError: git failed, or the patch has more than MAX_PATCH bytes.
        OSError: there is no place for a temporary file.
    """
    chosen = sorted(entries, key=lambda entry: os.fsencode(entry.path))
    if not chosen:
        return b""
    with tempfile.TemporaryDirectory(prefix="lineage-") as place:
        index = Path(place) / "index"
        replace_file(index, _index(chosen))
        return Git(git.folder, git.deadline, (*git.settings, *_NARROW)).run(*_DIFF, limit=MAX_PATCH, index=index)


def _index(entries: Iterable[Entry]) -> bytes:
    """Return an index of version 2 (gitformat-index(5)). No entry has dates or a size, so git reads each file."""
    rows = [_row(entry) for entry in entries]
    data = b"DIRC" + struct.pack(">II", 2, len(rows)) + b"".join(rows)
    digest = hashlib.sha1(data, usedforsecurity=False) if _is_sha1(entries) else hashlib.sha256(data)
    return data + digest.digest()


def _is_sha1(entries: Iterable[Entry]) -> bool:
    return all(len(entry.blob) == 40 for entry in entries)


def _row(entry: Entry) -> bytes:
    name = os.fsencode(entry.path)
    row = struct.pack(">10I", 0, 0, 0, 0, 0, 0, int(entry.mode, 8), 0, 0, 0) + bytes.fromhex(entry.blob)
    row += struct.pack(">H", min(len(name), 0xFFF)) + name
    return row + b"\0" * (8 - len(row) % 8)


def addition(tree: Tree, path: str, like: str) -> bytes | None:
    """Return the file *path* as a patch that adds it, in the words of git; None where it cannot be read or is too large."""
    status = tree.status(path)
    data = tree.data(path, MAX_ADDED)
    if status is None or data is None:
        return None
    mode = "100755" if status.st_mode & 0o100 else "100644"
    old, new = _quoted(f"a/{path}"), _quoted(f"b/{path}")
    name = blob_name(data, like)
    head = b"diff --git %s %s\nnew file mode %s\nindex %s..%s\n" % (old, new, mode.encode(), b"0" * len(name), name.encode())
    if not data:
        return head
    if b"\0" in data[:SNIFF]:
        return head + b"GIT binary patch\n" + _literal(data) + b"literal 0\nHcmV?d00001\n\n"
    return head + b"--- /dev/null\n+++ " + new + (b"\t" if " " in path else b"") + b"\n" + _lines(data)


def _lines(data: bytes) -> bytes:
    lines = data.split(b"\n")
    ends = lines[-1] == b""
    body = lines[:-1] if ends else lines
    text = b"".join(b"+" + line + b"\n" for line in body)
    count = b"1" if len(body) == 1 else b"1,%d" % len(body)
    return b"@@ -0,0 +" + count + b" @@\n" + text + (b"" if ends else b"\\ No newline at end of file\n")


def _literal(data: bytes) -> bytes:
    """Return *data* as git writes binary files: deflated, in lines of at most 52 bytes in base 85 after a letter for their count."""
    packed = zlib.compress(data)
    rows = [packed[place : place + 52] for place in range(0, len(packed), 52)]
    lines = [_count(len(row)) + base64.b85encode(row, pad=True) + b"\n" for row in rows]
    return b"literal %d\n" % len(data) + b"".join(lines) + b"\n"


def _count(length: int) -> bytes:
    return bytes([ord("A") + length - 1 if length <= 26 else ord("a") + length - 27])


def _quoted(name: str) -> bytes:
    """Return *name* as git writes it in a patch: in quotes where it has a quote, a backslash or a control character."""
    raw = os.fsencode(name)
    if not any(byte < 32 or byte in (34, 92, 127) for byte in raw):
        return raw
    shown = [_escaped(byte) for byte in raw]
    return b'"' + b"".join(shown) + b'"'


def _escaped(byte: int) -> bytes:
    if byte in _QUOTED:
        return b"\\" + _QUOTED[byte].encode()
    return b"\\%03o" % byte if byte < 32 or byte == 127 else bytes([byte])
