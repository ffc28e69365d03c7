"""Which PROV relations carry influence from one thing to another, and which way (docs/decisions/0010).

A row of `INFLUENCES` says: what stands in the first place came from what stands in the second. PROV-DM 5 defines each of them as a kind of
influence but membership, specialization and mention, which tell what a thing consists of or is an aspect of. Left out on purpose: an
alternate is not older than its other, and who invalidated an entity had no part in what was made of it before.
"""

from __future__ import annotations

from collections.abc import Iterator

from lineage.prov.statement import Name, Statement
from lineage.prov.terms import (
    ASSOCIATION,
    ATTRIBUTION,
    COMMUNICATION,
    DELEGATION,
    DERIVATION,
    END,
    GENERATION,
    INFLUENCE,
    MEMBERSHIP,
    MENTION,
    SPECIALIZATION,
    START,
    USAGE,
    Term,
)

INFLUENCES: dict[Term, tuple[tuple[str, str], ...]] = {
    GENERATION: (("entity", "activity"),),
    USAGE: (("activity", "entity"),),
    COMMUNICATION: (("informed", "informant"),),
    START: (("activity", "trigger"), ("activity", "starter")),
    END: (("activity", "trigger"), ("activity", "ender")),
    DERIVATION: (("generatedEntity", "usedEntity"), ("generatedEntity", "activity")),
    ATTRIBUTION: (("entity", "agent"),),
    ASSOCIATION: (("activity", "agent"), ("activity", "plan")),
    DELEGATION: (("delegate", "responsible"),),
    INFLUENCE: (("influencee", "influencer"),),
    SPECIALIZATION: (("specificEntity", "generalEntity"),),
    MENTION: (("specificEntity", "generalEntity"),),
    MEMBERSHIP: (("collection", "entity"),),
}
_KINDS = {
    **dict.fromkeys(("activity", "informed", "informant", "starter", "ender"), "activity"),
    **dict.fromkeys(("agent", "delegate", "responsible"), "agent"),
}


def _place(term: Term, name: str) -> tuple[int, str]:
    return term.args.index(name), _KINDS.get(name, "entity")


_PLACES = {term: tuple((_place(term, new), _place(term, old)) for new, old in rows) for term, rows in INFLUENCES.items()}
_WITHIN = ((_place(DELEGATION, "activity"), _place(DELEGATION, "responsible")),)

# What the facts tell and the PROV of one session cannot (known.py).
CARRIED, RECORDED, PART, NAMED = "carriedFrom", "recordedRun", "partOf", "namesLoader"

Place = tuple[Name, str]  # a name, and whether its place is that of an entity, an activity or an agent


def influences(one: Statement) -> Iterator[tuple[Place, Place]]:
    """The pairs (newer, older) of a statement. A delegation within an activity counts for that activity, not for all that the delegate did."""
    rows = _WITHIN if one.term is DELEGATION and one.args[2] is not None else _PLACES.get(one.term, ())
    for (newer, new_kind), (older, old_kind) in rows:
        new, old = one.args[newer], one.args[older]
        if isinstance(new, Name) and isinstance(old, Name):
            yield (new, new_kind), (old, old_kind)
