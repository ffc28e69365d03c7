"""`lineage verify`: is this file what was recorded, and which lines are not?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineage.cli import printed_json, processors, row, tell, verify_folder
from lineage.cli.progress import progress
from lineage.cli.verify_proof import Trusted, by_proof
from lineage.contract.around import sessions_around
from lineage.core.words import counted
from lineage.errors import NotFoundError, UsageError
from lineage.intake import Wanted, take_in
from lineage.integrity.differences import Change
from lineage.integrity.index import path_of
from lineage.integrity.verify import Verdict, verify

if TYPE_CHECKING:
    from lineage.consequences import Consequences

FAILED, UNRECORDED = 4, 1


@click.command(
    "verify",
    epilog="Examples: lineage verify artifacts/*.jsonl · lineage verify artifacts/ --key lineage.pem.pub · sed -n 12p data.jsonl | lineage verify --proof p.json --root $ROOT --lines 200 -",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE…|FOLDER|MANIFEST")
@click.option(
    "--proof", type=click.Path(path_type=Path), help="FILE is one record (- for stdin); check it by this proof, without its file."
)
@click.option("--root", metavar="HEX", help="With --proof: the Merkle root to trust, from the manifest.")
@click.option("--lines", type=click.IntRange(0), metavar="N", help="With --root: the file's number of lines, from the manifest.")
@click.option(
    "--recorded", type=click.Path(path_type=Path), metavar="PATH", help="With --proof: a manifest or signature to trust, not --root."
)
@click.option("--key", type=click.Path(path_type=Path), metavar="PUB", help="The public key (PEM or OpenSSH): check the signatures of a folder or manifest.")  # fmt: skip
@click.option("--head", metavar="HEX", help="With --key: digest of the last signature you saved earlier. Fails if later sessions were deleted.")  # fmt: skip
@click.option("--recursive", "-r", is_flag=True, help="With --key: check sessions in folders inside FOLDER too.")
@click.option("--jobs", "-j", type=click.IntRange(1), help="Processes for large files (default: one a processor).")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(
    files: tuple[str, ...],
    proof: Path | None,
    root: str | None,
    lines: int | None,
    recorded: Path | None,
    key: Path | None,
    head: str | None,
    recursive: bool,
    jobs: int | None,
    as_json: bool,
) -> int:
    """Compare each FILE with the manifest that names it. Name the lines that were changed, added, moved or removed.

    With --key, check the signatures of a FOLDER or of one MANIFEST: every signed file, the Merkle roots of its lines, and the chain of sessions.
    Records, models and scores that depend on a changed file are listed.

    Exit code 4: a file differs from what was recorded or signed. Exit code 1: nothing is recorded of it, or its index was altered.
    """
    if proof is not None:
        return by_proof(files, proof, Trusted(root=root, lines=lines, recorded=recorded, key=key))
    if root is not None or lines is not None or recorded is not None:
        raise UsageError("--root, --lines and --recorded go with --proof", hint="without a proof the root is read from the manifest")
    if key is not None or head is not None:
        return _by_signature(files, key, head, recursive, as_json)
    if len(files) == 1 and Path(files[0]).is_dir():
        return verify_folder.by_record(Path(files[0]), as_json)
    verdicts = _verdicts([Path(file) for file in files], jobs or processors())
    rests = [_rests_on(one) for one in verdicts]
    if as_json:
        told = [_json(one) | {"invalidates": verify_folder.as_json(rest)} for one, rest in zip(verdicts, rests, strict=True)]
        printed_json(told)
    for one, rest in zip(verdicts, rests, strict=True) if not as_json else ():
        _tell(one, rest)
    if any(one.status == "altered" for one in verdicts):
        return FAILED
    return UNRECORDED if any(one.status == "unrecorded" or one.index_problem for one in verdicts) else 0


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


def _by_signature(files: tuple[str, ...], key: Path | None, head: str | None, recursive: bool, as_json: bool) -> int:
    if key is None or len(files) != 1:
        raise UsageError("signatures are checked of one folder or manifest, with a key", hint="lineage verify artifacts/ --key PUB")
    return verify_folder.by_signature(Path(files[0]), key, head, recursive, as_json)


def _rests_on(one: Verdict) -> Consequences | None:
    """What came of the file as it was recorded, if it is that no longer."""
    if one.status != "altered" or one.recorded is None or one.recorded.sha256 is None:
        return None
    from lineage.consequences.changed import Weighing

    return Weighing(sessions_around(one.file)[0]).of([one.recorded.sha256], one.changes)


def _tell(one: Verdict, rests: Consequences | None) -> None:
    for change in one.changes:
        row(f"{one.file}:{change.now or change.before}: {_words(change)}")
    if rests:
        verify_folder.show(rests, set())
    if one.index_problem:
        row(f"{one.file}: its index is not used: {one.index_problem}: delete {path_of(one.file)}")
    lines = f", {counted(len(one.changes), 'line')}" if one.changes else ""
    tell(f"{one.file}: {one.status}{f' ({one.note})' if one.note else ''}{lines}")


def _words(change: Change) -> str:
    if change.what == "missing":
        return "this line, as it was counted before, is missing"
    return change.what if change.before in (None, change.now) else f"{change.what} (line {change.before} before)"


def _json(one: Verdict) -> dict[str, object]:
    changes = [{"what": change.what, "before": change.before, "now": change.now} for change in one.changes]
    said = {"file": str(one.file), "status": one.status, "note": one.note, "sha256": one.found.sha256, "lines": one.found.lines}
    recorded = one.recorded
    roots = {"merkle_root": one.found.merkle_root, "recorded_merkle_root": recorded.merkle_root if recorded else None}
    said |= {"index_problem": one.index_problem or None}
    return said | roots | {"recorded_sha256": recorded.sha256 if recorded else None, "changes": changes}
