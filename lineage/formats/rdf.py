"""Statements as RDF (W3C PROV-O): one lowering for Turtle, TriG and N-Quads.

A relation is written twice over: the short triple, so that `?e prov:wasGeneratedBy ?a` finds it with no inference, and the
qualifying node, which alone holds its time, role and identifier. The reader (`rdf_reader`) folds the pair into one statement.

A revision, quotation or primary source is written as a derivation besides (PROV-O's sub-properties), and folded in the same way.

What RDF cannot keep apart: two relations without identifier that say the same are one; attributes of a node that is both
an entity and an activity (which PROV forbids) belong to both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lineage.prov.statement import Literal, Name, Statement, Value
from lineage.prov.terms import DERIVATION, DERIVATION_KINDS, MENTION, PROV, RDF, RESERVED, TIMES, XSD

A = Name(RDF + "type")


class Node(NamedTuple):
    """A node without a name, and its properties."""

    properties: tuple[tuple[Name, Value], ...]


Object = Name | Literal | Node
Triple = tuple[Name, Name, Object]


def triples(one: Statement) -> Iterator[Triple]:
    """The statement as triples; the object of a qualifying property may be a `Node` with properties of its own."""
    if one.term.is_element:
        yield from _element(one)
        return
    subject = one.args[0]
    assert isinstance(subject, Name)
    short, qualified, kind = _properties(one)
    if isinstance(one.args[1], Name):
        for verb in dict.fromkeys((one.term.short, short)):  # a revision is a derivation too
            yield subject, Name(f"{PROV}{verb}"), one.args[1]
    if one.term is MENTION:
        yield from _bundle(subject, one)
    if qualified:
        yield from _qualified(subject, qualified, kind, one)


def _element(one: Statement) -> Iterator[Triple]:
    assert one.id is not None
    yield one.id, A, Name(PROV + one.term.kind)
    for predicate, value in (*_arguments(one), *_attributes(one)):
        yield one.id, predicate, value


def _bundle(subject: Name, one: Statement) -> Iterator[Triple]:
    for predicate, value in _arguments(one):
        yield subject, predicate, value


def _properties(one: Statement) -> tuple[str, str | None, str]:
    """The short and qualified property and the class; a revision, quotation or primary source has its own."""
    term = one.term
    if term is DERIVATION:
        for kind, (short, qualified) in DERIVATION_KINDS.items():
            if (Name(PROV + "type"), Name(PROV + kind)) in one.attributes:
                return short, qualified, kind
    assert term.short
    return term.short, term.qualified, term.kind


def _qualified(subject: Name, qualified: str, kind: str, one: Statement) -> Iterator[Triple]:
    kinds = Name(PROV + kind)
    attributes = (pair for pair in _attributes(one) if pair != (A, kinds))
    properties = ((A, kinds), *_arguments(one), *attributes)
    if one.id is None:
        yield subject, Name(PROV + qualified), Node(properties)
        return
    yield subject, Name(PROV + qualified), one.id
    for predicate, value in properties:
        yield one.id, predicate, value


def _arguments(one: Statement) -> Iterator[tuple[Name, Value]]:
    for name, node, value in zip(one.term.args, one.term.nodes, one.args, strict=True):
        if node and value is not None:
            yield Name(PROV + node), _argument(name, value)


def _argument(name: str, value: Name | str) -> Value:
    if name in TIMES:
        return Literal(str(value), XSD + "dateTime")
    assert isinstance(value, Name)
    return value


def _attributes(one: Statement) -> Iterator[tuple[Name, Value]]:
    for name, value in one.attributes:
        yield predicate_of(name), value


def predicate_of(attribute: Name) -> Name:
    """The RDF property of an attribute: the five reserved ones have properties of their own, others are themselves."""
    local = attribute.removeprefix(PROV)
    return Name(RESERVED[local]) if attribute.startswith(PROV) and local in RESERVED else attribute


ATTRIBUTE_OF = {Name(iri): Name(PROV + local) for local, iri in RESERVED.items()}
