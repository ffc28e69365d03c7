"""A folder in which nothing is recorded passes no check: one exit code and one message, whatever is asked of it."""

import json
import os
import subprocess
import sys

import pytest

import lineage
from lineage.cli import NOTHING_RECORDED, VERBS, main
from lineage.signing.keys import new_key

DEEP = "deep/er"
VERBS_OF_A_FOLDER = {
    "audit": ("audit", "{folder}"),
    "audit under a key": ("audit", "{folder}", "--key", "{key}.pub"),
    "audit, never failing": ("audit", "{folder}", "--fail-on", "never"),
    "audit with a head": ("audit", "{folder}", "--head", "0" * 64, "--key", "{key}.pub"),
    "report": ("report", "--profile", "annex-iv", "--in", "{folder}"),
    "model card": ("report", "--profile", "model-card", "--in", "{folder}"),
    "data card": ("report", "--profile", "data-card", "--in", "{folder}"),
    "redact": ("redact", "{folder}", "-o", "{out}/copy"),
    "export": ("export", "{folder}"),
    "export one": ("export", "{folder}", "-f", "turtle", "-o", "{out}/x.ttl"),
    "draw": ("draw", "{folder}", "-o", "{out}/x.svg"),
    "list": ("session", "list", "{folder}"),
    "ask": ("ask", "sessions", "--in", "{folder}"),
    "query": ("query", "SELECT * {{ ?a ?b ?c }}", "--in", "{folder}"),
    "sign": ("sign", "{folder}", "--key", "{key}"),
    "verify": ("verify", "{folder}"),
    "verify under a key": ("verify", "{folder}", "--key", "{key}.pub"),
}


@pytest.fixture
def places(tmp_path):
    new_key(tmp_path / "key.pem")
    (tmp_path / "out").mkdir()
    (tmp_path / "folder").mkdir()
    return {"folder": tmp_path / "folder", "key": tmp_path / "key.pem", "out": tmp_path / "out"}


def run(verb, places):
    return main([part.format(**places) for part in VERBS_OF_A_FOLDER[verb]])


@pytest.mark.parametrize("verb", VERBS_OF_A_FOLDER)
def test_an_empty_folder_is_no_pass(places, verb, capsys):
    assert run(verb, places) == NOTHING_RECORDED
    told = capsys.readouterr()
    assert "no session is recorded here" in told.out + told.err
    assert list(places["folder"].iterdir()) == []
    assert list(places["out"].iterdir()) == []


@pytest.mark.parametrize("verb", VERBS_OF_A_FOLDER)
def test_sessions_that_lie_deeper_are_named(places, verb, capsys):
    with lineage.session(places["folder"] / DEEP, title="deep"):
        pass
    assert run(verb, places) == NOTHING_RECORDED
    told = capsys.readouterr()
    assert DEEP in told.out + told.err


@pytest.mark.parametrize("verb", ["audit", "export", "draw", "list", "ask", "report", "redact"])
@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00"], ids=["empty", "cut off", "array", "null", "zero"])
def test_a_folder_whose_manifests_cannot_be_read_is_no_pass(places, verb, text, capsys):
    for name in ("a", "b"):
        (places["folder"] / f"session_manifest_{name}.json").write_text(text)
    assert run(verb, places) == NOTHING_RECORDED
    told = capsys.readouterr()
    assert "no session could be read" in told.out + told.err


def test_the_report_says_it_in_every_format(places, capsys):
    for name in ("text", "markdown", "html", "json"):
        assert main(["audit", str(places["folder"]), "-f", name]) == NOTHING_RECORDED
        assert "nothing was audited" in capsys.readouterr().out.replace("\\", "")
    main(["audit", str(places["folder"]), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == NOTHING_RECORDED


# --- streams that are closed, or that nobody reads

PROGRAM = [sys.executable, "-m", "lineage"]
CLOSED = {
    "audit": ("audit", "f"),
    "audit json": ("audit", "f", "--json"),
    "audit html": ("audit", "f", "-f", "html"),
    "export": ("export", "f", "-f", "turtle", "-o", "-"),
    "draw": ("draw", "f", "-f", "svg", "-o", "-"),
    "list": ("session", "list", "f"),
    "ask": ("ask", "sessions", "--in", "f"),
    "query": ("query", "SELECT * { ?a ?b ?c }", "--in", "f", "-f", "csv"),
    "report": ("report", "--profile", "annex-iv", "--in", "f"),
    "why": ("why", "f/r.jsonl:1"),
    "impact": ("impact", "f/r.jsonl", "--in", "f"),
    "show": ("show", "f/r.jsonl:1"),
    "prove": ("prove", "f/r.jsonl:1"),
    "verify": ("verify", "f/r.jsonl"),
    "help": ("--help",),
    "no such verb": ("nonsense",),
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    place = tmp_path_factory.mktemp("closed")
    with lineage.session(place / "f") as session, session.generation(params={"seed": 1}) as run, run.records("r.jsonl") as out:
        for n in range(300):
            out.write({"instruction": f"q{n}", "response": "a" * 200})
    return place


@pytest.mark.parametrize("stream", [">&-", "2>&-", ">&- 2>&-", "<&-", "| true", "> /dev/full"])
@pytest.mark.parametrize("verb", CLOSED)
def test_a_closed_stream_is_no_traceback(recorded, verb, stream):
    quoted = " ".join(f"'{part}'" for part in (*PROGRAM, *CLOSED[verb]))
    done = subprocess.run(["bash", "-c", f"{quoted} {stream}"], cwd=recorded, capture_output=True, text=True, env={**os.environ})
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode in range(7)


def test_every_verb_is_known_to_the_tests_above():
    named = {parts[0] for parts in (*CLOSED.values(), *VERBS_OF_A_FOLDER.values())}
    assert named - {"--help", "nonsense"} <= set(VERBS)
