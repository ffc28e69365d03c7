"""Everything as networkx, GraphML and RDF; and one question answered three ways: by SPARQL, by networkx, and by our own walk."""

import io
import random

import networkx
import pyoxigraph
import pytest
import rdflib
from histories import BAD, history

import lineage
from lineage import formats
from lineage.mapping.names import ID_BASE
from lineage.prov.terms import ALTERNATE, DELEGATION, DERIVATION, END, INVALIDATION, START
from lineage.trace.everything import graphml, of_document
from lineage.trace.graph import read
from lineage.trace.reading import open_library
from lineage.trace.walks import future, past

# The relations that carry influence, as PROV-O writes the pairs of lineage/trace/relations.py; a bundle is a graph, so the union is asked.
STEP = """
    prov:wasGeneratedBy|prov:used|prov:wasInformedBy|prov:qualifiedStart/prov:hadActivity|prov:wasDerivedFrom|prov:qualifiedDerivation/prov:hadActivity
    |prov:wasAttributedTo|prov:wasAssociatedWith|prov:qualifiedAssociation/prov:hadPlan|prov:hadMember|^prov:hadActivity/prov:agent
"""
# The last path is a delegation: from the activity in which it was, back over the qualifying node, to who was responsible. Associations have no hadActivity.


def sparql(store, name, direction):
    way = f"<{name}> ({STEP})+ ?found" if direction == "past" else f"?found ({STEP})+ <{name}>"
    query = f"PREFIX prov: <http://www.w3.org/ns/prov#> SELECT DISTINCT ?found WHERE {{ {way} }}"
    return {
        one["found"].value for one in store.query(query, use_default_graph_as_union=True) if isinstance(one["found"], pyoxigraph.NamedNode)
    } - {name}


def influences(multigraph):
    """The pairs of relations.py, read from the networkx graph with all its arguments."""
    plain = networkx.DiGraph()
    plain.add_nodes_from(multigraph)
    for newer, older, facts in multigraph.edges(data=True):
        match facts["relation"]:
            case DELEGATION.name:
                plain.add_edge(facts.get("activity", newer), older)
            case ALTERNATE.name | INVALIDATION.name | END.name:
                pass
            case START.name | DERIVATION.name:
                plain.add_edge(newer, older)
                plain.add_edges_from((newer, facts[end]) for end in ("activity",) if end in facts)
            case _:
                plain.add_edge(newer, older)
                plain.add_edges_from((newer, facts[end]) for end in ("plan",) if end in facts)
    return plain


@pytest.mark.parametrize("seed", range(5))
def test_sparql_networkx_and_our_walk_give_the_same_answer(seed):
    document = open_library(history(seed, 25)).document()
    ours = read([("all", document)])
    store = pyoxigraph.Store()
    store.load(formats.dumps(document, "nquads"), format=pyoxigraph.RdfFormat.N_QUADS)
    theirs = influences(of_document(document))
    names = sorted(name for name in ours.names if name.startswith(ID_BASE) and "bundle-" not in name)
    for name in random.Random(seed).sample(names, 25):
        number, short = ours.index[name], f"id:{name.removeprefix(ID_BASE)}"
        back = {ours.names[one] for one in past(ours, [number])} - {name}
        forth = {ours.names[one] for one in future(ours, [number])} - {name}
        assert (
            back == {f"{ID_BASE}{one.removeprefix('id:')}" for one in networkx.descendants(theirs, short)} == sparql(store, name, "past")
        ), name
        assert (
            forth == {f"{ID_BASE}{one.removeprefix('id:')}" for one in networkx.ancestors(theirs, short)} == sparql(store, name, "future")
        ), name


DIRECT = """
    PREFIX prov: <http://www.w3.org/ns/prov#> PREFIX lin: <https://w3id.org/lineage-prov/ns#>
    SELECT DISTINCT ?slice ?loader WHERE {
        ?load prov:wasAssociatedWith ?loader . ?model prov:wasGeneratedBy ?load . ?run prov:used ?model .
        { ?slice lin:recordedRun ?run } UNION { ?slice a lin:Slice ; prov:wasGeneratedBy ?run FILTER NOT EXISTS { ?slice lin:recordedRun ?other } }
    }
"""


@pytest.mark.parametrize("seed", range(5))
def test_the_slices_that_sparql_finds_by_their_recorded_run_are_tainted(seed):
    library = open_library(history(seed, 60))
    store = pyoxigraph.Store()
    store.load(formats.dumps(library.document(), "nquads"), format=pyoxigraph.RdfFormat.N_QUADS)
    loader = {pyoxigraph.Variable("loader"): pyoxigraph.NamedNode(f"{ID_BASE}loader-{BAD}")}
    direct = {row["slice"].value for row in store.query(DIRECT, use_default_graph_as_union=True, substitutions=loader)}
    tainted = {one.id for one in lineage.impact(f"loader:{BAD}", library).things if one.lines}
    assert direct and direct <= tainted


def test_the_networkx_graph_holds_every_statement_with_all_its_arguments():
    document = open_library(history(2, 20)).document()
    made = of_document(document)
    every = [one for bundle in document.bundles for one in bundle.statements]
    relations = [one for one in every if not one.term.is_element]
    assert made.number_of_edges() == len(relations)
    assert {data["relation"] for *_, data in made.edges(data=True)} == {one.term.name for one in relations}
    timed = [one for one in relations if one.term.name == "wasGeneratedBy" and one.args[2]]
    assert sum("time" in data for *_, data in made.edges(data=True) if data["relation"] == "wasGeneratedBy") == len(timed) > 10
    bundles = {data["bundle"] for *_, data in made.edges(data=True)}
    assert len(bundles) == len(document.bundles) and all(one.startswith("id:bundle-") for one in bundles)
    assert {data["kind"] for _, data in made.nodes(data=True)} == {"entity", "activity", "agent"}


def test_graphml_is_the_same_each_time_and_is_read_back():
    told = history(3, 12)
    data = graphml(told)
    assert data == graphml(reversed(told))
    again = networkx.read_graphml(io.BytesIO(data), force_multigraph=True)
    made = lineage.graph(told)
    assert again.number_of_nodes() == made.number_of_nodes() and again.number_of_edges() == made.number_of_edges()
    assert {name: dict(facts) for name, facts in again.nodes(data=True)} == {name: dict(facts) for name, facts in made.nodes(data=True)}


def test_the_dataset_has_a_named_graph_a_session():
    told = history(3, 12)
    dataset = lineage.rdf(told)
    named = {str(one.identifier) for one in dataset.graphs()} - {"urn:x-rdflib:default"}
    assert named == {f"{ID_BASE}bundle-{one.id}" for one in told}
    sessions = dataset.query("SELECT ?s WHERE { GRAPH ?g { ?s a <https://w3id.org/lineage-prov/ns#Session> } }")
    assert len(list(sessions)) == sum(one.manifest is not None for one in told) and isinstance(dataset, rdflib.Dataset)
