"""A document's statements, sorted by what they are about: what `reading` makes a model of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from lineage.prov.document import Document, Prefixes
from lineage.prov.statement import Literal, Name, Statement, Value, expanded
from lineage.prov.terms import ACTIVITY, AGENT, ASSOCIATION, END, ENTITY, GENERATION, PROV, START, TIMES

LIN = "https://w3id.org/lineage-prov/ns#"
PART_OF = "http://purl.org/dc/terms/isPartOf"
Attributes = dict[str, set[Value]]
Link = tuple[str, str, str]  # term, newer thing, older thing

_ACTIVITIES = frozenset(["activity", "informed", "informant", "starter", "ender"])  # arguments that are activities
_AGENTS = frozenset(["agent", "delegate", "responsible"])


@dataclass(slots=True)
class Told:
    """What the statements of a document and its bundles say, each thing once."""

    kinds: dict[str, str] = field(default_factory=dict)
    about: dict[str, Attributes] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))
    times: dict[str, str] = field(default_factory=dict)  # the earliest start of an activity, or generation of an entity
    relations: dict[Link, set[tuple[str, str]]] = field(default_factory=dict)
    bundles: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # the bundles that declare a thing
    made: set[str] = field(default_factory=set)  # things that some activity made
    prefixes: Prefixes = field(default_factory=lambda: Prefixes({}))

    def types(self, id_: str) -> list[str]:
        """The classes of a thing, in order."""
        return sorted(str(value) for value in self.about[id_][PROV + "type"] if isinstance(value, Name)) if id_ in self.about else []

    def text(self, id_: str, name: str) -> str:
        """The first value of an attribute as text; "" where there is none."""
        values = self.about[id_].get(name, ()) if id_ in self.about else ()
        return min((value.lexical for value in values if isinstance(value, Literal)), default="")

    def short(self, iri: str) -> str:
        """An IRI with its prefix, where the document has one for it."""
        split = self.prefixes.split(iri)
        return f"{split[0]}:{split[1]}" if split and split[1] else iri

    def shown(self, value: Value) -> str:
        """A value as a reader is shown it."""
        return self.short(value) if isinstance(value, Name) else f"{value.lexical}@{value.language}" if value.language else value.lexical


def told(document: Document) -> Told:
    """Everything that *document* says, whatever the order of its statements."""
    full = document.read()
    found = Told(prefixes=Prefixes(full.namespaces))
    every = list(expanded(full.statements))
    for bundle in full.bundles:
        every += (inside := list(expanded(bundle.statements)))
        found.kinds.setdefault(bundle.id, ENTITY.name)
        found.about[bundle.id][PROV + "type"].add(Name(PROV + "Bundle"))
        for one in (one for one in inside if one.term.is_element and one.id):
            found.bundles[str(one.id)].add(bundle.id)
    for one in every:
        _element(found, one) if one.term.is_element else _relation(found, one)
    for one in (one for one in every if not one.term.is_element):
        _implied(found, one)
    return found


def _element(found: Told, one: Statement) -> None:
    id_ = str(one.id)
    found.kinds[id_] = min(found.kinds.get(id_, one.term.name), one.term.name)
    if one.term is ACTIVITY:
        _timed(found, id_, one.args[0] or one.args[1])
        _note(found, id_, "startTime", one.args[0])
        _note(found, id_, "endTime", one.args[1])
    for name, value in one.attributes:
        found.about[id_][name].add(value)


def _note(found: Told, id_: str, name: str, time: str | None) -> None:
    if time:
        found.about[id_][PROV + name].add(Literal(str(time)))


def _timed(found: Told, id_: str, time: object) -> None:
    if time:
        found.times[id_] = min(found.times.get(id_, str(time)), str(time))


def _relation(found: Told, one: Statement) -> None:
    if one.term is GENERATION:
        found.made.add(str(one.args[0]))
        _timed(found, str(one.args[0]), one.args[2])
    for link, rest in _links(one):
        said = found.relations.setdefault(link, set())
        said |= {(name, found.short(value) if isinstance(value, Name) else str(value)) for name, value in rest if value}
        said |= {(found.short(name), found.shown(value)) for name, value in one.attributes}


def _links(one: Statement) -> Iterator[tuple[Link, list[tuple[str, str | None]]]]:
    """A statement as pairs of things, each with the arguments that the pair does not hold."""
    named = list(zip(one.term.args, one.args, strict=True))
    source, target = str(one.args[0]), one.args[1] if len(one.args) > 1 else None
    rest = [(name, value) for name, value in named[2:] if not (one.term in (START, END) and name in ("starter", "ender"))]
    if isinstance(target, Name):
        yield (one.term.name, source, str(target)), rest
    if one.term in (START, END) and isinstance(one.args[2], Name):
        yield (one.term.name, source, str(one.args[2])), [named[3]]
    if one.term is ASSOCIATION and isinstance(one.args[2], Name):
        yield ("hadPlan", source, str(one.args[2])), []


def _implied(found: Told, one: Statement) -> None:
    """What a foreign document relates and never declares is there too, as what its place says it is."""
    for name, value in zip(one.term.args, one.args, strict=True):
        if isinstance(value, Name) and name not in TIMES and name not in ("generation", "usage", "bundle"):
            kind = ACTIVITY if name in _ACTIVITIES else AGENT if name in _AGENTS else ENTITY
            found.kinds.setdefault(str(value), kind.name)
