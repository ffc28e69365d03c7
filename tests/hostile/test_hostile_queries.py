"""A query that takes too much memory or time is stopped, and one line says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
STEPS = 30
TRIPLES = "\n".join(
    f"<http://e.org/s{n}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/ns/prov#Entity> ." for n in range(400)
)
DOUBLED = " ".join(f"BIND(CONCAT(?a{n},?a{n}) AS ?a{n + 1})" for n in range(STEPS))
BOMBS = {
    "doubled-text": f"SELECT (STRLEN(?a{STEPS}) AS ?l) {{ BIND('aaaaaaaaaaaaaaaa' AS ?a0) {DOUBLED} }}",
    "sorted-product": "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?i ?f ?c",
}
SLOW = {
    "distinct-product": "SELECT DISTINCT ?a ?d ?g { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
    "joined-text": "SELECT (GROUP_CONCAT(CONCAT(STR(?a), STR(?d), STR(?g))) AS ?t) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
    "counted-product": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }",
}


def asked(folder, *arguments):
    command = [sys.executable, "-m", "lineage", "query", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100)


@pytest.fixture(params=["document", "store"])
def place(request, tmp_path):
    """The options that name a graph of 400 triples."""
    (tmp_path / "document.nt").write_text(TRIPLES)
    return ["--in", "document.nt", *(["--store", "kept"] if request.param == "store" else [])]


@pytest.mark.parametrize("name", BOMBS)
def test_a_query_that_takes_too_much_memory_is_stopped(tmp_path, place, name):
    done = asked(tmp_path, *place, "--memory", "64", "--timeout", "90", BOMBS[name])
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("lineage: query: stopped at 64 MiB of memory (say --memory")
    assert "backtrace" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name", SLOW)
def test_a_query_that_takes_too_long_is_stopped(tmp_path, place, name):
    done = asked(tmp_path, *place, "--memory", "4096", "--timeout", "1", SLOW[name])
    assert done.returncode == 1
    assert "stopped after 1 seconds" in done.stderr


def test_an_ordinary_query_has_room(tmp_path, place):
    done = asked(tmp_path, *place, "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f }")
    assert done.returncode == 0
    assert done.stdout.split() == ["n", "160000"]


@pytest.mark.parametrize("verb", ["query", "ask"])
def test_a_query_has_limits_when_nobody_names_them(verb):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    shown = subprocess.run([sys.executable, "-m", "lineage", verb, "--help"], env=environment, capture_output=True, text=True).stdout
    shown = " ".join(shown.split())
    assert "[default: 30.0" in shown
    assert "[default: 192" in shown
