"""PROV-N, PROV-XML and PROV-JSONLD, which the `prov` library writes and reads; JSON-LD with its context inside, to be read offline."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, BinaryIO

from lineage.core import limits
from lineage.errors import FormatError
from lineage.prov.document import Document

_OPTIONS: dict[str, dict[str, Any]] = {"provn": {}, "xml": {}, "jsonld": {"context": "embed"}}
_DECLARATION = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


def writer(name: str) -> Callable[[Document, BinaryIO], None]:
    """A function that writes a document in the format that `prov` calls *name*."""

    def write(document: Document, out: BinaryIO) -> None:
        from prov import Error
        from prov.model import ProvException

        from lineage.prov.bridge import to_prov

        try:
            text = to_prov(document, xml=name == "xml").serialize(format=name, **_OPTIONS[name])
        except (Error, ProvException, ValueError, TypeError, NotImplementedError) as error:
            raise FormatError(f"{name} cannot hold this document: {error}", hint="write json, trig or nquads") from error
        out.write(text.encode())

    return write


def reader(name: str) -> Callable[[BinaryIO], Document]:
    """A function that reads a document in the format that `prov` calls *name*."""

    def read(data: BinaryIO) -> Document:
        from prov import Error
        from prov.model import ProvDocument, ProvException

        from lineage.prov.bridge import from_prov

        content = data.read(limits.PROV_LIBRARY + 1)
        if len(content) > limits.PROV_LIBRARY:
            raise FormatError(
                f"larger than {limits.PROV_LIBRARY} bytes", hint="write it as PROV-JSON, TriG or N-Quads, which are read with less memory"
            )
        if name == "provn" and _longest_string(content) > limits.PROV_STRING:
            raise FormatError(f"a string larger than {limits.PROV_STRING} bytes", hint="write it as PROV-JSON, TriG or N-Quads")
        if name == "xml" and _DECLARATION.search(content.replace(b"\0", b"")):
            raise FormatError("a document type or entity declaration is refused", hint="PROV-XML needs none")
        try:
            return from_prov(ProvDocument.deserialize(content=content.decode("utf-8-sig"), format=name))
        except (Error, ProvException, ValueError, TypeError, KeyError, AttributeError, SyntaxError, RecursionError) as error:
            raise FormatError(f"not {name}: {type(error).__name__}: {error}"[:400]) from error

    return read


def _longest_string(content: bytes) -> int:
    """Return the length of the longest text between two quotes."""
    plain = content.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    return max(map(len, plain.split(b'"')))
