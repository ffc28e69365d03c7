"""Values as RDF terms, terms as text for SPARQL, for people and as Python values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from lineage.errors import FormatError, UsageError
from lineage.mapping import namespaces
from lineage.mapping.names import Ids
from lineage.prov.statement import Name
from lineage.prov.terms import PROV, RDFS, XSD

Term = NamedNode | BlankNode | Literal | Triple
PREFIXES: Mapping[str, str] = {**namespaces(Ids()), "prov": PROV, "rdfs": RDFS, "xsd": XSD}  # known without being declared

_ESCAPE = re.compile(r"\\(?:\\(?P<letter>[uU])?|.)")
_PREFIXED = re.compile(r"(?P<prefix>[A-Za-z][A-Za-z0-9_-]*):(?P<local>[A-Za-z0-9_.:-]*)")
_LOCAL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*)")
_NUMBER = {
    "integer": r"[+-]?[0-9]+",
    "decimal": r"[+-]?[0-9]*\.?[0-9]+",
    "double": r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?",
}


def rendered(term: NamedNode | Literal) -> str:
    """The term as N-Triples writes it, which is a term of SPARQL too.

    A backslash in front of `u` is told apart from a codepoint escape (SPARQL 1.1 Query, 19.2), which some engines resolve before
    they look for strings: the `u` is written as an escape of its own, so both ways of reading give the same string.
    """
    return guarded(str(term))


def guarded(text: str) -> str:
    r"""N-Triples *text* in which no `\\u` can be taken for a codepoint escape."""
    return _ESCAPE.sub(_apart, text) if r"\\u" in text or r"\\U" in text else text


def _apart(found: re.Match[str]) -> str:
    return rf"\\\u{ord(found['letter']):04X}" if found["letter"] else found[0]


def iri(text: str) -> NamedNode:
    """An IRI, or a name with a prefix that is known. Raises UsageError."""
    split = _PREFIXED.fullmatch(text)
    full = PREFIXES[split["prefix"]] + split["local"] if split and split["prefix"] in PREFIXES else text
    try:
        return NamedNode(str(Name(full)))
    except (FormatError, ValueError) as error:
        raise UsageError(f"{text[:80]!r} is no IRI", hint="write it whole, or with a prefix that is known: prov:Entity") from error


def of_kind(kind: str, text: str) -> NamedNode | Literal:
    """*text* as a term of a kind: a name of `KINDS`. Raises UsageError when it is none."""
    if kind not in KINDS:
        raise UsageError(f"no kind of parameter is called {kind!r:.40}", hint=f"use one of {', '.join(KINDS)}")
    return KINDS[kind](text)


def _string(text: str) -> Literal:
    return Literal(text.encode("utf-8", "replace").decode())


def _number(kind: str) -> Callable[[str], Literal]:
    def make(text: str) -> Literal:
        if not re.fullmatch(_NUMBER[kind], text):
            raise UsageError(f"{text[:80]!r} is no xsd:{kind}", hint="write it in digits")
        return Literal(text, datatype=NamedNode(XSD + kind))

    return make


def _boolean(text: str) -> Literal:
    if text not in ("true", "false"):
        raise UsageError(f"{text[:80]!r} is no xsd:boolean", hint="write true or false")
    return Literal(text, datatype=NamedNode(XSD + "boolean"))


def _time(text: str) -> Literal:
    """A day is its first moment, in UTC as every time without an offset: SPARQL cannot order a time without one against one with."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text[:80]!r} is no time", hint="write it as 2026-01-31 or 2026-01-31T12:00:00+01:00") from error
    return Literal(f"{moment.isoformat()}{'' if moment.tzinfo else '+00:00'}", datatype=NamedNode(XSD + "dateTime"))


KINDS: Mapping[str, Callable[[str], NamedNode | Literal]] = {
    "string": _string,
    "iri": iri,
    "integer": _number("integer"),
    "decimal": _number("decimal"),
    "double": _number("double"),
    "boolean": _boolean,
    "time": _time,
}


def from_python(value: object) -> NamedNode | Literal:
    """A Python value as a term: str is only ever a string; a `Name` or a term of pyoxigraph is itself. Raises UsageError."""
    match value:
        case NamedNode() | Literal():
            return value
        case Name():
            return NamedNode(str(value))
        case str():
            return _string(value)
        case bool() | int() | float():
            return Literal(value)
        case datetime():
            return _time(value.isoformat())
        case date():
            return Literal(value.isoformat(), datatype=NamedNode(XSD + "date"))
    raise UsageError(
        f"a parameter cannot be a {type(value).__name__}", hint="give a string, number, boolean, time or lineage.prov.statement.Name"
    )


_INTEGERS = frozenset(
    XSD + name
    for name in ("integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger", "unsignedInt", "unsignedLong")
)
_FLOATS = frozenset(XSD + name for name in ("double", "float", "decimal"))


def to_python(term: Term | None) -> Any:
    """A term as a Python value: an IRI as a `Name`, numbers and booleans as theirs; any other literal, a time too, as it is written."""
    match term:
        case NamedNode():
            return Name(term.value)
        case Literal():
            return _literal(term)
        case BlankNode():
            return str(term)
        case Triple():
            return to_python(term.subject), to_python(term.predicate), to_python(term.object)
    return None


def _literal(term: Literal) -> Any:
    kind = term.datatype.value
    try:
        if kind in _INTEGERS:
            return int(term.value)
        if kind in _FLOATS:
            return float(term.value)
    except ValueError:  # an ill-typed literal is legal RDF: it stays the text that it is
        return term.value
    if kind == XSD + "boolean" and term.value in ("true", "false", "1", "0"):
        return term.value in ("true", "1")
    return term.value


_BY_LENGTH = sorted(((value, key) for key, value in PREFIXES.items()), key=lambda pair: -len(pair[0]))


def short(term: Term | None) -> str:
    """A term for people: an IRI with its prefix, a literal as its text alone; nothing for what is unbound."""
    if term is None:
        return ""
    if isinstance(term, NamedNode):
        return next((f"{prefix}:{term.value[len(base) :]}" for base, prefix in _BY_LENGTH if _fits(term.value, base)), f"<{term.value}>")
    return term.value if isinstance(term, Literal) else str(term)


def _fits(value: str, base: str) -> bool:
    return value.startswith(base) and bool(_LOCAL.fullmatch(value, len(base)))
