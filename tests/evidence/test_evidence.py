"""A report says what was recorded and where, "not recorded" of the rest, and lets no text of a user's be more than text."""

import hashlib
import json
import re
from pathlib import Path

import pytest
import yaml
from histories import history
from hypothesis import example, given
from hypothesis import strategies as st

import lineage
from lineage.cli import main
from lineage.errors import NotFoundError, NothingRecordedError, UsageError
from lineage.evidence import annex_iv, hub, text
from lineage.evidence.report import DISCLAIMER, NAMES, report
from lineage.facts import Evaluation, ModelLoad, Training
from lineage.signing.sign import sign


def rows(told, clause):
    return [one.says for row, found in told.rows if row.clause == clause for one in found]


def front(markdown):
    return yaml.safe_load(markdown.split("---\n")[1])


def test_every_clause_is_answered_or_said_to_be_not_recorded(folder):
    told = str(report("annex-iv", where=folder))
    sections = re.split("^## ", told, flags=re.MULTILINE)[1:]
    assert len(sections) == len(annex_iv.ROWS)
    assert all("- " in section for section in sections) and sum("- not recorded" in section for section in sections) >= 9


def test_a_clause_is_answered_by_node_file_and_digest(folder):
    told = report("annex-iv", where=folder).json()
    (data,) = next(row for row in told["rows"] if row["clause"] == "Annex IV 2(d)")["found"]
    digest = json.loads(next(folder.glob("session_manifest_*")).read_bytes())["artifacts_generated"][0]["sha256"]
    assert data["sha256"] == digest and data["file"] == "sft_training_data.jsonl" and data["node"].endswith(f"file-sha256-{digest}")
    assert (
        data["node"] in next(folder.glob("*.prov.json")).read_text()
        or f"id:file-sha256-{digest}" in next(folder.glob("*.prov.json")).read_text()
    )


def test_a_report_never_claims_compliance(folder):
    for profile in NAMES:
        told = str(report(profile, where=folder))
        assert DISCLAIMER in told
        assert not re.search(
            "complian|conform(s|ing)|fulfil|satisf|certif", told.replace(DISCLAIMER, "").replace("declaration of conformity", "")
        )


def test_what_is_signed_shows_and_what_is_not_does_not(folder, key):
    assert rows(report("annex-iv", where=folder), "Annex IV 2(g)")[-1].startswith("report")
    sign(folder, key)
    assert "not checked here" in rows(report("annex-iv", where=folder), "Annex IV 2(g)")[-1]


def test_the_model_card_tells_the_base_the_data_and_the_scores_of_the_model_alone(folder):
    told = front(str(report("model-card", where=folder)))
    assert told["base_model"] == "example/base-1b" and told["base_model_relation"] == "adapter"
    assert told["datasets"] == ["sft_training_data.jsonl"]
    (model,) = told["model-index"]
    (result,) = model["results"]
    assert [(one["name"], one["value"]) for one in result["metrics"]] == [("sft_accuracy", 0.75)]
    assert result["dataset"]["name"] == "held_out" and model["name"] == "adapter/adapter.safetensors"


def test_the_data_card_tells_size_and_maker(folder):
    told = front(str(report("data-card", where=folder)))
    assert told["size_categories"] == ["n<1K"] and told["language_creators"] == ["machine-generated"]
    assert told["configs"] == [{"config_name": "default", "data_files": ["sft_training_data.jsonl"]}]


def test_a_card_of_a_thing_tells_only_what_it_came_from(folder):
    assert len(rows(report("model-card", "adapter/adapter.safetensors", folder), "Base model")) == 1
    assert len(rows(report("annex-iv", where=folder), "Annex IV 2(a)")) > len(
        rows(report("annex-iv", "sft_training_data.jsonl", folder), "Annex IV 2(a)")
    )


def test_the_methods_name_numbers_and_what_is_missing(folder):
    told = str(report("methods", where=folder)).replace("\\", "")
    assert "example/base-1b at revision" in told and "generated 6 records by generate.py" in told and "sft_accuracy = 0.75" in told
    assert "Selection of data: not recorded." in told and "GPU was not recorded" in told


