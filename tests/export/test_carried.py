"""Records that were filtered, shuffled, merged, edited or copied are recognised, derived from the file that made them, and compared with it."""

import json
import random
import shutil
from pathlib import Path

import pyoxigraph
import pytest

import lineage
from lineage.capture import files
from lineage.carried import edits
from lineage.cli import main
from lineage.constraints import validate
from lineage.expansion import Expansion
from lineage.export import combined_document, export_folder, records_document
from lineage.folder import gathered
from lineage.prov.terms import DERIVATION, GENERATION

PROVENANCE = {"loader_version": "a" * 40, "template_disabled": True, "model_name": "tiny", "quantization": "nf4"}


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Two runs that made 40 and 20 records."""
    monkeypatch.chdir(tmp_path)
    for name, count in (("one", 40), ("two", 20)):
        with lineage.session("artifacts", title=name, export=False) as session:
            load = session.model_load(PROVENANCE)
            with session.generation(model=load, params={"name": name, "seed": 1}) as run, run.records(f"{name}.jsonl") as out:
                for n in range(count):
                    out.write({"n": n, "text": f"{name} {n}"}, generation_params={"seed": n})
    return Path("artifacts")


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def carry(work, name, records, inputs=("one.jsonl", "two.jsonl")):
    with lineage.session(work, title="carry", export=False) as session:
        with session.transformation("merge", inputs=[work / one for one in inputs]) as run, run.records(name) as out:
            for record in records:
                out.write(record)


def slices(work, name):
    """The slices of a file as they are exported, and the findings."""
    placed, findings = gathered(work)
    (artifact,) = [one for _, session in placed for one in session.artifacts if one.path == name]
    return artifact.slices, [one for one in findings if one.file == name]


def origins(work, name):
    parts, _ = slices(work, name)
    return {(one.path, one.slice_line, one.count, one.edited, one.edited_keys) for part in parts for one in part.origins}


def test_a_shuffled_merge_is_derived_from_both_files_and_nothing_was_edited(work):
    merged = rows(work / "one.jsonl")[::2] + rows(work / "two.jsonl")
    random.Random(1).shuffle(merged)
    carry(work, "merged.jsonl", merged)
    assert origins(work, "merged.jsonl") == {("one.jsonl", 1, 20, 0, ()), ("two.jsonl", 1, 20, 0, ())}
    assert slices(work, "merged.jsonl")[1] == []


def test_every_edit_is_found_and_named_with_its_keys(work):
    merged = rows(work / "one.jsonl")
    merged[4]["text"], merged[7]["new"], merged[9] = "edited", 1, {"metadata": merged[9]["metadata"], "n": True}
    carry(work, "merged.jsonl", merged[::-1])
    assert origins(work, "merged.jsonl") == {("one.jsonl", 1, 40, 3, ("n", "new", "text"))}
    told = {(one.code, one.line, one.message.rpartition(": ")[2]) for one in slices(work, "merged.jsonl")[1]}
    assert told == {("edited-record", 36, "text of one.jsonl:5"), ("edited-record", 33, "new of one.jsonl:8"), ("edited-record", 31, "n, text of one.jsonl:10")}  # fmt: skip
    assert main(["export", str(work)]) == 0


def test_a_file_that_nobody_recorded_and_that_another_tool_wrote_is_recognised(work):
    kept = rows(work / "two.jsonl")[::-1]
    kept[0]["text"] = 1
    (work / "sent.jsonl").write_text("".join(json.dumps(one, indent=None, sort_keys=True) + "\r\n" for one in kept))
    assert origins(work, "sent.jsonl") == {("two.jsonl", 1, 20, 1, ("text",))}
    placed, _ = gathered(work)
    document, _ = combined_document([one for _, one in placed])
    assert not validate(document, "x")
    told = [one for bundle in document.bundles for one in bundle.statements]
    made = {one.args[0] for one in told if one.term is GENERATION and one.args[1].rpartition("/")[2].startswith("run-")}
    (artifact,) = [one for _, session in placed for one in session.artifacts if one.path == "sent.jsonl"]
    assert not any(artifact.sha256 in name for name in made), "the run made another file than this one"


def test_a_record_that_its_run_never_made_is_told(work):
    kept = rows(work / "one.jsonl")[:3]
    kept[1]["metadata"]["record_index"] = 900
    carry(work, "merged.jsonl", kept)
    assert origins(work, "merged.jsonl") == {("one.jsonl", 1, 2, 0, ())}
    assert [(one.code, one.line) for one in slices(work, "merged.jsonl")[1]] == [("unknown-origin", 2)]
    assert main(["export", str(work)]) == 1


def test_a_copy_is_the_same_file_and_derived_from_nothing(work):
    shutil.copy(work / "one.jsonl", work / "copy.jsonl")
    assert origins(work, "copy.jsonl") == set()


@pytest.mark.parametrize("damage", ["gone", "altered"])
def test_nothing_is_claimed_of_an_origin_that_is_not_what_was_recorded(work, damage):
    carry(work, "merged.jsonl", rows(work / "one.jsonl")[:3])
    (work / "one.jsonl").unlink() if damage == "gone" else (work / "one.jsonl").write_text("{}\n" * 40)
    assert origins(work, "merged.jsonl") == set() and slices(work, "merged.jsonl")[1] == []


def test_files_in_other_folders_are_origins_too(work):
    (work / "later").mkdir()
    (work / "later/sent.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows(work / "one.jsonl")[5:]))
    placed, findings = gathered(work, recursive=True)
    (artifact,) = [one for _, session in placed for one in session.artifacts if one.path == "sent.jsonl"]
    assert [(one.path, one.count) for part in artifact.slices for one in part.origins] == [("one.jsonl", 35)] and not findings


def test_without_sidecars_the_answers_are_the_same(work):
    carry(work, "merged.jsonl", rows(work / "one.jsonl")[::-1])
    expected = origins(work, "merged.jsonl")
    shutil.rmtree(work / ".lineage")
    (work / ".lineage").write_text("no folder: a sidecar cannot be written")
    assert origins(work, "merged.jsonl") == expected != set()


def test_the_comparison_is_remembered_by_the_digests_of_both_files(work, monkeypatch):
    edited = rows(work / "one.jsonl")
    edited[3]["n"] = -1
    carry(work, "merged.jsonl", edited)
    first = (origins(work, "merged.jsonl"), slices(work, "merged.jsonl")[1])
    monkeypatch.setattr(edits, "Matcher", None)
    assert (origins(work, "merged.jsonl"), slices(work, "merged.jsonl")[1]) == first


def test_the_graph_tells_from_which_slice_and_how_many_were_edited(work):
    edited = rows(work / "one.jsonl")
    edited[3]["n"] = -1
    carry(work, "merged.jsonl", edited)
    export_folder(work)
    store = pyoxigraph.Store()
    store.load(path="graphs/lineage.ttl")
    query = """PREFIX prov: <http://www.w3.org/ns/prov#> PREFIX lin: <https://w3id.org/lineage-prov/ns#>
        SELECT ?name ?count ?edited ?key { ?part prov:qualifiedDerivation ?d ; prov:wasDerivedFrom ?source . ?d prov:entity ?source ; lin:count ?count ;
        lin:editedCount ?edited ; lin:editedKey ?key . ?file prov:hadMember ?source ; prov:atLocation ?name }"""
    assert [tuple(value.value for value in row) for row in store.query(query)] == [("one.jsonl", "40", "1", "n")]


def test_an_expanded_copy_derives_each_record_and_says_of_none_that_its_run_made_it(work):
    (work / "sent.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows(work / "one.jsonl")[:4]))
    placed, _ = gathered(work)
    (place, session) = next(one for one in placed if one[1].manifest is None)
    whole = records_document(Expansion(place, session)).read()
    derived = {one.args[0].rpartition("-L")[2]: one.args[1].rpartition("-L")[2] for one in whole.statements if one.term is DERIVATION and "slice" not in one.args[0]}  # fmt: skip
    assert derived == {"1": "1", "2": "2", "3": "3", "4": "4"} and not [one for one in whole.statements if one.term is GENERATION]
    assert not validate(whole, "x")


def test_a_record_of_a_run_that_wrote_two_files_is_derived_from_the_one_it_stands_in(work):
    with lineage.session(work, export=False) as session, session.generation(params={"seed": 1}) as run:
        with run.records("train.jsonl") as train, run.records("val.jsonl") as val:
            for n in range(6):
                train.write({"split": "train", "n": n})
                val.write({"split": "val", "n": n})
    kept = rows(work / "train.jsonl")[1:4] + rows(work / "val.jsonl")[2:3]
    kept[1]["n"] = "edited"
    carry(work, "merged.jsonl", kept, ["train.jsonl", "val.jsonl"])
    assert origins(work, "merged.jsonl") == {("train.jsonl", 1, 3, 1, ("n",)), ("val.jsonl", 1, 1, 0, ())}
    file = lineage.RecordFile(work / "merged.jsonl")
    assert [(file.why(n).origin.file.name, file.why(n).origin.line, file.why(n).origin.edited) for n in (1, 2, 3, 4)] == [("train.jsonl", 2, ()), ("train.jsonl", 3, ("n",)), ("train.jsonl", 4, ()), ("val.jsonl", 3, ())]  # fmt: skip
    timeless = {**kept[0], "n": "edited", "metadata": {**kept[0]["metadata"], "timestamp": None}}
    carry(work, "odd.jsonl", [timeless], ["train.jsonl", "val.jsonl"])
    assert origins(work, "odd.jsonl") == set() and not slices(work, "odd.jsonl")[1], "which of the two it was, nobody can tell"


def test_records_of_two_runs_that_wrote_one_file_after_each_other_are_found(work):
    with lineage.session(work, export=False) as session:
        for name in ("a", "b"):
            with session.generation(params={"seed": 1, "name": name}) as run, run.records("both.jsonl", exists="append") as out:
                for n in range(700):
                    out.write({"n": f"{name}{n}"})
    carry(work, "merged.jsonl", rows(work / "both.jsonl")[600:1300], ["both.jsonl"])
    assert origins(work, "merged.jsonl") == {("both.jsonl", 1, 100, 0, ()), ("both.jsonl", 701, 600, 0, ())}
    assert not slices(work, "merged.jsonl")[1]


def test_what_is_remembered_of_a_comparison_does_not_depend_on_paths_or_spoilt_sidecars(work):
    carry(work, "merged.jsonl", rows(work / "one.jsonl")[:9])
    expected, sidecar = origins(work, "merged.jsonl"), work / ".lineage/one.jsonl.index"
    good = sidecar.read_bytes()
    shutil.rmtree(files.folder())
    sidecar.write_bytes(good[:4096] + bytes(len(good) - 4096))
    assert origins(work, "merged.jsonl") == expected and not slices(work, "merged.jsonl")[1]
    manifest = next(path for path in work.glob("session_manifest_*") if json.loads(path.read_text())["title"] == "one")
    (work / "one.jsonl").rename(work / "renamed.jsonl")
    manifest.write_text(manifest.read_text().replace('"one.jsonl"', '"renamed.jsonl"'))
    assert {one[0] for one in origins(work, "merged.jsonl")} == {"renamed.jsonl"}
