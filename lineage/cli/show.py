"""`lineage show`: one record, as it stands in its file."""

from __future__ import annotations

import click

from lineage.cli import place, printed_json
from lineage.errors import UsageError
from lineage.integrity.lines import as_record
from lineage.merkle import leaf_hash
from lineage.trace.plain import record_known
from lineage.trace.record import RecordFile


@click.command("show", epilog="Example: lineage show artifacts/sft_training_data.jsonl:12")
@click.argument("record", metavar="FILE:LINE")
def command(record: str) -> int:
    """Print one record with its metadata, its line and its leaf hash, as one JSON document. `lineage why` tells where it came from."""
    path, line = place(record)
    if line is None:
        raise UsageError("which line?", at=record, hint="say FILE:LINE, lines count from 1")
    file = RecordFile(path)
    data = file.read(line)
    shown: dict[str, object] = {"file": str(path), "line": line, "bytes": len(data), "leaf_hash": leaf_hash(data).hex()}
    told = as_record(data, f"{path}:{line}")
    printed_json(shown | {"record": told, "known": record_known(file.why(line))})
    return 0
