"""The graphs in memory, asked by pyoxigraph."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from pyoxigraph import BlankNode, DefaultGraph, NamedNode, QueryResultsFormat, QuerySolutions, QueryTriples, RdfFormat, Store

from lineage.core import limits
from lineage.errors import UsageError
from lineage.store.child import Child, Left, reading
from lineage.store.results import Answer
from lineage.store.seal import seal
from lineage.store.sources import Graph
from lineage.store.sparql import Bindings, Dataset, Form, bound, checked, failed, form, has_dataset
from lineage.store.terms import PREFIXES

Default = list[NamedNode | BlankNode | DefaultGraph] | None
Named = list[NamedNode | BlankNode] | None

# SPARQL 1.1 Query, 13.1: the default graph is the merge. The engine's own union of graphs tells a triple once for each graph it is in,
# so COUNT and SUM would count it as often; the merge is therefore kept as triples.
MERGE = "INSERT { ?s ?p ?o } WHERE { GRAPH ?g { ?s ?p ?o } }"


def in_memory(graphs: Iterable[Graph]) -> Store:
    """A store of *graphs*, their merge as its default graph."""
    store = Store()
    for name, text in ((graph.name, text) for graph in graphs for text in graph.texts):
        store.load(input=text, format=RdfFormat.N_TRIPLES, to_graph=NamedNode(name), lenient=True)
    store.update(MERGE)
    return store


@dataclass(frozen=True, slots=True)
class Memory:
    """A store of our own process, asked in processes that are forked from it."""

    store: Store
    memory: int = limits.QUERY_MEMORY  # bytes that a query may take beside the store

    @contextmanager
    def asked(
        self,
        query: str,
        bindings: Bindings | None = None,
        timeout: float | None = None,
        dataset: Dataset | None = None,
        left: Left | None = None,
    ) -> Iterator[Answer]:
        """The answer to *query*, while the block lasts.

        Raises:
            UsageError: it is no query, or it would change the graph or open a connection. LateError: it takes longer than *timeout* seconds or more memory than it may, or *left* says that who asked is gone.
        """
        form(query)
        work = partial(evaluate, self.store, query, bindings or {}, dataset=dataset, memory=self.memory)
        with Child(work, timeout, left, self.memory) as child, reading(child) as found:
            yield found


def check(query: str, timeout: float | None) -> None:
    """Have *query* read in a process of its own: planning it can take as long as answering it. Raises UsageError, LateError."""
    form(query)
    with Child(partial(_checked, query), timeout, memory=limits.QUERY_MEMORY) as child:
        child.read()


def _checked(query: str, out: BinaryIO) -> None:
    seal(memory=limits.QUERY_MEMORY)
    checked(query)


def evaluate(
    store: Store,
    query: str,
    bindings: Bindings,
    out: BinaryIO,
    *,
    hidden: NamedNode | None = None,
    dataset: Dataset | None = None,
    memory: int = limits.QUERY_MEMORY,
) -> None:
    """In a child, which is sealed: write the answer to *out*, a line of JSON that tells its form, then SPARQL JSON results or N-Triples.

    The query is read as it was written first, so that a mistake is told where its writer finds it.

    Raises:
        UsageError: the engine refuses the query. LineageError: it cannot go on.
    """
    seal(opens_files=hidden is not None, memory=memory)  # the engine opens the files of a store on disk as it needs them
    checked(query)
    try:
        default, named = _graphs(store, query, hidden, dataset)
        found = store.query(bound(query, bindings), prefixes=dict(PREFIXES), default_graph=default, named_graphs=named)
        if isinstance(found, QueryTriples):
            out.write(_head("graph"))
            found.serialize(out, RdfFormat.N_TRIPLES)
        else:
            out.write(_head("select" if isinstance(found, QuerySolutions) else "ask"))
            found.serialize(out, QueryResultsFormat.JSON)
    except SyntaxError as error:  # the query alone was good
        hint = "no value can be given for a variable that AS or BIND makes"
        raise UsageError(f"the parameters cannot be bound: {error}", at="--param", hint=hint) from error
    except (RuntimeError, OSError) as error:
        raise failed(query, error) from error


def _graphs(store: Store, query: str, hidden: NamedNode | None, dataset: Dataset | None) -> tuple[Default, Named]:
    """The graphs that *query* is about, as the engine takes them; None leaves it to the query."""
    if dataset is not None:
        default: Default = [one for one in (dataset.default,) if one is not None and one != hidden]
        return default, [one for one in dataset.named if one != hidden]
    if hidden is None or has_dataset(query):
        return None, None
    return None, [graph for graph in store.named_graphs() if graph != hidden]


def _head(form: Form) -> bytes:
    return json.dumps({"form": form}).encode() + b"\n"
