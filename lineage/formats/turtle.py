"""Turtle and TriG, written as a stream.  Turtle holds no bundles; in TriG a bundle is a named graph."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import BinaryIO

from lineage.errors import FormatError
from lineage.formats.batches import Template
from lineage.formats.rdf import A, Node, Object, triples
from lineage.prov.document import Document, Prefixes, Statements
from lineage.prov.statement import Batch, Literal, Name, Statement
from lineage.prov.terms import RDF, RDFS, XSD

_LOCAL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")  # shorter than Turtle allows; any other name is written in full
_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f\ud800-\udfff]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape(text: str) -> str:
    """*text* between the quotes of a Turtle or N-Quads string; a lone surrogate, which no UTF-8 holds, as U+FFFD."""
    return _ESCAPED.sub(
        lambda found: _SHORT.get(found[0]) or ("\ufffd" if "\ud800" <= found[0] <= "\udfff" else f"\\u{ord(found[0]):04X}"), text
    )


def write_turtle(document: Document, out: BinaryIO) -> None:
    """Write *document*; raises FormatError when it has bundles, which Turtle cannot hold."""
    if list(document.bundles):
        raise FormatError("Turtle cannot hold bundles", hint="write TriG, or flatten the document first")
    _Writer(document.namespaces, out).statements(document.statements)


def write_trig(document: Document, out: BinaryIO) -> None:
    """Write *document* with each bundle as a named graph."""
    writer = _Writer(document.namespaces, out)
    writer.statements(document.statements)
    for bundle in document.bundles:
        writer.raw(f"{writer.name(bundle.id)} {{\n")
        writer.statements(bundle.statements)
        writer.raw("}\n\n")


class _Writer:
    def __init__(self, namespaces: Mapping[str, str], out: BinaryIO) -> None:
        self._prefixes = Prefixes({"rdf": RDF, "rdfs": RDFS} | dict(namespaces))
        self._out = out
        for prefix, iri in sorted(self._prefixes.namespaces.items()):
            self.raw(f"@prefix {prefix}: <{Name(iri)}> .\n")
        self.raw("\n")

    def raw(self, text: str) -> None:
        self._out.write(text.encode())

    def statements(self, statements: Statements) -> None:
        for one in statements:
            if isinstance(one, Batch):
                text = "".join(map(self._text, one.template))
                for chunk in Template(text, one, escape).fill(one.rows):
                    self._out.write(chunk)
            else:
                self.raw(self._text(one))

    def _text(self, one: Statement) -> str:
        """The triples of a statement, one paragraph a subject."""
        paragraphs: dict[Name, list[tuple[Name, Object]]] = {}
        for subject, predicate, value in triples(one):
            paragraphs.setdefault(subject, []).append((predicate, value))
        return "".join(f"{self.name(subject)} {self._properties(pairs, '    ')} .\n\n" for subject, pairs in paragraphs.items())

    def _properties(self, pairs: Iterable[tuple[Name, Object]], indent: str) -> str:
        return f" ;\n{indent}".join(f"{self._verb(predicate)} {self._object(value, indent)}" for predicate, value in pairs)

    def _verb(self, predicate: Name) -> str:
        return "a" if predicate == A else self.name(predicate)

    def _object(self, value: Object, indent: str) -> str:
        if isinstance(value, Node):
            return f"[ {self._properties(value.properties, indent + '    ')} ]"
        return self.name(value) if isinstance(value, Name) else self._literal(value)

    def _literal(self, value: Literal) -> str:
        quoted = f'"{escape(value.lexical)}"'
        if value.language:
            return f"{quoted}@{value.language}"
        return quoted if value.datatype == XSD + "string" else f"{quoted}^^{self.name(Name(value.datatype))}"

    def name(self, name: Name) -> str:
        """`prefix:local` where that is plainly a name, else `<iri>`."""
        split = self._prefixes.split(name)
        return f"{split[0]}:{split[1]}" if split and _LOCAL.fullmatch(split[1]) else f"<{name}>"
