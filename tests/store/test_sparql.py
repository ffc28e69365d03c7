"""A query only reads and opens no connection; a parameter is a term, whatever is in it."""

import contextlib
import os
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode, Quad, Store

import lineage
from lineage.cli import main
from lineage.errors import LineageError, UsageError
from lineage.store import sparql
from lineage.store.child import Child
from lineage.store.embedded import Memory, check, in_memory
from lineage.store.saved import Saved
from lineage.store.seal import seal
from lineage.store.sources import Graph
from lineage.store.sparql import bound, checked, declared, form
from lineage.store.terms import PREFIXES, from_python, guarded, of_kind, rendered, short, to_python

NASTY = [
    '"',
    "'",
    "}",
    "{",
    "\n",
    "\r",
    "\\",
    "\\u0022",
    "\\\\u0022 } #",
    '""" } . ?s ?p ?o . {',
    "<x:y>",
    "?s",
    "# ",
    "\u0000",
    "\ud7ff",
    "'''",
    "a\\",
    "\\U00000022",
]
GRAPH = Graph(
    "x:g",
    (
        b'<x:a> <x:name> "a" .\n<x:b> <x:name> "b" .\n<x:b> <x:knows> <x:a> .\n<x:b> <x:age> "5"^^<http://www.w3.org/2001/XMLSchema#integer> .\n',
    ),
)


@pytest.fixture(scope="module")
def memory():
    return Memory(in_memory([GRAPH]))


def rows(target, query, **bindings):
    with target.asked(query, {name: [value] if not isinstance(value, list) else value for name, value in bindings.items()}) as found:
        return found.truth if found.truth is not None else [tuple(map(to_python, row)) for row in found.rows]


@pytest.mark.parametrize(
    "query",
    [
        "INSERT DATA { <x:a> <x:b> <x:c> }",
        "DELETE WHERE { ?s ?p ?o }",
        "DROP ALL",
        "CLEAR DEFAULT",
        "LOAD <http://127.0.0.1/>",
        "PREFIX a: <x:>\nWITH <x:g> DELETE { ?s ?p ?o } WHERE {}",
    ],
)
def test_an_update_is_refused(query):
    with pytest.raises(UsageError, match="would change the graph"):
        form(query)


HIDDEN = [  # the engine reads less-than where the grammar has an IRI, so the letters are not seen
    "SELECT * { FILTER(1<2)SERVICE#>\n<URL> { ?a ?b ?c } }",
    "ASK { FILTER(1<2)SERVICE#>\n<URL> { ?a ?b ?c } }",
    "SELECT * { FILTER(1<'>')SERVICE <URL>{?a ?b ?c} #'\n }",
    "SELECT * { FILTER(1<2#>'''\n)SERVICE <URL>{?a ?b ?c} #'''\n }",
]
SERVICES = [
    "SELECT * { SERVICE <URL> { ?s ?p ?o } }",
    "SELECT * { SERVICE SILENT <URL> { ?s ?p ?o } }",
    "SELECT * { service<URL>{?s ?p ?o} }",
    "SELECT * { ?a ?b ?c .SERVICE<URL>{?s ?p ?o} }",
    "SELECT * { ?a ?b 1SERVICE<URL>{?s ?p ?o} }",
    'SELECT * { ?a ?b "x"SERVICE<URL>{?s ?p ?o} }',
    "SELECT * { ?a ?b trueSERVICE <URL> {?s ?p ?o} }",
    "PREFIX : <URL> SELECT * { SERVICE:x{?s ?p ?o} }",
    "PREFIX ex: <http://a:> SELECT * { ?a ?b ex:SERVICE <URL> {?s ?p ?o} }",
    "SELECT * { \\u0053ERVICE <URL> { ?s ?p ?o } }",
    "SELECT * { \\U00000053ERVICE <URL> { ?s ?p ?o } }",
    "SELECT * { ?a ?b lin:x\\' . SERVICE <URL> {?s ?p ?o} . ?c ?d lin:y\\' }",
    "SELECT * { ?a ?b <http://x\\u0041#y> . SERVICE <URL> {?s ?p ?o} }",
    "SELECT * { { SELECT * { OPTIONAL { SERVICE ?u {?s ?p ?o} } } } VALUES ?u { <URL> } }",
    "ASK { FILTER EXISTS { SERVICE <URL> { ?s ?p ?o } } }",
    *HIDDEN,
]  # fmt: skip


@pytest.fixture(scope="module")
def server():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def test_a_connection_would_be_seen(server):
    with socket.create_connection(server.getsockname()) as client:
        connection, who = server.accept()
        connection.close()
        assert who == client.getsockname()


def unvisited(server, query):
    """*query* with the server's URL in it, in a block after which nobody has connected."""
    url = f"http://127.0.0.1:{server.getsockname()[1]}/"

    @contextlib.contextmanager
    def block():
        yield query.replace("URL", url)
        with pytest.raises(BlockingIOError):  # a connection is there as soon as it is made, whether or not it is accepted
            server.accept()

    return block()


