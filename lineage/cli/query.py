"""`lineage query`: ask the combined graph in SPARQL."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from pyoxigraph import Literal, NamedNode

from lineage.cli import tell
from lineage.cli.asking import Where, asking, put
from lineage.core import limits
from lineage.core.reading import read_whole
from lineage.errors import NotFoundError, UsageError
from lineage.store.embedded import check
from lineage.store.results import default_output, fits
from lineage.store.sparql import Bindings, form
from lineage.store.terms import KINDS, of_kind


@click.command(
    "query", epilog="Example: lineage query 'SELECT ?file ?count { ?f a lin:RecordFile ; prov:atLocation ?file ; lin:count ?count }'"
)
@click.argument("query", metavar="QUERY")
@click.option(
    "--param",
    "-p",
    "params",
    multiple=True,
    metavar="NAME[:KIND]=VALUE",
    help=f"Bind ?NAME to a value; a string, or one of {', '.join(KINDS)}.",
)
@asking
def command(query: str, params: tuple[str, ...], where: Where) -> int:
    """Ask the graph of all sessions in SPARQL 1.1. QUERY is the query itself, a file that ends in .rq, or - for standard input.

    The prefixes lin, prov, id, param, mls, fair4ml, dqv, dcterms, schema, rdf, rdfs and xsd are known. Each session is a named graph, the
    default graph is all of them together. Nothing is changed, and nothing but --endpoint is connected to.
    """
    text = _text(query)
    kind = form(text)
    fits(kind, where.output or default_output(kind))
    if not where.endpoint:
        check(text, where.timeout)  # before anything is read: a mistake is told at once
    with where.target() as target, target.asked(text, _bindings(params), where.timeout) as found:
        put(found, where)
    return 0


def _text(query: str) -> str:
    if query == "-":
        return sys.stdin.read()
    if not query.endswith(".rq"):
        return query
    path = Path(query)
    if not path.is_file():
        raise NotFoundError("no such file", at=query, hint="a query in a file ends in .rq; else give the query itself")
    try:
        return read_whole(path, limits.QUERY_FILE).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError("the file is no UTF-8", at=query) from error


def _bindings(params: tuple[str, ...]) -> Bindings:
    found: dict[str, list[NamedNode | Literal]] = {}
    for param in params:
        name, equals, value = param.partition("=")
        name, _, kind = name.lstrip("?$").partition(":")
        if not equals or not name.isidentifier():
            raise UsageError(
                "a parameter is NAME=VALUE", at=f"--param {param[:60]!r}", hint="say --param file=data.jsonl, or --param n:integer=5"
            )
        if name in found:
            tell(f"note: ?{name} is given more than once: any of its values fits")
        found.setdefault(name, []).append(of_kind(kind or "string", value))
    return found
