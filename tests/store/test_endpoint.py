"""Pushing to an endpoint and asking it: against real servers, and against one that misbehaves."""

import base64
import contextlib
import json
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import servers
from histories import history

from lineage.cli import main
from lineage.errors import LateError, LineageError, UsageError
from lineage.questions import every
from lineage.questions.asking import bindings_of
from lineage.questions.resolve import Resolver
from lineage.store import http
from lineage.store.embedded import Memory, in_memory
from lineage.store.endpoint import Remote, push
from lineage.store.http import Endpoint
from lineage.store.sources import Graph, of_session

COUNTS = "SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g"
needs_oxigraph = pytest.mark.skipif(not servers.OXIGRAPH.exists(), reason="pip install oxigraph")
needs_virtuoso = pytest.mark.skipif(servers.VIRTUOSO is None, reason="apt-get install virtuoso-opensource")


@pytest.fixture(scope="module")
def graphs():
    return [of_session(one) for one in history(4, 20, most=100)]


@pytest.fixture(scope="module")
def oxigraph(tmp_path_factory):
    with servers.oxigraph(tmp_path_factory.mktemp("oxigraph")) as url:
        yield url


@pytest.fixture(scope="module")
def virtuoso(tmp_path_factory):
    with servers.virtuoso(tmp_path_factory.mktemp("virtuoso")) as url:
        yield url


def rows(target, query, **bindings):
    with target.asked(query, bindings, 60) as found:
        return found.truth if found.truth is not None else sorted(map(repr, found.values()))


def counts(graphs):
    return sorted(repr({"g": graph.name, "n": len(set(text.splitlines()))}) for graph in graphs for text in graph.texts)


def stored(url):
    with Remote(url).asked(COUNTS, None, 60) as found:
        return sorted(repr({"g": str(row["g"]), "n": row["n"]}) for row in found.values() if "lineage-prov" in str(row["g"]))


@pytest.mark.server
@needs_oxigraph
@pytest.mark.parametrize(
    ("path", "protocol", "used"),
    [("/store", "auto", "gsp"), ("/store", "gsp", "gsp"), ("/update", "auto", "update"), ("/update", "update", "update")],
)
def test_sessions_get_to_oxigraph_by_either_protocol_and_again_changes_nothing(oxigraph, graphs, path, protocol, used):
    for _ in range(2):
        assert push(oxigraph + path, graphs, protocol=protocol).protocol == used
        assert stored(oxigraph + "/query") == counts(graphs)
    changed = [Graph(graphs[0].name, (b'<x:a> <x:p> "new" .\n',)), *graphs[1:]]
    push(oxigraph + path, changed, protocol=protocol)
    assert stored(oxigraph + "/query") == counts(changed)


@pytest.mark.server
@needs_virtuoso
@pytest.mark.parametrize(("path", "protocol", "used"), [("/sparql-graph-crud-auth", "auto", "gsp"), ("/sparql-auth", "update", "update")])
def test_sessions_get_to_virtuoso_by_either_protocol_and_again_changes_nothing(virtuoso, graphs, path, protocol, used, monkeypatch):
    with pytest.raises(LineageError, match=r"refuses access \(401\).*LINEAGE_ENDPOINT_USER"):
        push(virtuoso + path, graphs[:1], protocol=protocol)
    monkeypatch.setenv("LINEAGE_ENDPOINT_USER", "dba")
    monkeypatch.setenv("LINEAGE_ENDPOINT_PASSWORD", "dba")
    for _ in range(2):
        assert push(virtuoso + path, graphs, protocol=protocol).protocol == used
        assert stored(virtuoso + "/sparql") == counts(graphs)


@pytest.mark.server
@needs_oxigraph
def test_every_named_question_has_the_same_answer_there_as_here(oxigraph, graphs):
    push(oxigraph + "/store", graphs)
    here, there = Memory(in_memory(graphs)), Remote(oxigraph + "/query")
    given, differ = _examples(here), []
    for question in every()[0]:
        values = {param.name: given[question.name] for param in question.params if not param.optional}
        bindings, _ = bindings_of(question, values, Resolver(there, (), 60))
        assert bindings == bindings_of(question, values, Resolver(here))[0]
        if rows(there, question.sparql, **bindings) != rows(here, question.sparql, **bindings):
            differ.append(question.name)
    assert differ == []  # a server's union of graphs tells a triple once for each graph: no question may count it as often


