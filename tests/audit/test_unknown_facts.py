"""What nobody recorded is told as not recorded, and what failed as failed; saying less never passes better than saying more."""

import json

import handmade
import pytest

import lineage
from lineage.cli import main

KEYS = {"sentinel_tests_passed": True, "template_disabled": True, "add_special_tokens": False}
OF_KEY = {
    "sentinel_tests_passed": "sentinels-not-passed",
    "template_disabled": "template-not-disabled",
    "add_special_tokens": "special-tokens-added",
}
PARAMS = {**handmade.SAMPLED}
ABSENT = object()
WRONG_WORDS = ("did not pass", "failed", "was not disabled", "were added", "CleanModelLoader")


def changed(told, where, key, value):
    """The handmade folder with a fact of the loader as somebody else wrote it."""
    blocks = {
        "records": [row["metadata"]["provenance"] for row in told["sft.jsonl"]],
        "report": [told["evaluation_base.json"]["metadata"]["provenance"]],
        "manifest": [told[handmade.MANIFEST]["loader_config"]["provenance"]],
    }
    for block in blocks[where] if where != "all" else [one for every in blocks.values() for one in every]:
        if value is ABSENT:
            block.pop(key)
        else:
            block[key] = value
    return told


@pytest.mark.parametrize("value", [None, ABSENT], ids=["null", "absent"])
@pytest.mark.parametrize("key", KEYS)
def test_a_fact_that_nobody_recorded_is_no_failure(tmp_path, key, value):
    report = lineage.audit(handmade.write(tmp_path / "f", changed(handmade.files(), "all", key, value)))
    codes = {one.code for one in report.findings}
    assert OF_KEY[key] not in codes
    assert "clean-load-not-recorded" in codes
    told = [one for one in report.findings if one.code == "clean-load-not-recorded"]
    assert all(f"{key} not recorded" in one.message for one in told)
    texts = [f"{one.rule.title} {one.message} {one.rule.hint} {one.rule.why}" for one in told]
    assert not [word for word in WRONG_WORDS for text in texts if word in text]


@pytest.mark.parametrize("key", KEYS)
def test_a_fact_that_was_recorded_as_bad_is_a_failure(tmp_path, key):
    report = lineage.audit(handmade.write(tmp_path / "f", changed(handmade.files(), "all", key, not KEYS[key])))
    told = [one for one in report.findings if one.code == OF_KEY[key]]
    assert told
    assert not [one for one in told if "not recorded" in f"{one.rule.title}{one.message}{one.rule.hint}"]
    assert "clean-load-not-recorded" not in {one.code for one in report.findings}


def leaves(value, way=()):
    """The way to each value of a JSON document."""
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in rows:
        yield (*way, key)
        yield from leaves(inner, (*way, key))


def test_no_text_of_any_rule_writes_a_value_of_python(tmp_path):
    """Each value of a folder is null or false once, and no finding says None, True or False."""
    files = handmade.files()
    ways = [(name, way) for name in files for way in leaves(files[name] if name != "sft.jsonl" else files[name][:1])]
    for number, (name, way) in enumerate(ways):
        for value in (None, False):
            told = handmade.files()
            place = told[name]
            for key in way[:-1]:
                place = place[key]
            place[way[-1]] = value
            report = lineage.audit(handmade.write(tmp_path / f"{number}{value}", told))
            texts = [f"{one.message} {one.rule.title} {one.rule.hint}" for one in report.findings]
            words = [
                text
                for text in texts
                if {"None", "True", "False"} & set(text.replace(":", " ").replace(",", " ").replace(";", " ").split())
            ]
            assert words == [], (name, way, value)


def generation(folder, provenance):
    with lineage.session(folder) as session:
        load = None if provenance is None else session.model_load(provenance)
        with session.generation(model=load, params=PARAMS) as run, run.records("r.jsonl") as out:
            out.write({"instruction": "a", "response": "b"})
    return lineage.audit(folder)


@pytest.mark.parametrize(
    "provenance",
    [
        {"model_name": "gpt-x", "provider": "openai"},
        {"model_name": "m", "endpoint": "https://example.org/v1"},
        {"model_name": "m", "base_url": "http://10.0.0.1:8000"},
    ],
    ids=["provider", "endpoint", "base_url"],
)
def test_a_model_behind_an_api_is_not_asked_for_what_it_cannot_say(tmp_path, provenance):
    report = generation(tmp_path, provenance)
    assert {one.code for one in report.findings} <= {"remote-model", "unknown-commit", "dirty-code"}
    assert report.counts["error"] == 0


def test_a_remote_model_that_is_said_to_have_a_template_is_a_failure_all_the_same(tmp_path):
    report = generation(tmp_path, {"model_name": "gpt-x", "provider": "openai", "template_disabled": False})
    assert "template-not-disabled" in {one.code for one in report.findings}


@pytest.mark.parametrize("provenance", [{"model_name": "gpt2"}, {"model_name": "gpt2", "quantization": "fp16", "provider": "transformers"}], ids=["name", "local"])  # fmt: skip
def test_an_ordinary_load_has_no_error_and_advice_that_fits(tmp_path, provenance):
    report = generation(tmp_path, provenance)
    assert report.counts["error"] == 0
    assert {"clean-load-not-recorded", "unpinned-revision"} <= {one.code for one in report.findings}
    assert "CleanModelLoader" not in str(report)


def test_to_leave_the_model_out_passes_no_better_than_to_name_it(tmp_path):
    named = generation(tmp_path / "named", {"model_name": "gpt-x", "provider": "openai"})
    unnamed = generation(tmp_path / "unnamed", None)
    assert "model-not-recorded" in {one.code for one in unnamed.findings}
    assert unnamed.counts["warning"] > named.counts["warning"]


@pytest.mark.parametrize("kind", ["evaluation", "generation"])
def test_a_run_without_a_model_is_a_finding(tmp_path, kind, capsys):
    with lineage.session(tmp_path) as session:
        if kind == "evaluation":
            with session.evaluation(params=PARAMS, dataset="held_out", dataset_size=1) as run:
                run.report("evaluation_a.json", summary={"accuracy": 1.0}, results=[{"correct": True}])
        else:
            with session.generation(params=PARAMS) as run, run.records("r.jsonl") as out:
                out.write({"instruction": "a"})
    assert main(["audit", str(tmp_path), "--select", "model-not-recorded", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["counts"]["warning"] == 1
