"""`lineage report`: what was recorded, under the headings of those who ask."""

from __future__ import annotations

import json
from pathlib import Path

import click

from lineage.cli import document, row, tell, tracing

PROFILES = ("annex-iv", "model-card", "data-card", "methods")


@click.command(
    "report",
    epilog="Examples: lineage report --profile annex-iv -o evidence.md · lineage report --profile model-card adapter/ -o README.md",
)
@click.argument("x", metavar="[X]", required=False)
@click.option("--profile", type=click.Choice(PROFILES), required=True, help="Under whose headings.")
@tracing.where
@click.option("--output", "-o", type=click.Path(path_type=Path), metavar="FILE", help="Where it goes; stdout if not given.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(x: str | None, profile: str, places: tuple[Path, ...], recursive: bool, output: Path | None, as_json: bool) -> int:
    """Write an index of the evidence: for each clause or section the nodes, files and digests that answer it, and "not recorded" where nothing does.

    annex-iv: Regulation (EU) 2024/1689. model-card, data-card: with front matter for the Hugging Face Hub. methods: a paragraph for a paper.
    Of X all that it came from is told, else of everything. It never says that anything complies.

    Checks the files first, as `lineage audit` does. Problems are at the top of the page and on stderr, and no number, count
    or digest is given that a file does not support. Exit code 4 if a file is not what was recorded or signed, 1 for other problems.
    """
    from lineage.core.writing import write_output
    from lineage.evidence.report import report

    made = report(profile, x, places or None, recursive=recursive)
    text = json.dumps(made.json(), indent=2) + "\n" if as_json else str(made)
    if output is None:
        document(text, "json" if as_json else "markdown")
    else:
        row(str(write_output(output, lambda out: out.write(text.encode()))))
    for one in made.problems:
        tell(str(one))
    if not made.checked:
        tell("no file was checked: name the folder with --in")
    return made.code
