"""`lineage draw`: a picture of where things came from, or a page to explore it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lineage.cli import document, document_out, place, row, tell
from lineage.consequences.steps import with_steps
from lineage.core.printing import MARKUP
from lineage.core.words import counted
from lineage.core.writing import write_output
from lineage.draw.model import Model
from lineage.draw.picture import KINDS, find, render
from lineage.draw.reading import model
from lineage.draw.view import LIMIT, Around, Direction, Wish
from lineage.errors import UsageError
from lineage.subject import Subject, subject


@click.command(
    "draw",
    epilog="Examples: lineage draw artifacts/ -o graph.html · lineage draw artifacts/data.jsonl:12 -o why.svg · lineage draw graphs/lineage.trig --around model --direction future -o graph.mmd",
)
@click.argument("what", metavar="WHAT")
@click.option(
    "--output", "-o", required=True, metavar="PATH", help=f"Where to write; the suffix says what: {' '.join(KINDS)}; or - with --format."
)
@click.option("--format", "-f", "kind", type=click.Choice([suffix[1:] for suffix in KINDS]), help="What to write, whatever the suffix is.")
@click.option("--session", "-s", metavar="ID", help="Only the session whose id begins so.")
@click.option("--around", metavar="NODE", help="Only what is related to a thing: its id, the end of its id, or its label.")
@click.option("--depth", type=click.IntRange(0), help="How many relations away from it; all, if it is not given.")
@click.option(
    "--direction",
    type=click.Choice(["past", "future", "both"]),
    default="past",
    show_default=True,
    help="Its sources, its consequences, or both.",
)
@click.option("--agents", is_flag=True, help="Draw people, scripts and libraries too.")
@click.option("--configurations", is_flag=True, help="Draw parameters, environments and code versions too.")
@click.option(
    "--sessions",
    type=click.Choice(["auto", "open", "closed"]),
    default="auto",
    show_default=True,
    help="Draw what is inside of sessions: while it is legible, always, or not.",
)
@click.option(
    "--max-nodes", type=click.IntRange(1), default=LIMIT, show_default=True, help="Draw at most as many boxes; what is left out is counted."
)
@click.option("--force", is_flag=True, help="Draw every box, however many there are.")
@click.option("--legacy", is_flag=True, help="Accept files without metadata as unrecorded.")
@click.option("--recursive", "-r", is_flag=True, help="Sessions in folders inside of a folder too.")
def command(what: str, output: str, kind: str | None, session: str | None, legacy: bool, recursive: bool, **asked: Any) -> int:
    """Draw WHAT: an artifacts folder, a PROV file of any format, a file of records, or one record of it as FILE:LINE.

    Arrows point to the past, and the past is on the left. A picture never shows everything: sessions and files of records are closed where there are
    many, agents and configurations are left out, and the legend counts what is not drawn. `.html` is one page that works from a file, without a network.
    """
    kind = _kind(output, kind)
    path, line = place(what)
    found = subject(path, line, session=session, legacy=legacy, recursive=recursive)
    made = model(found.document, findings=found.findings, metadata=found.metadata, links=found.links(Path(output)) if output != "-" else {})
    if kind == ".html" or asked["direction"] != "past":
        made = with_steps(made, found.sessions, found.document)
    data = render(made, _wish(made, found, asked), kind)
    if output == "-":
        name = kind.removeprefix(".")
        if name in MARKUP:
            document(data.decode(), name)
            return 0
        out = document_out(name)
        out.write(data)
        out.flush()
        return 0
    write_output(Path(output), lambda out: out.write(data))
    row(output)
    if found.findings:
        tell(f"{counted(len(found.findings), 'finding')}, shown on the things that they concern")
    return 0


def _kind(output: str, kind: str | None) -> str:
    suffix = f".{kind}" if kind else Path(output).suffix.lower()
    if suffix not in KINDS:
        raise UsageError(f"unknown kind of picture {suffix!r:.40}", at=output, hint=f"use one of {' '.join(KINDS)}, or say --format")
    return suffix


def _wish(made: Model, found: Subject, asked: dict[str, Any]) -> Wish:
    name = asked["around"] or found.focus
    focus = find(made, name) if name else None
    if focus is None and asked["depth"] is not None:
        raise UsageError("--depth counts from a thing", hint="name it with --around")
    direction: Direction = asked["direction"]
    return Wish(
        agents=asked["agents"],
        configurations=asked["configurations"],
        sessions={"open": "all", "closed": "none"}.get(asked["sessions"], "auto"),  # type: ignore[arg-type]  # click has checked it
        around=None if focus is None else Around(focus, asked["depth"], direction),
        limit=len(made.nodes) + len(made.groups) + 1 if asked["force"] else asked["max_nodes"],
    )
