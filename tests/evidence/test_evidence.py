"""A report says what was recorded and where, "not recorded" of the rest, and lets no text of a user's be more than text."""

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

import lineage
from lineage.cli import main
from lineage.errors import NotFoundError, UsageError
from lineage.evidence import annex_iv, text
from lineage.evidence.report import DISCLAIMER, NAMES, report
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
    assert "It generated 6 records by generate.py" in told and "sft_accuracy = 0.75" in told
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
    path.write_text(json.dumps(told))
    for profile in NAMES:
        made = str(report(profile, where=place))
        assert "<script" not in made.replace("\\<script", "") or profile in ("model-card",)
        assert "\x1b" not in made and "\u2028" not in made
        body = made.split("---\n")[-1] if made.startswith("---") else made
        assert not re.search(r"(?<!\\)<script|(?<!\\)\]\(|^license:", body, re.MULTILINE)
    card = front(str(report("model-card", where=place)))
    assert card["base_model"] == HOSTILE and "license" not in card
    assert card["model-index"][0]["results"][0]["metrics"][0]["name"] == HOSTILE


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
