"""Exports of sessions of every kind are valid without a warning, and pictures of them show time running one way."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lineage
from lineage.constraints import advised, validate
from lineage.export import combined_document, export_folder
from lineage.folder import gathered

PROVENANCE = {
    "loader_version": "a" * 40,
    "template_disabled": True,
    "model_name": "tiny",
    "quantization": "nf4",
    "sentinel_tests_passed": True,
    "add_special_tokens": False,
}


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A git repository with one commit; sessions in it are clean until a file changes."""
    monkeypatch.chdir(tmp_path)
    Path("code.py").write_text("x = 1\n")
    Path(".gitignore").write_text("*\n!code.py\n")
    for command in (["init", "-q"], ["add", "code.py"], ["-c", "user.name=n", "-c", "user.email=e@example.org", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], check=True)
    Path("weights").write_text("w")
    return tmp_path


def generate(name, seed=1):
    with lineage.session("artifacts", title=name, export=False) as session:
        load = session.model_load(PROVENANCE, files=["weights"])
        with session.generation(model=load, params={"seed": seed}) as run, run.records(f"{name}.jsonl") as out:
            for n in range(3):
                out.write({"instruction": f"{name} {n}", "response": "r"})
    return load


def rows(name):
    return [json.loads(line) for line in Path("artifacts", name).read_text().splitlines()]


def carry(name, source, records, **how):
    with (
        lineage.session("artifacts", title=name, export=False) as session,
        session.transformation("filter", inputs=[f"artifacts/{source}"]) as run,
    ):
        with run.records(name, **how) as out:
            for record in records:
                out.write(record)


def two_generations():
    generate("a")
    generate("b", 2)


def carried():
    generate("a")
    kept = rows("a.jsonl")
    kept[1]["response"] = "edited"
    carry("b.jsonl", "a.jsonl", kept)
    carry("c.jsonl", "b.jsonl", kept[1:])


def in_place():
    generate("a")
    carry("a.jsonl", "a.jsonl", rows("a.jsonl")[1:], exists="replace")


def unchanged():
    generate("a")
    carry("b.jsonl", "a.jsonl", rows("a.jsonl"))
    carry("c.jsonl", "b.jsonl", rows("a.jsonl"))


def shared_parameters():
    with lineage.session("artifacts", title="one", export=False) as session:
        load, params = session.model_load(PROVENANCE, files=["weights"]), {"seed": 1, "temperature": 0.5}
        with session.generation(model=load, params=params) as run, run.records("a.jsonl") as out:
            out.write({"instruction": "i"})
        with session.evaluation(model=load, dataset="artifacts/a.jsonl", params=params) as run:
            run.report("e.json", summary={"accuracy": 0.5}, results=[])


def trained():
    generate("a")
    with lineage.session("artifacts", title="train", export=False) as session:
        load = session.model_load(PROVENANCE, files=["weights"])
        with session.training(model=load, datasets=["artifacts/a.jsonl"], params={"seed": 1}) as run:
            Path("artifacts/adapter").mkdir()
            Path("artifacts/adapter/w.safetensors").write_text("x")
            run.output("adapter", type="model")


def failed():
    with pytest.raises(ZeroDivisionError), lineage.session("artifacts", export=False) as session:
        with session.generation(params={"seed": 1}) as run, run.records("a.jsonl") as out:
            out.write({"instruction": "i"})
            raise ZeroDivisionError


KILLED = """
import os, lineage
session = lineage.session("artifacts", export=False).open()
run = session.generation(params={"seed": 1}).open()
out = run.records("k.jsonl")
out.write({"instruction": "i"})
os.kill(os.getpid(), 9)
"""


def python(*arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(Path(lineage.__file__).parent.parent)},
        capture_output=True,
        text=True,
    )


def killed():
    generate("a")
    assert python("-c", KILLED).returncode == -9


WRAPPED = """
import json
kept = [json.loads(line) for line in open("artifacts/a.jsonl")]
kept[0]["response"] = "edited"
open("artifacts/w.jsonl", "w").write("".join(json.dumps(one) + chr(10) for one in kept))
"""


