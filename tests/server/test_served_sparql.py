"""`/sparql` as the SPARQL 1.1 Protocol has it: what clients that know nothing of us send, and what is refused."""

import csv
import io
import json
import subprocess
import threading
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
import rdflib
from rdflib.plugins.stores.sparqlstore import SPARQLStore
from SPARQLWrapper import CSV, JSON, POST, TURTLE, XML, SPARQLWrapper
from SPARQLWrapper.SPARQLExceptions import QueryBadFormed

from lineage.server.media import chosen
from lineage.store.saved import Saved
from lineage.store.sources import gather

FILES = "SELECT ?path ?count { ?f a lin:RecordFile ; prov:atLocation ?path ; lin:count ?count } ORDER BY ?path"
FOUND = [("few.jsonl", "3"), ("many.jsonl", "230")]
TRIPLES = "CONSTRUCT { ?f lin:count ?count } WHERE { ?f a lin:RecordFile ; lin:count ?count }"
SLOW = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l FILTER(?c != ?l) }"
PROLOGUE = "PREFIX lin: <https://w3id.org/lineage-prov/ns#> PREFIX prov: <http://www.w3.org/ns/prov#> "


@pytest.fixture
def endpoint(server):
    return f"{server.address}sparql"


def test_sparqlwrapper_gets_rows_in_each_format(endpoint):
    client = SPARQLWrapper(endpoint)
    client.setQuery(FILES)
    client.setReturnFormat(JSON)
    rows = client.query().convert()["results"]["bindings"]
    assert [(row["path"]["value"], row["count"]["value"]) for row in rows] == FOUND
    client.setReturnFormat(XML)
    assert client.query().convert().getElementsByTagName("literal")[0].firstChild.data == "few.jsonl"
    client.setReturnFormat(CSV)
    assert client.query().convert().decode().split() == ["path,count", "few.jsonl,3", "many.jsonl,230"]


def test_sparqlwrapper_posts_and_gets_triples_and_a_boolean(endpoint):
    client = SPARQLWrapper(endpoint)
    client.setMethod(POST)
    client.setReturnFormat(TURTLE)
    client.setQuery(TRIPLES)
    assert len(rdflib.Graph().parse(data=client.query().convert(), format="turtle")) == 2
    client.setReturnFormat(JSON)
    client.setQuery("ASK { ?s a lin:Session }")
    assert client.query().convert()["boolean"] is True


def test_sparqlwrapper_is_told_what_is_wrong_with_a_query(endpoint):
    client = SPARQLWrapper(endpoint)
    client.setQuery("SELECT * { ?s ?p }")
    with pytest.raises(QueryBadFormed, match="query:1:19"):
        client.query()


@pytest.mark.parametrize("method", ["GET", "POST", "POST_FORM"])
def test_rdflib_asks_through_its_own_store(endpoint, method):
    store = SPARQLStore(endpoint, method=method)
    graph = rdflib.Graph(store)
    rows = [(str(path), str(count)) for path, count in graph.query(PROLOGUE + FILES)]
    assert rows == FOUND
    assert len(graph.query(PROLOGUE + TRIPLES).graph) == 2 and bool(graph.query(PROLOGUE + "ASK { ?s a lin:Session }"))
    assert (None, rdflib.RDF.type, rdflib.URIRef("https://w3id.org/lineage-prov/ns#Session")) in graph


def test_rdflib_asks_for_one_named_graph(endpoint):
    names = [str(name) for (name,) in rdflib.Graph(SPARQLStore(endpoint)).query("SELECT ?g { GRAPH ?g { ?s a lin:Session } }")]
    one = rdflib.Graph(SPARQLStore(endpoint), identifier=rdflib.URIRef(names[0]))
    assert len(names) == 2 and len(list(one.query(PROLOGUE + "SELECT ?s { ?s a lin:Session }"))) == 1


READS = {
    "application/sparql-results+json": lambda text: [
        tuple(row[name]["value"] for name in ("path", "count")) for row in json.loads(text)["results"]["bindings"]
    ],
    "application/sparql-results+xml": lambda text: [
        tuple(value.text for value in row.iter() if value.tag.endswith("literal"))
        for row in ElementTree.fromstring(text).iter("{http://www.w3.org/2005/sparql-results#}result")
    ],
    "text/csv": lambda text: [tuple(row) for row in list(csv.reader(io.StringIO(text)))[1:]],
    "text/tab-separated-values": lambda text: [
        tuple(cell.strip('"') for cell in line.split("\t")) for line in text.strip().split("\n")[1:]
    ],
}
GRAPHS = {"text/turtle": "turtle", "application/n-triples": "nt", "application/rdf+xml": "xml", "application/ld+json": "json-ld"}


