"""What we write is read back equal: by us, by prov, by rdflib and by pyoxigraph."""

import io
import json

import pyoxigraph
import pytest
import rdflib
import rdflib.compare
from documents import EX, NAMES, documents, relations
from hypothesis import given, settings
from hypothesis import strategies as st
from prov.model import ProvDocument

from lineage import formats
from lineage.errors import FormatError, UsageError
from lineage.formats.rdf_reader import QUALIFIED
from lineage.prov.bridge import to_prov
from lineage.prov.document import Bundle, Document, flattened, same
from lineage.prov.statement import Batch, Hole, Literal, Name, literal, statement, tagged
from lineage.prov.terms import ACTIVITY, DERIVATION, DERIVATION_KINDS, ENTITY, GENERATION, MENTION, PROV, RELATIONS, USAGE, XSD

OWN = ("json", "trig", "nquads")


@pytest.mark.parametrize("name", [*OWN, "provn", "jsonld"])
@given(document=documents())
@settings(max_examples=60)
def test_what_we_write_we_read_back_equal(name, document):
    assert same(formats.loads(formats.dumps(document, name), name), document)


@given(document=documents())
@settings(max_examples=60)
def test_turtle_reads_back_equal(document):
    flat = flattened(Document(document.namespaces, document.statements))
    assert same(formats.loads(formats.dumps(flat, "turtle"), "turtle"), flat)


@given(document=documents())
@settings(max_examples=40)
def test_prov_xml_reads_back_equal(document):
    """But for a name that no XML namespace can hold (a letter beyond ASCII before a `%20`), which is an error and nothing else."""
    try:
        written = formats.dumps(document, "xml")
    except FormatError as error:
        assert "XML has no name" in str(error) or "namespace URI" in str(error)
        return
    assert same(formats.loads(written, "xml"), document)


@pytest.mark.parametrize("term", RELATIONS, ids=lambda term: term.name)
def test_every_relation_survives_each_of_our_formats(term):
    made = st.one_of(relations(terms=(term,)))

    @given(made)
    @settings(max_examples=15)
    def survives(one):
        document = Document({"ex": EX}, [one])
        assert all(same(formats.loads(formats.dumps(document, name), name), document) for name in ("json", "trig", "nquads", "turtle"))

    survives()


@given(document=documents())
@settings(max_examples=40)
def test_prov_reads_our_json_as_the_document_that_we_mean(document):
    assert ProvDocument.deserialize(content=formats.dumps(document, "json").decode(), format="json") == to_prov(document)


def without_entailed(trig):
    """The quads without each short triple that a qualifying node entails: prov reads the pair as two relations."""
    store = rdflib.Dataset()
    store.parse(data=trig, format="trig")
    for graph in list(store.graphs()):
        for qualified, (term, kind) in QUALIFIED.items():
            for subject, node in list(graph.subject_objects(rdflib.URIRef(qualified))):
                for target in graph.objects(node, rdflib.URIRef(PROV + term.nodes[1])):
                    for short in (term.short, DERIVATION_KINDS.get(kind, [term.short])[0]):
                        graph.remove((subject, rdflib.URIRef(PROV + short), target))
    return store.serialize(format="trig")


@given(document=documents())
@settings(max_examples=40)
def test_prov_reads_our_trig_as_it_reads_our_json(document):
    ours = ProvDocument.deserialize(content=without_entailed(formats.dumps(document, "trig").decode()), format="rdf", rdf_format="trig")
    theirs = ProvDocument.deserialize(content=formats.dumps(document, "json").decode(), format="json")
    assert ours == theirs


@given(document=documents())
@settings(max_examples=40)
def test_rdflib_and_pyoxigraph_see_one_graph_in_turtle_and_n_quads(document):
    flat = flattened(document)
    turtle, quads = formats.dumps(flat, "turtle"), formats.dumps(flat, "nquads")
    by_rdflib = rdflib.Graph().parse(data=turtle, format="turtle")
    rewritten = pyoxigraph.serialize(pyoxigraph.parse(turtle, pyoxigraph.RdfFormat.TURTLE), format=pyoxigraph.RdfFormat.N_TRIPLES)
    by_oxigraph = rdflib.Graph().parse(data=rewritten, format="nt")
    by_quads = rdflib.Graph().parse(data=quads, format="nt")
    assert rdflib.compare.isomorphic(by_rdflib, by_oxigraph) and rdflib.compare.isomorphic(by_rdflib, by_quads)


ROWS = st.lists(
    st.tuples(st.integers(1, 10**9).map(str), st.text(max_size=20) | st.sampled_from(['"', "\\", "%s", "HOLExL", "\n"])),
    max_size=5,
    unique_by=lambda row: row[0],
)


def batch(rows):
    """Records with a hole in the name, in a number, in a time and in a text."""
    record = Name(f"{EX}record-HOLExL")
    template = (
        statement(
            ENTITY, record, attributes=[(Name(EX + "n"), Literal("HOLExL", XSD + "integer")), (Name(EX + "100%s"), literal("HOLExT 100%"))]
        ),
        statement(GENERATION, None, record, Name(EX + "run"), "2026-01-01T00:00:00Z"),
        statement(DERIVATION, None, record, Name(EX + "source")),
    )
    return Batch(template, (Hole("HOLExL", "name"), Hole("HOLExT", "text")), rows)