def test_several_models_without_a_name_are_a_question(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("d.jsonl").write_text("{}\n")
    with lineage.session("artifacts", export=False) as session:
        for name in ("a", "b"):
            with session.training(datasets=["d.jsonl"], params={}) as run:
                Path(f"artifacts/{name}.bin").write_text(name)
                run.output(f"{name}.bin", type="model")
    with pytest.raises(UsageError, match="which model") as raised:
        report("model-card", where="artifacts")
    assert "a.bin, b.bin" in str(raised.value)
    assert str(report("model-card", "a.bin", "artifacts"))
    with pytest.raises(NotFoundError):
        report("data-card", where="artifacts")


HOSTILE = '"\n---\nlicense: mit\n# <script>alert(1)</script> [x](javascript:y) `z` | {{x}} \x1b[31m \u2028 &lt; *b*'


def test_hostile_text_stays_text_in_front_matter_and_body(sample, tmp_path):
    place = sample.make(tmp_path / "hostile")
    path = next(place.glob("session_manifest_*"))
    told = json.loads(path.read_bytes())
    for run in told["activities"]:
        if run["type"] == "model_load":
            run["provenance"]["model_name"] = HOSTILE
        if run["type"] == "evaluation":
            run["metrics"], run["dataset"]["name"] = {HOSTILE: 0.5}, HOSTILE
    for entry in (one for one in told["artifacts_generated"] if one["type"] == "evaluation"):
        file = place / entry["file"]
        file.write_text(json.dumps({**json.loads(file.read_bytes()), "summary": {HOSTILE: 0.5}, "results": []}))
        entry |= {"sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "bytes": file.stat().st_size}
    path.write_text(json.dumps(told))
    for profile in NAMES:
        made = str(report(profile, where=place))
        assert "<script" not in made.replace("\\<script", "") or profile in ("model-card",)
        assert "\x1b" not in made and "\u2028" not in made
        body = made.split("---\n")[-1] if made.startswith("---") else made
        assert not re.search(r"(?<!\\)<script|(?<!\\)\]\(|^license:", body, re.MULTILINE)
    card = front(str(report("model-card", where=place)))
    assert "base_model" not in card and "license" not in card
    assert (
        card["model-index"][0]["results"][0]["dataset"]["name"] == HOSTILE
        and card["model-index"][0]["results"][0]["metrics"][0]["name"] == HOSTILE
    )


# --- what the Hub takes


def changed(place, change):
    """The manifest of *place* after *change* was done to it."""
    path = next(place.glob("session_manifest_*"))
    told = json.loads(path.read_bytes())
    change(told)
    path.write_text(json.dumps(told))
    return place


def every(told, type_):
    return [run for run in told["activities"] if run["type"] == type_]


def loaded_as(name, revision):
    def change(told):
        for run in every(told, "model_load"):
            run["provenance"] |= {"model_name": name, "revision": revision}

    return change


@pytest.mark.parametrize(
    ("name", "revision"),
    [("/home/ada/model", None), ("models/tiny", None), ("Qwen/Qwen2.5-32B", None), ("Qwen/Qwen2.5-32B", "main"), ("a/b/c", "0" * 40), ("x: y\n", "0" * 40), ("a--b", "0" * 40)],
)  # fmt: skip
def test_a_model_that_was_not_loaded_at_a_commit_of_the_hub_is_no_base_model_there(folder, name, revision):
    told = str(report("model-card", where=changed(folder, loaded_as(name, revision))))
    assert not {"base_model", "base_model_relation"} & set(front(told))
    assert (
        "The front matter has no `base_model` (a model that was not loaded at a commit of the Hub has no id there), no `license` (not recorded)."
        in told
    )


def test_a_data_set_is_named_by_its_file_and_only_where_the_hub_takes_the_name(folder):
    for name, said in (("data/deep/er/train.jsonl", ["train.jsonl"]), ("odd name: x.jsonl", None), ("a..b.jsonl", None)):
        changed(folder, lambda told: [run.update(used=[{**run["used"][0], "file": name}]) for run in every(told, "training")])  # noqa: B023
        assert front(str(report("model-card", where=folder))).get("datasets") == said


def test_the_hub_s_own_library_reads_the_cards(folder):
    repocard = pytest.importorskip("huggingface_hub", reason="the Hub's library comes with the extra models")
    card = repocard.ModelCard(str(report("model-card", where=folder)), ignore_metadata_errors=False)
    assert [(one.metric_type, one.metric_name, one.metric_value, one.dataset_type) for one in card.data.eval_results] == [
        ("accuracy", "sft_accuracy", 0.75, "unknown")
    ]
    assert card.data.base_model == "example/base-1b" and card.data.metrics == ["accuracy"] and card.data.license is None
    for one in (card.data.base_model, *card.data.datasets):
        repocard.utils.validate_repo_id(one)
    data = repocard.DatasetCard(str(report("data-card", where=folder)), ignore_metadata_errors=False).data
    assert data.size_categories == ["n<1K"] and data.license is None and data.to_dict()["configs"][0]["config_name"] == "default"


@pytest.mark.parametrize(
    "name",
    [
        "foo",
        "foo/bar",
        "123",
        "Foo-BAR_foo.bar123",
        "datasets/foo/bar",
        ".x",
        "foo--bar",
        "foo.git",
        "a..b",
        "x" * 97,
        "-x",
        "x.",
        "a b",
        "",
        "a/",
        "ａ",
    ],
)
def test_an_id_is_one_exactly_where_the_hub_s_library_takes_it(name):
    hub_ = pytest.importorskip("huggingface_hub", reason="the Hub's library comes with the extra models")
    try:
        hub_.utils.validate_repo_id(name)
        assert hub.is_id(name)
    except hub_.errors.HFValidationError:
        assert not hub.is_id(name)


@pytest.mark.parametrize(
    ("count", "category"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10**7, "10M<n<100M"), (10**12 - 1, "100B<n<1T"), (10**15, "n>1T")],
)
def test_a_size_is_a_category_of_the_hub(count, category):
    assert hub.size(count) == category


def test_a_value_that_is_no_finite_number_is_no_result():
    assert hub.results({"a": True, "b": float("nan"), "c": float("inf"), "d": "0.5", "e_f1": 0.5}) == [
        {"type": "f1", "name": "e_f1", "value": 0.5}
    ]


def test_a_file_name_that_the_hub_would_take_for_a_pattern_is_in_no_configuration(folder):
    changed(folder, lambda told: told["artifacts_generated"][0].update(file="[a-z]*.jsonl"))
    told = str(report("data-card", where=folder))
    assert "configs" not in front(told) and "no `configs` (the name of a file is a pattern there" in told


def test_a_card_holds_the_numbers_of_its_own_model_alone(tmp_path):
    sessions = history(3, 45, folder=tmp_path)  # whose adapters share their configuration, and which measure a base beside each
    runs = [run for session in sessions for run in session.activities]
    loads = {run.id: run for run in runs if isinstance(run, ModelLoad)}
    seen = 0
    for model in (made for run in runs if isinstance(run, Training) for made in run.made):
        of_model = [
            one
            for one in runs
            if isinstance(one, Evaluation) and any(loads[load].provenance["model_name"] == model.path for load in one.models)
        ]
        expected = sorted(one.metrics["sft_accuracy"] for one in of_model)
        index = front(str(report("model-card", model.path, tmp_path))).get("model-index", [{"results": []}])
        told = [(one["name"], one["value"]) for result in index[0]["results"] for one in result["metrics"]]
        assert sorted(value for _, value in told) == expected and {name for name, _ in told} <= {"sft_accuracy"}
        seen += len(told)
    assert seen > 2


def test_what_a_model_was_made_from_is_not_the_model_itself(folder):
    for x in (None, "adapter/adapter.safetensors", "example/base-1b+adapter"):
        told = rows(report("model-card", x, folder), "Base model")
        assert len(told) == 1 and told[0].startswith("example/base-1b at revision")


def test_of_several_models_no_number_is_taken_for_one_s_own(folder):
    changed(folder, lambda told: [run.update(models=[*run["models"], "x", "y"]) for run in every(told, "evaluation")])
    told = str(report("model-card", where=folder))
    assert "model-index" not in front(told) and "no `model-index` (no number is recorded as this model's own)" in told


# --- evidence


def test_no_digest_stands_beside_a_file_that_has_another(folder, key):
    sign(folder, key)
    changed(folder, lambda told: told["environment"].update(git_dirty=True, git_diff_sha256="5" * 64))
    seen = 0
    for profile in ("annex-iv", "model-card", "data-card"):
        for _, found in report(profile, where=folder).rows:
            for one in found:
                if one.file and (folder / one.file).is_file():
                    seen += 1
                    assert one.sha256 == hashlib.sha256((folder / one.file).read_bytes()).hexdigest(), one
    assert seen > 20


def test_what_is_said_of_an_activity_names_the_manifest_that_says_it(folder):
    manifest = next(folder.glob("session_manifest_*")).name
    for _, found in report("annex-iv", where=folder).rows:
        assert all(one.file for one in found), found
        assert all(one.file == manifest for one in found if one.node and "/run-" in one.node)


def test_a_model_that_was_trained_here_is_none_of_others(folder):
    told = rows(report("annex-iv", where=folder), "Annex IV 2(a)")
    assert any("example/base-1b" in one for one in told) and sum("loaded as" in one for one in told) == 1


def test_a_run_that_failed_is_told_as_one(folder):
    changed(folder, lambda told: [run.update(status="failed") for run in told["activities"]])
    told = str(report("methods", where=folder)).replace("\\", "")
    assert told.count("(the run: failed)") == 4
    assert "evaluation of 2025" in str(rows(report("annex-iv", where=folder), "Annex IV 2(g)")) and "failed: sft_accuracy" in str(
        rows(report("annex-iv", where=folder), "Annex IV 2(g)")
    )


def test_what_was_measured_on_is_data_too(folder):
    told = rows(report("annex-iv", where=folder), "Annex XI 1(2)(c)")
    assert any("data made by a generation" in one for one in told) and any("used in an evaluation: testSet" in one for one in told)


def numbers(text):
    return re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", text)


def test_every_number_of_the_methods_is_one_that_was_recorded(folder):
    told = " ".join(one for row in report("methods", where=folder).json()["paragraphs"] for one in row["sentences"])
    recorded = next(folder.glob("session_manifest_*")).read_text()
    found = numbers(told.replace("SHA-256", ""))
    assert len(found) > 20 and [one for one in found if one not in recorded] == []


def test_the_methods_name_the_model_of_each_sentence(folder, tmp_path):
    told = str(report("methods", where=folder)).replace("\\", "")
    assert "It generated" not in told and "was trained on sft_training_data.jsonl" in told
    changed(folder, lambda told: [run.update(models=[]) for run in told["activities"]])
    assert "A model that was not recorded generated 6 records" in str(report("methods", where=folder))


def test_a_folder_of_old_files_has_no_methods_and_an_empty_one_is_refused(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "old.jsonl").write_text('{"instruction": "a", "response": "b"}\n')
    told = report("methods", where=tmp_path / "old")
    assert len(told.sentences) == 6 and all(sentences == () for _, sentences in told.sentences)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingRecordedError, match="no session is recorded here"):
        report("methods", where=tmp_path / "empty")


