"""N-Quads, written as a stream.  A node without a name is `_:b<number>`, counted from the beginning of the document."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import BinaryIO

from lineage.formats.batches import Template, free_marker
from lineage.formats.rdf import Node, Object, triples
from lineage.formats.turtle import escape
from lineage.prov.document import Document, Statements
from lineage.prov.statement import Batch, Literal, Name, Statement
from lineage.prov.terms import XSD


def write_nquads(document: Document, out: BinaryIO) -> None:
    """Write *document*; a bundle is the graph of its quads."""
    writer = _Writer(out)
    writer.statements(document.statements, "")
    for bundle in document.bundles:
        writer.statements(bundle.statements, f"<{bundle.id}> ")


class _Writer:
    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._nodes = count(1)
        self._batches = count(1)

    def statements(self, statements: Statements, graph: str) -> None:
        for one in statements:
            if isinstance(one, Batch):
                self._batch(one, graph)
            else:
                self._out.write(_lines(one, graph, lambda: f"_:b{next(self._nodes)}").encode())

    def _batch(self, batch: Batch, graph: str) -> None:
        """The nodes of a batch are `_:b<batch>r<row>n<node>`: no label is drawn twice."""
        marker = free_marker("".join(_lines(one, graph, lambda: "_:x") for one in batch.template))
        prefix, node = f"_:batch{next(self._batches)}", count(1)
        text = "".join(_lines(one, graph, lambda: f"{prefix}r{marker}n{next(node)}") for one in batch.template)
        for chunk in Template(text, batch, escape, marker).fill(batch.rows):
            self._out.write(chunk)


def _lines(one: Statement, graph: str, label: Callable[[], str]) -> str:
    lines: list[str] = []
    for subject, predicate, value in triples(one):
        _add(lines, f"<{subject}>", predicate, value, graph, label)
    return "".join(lines)


def _add(lines: list[str], subject: str, predicate: Name, value: Object, graph: str, label: Callable[[], str]) -> None:
    if isinstance(value, Node):
        node = label()
        lines.append(f"{subject} <{predicate}> {node} {graph}.\n")
        for inner, of in value.properties:
            _add(lines, node, inner, of, graph, label)
    else:
        lines.append(f"{subject} <{predicate}> {_object(value)} {graph}.\n")


def _object(value: Name | Literal) -> str:
    if isinstance(value, Name):
        return f"<{value}>"
    quoted = f'"{escape(value.lexical)}"'
    if value.language:
        return f"{quoted}@{value.language}"
    return quoted if value.datatype == XSD + "string" else f"{quoted}^^<{Name(value.datatype)}>"
