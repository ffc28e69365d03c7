"""Statements <-> bytes, one file a format.

PROV-JSON, Turtle, TriG and N-Quads are ours: streams, the same bytes each time. PROV-N, PROV-XML and PROV-JSONLD are the `prov`
library's, through `lineage.prov.bridge`. To add a format, write its file and name it in `FORMATS`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lineage.core import limits
from lineage.core.reading import read_whole
from lineage.errors import UsageError
from lineage.formats import foreign, nquads, provjson, rdf_reader, turtle
from lineage.prov.document import Document

Write = Callable[[Document, BinaryIO], None]
Read = Callable[[BinaryIO], Document]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format is a value: what it is called, and how it is written and read."""

    name: str
    suffixes: tuple[str, ...]  # the first is the one that we write
    media_type: str
    holds_bundles: bool
    write: Write
    read: Read


def _rdf(media_type: str) -> Read:
    return lambda data: rdf_reader.read(data, media_type)


_ROWS = (
    Format(name="json", suffixes=(".json",), media_type="application/json", holds_bundles=True, write=provjson.write, read=provjson.read),
    Format(name="turtle", suffixes=(".ttl",), media_type="text/turtle", holds_bundles=False, write=turtle.write_turtle, read=_rdf("text/turtle")),
    Format(name="trig", suffixes=(".trig",), media_type="application/trig", holds_bundles=True, write=turtle.write_trig, read=_rdf("application/trig")),
    Format(name="nquads", suffixes=(".nq", ".nt"), media_type="application/n-quads", holds_bundles=True, write=nquads.write_nquads, read=_rdf("application/n-quads")),
    Format(name="provn", suffixes=(".provn",), media_type="text/provenance-notation", holds_bundles=True, write=foreign.writer("provn"), read=foreign.reader("provn")),
    Format(name="xml", suffixes=(".provx", ".xml"), media_type="application/provenance+xml", holds_bundles=True, write=foreign.writer("xml"), read=foreign.reader("xml")),
    Format(name="jsonld", suffixes=(".jsonld",), media_type="application/ld+json", holds_bundles=True, write=foreign.writer("jsonld"), read=foreign.reader("jsonld")),
)  # fmt: skip
FORMATS = {one.name: one for one in _ROWS}


def by_name(name: str) -> Format:
    """The format called *name*. Raises UsageError that lists those there are."""
    if name not in FORMATS:
        raise UsageError(f"unknown format {name!r:.40}", hint=f"use one of {', '.join(FORMATS)}")
    return FORMATS[name]


def by_path(path: Path) -> Format:
    """The format of a file by its last suffix. Raises UsageError that lists the suffixes there are."""
    for one in _ROWS:
        if path.suffix.lower() in one.suffixes:
            return one
    raise UsageError(
        f"unknown format {path.suffix!r:.40}", at=str(path), hint=f"use one of {' '.join(s for one in _ROWS for s in one.suffixes)}"
    )


def dump(document: Document, out: BinaryIO, name: str) -> None:
    """Write *document* to *out* in the format called *name*. Raises FormatError where the format cannot hold it."""
    by_name(name).write(document, out)


def dumps(document: Document, name: str) -> bytes:
    """*document* as bytes in the format called *name*."""
    out = io.BytesIO()
    dump(document, out, name)
    return out.getvalue()


def load(data: BinaryIO, name: str) -> Document:
    """Read a document in the format called *name*. Raises FormatError for what is none."""
    return by_name(name).read(data)


def load_file(path: Path, name: str | None = None) -> Document:
    """Read the document in the file at *path*, in the format called *name* or the one that its suffix names.

    Raises:
        UsageError: The suffix names no format.
        FormatError: It is no such document, or is too large.
        OSError: It cannot be read, or is no regular file.
    """
    chosen = by_path(path) if name is None else by_name(name)
    return loads(read_whole(path, limits.PROV), chosen.name)


def loads(data: bytes, name: str) -> Document:
    """Read a document from bytes in the format called *name*."""
    return load(io.BytesIO(data), name)
