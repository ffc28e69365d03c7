"""A PROV document: prefixes, statements and bundles.  Nothing here is mutable, nothing saves itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lineage.prov.statement import Batch, Name, Statement, expanded
from lineage.prov.terms import PROV, XSD

Statements = Iterable[Statement | Batch]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A named set of statements (PROV-DM 5.4). `statements` may be a generator; then it is read once."""

    id: Name
    statements: Statements


@dataclass(frozen=True, slots=True)
class Document:
    """`namespaces` maps prefix to IRI; `prov` and `xsd` are always understood. `statements` may be a generator; then it is read once."""

    namespaces: Mapping[str, str] = field(default_factory=dict)
    statements: Statements = ()
    bundles: Iterable[Bundle] = ()

    def read(self) -> Document:
        """The same document with every generator read into a tuple and every batch written out."""
        bundles = tuple(Bundle(bundle.id, tuple(expanded(bundle.statements))) for bundle in self.bundles)
        return Document(dict(self.namespaces), tuple(expanded(self.statements)), bundles)


def same(one: Document, other: Document) -> bool:
    """Do both say the same, whatever the order, the prefixes, and how often a statement is repeated?"""
    return _content(one) == _content(other)


def _content(document: Document) -> tuple[frozenset[Statement], dict[Name, frozenset[Statement]]]:
    bundles: dict[Name, frozenset[Statement]] = {}
    for bundle in document.bundles:
        bundles[bundle.id] = bundles.get(bundle.id, frozenset()) | frozenset(expanded(bundle.statements))
    return frozenset(expanded(document.statements)), bundles


def flattened(document: Document) -> Document:
    """All statements of the document and its bundles in one, each once, in order: all that Turtle can hold. Who said what is lost."""
    full = document.read()
    every = [*full.statements, *(one for bundle in full.bundles for one in bundle.statements)]
    return Document(full.namespaces, tuple(Counter(every)))


class Prefixes:
    """Shortens names with a document's prefixes; remembers what it was asked, so a name is split once."""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self.namespaces = {"prov": PROV, "xsd": XSD} | dict(namespaces)
        self._by_iri = sorted(((iri, prefix) for prefix, iri in self.namespaces.items()), key=lambda pair: (-len(pair[0]), pair))
        self._seen: dict[str, tuple[str, str] | None] = {}

    def split(self, iri: str) -> tuple[str, str] | None:
        """(prefix, local part) by the longest namespace that *iri* begins with; None when there is no such namespace."""
        if iri not in self._seen:
            if len(self._seen) > 10_000:  # a stream of a million names must not be kept
                self._seen.clear()
            self._seen[iri] = next(((prefix, iri[len(base) :]) for base, prefix in self._by_iri if iri.startswith(base)), None)
        return self._seen[iri]
