"""Derivations that go in a circle, which files named by their content can have and PROV forbids (PROV-CONSTRAINTS 42).

`A` filtered to `B` and later filled up to `A` again: both happened, and no order of generations fits both. The derivations of the
circle are left out of the document, and a finding says which.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from lineage.findings import Finding, finding
from lineage.prov.document import Bundle, Document
from lineage.prov.statement import Name, Statement, expanded
from lineage.prov.terms import DERIVATION

Graph = dict[Name, set[Name]]


def without_cycles(document: Document) -> tuple[Document, tuple[Finding, ...]]:
    """The document without the derivations inside a circle, looking at all its bundles together; and a finding for each circle."""
    full = document.read()
    every = [*full.statements, *(one for bundle in full.bundles for one in bundle.statements)]
    circle = _circles(_derivations(expanded(every)))
    if not circle:
        return document, ()
    kept = Document(
        full.namespaces, _outside(full.statements, circle), tuple(Bundle(b.id, _outside(b.statements, circle)) for b in full.bundles)
    )
    groups = sorted({tuple(sorted(name for name in circle if circle[name] == number)) for number in circle.values()})
    return kept, tuple(
        finding("derivation-cycle", group[0].rpartition("/")[2], None, ", ".join(n.rpartition("/")[2] for n in group)) for group in groups
    )


def _derivations(statements: Iterable[Statement]) -> Graph:
    graph: Graph = defaultdict(set)
    for one in statements:
        if one.term is DERIVATION and isinstance(one.args[0], Name) and isinstance(one.args[1], Name):
            graph[one.args[0]].add(one.args[1])
    return graph


def _circles(graph: Graph) -> dict[Name, int]:
    """For each name on a circle the number of its circle (a strongly connected component with an edge inside)."""
    if _ordered(graph):
        return {}
    import networkx  # only where there is a circle: it takes longer to load than to export

    whole = networkx.DiGraph((name, source) for name, sources in graph.items() for source in sources)
    parts = sorted(sorted(part) for part in networkx.strongly_connected_components(whole))
    return {name: number for number, part in enumerate(parts) for name in part if len(part) > 1 or name in graph.get(name, ())}


def _ordered(graph: Graph) -> bool:
    from graphlib import CycleError, TopologicalSorter

    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return False
    return True


def _outside(statements: Iterable[object], circle: dict[Name, int]) -> tuple[Statement, ...]:
    return tuple(one for one in statements if isinstance(one, Statement) and not _inside(one, circle))


def _inside(one: Statement, circle: dict[Name, int]) -> bool:
    first, second = (circle.get(arg) if isinstance(arg, Name) else None for arg in one.args[:2]) if one.term is DERIVATION else (None, None)
    return first is not None and first == second
