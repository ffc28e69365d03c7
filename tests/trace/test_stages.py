"""The past of a score as one line a run, and a record followed through several folders."""

import json
from pathlib import Path

import pytest
from histories import history

import lineage
from lineage.cli import main
from lineage.trace.stages import stages

PROVENANCE = {"loader_version": "a" * 40, "model_name": "tiny", "quantization": "fp32"}


@pytest.fixture
def pipeline(tmp_path, monkeypatch):
    """Generate, filter, train and evaluate, the first step in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    Path("base.safetensors").write_bytes(b"weights")
    Path("held_out.jsonl").write_text('{"instruction": "Say red."}\n')
    with lineage.session("first", title="generate", export=False) as session:
        load = session.model_load(PROVENANCE, files=["base.safetensors"])
        with session.generation(model=load, params={"seed": 1}) as run, run.records("gen.jsonl") as out:
            for number in range(5):
                out.write({"instruction": f"q{number}", "response": f"a{number}"})
    with lineage.session("second", title="filter", export=False) as session:
        with session.transformation("filter", inputs=["first/gen.jsonl"]) as run, run.records("kept.jsonl") as out:
            for line in Path("first/gen.jsonl").read_text().splitlines()[1:]:
                out.write(json.loads(line))
    with lineage.session("second", title="train", export=False) as session:
        load = session.model_load(PROVENANCE, files=["base.safetensors"])
        with session.training(model=load, datasets=["second/kept.jsonl"], params={"seed": 1}) as run:
            Path("second/adapter").mkdir()
            Path("second/adapter/adapter_model.safetensors").write_text("adapter")
            run.output("adapter", type="model")
    with lineage.session("second", title="evaluate", export=False) as session:
        load = session.model_load(PROVENANCE, files=["base.safetensors", "second/adapter/adapter_model.safetensors"])
        with session.evaluation(model=load, dataset="held_out.jsonl", params={"seed": 1}) as run:
            run.report("report.json", summary={"accuracy": 0.5}, results=[{"correct": True}])


def printed(capsys, *arguments):
    assert main(list(arguments)) == 0
    return capsys.readouterr().out.splitlines()


def test_the_past_of_a_score_has_one_line_a_run_each_under_the_run_that_needs_it(pipeline, capsys):
    lines = printed(capsys, "why", "accuracy", "--in", "first", "--in", "second")
    assert len(lines) <= 12
    runs = [line for line in lines if "└─" in line or "├─" in line]
    assert [line.lstrip(" └─").split(" ")[0] for line in runs] == ["evaluate", "train", "filter", "generate"]
    indents = [len(line) - len(line.lstrip(" ")) for line in runs]
    assert indents == sorted(set(indents))
    assert "adapter" in runs[0]
    assert "kept.jsonl (4 records)" in runs[1]
    assert any(line.startswith("no run recorded for: ") and "base.safetensors" in line for line in lines)
    assert not any("torch" in line for line in lines)


def test_the_tree_has_the_libraries_too(pipeline, capsys):
    lines = printed(capsys, "why", "accuracy", "--in", "second", "--format", "tree")
    assert any("(software agent)" in line for line in lines)


@pytest.mark.parametrize("seed", range(12))
def test_every_run_of_the_past_has_a_line_of_its_own(seed):
    library = lineage.open_library(history(seed, 8))
    for number in range(len(library.graph.names)):
        found = lineage.why(library.graph.names[number], library)
        runs = {
            thing.id for thing in (*found.start, *found.things) if thing.kind == "activity" and thing.type not in ("session", "model load")
        }
        shown = [line for line in stages(found) if "─ " in line]
        assert len(shown) == len(runs)


def test_a_record_is_followed_from_folder_to_folder(pipeline, capsys):
    shown = printed(capsys, "why", "second/kept.jsonl:1", "--in", "first", "--in", "second")
    assert any(line.startswith("from ") and "first/gen.jsonl:2" in line for line in shown)
    assert any(line.startswith("made by") and "generation" in line for line in shown)
    alone = lineage.RecordFile("second/kept.jsonl").why(1)
    assert alone.steps == ()
    assert any("no file here has the bytes" in note for note in alone.notes)
    both = lineage.RecordFile("second/kept.jsonl", ["first"]).why(1)
    assert [step.line for step in both.steps] == [2]
    assert both.maker is not None


def test_a_folder_that_is_not_there_is_an_error(pipeline, capsys):
    assert main(["why", "second/kept.jsonl:1", "--in", "nowhere"]) == 3
    assert "nowhere" in capsys.readouterr().err


def edited(path: Path, line: int) -> None:
    rows = [json.loads(row) for row in path.read_text().splitlines()]
    rows[line - 1]["response"] = "edited"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_no_run_is_blamed_for_an_edit_that_was_made_after_it(pipeline, capsys):
    edited(Path("second/kept.jsonl"), 2)
    found = lineage.RecordFile("second/kept.jsonl", ["first"]).why(2)
    assert found.steps[0].edited == ("response",)
    assert found.steps[0].run is None
    assert any("changed after it was recorded" in note for note in found.notes)
    untouched = lineage.RecordFile("second/kept.jsonl", ["first"]).why(1)
    assert untouched.steps[0].run is not None
    assert not any(line.startswith("edited by") for line in printed(capsys, "why", "second/kept.jsonl:2", "--in", "first"))


def test_a_file_that_a_recorded_run_wrote_again_is_not_called_altered(pipeline, capsys):
    with lineage.session("second", title="rewrite", export=False) as session:
        with session.transformation("rewrite", inputs=["second/kept.jsonl"]) as run:
            edited(Path("second/kept.jsonl"), 1)
            run.output("kept.jsonl", type="training_data", role="records")
    assert main(["verify", "second/kept.jsonl"]) == 0
    findings = lineage.audit("second").findings
    assert "altered-file" not in {finding.code for finding in findings}
    assert {finding.file for finding in findings if finding.code == "replaced-file"} == {"kept.jsonl"}
    edited(Path("second/kept.jsonl"), 3)
    assert main(["verify", "second/kept.jsonl"]) == 4
    assert [finding.code for finding in lineage.audit("second").findings].count("altered-file") == 1
