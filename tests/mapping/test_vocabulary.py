"""The ontology says every term that we use, and says it as what it is used as."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from rdflib import OWL, PROV, RDF, RDFS, XSD, Graph, URIRef

from lineage.folder import read_folder
from lineage.formats import dumps
from lineage.mapping import document
from lineage.mapping.names import KEYS, LIN, ROLES

ROOT = Path(__file__).parent.parent.parent
ONTOLOGY = Graph().parse(ROOT / "lineage" / "mapping" / "ontology.ttl")
TERMS = sorted(term for term in ONTOLOGY.subjects(unique=True) if str(term).startswith(LIN))


def of_kind(kind):
    return {str(term).removeprefix(LIN) for term in ONTOLOGY.subjects(RDF.type, kind)}


def test_the_terms_of_the_code_are_the_terms_of_the_ontology():
    code = "".join(path.read_text() for path in (ROOT / "lineage").rglob("*.py"))
    assert {*re.findall(r'LIN\["(\w+)"\]', code), *KEYS, *ROLES} == {str(term).removeprefix(LIN) for term in TERMS}


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.removeprefix(LIN))
def test_a_term_has_a_label_a_comment_and_a_place(term):
    assert ONTOLOGY.value(term, RDFS.label) and ONTOLOGY.value(term, RDFS.comment)
    above = [str(one) for one in ONTOLOGY.objects(term, RDFS.subClassOf)]
    assert (term, RDF.type, OWL.Class) not in ONTOLOGY or any(one.startswith(str(PROV)) for one in above)


def test_a_term_is_used_as_what_it_is():
    for session in read_folder(ROOT / "artifacts" / "sample")[0]:
        graph = Graph().parse(data=dumps(document(session), "turtle"), format="turtle")
        types, verbs, roles = (
            {str(one).removeprefix(LIN) for one in found if str(one).startswith(LIN)}
            for found in (graph.objects(None, RDF.type), graph.predicates(), graph.objects(None, PROV.hadRole))
        )
        assert types and types <= of_kind(OWL.Class) and roles and roles <= of_kind(PROV.Role)
        assert verbs and verbs <= of_kind(OWL.DatatypeProperty) | of_kind(OWL.ObjectProperty)


def test_a_number_or_a_truth_has_the_datatype_that_the_ontology_names():
    ((session,), _) = read_folder(ROOT / "artifacts" / "sample")
    graph = Graph().parse(data=dumps(document(session), "turtle"), format="turtle")
    told = {term: ONTOLOGY.value(term, RDFS.range) for term in TERMS if (term, RDF.type, OWL.DatatypeProperty) in ONTOLOGY}
    wrong = [(str(verb), value) for _, verb, value in graph if told.get(verb) and (value.datatype or XSD.string) != told[verb]]
    assert wrong == [] and any(told.get(URIRef(verb)) for verb in graph.predicates())


def test_the_page_is_made_from_the_ontology():
    page = subprocess.run([sys.executable, ROOT / "scripts" / "vocabulary"], capture_output=True, text=True, check=True).stdout
    assert page == (ROOT / "docs" / "reference" / "vocabulary.md").read_text()
