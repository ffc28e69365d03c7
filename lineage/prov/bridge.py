"""To and from the `prov` library, which reads and writes the formats that we do not, and is our oracle in tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

from lineage.errors import FormatError
from lineage.prov.document import Bundle, Document, Prefixes, Statements
from lineage.prov.statement import Arg, Literal, Name, Statement, Value, expanded, literal, statement, tagged
from lineage.prov.terms import BY_NAME, PROV, TIMES, XSD

# The longest ending of an IRI that XML takes for a name after the colon, not cutting a `%hh`. The letters are those that the first
# four editions of XML 1.0 have too (Latin, Greek, Cyrillic, kana, Han, Hangul): readers of XML Schema still go by them.
_XML_LETTERS = (
    "A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u0131\u0134-\u013e\u0141-\u0148\u014a-\u017e\u0391-\u03a1\u03a3-\u03ce\u0410-\u044f"
    "\u3041-\u3094\u30a1-\u30fa\u4e00-\u9fa5\uac00-\ud7a3"
)
_XML_LOCAL = re.compile(rf"(?<!%)(?<!%[0-9A-Fa-f])[{_XML_LETTERS}][{_XML_LETTERS}0-9.-]*\Z")


def to_prov(document: Document, *, xml: bool = False) -> Any:
    """The document as a `prov.model.ProvDocument`; with *xml*, every name is split so that XML can write it.

    Raises:
        FormatError: with *xml*, an IRI that ends in no XML name.
    """
    from prov.model import ProvDocument

    names = _Names(document, xml)
    made = ProvDocument()
    _fill(made, document.statements, names)
    for bundle in document.bundles:
        _fill(made.bundle(names.of(bundle.id)), bundle.statements, names)
    for namespace in names.used():
        made.add_namespace(namespace)
    return made


class _Names:
    """IRIs as prov's qualified names, each namespace with one prefix."""

    def __init__(self, document: Document, xml: bool) -> None:
        from prov.identifier import Namespace

        self._xml, self._count, self._make = xml, count(1), Namespace
        self._prefixes = Prefixes({prefix: iri for prefix, iri in document.namespaces.items() if prefix not in ("", "default")})
        self._namespaces = {iri: Namespace(prefix, iri) for prefix, iri in self._prefixes.namespaces.items()}

    def of(self, name: Name) -> Any:
        base, local = self._split(name)
        if base not in self._namespaces:
            prefix = next(free for n in self._count if (free := f"ns{n}") not in self._prefixes.namespaces)
            self._namespaces[base] = self._make(prefix, base)
        return self._namespaces[base][local]

    def used(self) -> list[Any]:
        """The namespaces that must be declared: prov itself declares those of names, and not those of datatypes."""
        return [namespace for iri, namespace in self._namespaces.items() if iri not in (PROV, XSD)]

    def _split(self, name: Name) -> tuple[str, str]:
        split = self._prefixes.split(name)
        if split and split[1] and (not self._xml or _XML_LOCAL.fullmatch(split[1])):
            return self._prefixes.namespaces[split[0]], split[1]
        found = _XML_LOCAL.search(name)
        if self._xml and not found:
            raise FormatError("XML has no name for this IRI", at=name, hint="end it in a letter, or write another format")
        cut = found.start() if found else max(name.rfind(mark, 0, -1) for mark in "#/:") + 1
        return name[:cut], name[cut:]


def _fill(bundle: Any, statements: Statements, names: _Names) -> None:
    from prov.constants import PROV_N_MAP

    kinds = {name: kind for kind, name in PROV_N_MAP.items()}
    for one in expanded(statements):
        formal = {
            f"prov:{arg}": _argument(arg, value, names) for arg, value in zip(one.term.args, one.args, strict=True) if value is not None
        }
        other = [(names.of(name), _value(value, names)) for name, value in one.attributes]
        bundle.new_record(kinds[one.term.name], names.of(one.id) if one.id is not None else None, formal, other)


def _argument(name: str, value: Name | str, names: _Names) -> Any:
    return names.of(value) if isinstance(value, Name) else str(value)


def _value(value: Value, names: _Names) -> Any:
    from prov.model import Literal as ProvLiteral

    if isinstance(value, Name):
        return names.of(value)
    if value.language:
        return ProvLiteral(value.lexical, langtag=value.language)
    return value.lexical if value.datatype == XSD + "string" else ProvLiteral(value.lexical, names.of(Name(value.datatype)))


def from_prov(made: Any) -> Document:
    """A `prov.model.ProvDocument` as a document of ours."""
    namespaces = {namespace.prefix: namespace.uri for namespace in made.namespaces}
    bundles = tuple(Bundle(Name(bundle.identifier.uri), tuple(_read(bundle))) for bundle in made.bundles)
    return Document(namespaces, tuple(_read(made)), bundles)


def _read(bundle: Any) -> Iterator[Statement]:
    from prov.constants import PROV_N_MAP

    for record in bundle.get_records():
        term = BY_NAME[PROV_N_MAP[record.get_type()]]
        formal = {key.localpart: value for key, value in record.formal_attributes}
        args: list[Arg] = [_read_argument(name, formal.get(name)) for name in term.args]
        attributes = [(Name(key.uri), _read_value(value)) for key, value in record.extra_attributes]
        yield statement(term, Name(record.identifier.uri) if record.identifier else None, *args, attributes=attributes)


def _read_argument(name: str, value: Any) -> Arg:
    if value is None:
        return None
    return str(value.isoformat()) if name in TIMES else Name(value.uri)


def _read_value(value: Any) -> Value:
    from prov.identifier import Identifier
    from prov.model import Literal as ProvLiteral

    if isinstance(value, Identifier):
        return Name(value.uri)
    if not isinstance(value, ProvLiteral):
        return literal(value)
    return (
        tagged(value.value, value.langtag)
        if value.langtag
        else Literal(value.value, value.datatype.uri if value.datatype else XSD + "string")
    )
