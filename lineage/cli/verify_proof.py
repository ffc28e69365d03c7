"""`lineage verify --proof`: a record against a root that is trusted, without its file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lineage.cli import row
from lineage.errors import UsageError
from lineage.integrity import proof as proofs
from lineage.integrity.proof import Proof

FAILED = 4
UNKNOWN = "no file of the manifest or signature has this root"
USE = "lineage verify --proof P --root <64 hex digits> --lines N RECORD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """What the user trusts: a root, with or without the number of lines, or a file with both."""

    root: str | None
    lines: int | None
    recorded: Path | None  # a manifest or a signature
    key: Path | None  # by whom the signature has to be


def by_proof(files: tuple[str, ...], path: Path, trusted: Trusted) -> int:
    """Check the proof at *path* of a record, print what it proves, and return the exit code."""
    given = (trusted.root is not None) + (trusted.recorded is not None)
    if len(files) != 1 or given != 1 or not re.fullmatch("[0-9a-f]{64}", trusted.root or "0" * 64):
        raise UsageError("a proof is checked with one record, and one root or manifest", hint=USE)
    record = proofs.read_record(None if files[0] == "-" else Path(files[0]))
    proof = proofs.read(path)
    root, lines = (trusted.root, trusted.lines) if trusted.root else _recorded(proof, trusted)
    wrong = UNKNOWN if root is None else proofs.holds(proof, record, root, lines)
    row(f"{path}: {_words(proof, wrong, lines)}")
    return FAILED if wrong else 0


def _recorded(proof: Proof, trusted: Trusted) -> tuple[str | None, int | None]:
    """Return the root and the number of lines that are recorded for the file of the proof."""
    from lineage.signing.heads import trees_in
    from lineage.signing.keys import public_key

    if trusted.recorded is None or trusted.lines is not None:
        raise UsageError("--lines goes with --root", hint="--recorded has the number of lines")
    key = public_key(trusted.key) if trusted.key else None
    every = trees_in(trusted.recorded, key)
    trees = [tree for tree in every if tree.merkle_root == proof.merkle_root]
    return (trees[0].merkle_root, trees[0].lines) if trees else (None, None)


def _words(proof: Proof, wrong: str | None, lines: int | None) -> str:
    if wrong:
        return f"not proved: {wrong}"
    if lines is None:
        claim = "proved: the record is a line of the file; its line number is not proved"
        return f"{claim} (add --lines N, from the manifest)"
    return f"proved: line {proof.line} of {lines}"