def test_a_run_that_only_its_records_tell_of_is_told_with_their_file_and_no_status(folder, tmp_path):
    (tmp_path / "found").mkdir()
    (folder / "sft_training_data.jsonl").rename(tmp_path / "found" / "data.jsonl")
    told = report("annex-iv", where=tmp_path / "found")
    assert {one.file for _, found in told.rows for one in found} == {"data.jsonl"}
    assert not any(rows(told, clause) for clause in ("Annex IV 6", "Article 12(1)"))
    sentence = next(one for _, row in report("methods", where=tmp_path / "found").sentences for one in row if "generated" in one)
    assert "generated 6 records" in sentence and "(the run: status not recorded)" in sentence


def test_signatures_of_folders_inside_are_found(folder, key, tmp_path):
    sign(folder, key)
    (tmp_path / "all").mkdir()
    folder.rename(tmp_path / "all" / "one")
    told = rows(report("annex-iv", where=tmp_path / "all", recursive=True), "Annex IV 2(g)")
    assert any("by a key" in one for one in told)


# --- text


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text(), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12).filter(lambda value: isinstance(value, dict) and value))  # fmt: skip
def test_front_matter_of_any_text_is_read_back_as_it_was(value):
    assert yaml.safe_load(text.yaml(value)) == value


@example(1e16)
@example(-1e-07)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_in_front_matter_is_a_number(value):
    assert yaml.safe_load(text.yaml({"value": value}))["value"] == value


@given(st.text())
def test_any_text_is_one_line_of_markdown_without_control_characters(value):
    assert all(letter.isprintable() for letter in text.markdown(value) + text.code(value))


def test_the_command_writes_the_file_whole_and_json_has_the_same_facts(folder, tmp_path, capsys):
    argv = ["report", "--profile", "annex-iv", "--in", str(folder)]
    assert main([*argv, "-o", str(tmp_path / "e.md")]) == 0
    assert (tmp_path / "e.md").read_text() == str(report("annex-iv", where=folder))
    capsys.readouterr()
    assert main([*argv, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["disclaimer"] == DISCLAIMER
    assert main(["report", "--profile", "iso"]) == 2


def test_the_same_folder_gives_the_same_report(folder):
    for profile in NAMES:
        assert str(report(profile, where=folder)) == str(report(profile, where=folder))
