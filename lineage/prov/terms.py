"""The PROV vocabulary, said once.  Every format, the reader of RDF and the validator loop over `TERMS`.

A row is a kind of statement of PROV-DM: its name in PROV-N and PROV-JSON, its formal arguments in PROV-DM's order, and
how PROV-O writes it (W3C PROV-O, tables 1 to 3): the short property, the qualifying property with its class, and the
property by which the qualifying node names each argument.

In every relation the first argument is the RDF subject and the second the object of the short property.
"""

from __future__ import annotations

from dataclasses import dataclass

PROV = "http://www.w3.org/ns/prov#"
XSD = "http://www.w3.org/2001/XMLSchema#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"

TIMES = frozenset({"time", "startTime", "endTime"})  # the arguments that hold a time, not a name


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A kind of PROV statement; two terms are equal only when they are the same row."""

    name: str  # PROV-N and PROV-JSON
    args: tuple[str, ...]  # formal arguments after the identifier; PROV-JSON writes them `prov:<arg>`
    kind: str  # the PROV-O class of an element ("Entity") or of a relation's qualifying node ("Generation")
    short: str | None = None  # PROV-O property from args[0] to args[1]
    qualified: str | None = None  # PROV-O property from args[0] to the qualifying node; None: there is no such form
    nodes: tuple[str | None, ...] = ()  # PROV-O property that carries args[i] on the element or qualifying node
    required: int = 1  # this many leading arguments must be there (PROV-DM 5)

    @property
    def is_element(self) -> bool:
        """An entity, activity or agent: its identifier is what it is about."""
        return self.short is None

    def __repr__(self) -> str:
        return f"<{self.name}>"


ENTITY = Term("entity", (), "Entity", required=0)
ACTIVITY = Term("activity", ("startTime", "endTime"), "Activity", nodes=("startedAtTime", "endedAtTime"), required=0)
AGENT = Term("agent", (), "Agent", required=0)

# fmt: off
GENERATION = Term("wasGeneratedBy", ("entity", "activity", "time"), "Generation", "wasGeneratedBy", "qualifiedGeneration", (None, "activity", "atTime"))
USAGE = Term("used", ("activity", "entity", "time"), "Usage", "used", "qualifiedUsage", (None, "entity", "atTime"))
COMMUNICATION = Term("wasInformedBy", ("informed", "informant"), "Communication", "wasInformedBy", "qualifiedCommunication", (None, "activity"), 2)
START = Term("wasStartedBy", ("activity", "trigger", "starter", "time"), "Start", "wasStartedBy", "qualifiedStart", (None, "entity", "hadActivity", "atTime"))
END = Term("wasEndedBy", ("activity", "trigger", "ender", "time"), "End", "wasEndedBy", "qualifiedEnd", (None, "entity", "hadActivity", "atTime"))
INVALIDATION = Term("wasInvalidatedBy", ("entity", "activity", "time"), "Invalidation", "wasInvalidatedBy", "qualifiedInvalidation", (None, "activity", "atTime"))
DERIVATION = Term("wasDerivedFrom", ("generatedEntity", "usedEntity", "activity", "generation", "usage"), "Derivation", "wasDerivedFrom", "qualifiedDerivation", (None, "entity", "hadActivity", "hadGeneration", "hadUsage"), 2)
ATTRIBUTION = Term("wasAttributedTo", ("entity", "agent"), "Attribution", "wasAttributedTo", "qualifiedAttribution", (None, "agent"), 2)
ASSOCIATION = Term("wasAssociatedWith", ("activity", "agent", "plan"), "Association", "wasAssociatedWith", "qualifiedAssociation", (None, "agent", "hadPlan"))
DELEGATION = Term("actedOnBehalfOf", ("delegate", "responsible", "activity"), "Delegation", "actedOnBehalfOf", "qualifiedDelegation", (None, "agent", "hadActivity"))
INFLUENCE = Term("wasInfluencedBy", ("influencee", "influencer"), "Influence", "wasInfluencedBy", "qualifiedInfluence", (None, "influencer"), 2)
SPECIALIZATION = Term("specializationOf", ("specificEntity", "generalEntity"), "Specialization", "specializationOf", required=2)
ALTERNATE = Term("alternateOf", ("alternate1", "alternate2"), "Alternate", "alternateOf", required=2)
MEMBERSHIP = Term("hadMember", ("collection", "entity"), "Membership", "hadMember", required=2)
MENTION = Term("mentionOf", ("specificEntity", "generalEntity", "bundle"), "Mention", "mentionOf", nodes=(None, None, "asInBundle"), required=3)
# fmt: on

ELEMENTS = (ENTITY, ACTIVITY, AGENT)
RELATIONS = (
    GENERATION, USAGE, COMMUNICATION, START, END, INVALIDATION, DERIVATION, ATTRIBUTION, ASSOCIATION, DELEGATION,
    INFLUENCE, SPECIALIZATION, ALTERNATE, MEMBERSHIP, MENTION,
)  # fmt: skip
TERMS = ELEMENTS + RELATIONS
BY_NAME = {term.name: term for term in TERMS}

# fmt: off
# PROV-DM 5.7.2: the five attributes of the PROV namespace, and the RDF property that carries each (None: depends on where).
RESERVED = {"type": RDF + "type", "label": RDFS + "label", "location": PROV + "atLocation", "role": PROV + "hadRole", "value": PROV + "value"}

# PROV-DM 5.2.2 to 5.2.4: derivations of a named kind; PROV-DM writes them as a `prov:type`, PROV-O with properties of their own.
DERIVATION_KINDS = {"Revision": ("wasRevisionOf", "qualifiedRevision"), "Quotation": ("wasQuotedFrom", "qualifiedQuotation"), "PrimarySource": ("hadPrimarySource", "qualifiedPrimarySource")}

# Classes of PROV-O that say which element a node is.
SUBCLASSES = {"Plan": ENTITY, "Bundle": ENTITY, "Collection": ENTITY, "EmptyCollection": ENTITY, "Person": AGENT, "SoftwareAgent": AGENT, "Organization": AGENT}
# fmt: on