def _examples(here):
    """A file for each question that asks for one."""
    report = _first(here, "SELECT ?x { ?f a lin:Report ; prov:atLocation ?x } ORDER BY ?x")
    data = _first(here, "SELECT ?x { ?f a lin:RecordFile ; prov:atLocation ?x } ORDER BY DESC(?x)")
    test = _first(here, "SELECT ?x { ?f a lin:TestSet ; prov:atLocation ?x } ORDER BY ?x")
    name = _first(here, "SELECT ?x { ?load a lin:ModelLoad ; prov:used ?m . ?m lin:model_name ?x } ORDER BY ?x")
    one = {"made-by": data, "who": data, "used-by": data, "trained-on": data, "scores-on": test, "evaluations-of": name}
    return one | {"derived-from": report, "same-dataset": report, "data-behind": report}


def _first(here, query):
    with here.asked(query) as found:
        return next(found.values())["x"]


@pytest.mark.server
@needs_virtuoso
def test_virtuoso_answers_each_form_of_query(virtuoso, graphs, monkeypatch):
    monkeypatch.setenv("LINEAGE_ENDPOINT_USER", "dba")
    monkeypatch.setenv("LINEAGE_ENDPOINT_PASSWORD", "dba")
    push(virtuoso + "/sparql-graph-crud-auth", graphs)
    here, there = Memory(in_memory(graphs)), Remote(virtuoso + "/sparql")
    assert rows(there, "ASK { ?s a lin:Session }") is True and rows(there, "ASK { ?s a lin:Nothing }") is False
    for query in ("SELECT DISTINCT ?s { ?s a lin:Session }", "CONSTRUCT { ?s a lin:Session } WHERE { ?s a lin:Session }"):
        assert rows(there, query) == rows(here, query)


@pytest.mark.server
@needs_oxigraph
def test_a_name_with_quotes_braces_and_newlines_is_only_a_name_there_too(oxigraph, graphs):
    from pyoxigraph import Literal

    push(oxigraph + "/store", graphs)
    before = stored(oxigraph + "/query")
    for name in ('a"b', "x } ; DROP ALL ; {", "new\nline", "\\u0022 } #", '""" }', "back\\slash"):
        graph = Graph("https://w3id.org/lineage-prov/id/bundle-x", (f"<x:a> <x:name> {Literal(name)} .\n".encode(),))
        for path in ("/store", "/update"):
            push(oxigraph + path, [graph])
            assert rows(Remote(oxigraph + "/query"), "SELECT ?s ?name { ?s <x:name> ?name }", name=[Literal(name)]) == [
                repr({"s": _name("x:a"), "name": name})
            ]
    assert [one for one in stored(oxigraph + "/query") if "bundle-x" not in one] == before


def _name(text):
    from lineage.prov.statement import Name

    return Name(text)


@pytest.mark.server
@needs_oxigraph
def test_the_command_line_pushes_and_asks(oxigraph, tmp_path, capfd):
    history(6, 6, folder=tmp_path)
    assert main(["push", oxigraph + "/store", "--in", str(tmp_path)]) == 0
    out, err = capfd.readouterr()
    assert len(out.splitlines()) >= 5 and "graphs sent" in err and "Graph Store Protocol" in err
    assert main(["query", "--endpoint", oxigraph + "/query", "SELECT DISTINCT ?s { ?s a lin:Session }", "-f", "csv"]) == 0
    assert capfd.readouterr().out.count("session-") >= 5
    assert main(["ask", "sessions", "--endpoint", oxigraph + "/query", "-f", "tsv"]) == 0
    assert main(["query", "--endpoint", oxigraph + "/query", "DROP ALL"]) == 2
    assert main(["query", "--endpoint", oxigraph + "/nothing", "ASK {}"]) == 1


