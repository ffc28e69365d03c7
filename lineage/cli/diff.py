"""`lineage diff`: two sessions, fact by fact."""

from __future__ import annotations

from pathlib import Path

import click

from lineage.cli import FAILED, printed_json, row, tell, tracing
from lineage.comparison import session_reports as reports
from lineage.comparison.sessions import diff
from lineage.core.words import counted


@click.command("diff", epilog="Example: lineage diff 20251004T120000Z 20251005T090000Z --markdown")
@click.argument("one", metavar="SESSION")
@click.argument("other", metavar="SESSION")
@tracing.where
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--markdown", "as_markdown", is_flag=True, help="A table for a pull request.")
def command(one: str, other: str, places: tuple[Path, ...], recursive: bool, as_json: bool, as_markdown: bool) -> int:
    """Show which facts of two sessions differ: environment, code, runs, parameters, artifacts and metrics; ids and times are left out.

    A session is named by its id, a unique beginning of it, its manifest, or a folder that holds no other. Exit code 1 when anything differs.
    """
    found = diff(one, other, places or None, recursive=recursive)
    if as_json:
        printed_json(reports.diff_json(found))
    for line in () if as_json else reports.diff_markdown(found) if as_markdown else reports.diff_lines(found):
        row(line)
    tell(f"{counted(len(found.changes), 'fact differs', 'facts differ')}, {counted(found.equal, 'is equal', 'are equal')}")
    return FAILED if found.changes else 0
