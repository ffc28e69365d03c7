"""Folders of two machines asked together; files that became each other by content; and the table of relations itself."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import lineage
from lineage.cli import cli
from lineage.facts import Artifact, Session, Slice, Transformation
from lineage.prov.terms import ALTERNATE, INVALIDATION, RELATIONS
from lineage.trace.reading import open_library
from lineage.trace.relations import INFLUENCES

PROVENANCE = {"loader_version": "a" * 40, "template_disabled": True, "model_name": "tiny", "quantization": "nf4", "sentinel_tests_passed": True, "add_special_tokens": False}  # fmt: skip


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    """One machine generates; the file is copied to another, which keeps every second record and evaluates a model on the rest."""
    root = tmp_path_factory.mktemp("machines")
    one, other = root / "one" / "artifacts", root / "other" / "artifacts"
    with lineage.session(one, title="generate") as session:
        load = session.model_load(PROVENANCE)
        with session.generation(model=load, params={"seed": 1}) as run, run.records("all.jsonl") as out:
            for n in range(10):
                out.write({"instruction": f"question {n}", "response": "…"})
    other.mkdir(parents=True)
    shutil.copy(one / "all.jsonl", other / "copied.jsonl")
    with lineage.session(other, title="filter") as session:
        with session.transformation("filter", inputs=[other / "copied.jsonl"]) as run, run.records("kept.jsonl") as out:
            for line in (other / "copied.jsonl").read_text().splitlines()[::2]:
                out.write(json.loads(line))
        with session.training(datasets=[other / "kept.jsonl"]) as run:
            (other / "adapter.safetensors").write_text("weights")
            run.output("adapter.safetensors", type="model")
    return one, other


def test_two_machines_together_tell_what_neither_tells_alone(machines):
    found = lineage.impact("loader:aaaa", machines)
    assert [(one.file.name, one.records, one.made, one.total) for one in found.files] == [
        ("all.jsonl", 10, 10, 10),
        ("kept.jsonl", 5, 0, 5),
    ]
    assert [one.name for one in found.models] == ["adapter.safetensors"]
    alone = lineage.impact("loader:aaaa", machines[0])
    assert [one.file.name for one in alone.files] == ["all.jsonl"] and not alone.models


def test_a_record_is_followed_into_the_folder_of_another_machine(machines):
    one, other = machines
    args = ["impact", str(one / "all.jsonl"), "--in", str(one), "--in", str(other), "--json"]
    for line, copies in ((3, 1), (4, 0)):
        said = json.loads(CliRunner().invoke(cli, [args[0], f"{args[1]}:{line}", *args[2:]], standalone_mode=False).stdout)
        assert (said["records"], said["copies"], len(said["models"])) == (1, copies, copies)
        assert [Path(note.removeprefix("a copy: ")).name for note in said["notes"]] == ["kept.jsonl:2"][
            :copies
        ]  # the copied file is the same file


def test_a_copy_that_is_not_there_to_be_read_counts_and_is_named(machines, tmp_path):
    one, other = (shutil.copytree(place, tmp_path / str(n)) for n, place in enumerate(machines))
    (other / "kept.jsonl").unlink()
    found = lineage.impact(f"{one / 'all.jsonl'}:4", [one, other])
    assert found.copies == 1 and [note for note in found.notes if "could not be looked at: kept.jsonl" in note]


def test_files_that_became_each_other_by_content_end_and_are_left_out_of_the_document():
    part = Slice(metadata={"run_id": "r"}, lines=((1, 3),), count=3)
    one, other = (Artifact(path=f"{name}.jsonl", type="training_data", sha256=name * 64, slices=(part,), role="records") for name in "ab")
    forth = Transformation(id="forth", used=(replace(one, slices=None),), made=(replace(other, activity="forth"),))
    back = Transformation(id="back", used=(replace(other, slices=None),), made=(replace(one, activity="back"),))
    library = open_library([Session(id=f"s{n}", manifest=f"m{n}", activities=(run,)) for n, run in enumerate((forth, back))])
    found = lineage.why("a.jsonl", library)
    assert {"b.jsonl"} <= {thing.name for thing in found.things} and str(found)
    assert not [one for bundle in library.document().bundles for one in bundle.statements if one.term.name == "wasDerivedFrom"]


def test_every_relation_of_prov_is_followed_or_left_out_on_purpose():
    assert set(RELATIONS) - set(INFLUENCES) == {ALTERNATE, INVALIDATION}
