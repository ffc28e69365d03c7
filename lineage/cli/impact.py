"""`lineage impact`: everything that was made from something."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from lineage.cli import row, tell, tracing
from lineage.consequences import Affected, Consequences, weigh
from lineage.core.words import share
from lineage.trace import asking, plain
from lineage.trace.answers import Impact

TITLES = {"file": "file", "output": "file", "model": "model", "score": "score"}


@click.command("impact", epilog="Examples: lineage impact loader:3f2a9c1e · lineage impact artifacts/sft_training_data.jsonl:12")
@click.argument("x", metavar="X")
@tracing.where
@click.option("--depth", type=click.IntRange(1), metavar="N", help="Follow N steps (default: all).")
@click.option("--format", "-f", "name", type=click.Choice(["table", *tracing.FORMATS, "json"]), default="table", help="How to print it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(x: str, places: tuple[Path, ...], recursive: bool, depth: int | None, name: str, as_json: bool) -> int:
    """List what was made from X: files, models and scores, each with the way that leads to it and what to do if X does not hold.

    X is a commit of the loader, a script, a model, a file, FILE:LINE, or whatever `lineage why` takes. A record counts where it was made;
    copies in other files count apart. A merged file has records that are concerned and others that are not: only the former count.

    The actions are those of docs/explanation/consequences.md. Exit code 3 when nothing is recorded of X.
    """
    library = tracing.library(x, places, recursive)
    found = asking.impact(x, library, depth=depth)
    tracing.tell_findings(library, (*found.start, *found.things))
    if name in tracing.FORMATS and not as_json:
        tracing.show([found], name)
        return 0
    affected = weigh(found)
    if as_json or name == "json":
        click.echo(json.dumps(plain.as_json(found) | affected.detail(), indent=2))
    for line in _table(found, affected) if not as_json and name == "table" else ():
        row(line)
    for note in found.notes:
        tell(f"note: {note}")
    return 0


def _table(found: Impact, affected: Consequences) -> Iterator[str]:
    yield _sentence(found, affected)
    shorts = {thing.id: thing.short for thing in (*found.start, *found.things)}
    for one in affected.affected:
        short = f" ({shorts[one.id]})" if shorts.get(one.id) and one.kind != "score" else ""
        yield f"{TITLES[one.kind]:<6} {_text(one)}{short}: {one.action}{f' ({one.settle})' if one.settle and not found.settle else ''}"
        if one.chain != one.name:
            yield f"{'':<6} {one.chain}"
    if affected:
        actions = ", ".join(f"{action} {count:,}" for action, count in affected.actions.items())
        yield f"to do  {actions}{f' ({found.settle})' if found.settle else ''}"


def _text(one: Affected) -> str:
    if one.kind == "file":
        return f"{one.name}: {share(one.records or 0, one.of, 'record')}"
    return one.text.partition(" ")[2] if one.kind != "output" else one.name


def _sentence(found: Impact, affected: Consequences) -> str:
    """What was asked for, and how much was made from it."""
    asked = found.asked if found.settle else ", ".join(thing.text for thing in found.start)
    count = {kind: len(affected.of_kind(kind)) for kind in TITLES}
    records = f"{_many(found.records, 'record')}{f' and {_copies(found.copies)}' if found.copies else ''}"
    parts = [f"{records} in {_many(count['file'], 'file')}"] if count["file"] else []
    parts += [
        _many(number, what)
        for number, what in ((count["model"], "model"), (count["score"], "score"), (count["output"], "other file"))
        if number
    ]
    sessions = _many(len(_sessions(found)), "session")
    if not parts:
        return f"{asked}: nothing that was recorded was made from it ({sessions} read)"
    verb = "may have been made with it" if found.settle else "concerned"
    return f"{asked}: {', '.join(parts)} {verb}, in {sessions}"


def _copies(count: int) -> str:
    return f"{count:,} {'copies' if count != 1 else 'copy'} of records"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"


def _sessions(found: Impact) -> set[str]:
    """The sessions in which something was made from it; where nothing was, those that record it."""
    return {one for thing in found.things if thing.kind == "activity" for one in thing.sessions} or {
        one for thing in (*found.things, *found.start) for one in thing.sessions
    }
