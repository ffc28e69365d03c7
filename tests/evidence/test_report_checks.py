"""A report checks the files first: problems are at its top, and it has no number that a file does not hold."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

import lineage
from lineage.cli import main
from lineage.evidence.report import NAMES, report

PROVENANCE = {
    "loader_version": "a" * 40, "template_disabled": True, "model_name": "org/base", "quantization": "bf16",
    "sentinel_tests_passed": True, "add_special_tokens": False, "revision": "c" * 40,
}  # fmt: skip
PARAMS = {
    "do_sample": True,
    "temperature": 0.7,
    "top_p": 1.0,
    "top_k": 0,
    "repetition_penalty": 1.0,
    "num_beams": 1,
    "max_new_tokens": 24,
    "seed": 1,
}
SCORE, COUNT = 0.8125, 137  # numbers that nothing else in a page has


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An adapter that was trained on 137 records, and its score."""
    monkeypatch.chdir(tmp_path)
    with lineage.session("artifacts", export=False) as session:
        load = session.model_load(PROVENANCE)
        with session.generation(model=load, params=PARAMS) as run, run.records("data.jsonl") as out:
            for number in range(COUNT):
                out.write({"instruction": f"q{number}", "response": "a"}, generation_params={"seed": number})
        with session.training(model=load, datasets=["artifacts/data.jsonl"], params={"seed": 1}) as run:
            folder = Path("artifacts/adapter")
            folder.mkdir()
            (folder / "adapter_model.safetensors").write_bytes(b"weights")
            run.output("adapter", type="model")
        tuned = session.model_load(PROVENANCE, files=["artifacts/adapter"])
        with session.evaluation(model=tuned, dataset_name="held out", dataset_size=16, params=PARAMS) as run:
            results = [{"correct": number < 13} for number in range(16)]
            run.report("evaluation.json", summary={"accuracy": SCORE}, results=results)
    return Path("artifacts").absolute()


def write(profile, place):
    """The exit code, the page and the JSON of a profile."""
    command = ["report", "--profile", profile, "--in", str(place)]
    codes = {main([*command, "-o", "page.md"]), main([*command, "--json", "-o", "page.json"])}
    (code,) = codes
    return code, Path("page.md").read_text(), Path("page.json").read_text()


def forge(place):
    path = place / "evaluation.json"
    path.write_text(path.read_text().replace(str(SCORE), "0.9375"))


def remove(place):
    (place / "evaluation.json").unlink()


def undigest(place):
    path = next(place.glob("session_manifest_*"))
    manifest = json.loads(path.read_bytes())
    for entry in manifest["artifacts_generated"]:
        if entry["file"] == "evaluation.json":
            entry["sha256"] = None
    path.write_text(json.dumps(manifest))


def link_out(place):
    outside = place.parent / "elsewhere.json"
    (place / "evaluation.json").rename(outside)
    (place / "evaluation.json").symlink_to(outside)


def claim(place):
    """The manifest claims a better score than its report holds."""
    path = next(place.glob("session_manifest_*"))
    path.write_text(path.read_text().replace(str(SCORE), "0.9375"))


SCORE_FAULTS = {"altered": forge, "missing": remove, "outside": link_out, "claimed": claim}


def test_an_intact_folder_has_its_numbers_and_no_problem(place):
    for profile in NAMES:
        code, page, data = write(profile, place)
        assert json.loads(data)["problems"] == []
        assert code == 0
        assert "do not hold" not in page
    assert str(SCORE) in write("model-card", place)[1]
    assert "100&lt;n" in page or "137 records" in write("annex-iv", place)[1]


@pytest.mark.parametrize("profile", NAMES)
@pytest.mark.parametrize("fault", SCORE_FAULTS)
def test_a_score_that_its_report_does_not_hold_is_in_no_format(fault, profile, place, capsys):
    SCORE_FAULTS[fault](place)
    code, page, data = write(profile, place)
    shown = json.loads(data)
    recorded = "0.9375" if fault == "claimed" else str(SCORE)
    assert recorded not in page
    assert recorded not in data
    assert code == shown["exit_code"]
    assert code in (1, 4)
    top = page.split("This is an index")[0]
    assert "do not hold" in top
    assert "evaluation.json" in top
    assert "evaluation.json" in capsys.readouterr().err


@pytest.mark.parametrize("profile", ["annex-iv", "model-card", "methods"])
def test_a_score_of_an_unchecked_report_is_withheld_with_the_reason(profile, place):
    undigest(place)
    page = write(profile, place)[1]
    assert re.search(r"accuracy withheld: evaluation.json is not checked", page.replace("\\", ""))
    assert str(SCORE) not in page


