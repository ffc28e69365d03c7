"""`lineage compare`: are two results comparable?"""

from __future__ import annotations

from pathlib import Path

import click

from lineage.cli import FAILED, printed_json, row, tracing
from lineage.comparison import reports
from lineage.comparison.verdict import compare


@click.command(
    "compare",
    epilog="Examples: lineage compare artifacts/evaluation_a.json artifacts/evaluation_b.json · lineage compare RUN RUN --markdown",
)
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@tracing.where
@click.option("--check", metavar="TEXT", help="How it was checked that two loaders agree: then another loader alone forbids nothing.")
@click.option("--all", "-v", "full", is_flag=True, help="Every fact, with its session, run and file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--markdown", "as_markdown", is_flag=True, help="A table for a pull request.")
def command(
    a: str, b: str, places: tuple[Path, ...], recursive: bool, check: str | None, full: bool, as_json: bool, as_markdown: bool
) -> int:
    """Compare two evaluations, data sets, models or sessions: are they comparable, and why not?

    A and B are reports, run ids, files, or folders with one evaluation or session each. At most 10 lines: the verdict, the
    difference that comes first with both values, what follows from it, the numbers with an exact paired test where the results
    carry verdicts, parameters without effect, and what is unknown. --all and --json have every fact with its place.

    The policy is docs/reference/comparability.md. What neither side recorded is unknown. Exit code 0 when they are
    comparable, 1 when they are not and when it is unknown.
    """
    found = compare(a, b, places or None, stated_check=check, recursive=recursive)
    if as_json:
        printed_json(reports.as_json(found))
    for line in () if as_json else reports.markdown(found) if as_markdown else reports.lines(found, full):
        row(line)
    return 0 if found.verdict == "comparable" else FAILED
