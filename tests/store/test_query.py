"""`lineage query`: what people see, what programs read, what is refused."""

import contextlib
import csv
import fcntl
import io
import json
import os
import pty
import resource
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from histories import history

import lineage
from lineage.cli import main
from lineage.errors import LateError, LineageError, UsageError
from lineage.prov.statement import Name
from lineage.store.child import Child
from lineage.trace.copies import _holds

LIN = "https://w3id.org/lineage-prov/ns#"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifacts")
    history(11, 10, folder=folder)
    return folder


@pytest.fixture
def run(capfdbinary, folder):
    def run(*argv, where=True):
        code = main([argv[0], *(["--in", str(folder)] if where else []), *argv[1:]])
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return run


SESSIONS = "SELECT ?session ?title { ?s a lin:Session ; dcterms:identifier ?session ; rdfs:label ?title } ORDER BY ?session LIMIT 3"


def test_a_table_is_aligned_and_shortens_names(run):
    code, out, _ = run("query", "SELECT ?kind (COUNT(DISTINCT ?s) AS ?things) { ?s a ?kind } GROUP BY ?kind ORDER BY DESC(?things) ?kind")
    lines = out.splitlines()
    assert code == 0 and lines[0].split() == ["kind", "things"] and any(line.startswith("lin:Session ") for line in lines)
    assert len({len(line) for line in lines}) == 1  # numbers stand on the right
    assert "<" not in out and "https" not in out


def test_the_standard_formats_are_the_standards(run):
    _, out, _ = run("query", SESSIONS, "-f", "json")
    told = json.loads(out)  # SPARQL 1.1 Query Results JSON Format, 3
    assert told["head"]["vars"] == ["session", "title"] and len(told["results"]["bindings"]) == 3
    assert told["results"]["bindings"][0]["title"]["type"] == "literal"
    _, out, _ = run("query", SESSIONS, "-f", "csv")
    rows = list(csv.reader(io.StringIO(out, newline="")))
    assert (
        "\r\n" in out and rows[0] == ["session", "title"] and rows[1] == [one["value"] for one in told["results"]["bindings"][0].values()]
    )
    _, out, _ = run("query", SESSIONS, "-f", "tsv")
    assert out.splitlines()[0] == "?session\t?title" and out.splitlines()[1].startswith('"')
    _, out, _ = run("query", SESSIONS, "-f", "jsonl")
    assert json.loads(out.splitlines()[0]) == dict(zip(["session", "title"], rows[1], strict=True))


def test_each_form_of_query_has_its_answer(run):
    assert run("query", "ASK { ?s a lin:Session }")[:2] == (0, "true\n") and run("query", "ASK { ?s a lin:Nothing }")[1] == "false\n"
    assert json.loads(run("query", "ASK {}", "-f", "json")[1])["boolean"] is True
    code, out, _ = run("query", "CONSTRUCT { ?s a lin:Session } WHERE { ?s a lin:Session }")
    assert code == 0 and "@prefix lin:" in out and "a lin:Session" in out
    assert "prov:startedAtTime" in run("query", "DESCRIBE ?s { ?s a lin:Session } LIMIT 1")[1]


@pytest.mark.parametrize(("query", "output"), [("ASK {}", "turtle"), ("DESCRIBE ?s { ?s a lin:Session }", "csv")])
def test_a_format_that_cannot_hold_the_answer_is_refused(run, query, output):
    code, out, err = run("query", query, "-f", output)
    assert code == 2 and out == "" and "use t" in err


def test_no_rows_are_no_output_and_a_word_on_stderr(run):
    assert run("query", "SELECT ?s { ?s a lin:Nothing }") == (0, "", "no rows\n")


