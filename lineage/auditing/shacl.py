"""The audit's profile as SHACL shapes (shapes.ttl), for the rules that a graph alone can show: run by pySHACL, which the extra `audit` brings."""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib.resources import files
from typing import TYPE_CHECKING

from lineage import formats
from lineage.auditing.world import Found, World
from lineage.errors import UsageError
from lineage.export import combined_document
from lineage.findings import RULES, finding
from lineage.prov.document import Document, flattened

if TYPE_CHECKING:
    from rdflib import Graph

SHAPES = "https://w3id.org/lineage-prov/shapes#"
_SH = "http://www.w3.org/ns/shacl#"


def text() -> str:
    """The shapes, as Turtle."""
    return (files("lineage.auditing") / "shapes.ttl").read_text("utf-8")


def codes() -> tuple[str, ...]:
    """The codes of the rules that have a shape."""
    from rdflib import RDF, Graph, URIRef

    graph = Graph().parse(data=text(), format="turtle")
    kinds = (URIRef(f"{_SH}{kind}") for kind in ("NodeShape", "PropertyShape"))
    shapes = (str(shape) for kind in kinds for shape in graph.subjects(RDF.type, kind))
    return tuple(sorted(shape.removeprefix(SHAPES) for shape in shapes if shape.startswith(SHAPES)))


def findings(world: World) -> Iterator[Found]:
    """What the shapes find in the graph of all sessions together. Raises UsageError where pySHACL is not installed."""
    document, _ = combined_document([session for _, session in world.placed], world.ids)
    for code, node in broken(flattened(document)):
        yield Found(finding(code, "the graph", None, node.rpartition("/")[2]))


def broken(document: Document) -> list[tuple[str, str]]:
    """(code, IRI) of each node that breaks a shape, in order. Raises UsageError where pySHACL is not installed."""
    try:
        from pyshacl import validate
    except ImportError as error:
        raise UsageError("--shacl needs pySHACL", hint="pip install 'lineage-prov[audit]'") from error
    from rdflib import Graph

    shapes = Graph().parse(data=text(), format="turtle")
    _, results, _ = validate(_graph(document), shacl_graph=shapes, inplace=True)
    if not isinstance(results, Graph):
        raise UsageError("pySHACL could not run the shapes", hint=str(results))
    return sorted(set(_results(results)))


def _graph(document: Document) -> Graph:
    from rdflib import Graph

    out = io.BytesIO()
    formats.dump(document, out, "turtle")
    return Graph().parse(data=out.getvalue(), format="turtle")


def _results(results: Graph) -> Iterator[tuple[str, str]]:
    from rdflib import URIRef

    for result, shape in results.subject_objects(URIRef(f"{_SH}sourceShape")):
        code = str(shape).removeprefix(SHAPES)
        if code in RULES:
            yield code, str(results.value(result, URIRef(f"{_SH}focusNode")))