def curl(*argv):
    """The body, and the status and type that curl reports."""
    done = subprocess.run(["curl", "-sS", "-w", "\n%{http_code} %{content_type}", *argv], capture_output=True, text=True, check=True)
    body, _, last = done.stdout.rpartition("\n")
    return body, *last.split(" ", 1)


@pytest.mark.parametrize("accept", READS)
def test_curl_gets_rows_as_it_accepts_them(endpoint, accept):
    body, status, kind = curl("-G", endpoint, "-H", f"Accept: {accept}", "--data-urlencode", f"query={FILES}")
    assert (status, kind.split(";")[0]) == ("200", accept) and READS[accept](body) == FOUND


@pytest.mark.parametrize("accept", GRAPHS)
def test_curl_gets_triples_as_it_accepts_them(endpoint, accept):
    body, status, kind = curl(endpoint, "-H", f"Accept: {accept}", "-H", "Content-Type: application/sparql-query", "--data-binary", TRIPLES)
    assert (status, kind.split(";")[0]) == ("200", accept)
    assert len(rdflib.Graph().parse(data=body, format=GRAPHS[accept])) == 2


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, "a/a"),
        ("*/*", "a/a"),
        ("b/b", "b/b"),
        ("b/*;q=0.9, a/a;q=0.1", "b/b"),
        ("*/*;q=0.5, a/a;q=0", "b/b"),
        ("c/c, b/b;q=0.2", "b/b"),
        ("c/c", None),
        ("a/a;q=0", None),
        ("a/a;q=nan, b/b;q=0.001", "b/b"),
        ("A/A", "a/a"),
    ],
)
def test_the_one_is_chosen_that_the_client_wants_most(accept, media):
    assert chosen(accept, ["a/a", "b/b"]) == media


def test_what_nobody_accepts_is_406_and_lists_what_there_is(client):
    status, _, text = client.ask(FILES, "text/turtle")
    assert status == 406 and "text/csv" in text
    assert client.ask(TRIPLES, "text/csv")[0] == 406


@pytest.mark.parametrize(
    ("path", "type_", "body"),
    [
        ("/sparql", "application/x-www-form-urlencoded", "update=DROP+ALL"),
        ("/sparql", "application/sparql-update", "DROP ALL"),
        ("/sparql", "application/sparql-query", "INSERT DATA { <a:b> <a:c> 1 }"),
        ("/sparql", "application/x-www-form-urlencoded", urlencode({"query": "DELETE WHERE { ?s ?p ?o }"})),
        ("/sparql", "application/x-www-form-urlencoded", urlencode({"query": "SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }"})),
    ],
)
def test_an_update_is_refused_and_nothing_changes(client, path, type_, body):
    before = client.ask("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")[2]
    status, _, text = client.send("POST", path, body, Content_Type=type_)
    assert status == 403 and "to do:" in text
    assert client.ask("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")[2] == before


def test_other_methods_are_405_and_say_which_there_are(client):
    for method in ("PUT", "DELETE", "PATCH"):
        status, headers, _ = client.send(method, "/sparql", "x")
        assert status == 405 and "GET" in headers["Allow"]


def test_a_default_graph_of_several_is_refused_and_not_counted_twice(client):
    names = [row["g"]["value"] for row in json.loads(client.ask("SELECT ?g { GRAPH ?g { ?s a lin:Session } }")[2])["results"]["bindings"]]
    several = urlencode([("query", "ASK {}"), *(("default-graph-uri", name) for name in names)])
    assert client.get(f"/sparql?{several}")[0] == 400
    asked = {"named-graph-uri": names[0]}
    inside = json.loads(client.ask("SELECT ?g { GRAPH ?g { ?s a lin:Session } }", **asked)[2])["results"]["bindings"]
    outside = json.loads(client.ask("SELECT * { ?s ?p ?o }", **asked)[2])["results"]["bindings"]
    assert [row["g"]["value"] for row in inside] == names[:1] and outside == []


def test_a_slow_query_is_cut_and_the_next_one_answered(serve, artifacts):
    client = serve(place=artifacts, timeout=1.0)
    client.ask("ASK {}")
    began = time.monotonic()
    status, headers, text = client.ask(SLOW)
    assert status == 503 and "stopped after" in text and headers["Retry-After"] and time.monotonic() - began < 30
    assert client.ask("ASK {}")[0] == 200


