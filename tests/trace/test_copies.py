"""A record that is followed is looked for in the right file, and stands in the right slice; a path means the file that it is."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import lineage
from lineage import formats
from lineage.cli import cli
from lineage.contract import slices
from lineage.errors import NotFoundError

PROVENANCE = {"template_disabled": True, "model_name": "tiny", "quantization": "nf4", "sentinel_tests_passed": True}


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def generated(folder, name, loader="a", count=5):
    with lineage.session(folder, title=name, export=False) as session:
        load = session.model_load({**PROVENANCE, "loader_version": loader * 40})
        with session.generation(model=load, params={"seed": 1}) as run, run.records(name) as out:
            for n in range(count):
                out.write({"instruction": f"{name} {n}"})
    return records(Path(folder, name))


def records(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def carried(folder, name, inputs, told):
    with lineage.session(folder, title=f"merge {name}", export=False) as session:
        with session.transformation("merge", inputs=inputs) as run, run.records(name) as out:
            for one in told:
                out.write(one)


@pytest.mark.parametrize("order", [["mb", "ma"], ["ma", "mb"]])
def test_of_two_files_with_one_name_the_one_that_holds_the_copy_is_read(order):
    bad, other = generated("ma", "bad.jsonl"), generated("mb", "other.jsonl")
    carried("mb", "merged.jsonl", ["mb/other.jsonl"], other)
    carried("ma", "merged.jsonl", ["ma/bad.jsonl"], bad[:3])
    found = lineage.impact("ma/bad.jsonl:1", order)
    assert found.copies == 1 and [note for note in found.notes if note.endswith("ma/merged.jsonl:1")]


def test_a_copy_that_was_written_over_counts_and_is_named():
    bad = generated("artifacts", "bad.jsonl")
    carried("artifacts", "merged.jsonl", ["artifacts/bad.jsonl"], bad[:3])
    for file in Path("artifacts").glob("merged.jsonl*"):
        file.unlink()
    carried("artifacts", "merged.jsonl", ["artifacts/bad.jsonl"], bad[3:])
    found = lineage.impact("artifacts/bad.jsonl:1")
    assert found.copies == 1 and [note for note in found.notes if "could not be looked at: merged.jsonl" in note]


def test_copies_in_inner_folders_are_found():
    bad = generated("all/one", "bad.jsonl", count=3)
    carried("all/two", "kept.jsonl", ["all/one/bad.jsonl"], bad[:1])
    assert [lineage.impact(f"all/one/bad.jsonl:{line}", "all", recursive=True).copies for line in (1, 2)] == [1, 0]


def test_a_record_that_stands_in_its_own_file_twice_counts_twice():
    bad = generated("artifacts", "bad.jsonl")
    carried("artifacts", "twice.jsonl", ["artifacts/bad.jsonl"], [bad[0], bad[1], bad[0]])
    assert [(one.file.name, one.records) for one in lineage.impact("artifacts/twice.jsonl:1").files] == [("twice.jsonl", 2)]


@pytest.mark.parametrize("inside", [True, False])
def test_training_data_of_which_no_session_tells_how_it_was_made_is_named_in_a_note(inside):
    bad = generated("artifacts", "bad.jsonl", "b")
    data = Path("artifacts/train.jsonl" if inside else "train.jsonl")
    data.write_text("".join(json.dumps(one) + "\n" for one in bad[:2]))
    with lineage.session("artifacts", title="train", export=False) as session, session.training(datasets=[data]) as run:
        Path("artifacts/adapter").write_text("weights")
        run.output("adapter", type="model")
    found = lineage.impact("loader:bbbb", "artifacts")
    assert [one.name for one in found.models] == (["adapter"] if inside else [])
    assert [note.rpartition(": ")[2] for note in found.notes] == ([] if inside else ["../train.jsonl"])


def test_what_nothing_came_from_is_still_in_its_session():
    generated("artifacts", "bad.jsonl")
    shown = CliRunner().invoke(cli, ["impact", "artifacts/bad.jsonl:1"], standalone_mode=False).stdout
    assert shown.splitlines()[0].endswith(" in 1 session")


@pytest.fixture
def shuffled(monkeypatch):
    """Records of two loaders in turns, in slices that say only where they begin and end; the good ones are carried on."""
    monkeypatch.setattr(slices, "MAX_RANGES", 3)
    bad, good = generated("artifacts", "bad.jsonl", "b", 12), generated("artifacts", "good.jsonl", "a", 12)
    mixed = [one for pair in zip(bad, good, strict=True) for one in pair]
    carried("artifacts", "mixed.jsonl", ["artifacts/bad.jsonl", "artifacts/good.jsonl"], mixed)
    carried("artifacts", "kept.jsonl", ["artifacts/mixed.jsonl"], mixed[1::2][:10])


def test_a_record_of_a_shuffled_file_stands_in_the_slice_that_its_metadata_names(shuffled):
    for line, loader in ((1, "b"), (2, "a"), (23, "b"), (24, "a")):
        assert len(lineage.impact(f"artifacts/mixed.jsonl:{line}").start) == 1
        past = {one.label for one in lineage.why(f"artifacts/mixed.jsonl:{line}").things if one.type == "loader"}
        assert past == {f"loader @{loader * 8}"}


def test_where_a_document_does_not_tell_which_slice_a_line_is_in_all_are_asked_and_a_note_says_so(shuffled):
    Path("all.trig").write_bytes(formats.dumps(lineage.open_library("artifacts").document(), "trig"))
    found = lineage.why("artifacts/mixed.jsonl:2", "all.trig")
    assert len(found.start) == 2 and [note for note in found.notes if "several slices" in note]


def test_an_unrelated_file_is_not_taken_for_one_of_the_same_last_name():
    generated("artifacts", "sub/data.jsonl")
    Path("data.jsonl").write_text('{"a":1}\n')
    with pytest.raises(NotFoundError, match=r"did you mean sub/data\.jsonl"):
        lineage.impact("data.jsonl", "artifacts")
    shutil.copy("artifacts/sub/data.jsonl", "data.jsonl")
    assert [one.name for one in lineage.impact("data.jsonl", "artifacts").start] == ["sub/data.jsonl"]


def test_a_file_that_changed_is_what_was_recorded_there_and_a_note_says_so():
    for folder, loader in (("ma", "a"), ("mb", "b")):
        generated(folder, "data.jsonl", loader)
    with Path("mb/data.jsonl").open("a") as file:
        file.write('{"x":1}\n')
    for found in (lineage.impact("mb/data.jsonl", ["ma", "mb"]), lineage.why("mb/data.jsonl:2", ["ma", "mb"])):
        assert len(found.start) == 1 and len([note for note in found.notes if "its bytes are not those" in note]) == 1
        assert {one for start in found.start for one in start.sessions} <= {one.id for one in lineage.open_library("mb").sessions}
    assert not lineage.impact("ma/data.jsonl", ["ma", "mb"]).notes
