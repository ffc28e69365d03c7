"""`lineage path`: how one thing came from another."""

from __future__ import annotations

from pathlib import Path

import click

from lineage.cli import NOT_FOUND, printed_json, row, tell, tracing
from lineage.trace import asking, pictures, plain
from lineage.trace.search import on_disk


@click.command("path", epilog="Example: lineage path artifacts/evaluation.json prompts.jsonl")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@tracing.where
@click.option("--all", "-a", "every", is_flag=True, help="All ways that are as short, and not one of them.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(a: str, b: str, places: tuple[Path, ...], recursive: bool, every: bool, as_json: bool) -> int:
    """Show the shortest way from the newer of A and B back to the older. Each is whatever `lineage why` takes. Exit code 3 when neither came
    from the other.
    """
    first = a if on_disk(a) else b
    library = tracing.library(first, places, recursive)
    found = asking.path(a, b, library)
    on_the_way = {name for way in found.ways for link in way for name in (link.newer, link.older)}
    tracing.tell_findings(library, (*found.newer, *found.older, *(found.graph.thing(found.graph.index[name]) for name in on_the_way)))
    if as_json:
        printed_json(plain.paths_json(found))
    for line in () if as_json else pictures.path_lines(found.graph, found.ways if every else found.ways[:1]):
        row(line)
    if found.ways == ((),) and not as_json:
        row(f"{found.newer[0].text}: both are this")
    if len(found.ways) > 1 and not every and not as_json:
        tell(f"note: {len(found.ways) - 1} more as short: --all")
    if not found:
        tell(f"no path: neither {a} nor {b} came from the other, as far as it was recorded")
    return 0 if found else NOT_FOUND
