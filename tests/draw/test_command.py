"""`lineage draw`: what it makes of a folder, a file, a record and a document, and what it says when it cannot."""

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from histories import history

import lineage
from lineage.cli import main
from lineage.draw import raster
from lineage.prov.terms import PROV

PROVENANCE = {
    "loader_version": "a" * 40, "template_disabled": True, "model_name": "tiny", "quantization": "nf4", "sentinel_tests_passed": True, "add_special_tokens": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two sessions: one generates, the other filters what it made; and their PROV."""
    base = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(base)
        Path("prompts.jsonl").write_text('{"instruction": "a"}\n')
        Path("stray.jsonl").write_text('{"response": "a"}\n')
        with lineage.session("artifacts", title="generate") as session:
            load = session.model_load(PROVENANCE)
            with session.generation(model=load, prompts=["prompts.jsonl"], params={"seed": 42}) as run, run.records("all.jsonl") as out:
                for n in range(6):
                    out.write({"response": f"{n}"})
        with lineage.session("artifacts", title="filter") as session, session.transformation("filter", inputs=["all.jsonl"]) as run:
            with run.records("kept.jsonl") as out:
                for line in Path("artifacts/all.jsonl").read_text().splitlines()[::2]:
                    out.write(json.loads(line))
        assert main(["export", "artifacts"]) == 0
    return base


@pytest.fixture(autouse=True)
def there(made, monkeypatch):
    monkeypatch.chdir(made)


def drawn(*argv):
    """The words in the SVG that a command makes."""
    assert main(["draw", *argv, "-o", "out.svg"]) == 0
    root = ElementTree.parse("out.svg").getroot()  # our own output
    return [element.text for element in root.iter() if element.tag.endswith("}text") and element.text]


@pytest.mark.parametrize("what", ["artifacts", "graphs/lineage.trig", "graphs/lineage.ttl", "graphs/lineage.prov.json"])
def test_a_folder_and_its_prov_in_any_format_are_drawn(what):
    assert {"all.jsonl", "kept.jsonl", "generate", "filter"} <= set(drawn(what))


def test_one_session_is_drawn_alone(made):
    manifests = [json.loads(path.read_text()) for path in (made / "artifacts").glob("session_manifest_*")]
    first = next(one["session_id"] for one in manifests if one["title"] == "generate")
    said = drawn("artifacts", "--session", first)
    assert "all.jsonl" in said and "kept.jsonl" not in said


def test_a_record_is_drawn_with_the_record_that_it_was_carried_over_from():
    said = drawn("artifacts/kept.jsonl:2")
    assert {"record 2", "record 3", "all.jsonl", "Sources of record 2"} <= set(said)
    assert "record 3" not in drawn("artifacts/kept.jsonl:2", "--depth", "0")


def test_a_file_is_drawn_with_its_sources_and_another_with_its_consequences():
    assert "kept.jsonl" not in drawn("artifacts/all.jsonl") and "kept.jsonl" in drawn("artifacts/all.jsonl", "--direction", "future")


def test_agents_and_configurations_are_counted_until_they_are_asked_for():
    hidden, shown = drawn("artifacts"), drawn("artifacts", "--agents", "--configurations")
    assert any("configuration" in word and word.startswith("Not drawn") for word in hidden)
    assert any(word == "agent" for word in shown) and not any("configuration" in word and word.startswith("Not drawn") for word in shown)


def test_what_is_over_the_limit_is_left_out_and_counted():
    said = drawn("artifacts", "--max-nodes", "3", "--sessions", "open")
    assert "boxes are left out, the earliest" in " ".join(said)  # it may be broken into lines
    assert len(drawn("artifacts", "--max-nodes", "3", "--force")) > len(said)


def test_files_are_linked_by_their_place_as_seen_from_the_picture(made):
    (made / "pictures").mkdir(exist_ok=True)
    assert main(["draw", "artifacts", "-o", "pictures/out.svg"]) == 0
    assert 'href="../artifacts/all.jsonl"' in Path("pictures/out.svg").read_text()


def test_the_same_folder_gives_the_same_bytes():
    for suffix in (".svg", ".html", ".dot", ".mmd"):
        made = []
        for _ in range(2):
            assert main(["draw", "artifacts", "-o", f"out{suffix}"]) == 0
            made.append(Path(f"out{suffix}").read_bytes())
        assert made[0] == made[1]


def test_a_picture_goes_to_stdout_when_its_kind_is_said(capfdbinary):
    assert main(["draw", "artifacts", "-o", "-", "--format", "mmd"]) == 0
    assert capfdbinary.readouterr().out.startswith(b"flowchart RL\n")


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["nowhere", "-o", "x.svg"], 3, "no such file or folder"),
        (["artifacts", "-o", "x.gif"], 2, "use one of .svg"),
        (["artifacts", "-o", "-"], 2, "--format"),
        (["artifacts", "-o", "x.svg", "--depth", "2"], 2, "--around"),
        (["artifacts", "-o", "x.svg", "--around", "al.jsonl"], 3, "did you mean all.jsonl"),
        (["artifacts/all.jsonl:99", "-o", "x.svg"], 3, "no such line"),
        (["prompts.jsonl", "-o", "x.svg"], 2, "unknown format"),
        (["stray.jsonl:1", "-o", "x.svg"], 2, "nothing tells where the record came from"),
        (["graphs/lineage.trig", "-o", "x.svg", "--session", "x"], 3, "the document holds"),
        (["artifacts", "-o", "no/such/folder/x.svg"], 1, "No such file"),
    ],
)
def test_what_cannot_be_drawn_is_said_with_where_and_what_to_do(argv, code, words, capsys):
    assert main(["draw", *argv]) == code
    assert words in capsys.readouterr().err and not Path("x.svg").exists()


def test_a_name_that_several_have_is_told_apart(capsys):
    assert main(["draw", "artifacts", "-o", "x.svg", "--around", "prompt"]) == 0
    assert main(["draw", "artifacts", "-o", "x.svg", "--around", "file-"]) == 2
    assert "say which: https://" in capsys.readouterr().err
    Path("x.svg").unlink()


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_without_a_converter_it_says_what_to_install(kind, monkeypatch, capsys):
    monkeypatch.setattr(raster, "find_spec", lambda name: None)
    monkeypatch.setattr(raster.shutil, "which", lambda name: None)
    assert main(["draw", "artifacts", "-o", f"x.{kind}"]) == 2
    said = capsys.readouterr().err
    assert "pip install 'lineage-prov[pictures]'" in said and "rsvg-convert" in said and not Path(f"x.{kind}").exists()


def test_a_converter_that_is_there_is_given_the_picture(monkeypatch, tmp_path):
    program = tmp_path / "rsvg-convert"
    program.write_text('#!/bin/sh\nprintf "made from "; head -c 4; echo " $*"\n')
    program.chmod(0o755)
    monkeypatch.setattr(raster, "find_spec", lambda name: None)
    monkeypatch.setattr(raster.shutil, "which", lambda name: str(program) if name == "rsvg-convert" else None)
    assert main(["draw", "artifacts", "-o", "x.png"]) == 0
    assert Path("x.png").read_text() == "made from <svg --zoom 2 --format png\n"


def test_a_converter_that_fails_is_told_of_and_leaves_nothing(monkeypatch, tmp_path, capsys):
    program = tmp_path / "inkscape"
    program.write_text("#!/bin/sh\necho 'out of ink' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(raster, "find_spec", lambda name: None)
    monkeypatch.setattr(raster.shutil, "which", lambda name: str(program) if name == "inkscape" else None)
    assert main(["draw", "artifacts", "-o", "y.pdf"]) == 1
    assert "out of ink" in capsys.readouterr().err and not Path("y.pdf").exists()


def test_findings_are_counted_and_stand_on_what_they_concern(tmp_path, capsys):
    history(5, sessions=4, folder=tmp_path)
    gone = sorted(tmp_path.glob("sft_training_data*.jsonl"))[0]
    gone.unlink()
    assert main(["draw", str(tmp_path), "-o", str(tmp_path / "out.svg"), "--legacy"]) == 0
    assert "finding" in capsys.readouterr().err
    assert f"{gone.name}: the manifest names a file that is gone" in (tmp_path / "out.svg").read_text()


def test_dot_reads_what_is_written_for_it(tmp_path):
    from shutil import which

    assert main(["draw", "artifacts", "-o", str(tmp_path / "out.dot")]) == 0
    text = (tmp_path / "out.dot").read_text()
    assert text.startswith("digraph lineage {") and text.count("subgraph cluster_") == 2 and PROV not in text
    if which("dot"):
        subprocess.run(["dot", "-Tsvg", str(tmp_path / "out.dot")], check=True, capture_output=True)
