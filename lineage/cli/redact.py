"""`lineage redact`: a copy that may be published."""

from __future__ import annotations

from pathlib import Path

import click

from lineage.cli import printed_json, row, tell


@click.command("redact", epilog="Example: lineage redact artifacts/ -o published/ && lineage verify published/")
@click.argument("folder", type=click.Path(path_type=Path), default=Path("artifacts"), metavar="[FOLDER]")
@click.option(
    "--output",
    "-o",
    "out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="OUT",
    help="Where the copy goes; nothing may be there.",
)
@click.option(
    "--no-leaves", is_flag=True, help="Keep no commitment of a record: then none can be confirmed by guessing it, nor proved from the copy."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(folder: Path, out: Path, no_leaves: bool, as_json: bool) -> int:
    """Write a copy of FOLDER without users, hosts, paths, prompts and responses, in which digests and proofs still verify and the PROV is valid.

    What is not allowed by name and shape is left out. Of each record a commitment stays, its leaf in the Merkle tree: who holds the original
    record can prove it (lineage prove OUT/FILE:LINE, lineage verify --proof). A text that can be guessed can so be confirmed; --no-leaves keeps none.
    """
    from lineage.redaction.redact import redact

    made = redact(folder, out, leaves=not no_leaves)
    if as_json:
        printed_json({"folder": str(out), "files": made.files, "notes": list(made.notes)})
        return 0
    for name, what in made.files.items():
        row(f"{out / name}: {what}")
    for note in made.notes:
        tell(f"note: {note}")
    return 0
