"""Trees, DOT, Mermaid and JSON of the command line; a hostile name is only a name in each."""

import hashlib
import io
import json
import re
from dataclasses import replace

import networkx
import pytest
from click.testing import CliRunner
from histories import BAD, history
from hypothesis import given
from hypothesis import strategies as st
from oracles import Facts, records_affected_by_loader

import lineage
from lineage.cli import cli, main
from lineage.constraints import validate
from lineage.errors import LineageError
from lineage.facts import Artifact, Generation, ModelLoad, Session, Transformation
from lineage.mapping.names import Ids
from lineage.trace import pictures, plain
from lineage.trace.everything import graphml
from lineage.trace.reading import open_library

LIBRARY = open_library(history(2, 12))
HOSTILE = 'a"]; evil [label="\\" b{{c}}|d|<script>alert(1)</script>\n%%e\x1b[31m`#35;end\u202e.jsonl'


def hostile():
    used = Artifact(path=HOSTILE, type="dataset", sha256="a" * 64, role="input")
    made = Artifact(path="out.jsonl", type="training_data", sha256="b" * 64, activity="run", role="records")
    run = Transformation(id="run", kind=HOSTILE, used=(used,), made=(made,))
    return [Session(id="s1", title=HOSTILE, manifest="session_manifest_s1.json", activities=(run,))]


def test_a_hostile_name_is_one_quoted_string_in_dot():
    lines = list(pictures.dot(lineage.why("out.jsonl", hostile())))
    for line in lines[3:-1]:
        outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", line)
        assert re.fullmatch(r"  n\d+ (?:\[label=, shape=\w+, fillcolor=, tooltip=\];|-> n\d+ \[label=\];)", outside), line


def test_a_hostile_name_has_no_letter_with_a_meaning_in_mermaid():
    lines = list(pictures.mermaid(lineage.why("out.jsonl", hostile())))
    node = re.compile(
        r'  n\d+(?:\(\["[^"<>`|%{}\[\]\\]*"\]\)|\["[^"<>`|%{}\[\]\\]*"\]|\{\{"[^"<>`|%{}\[\]\\]*"\}\}):::(?:entity|activity|agent)'
    )
    shown = [line for line in lines if ":::" in line]
    assert len(shown) > 3 and all(node.fullmatch(line) for line in shown)
    assert all(re.fullmatch(r"  n\d+ -->\|\w+\| n\d+", line) for line in lines[1:] if "-->" in line)


def test_a_hostile_name_reaches_no_terminal_and_no_svg(tmp_path):
    told = hostile()
    found = lineage.why("out.jsonl", told)
    assert "\x1b" not in str(found) and "\u202e" not in str(found) and len(str(found).splitlines()) == len(found.things) + 1
    assert "<script" not in found._repr_mimebundle_()["image/svg+xml"] and "\x1b" not in found._repr_mimebundle_()["image/svg+xml"]
    (tmp_path / "graph.trig").write_bytes(trig(told))
    done = CliRunner().invoke(cli, ["why", "out.jsonl", "--in", str(tmp_path / "graph.trig")], standalone_mode=False)
    assert done.return_value == 0 and "\x1b" not in done.stdout and "\u202e" not in done.stdout and "\\x1b[31m" in done.stdout
    assert len(done.stdout.splitlines()) == len(found.things) + 1


def trig(told):
    from lineage import formats

    return formats.dumps(open_library(told).document(), "trig")


def test_what_is_drawn_is_valid_prov_and_names_the_loader():
    for thing in (LIBRARY.graph.thing(number) for number in range(0, len(LIBRARY.graph.names), 7)):
        for found in (lineage.why(thing.id, LIBRARY), lineage.impact(thing.id, LIBRARY)):
            assert not validate(pictures.document(found), "answer")
    load = next(run for one in LIBRARY.sessions for run in one.activities if isinstance(run, ModelLoad))
    picture = lineage.why(load.id, LIBRARY)._repr_mimebundle_()["image/svg+xml"]
    assert f"loader @{load.provenance['loader_version'][:8]}" in picture


def test_a_hostile_name_is_in_graphml_and_back():
    data = graphml(hostile())
    labels = {facts.get("prov:label") for _, facts in networkx.read_graphml(io.BytesIO(data), force_multigraph=True).nodes(data=True)}
    assert HOSTILE.replace("\x1b", "\\x1b") in labels


def test_what_would_be_a_list_in_markdown_is_none_in_mermaid():
    assert [pictures._coded(text) for text in ("1. a", "- a", "a-1.b")] == ["1#46; a", "#45; a", "a-1.b"]


@given(st.text(max_size=300) | st.sampled_from(["file:", "run:x", ":", "id:", "x" * 5000, "a\0b", "..", "/", "loader:\0"]))
def test_whatever_is_asked_for_is_found_or_refused(text):
    try:
        assert lineage.why(text, LIBRARY).start
    except LineageError as error:
        assert str(error)


