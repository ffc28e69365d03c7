"""Answers -> bytes: the W3C's formats by the engine's own writers, and a table for people.

SELECT and ASK: SPARQL 1.1 Query Results JSON, and CSV and TSV (SPARQL 1.1 Query Results CSV and TSV Formats). CONSTRUCT and
DESCRIBE: Turtle. `jsonl` and `table` are ours and take both.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from pyoxigraph import QueryBoolean, QueryResultsFormat, QuerySolutions, RdfFormat, Triple, parse, parse_query_results, serialize

from lineage.core.printing import log_line
from lineage.errors import FormatError, UsageError
from lineage.store.sparql import Form
from lineage.store.terms import PREFIXES, Term, short, to_python

OUTPUTS = ("table", "json", "jsonl", "csv", "tsv", "turtle")
WIDTH = 60  # characters of a cell on a terminal; a file gets all
_HEX = re.compile(r"([0-9a-f]{12})[0-9a-f]{28,}")  # a digest on a terminal: its beginning is enough to ask with
_COLUMNS = ("subject", "predicate", "object")


@dataclass(slots=True)
class Answer:
    """The answer to a query; rows come as they are found, once.

    `columns` are the selected variables, or subject, predicate and object; empty for ASK, which has `truth` instead.
    """

    form: Form
    columns: tuple[str, ...]
    rows: Iterator[tuple[Term | None, ...]]
    truth: bool | None = None
    solutions: QuerySolutions | QueryBoolean | None = None  # what the engine's writers take; None for triples

    def values(self) -> Iterator[dict[str, Any]]:
        """Each row as Python values by column; what is unbound is None."""
        for row in self.rows:
            yield dict(zip(self.columns, map(to_python, row), strict=True))


def answer(form: Form, data: Any, triples: RdfFormat = RdfFormat.N_TRIPLES) -> Answer:
    """Read an answer from *data*, an object with `read`: SPARQL JSON results, or triples. Raises FormatError for what is neither."""
    try:
        if form == "graph":
            return Answer("graph", _COLUMNS, ((one.subject, one.predicate, one.object) for one in parse(data, triples)))
        found = parse_query_results(data, QueryResultsFormat.JSON)
    except (SyntaxError, ValueError) as error:
        raise FormatError(f"no SPARQL results: {error}", at="answer") from error
    if isinstance(found, QueryBoolean):
        return Answer("ask", (), iter(()), bool(found), found)
    columns = tuple(variable.value for variable in found.variables)
    return Answer("select", columns, (tuple(row) for row in found), None, found)


def default_output(form: Form) -> str:
    """What people read best: Turtle for triples, a table for rows."""
    return "turtle" if form == "graph" else "table"


def fits(form: Form, output: str) -> None:
    """Can an answer of this form be written so? Raises UsageError that says how it can."""
    if output not in OUTPUTS:
        raise UsageError(f"no format is called {output!r:.40}", at="--format", hint=f"use one of {', '.join(OUTPUTS)}")
    if output == "turtle" and form != "graph":
        raise UsageError("Turtle holds triples, and this query asks for rows", at="--format", hint="use table, json, jsonl, csv or tsv")
    if form == "graph" and output in ("json", "csv", "tsv"):
        raise UsageError(f"{output} holds rows, and this query asks for triples", at="--format", hint="use turtle, jsonl or table")


def write(found: Answer, output: str, out: BinaryIO, width: int | None = None) -> int | None:
    """Write an answer to *out*; returns how many rows it had, None where the engine's writer does not count. With *width*, cells of a table are cut there. Raises UsageError."""
    fits(found.form, output)
    return _WRITERS[output](found, out, width)


def _standard(kind: QueryResultsFormat) -> Callable[[Answer, BinaryIO, int | None], int | None]:
    def put(found: Answer, out: BinaryIO, width: int | None) -> None:
        solutions = found.solutions or parse_query_results(json.dumps({"head": {}, "boolean": found.truth}), QueryResultsFormat.JSON)
        solutions.serialize(out, kind)
        if found.form == "ask" or kind is QueryResultsFormat.JSON:
            out.write(b"\n")

    return put


def _turtle(found: Answer, out: BinaryIO, width: int | None) -> int:
    triples = [Triple(*row) for row in found.rows]  # type: ignore[arg-type]  # rows of a graph have no gaps
    serialize(triples, out, RdfFormat.TURTLE, prefixes=dict(PREFIXES))
    return len(triples)


def _jsonl(found: Answer, out: BinaryIO, width: int | None) -> int:
    if found.truth is not None:
        out.write(json.dumps({"boolean": found.truth}).encode() + b"\n")
        return 1
    count = 0
    for count, row in enumerate(found.values(), 1):  # noqa: B007
        told = {name: _finite(value) for name, value in row.items()}
        out.write(json.dumps(told, ensure_ascii=True, allow_nan=False).encode() + b"\n")
    return count


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they are text, as xsd:double writes them."""
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "INF" if value > 0 else "-INF"


def _table(found: Answer, out: BinaryIO, width: int | None) -> int:
    if found.truth is not None:
        out.write(b"true\n" if found.truth else b"false\n")
        return 1
    rows = [[_cell(short(term), width) for term in row] for row in found.rows]
    if rows:
        out.write("".join(_aligned(found.columns, rows)).encode("utf-8", "replace"))
    return len(rows)


def _aligned(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    table = [list(columns), *rows]
    widths = [max(len(row[n]) for row in table) for n in range(len(columns))]
    numeric = [all(_is_number(row[n]) for row in rows) for n in range(len(columns))]
    for row in table:
        cells = (cell.rjust(size) if right else cell.ljust(size) for cell, size, right in zip(row, widths, numeric, strict=True))
        yield "  ".join(cells).rstrip() + "\n"


def _is_number(cell: str) -> bool:
    return not cell or cell.lstrip("+-").replace(".", "", 1).isdecimal()


def _cell(text: str, width: int | None) -> str:
    """One line, with no character that could rewrite a terminal."""
    plain = log_line(text)
    plain = plain if width is None else _HEX.sub(r"\1…", plain)
    return f"{plain[: width - 1]}…" if width is not None and len(plain) > width else plain


_WRITERS: dict[str, Callable[[Answer, BinaryIO, int | None], int | None]] = {
    "table": _table,
    "json": _standard(QueryResultsFormat.JSON),
    "jsonl": _jsonl,
    "csv": _standard(QueryResultsFormat.CSV),
    "tsv": _standard(QueryResultsFormat.TSV),
    "turtle": _turtle,
}
