"""A SPARQL 1.1 endpoint: queries by the Protocol, sessions by the Graph Store Protocol or, where that is all there is, by Update.

Nothing is asked of the endpoint that these three do not define. What its default graph is, is its own: see the how-to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal as OneOf
from urllib.parse import urlencode

from pyoxigraph import Literal, NamedNode, RdfFormat

from lineage.errors import FormatError, LateError, LineageError, NotFoundError
from lineage.store.http import Endpoint, RefusedError, Reply
from lineage.store.results import Answer, answer
from lineage.store.sources import Graph
from lineage.store.sparql import Bindings, Form, bound, declared, form
from lineage.store.terms import guarded

Protocol = OneOf["auto", "gsp", "update"]
PROTOCOLS: tuple[Protocol, ...] = ("auto", "gsp", "update")
RESULTS = "application/sparql-results+json"
TRIPLES = "application/n-triples, text/turtle;q=0.9"
NO_GRAPH_STORE = frozenset([400, 404, 405, 406, 415, 501])  # what an endpoint says to a PUT that it does not know


@dataclass(frozen=True, slots=True)
class Remote:
    """An endpoint that is asked."""

    url: str

    @contextmanager
    def asked(self, query: str, bindings: Bindings | None = None, timeout: float | None = None) -> Iterator[Answer]:
        """The answer to *query*, while the block lasts. (SPARQL 1.1 Protocol, 2.1.2: a form that is posted.)

        Raises:
            UsageError: it would change the graph or open a connection. LateError: there is no answer in time. LineageError: the endpoint
            refuses it, cannot be reached, or answers something else than SPARQL results.
        """
        kind = form(query)
        text = declared(bound(query, bindings or {}))
        headers = {"Accept": TRIPLES if kind == "graph" else RESULTS, "Content-Type": "application/x-www-form-urlencoded"}
        reply = Endpoint(self.url, timeout).send("POST", urlencode({"query": text}).encode(), headers)
        try:
            yield _read(kind, reply)
        except (OSError, SyntaxError, ValueError, FormatError) as error:
            raise reply.error or _strange(reply, error) from error
        finally:
            reply.close()


def _read(kind: Form, reply: Reply) -> Answer:
    if kind != "graph" and reply.media_type not in (RESULTS, "application/json"):
        raise FormatError(f"not SPARQL results but {reply.media_type}")
    if kind == "graph":
        return answer(kind, reply, RdfFormat.from_media_type(reply.media_type) or RdfFormat.TURTLE)
    found = answer(kind, reply)
    if kind == "ask" and found.form == "select":  # Virtuoso's JSON for ASK is a row with a number, or none
        value = next(found.rows, (None,))[0]
        return Answer("ask", (), iter(()), isinstance(value, Literal) and value.value in ("1", "true"))
    return found


def _strange(reply: Reply, error: Exception) -> LineageError:
    hint = "is this the URL that answers queries?"
    return FormatError(
        f"the endpoint's answer cannot be read: {getattr(error, 'message', error)}"[:400], at=reply.endpoint.shown, hint=hint
    )


@dataclass(frozen=True, slots=True)
class Pushed:
    """What got to an endpoint, and how."""

    names: tuple[str, ...]
    protocol: Protocol


def push(url: str, graphs: Iterable[Graph], *, protocol: Protocol = "auto", timeout: float | None = None) -> Pushed:
    """Put each graph in place of what the endpoint has under its name. Doing it twice is doing it once.

    Args:
        protocol: "gsp" (SPARQL 1.1 Graph Store HTTP Protocol, 5.3), "update" (SPARQL 1.1 Update), or "auto": the first, and the second
        where the endpoint does not know the first.

    Raises:
        LineageError: the endpoint refuses a graph or cannot be reached; those before it are there.
    """
    endpoint = Endpoint(url, timeout)
    names: list[str] = []
    for graph in graphs:
        protocol = _put(endpoint, graph, protocol)
        names.append(graph.name)
    return Pushed(tuple(names), protocol)


def _put(endpoint: Endpoint, graph: Graph, protocol: Protocol) -> Protocol:
    """Send one graph; returns the protocol that worked."""
    if protocol == "update":
        _by_update(endpoint, graph)
        return "update"
    try:
        _by_graph_store(endpoint, graph)
    except (RefusedError, NotFoundError) as error:
        if protocol == "gsp" or (isinstance(error, RefusedError) and error.status not in NO_GRAPH_STORE):
            raise
        _by_update_instead(endpoint, graph, error)
        return "update"
    except LateError as error:
        hint = error.hint if protocol == "gsp" else f"{error.hint}; if this is the URL for updates, say --protocol update"
        raise LateError(error.message, at=error.at, hint=hint) from error
    return "gsp"


def _by_update_instead(endpoint: Endpoint, graph: Graph, first: LineageError) -> None:
    try:
        _by_update(endpoint, graph)
    except (RefusedError, NotFoundError) as error:
        hint = "lineage push needs the URL of a graph store or of an update endpoint: see docs/how-to/push-to-an-endpoint.md"
        raise LineageError(
            f"neither a graph store ({first.message}) nor an update endpoint ({error.message})", at=endpoint.shown, hint=hint
        ) from error


def _by_graph_store(endpoint: Endpoint, graph: Graph) -> None:
    """PUT replaces the graph (5.3); a second text of the same graph is merged by POST (5.5). N-Triples is Turtle, which every server reads."""
    for number, text in enumerate(graph.texts):
        endpoint.send("POST" if number else "PUT", text, {"Content-Type": "text/turtle"}, graph=graph.name).close()


def _by_update(endpoint: Endpoint, graph: Graph) -> None:
    """One request, which an endpoint should carry out as a whole (SPARQL 1.1 Update, 2.2). (SPARQL 1.1 Protocol, 2.2.2.)"""
    name = NamedNode(graph.name)
    # Virtuoso takes no node without a name in INSERT DATA, which the grammar allows; a template that holds once says the same.
    inserts = (f"INSERT {{ GRAPH {name} {{ {guarded(text.decode())} }} }} WHERE {{}}" for text in graph.texts)
    text = ";\n".join([f"DROP SILENT GRAPH {name}", *inserts])
    endpoint.send("POST", text.encode(), {"Content-Type": "application/sparql-update"}).close()