@pytest.mark.parametrize("profile", NAMES)
def test_no_signed_value_is_in_a_page_of_the_forged_sample(profile):
    made = report(profile, where=Path(lineage.__file__).parent.parent / "artifacts" / "sample-audit" / "forged")
    assert {"altered-file", "missing-file", "not-as-signed"} <= {one.code for one in made.problems}
    for text in (str(made), json.dumps(made.json())):
        assert "0.75" not in text
        assert "6 records" not in text
    assert made.code == 4


@pytest.mark.parametrize("fault", SCORE_FAULTS)
def test_the_front_matter_has_no_score_that_is_withheld(fault, place):
    SCORE_FAULTS[fault](place)
    front = yaml.safe_load(write("model-card", place)[1].split("---\n")[1])
    assert "model-index" not in front
    assert "metrics" not in front


@pytest.mark.parametrize("profile", NAMES)
def test_counts_and_digests_of_altered_training_data_are_withheld(profile, place):
    path = place / "data.jsonl"
    digest = next(one["sha256"] for one in json.loads(next(place.glob("session_manifest_*")).read_bytes())["artifacts_generated"] if one["file"] == "data.jsonl")  # fmt: skip
    path.write_bytes(path.read_bytes().replace(b'"q3"', b'"Q3"'))
    code, page, data = write(profile, place)
    assert code == 4
    body = page.replace("\\", "")
    assert f"{COUNT} records" not in body
    assert f"`{digest}`" not in body
    assert f"SHA-256 {digest}" not in body
    assert "size_categories:" not in page
    assert "model adapter" in body.split("This is an index")[0]
    assert not [found for row in json.loads(data)["rows"] for found in row["found"] if found["sha256"] == digest]


@pytest.mark.parametrize("profile", ["annex-iv", "model-card", "methods"])
def test_a_model_whose_weights_changed_is_at_the_top(profile, place):
    (place / "adapter" / "adapter_model.safetensors").write_bytes(b"WEIGHTS")
    code, page, _ = write(profile, place)
    assert code == 4
    assert "adapter" in page.split("This is an index")[0]


@pytest.mark.parametrize("profile", NAMES)
def test_records_of_another_loader_and_edited_records_are_at_the_top(profile, place):
    with lineage.session("artifacts", export=False) as session:
        load = session.model_load({**PROVENANCE, "loader_version": "b" * 40})
        with session.generation(model=load, params=PARAMS) as run, run.records("more.jsonl") as out:
            out.write({"instruction": "x", "response": "y"}, generation_params={"seed": 5})
    with (
        lineage.session("artifacts", export=False) as session,
        session.transformation("merge", inputs=["artifacts/data.jsonl", "artifacts/more.jsonl"]) as run,
    ):
        lines = [json.loads(line) for name in ("data", "more") for line in (place / f"{name}.jsonl").read_text().splitlines()]
        lines[2]["response"] = "edited"
        (place / "merged.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
        run.output("merged.jsonl", type="training_data")
    with lineage.session("artifacts", export=False) as session:
        load = session.model_load(PROVENANCE)
        with session.training(model=load, datasets=["artifacts/merged.jsonl"], params={"seed": 1}) as run:
            Path("artifacts/adapter2.safetensors").write_bytes(b"second")
            run.output("adapter2.safetensors", type="model")
    asked = {"model-card": "artifacts/adapter2.safetensors", "data-card": "artifacts/merged.jsonl"}.get(profile)
    made = report(profile, asked, str(place))
    assert {"mixed-loaders", "edited-record"} <= {one.code for one in made.problems}
    if profile == "model-card":
        assert not report(profile, "artifacts/adapter", str(place)).problems


def test_sessions_without_a_folder_are_said_to_be_unchecked(place):
    sessions = lineage.open_library(place).sessions
    made = report("methods", where=list(sessions))
    assert not made.checked
    assert "No file was checked" in str(made)


def test_a_modified_tree_is_said_in_the_sentence_that_names_the_commit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = (
        "import lineage\nwith lineage.session('artifacts', export=False) as s:\n"
        "    with s.generation(params={'seed': 1}) as run, run.records('d.jsonl') as out: out.write({'a': 1})\n"
    )
    Path("make.py").write_text(script)
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], check=True)
    Path("make.py").write_text(script + "# changed\n")
    python = Path(lineage.__file__).parent.parent / ".venv" / "bin" / "python"
    environment = {**os.environ, "PYTHONPATH": str(Path(lineage.__file__).parent.parent)}
    subprocess.run([str(python), "make.py"], check=True, env=environment)
    sentences = [one for _, told in report("methods", where="artifacts").sentences for one in told]
    (sentence,) = [one for one in sentences if "generated" in one]
    assert "make.py at" in sentence
    assert "not committed" in sentence
