"""`lineage ask`: questions that have a name."""

from __future__ import annotations

from dataclasses import asdict

import click

from lineage.cli import document, printed_json, row, tell
from lineage.cli.asking import Where, asking, put
from lineage.errors import UsageError
from lineage.questions import Question, every, load
from lineage.questions.asking import bindings_of
from lineage.questions.resolve import Resolver
from lineage.store.results import default_output, fits
from lineage.store.sparql import bound, declared, form


@click.command(
    "ask",
    epilog="Examples: lineage ask made-by artifacts/sft_training_data.jsonl:12 · lineage ask between 2025-10-01 2025-11-01 · lineage ask --list",
)
@click.argument("name", required=False, metavar="NAME")
@click.argument("arguments", nargs=-1, metavar="[[NAME=]VALUE]…")
@click.option("--list", "listing", is_flag=True, help="Name the questions; with --format json, in full.")
@click.option("--show-sparql", is_flag=True, help="Print the query, its parameters bound, and do not ask it.")
@asking
def command(name: str | None, arguments: tuple[str, ...], listing: bool, show_sparql: bool, where: Where) -> int:
    """Ask a question that has a name; lineage ask --list tells them all. A file is given by its path, FILE:LINE where a record is meant, or
    the beginning of its sha256.

    Each question is a SPARQL query in a file: put your own in questions/, or in a folder that LINEAGE_QUESTIONS names.
    """
    if listing:
        return _list(where.timeout, as_json=where.output == "json")
    if name is None:
        raise UsageError("which question?", at="ask", hint="lineage ask --list names them")
    question = load(name, where.timeout)
    fits(form(question.sparql), where.output or default_output(form(question.sparql)))
    if show_sparql and not arguments:
        document(question.sparql, "sparql")
        return 0
    given = question.given(arguments)
    with where.target() as target:
        bindings, notes = bindings_of(question, given, Resolver(target, where.folders, where.timeout))
        for note in notes:
            tell(f"note: {note}")
        if show_sparql:
            document(declared(bound(question.sparql, bindings)), "sparql")
            return 0
        with target.asked(question.sparql, bindings, where.timeout) as found:
            put(found, where)
    return 0


def _list(timeout: float | None, *, as_json: bool) -> int:
    good, wrong = every(timeout)
    if as_json:
        printed_json([_json(one) for one in good])
    else:
        size = max(len(one.name) for one in good)
        for one in good:
            row(f"{one.name:<{size}}  {' '.join(_shown(param.name, param.optional) for param in one.params):<14}  {one.purpose}")
    for error in wrong:
        tell(str(error))
    return 1 if wrong else 0


def _json(one: Question) -> dict[str, object]:
    about = {"name": one.name, "purpose": one.purpose, "remarks": one.remarks, "example": one.example, "file": str(one.path)}
    return about | {"params": [asdict(param) for param in one.params]}


def _shown(name: str, optional: bool) -> str:
    return f"[{name.upper()}]" if optional else name.upper()