def test_a_query_whose_client_has_gone_is_stopped(serve, artifacts):
    client = serve(place=artifacts, timeout=300, at_once=1)
    client.ask("ASK {}")
    address = f"{client.server.address}sparql?{urlencode({'query': SLOW})}"
    assert (
        subprocess.run(["curl", "-sS", "--max-time", "1", address], capture_output=True).returncode == 28
    )  # a client of its own process, which gave up
    assert client.ask("ASK {}")[0] == 200  # the only place was taken, and is free again


def test_a_query_that_gets_no_turn_in_its_time_is_told_so(serve, artifacts):
    client = serve(place=artifacts, timeout=1.5, at_once=1)
    client.ask("ASK {}")
    with ThreadPoolExecutor(3) as pool:
        texts = [one.result()[2] for one in [pool.submit(client.ask, SLOW) for _ in range(3)]]
    assert any("other queries took all" in text for text in texts) and any("stopped after" in text for text in texts)


def test_an_answer_that_is_too_large_is_refused(serve, artifacts):
    client = serve(place=artifacts, largest=2000)
    status, _, text = client.ask("SELECT * { ?s ?p ?o }")
    assert status == 400 and "more than 2000 bytes" in text and "LIMIT" in text
    assert client.ask("CONSTRUCT WHERE { ?s ?p ?o }")[0] == 400 and client.ask("ASK {}")[0] == 200


def test_a_request_that_is_too_large_is_refused(client):
    assert client.send("POST", "/sparql", "ASK {} #" + "x" * (1 << 20), Content_Type="application/sparql-query")[0] == 413


def test_ten_clients_at_once_each_get_their_own_answer(client):
    together = threading.Barrier(10)

    def ask(number):
        together.wait()
        _, _, text = client.ask(f"SELECT ({number} AS ?mine) (COUNT(*) AS ?n) {{ ?s ?p ?o }}")
        return tuple(value["value"] for value in json.loads(text)["results"]["bindings"][0].values())

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(ask, range(10)))
    assert [int(mine) for mine, _ in answers] == list(range(10)) and len({count for _, count in answers}) == 1


def test_the_service_is_described_and_a_browser_is_sent_to_the_page(client, endpoint):
    _, headers, text = client.get("/sparql")
    found = rdflib.Graph().parse(data=text, format="turtle")
    sd = rdflib.Namespace("http://www.w3.org/ns/sparql-service-description#")
    assert headers["Content-Type"].startswith("text/turtle") and (None, sd.endpoint, rdflib.URIRef(endpoint)) in found
    status, headers, _ = client.get("/sparql", Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert (status, headers["Location"]) == (303, "/query")


@pytest.mark.parametrize(
    ("method", "path", "type_", "body", "status"),
    [
        ("GET", "/sparql?query=ASK%7B%7D&query=ASK%7B%7D", None, None, 400),
        ("GET", "/sparql?query=%ff", None, None, 400),
        ("GET", "/sparql?query=ASK%7B%7D&default-graph-uri=no%20iri", None, None, 400),
        ("POST", "/sparql", "text/plain", "ASK {}", 415),
        ("POST", "/sparql", "application/sparql-query", b"\xff", 400),
        ("POST", "/sparql", "application/x-www-form-urlencoded", "nothing=1", 400),
        ("POST", "/model", "application/sparql-query", "ASK {}", 405),
    ],
)
def test_what_is_no_request_of_the_protocol_is_refused(client, method, path, type_, body, status):
    assert client.send(method, path, body, **({"Content_Type": type_} if type_ else {}))[0] == status


def test_a_store_is_served_as_it_is_without_its_own_graph(serve, artifacts, tmp_path):
    Saved(tmp_path / "graph").update(gather([artifacts]).graphs)
    client = serve(store=tmp_path / "graph")
    rows = json.loads(client.ask(FILES)[2])["results"]["bindings"]
    assert [(row["path"]["value"], row["count"]["value"]) for row in rows] == FOUND
    graphs = json.loads(client.ask("SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }")[2])["results"]["bindings"]
    hidden = client.ask("ASK { ?s ?p ?o }", **{"default-graph-uri": "https://w3id.org/lineage-prov/store#digests"})[2]
    assert len(graphs) == 2 and json.loads(hidden)["boolean"] is False
    assert {"many.jsonl", "few.jsonl"} <= set(client.json("/model")["nodes"][3])