def test_a_query_comes_from_a_file_or_stdin(run, tmp_path, monkeypatch):
    (tmp_path / "q.rq").write_text("ASK { ?s a lin:Session }")
    assert run("query", str(tmp_path / "q.rq"))[1] == "true\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO("ASK { ?s a lin:Session }"))
    assert run("query", "-")[1] == "true\n"
    assert run("query", str(tmp_path / "none.rq"))[0] == 3


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["SELECT * {"], 2, "query:1:11"),
        (["DROP ALL"], 2, "would change the graph"),
        (["SELECT * { SERVICE <http://127.0.0.1:9/> {} }"], 2, "federation"),
        (["nonsense"], 2, "this is no SPARQL query"),
        (["SELECT", "--in", "nowhere"], 2, "query:1:"),
        (["ASK { ?s ?p '\udcff' }"], 2, "no UTF-8"),
        (["ASK { " + "?a <x:b> ?c . " * 400 + "}", "--timeout", "0.5"], 1, "stopped after 0.5 seconds"),
        (["ASK {}", "--param", "x"], 2, "NAME=VALUE"),
        (["ASK {}", "--param", "x=1"], 2, "no variable ?x"),
        (["ASK { ?s ?p ?x }", "--param", "x:integer=one"], 2, "no xsd:integer"),
        (["ASK {}", "--store", "nowhere", "--in", "nowhere"], 3, "nowhere"),
        (["ASK {}", "--endpoint", "ftp://x"], 2, "http://"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(run, argv, code, said, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    found, out, err = run("query", *argv, where="--endpoint" not in argv and "--store" not in argv)
    assert found == code and out == "" and said in err and err.startswith("lineage: ") and "Traceback" not in err


def test_a_file_name_with_quotes_braces_and_newlines_is_only_a_name(run):
    for name in ('a"b.jsonl', "x } . ?s ?p ?o . {", "new\nline", "\\u0022", "' OR 1=1 --", "?s", "<x:y>"):
        code, out, _ = run("query", "SELECT ?f { ?f prov:atLocation ?path }", "--param", f"path={name}")
        assert (code, out) == (0, "")


def test_what_came_from_a_file_cannot_rewrite_the_terminal(tmp_path, run):
    with lineage.session(tmp_path, title="\x1b[2J\x07 wiped\nout"):
        pass
    code, out, _ = run("query", "SELECT ?title { ?s a lin:Session ; rdfs:label ?title }", "--in", str(tmp_path), where=False)
    assert code == 0 and "\x1b" not in out and "\\x1b[2J" in out and len(out.splitlines()) == 2


def test_a_query_that_takes_too_long_is_stopped(run):
    began = time.monotonic()
    code, out, err = run("query", "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }", "--timeout", "0.3")
    assert code == 1 and out == "" and "stopped after 0.3 seconds" in err and time.monotonic() - began < 20


def test_what_is_stopped_does_not_go_on_computing():
    for leave in (False, True):
        child = Child(lambda out: time.sleep(60), 0.05)
        pid = child._pid
        if leave:
            child.close()
        else:
            with pytest.raises(LateError, match="stopped after"):
                child.read()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_when_the_asker_is_killed_its_query_ends_too(folder):
    query = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
    asker = subprocess.Popen([sys.executable, "-m", "lineage.cli", "query", "--in", str(folder), query], start_new_session=True)
    children = Path(f"/proc/{asker.pid}/task/{asker.pid}/children")
    until = time.monotonic() + 60
    while not (child := children.read_text().split()) and time.monotonic() < until:
        time.sleep(0.02)
    asker.kill()
    asker.wait()
    while Path(f"/proc/{child[0]}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(f"/proc/{child[0]}").exists()


def test_a_terminal_gets_cells_that_fit_it_and_no_control_characters(tmp_path):
    with lineage.session(tmp_path, title="a long title " * 20 + "\x1b[2J"):
        pass
    seen = on_a_terminal(["query", "--in", str(tmp_path), "SELECT ?s ?title { ?s a lin:Session ; rdfs:label ?title }"])
    assert max(map(len, seen.splitlines())) < 140 and "…" in seen and "\x1b" not in seen
    seen = on_a_terminal(["query", "--in", str(tmp_path), "SELECT ?title { ?s a lin:Session ; rdfs:label ?title }", "-f", "csv"])
    assert "\x1b" not in seen and "\\x1b[2J" in seen
    digest = on_a_terminal(["query", "--in", str(tmp_path), f"SELECT ('{'ab' * 32}' AS ?x) {{}}"])
    assert "abababababab…" in digest


def on_a_terminal(argv):
    """What a command writes to a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen([sys.executable, "-m", "lineage.cli", *argv], stdout=theirs, stderr=subprocess.DEVNULL):
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # a terminal that nobody writes to any more is an error to read
            while chunk := os.read(ours, 4096):
                seen += chunk
    os.close(ours)
    return seen.decode()


def test_what_the_child_raises_is_raised_here_and_its_death_is_told():
    def fail(out):
        raise UsageError("no", at="x", hint="y")

    with pytest.raises(UsageError, match=r"x: no \(y\)"), Child(fail) as child:
        child.read()
    with pytest.raises(LineageError, match="ended with -9"), Child(lambda out: os.kill(os.getpid(), 9)) as child:
        child.read()


def test_the_graph_of_a_folder_is_that_of_its_exported_files(run, folder, tmp_path):
    lineage.export_folder(folder, graphs=tmp_path)
    query = "SELECT ?p (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } FILTER(!CONTAINS(STR(?g), 'document-')) } GROUP BY ?p ORDER BY ?p"
    of_folder = run("query", query, "-f", "csv")[1]
    assert len(of_folder.splitlines()) > 20
    for name in ("lineage.trig", "lineage.prov.json"):
        assert run("query", query, "-f", "csv", "--in", str(tmp_path / name), where=False)[1] == of_folder


def test_a_session_and_its_exported_file_are_one_graph(run, folder, tmp_path):
    lineage.export_folder(folder, graphs=tmp_path)
    query = "SELECT (COUNT(*) AS ?n) { ?s prov:qualifiedGeneration ?node }"
    assert (
        run("query", query, "--in", str(tmp_path / "lineage.trig"), "--in", str(tmp_path / "lineage.prov.json"))[1]
        == run("query", query)[1]
    )


def test_a_triple_of_two_sessions_counts_once(run):
    told = run("query", "SELECT (COUNT(*) AS ?n) { ?f a lin:TestSet }", "-f", "csv")[1]
    once = run("query", "SELECT (COUNT(DISTINCT ?f) AS ?n) { ?f a lin:TestSet }", "-f", "csv")[1]
    assert told == once  # SPARQL 1.1 Query, 13.1: the default graph is a merge


def test_a_store_is_kept_brought_up_to_date_and_asked_as_it_is(run, folder, tmp_path):
    store = str(tmp_path / "store")
    query = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
    code, first, err = run("query", query, "--store", store, "-f", "csv")
    assert code == 0 and "10 sessions written" in err and first == run("query", query, "-f", "csv")[1]
    code, again, err = run("query", query, "--store", store, "-f", "csv")
    assert again == first and "written" not in err
    assert run("query", query, "--store", store, "-f", "csv", where=False)[1] == first
    assert "no such store" in run("query", query, "--store", store + "x", where=False)[2]


def test_the_library_returns_plain_values(folder):
    rows = lineage.query("SELECT ?s ?title ?none { ?s a lin:Session ; rdfs:label ?title } ORDER BY ?s LIMIT 2", folder)
    assert len(rows) == 2 and isinstance(rows[0]["s"], Name) and rows[0]["none"] is None and isinstance(rows[0]["title"], str)
    assert lineage.query("ASK { ?s rdfs:label ?title }", folder, title=rows[0]["title"]) is True
    assert lineage.query("ASK { ?s rdfs:label ?title }", folder, title="nobody's") is False
    triples = lineage.query("CONSTRUCT WHERE { ?s a lin:Session }", [folder])
    assert triples and all(one[2] == Name(f"{LIN}Session") for one in triples)
    count = lineage.query("SELECT (COUNT(*) AS ?n) { ?s a ?kind }", folder, kind=[Name(f"{LIN}Session"), Name(f"{LIN}Report")], timeout=30)[
        0
    ]["n"]
    assert isinstance(count, int) and count > len(triples)


def test_a_reader_that_goes_away_is_no_error(folder):
    query = "SELECT * { ?a ?b ?c . ?d ?e ?f }"
    command = [sys.executable, "-m", "lineage.cli", "query", "--in", str(folder), query, "-f", "tsv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("?a")
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize("timeout", ["inf", "nan", "1e300"])
def test_a_time_that_cannot_be_waited_for_is_refused(run, timeout):
    code, _, err = run("query", "ASK {}", "--timeout", timeout)
    assert code == 2 and "cannot be waited for" in err


def test_a_number_that_is_none_is_text_in_json(run):
    code, out, _ = run("query", 'SELECT (xsd:double("NaN") AS ?x) (xsd:double("-INF") AS ?y) {}', "-f", "jsonl")
    assert code == 0 and json.loads(out, parse_constant=pytest.fail) == {"x": "NaN", "y": "-INF"}


def test_a_variable_that_the_query_makes_takes_no_value(run):
    code, _, err = run("query", "SELECT (1 AS ?x) {}", "--param", "x=1")
    assert code == 2 and "cannot be bound" in err and "no value can be given" in err


def test_nothing_to_push_is_told(tmp_path, capfd):
    assert main(["push", "http://127.0.0.1:9/", "--in", str(tmp_path)]) == 3
    assert "no session to send" in capfd.readouterr().err


def test_a_count_and_a_line_of_5000_digits_are_no_numbers(tmp_path):
    huge = "9" * 5000
    (tmp_path / "evil.ttl").write_text(
        f'@prefix prov: <http://www.w3.org/ns/prov#> . @prefix lin: <{LIN}> .\n<x:f> a prov:Entity ; lin:count "{huge}" ; lin:lines "1-{huge}" .\n'
    )
    assert _holds(f"1-{huge}, 2-3", 3) and not _holds(f"1-{huge}, 2-3", 4)
    assert lineage.why("x:f", tmp_path / "evil.ttl")


def test_a_process_that_has_many_files_open_may_ask():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), max(hard, 2048)))
    first = os.open(os.devnull, os.O_RDONLY)
    copies = [os.dup(first) for _ in range(1100)]
    try:
        assert copies[-1] > 1024
        with Child(lambda out: out.write(b"answer"), 20.0) as child:
            assert child.read() == b"answer"
    finally:
        for descriptor in [first, *copies]:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
