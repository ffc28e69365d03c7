"""What the verbs that walk the graph share: where they look, and how they print."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lineage.cli import printed_json, row, tell

if TYPE_CHECKING:
    from lineage.trace.answers import Lineage
    from lineage.trace.reading import Library

FORMATS = ("steps", "tree", "dot", "mermaid")


def where(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where to look."""
    command = click.option("--recursive", "-r", is_flag=True, help="Sessions in folders inside the folders too.")(command)
    inside = click.option(
        "--in",
        "places",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="A folder of artifacts, or a PROV file (may be repeated). By default the folder around the file, else artifacts.",
    )
    return inside(command)


def library(x: str, places: tuple[Path, ...], recursive: bool) -> Library:
    """What is looked through; findings in it are counted on stderr, for an answer is as good as what was read."""
    from lineage.trace.asking import library_of

    read = library_of(x, places or None, recursive)
    serious = [one for one in read.findings if one.rule.level == "error"]
    if serious:
        tell(f"note: {len(serious)} finding{'s' if len(serious) > 1 else ''} in what was read, the first: {serious[0]}")
    return read


def show(answers: Sequence[Lineage], name: str) -> None:
    """Print answers in one of the formats; as `json` they are one document, several under their directions."""
    from lineage.trace import pictures, plain, stages

    drawn: dict[str, Callable[[Lineage], Iterator[str]]] = {"steps": stages.stages}
    drawn |= {"tree": pictures.tree, "dot": pictures.dot, "mermaid": pictures.mermaid}
    if name == "json":
        told = {one.direction: plain.as_json(one) for one in answers}
        printed_json(told if len(told) > 1 else next(iter(told.values())))
    for found in answers if name != "json" else ():
        for line in drawn[name](found):
            row(line)
    for note in dict.fromkeys(note for found in answers for note in found.notes):
        tell(f"note: {note}")
