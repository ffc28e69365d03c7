"""`lineage compare`: are two results comparable?"""

from __future__ import annotations

from pathlib import Path

import click

from lineage.cli import FAILED, printed_json, row, tell, tracing
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
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--markdown", "as_markdown", is_flag=True, help="A table for a pull request.")
def command(a: str, b: str, places: tuple[Path, ...], recursive: bool, check: str | None, as_json: bool, as_markdown: bool) -> int:
    """Say whether A and B are comparable, not comparable, or whether it is unknown: two evaluations (a report, a run id), two data sets, two models
    or two sessions. Each difference is ranked (breaks, may change, cosmetic), with the session, run and file where it stands.

    The policy is docs/reference/comparability.md. What was not recorded is unknown, also where neither recorded it. Exit code 0 when they are
    comparable, 1 when they are not and when it is unknown.
    """
    found = compare(a, b, places or None, stated_check=check, recursive=recursive)
    if as_json:
        printed_json(reports.as_json(found))
    for line in () if as_json else reports.markdown(found) if as_markdown else reports.lines(found):
        row(line)
    if found.verdict == "unknown":
        tell(f"unknown: {', '.join(one.rule.what for one in found.having('unknown', 'breaks'))}")
    return 0 if found.verdict == "comparable" else FAILED
