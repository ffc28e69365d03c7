"""What the verbs that walk the graph share: where they look, and how they print."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lineage.cli import printed_json, row, tell
from lineage.core.words import counted

if TYPE_CHECKING:
    from lineage.findings import Finding
    from lineage.trace.answers import Lineage
    from lineage.trace.reading import Library
    from lineage.trace.things import Thing

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
    """Read the folders that are asked, else the folder around *x*."""
    from lineage.trace.asking import library_of

    return library_of(x, places or None, recursive)


def tell_findings(read: Library, things: Iterable[Thing]) -> None:
    """Name on stderr the errors in the files that an answer depends on, and the command that lists all of them."""
    read_from = list(things)
    files = {place for thing in read_from for place in thing.places}
    sessions = {session for thing in read_from for session in thing.sessions}
    errors = [one for one in read.findings if one.rule.level == "error" and _concerns(one, files, sessions)]
    if errors:
        folders = " ".join(map(str, read.folders))
        first = f"{errors[0].file}: {errors[0].rule.title}"
        also = f" and {counted(len(errors) - 1, 'more problem')}" if len(errors) > 1 else ""
        tell(f"note: {first}{also} (lineage audit {folders})")


def _concerns(one: Finding, files: set[str], sessions: set[str]) -> bool:
    """Return whether a finding is about a file of the answer, or about the manifest or PROV of a session in it."""
    parts = one.file.split("/")
    ways = {"/".join(parts[start:]) for start in range(len(parts))}
    return bool(ways & files) or any(session in parts[-1] for session in sessions)


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