def test_a_hostile_name_can_be_asked_for():
    assert lineage.why(HOSTILE, hostile()).start[0].id.endswith("a" * 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A history on disk, as `lineage` commands see it."""
    place = tmp_path_factory.mktemp("history") / "artifacts"
    place.mkdir()
    return place, history(2, 40, folder=place)


def run(*args):
    done = CliRunner().invoke(cli, [str(one) for one in args], standalone_mode=False)
    if done.exception:
        raise done.exception
    return done


def test_impact_of_a_loader_on_the_command_line_counts_what_the_facts_say(folder):
    place, told = folder
    said = json.loads(run("impact", f"loader:{BAD[:10]}", "--in", place, "--json").stdout)
    # what is on disk knows no slices of files that some session only used: those count as the files of which nobody knows slices
    told = tuple(one if one.manifest else replace(one, activities=(), artifacts=()) for one in told)
    slices = records_affected_by_loader(told, BAD)
    assert said["records"] + said["copies"] == sum(slices.values())
    assert {one["file"] for one in said["files"] if one["records"]} == {path(told, digest) for _, digest, _ in slices}
    assert said["scores"]


def path(told, digest):
    return next(one.path for session in told for one in session.artifacts if one.sha256 == digest)


def holding(place, run_id, number):
    """The lines that hold a record, by the digest of their file, by reading every file."""
    found = {}
    for file in sorted(place.glob("*.jsonl")):
        for line, text in enumerate(file.read_text().splitlines(), 1):
            said = json.loads(text).get("metadata", {})
            if (said.get("run_id"), said.get("record_index")) == (run_id, number):
                found.setdefault(hashlib.sha256(file.read_bytes()).hexdigest(), set()).add((file.name, line))
    return found


@pytest.mark.parametrize("number", range(4))
def test_impact_of_a_line_follows_the_record_into_the_files_that_hold_it(folder, number):
    place, told = folder
    made = [
        run for one in told for run in one.activities if isinstance(run, Generation) and not run.inferred and run.made[0].count > number
    ]
    run_ = max(made, key=lambda one: len(holding(place, one.id, number)))
    held = holding(place, run_.id, number)
    start = f"{place / run_.made[0].path}:{number + 1}"
    said = json.loads(run("impact", start, "--json").stdout)
    assert {one["id"].rpartition("-")[2] for one in said["files"] if one["records"] == 1} == set(held) and len(held) > 1
    assert said["records"] == 1 and said["copies"] == len(held) - 1
    whole = json.loads(run("impact", start.rpartition(":")[0], "--json").stdout)
    assert {one["id"] for one in said["scores"]} <= {one["id"] for one in whole["scores"]}


def test_a_record_that_a_filter_dropped_ends_its_way_there(folder):
    place, told = folder
    filters = [run for one in told for run in one.activities if isinstance(run, Transformation) and run.kind == "filter"]
    dropped = 0
    for one in filters:
        source, kept = one.used[0], one.made[0]
        lines = (place / source.path).read_text().splitlines()
        gone = next(n for n, line in enumerate(lines, 1) if line not in (place / kept.path).read_text() and "run_id" in line)
        said = json.loads(run("impact", f"{place / source.path}:{gone}", "--json").stdout)
        assert kept.sha256 not in {one["id"].rpartition("-")[2] for one in said["things"]}
        dropped += 1
    assert dropped


def test_why_both_ways_as_json_is_one_document(folder):
    place, _ = folder
    report = next(iter(sorted(place.glob("evaluation_*.json"))))
    said = json.loads(run("why", report, "--direction", "both", "--json").stdout)
    assert set(said) == {"past", "future"} and set(said["past"]) == {"asked", "direction", "start", "things", "links", "notes"}
    ids = {one["id"] for one in said["past"]["things"]}
    assert ids >= set(said["past"]["start"]) and all({one["newer"], one["older"]} <= ids for one in said["past"]["links"])


def test_the_verbs_end_as_they_say(folder, capsys):
    place, _ = folder
    at = ["--in", str(place)]
    assert main(["why", "nothing-like-it", *at]) == 3 == main(["impact", "loader:0000000", *at])
    assert main(["why", "session-2025", *at]) == 2
    assert main(["path", "data/prompts_0.jsonl", "data/prompts_1.jsonl", *at]) == 3
    assert main(["path", "sft_accuracy", "google/gemma-2-9b", *at]) == 0
    assert main(["path", "sft_accuracy", "sft_accuracy", *at]) == 0
    assert main(["why", "x", "--in", "no-such-folder"]) == 3
    for form in ("tree", "dot", "mermaid", "json"):
        assert main(["why", "sft_accuracy", "--format", form, *at]) == 0
    assert "several things begin so" in capsys.readouterr().err


def test_a_file_is_found_by_its_path_from_anywhere_and_by_its_digest(folder, monkeypatch):
    place, told = folder
    file = next(one for session in told for one in session.artifacts if one.type == "training_data" and session.manifest)
    monkeypatch.chdir(place.parent)
    for name in (f"artifacts/{file.path}", place / file.path, file.path, file.sha256, file.sha256[:10], f"file:{file.sha256[:10]}", f"id:file-sha256-{file.sha256}", Ids().artifact(file, told[0])):  # fmt: skip
        said = json.loads(run("why", name, "--json").stdout)
        assert [one.rpartition("-")[2] for one in said["start"]] == [file.sha256], name


def test_json_of_an_answer_keeps_its_keys():
    found = lineage.impact(f"loader:{BAD}", history(2, 30))
    assert set(plain.as_json(found)) == {
        "asked",
        "direction",
        "start",
        "things",
        "links",
        "notes",
        "records",
        "copies",
        "files",
        "models",
        "scores",
    }
    assert Facts(history(2, 30)).counts
