"""What of a redacted copy still holds, from the copy alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage.capture.files import digest
from lineage.capture.places import own
from lineage.contract import manifest, redacted
from lineage.contract.strict import loads
from lineage.core import limits
from lineage.errors import FormatError, NotFoundError
from lineage.facts import Artifact
from lineage.merkle import Tree
from lineage.redaction import copies
from lineage.signing.statement import manifests, recorded


@dataclass(frozen=True, slots=True)
class Held:
    """A file of the copy: "redacted" (its commitments have the recorded root, or it is the copy that was written), "withheld", "altered" or "missing"."""

    file: str
    status: str
    message: str


def is_copy(folder: Path) -> bool:
    """Is the folder a redacted copy?"""
    return own(folder, redacted.FILE) is not None


def held(folder: Path) -> tuple[Held, ...]:
    """Each file of the manifests of a copy, held against its root. Raises FormatError where it is no copy."""
    rows = {str(one.get("file")): one for one in _rows(folder)}
    sessions = [session for session, _ in map(manifest.read, manifests(folder)) if session]
    if not sessions:
        raise NotFoundError("the copy has no manifest", at=str(folder))
    every = [one for session in sessions for one in recorded(session) if redacted.is_redacted(one)]
    files = {one.path: one for one in every} | {one.path: one for one in every if one.merkle_root}  # who made it knows more of it
    return tuple(_held(folder, one, rows.get(one.path)) for one in files.values())


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    path = own(folder, redacted.FILE)
    said = loads(path.read_bytes())[0] if path and path.stat().st_size <= limits.JSON else None
    if not isinstance(said, dict) or not isinstance(said.get("files"), list):
        raise FormatError("it does not tell what was redacted", at=str(folder / redacted.FILE), hint="lineage redact writes it")
    yield from (one for one in said["files"] if isinstance(one, dict))


def _held(folder: Path, one: Artifact, row: dict[str, Any] | None) -> Held:
    path = own(folder, one.path)
    if redacted.COPY not in one.gaps:
        return Held(one.path, "withheld", "not published; its digest stands")
    if path is None:
        return Held(one.path, "missing", "the copy of it is gone")
    written = row is not None and digest(path, recheck=True)[0] == row.get("copy_sha256")
    if one.merkle_root and (row is None or row.get("leaves") is not False):
        found = _by_root(path, one)
        return (
            found
            if written or found.status == "altered"
            else Held(one.path, "altered", f"{found.message}, but what stands beside them was changed")
        )
    if not written:
        return Held(one.path, "altered", "it is not the copy that was written")
    return Held(one.path, "redacted", "as it was written; its original is known by digest alone")


def _by_root(path: Path, one: Artifact) -> Held:
    tree = Tree()
    try:
        for leaf in copies.leaves(path):
            tree.add(leaf)
    except FormatError as error:
        return Held(one.path, "altered", str(error))
    size, root = tree.size, tree.finish()[0].hex()
    if root != one.merkle_root or one.lines not in (None, size):
        return Held(one.path, "altered", f"its {size} commitments have not the root that was recorded")
    return Held(one.path, "redacted", f"its {size} commitments have the root of the original's lines")
