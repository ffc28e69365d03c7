"""What a client accepts (RFC 9110, 12.5.1), and what an answer can be written as."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from pyoxigraph import QueryResultsFormat, RdfFormat, Triple, parse_query_results, serialize

from lineage.server.reply import Refusal
from lineage.store.results import Answer
from lineage.store.sparql import Form
from lineage.store.terms import PREFIXES

# The first is what a client gets that accepts anything. Names that others use for the same come after the registered ones.
ROWS: dict[str, QueryResultsFormat] = {
    "application/sparql-results+json": QueryResultsFormat.JSON,
    "application/sparql-results+xml": QueryResultsFormat.XML,
    "text/csv": QueryResultsFormat.CSV,
    "text/tab-separated-values": QueryResultsFormat.TSV,
    "application/json": QueryResultsFormat.JSON,
    "application/xml": QueryResultsFormat.XML,
    "text/xml": QueryResultsFormat.XML,
}
TRIPLES: dict[str, RdfFormat] = {
    "text/turtle": RdfFormat.TURTLE,
    "application/n-triples": RdfFormat.N_TRIPLES,
    "application/rdf+xml": RdfFormat.RDF_XML,
    "application/ld+json": RdfFormat.JSON_LD,
    "application/x-turtle": RdfFormat.TURTLE,
    "application/xml": RdfFormat.RDF_XML,
    "text/xml": RdfFormat.RDF_XML,
    "text/plain": RdfFormat.N_TRIPLES,
}
MOST = 100  # ranges of an Accept header that are read


@dataclass(frozen=True, slots=True)
class Range:
    """One of what a client accepts: `text/*`, and how much it wants it."""

    type: str
    quality: float

    def fits(self, media: str) -> int:
        """How exactly it names *media*: 0 not at all, 3 by its full name."""
        if self.type == media:
            return 3
        if self.type == "*/*":
            return 1
        return 2 if self.type.endswith("/*") and media.startswith(self.type[:-1]) else 0


def ranges(accept: str) -> list[Range]:
    """The header read; a part that is none is left out."""
    found = []
    for part in accept.split(",")[:MOST]:
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((_quality(one.partition("=")[2]) for one in parameters if one.lower().startswith("q=")), 1.0)
        if "/" in name:
            found.append(Range(name.lower(), quality))
    return found


def _quality(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0.0 <= value <= 1.0 else 0.0


def chosen(accept: str | None, offered: Sequence[str]) -> str | None:
    """The one of *offered* that the client wants most, among equals the earliest; None where it wants none."""
    if accept is None or not accept.strip():
        return offered[0]
    wanted = ranges(accept)
    best, most = None, 0.0
    for media in offered:
        exact, quality = max(((one.fits(media), one.quality) for one in wanted), default=(0, 0.0))
        if exact and quality > most:
            best, most = media, quality
    return best


def media_for(form: Form, accept: str | None) -> str:
    """What an answer of this form is written as. Raises Refusal, 406, that lists what there is."""
    offered = list(TRIPLES if form == "graph" else ROWS)
    media = chosen(accept, offered)
    if media is None:
        kind = "triples" if form == "graph" else "rows or a boolean"
        raise Refusal(
            406,
            f"the answer is {kind}, and nothing of it is accepted",
            at=f"Accept: {accept!s:.200}",
            todo=f"accept one of {', '.join(offered)}",
        )
    return media


def write(found: Answer, media: str, out: BinaryIO) -> None:
    """Write *found* as *media*, a type that `media_for` gave for its form."""
    if found.form == "graph":
        kind = TRIPLES[media]
        prefixes = dict(PREFIXES) if kind in (RdfFormat.TURTLE, RdfFormat.RDF_XML) else None
        serialize((Triple(*row) for row in found.rows), out, kind, prefixes=prefixes)  # type: ignore[arg-type]  # rows of a graph have no gaps
        return
    told = found.solutions or parse_query_results(json.dumps({"head": {}, "boolean": found.truth}), QueryResultsFormat.JSON)
    told.serialize(out, ROWS[media])


def content_type(media: str) -> str:
    """The header for *media*: text is UTF-8, and says so."""
    return f"{media}; charset=utf-8" if media.startswith("text/") else media
