"""Data that a model was measured on while it was trained has a role of its own, and nothing takes it for training data."""

import json

import pytest

import lineage
from lineage.export import combined_document
from lineage.folder import read_folder
from lineage.mapping.names import Ids
from lineage.prov.document import flattened

CLEAN = {
    "loader_version": "a" * 40, "template_disabled": True, "model_name": "org/m", "quantization": "fp32", "sentinel_tests_passed": True,
    "add_special_tokens": False, "revision": "b" * 40,
}  # fmt: skip
PARAMS = {"do_sample": False, "max_new_tokens": 1, "num_beams": 1, "repetition_penalty": 1.0, "seed": 1}
NAMES = ("train.jsonl", "held.jsonl", "generated.jsonl")


def experiment(folder, datasets=("train.jsonl",), validation=("held.jsonl", "generated.jsonl"), by_use=False):
    """A training with validation data, one file of it made by a generation; and an evaluation on that file."""
    folder.mkdir()
    for name in NAMES[:2]:
        (folder / name).write_text(json.dumps({"instruction": f"of {name}"}) + "\n")
    with lineage.session(folder) as session:
        load = session.model_load(CLEAN)
        with session.generation(model=load, params=PARAMS) as run, run.records("generated.jsonl") as out:
            out.write({"instruction": "of generated.jsonl", "response": "…"})
        given = {} if by_use else {"validation": [folder / name for name in validation]}
        with session.training(model=load, datasets=[folder / name for name in datasets], **given, params={"seed": 1}) as run:
            if by_use:
                run.use([folder / name for name in validation], role="validationData")
            (folder / "adapter.safetensors").write_bytes(b"A")
            run.output("adapter.safetensors", type="model")
        trained = session.model_load({**CLEAN, "model_name": "mine"}, files=[folder / "adapter.safetensors"])
        with session.evaluation(model=trained, dataset=folder / "held.jsonl", dataset_size=1, params=PARAMS) as run:
            run.report("evaluation.json", summary={"accuracy": 1.0}, results=[{"correct": True}])
    return folder


@pytest.fixture(scope="module", params=[False, True], ids=["validation=", "run.use"])
def folder(request, tmp_path_factory):
    return experiment(tmp_path_factory.mktemp("work") / "artifacts", by_use=request.param)


def training(folder):
    (path,) = folder.glob("session_manifest_*")
    return next(one for one in json.loads(path.read_text())["activities"] if one["type"] == "training")


def test_it_has_a_role_of_its_own(folder):
    assert {one["file"]: one["role"] for one in training(folder)["used"]} == {
        "train.jsonl": "trainingData", "held.jsonl": "validationData", "generated.jsonl": "validationData",
    }  # fmt: skip


def test_a_model_is_not_derived_from_it(folder):
    text = next(folder.glob("session_*.ttl")).read_text()
    assert "prov:hadRole lin:validationData" in text
    rows = list(
        lineage.query(
            "SELECT ?path { ?model prov:atLocation 'adapter.safetensors' ; prov:wasDerivedFrom ?data . ?data prov:atLocation ?path }",
            folder,
        )
    )
    assert [row["path"] for row in rows] == ["train.jsonl"]


def test_the_audit_does_not_say_that_the_model_was_trained_on_it(folder):
    assert "trained-on-test" not in {one.code for one in lineage.audit(folder).findings}


def test_the_shape_in_a_graph_alone_does_not_say_it_either(folder):
    pytest.importorskip("pyshacl")
    from lineage.auditing.shacl import broken

    sessions, _ = read_folder(folder)
    document, _ = combined_document(sessions, Ids())
    assert "trained-on-test" not in [code for code, _ in broken(flattened(document))]


def test_what_is_both_is_training_data(tmp_path):
    folder = experiment(tmp_path / "artifacts", datasets=("train.jsonl", "held.jsonl"))
    assert "trained-on-test" in {one.code for one in lineage.audit(folder).findings}
    rows = lineage.ask("trained-on", folder, model="adapter.safetensors")
    assert {row["data"] for row in rows} == {"train.jsonl", "held.jsonl"}


@pytest.mark.parametrize(
    ("question", "given"), [("trained-on", {"model": "adapter.safetensors"}), ("data-behind", {"result": "evaluation.json"})]
)
def test_questions_do_not_count_it_as_training_data(folder, question, given):
    assert {row["data"] for row in lineage.ask(question, folder, **given)} == {"train.jsonl"}


def test_cards_and_methods_do_not_count_it_as_training_data(folder):
    methods = str(lineage.report("methods", where=folder)).replace("\\", "")
    assert "was trained on train.jsonl" in methods
    assert "held.jsonl" not in methods.partition("was trained on")[2].partition(".")[0]
    annex = [row for row in lineage.report("annex-iv", where=folder).json()["rows"] if row["clause"] == "Annex XI 1(2)(c)"]
    said = [(one["says"].partition(",")[0], one["file"]) for row in annex for one in row["found"]]
    assert ("used for validation in a training", "held.jsonl") in said
    assert not [says for says, file in said if file == "held.jsonl" and says.startswith("data ")]


def test_a_comparison_sees_another_validation_set(tmp_path):
    one, other = experiment(tmp_path / "one"), experiment(tmp_path / "other", validation=("train.jsonl",))
    ids = [next(folder.glob("session_manifest_*")).name.removeprefix("session_manifest_").removesuffix(".json") for folder in (one, other)]
    changed = lineage.diff(*ids, [one, other])
    assert "validationData" in str(changed)
