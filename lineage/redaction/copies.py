"""Records and reports -> copies that may be published, and back to roots and proofs.

A line of a copy is `{"redacted": "<leaf hash of the original line>", "metadata": {…}}`: the leaves together have the root that the manifest records,
so a holder of an original record proves it with the copy alone. A leaf confirms a guess: all of a line but its text stands beside it in the copy, so
it hides a text no better than the text is hard to guess. Without leaves there is `null`, and proofs have to be made from the original.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from lineage.contract import report
from lineage.contract.lines import UnpackingError, numbered, text_of
from lineage.contract.strict import loads
from lineage.contract.writing import as_bytes
from lineage.core import limits
from lineage.errors import FormatError, NotFoundError, UsageError
from lineage.integrity.lines import metadata_of
from lineage.integrity.proof import Proof
from lineage.merkle import Tree, leaf_hash
from lineage.redaction.facts import Redactor

KEY = "redacted"
_HASH = re.compile("[0-9a-f]{64}")


def write_records(file: Path, out: BinaryIO, redactor: Redactor, *, leaves: bool = True) -> tuple[int, str]:
    """Write the copy of *file*, with a commitment in each line if *leaves*; the number of its original lines, and the Merkle root over them.

    Raises UsageError where a line is too long to be held, or the file cannot be unpacked: a copy of a part would have another root.
    """
    tree = Tree()
    try:
        with text_of(file) as text:
            for number, line in numbered(text):
                if line is None:
                    raise UsageError("the line is too long to be redacted", at=f"{file.name}:{number}")
                leaf = leaf_hash(line)
                tree.add(leaf)
                out.write(as_bytes(_line(leaf if leaves else None, line, redactor)) + b"\n")
    except UnpackingError as error:
        raise UsageError(f"the file cannot be unpacked: {error}", at=file.name) from error
    return tree.size, tree.finish()[0].hex()


def _line(leaf: bytes | None, line: bytes, redactor: Redactor) -> dict[str, Any]:
    record, _ = loads(line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n"))
    metadata = redactor.metadata(metadata_of(record)) if isinstance(record, dict) else {}
    return {KEY: leaf.hex() if leaf is not None else None, **({"metadata": metadata} if metadata else {})}


def report_of(file: Path, redactor: Redactor) -> bytes | None:
    """The copy of a report: its numbers and what was measured how, and none of its results; None where the file is no report."""
    if file.stat().st_size > limits.JSON:
        return None
    data = file.read_bytes()
    found, _ = report.read(data, file.name)
    if found is None:
        return None
    hidden = {"sha256": hashlib.sha256(data).hexdigest(), "results": found.result_count}
    whole = {"summary": redactor.metrics(found.summary), "metadata": redactor.metadata(found.metadata), "results": [], KEY: hidden}
    return as_bytes(whole, indent=True) + b"\n"


def leaves(file: Path) -> Iterator[bytes]:
    """The leaves that a copy of records keeps. Raises FormatError at a line that keeps none."""
    with text_of(file) as text:
        for number, line in numbered(text):
            said, problems = loads((line or b"").rstrip(b"\r\n"))
            leaf = said.get(KEY) if isinstance(said, dict) and not problems else None
            if not isinstance(leaf, str) or not _HASH.fullmatch(leaf):
                raise FormatError("the line keeps no commitment", at=f"{file}:{number}", hint="a redacted copy has one in each line")
            yield bytes.fromhex(leaf)


def is_copy(file: Path) -> bool:
    """Does the file begin as a copy of records does?"""
    try:
        return next(leaves(file), None) is not None
    except (FormatError, UnpackingError):
        return False


def prove(file: Path, line: int) -> Proof:
    """The proof of line *line* of the original of a copy, from the copy alone. Raises NotFoundError, and FormatError for what is no copy."""
    tree, mine = Tree(target=line - 1), b""
    for number, leaf in enumerate(leaves(file), 1):
        mine = leaf if number == line else mine
        tree.add(leaf)
    root, path = tree.finish()
    if not 1 <= line <= tree.size:
        raise NotFoundError(f"no such line: the file has {tree.size}", at=f"{file}:{line}")
    nodes = tuple(node.hex() for node in path)
    return Proof(file=file.name, line=line, lines=tree.size, merkle_root=root.hex(), leaf=mine.hex(), path=nodes)