@pytest.mark.parametrize("query", SERVICES)
def test_federation_is_refused_and_opens_no_socket(query, memory, server):
    with unvisited(server, query) as text, pytest.raises(UsageError, match=r"SERVICE|does not go on|not declared"):
        rows(memory, text)


@pytest.mark.parametrize("query", HIDDEN)
def test_neither_a_store_on_disk_nor_the_command_nor_the_library_nor_a_users_question_opens_one(
    query, server, tmp_path, monkeypatch, capfd
):
    store = Saved(tmp_path / "store")
    store.update([GRAPH])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "old.jsonl").write_text('{"a": 1}\n')
    (tmp_path / "questions").mkdir()
    with unvisited(server, query) as text:
        (tmp_path / "questions" / "evil.rq").write_text(f"# Harmless.\n# @example lineage ask evil\n{text}")
        for ask in (lambda: rows(store, text), lambda: check(text, None), lambda: lineage.query(text), lambda: lineage.ask("evil")):
            with contextlib.suppress(LineageError):  # to read a SELECT does not run it
                ask()
        assert main(["query", text]) == 2 and main(["ask", "evil"]) in (1, 2) and main(["ask", "--list"]) in (0, 1)
        assert "SERVICE (federation) is off" in capfd.readouterr().err


def test_a_sealed_process_opens_nothing_and_its_parent_still_does(server):
    def work(out):
        seal()
        for open_ in (lambda: socket.create_connection(server.getsockname()), lambda: os.open(__file__, os.O_RDONLY)):
            with pytest.raises(OSError, match="Too many open files"):
                open_()
        out.write(b"sealed")

    with Child(work) as child:
        assert child.read() == b"sealed"
    with open(__file__):
        pass


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ?service { ?service ?p 'SERVICE' }",
        "ASK { <http://x/service> ?p ?o } # SERVICE <x>",
        'ASK { ?s ?p """SERVICE <u> {}""" }',
        "ASK { ?s ?p 'x'@service }",
    ],
)
def test_the_word_in_a_variable_string_comment_or_iri_is_no_federation(query):
    assert checked(query)[0] in ("select", "ask")


def test_a_syntax_error_says_where_what_and_what_to_do():
    with pytest.raises(UsageError) as caught:
        checked("SELECT *\n{ ?s ?p }")
    assert caught.value.at == "query:2:10" and "\n    { ?s ?p }\n             ^" in str(caught.value) and "w3.org" in caught.value.hint
    with pytest.raises(UsageError, match=r"(?s)prefix that is not declared.*lin,"):
        checked("ASK { ?s foo:p ?o }".replace("\n", ""))


@pytest.mark.parametrize(
    "query",
    [
        "ASK " + "{" * 5000 + "}" * 5000,
        "ASK { FILTER(1 " + "+1" * 20000 + ") }",
        "ASK { " + "BIND(1 AS ?x) " * 5000 + "}",
        "ASK { ?s ?p '\udcff' }",
    ],
)
def test_a_query_that_would_overflow_the_parser_or_is_no_utf_8_is_refused_before_it_is_parsed(query):
    with pytest.raises(UsageError, match=r"too much for a query|no UTF-8"):
        checked(query)


def test_a_query_as_large_as_is_allowed_does_not_overflow_the_parser():
    deep = sparql.DEEPEST - 1
    assert checked("ASK { FILTER(" + "(" * (deep - 1) + "1" + ")" * (deep - 1) + ") }")[0] == "ask"
    for text, size in (("+1", 2), ("BIND(1 AS ?x{}) ", 6), ("OPTIONAL {{ ?a ?b ?c }} ", 6), ("FILTER(1=1) ", 6)):
        many = (sparql.LONGEST - 12) // size
        body = "".join(text.format(n) for n in range(many))
        assert checked(f"ASK {{ FILTER(1{body}) }}" if text == "+1" else f"ASK {{ {body} }}")[0] == "ask"


@given(st.one_of(st.text(), st.lists(st.sampled_from(NASTY)).map("".join)))
@settings(max_examples=300)
def test_a_string_is_only_ever_that_string(text):
    text = text.encode("utf-8", "replace").decode()
    store = Store()
    store.extend(
        [Quad(NamedNode("x:a"), NamedNode("x:name"), Literal(text)), Quad(NamedNode("x:b"), NamedNode("x:name"), Literal("other"))]
    )
    query = bound("SELECT ?s ?name { ?s <x:name> ?name }", {"name": [Literal(text)]})
    assert [(row["s"].value, row["name"].value) for row in store.query(query)] == (
        [("x:a", text)] if text != "other" else [("x:a", text), ("x:b", text)]
    )


@pytest.mark.parametrize("text", [r"\u0022 } ; DROP ALL #", r"\\u0022", r"a\U0001F600", "\\", "\\\\", "\\n\\u000a"])
def test_a_backslash_in_front_of_u_is_no_codepoint_escape_under_either_reading(text):
    told = rendered(Literal(text))
    naive = __import__("re").sub(
        r"\\u([0-9A-Fa-f]{4})", lambda found: chr(int(found[1], 16)), told
    )  # escapes resolved before strings are looked for
    for one in (told, naive):
        assert [row[0].value for row in Store().query(f"SELECT ?x {{ BIND({one} AS ?x) }}")] == [text]


