"""RDF (Turtle, TriG, N-Quads, N-Triples) -> statements.  Parsing is pyoxigraph's; what the triples say in PROV is ours.

A short triple beside a qualifying node that entails it is folded into the node's statement. A node is an entity, activity or agent
when it is typed so, or as one of PROV-O's sub-classes. Triples about anything else are no PROV statements and are left out. A qualifying
node with several values for one argument is read as one statement for each, within a limit: the product of four lists has no other end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Any, BinaryIO

from lineage.core import limits
from lineage.errors import FormatError
from lineage.formats.rdf import ATTRIBUTE_OF, A
from lineage.prov.document import Bundle, Document
from lineage.prov.statement import Arg, Literal, Name, Statement, Value, statement, tagged
from lineage.prov.terms import DERIVATION, DERIVATION_KINDS, ELEMENTS, MENTION, PROV, RELATIONS, SUBCLASSES, TIMES, Term

TYPE = Name(PROV + "type")
SHORT: dict[str, tuple[Term, str]] = {PROV + term.short: (term, term.kind) for term in RELATIONS if term.short}
SHORT |= {PROV + short: (DERIVATION, kind) for kind, (short, _) in DERIVATION_KINDS.items()}
QUALIFIED: dict[str, tuple[Term, str]] = {PROV + term.qualified: (term, term.kind) for term in RELATIONS if term.qualified}
QUALIFIED |= {PROV + qualified: (DERIVATION, kind) for kind, (_, qualified) in DERIVATION_KINDS.items()}
ELEMENT_OF = {PROV + term.kind: term for term in ELEMENTS} | {PROV + name: term for name, term in SUBCLASSES.items()}
_STRUCTURE = {*SHORT, *QUALIFIED, PROV + "asInBundle"}

Key = str  # an IRI, or "_:" and a label
Table = dict[Key, list[tuple[str, Any]]]  # the properties of each subject


def read(data: BinaryIO, media_type: str) -> Document:
    """Read a document. Raises FormatError, with the line, for what is no RDF of that kind."""
    import pyoxigraph

    graphs: dict[str, Table] = {"": {}}
    try:
        parser = pyoxigraph.parse(data, pyoxigraph.RdfFormat.from_media_type(media_type))
        for quad in parser:
            graph = "" if isinstance(quad.graph_name, pyoxigraph.DefaultGraph) else _key(quad.graph_name)
            graphs.setdefault(graph, {}).setdefault(_key(quad.subject), []).append((quad.predicate.value, quad.object))
    except (SyntaxError, ValueError, RecursionError) as error:
        raise FormatError(f"not {media_type}: {error}") from error
    except MemoryError as error:  # the parser's word for a token that its buffer cannot hold
        raise FormatError(
            f"not {media_type}: one of its literals, names or groups is too large", hint="no token may have more than 16 MiB"
        ) from error
    namespaces = {prefix: iri for prefix, iri in parser.prefixes.items() if prefix and iri != PROV}
    whole = tuple(_Graph(graphs.pop("")).statements())
    return Document(namespaces, whole, tuple(Bundle(_named(name), tuple(_Graph(table).statements())) for name, table in graphs.items()))


def _key(term: Any) -> Key:
    import pyoxigraph

    return f"_:{term.value}" if isinstance(term, pyoxigraph.BlankNode) else str(term.value)


def _named(key: Key) -> Name:
    if key.startswith("_:"):
        raise FormatError("a thing in PROV has a name, and this one is a blank node", at=key)
    return Name(key)


def _value(term: Any) -> Value:
    import pyoxigraph

    if not isinstance(term, pyoxigraph.Literal):
        return _named(_key(term))
    return tagged(term.value, term.language) if term.language else Literal(term.value, term.datatype.value)


class _Graph:
    """The triples of one graph, read as PROV."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._left = limits.STATEMENTS + limits.FACTOR * sum(map(len, table.values()))

    def _product(self, values: Sequence[Sequence[Arg]], at: Key) -> Iterator[tuple[Arg, ...]]:
        """Return each choice of one value for each argument. Raises FormatError where there are too many."""
        self._left -= prod(map(len, values))
        if self._left < 0:
            hint = "write a qualifying node for each value"
            raise FormatError("several values for several arguments multiply to too many statements", at=at, hint=hint)
        return product(*values)

    def statements(self) -> Iterator[Statement]:
        qualified = [*self._qualified()]
        yield from qualified
        said = {(one.term, kind, one.args[0], one.args[1]) for one in qualified for kind in (one.term.kind, _kind(one))}
        yield from self._short(said)
        for subject, pairs in self._table.items():
            yield from self._elements(subject, pairs)

    def _qualified(self) -> Iterator[Statement]:
        for subject, pairs in self._table.items():
            for predicate, value in pairs:
                if predicate in QUALIFIED:
                    term, kind = QUALIFIED[predicate]
                    yield from self._relation(term, kind, _named(subject), _key(value))

    def _relation(self, term: Term, kind: str, subject: Name, node: Key) -> Iterator[Statement]:
        pairs = self._table.get(node, [])
        carriers = [PROV + carrier if carrier else None for carrier in term.nodes]
        values = [
            [_argument(name, value) for predicate, value in pairs if predicate == carrier] or [None]
            for name, carrier in zip(term.args[1:], carriers[1:], strict=True)
        ]
        own = set(carriers)
        attributes = [pair for pair in _attributes(pairs) if pair != (TYPE, Name(PROV + kind)) and pair[0] not in own]
        if kind != term.kind:
            attributes.append((TYPE, Name(PROV + kind)))
        id_ = None if node.startswith("_:") else Name(node)
        for args in self._product(values, subject):
            yield statement(term, id_, subject, *args, attributes=attributes)

    def _short(self, said: set[tuple[Term, str, Arg, Arg]]) -> Iterator[Statement]:
        for subject, pairs in self._table.items():
            for predicate, value in pairs:
                if predicate in SHORT:
                    term, kind = SHORT[predicate]
                    target = _named(_key(value))
                    if (term, kind, subject, target) not in said:
                        bundles = (
                            [[_named(_key(bundle)) for name, bundle in pairs if name == PROV + "asInBundle"]] if term is MENTION else []
                        )
                        for arguments in self._product(bundles, subject):
                            yield _bare(term, kind, _named(subject), target, arguments)

    def _elements(self, subject: Key, pairs: list[tuple[str, Any]]) -> Iterator[Statement]:
        terms = {ELEMENT_OF[_key(value)] for predicate, value in pairs if predicate == A and _key(value) in ELEMENT_OF}
        for term in (term for term in ELEMENTS if term in terms):
            carriers = [PROV + str(node) for node in term.nodes]
            values = [
                [_argument(name, value) for predicate, value in pairs if predicate == carrier] or [None]
                for name, carrier in zip(term.args, carriers, strict=True)
            ]
            said = {(TYPE, Name(PROV + one.kind)) for one in terms}
            attributes = [pair for pair in _attributes(pairs) if pair not in said and pair[0] not in carriers]
            for args in self._product(values, subject):
                yield statement(term, _named(subject), *args, attributes=attributes)


def _kind(one: Statement) -> str:
    return next(
        (kind for kind in DERIVATION_KINDS if one.term is DERIVATION and (TYPE, Name(PROV + kind)) in one.attributes), one.term.kind
    )


def _bare(term: Term, kind: str, subject: Name, target: Name, arguments: tuple[Arg, ...]) -> Statement:
    attributes = [(TYPE, Name(PROV + kind))] if kind != term.kind else []
    return statement(term, None, subject, target, *arguments, attributes=attributes)


def _argument(name: str, value: Any) -> Arg:
    return str(value.value) if name in TIMES else _named(_key(value))


def _attributes(pairs: list[tuple[str, Any]]) -> Iterator[tuple[Name, Value]]:
    for predicate, value in pairs:
        if predicate not in _STRUCTURE:
            name = Name(predicate)
            yield ATTRIBUTE_OF.get(name, name), _value(value)