def wrapped():
    generate("a")
    command = ["run", "--input", "artifacts/a.jsonl", "--output", "artifacts/w.jsonl", "--", sys.executable, "-c", WRAPPED]
    done = python("-m", "lineage", *command)
    assert done.returncode == 0, done.stderr


JOINED = """
import lineage
with lineage.session("artifacts", export=False) as session, session.generation(params={"seed": 2}) as run, run.records("part.jsonl") as out:
    out.write({"instruction": "child"})
"""


def joined():
    with lineage.session("artifacts", title="parent", export=False) as session:
        with session.generation(params={"seed": 1}) as run, run.records("a.jsonl") as out:
            out.write({"instruction": "i"})
        assert python("-c", JOINED).returncode == 0


def legacy():
    Path("artifacts").mkdir()
    Path("artifacts/old.jsonl").write_text('{"instruction": "a"}\n{"instruction": "b"}\n')
    carry("new.jsonl", "old.jsonl", rows("old.jsonl")[1:])


KINDS = [two_generations, carried, in_place, unchanged, shared_parameters, trained, failed, killed, wrapped, joined, legacy]


@pytest.mark.parametrize("is_dirty", [False, True], ids=["clean", "dirty"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_export_has_no_warning_and_time_runs_one_way(kind, is_dirty, work):
    if is_dirty:
        Path("code.py").write_text("x = 2\n")
    kind()
    placed, _ = gathered(work / "artifacts")
    document, _ = combined_document([session for _, session in placed])
    told = [*validate(document, "combined"), *advised(document, "combined")]
    assert [one.message for one in told] == []
    export_folder(work / "artifacts")
    files = [*Path("artifacts").glob("session_*.ttl"), *Path("graphs").glob("lineage.t*")]
    assert len(files) >= 2
    done = python("-m", "lineage", "validate", *map(str, files))
    assert done.stdout == ""
    assert done.returncode == 0
    arrows = between_sessions()
    started = {session.title or f"session {session.id}": session.started_at or "" for _, session in placed}
    assert all(started.get(newer, "9") >= started.get(older, "") for newer, older in arrows), arrows


def between_sessions():
    """(newer, older) for each arrow between two sessions of the picture."""
    done = python("-m", "lineage", "draw", "artifacts", "--sessions", "closed", "-f", "dot", "-o", "-")
    assert done.returncode == 0, done.stderr
    names = dict(re.findall(r'^  (n\d+) \[label="([^"\\]*)[^\]]*shape=folder', done.stdout, re.M))
    return [
        (names[one], names[other]) for one, other in re.findall(r"^  (n\d+) -> (n\d+)", done.stdout, re.M) if {one, other} <= names.keys()
    ]


def test_unrelated_sessions_of_one_dirty_repository_are_not_connected(work):
    Path("code.py").write_text("x = 2\n")
    two_generations()
    assert between_sessions() == []
    library = lineage.open_library("artifacts")
    first, second = (session.id for session in library.sessions)
    assert not lineage.path(first, second, library)
    found = lineage.impact(first, library)
    assert {session for thing in found.things for session in thing.sessions} == {first}
    patches = [one for one in library.graph.names if "Patch" in str(library.graph.types[library.graph.index[one]])]
    assert patches


def test_a_generation_and_an_evaluation_with_equal_parameters_share_no_node(work):
    shared_parameters()
    library = lineage.open_library("artifacts")
    kinds = [{str(one).rpartition("#")[2] for one in types} for types in library.graph.types]
    assert not [one for one in kinds if {"GenerationParams", "EvaluationParams"} <= one]


def test_a_wrapped_command_gives_the_same_steps_as_the_api(work):
    wrapped()
    found = lineage.RecordFile("artifacts/w.jsonl").why(1)
    assert [(step.file.name, step.line, step.edited) for step in found.steps] == [("a.jsonl", 1, ("response",))]
    library = lineage.open_library("artifacts")
    assert [(one.file.name, one.records) for one in lineage.impact("artifacts/a.jsonl:1", library).files] == [
        ("a.jsonl", 1),
        ("w.jsonl", 1),
    ]
    assert "w.jsonl" in {one.file.name for one in lineage.impact("artifacts/a.jsonl", library).files}
