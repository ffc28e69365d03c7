"""`lineage prove`: that one line belongs to a file."""

from __future__ import annotations

import json
from pathlib import Path

import click

from lineage.cli import document, place, row
from lineage.core.writing import write_output
from lineage.errors import UsageError
from lineage.integrity.proof import prove
from lineage.redaction import copies


@click.command("prove", epilog="Example: lineage prove artifacts/sft_training_data.jsonl:12 --output line-12.proof.json")
@click.argument("record", metavar="FILE:LINE")
@click.option("--output", "-o", metavar="PATH", default="-", help="Where the proof goes; stdout if not given.")
def command(record: str, output: str) -> int:
    """Write a proof that a line belongs to a file, for someone who has the file's Merkle root and not the file.

    `lineage verify --proof` checks it. The proof holds hashes only, nothing of the record. FILE may be a redacted copy: the proof is of the original's line.
    """
    path, line = place(record)
    if line is None:
        raise UsageError("which line?", at=record, hint="say FILE:LINE, lines count from 1")
    made = copies.prove(path, line) if path.is_file() and copies.is_copy(path) else prove(path, line)
    text = f"{json.dumps(made.json(), indent=2)}\n"
    if output == "-":
        document(text)
    else:
        row(str(write_output(Path(output), lambda out: out.write(text.encode()))))
    return 0
