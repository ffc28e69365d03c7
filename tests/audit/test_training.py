"""What a model was trained on is followed through the models that it came from, and asked of records, not of files alone. Recorded as users record it."""

import json

import pytest

import lineage
from lineage.auditing.overlap import Overlap, overlap
from lineage.capture.files import digest

CLEAN = {
    "loader_version": "a" * 40,
    "template_disabled": True,
    "model_name": "m",
    "quantization": "fp32",
    "sentinel_tests_passed": True,
    "add_special_tokens": False,
}
PARAMS = {"do_sample": False, "max_new_tokens": 1, "num_beams": 1, "repetition_penalty": 1.0}


def chain(folder, test):
    """Two trainings, one on the other's adapter, each on a file of its own, and an evaluation of the second on the lines *test*."""
    folder.mkdir()
    (folder / "base.bin").write_bytes(b"base")
    (folder / "test.jsonl").write_bytes(b"".join(test))
    with lineage.session(folder) as session:
        files = [folder / "base.bin"]
        for n in range(2):
            load = session.model_load(CLEAN, files=files)
            with session.generation(model=load, params=PARAMS) as run, run.records(f"data_{n}.jsonl") as out:
                for number in range(3):
                    out.write({"instruction": f"What is {n} and {number}?", "response": "…"})
            with session.training(model=load, datasets=[folder / f"data_{n}.jsonl"], params={"seed": 1}) as run:
                (folder / f"adapter_{n}").mkdir()
                (folder / f"adapter_{n}" / "weights").write_bytes(b"%d" % n)
                run.output(f"adapter_{n}", type="model")
            files = [folder / "base.bin", folder / f"adapter_{n}" / "weights"]
        load = session.model_load(CLEAN, files=files)
        with session.evaluation(model=load, dataset=folder / "test.jsonl", dataset_size=1, params=PARAMS) as run:
            run.report("evaluation.json", summary={"accuracy": 1.0}, results=[{"correct": True}])
    return folder


def found(folder):
    return [one for one in lineage.audit(folder).open if one.finding.code == "trained-on-test"]


def test_what_a_recorder_wrote_is_found_clean_but_for_what_nobody_recorded(tmp_path):
    folder = chain(tmp_path / "a", [b'{"instruction": "of its own"}\n'])
    assert {one.code for one in lineage.audit(folder).findings} <= {"unknown-commit", "dirty-code"}


def test_the_question_of_a_record_that_the_first_of_two_models_was_trained_on_is_found(tmp_path):
    folder = chain(tmp_path / "a", [b'{"instruction": "of its own"}\n', b'{"question": "  what IS\\t0 and 2? "}\n'])
    (one,) = found(folder)
    assert "1 of 2 records also in data_0.jsonl (1 with the same question)" in one.finding.message
    assert one.consequences.scores == ("accuracy 1 (evaluation.json)",)


def test_both_trainings_count(tmp_path):
    folder = chain(tmp_path / "a", [b'{"instruction": "What is 0 and 0?"}\n', b'{"instruction": "What is 1 and 1?"}\n'])
    assert len(found(folder)) == 2


def test_a_test_set_outside_the_folder_is_not_read_and_the_report_says_so(tmp_path):
    folder = chain(tmp_path / "a", [b'{"instruction": "What is 0 and 0?"}\n'])
    path = next(folder.glob("session_manifest_*.json"))
    told = json.loads(path.read_bytes())
    for run in told["activities"]:
        for used in run["used"]:
            used["file"] = used["file"].replace("test.jsonl", "../test.jsonl")
    path.write_text(json.dumps(told))
    (folder / "test.jsonl").rename(tmp_path / "test.jsonl")
    assert not found(folder)
    assert ("pairs of test set and training data", 2) in [one[:2] for one in lineage.audit(folder).unchecked]


@pytest.mark.parametrize("same", [True, False])
def test_an_overlap_is_remembered_by_digest(same, tmp_path):
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    one.write_bytes(b'{"text": "a"}\n{"text": "b"}\n{"text": "b"}\nno json\n')
    other.write_bytes(b'{"text": "B"}\n{"text": "a"}\nno json\n')
    expected = Overlap(total=4, lines=2, records=0, asked=3, any=4)
    digests = digest(one)[0], digest(other)[0]
    assert overlap(one, digests[0], other, digests[1]) == expected
    other.write_bytes(b"")
    assert (overlap(one, digests[0], other, digests[1] if same else digest(other)[0]) == expected) is same


def test_an_adapter_whose_weights_alone_were_loaded_is_known_by_them_whatever_lies_beside(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "base.safetensors").write_bytes(b"base")
    with lineage.session(folder) as session:
        load = session.model_load(CLEAN, files=[folder / "base.safetensors"])
        with session.generation(model=load, params=PARAMS) as run, run.records("data.jsonl") as out:
            out.write({"instruction": "What?", "response": "…"})
        with session.training(model=load, datasets=[folder / "data.jsonl"], params={"seed": 1}) as run:
            for name, text in (
                ("adapter_model.safetensors", "tuned"),
                ("adapter_config.json", "{}"),
                ("README.md", "card"),
                ("base.safetensors", "base"),
            ):
                (folder / "adapter").mkdir(exist_ok=True)
                (folder / "adapter" / name).write_text(text)
            run.output("adapter", type="model")
        tuned = session.model_load(CLEAN, files=[folder / "base.safetensors", folder / "adapter" / "adapter_model.safetensors"])
        for model, name in ((tuned, "sft"), (load, "base")):
            with session.evaluation(model=model, dataset=folder / "data.jsonl", dataset_size=1, params=PARAMS) as run:
                run.report(f"evaluation_{name}.json", summary={"accuracy": 1.0}, results=[{"correct": True}])
    (one,) = found(folder)
    assert one.consequences.scores == ("accuracy 1 (evaluation_sft.json)",), (
        "the base model, whose weights lie in the folder too, was trained on nothing"
    )