@pytest.mark.parametrize("name", [*OWN, "turtle"])
@given(rows=ROWS)
@settings(max_examples=40)
def test_a_batch_says_exactly_what_its_statements_say(name, rows):
    rows = [(line, text.encode("utf-8", "replace").decode()) for line, text in rows]
    document = Document({"ex": EX}, [batch(rows)])
    assert same(formats.loads(formats.dumps(document, name), name), document.read())


def test_a_batch_refuses_a_name_that_would_need_an_escape():
    with pytest.raises(FormatError, match="cannot hold"):
        formats.dumps(Document({"ex": EX}, [batch([("1> .", "x")])]), "turtle")


def test_turtle_refuses_bundles_and_names_trig():
    with pytest.raises(FormatError, match="TriG"):
        formats.dumps(Document({}, [], [Bundle(Name(EX + "b"), [])]), "turtle")


def test_the_short_triple_is_found_with_no_inference():
    one = statement(GENERATION, None, Name(EX + "e"), Name(EX + "a"), "2026-01-01T00:00:00Z")
    graph = rdflib.Graph().parse(data=formats.dumps(Document({"ex": EX}, [one]), "turtle"), format="turtle")
    assert list(graph.query("SELECT ?a { ?e <http://www.w3.org/ns/prov#wasGeneratedBy> ?a }")) == [(rdflib.URIRef(EX + "a"),)]


def test_a_lone_short_triple_and_a_pair_are_one_statement_each():
    text = f"@prefix prov: <{PROV}> . @prefix ex: <{EX}> . ex:a prov:used ex:e, ex:f ; prov:qualifiedUsage [ a prov:Usage ; prov:entity ex:e ] ."
    read = list(formats.loads(text.encode(), "turtle").statements)
    assert set(read) == {statement(USAGE, None, Name(EX + "a"), Name(EX + target)) for target in "ef"}


def test_a_revision_is_found_as_a_derivation_and_read_back_as_one_statement():
    one = statement(DERIVATION, None, Name(EX + "new"), Name(EX + "old"), attributes=[(Name(PROV + "type"), Name(PROV + "Revision"))])
    text = formats.dumps(Document({"ex": EX}, [one]), "turtle")
    graph = rdflib.Graph().parse(data=text, format="turtle")
    assert all(
        (rdflib.URIRef(EX + "new"), rdflib.PROV[verb], rdflib.URIRef(EX + "old")) in graph for verb in ("wasRevisionOf", "wasDerivedFrom")
    )
    assert list(formats.loads(text, "turtle").statements) == [one]


def test_our_json_has_no_other_top_level_keys_and_the_xsd_of_2001():
    document = json.loads(formats.dumps(Document({"ex": EX}, [statement(ACTIVITY, Name(EX + "a"), "2026-01-01T00:00:00Z")]), "json"))
    assert set(document) <= {"prefix", "bundle", "activity"} and document["prefix"]["xsd"] == "http://www.w3.org/2001/XMLSchema#"
    assert document["activity"]["ex:a"] == {"prov:startTime": "2026-01-01T00:00:00Z"}


BAD = {
    "not JSON": b"{", "a list": b"[]", "an unknown kind": b'{"entities": {}}', "an undeclared prefix": b'{"entity": {"ex:e": {}}}',
    "a key twice": b'{"entity": {}, "entity": {}}', "no UTF-8": b'{"\xff": 1}', "too deep": b'{"entity":' * 5000, "a number for a name": b'{"used": {"_:u": {"prov:activity": 3}}}',
}  # fmt: skip


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_bad_json_is_an_error_that_says_so(data):
    with pytest.raises(FormatError):
        formats.loads(data, "json")


@pytest.mark.parametrize("name", ["turtle", "trig", "nquads", "provn", "xml", "jsonld"])
@given(data=st.binary(max_size=60))
@settings(max_examples=25)
def test_no_bytes_end_in_a_traceback(name, data):
    try:
        formats.load(io.BytesIO(data), name)
    except FormatError as error:
        assert str(error)


def test_xml_entities_are_refused():
    with pytest.raises(FormatError, match="refused"):
        formats.loads(b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>', "xml")


def test_an_unknown_format_lists_those_there_are():
    with pytest.raises(UsageError, match="turtle"):
        formats.by_name("rdf")


@given(NAMES["e"])
def test_a_name_is_an_iri_whatever_it_was_made_of(name):
    assert pyoxigraph.NamedNode(name).value == name and Name(name) == name


def test_a_language_that_is_no_tag_is_refused():
    with pytest.raises(FormatError):
        tagged("x", 'en" . <a> <b> <c')


def test_a_mention_survives_our_formats():
    one = statement(MENTION, None, Name(EX + "e"), Name(EX + "g"), Name(EX + "b"))
    assert all(same(formats.loads(formats.dumps(Document({"ex": EX}, [one]), name), name), Document({}, [one])) for name in OWN)
