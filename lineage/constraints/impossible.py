"""Constraints 51 to 56: what cannot be."""

from __future__ import annotations

from collections.abc import Iterator

from lineage.constraints.graph import components
from lineage.constraints.instance import Instance
from lineage.constraints.typing import Types
from lineage.constraints.unify import NONE
from lineage.constraints.violations import Violation, short, told, violation
from lineage.prov.statement import Statement
from lineage.prov.terms import (
    ACTIVITY,
    ASSOCIATION,
    ATTRIBUTION,
    COMMUNICATION,
    DELEGATION,
    DERIVATION,
    ELEMENTS,
    END,
    ENTITY,
    GENERATION,
    INFLUENCE,
    INVALIDATION,
    MEMBERSHIP,
    SPECIALIZATION,
    START,
    USAGE,
    Term,
)  # fmt: skip

# Constraint 53: an id of one of these relations is no id of another. A derivation and an influence are not among them.
DISJOINT = frozenset({USAGE, GENERATION, INVALIDATION, START, END, COMMUNICATION, ATTRIBUTION, ASSOCIATION, DELEGATION})
IDENTIFIED = DISJOINT | {DERIVATION, INFLUENCE}


def unspecified_derivation(instance: Instance) -> Iterator[Violation]:
    """51: a derivation that names a generation or a usage names its activity."""
    for row in instance.rows:
        if row.term is DERIVATION and row.args[2] == NONE and row.args[3:] != [NONE, NONE]:
            found = [str(arg) for arg in row.args[3:] if arg != NONE]
            yield violation(51, "the activity is not specified", ids=found, witness=[told(row.said)], file=instance.file)


def specialization_reflexive(instance: Instance) -> Iterator[Violation]:
    """52 with 19: nothing is a specialization of itself, nor of what specializes it, however far off."""
    edges = [(specific, general) for general, found in instance.specialized.items() for specific in found]
    for specific, general in edges:
        if specific == general:
            witness = [f"specializationOf({short(specific)}, {short(general)})"]
            yield violation(52, f"{short(specific)} specializes itself", ids=[specific], witness=witness, file=instance.file)
    for cycle in components([edge for edge in edges if edge[0] != edge[1]]):
        chain = " -> ".join(short(str(name)) for name in cycle[:MAX_SHOWN])
        yield violation(52, "a circle of specializations", ids=map(str, cycle[:MAX_SHOWN]), witness=[chain], file=instance.file)


MAX_SHOWN = 100


def property_overlap(instance: Instance) -> Iterator[Violation]:
    """53: the id of a relation of one kind is not that of another kind."""
    seen: dict[object, tuple[Term, Statement]] = {}
    for row in instance.rows:
        id_ = instance.value(row.id)
        if row.term in DISJOINT and isinstance(id_, str):
            term, said = seen.setdefault(id_, (row.term, row.said))
            if term is not row.term:
                yield violation(
                    53,
                    f"{short(id_)} is {term.name} and {row.term.name}",
                    ids=[id_],
                    witness=[told(said), told(row.said)],
                    file=instance.file,
                )


def object_property_overlap(instance: Instance) -> Iterator[Violation]:
    """54: the id of a relation is not that of an entity, an activity or an agent."""
    told_: set[object] = set()
    for row in instance.rows:
        id_ = instance.value(row.id)
        if row.term not in IDENTIFIED or not isinstance(id_, str) or id_ in told_:
            continue
        for term in ELEMENTS:
            declared = instance.elements.get((term, id_))  # type: ignore[arg-type]
            if declared is not None:
                told_.add(id_)
                message = f"{short(id_)} is {term.name} and {row.term.name}"
                yield violation(54, message, ids=[id_], witness=[told(declared), told(row.said)], file=instance.file)


def entity_activity_disjoint(instance: Instance, types: Types) -> Iterator[Violation]:
    """55: nothing is both an entity and an activity."""
    for thing, kinds in types.items():
        if ENTITY in kinds and ACTIVITY in kinds:
            name = str(thing) if isinstance(thing, str) else "something"
            yield violation(
                55, f"{short(name)} is both", ids=[name], witness=[told(kinds[ENTITY]), told(kinds[ACTIVITY])], file=instance.file
            )


def membership_empty_collection(instance: Instance) -> Iterator[Violation]:
    """56: an empty collection has no member."""
    for row in instance.rows:
        if row.term is MEMBERSHIP and row.args[0] in instance.empty:
            name = str(row.args[0])
            yield violation(56, f"{short(name)} is empty and has a member", ids=[name], witness=[told(row.said)], file=instance.file)


__all__ = [
    "SPECIALIZATION", "entity_activity_disjoint", "membership_empty_collection", "object_property_overlap", "property_overlap",
    "specialization_reflexive", "unspecified_derivation",
]  # fmt: skip
