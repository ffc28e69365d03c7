"""One record's lineage: what the manifests say, found without a scan, through every file that carried the record."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import lineage
from lineage.cli import cli, main
from lineage.errors import NotFoundError, UsageError
from lineage.integrity import index

PROVENANCE = {"loader_version": "a" * 40, "template_disabled": True, "model_name": "tiny", "quantization": "nf4"}


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A session that generates 50 records, and one that keeps each third, edits number 9, and writes them in reverse."""
    monkeypatch.chdir(tmp_path)
    Path("prompts.jsonl").write_text('{"i":1}\n')
    with lineage.session("artifacts", title="generate", export=False) as session:
        load = session.model_load(PROVENANCE)
        with session.generation(model=load, prompts=["prompts.jsonl"], params={"seed": 1, "temperature": 0.7}) as run:
            with run.records("all.jsonl") as out:
                for n in range(50):
                    out.write({"n": n})
    with lineage.session("artifacts", title="filter", export=False) as session:
        with session.transformation("filter", inputs=["artifacts/all.jsonl"]) as run, run.records("kept.jsonl") as out:
            records = [json.loads(line) for line in Path("artifacts/all.jsonl").read_text().splitlines()]
            records[9]["n"] = "edited"
            for record in records[::-3]:
                out.write(record)
    return Path("artifacts")


def test_a_record_leads_to_its_run_load_prompts_and_session(work):
    found = lineage.RecordFile(work / "all.jsonl").why(7)
    assert (found.record["n"], found.maker.params["temperature"], found.made_in.title) == (6, 0.7, "generate")
    assert [load.provenance["quantization"] for load in found.loads] == ["nf4"]
    assert [used.path for used in found.maker.used] == ["../prompts.jsonl"] and found.slice.count == 50
    assert found.origin is None and found.notes == () and found.run is found.maker


def test_a_record_that_was_carried_over_is_found_where_it_was_made_and_compared(work):
    file = lineage.RecordFile(work / "kept.jsonl")
    for line in range(1, 18):
        found = file.why(line)
        n = found.metadata["record_index"]
        assert n == 49 - 3 * (line - 1)
        assert (found.origin.line, found.origin.file.name) == (n + 1, "all.jsonl")
        assert found.origin.edited == (("n",) if n == 9 else ())
        assert (found.maker.params["temperature"], found.run.kind) == (0.7, "filter")
        assert (found.made_in.title, found.session.title) == ("generate", "filter")


def test_records_that_two_runs_wrote_to_one_file_in_turns_are_found(work):
    with lineage.session("artifacts", export=False) as session:
        with session.generation(params={"seed": 1}) as one, session.generation(params={"seed": 2}) as two:
            with one.records("both.jsonl") as a, two.records("both.jsonl") as b:
                for n in range(40):
                    a.write({"n": n})
                    b.write({"n": -n})
        with session.transformation("copy", inputs=["artifacts/both.jsonl"]) as run, run.records("copy.jsonl") as out:
            for line in Path("artifacts/both.jsonl").read_text().splitlines():
                out.write(json.loads(line))
    file = lineage.RecordFile(work / "copy.jsonl")
    assert [file.why(line).origin.line for line in range(1, 81)] == list(range(1, 81))


def test_without_a_manifest_the_record_speaks_for_itself(work, tmp_path):
    (tmp_path / "sent").mkdir()
    (tmp_path / "sent" / "x.jsonl").write_bytes((work / "all.jsonl").read_bytes())
    found = lineage.RecordFile(tmp_path / "sent" / "x.jsonl").why(3)
    assert found.maker is None and found.metadata["provenance"]["quantization"] == "nf4"
    assert "no manifest" in found.notes[0]


def test_a_run_that_no_manifest_tells_of_is_not_made_up(work):
    next(path for path in work.glob("session_manifest_*") if '"generate"' in path.read_text()).unlink()
    found = lineage.RecordFile(work / "kept.jsonl").why(1)
    assert found.maker is None
    assert (found.origin.file.name, found.origin.line) == ("all.jsonl", 50), "the run says which file it used"
    assert len(found.steps) == 1
    assert any("no manifest here tells of its run" in note for note in found.notes)


@pytest.mark.parametrize("damage", ["gone", "damaged", "of another size"])
def test_a_sidecar_that_does_not_fit_is_not_believed(work, damage):
    sidecar = index.path_of(work / "all.jsonl")
    if damage == "gone":
        sidecar.unlink()
    elif damage == "damaged":
        sidecar.write_bytes(b"x" * 5000)
    else:
        (work / "all.jsonl").write_bytes(b"\n" + (work / "all.jsonl").read_bytes())
    shift = damage == "of another size"
    found = lineage.RecordFile(work / "all.jsonl").why(7 + shift)
    assert found.record["n"] == 6 and bool(found.notes) == (damage != "gone")


def test_a_line_that_changed_is_told(work):
    path = work / "all.jsonl"
    path.write_bytes(path.read_bytes().replace(b'{"n":6,', b'{"n":7,'))
    file = lineage.RecordFile(path)
    assert file.why(7).record["n"] == 7
    for line in (7, 8):
        assert any("lineage verify" in note for note in file.why(line).notes)


def test_what_is_no_record_is_refused(work):
    file = work / "odd.jsonl"
    file.write_text("\n[1]\n{}\n")
    for line, error in ((0, NotFoundError), (1, UsageError), (2, UsageError), (4, NotFoundError)):
        with pytest.raises(error):
            lineage.RecordFile(file).why(line)
    assert lineage.RecordFile(file).why(3).notes
    with pytest.raises(NotFoundError):
        lineage.RecordFile(work / "gone.jsonl")


def test_an_origin_outside_the_folder_is_not_opened(work, tmp_path):
    (work / "all.jsonl").rename(tmp_path / "outside.jsonl")
    for manifest in work.glob("session_manifest_*"):
        manifest.write_text(manifest.read_text().replace('"all.jsonl"', '"../outside.jsonl"'))
    found = lineage.RecordFile(work / "kept.jsonl").why(1)
    assert found.origin is None
    assert found.steps == ()
    assert any("outside.jsonl" in note for note in found.notes)


def test_the_command_line_tells_the_same(work):
    runner = CliRunner()
    said = json.loads(runner.invoke(cli, ["why", "--json", str(work / "kept.jsonl") + ":1"]).stdout)
    assert (
        said["origin"]["line"] == 50
        and said["model_loads"][0]["provenance"]["quantization"] == "nf4"
        and said["made_in"]["title"] == "generate"
    )
    assert json.loads(runner.invoke(cli, ["show", str(work / "kept.jsonl") + ":1"]).stdout)["record"]["n"] == 49
    assert main(["why", str(work / "kept.jsonl") + ":99"]) == 3 and main(["why", str(work / "kept.jsonl")]) == 0


def test_a_hostile_record_stays_text_in_the_terminal(work):
    (work / "odd.jsonl").write_text(json.dumps({"metadata": {"script_name": "\x1b[2J\nforged", "provenance": {"model_name": "\x1b]0;x"}}}))
    out = CliRunner().invoke(cli, ["why", str(work / "odd.jsonl") + ":1"]).output
    assert "\x1b" not in out and "\nforged" not in out
