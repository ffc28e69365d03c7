"""`lineage demo`: the main job, on a real model made on the spot."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from lineage import export
from lineage.cli import row, tell
from lineage.errors import UsageError

FORGED = frozenset({"altered-file", "missing-file", "metric-differs"})  # what the forgeries of the demo are called


@click.command("demo", epilog="Example: lineage demo --records 50")
@click.option("--artifacts", default="artifacts", show_default=True, type=click.Path(path_type=Path), help="Where to record.")
@click.option("--graphs", type=click.Path(path_type=Path), help="Where the combined graph goes.")
@click.option("--records", default=200, show_default=True, type=click.IntRange(1), help="How many records to generate.")
def command(artifacts: Path, graphs: Path | None, records: int) -> None:
    """Build a tiny model, generate records with it, evaluate it, and export the lineage of all that. Needs no network."""
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise UsageError("the demo runs a real model", hint="pip install 'lineage-prov[models]'")
    from lineage.models import demo

    opened = demo.run(artifacts, graphs, records=records, echo=tell)
    for path in sorted((*artifacts.glob("*.jsonl"), *artifacts.glob(f"*{opened.id}*"), *artifacts.glob("evaluation_*.json"))):
        row(str(path))
    where = graphs or export.graphs_of(artifacts)
    for path in sorted(where.glob("lineage.*")):
        row(f"{path.parent.name}/{path.name}")
    tell("forging a record, a number and a file name in a copy; what `lineage audit` finds there:")
    for line in _found(artifacts):
        row(line)
    tell(_next(artifacts))


def _found(artifacts: Path) -> Iterator[str]:
    """What an audit finds in a forged copy, and what rests on it."""
    from lineage.auditing.audit import audit
    from lineage.auditing.plain import place, told
    from lineage.models.forgery import forged

    with TemporaryDirectory(prefix="lineage-") as there:
        for one in audit(forged(artifacts, Path(there) / "forged")).open:
            if one.finding.code in FORGED:
                yield f"{place(one)}: {one.finding.rule.title}: {told(one)}"
                if one.consequences:
                    yield f"  makes doubtful: {one.consequences}"


def _next(artifacts: Path) -> str:
    return "\n".join(
        (
            "Try next:",
            f"  jq '.metadata.provenance' {artifacts}/sft_training_data_*.jsonl | head -1",
            f"  jq '.metadata.provenance' {artifacts}/evaluation_*.json | head -1",
            f"  ls {artifacts}/session_manifest_*.json",
            f"  lineage verify {artifacts}/sft_training_data_*.jsonl",
            f"  lineage audit {artifacts}",
            f"  lineage session list {artifacts}",
            f"  lineage export {artifacts} --format provn --output -",
            f"  lineage draw {artifacts} -o lineage.html",
            "and open graphs/lineage.svg or lineage.html in a browser.",
        )
    )
