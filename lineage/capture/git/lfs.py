"""Git LFS pointers: the blob names the SHA-256 of the file, so no filter is needed to compare the two.

Format: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from lineage.capture.git.command import Git
from lineage.capture.git.listing import Entry

MAX_POINTER = 1024  # bytes, by the specification
_POINTER = re.compile(rb"version [^\n]*\n(?:ext-[^\n]*\n)*oid sha256:([0-9a-f]{64})\nsize (\d+)\n")
_HEADER = re.compile(rb"([0-9a-f]{40,64}) blob (\d+)\n")


@dataclass(frozen=True, slots=True)
class Pointer:
    """The file that a pointer stands for."""

    sha256: str
    bytes: int


def pointers(git: Git, entries: Sequence[Entry]) -> dict[str, Pointer]:
    """Return the pointer that the commit has for each entry, by path; blobs that are none are left out. Raises GitError."""
    small = _small(git, [entry.blob for entry in entries])
    texts = _texts(git, small)
    found = {entry.path: _POINTER.fullmatch(texts.get(entry.blob, b"")) for entry in entries}
    return {path: Pointer(match[1].decode(), int(match[2])) for path, match in found.items() if match}


def _small(git: Git, blobs: Sequence[str]) -> list[str]:
    """Return the blobs that are small enough for a pointer."""
    told = (line.split(b" ") for line in _asked(git, "--batch-check=%(objectname) %(objectsize)", blobs).splitlines())
    return [blob.decode() for blob, size in told if size.isdigit() and int(size) <= MAX_POINTER]


def _texts(git: Git, blobs: Sequence[str]) -> dict[str, bytes]:
    told, texts, place = _asked(git, "--batch", blobs), {}, 0
    while match := _HEADER.match(told, place):
        end = match.end() + int(match[2])
        texts[match[1].decode()] = told[match.end() : end]
        place = end + 1  # a newline follows each blob
    return texts


def _asked(git: Git, form: str, blobs: Sequence[str]) -> bytes:
    if not blobs:
        return b""
    with tempfile.TemporaryFile() as names:
        names.writelines(f"{blob}\n".encode() for blob in blobs)
        names.seek(0)
        return git.run("cat-file", form, stdin=names)