# --- a server that misbehaves, and tells what it was asked


@contextmanager
def fake(answer):
    """`answer(request) -> (status, headers, body)`; yields the URL and the requests: (method, path, headers, body)."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append((self.command, self.path, dict(self.headers), body))
            status, headers, content = answer(len(seen))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/x", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(http, "FIRST_PAUSE", 0.01)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


GRAPH = Graph("x:g", (b"<x:a> <x:b> <x:c> .\n",))
YES = (200, {"Content-Type": "application/sparql-results+json"}, json.dumps({"head": {}, "boolean": True}).encode())


def quick(url, timeout=None):
    return Endpoint(url, timeout, pause=0.01)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_be_better_next_time_is_tried_again(status):
    with fake(lambda n: (status, {}, b"busy") if n < 3 else (204, {}, b"")) as (url, seen):
        quick(url).send("PUT", b"x", {}).close()
        assert [(method, body) for method, _, _, body in seen] == [("PUT", b"x")] * 3


def test_it_gives_up_in_the_end_and_says_what_the_endpoint_said():
    with fake(lambda n: (503, {"Retry-After": "0"}, b"down for\x1b[2J repairs")) as (url, seen):
        with pytest.raises(LineageError, match=r"503.*down for"):
            quick(url).send("PUT", b"", {})
        assert len(seen) == http.TRIES


def test_what_is_refused_is_not_tried_again():
    with fake(lambda n: (400, {}, b"no such thing")) as (url, seen):
        with pytest.raises(LineageError, match="400"):
            push(url, [GRAPH], protocol="gsp")
        assert len(seen) == 1


def test_nobody_there_is_told():
    with pytest.raises(LineageError, match="cannot be reached"):
        quick(f"http://127.0.0.1:{servers.free_ports(1)[0]}/").send("PUT", b"", {})


def test_an_endpoint_that_is_slow_is_given_up():
    def slow(n):
        time.sleep(1)
        return YES

    with fake(slow) as (url, _), pytest.raises(LateError, match=r"no answer within 0.2 seconds"), Remote(url).asked("ASK {}", None, 0.2):
        pass


def test_an_endpoint_that_sends_a_byte_now_and_then_is_given_up_too():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip():
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(1 << 16)
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/sparql-results+json\r\n\r\n{"head":')
                for _ in range(200):
                    connection.sendall(b" ")
                    time.sleep(0.05)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        began = time.monotonic()
        with pytest.raises(LateError):
            with Remote(f"http://127.0.0.1:{server.getsockname()[1]}/").asked("SELECT ?a { ?a ?b ?c }", None, 0.5) as found:
                list(found.rows)
        assert time.monotonic() - began < 5
        thread.join()


def test_the_graph_is_named_in_the_url_and_the_urls_own_query_stays():
    with fake(lambda n: (201, {}, b"")) as (url, seen):
        push(url + "?db=1#top", [Graph("x:g#&=?", (b"",))])
        split = urlsplit(seen[0][1])
        assert seen[0][0] == "PUT" and parse_qs(split.query) == {"db": ["1"], "graph": ["x:g#&=?"]}


def test_credentials_go_to_the_origin_that_was_named_and_to_no_other(monkeypatch):
    monkeypatch.setenv("LINEAGE_ENDPOINT_TOKEN", "secret")
    with fake(lambda n: (204, {}, b"")) as (other, elsewhere):
        with fake(lambda n: (307, {"Location": other}, b"")) as (url, seen), pytest.raises(LineageError, match="another host or port"):
            quick(url).send("PUT", b"x", {}).close()
        assert seen[0][2]["Authorization"] == "Bearer secret" and elsewhere == []
    with fake(lambda n: (308, {"Location": "/y"}, b"") if n == 1 else (204, {}, b"")) as (url, seen):
        quick(url).send("PUT", b"x", {}).close()
        assert seen[1][1] == "/y" and seen[1][2]["Authorization"] == "Bearer secret"


def test_a_token_that_no_header_holds_is_told_and_not_shown(monkeypatch):
    monkeypatch.setenv("LINEAGE_ENDPOINT_TOKEN", "sec\nret")
    with pytest.raises(UsageError) as caught:
        quick("http://127.0.0.1:9/").send("PUT", b"", {})
    assert "LINEAGE_ENDPOINT_TOKEN" in str(caught.value) and "ret" not in str(caught.value).replace("letters", "")


def test_a_password_is_sent_when_it_is_asked_for_and_not_to_another_origin(monkeypatch):
    monkeypatch.setenv("LINEAGE_ENDPOINT_USER", "me")
    monkeypatch.setenv("LINEAGE_ENDPOINT_PASSWORD", "secret")
    challenge = (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")
    with fake(lambda n: challenge if n == 1 else (204, {}, b"")) as (url, seen):
        quick(url).send("PUT", b"x", {}).close()
        assert "Authorization" not in seen[0][2] and seen[1][2]["Authorization"] == "Basic " + base64.b64encode(b"me:secret").decode()
    with fake(lambda n: challenge) as (other, elsewhere):
        with fake(lambda n: (302, {"Location": other}, b"")) as (url, _), pytest.raises(LineageError, match="another host") as caught:
            quick(url).send("PUT", b"x", {})
        assert all("Authorization" not in headers for _, _, headers, _ in elsewhere) and "secret" not in str(caught.value)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://[::1"])
def test_a_redirect_out_of_http_is_not_followed(location):
    with fake(lambda n: (302, {"Location": location}, b"")) as (url, _), pytest.raises(LineageError):
        quick(url).send("PUT", b"x", {})


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://",
        "nonsense",
        "http://me:secret@127.0.0.1/",
        "http://me:secret@h:99999999/x",
        "ftp://me:secret@h/x",
        "http://me:secret@h:0/x",
        "http://me:secret@hö/x",
        "http://me:secret#et@h/q",
        "http://[::1",
        "http://h:99999/",
        "http://h/ü",
        "http://ü/",
    ],
)
def test_a_url_that_is_none_or_holds_a_password_is_refused(url):
    with pytest.raises(UsageError) as caught:
        Endpoint(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "body"), [("text/html", b"<html>"), ("application/sparql-results+json", b"{"), ("application/sparql-results+json", b'{"head":{"vars":["a"]},"results":{"bindings":[{"a":')]
)  # fmt: skip
def test_an_answer_that_is_none_is_told(kind, body):
    with (
        fake(lambda n: (200, {"Content-Type": kind}, body)) as (url, _),
        pytest.raises(LineageError, match=r"cannot be read.*is this the URL"),
    ):
        rows(Remote(url), "SELECT ?a { ?a ?b ?c }")


def test_an_update_or_federation_is_not_even_sent():
    with fake(lambda n: YES) as (url, seen):
        for query in ("DROP ALL", "ASK { SERVICE <http://127.0.0.1:9/> {} }"):
            with pytest.raises(UsageError):
                rows(Remote(url), query)
        assert seen == [] and rows(Remote(url), "ASK {}") is True
        assert seen[0][0] == "POST" and parse_qs(seen[0][3].decode()) == {"query": ["ASK {}"]}


@contextmanager
def raw(first, then, every=0.05):
    """A server that answers every request with *first* at once and *then* byte by byte, for ten seconds at most."""

    def answer(server):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(1 << 16)
                    connection.sendall(first)
                    for byte in then:
                        connection.sendall(bytes([byte]))
                        time.sleep(every)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer, args=(server,), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


@pytest.mark.parametrize("first", [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 400 No\r\nContent-Length: 1000\r\n\r\n"])
def test_headers_and_refusals_that_drip_are_given_up_too(first):
    began = time.monotonic()
    with raw(first, b"a" * 200) as url, pytest.raises(LateError, match=r"within 0.3 seconds"):
        quick(url, 0.3).send("POST", b"", {})
    assert time.monotonic() - began < 3


def test_a_refusal_whose_text_breaks_off_is_told_with_its_url():
    with (
        raw(b"HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc", b"") as url,
        pytest.raises(LineageError, match="says 400") as caught,
    ):
        quick(url, 5).send("POST", b"", {})
    assert caught.value.at == url
