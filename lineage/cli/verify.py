"""`lineage verify`: is this file what was recorded, and which lines are not?"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import click

from lineage.cli import processors, row, tell
from lineage.cli.progress import progress
from lineage.errors import NotFoundError, UsageError
from lineage.intake import Wanted, take_in
from lineage.integrity import proof as proofs
from lineage.integrity.differences import Change
from lineage.integrity.verify import Verdict, verify

FAILED, UNRECORDED = 4, 1


@click.command(
    "verify",
    epilog="Examples: lineage verify artifacts/*.jsonl · sed -n 12p data.jsonl | lineage verify --proof p.json --root $ROOT -",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option(
    "--proof", type=click.Path(path_type=Path), help="FILE is one record (- for stdin); check it by this proof, without its file."
)
@click.option("--root", metavar="HEX", help="The Merkle root to trust, from the manifest; needed with --proof.")
@click.option("--jobs", "-j", type=click.IntRange(1), help="Processes that read large files; one a processor if it is not given.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(files: tuple[str, ...], proof: Path | None, root: str | None, jobs: int | None, as_json: bool) -> int:
    """Read each FILE and hold it against the manifest that names it; name the lines that changed, are missing, were added or moved.

    Exit code 4 when a file is not what was recorded, 1 when nothing tells what it was.
    """
    if proof is not None:
        return _by_proof(files, proof, root)
    if root is not None:
        raise UsageError("--root goes with --proof", hint="without it the root is read from the manifest")
    verdicts = _verdicts([Path(file) for file in files], jobs or processors())
    if as_json:
        click.echo(json.dumps([_json(one) for one in verdicts], indent=2))
    else:
        for one in verdicts:
            _tell(one)
    if any(one.status == "altered" for one in verdicts):
        return FAILED
    return UNRECORDED if any(one.status == "unrecorded" for one in verdicts) else 0


def _verdicts(paths: list[Path], jobs: int) -> list[Verdict]:
    """Every file is read from end to end, whatever is remembered of it."""
    for path in paths:
        if not path.is_file():
            raise NotFoundError("no such file", at=str(path))
    verdicts = []
    with progress() as told:
        for one, found in take_in(
            [Wanted(path, str(path), hashed=True) for path in paths], jobs=jobs, recheck=True, sidecars="none", progress=told
        ):
            if isinstance(found, OSError):
                raise found
            verdicts.append(verify(one.path, found.seal))
    return verdicts


def _by_proof(files: tuple[str, ...], path: Path, root: str | None) -> int:
    if len(files) != 1 or root is None or not re.fullmatch("[0-9a-f]{64}", root):
        raise UsageError("a proof is checked with one record and a root", hint="lineage verify --proof P --root <64 hex digits> RECORD")
    record = sys.stdin.buffer.read() if files[0] == "-" else Path(files[0]).read_bytes()
    proof = proofs.read(path)
    wrong = proofs.holds(proof, record, root)
    row(f"{path}: {'not proved: ' + wrong if wrong else f'proved: line {proof.line} of {proof.lines}'}")
    return FAILED if wrong else 0


def _tell(one: Verdict) -> None:
    for change in one.changes:
        row(f"{one.file}:{change.now or change.before}: {_words(change)}")
    tell(f"{one.file}: {one.status}{f' ({one.note})' if one.note else ''}{f', {len(one.changes)} lines' if one.changes else ''}")


def _words(change: Change) -> str:
    if change.what == "missing":
        return "this line, as it was counted before, is missing"
    return change.what if change.before in (None, change.now) else f"{change.what} (line {change.before} before)"


def _json(one: Verdict) -> dict[str, object]:
    changes = [{"what": change.what, "before": change.before, "now": change.now} for change in one.changes]
    said = {"file": str(one.file), "status": one.status, "note": one.note, "sha256": one.found.sha256, "lines": one.found.lines}
    recorded = one.recorded
    roots = {"merkle_root": one.found.merkle_root, "recorded_merkle_root": recorded.merkle_root if recorded else None}
    return said | roots | {"recorded_sha256": recorded.sha256 if recorded else None, "changes": changes}
