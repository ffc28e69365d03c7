"""A PROV document: prefixes, statements and bundles.  Nothing here is mutable, nothing saves itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count

from lineage.errors import FormatError
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
    """Shortens names with a document's prefixes; remembers what it was asked, so a name is split once.

    A prefix that some format could not write, or that means something else there, is renamed to `ns1`, `ns2`, …: PROV-JSON fixes
    `prov` and `xsd`, keeps `default` and `_` for itself, and XML all that begins with `xml`.

    Raises:
        FormatError: a namespace that is no absolute IRI.
    """

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self.namespaces = {"prov": PROV, "xsd": XSD}
        self._count = count(1)
        good = {prefix: _namespace(prefix, iri) for prefix, iri in sorted(namespaces.items())}
        self.namespaces |= {prefix: iri for prefix, iri in good.items() if _PREFIX.fullmatch(prefix) and prefix not in self.namespaces}
        kept = set(self.namespaces.values())
        for iri in dict.fromkeys(iri for iri in good.values() if iri not in kept):
            self.namespaces[self._free()] = iri
        self._by_iri = {iri: prefix for prefix, iri in reversed(self.namespaces.items())}
        self._lengths = sorted({len(iri) for iri in self._by_iri}, reverse=True)
        self._seen: dict[str, tuple[str, str] | None] = {}

    def split(self, iri: str) -> tuple[str, str] | None:
        """(prefix, local part) by the longest namespace that *iri* begins with; None when there is no such namespace."""
        if iri not in self._seen:
            if len(self._seen) > _REMEMBERED:
                self._seen.clear()
            self._seen[iri] = next(
                ((self._by_iri[iri[:length]], iri[length:]) for length in self._lengths if iri[:length] in self._by_iri), None
            )
        return self._seen[iri]

    def named(self, iri: Name) -> tuple[str, str]:
        """(prefix, local part), which is not empty; where no namespace fits, a new one is declared in `namespaces`."""
        split = self.split(iri)
        if split is not None and split[1]:
            return split
        cut = max(iri.rfind(mark, 0, -1) for mark in "#/:") + 1
        return self.declared(iri[:cut]), iri[cut:]

    def declared(self, base: str) -> str:
        """The prefix of exactly this namespace, declared if there is none."""
        if base not in self._by_iri:
            self._by_iri[base] = self._free()
            self.namespaces[self._by_iri[base]] = base
        return self._by_iri[base]

    def _free(self) -> str:
        return next(prefix for n in self._count if (prefix := f"ns{n}") not in self.namespaces)


_PREFIX = re.compile(
    r"(?!xml|default$)[A-Za-z](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?", re.IGNORECASE
)  # a prefix in Turtle, PROV-N and XML alike
_REMEMBERED = 10_000  # names; a stream of a million must not be kept


def _namespace(prefix: str, iri: str) -> str:
    try:
        return str(Name(iri))
    except FormatError as error:
        raise FormatError(f"the namespace {iri[:80]!r} is no absolute IRI", at=f"prefix {prefix}") from error
