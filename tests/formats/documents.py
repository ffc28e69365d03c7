"""Documents for property tests: every relation, odd names and values, bundles."""

from hypothesis import strategies as st

from lineage.prov.document import Bundle, Document
from lineage.prov.statement import Literal, Name, literal, statement
from lineage.prov.terms import (
    ACTIVITY,
    AGENT,
    ASSOCIATION,
    DERIVATION,
    DERIVATION_KINDS,
    END,
    ENTITY,
    GENERATION,
    INVALIDATION,
    MENTION,
    PROV,
    RELATIONS,
    START,
    TIMES,
    USAGE,
    XSD,
)  # fmt: skip

EX = "http://example.org/a#"
ODD = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Cn", "Co")) | st.sampled_from(' %>"\\<\n`{}|^()/'), max_size=8)
# Names end in a letter, for an IRI that ends in none has no name in XML; and they hold `x`, so that no two kinds meet.
NAMES = {kind: st.builds(lambda odd, kind=kind: Name(f"{EX}{kind}-{odd}x"), ODD) for kind in ("e", "a", "g", "r", "p")}
TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Cn")) | st.sampled_from('"\\\n\t%>'), max_size=12)
TIME = st.builds(
    lambda time, zone: time.isoformat() + zone,
    st.datetimes(min_value=__import__("datetime").datetime(1971, 1, 1), max_value=__import__("datetime").datetime(2090, 1, 1)),
    st.sampled_from(["Z", "+02:00", "-11:30", "+00:00"]),
).map(lambda time: time.replace("Z", "+00:00"))
VALUES = st.one_of(
    TEXT.map(literal),
    st.builds(literal, TEXT, st.sampled_from(["en", "fr", "de-ch"])),
    st.integers(-(10**20), 10**20).map(lambda n: Literal(str(n), XSD + "integer")),
    st.booleans().map(literal),
    NAMES["e"],
)
ATTRIBUTES = st.lists(st.tuples(st.sampled_from([Name(EX + "p1"), Name(EX + "p2")]), VALUES), max_size=3)
TYPES = st.lists(
    st.sampled_from([Name(EX + "Kind"), Name(PROV + "Collection"), Name(PROV + "Plan")]).map(lambda name: (Name(PROV + "type"), name)),
    max_size=2,
)
KIND_OF = {
    "activity": "a", "informed": "a", "informant": "a", "starter": "a", "ender": "a", "agent": "g", "delegate": "g", "responsible": "g",
    "generation": "r", "usage": "r", "bundle": "e",
}  # fmt: skip
LABELS = st.tuples(st.just(Name(PROV + "label")), TEXT.map(literal))
ROLES = st.tuples(st.just(Name(PROV + "role")), NAMES["e"])
SUBKINDS = st.tuples(st.just(Name(PROV + "type")), st.sampled_from([Name(PROV + kind) for kind in DERIVATION_KINDS]))
# PROV-DM 5.7.2: roles stand on these six alone.
WITH_ROLES = (USAGE, GENERATION, INVALIDATION, ASSOCIATION, START, END)
RESERVED = {term: LABELS | (ROLES if term in WITH_ROLES else SUBKINDS if term is DERIVATION else LABELS) for term in RELATIONS}


@st.composite
def relations(draw, terms=tuple(term for term in RELATIONS if term is not MENTION)):
    """Any relation, with or without identifier, optional arguments and attributes."""
    term = draw(st.sampled_from(terms))
    args = []
    for n, name in enumerate(term.args):
        value = TIME if name in TIMES else NAMES[KIND_OF.get(name, "e")]
        args.append(draw(value) if n < max(term.required, 2) and name not in TIMES else draw(st.none() | value))
    plain = term.qualified is None
    attributes = [] if plain else draw(ATTRIBUTES) + draw(st.lists(RESERVED[term], max_size=2, unique_by=lambda pair: pair[0]))
    return statement(term, None if plain else draw(st.none() | NAMES["r"]), *args, attributes=attributes)


@st.composite
def elements(draw):
    """An entity, activity or agent."""
    term = draw(st.sampled_from([ENTITY, ACTIVITY, AGENT]))
    kind = {ENTITY: "e", ACTIVITY: "a", AGENT: "g"}[term]
    args = [draw(st.none() | TIME), draw(st.none() | TIME)] if term is ACTIVITY else []
    attributes = draw(ATTRIBUTES) + (draw(TYPES) if term is ENTITY else [])
    return statement(term, draw(NAMES[kind]), *args, attributes=attributes)


def distinct(statements):
    """One statement an identifier, as a document has it once its terms are merged; and each anonymous relation once."""
    kept = {}
    for one in statements:
        kept.setdefault(one.id or (one.term, one.args[:2]), one)
    return list(kept.values())


@st.composite
def documents(draw):
    """A document with bundles."""
    body = st.lists(elements() | relations(), max_size=6).map(distinct)
    names = draw(st.lists(NAMES["e"].map(lambda name: Name(name + "-bundle")), max_size=2, unique=True))
    bundles = [Bundle(name, draw(body.filter(len))) for name in names]
    return Document({"ex": EX}, draw(body), bundles)
