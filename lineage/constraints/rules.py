"""The rules of PROV-CONSTRAINTS (W3C Recommendation, 2013-04-30), by number: what each is called, and which function keeps it.

A rule that is `never alone` orders an end or an invalidation after something else. No rule leads back from an end or an
invalidation to a start, a usage or a generation, so no such edge can close a cycle: the verdict is the same without them.
"""

from __future__ import annotations

from dataclasses import dataclass

from lineage.findings import Rule

CLAUSE = "https://www.w3.org/TR/prov-constraints/#"
HINT = "see docs/conformance.md"


@dataclass(frozen=True, slots=True)
class Constraint:
    """One numbered rule of the recommendation."""

    number: int
    title: str
    where: str  # the function that keeps it
    never_alone: bool = False

    @property
    def clause(self) -> str:
        """Its anchor in the recommendation."""
        return f"{CLAUSE}{self.title}" if self.number >= 5 else f"{CLAUSE}{self.title.replace(' ', '-')}"

    @property
    def rule(self) -> Rule:
        """What a finding says of it."""
        return Rule(code=f"prov-{self.number}", level="error", title=f"constraint {self.number} ({self.title})", hint=HINT)


_ROWS = (
    (1, "optional-identifiers", "instance.Instance.add"), (2, "optional-attributes", "prov.statement.statement"), (3, "definition-short-forms", "formats"), (4, "optional-placeholders", "instance.Instance.add"),
    (5, "communication-generation-use-inference", "ordering.communication", True), (6, "generation-use-communication-inference", "ordering.communication", True),
    (7, "entity-generation-invalidation-inference", "instance.Instance.exists"), (8, "activity-start-end-inference", "instance.Instance.exists", True),
    (9, "wasStartedBy-inference", "ordering.start"), (10, "wasEndedBy-inference", "ordering.end"), (11, "derivation-generation-use-inference", "instance.Instance.add_derivation"),
    (12, "revision-is-alternate-inference", "typing.impose", True), (13, "attribution-inference", "instance.Instance.exists"), (14, "delegation-inference", "typing.impose", True),
    (15, "influence-inference", "instance.Instance.add_influence"), (16, "alternate-reflexive", "typing.impose", True), (17, "alternate-transitive", "typing.impose", True),
    (18, "alternate-symmetric", "typing.impose", True), (19, "specialization-transitive", "impossible.specialization_reflexive"), (20, "specialization-alternate-inference", "typing.impose", True),
    (21, "specialization-attributes-inference", "instance.Instance.specialize"),
    (22, "key-object", "instance.Instance.add_element"), (23, "key-properties", "instance.Instance.key"),
    (24, "unique-generation", "instance.Instance.key"), (25, "unique-invalidation", "instance.Instance.key"), (26, "unique-wasStartedBy", "instance.Instance.key"), (27, "unique-wasEndedBy", "instance.Instance.key"),
    (28, "unique-startTime", "instance.Instance.key_time"), (29, "unique-endTime", "instance.Instance.key_time"),
    (30, "start-precedes-end", "ordering", True), (31, "start-start-ordering", "ordering.Event"), (32, "end-end-ordering", "ordering.Event", True),
    (33, "usage-within-activity", "ordering.usage"), (34, "generation-within-activity", "ordering.generation"), (35, "wasInformedBy-ordering", "ordering", True),
    (36, "generation-precedes-invalidation", "ordering", True), (37, "generation-precedes-usage", "ordering.usage"), (38, "usage-precedes-invalidation", "ordering", True),
    (39, "generation-generation-ordering", "ordering.Event"), (40, "invalidation-invalidation-ordering", "ordering.Event", True),
    (41, "derivation-usage-generation-ordering", "ordering.derivation"), (42, "derivation-generation-generation-ordering", "ordering.derivation"),
    (43, "wasStartedBy-ordering", "ordering.start"), (44, "wasEndedBy-ordering", "ordering", True),
    (45, "specialization-generation-ordering", "ordering.specialization"), (46, "specialization-invalidation-ordering", "ordering", True),
    (47, "wasAssociatedWith-ordering", "ordering", True), (48, "wasAttributedTo-ordering", "ordering.attribution"), (49, "actedOnBehalfOf-ordering", "ordering", True),
    (50, "typing", "typing.impose"),
    (51, "impossible-unspecified-derivation-generation-use", "impossible.unspecified_derivation"), (52, "impossible-specialization-reflexive", "impossible.specialization_reflexive"),
    (53, "impossible-property-overlap", "impossible.property_overlap"), (54, "impossible-object-property-overlap", "impossible.object_property_overlap"),
    (55, "entity-activity-disjoint", "impossible.entity_activity_disjoint"), (56, "membership-empty-collection", "impossible.membership_empty_collection"),
)  # fmt: skip
CONSTRAINTS = {row[0]: Constraint(*row) for row in _ROWS}
