"""`lineage sign`: sessions under a signature."""

from __future__ import annotations

from pathlib import Path

import click

from lineage.cli import printed_json, row, tell
from lineage.contract.below import has_sessions, nothing_recorded
from lineage.core.words import counted
from lineage.errors import UsageError

SHOWN = 20  # files that are named; the rest is counted


@click.command("sign", epilog="Examples: lineage sign --new-key ~/.keys/lineage.pem · lineage sign artifacts/ --key ~/.keys/lineage.pem")
@click.argument("where", type=click.Path(path_type=Path), default=Path("artifacts"), metavar="[FOLDER|MANIFEST]")
@click.option("--key", type=click.Path(path_type=Path), metavar="PATH", help="The private key: PEM or OpenSSH, Ed25519.")
@click.option(
    "--new-key", type=click.Path(path_type=Path), metavar="PATH", help="Make a key there (its public half beside it, .pub), and end."
)
@click.option("--session", default="", metavar="ID", help="Only the session whose id begins so.")
@click.option("--after", type=click.Path(path_type=Path), metavar="ENVELOPE", help="The signature that comes before; by default the last in the folder.")  # fmt: skip
@click.option("--replace", is_flag=True, help="Sign anew what is signed already. Signatures that came after have a gap before them then.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave these files out; the signature says so (may be repeated).")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(
    where: Path,
    key: Path | None,
    new_key: Path | None,
    session: str,
    after: Path | None,
    replace: bool,
    exclude: tuple[str, ...],
    as_json: bool,
) -> int:
    """Sign each session that has ended: its manifest, journals, PROV and files by digest, and the Merkle roots of its files of records, as an in-toto
    statement in a DSSE envelope, `session_<id>.dsse.json` beside the manifest.

    Each signature names the one before it, so a session that is taken away shows. Keep the digest of the last one elsewhere, for
    `lineage verify --head`. Files of the folder that belong to no session are signed too. What is not signed is named, and the exit code is 1 where
    `lineage verify` would fail for it. The passphrase of a key is read from LINEAGE_KEY_PASSPHRASE.
    """
    from lineage.signing import keys
    from lineage.signing.sign import sign

    if new_key is not None:
        row(str(keys.new_key(new_key)))
        return 0
    if key is None:
        raise UsageError("which key?", hint="--key PATH; lineage sign --new-key PATH makes one")
    if where.is_dir() and not has_sessions(where):
        raise nothing_recorded(where, recursive="")
    signed = sign(where, key, session=session, after=after, replace_signature=replace, exclude=exclude)
    if as_json:
        told = [{"session_id": one.session_id, "signature": str(one.path), "sha256": one.sha256, "files": one.files, "new": one.is_new} for one in signed]  # fmt: skip
        printed_json(told)
    else:
        for one in signed:
            row(f"{one.path}: {counted(one.files, 'file')}{'' if one.is_new else ', signed before'}")
        tell(f"head: {signed[-1].sha256}")
    return 1 if where.is_dir() and not session and _tell_rest(where, exclude) else 0


def _tell_rest(folder: Path, exclude: tuple[str, ...]) -> bool:
    """Name what no signature of the folder covers. Return whether a check of the folder fails for it."""
    from lineage.signing.beside import not_covered, remaining
    from lineage.signing.sign import left_out

    sessions, files = left_out(folder, exclude), remaining(folder)
    for out in sessions:
        tell(f"not signed: {out.session_id}: {out.reason} ({out.hint})")
    rows = [*files, *not_covered(folder)]
    for name, why in rows[:SHOWN]:
        tell(f"not signed: {name}: {why}")
    if len(rows) > SHOWN:
        tell(f"not signed: {len(rows) - SHOWN:,} more: lineage verify {folder} --key PUB names them")
    return bool(sessions or files)
