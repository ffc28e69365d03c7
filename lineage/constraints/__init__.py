"""Is this document valid PROV?  W3C PROV-CONSTRAINTS (Recommendation, 2013-04-30), complete, and linear in the statements.

    rules        the numbered rules, and which function keeps each
    instance     normal form: short forms expanded, keys merged to the fixpoint (definitions 1-4, inferences 11, 15, 21, constraints 22-29)
    typing       what the place in a statement says of a thing (50)
    impossible   what cannot be (51-56)
    ordering     events in an order, and the strict edge that lies on a cycle (30-49)
    advice       beyond the recommendation: warnings
    unify, graph union-find and strongly connected components

`validate` judges the top level and each bundle by itself (nothing crosses bundles), and that no two bundles have one name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from lineage.constraints import impossible, ordering
from lineage.constraints.advice import advice
from lineage.constraints.instance import Instance
from lineage.constraints.typing import impose
from lineage.constraints.violations import Violation, short, violation
from lineage.findings import Finding
from lineage.prov.document import Document
from lineage.prov.statement import Batch, Statement, expanded


def validate(document: Document, file: str = "document") -> list[Violation]:
    """What is wrong with *document* under PROV-CONSTRAINTS, called by *file*; an empty list says that it is valid."""
    full = document.read()
    found = [*violations(full.statements, file)]
    for bundle in full.bundles:
        found += violations(bundle.statements, f"{file} (bundle {short(bundle.id)})")
    names = Counter(bundle.id for bundle in full.bundles)
    found += [violation(22, f"two bundles are called {short(name)}", ids=[name], file=file) for name, n in names.items() if n > 1]
    return found


def advised(document: Document, file: str = "document") -> list[Finding]:
    """What is valid and looks wrong: warnings, beyond the recommendation."""
    full = document.read()
    bundles = (one for bundle in full.bundles for one in advice(expanded(bundle.statements), f"{file} (bundle {short(bundle.id)})"))
    return [*advice(expanded(full.statements), file), *bundles]


def violations(statements: Iterable[Statement | Batch], file: str = "document") -> Iterator[Violation]:
    """What is wrong with one instance."""
    told = tuple(expanded(statements))
    instance = Instance(told, file)
    if instance.violations:
        instance = Instance(told, file, explains=True)  # again, and slower: now there is something to explain
    yield from instance.violations
    types = impose(instance)
    yield from impossible.unspecified_derivation(instance)
    yield from impossible.specialization_reflexive(instance)
    yield from impossible.property_overlap(instance)
    yield from impossible.object_property_overlap(instance)
    yield from impossible.entity_activity_disjoint(instance, types)
    yield from impossible.membership_empty_collection(instance)
    yield from ordering.contradictions(instance)
