"""`lineage impact`: everything that was made from something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from lineage.cli import row, tell, tracing
from lineage.trace import asking
from lineage.trace.answers import Impact


@click.command("impact", epilog="Examples: lineage impact loader:3f2a9c1e · lineage impact artifacts/sft_training_data.jsonl:12")
@click.argument("x", metavar="X")
@tracing.where
@click.option("--depth", type=click.IntRange(1), metavar="N", help="Follow N steps (default: all).")
@click.option("--format", "-f", "name", type=click.Choice(["table", *tracing.FORMATS, "json"]), default="table", help="How to print it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(x: str, places: tuple[Path, ...], recursive: bool, depth: int | None, name: str, as_json: bool) -> int:
    """Say what was made from X, with the numbers of records and the scores concerned. X is a commit of the loader, a script, a model, a file,
    FILE:LINE, or whatever `lineage why` takes.

    A record counts where it was made; copies that other files carried over count apart. A merged file holds some records that are concerned and
    some that are not: only the former are counted, and what was trained on the file is concerned all the same.
    """
    found = asking.impact(x, tracing.library(x, places, recursive), depth=depth)
    if as_json or name != "table":
        tracing.show([found], "json" if as_json else name)
        return 0
    for line in _table(found):
        row(line)
    for note in found.notes:
        tell(f"note: {note}")
    return 0


def _table(found: Impact) -> Iterator[str]:
    yield from (f"{'of':<8} {thing.text}" for thing in found.start)
    yield f"{'records':<8} {found.records:,} made, {found.copies:,} copies of them in other files"
    for one in found.files:
        total = f" of {one.total:,}" if one.total is not None else ""
        yield f"{'file':<8} {one.file.name}: {one.records:,}{total}{_carried(one.records - one.made)} ({one.file.short})"
    yield from (f"{'model':<8} {thing.text}" for thing in found.models)
    for score in found.scores:
        value = "not recorded" if score.value is None else f"{score.value:g}"
        yield f"{'score':<8} {score.metric.label} {value}, {score.report.text if score.report else 'report not recorded'}"
    yield f"{'in all':<8} {_many(len(found.things), 'thing')} in {_many(len(_sessions(found)), 'session')}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"


def _carried(copies: int) -> str:
    return f", {copies:,} carried over" if copies else ""


def _sessions(found: Impact) -> set[str]:
    """The sessions in which something came from it; where nothing did, those that tell of it."""
    return {one for thing in found.things if thing.kind == "activity" for one in thing.sessions} or {
        one for thing in (*found.things, *found.start) for one in thing.sessions
    }