def test_guarding_changes_no_escape_that_was_meant():
    assert guarded(r'"\u0041\\\u0042"') == r'"\u0041\\\u0042"' and guarded(r'"\\u0041"') == r'"\\\u0075041"'.replace("75041", "750041")


WHERES = [
    "SELECT ?s { ?s <x:name> ?name }",
    "SELECT ?s WHERE{?s <x:name> $name}",
    "SELECT ?s { { SELECT ?s { ?s <x:name> ?name } } }",
    "SELECT ?s { { ?s <x:name> ?name } UNION { ?s <x:other> ?name } }",
    "SELECT ?s { ?s <x:name> ?n FILTER EXISTS { ?s <x:name> ?name } }",
    "SELECT ?s { ?s <x:name> ?n MINUS { ?s <x:name> ?m FILTER(?m != ?name) } }",
    "SELECT ?s { GRAPH ?g { ?s <x:name> ?name } }",
    "SELECT ?s { VALUES ?other { <x:z> } ?s <x:name> ?name . }",
    "SELECT ?s { VALUES (?q ?r) { ('{' '}') } ?s <x:name> ?name } # {",
    "SELECT ?s { ?s <x:name> ?name OPTIONAL { ?s <x:knows> ?k } } ORDER BY ?s LIMIT 5",
    "SELECT ?s { ?s <x:name> ?name { SELECT (COUNT(*) AS ?c) { ?a <x:name> ?name } } FILTER(?c = 1) }",
]


@pytest.mark.parametrize("query", WHERES)
def test_a_parameter_holds_wherever_its_variable_stands(query, memory):
    assert rows(memory, query, name=Literal("b")) == [("x:b",)]
    assert rows(memory, query, name=Literal("nobody's")) == []


def test_a_parameter_holds_in_every_form_of_query(memory):
    assert rows(memory, "ASK { ?s <x:name> ?name }", name=Literal("b")) and not rows(memory, "ASK { ?s <x:name> ?name }", name=Literal("c"))
    assert rows(memory, "CONSTRUCT { ?s <x:is> ?name } WHERE { ?s <x:name> ?name }", name=Literal("a")) == [("x:a", "x:is", "a")]
    assert rows(memory, "CONSTRUCT WHERE { ?s <x:name> ?name . ?t <x:knows> ?s }", name=Literal("a"), t=NamedNode("x:b")) == [
        ("x:b", "x:knows", "x:a"),
        ("x:a", "x:name", "a"),
    ]
    assert rows(memory, "DESCRIBE ?s", s=NamedNode("x:a")) == [("x:a", "x:name", "a")]
    assert rows(memory, "SELECT ?s { ?s <x:name> ?name } ORDER BY ?s", name=[Literal("a"), Literal("b")]) == [("x:a",), ("x:b",)]


def test_a_parameter_that_the_query_lacks_is_refused(memory):
    with pytest.raises(UsageError, match=r"no variable \?nam .*did you mean 'name'"):
        rows(memory, "SELECT ?s { ?s <x:name> ?name }", nam=Literal("b"))


def test_a_value_is_of_the_kind_that_was_said():
    assert (
        of_kind("integer", "5") == Literal(5)
        and of_kind("string", "5") == Literal("5")
        and of_kind("iri", "prov:Entity").value == PREFIXES["prov"] + "Entity"
    )
    assert of_kind("time", "2026-01-31").value == "2026-01-31T00:00:00+00:00" and of_kind("boolean", "true") == Literal(True)
    for kind, text in (
        ("integer", "five"),
        ("time", "soon"),
        ("boolean", "yes"),
        ("iri", "no scheme"),
        ("nothing", "x"),
        ("double", "1,5"),
    ):
        with pytest.raises(UsageError):
            of_kind(kind, text)
    with pytest.raises(UsageError, match="cannot be a dict"):
        from_python({})


@given(
    st.one_of(st.text().map(lambda one: one.encode("utf-8", "replace").decode()), st.integers(), st.booleans(), st.floats(allow_nan=False))
)
def test_python_values_come_back(value):
    assert to_python(from_python(value)) == value


def test_terms_are_shortened_only_where_that_is_a_name():
    assert short(NamedNode(PREFIXES["lin"] + "Session")) == "lin:Session" and short(NamedNode("http://e/x")) == "<http://e/x>"
    assert short(NamedNode(PREFIXES["lin"] + "a/b")).startswith("<") and short(None) == "" and short(Literal("x")) == "x"


def test_only_the_prefixes_that_are_used_and_not_declared_are_added_and_no_line_moves():
    assert (
        declared("PREFIX prov: <x:>\nASK { ?s prov:a lin:B }")
        == f"PREFIX lin: <{PREFIXES['lin']}> PREFIX prov: <x:>\nASK {{ ?s prov:a lin:B }}"
    )
    assert declared("ASK { ?s ?p 'lin:x' }") == "ASK { ?s ?p 'lin:x' }"
