"""Everything that was recorded, for other libraries: a networkx graph (and GraphML), an rdflib dataset.

In the networkx graph a node is an element, with its attributes; an edge is a relation, with all its arguments, its attributes and the bundle that
tells of it. Every value is text, a number or a truth value, so `networkx.write_graphml` takes it as it is: several values of one attribute are
one JSON array in order, names are written with their prefix where there is one.
"""

from __future__ import annotations

import io
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from lineage import formats
from lineage.prov.document import Document, Prefixes
from lineage.prov.statement import Name, Statement, Value, expanded
from lineage.prov.terms import XSD
from lineage.trace.reading import Library, Where, open_library

if TYPE_CHECKING:
    from networkx import MultiDiGraph
    from rdflib import Dataset

Scalar = str | int | float | bool
NOBODY = "unknown"  # the other end of a relation that names only one
_INTEGERS, _NUMBERS = {XSD + "integer", XSD + "int", XSD + "long"}, {XSD + "double", XSD + "float", XSD + "decimal"}
_NOT_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_MOST = 2**63  # GraphML's long


def graph(where: Where | Library = None, *, recursive: bool = False) -> MultiDiGraph[str]:
    """All elements and relations of all sessions, each relation from the newer thing to the older.

    A node has `kind` ("entity", "activity", "agent", or "unknown" where nothing declares it), `bundles` and its attributes; an edge `relation`, `bundle`, `id`,
    its other arguments by PROV-DM's names and its attributes.
    """
    return of_document(_document(where, recursive))


def rdf(where: Where | Library = None, *, recursive: bool = False) -> Dataset:
    """All sessions as RDF, each a named graph; what is said of the sessions stands in the default graph."""
    from rdflib import Dataset

    data = formats.dumps(_document(where, recursive), "trig")
    return Dataset().parse(io.BytesIO(data), format="trig")


def graphml(where: Where | Library = None, *, recursive: bool = False) -> bytes:
    """The graph as GraphML; the same sessions give the same bytes."""
    import networkx

    out = io.BytesIO()
    networkx.write_graphml(graph(where, recursive=recursive), out)
    return out.getvalue()


def _document(where: Where | Library, recursive: bool) -> Document:
    return (where if isinstance(where, Library) else open_library(where, recursive=recursive)).document()


def of_document(document: Document) -> MultiDiGraph[str]:
    """A document with its bundles as a graph."""
    import networkx

    prefixes = Prefixes(document.namespaces)
    made: MultiDiGraph[str] = networkx.MultiDiGraph()
    elements: dict[str, tuple[str, set[str], dict[str, set[Scalar]]]] = {}
    edges: list[tuple[str, str, dict[str, Scalar]]] = []
    for bundle, one in _statements(document):
        if one.term.is_element:
            _element(elements, one, _short(bundle, prefixes), prefixes)
        else:
            edges.append(_edge(one, _short(bundle, prefixes), prefixes))
    for name, (kind, bundles, about) in sorted(elements.items()):
        made.add_node(name, kind=kind, bundles=_flat(bundles), **{key: _flat(values) for key, values in sorted(about.items())})
    for newer, older, facts in sorted(edges, key=repr):
        for end in (newer, older):
            if end not in made:
                made.add_node(end, kind="unknown", bundles="")
        made.add_edge(newer, older, **facts)
    return made


def _statements(document: Document) -> Iterator[tuple[Name | None, Statement]]:
    yield from ((None, one) for one in expanded(document.statements))
    for bundle in document.bundles:
        yield from ((bundle.id, one) for one in expanded(bundle.statements))


def _element(
    elements: dict[str, tuple[str, set[str], dict[str, set[Scalar]]]], one: Statement, bundle: str, prefixes: Prefixes
) -> None:  # fmt: skip
    _, bundles, about = elements.setdefault(_short(one.id, prefixes), (one.term.name, set(), defaultdict(set)))
    bundles.add(bundle)
    for name, value in zip(one.term.args, one.args, strict=True):
        if value is not None:
            about[f"prov:{name}"].add(str(value))
    for key, values in _attributes(one, prefixes).items():
        about[key] |= values


def _edge(one: Statement, bundle: str, prefixes: Prefixes) -> tuple[str, str, dict[str, Scalar]]:
    """(newer, older, facts): the older end is the second argument, or the next that is there."""
    named = {name: value for name, value in zip(one.term.args, one.args, strict=True) if value is not None}
    first, *others = one.term.args
    end = next((name for name in others if isinstance(named.get(name), Name)), None)
    facts: dict[str, Scalar] = {"relation": one.term.name, "bundle": bundle}
    facts |= {"id": _short(one.id, prefixes)} if one.id else {}
    facts |= {"end": end} if end not in (None, others[0]) else {}
    facts |= {name: _short(value, prefixes) for name, value in named.items() if name not in (first, end)}
    facts |= {key: _flat(values) for key, values in sorted(_attributes(one, prefixes).items())}
    ends = [_short(named[name], prefixes) if name in named else NOBODY for name in (first, end or "")]
    return ends[0], ends[1], facts


def _attributes(one: Statement, prefixes: Prefixes) -> Mapping[str, set[Scalar]]:
    found: dict[str, set[Scalar]] = defaultdict(set)
    for name, value in one.attributes:
        found[_short(name, prefixes)].add(_scalar(value, prefixes))
    return found


def _scalar(value: Value, prefixes: Prefixes) -> Scalar:
    if isinstance(value, Name):
        return _short(value, prefixes)
    if value.datatype == XSD + "boolean":
        return value.lexical in ("true", "1")
    try:
        if value.datatype in _INTEGERS and -_MOST <= int(value.lexical) < _MOST:
            return int(value.lexical)
        return float(value.lexical) if value.datatype in _NUMBERS else _sayable(value.lexical)
    except ValueError:  # a foreign document may say "many" is an integer; then it is text
        return _sayable(value.lexical)


def _sayable(text: str) -> str:
    """*text* as XML 1.0 can hold it: what it cannot is written as Python writes it."""
    return _NOT_XML.sub(lambda found: repr(found[0])[1:-1], text)


def _flat(values: Iterable[Scalar]) -> Scalar:
    """One value as it is; several as a JSON array in order."""
    ordered = sorted(values, key=lambda one: (str(type(one)), str(one)))
    return ordered[0] if len(ordered) == 1 else json.dumps(ordered, ensure_ascii=False)


def _short(name: object, prefixes: Prefixes) -> str:
    """A name with its prefix; a time as it is."""
    split = prefixes.split(name) if isinstance(name, Name) else None
    return f"{split[0]}:{split[1]}" if split else str(name or "")
