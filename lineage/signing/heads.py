"""Read the trees that a manifest or a signature records: an inclusion proof is checked with one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lineage.contract import manifest
from lineage.errors import FormatError, NotFoundError, UsageError
from lineage.signing import envelope, statement
from lineage.signing.statement import SUFFIX, Tree

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def trees_in(path: Path, key: Ed25519PublicKey | None) -> tuple[Tree, ...]:
    """Return the trees of the files of records that a manifest records, or that a signature covers.

    Args:
        path: `session_manifest_….json` or `session_….dsse.json`.
        key: Whose signature it has to be. A manifest has none.

    Raises:
        NotFoundError: There is no such file.
        UsageError: A key is given for a manifest.
        FormatError: It is neither of the two, or was signed by another key.
    """
    if not path.is_file():
        raise NotFoundError("no such manifest or signature", at=str(path))
    if path.name.endswith(SUFFIX):
        return _signed(path, key)
    if key is not None:
        raise UsageError(
            "a manifest has no signature of its own",
            at=str(path),
            hint=f"name the session's {SUFFIX} file, or leave --key out",
        )
    session = manifest.read(path)[0]
    if session is None:
        hint = "name session_manifest_….json or session_….dsse.json"
        raise FormatError("this is no manifest", at=str(path), hint=hint)
    heads = ((one.lines, one.merkle_root) for one in session.artifacts)
    return tuple(Tree(lines=lines, merkle_root=root) for lines, root in heads if root and lines is not None)


def _signed(path: Path, key: Ed25519PublicKey | None) -> tuple[Tree, ...]:
    signed = envelope.read(path)
    problem = envelope.foreign(signed, key) if key else None
    if problem:
        raise FormatError(problem, at=str(path), hint="ask whoever signed it for the public key")
    return tuple(statement.read(signed.payload, str(path)).trees.values())
