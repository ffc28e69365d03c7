"""Answer queries as the SPARQL 1.1 Protocol defines it, within limits of time and size.

    400         no query, or a wrong one
    403         the query would change the graph or open a connection
    406         no accepted media type fits
    413, 415    the body is too large, or of another type
    503         the time is over

An answer is kept until it is complete, so that a query that fails half-way has a status too.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import parse_qs

from pyoxigraph import NamedNode, RdfFormat, parse, serialize
from starlette.responses import Response

from lineage.errors import ForbiddenError, LateError, LineageError, NotFoundError, UsageError
from lineage.server.media import TRIPLES, chosen, content_type, media_for, write
from lineage.server.reply import Refusal
from lineage.store.child import Left
from lineage.store.embedded import Memory
from lineage.store.saved import Saved
from lineage.store.sparql import Dataset, form
from lineage.store.terms import iri

FORM, QUERY, UPDATE = ("application/x-www-form-urlencoded", "application/sparql-query", "application/sparql-update")
MOST_FIELDS = 1000  # of a form
STATUS: dict[type[LineageError], int] = {ForbiddenError: 403, NotFoundError: 404, LateError: 503, UsageError: 400}
Fields = dict[str, list[str]]
PREFIXES_OF_IT = {"sd": "http://www.w3.org/ns/sparql-service-description#", "formats": "http://www.w3.org/ns/formats/"}

DESCRIPTION = """@prefix sd: <http://www.w3.org/ns/sparql-service-description#> .
@prefix formats: <http://www.w3.org/ns/formats/> .
<#service> a sd:Service ; sd:endpoint <> ; sd:supportedLanguage sd:SPARQL11Query ; sd:feature sd:UnionDefaultGraph ;
    sd:resultFormat formats:SPARQL_Results_JSON, formats:SPARQL_Results_XML, formats:SPARQL_Results_CSV, formats:SPARQL_Results_TSV,
        formats:Turtle, formats:N-Triples, formats:RDF_XML, formats:JSON-LD ;
    sd:defaultDataset <#dataset> .
<#dataset> a sd:Dataset ; sd:defaultGraph <#default-graph> .
<#default-graph> a sd:Graph .
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, and the graphs that it is about where the request names them."""

    query: str
    dataset: Dataset | None = None


def fields_of(text: str) -> Fields:
    """A form, or the query of an address. Raises Refusal for what is no UTF-8 or too much."""
    try:
        return parse_qs(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Refusal(
            400, f"the parameters cannot be read: {error}", todo=f"encode them as UTF-8, and send at most {MOST_FIELDS}"
        ) from error


def posted(type_: str, charset: str | None, address: str, body: bytes) -> Fields:
    """Return the parameters of a POST of a form or of a query.

    Args:
        type_: The media type; empty where the request has none.
        charset: Its parameter `charset`.
        address: The query of the address, for the graphs of a query that is sent as it is.
        body: The body.

    Raises:
        Refusal: Another type or encoding, or an update.
    """
    if type_ == UPDATE:
        raise _read_only()
    if type_ not in (FORM, QUERY):
        raise Refusal(415, f"a query is not sent as {type_ or 'nothing'!s:.80}", at="Content-Type", todo=f"send {FORM} or {QUERY}")
    if charset not in (None, "utf-8", "utf8", "us-ascii"):
        raise Refusal(415, f"a query is not sent in {charset!s:.40}", at="Content-Type", todo="encode it as UTF-8")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Refusal(400, "the body is no UTF-8", todo="encode it as UTF-8") from error
    return fields_of(text) if type_ == FORM else fields_of(address) | {"query": [text]}


def asked(fields: Fields) -> Asked | None:
    """What is asked; None where there is no query. Raises Refusal."""
    if "update" in fields or any(name.startswith("using-") for name in fields):
        raise _read_only()
    queries = fields.get("query", [])
    if len(queries) > 1:
        raise Refusal(400, f"there are {len(queries)} queries", at="query", todo="send one")
    return Asked(queries[0], _dataset(fields)) if queries else None


def _read_only() -> Refusal:
    return Refusal(
        403,
        "the graph is only read",
        at="/sparql",
        todo="change the artifacts: the graph follows them; lineage push fills another endpoint",
    )


def _dataset(fields: Fields) -> Dataset | None:
    default, named = (_graphs(fields.get(f"{which}-graph-uri", [])) for which in ("default", "named"))
    if len(default) > 1:
        todo = "name one, or ask with GRAPH ?g; the merge of all is asked when none is named"
        raise Refusal(
            400, "a default graph of several graphs is not served: a triple of two would count twice", at="default-graph-uri", todo=todo
        )
    return Dataset(default[0] if default else None, tuple(named)) if default or named else None


def _graphs(texts: list[str]) -> list[NamedNode]:
    try:
        return [NamedNode(iri(text).value) for text in texts if text]
    except UsageError as error:
        raise Refusal(400, error.message, at="graph-uri", todo="give the whole IRI of a graph") from error


def media_of(asked: Asked, accept: str | None) -> str:
    """Return the media type of the answer to a query. Raises Refusal or UsageError."""
    return media_for(form(asked.query), accept)


def answer(asked: Asked, media: str, target: Memory | Saved, until: float, largest: int, left: Left) -> Response:
    """Return the answer to a query.

    Args:
        asked: The query.
        media: The type that `media_of` gave for it.
        target: The graph.
        until: When the query is stopped, in seconds of `time.monotonic`.
        largest: Limit of the answer, in bytes.
        left: Called while the query runs; the query is stopped once this returns True.

    Raises:
        LineageError: The query is wrong, forbidden, too slow, or its answer is too large.
    """
    out = _Limited(largest)
    timeout = max(round(until - time.monotonic(), 1), 0.1)
    with target.asked(asked.query, None, timeout, asked.dataset, left) as result:
        write(result, media, out)
    headers = {"Vary": "Accept", "Cache-Control": "no-store", "Content-Type": content_type(media)}
    return Response(out.getvalue(), headers=headers)


class _Limited(BytesIO):
    """Bytes up to a limit. Raises UsageError at the first one more."""

    def __init__(self, largest: int) -> None:
        super().__init__()
        self._largest = largest

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Write *data*, if it fits."""
        if self.tell() + len(data) > self._largest:
            raise UsageError(
                f"the answer has more than {self._largest} bytes", at="query", hint="ask for less: add LIMIT, or select fewer variables"
            )
        return super().write(data)


def refusal(error: LineageError) -> Refusal:
    """Return an error of ours as an answer."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    headers = {"Retry-After": "10"} if status == 503 else {}
    return Refusal(status, error.message, at=error.at or "", todo=error.hint or "", headers=headers)


def description(address: str, accept: str | None) -> Response:
    """Return the SPARQL 1.1 Service Description of *address*, or send a browser to the page."""
    media = chosen(accept, [*TRIPLES, "text/html"])
    if media == "text/html":
        return Response(status_code=303, headers={"Location": "/query", "Vary": "Accept"})
    if media is None:
        raise Refusal(
            406,
            "the description is triples, and nothing of it is accepted",
            at=f"Accept: {accept!s:.200}",
            todo=f"accept one of {', '.join(TRIPLES)}",
        )
    triples = parse(DESCRIPTION.encode(), RdfFormat.TURTLE, base_iri=address)
    data = serialize((one.triple for one in triples), format=TRIPLES[media], prefixes=PREFIXES_OF_IT) or b""
    return Response(data, headers={"Vary": "Accept", "Content-Type": content_type(media)})
