"""Constraint 50: what a place in a statement says of the thing that stands there."""

from __future__ import annotations

from lineage.constraints.instance import Instance
from lineage.constraints.unify import NONE, Value
from lineage.prov.statement import Statement
from lineage.prov.terms import ACTIVITY, AGENT, ENTITY, INFLUENCE, MENTION, Term

# The type of each argument of a relation, by its name (PROV-CONSTRAINTS 6.3). Others (ids of relations, times) have none.
PLACES = {
    "entity": ENTITY, "activity": ACTIVITY, "agent": AGENT, "trigger": ENTITY, "starter": ACTIVITY, "ender": ACTIVITY, "informed": ACTIVITY,
    "informant": ACTIVITY, "generatedEntity": ENTITY, "usedEntity": ENTITY, "delegate": AGENT, "responsible": AGENT, "plan": ENTITY,
    "specificEntity": ENTITY, "generalEntity": ENTITY, "alternate1": ENTITY, "alternate2": ENTITY, "collection": ENTITY,
}  # fmt: skip

Types = dict[Value, dict[Term, Statement]]  # of each thing: its types, each with a statement that imposed it


def impose(instance: Instance) -> Types:
    """The types of every thing. An influence and a mention impose none."""
    types: Types = {}
    for (term, name), said in instance.elements.items():
        types.setdefault(name, {}).setdefault(term, said)
    for row in instance.rows:
        if row.term not in (INFLUENCE, MENTION):
            for place, value in zip(row.term.args, row.args, strict=True):
                kind = PLACES.get(place)
                if kind is not None and value != NONE:
                    types.setdefault(instance.value(value), {}).setdefault(kind, row.said)
    return types
