"""Verdicts are held against answers: by the scorer that a report names, and by what any scorer could say where it names none."""

import json

import pytest

import lineage
from lineage.contract.scorers import SCORERS

PROVENANCE = {"loader_version": "a" * 40, "template_disabled": True, "model_name": "org/m", "quantization": "nf4", "sentinel_tests_passed": True, "add_special_tokens": False, "revision": "b" * 40}  # fmt: skip


def audited(folder, results, scorer=None, summary=None):
    with lineage.session(folder, export=False) as session:
        load = session.model_load(PROVENANCE)
        with session.evaluation(model=load, dataset_name="held out", dataset_size=len(results)) as run:
            run.report("evaluation.json", summary=summary or {"note": 0.5}, results=results, scorer=scorer)
    return lineage.audit(folder)


def of(report, code):
    return [one.message for one in report.findings if one.code == code]


def row(answer="4", response="banana", correct=True, **more):
    return {"instruction": "2+2", "answer": answer, "response": response, "correct": correct, **more}


@pytest.mark.parametrize("scorer", sorted(SCORERS))
@pytest.mark.parametrize("key", ["correct", "is_correct", "score", "acc"])
@pytest.mark.parametrize("true", [True, 1, 1.0])
def test_a_verdict_that_the_recorded_scorer_does_not_give_is_an_error(tmp_path, scorer, key, true):
    told = {"answer": "4", "response": "banana", key: true}
    (message,) = of(audited(tmp_path, [told], scorer), "verdict-differs")
    assert f"results[0].{key}" in message
    assert "'4'" in message
    assert "'banana'" in message
    assert "1 of the results are right as told, 0 then" in message


def test_a_right_answer_that_is_called_wrong_is_an_error_too(tmp_path):
    assert len(of(audited(tmp_path, [row("4", "4", correct=False)], "exact_match"), "verdict-differs")) == 1


def test_verdicts_that_the_scorer_gives_are_checked_and_not_claimed(tmp_path):
    report = audited(tmp_path, [row("4", "4"), row("5", "4", correct=False)], "exact_match", {"accuracy": 0.5})
    assert not of(report, "verdict-differs")
    assert dict(report.checked)["verdicts, by their scorer"] == 2
    assert not [what for what, _, _ in report.claimed if "verdict" in what or "metrics" in what]


@pytest.mark.parametrize(
    ("scorer", "told", "why"),
    [
        (None, row("4", "4"), "no scorer recorded"),
        ("judge-of-mine", row("4", "4"), "unknown"),
        ("exact_match", {"response": "4", "correct": True}, "no answer beside it"),
        ("exact_match", {"answer": "4", "correct": True}, "no response beside it"),
    ],
)
def test_what_cannot_be_computed_again_is_counted_with_the_reason(tmp_path, scorer, told, why):
    report = audited(tmp_path, [told] * 3, scorer)
    ((_, count, reason),) = [one for one in report.claimed if one[0] == "verdicts of evaluation.json"]
    assert count == 3
    assert why in reason
    assert not of(report, "verdict-differs")


def test_a_response_that_has_nothing_of_the_answer_is_doubtful_where_no_scorer_is_named(tmp_path):
    report = audited(tmp_path, [row(), row("Paris", "It is Paris."), row("4", "banana", correct=False)])
    (message,) = of(report, "verdict-doubtful")
    assert "results[0].correct" in message
    assert report.counts["error"] == 0


@pytest.mark.parametrize("told", [{"answer": "def f(): ...", "completion": "x", "passed": True}, row("4", "banana", format_correct=True, correct=False)])  # fmt: skip
def test_a_verdict_about_something_else_is_not_doubted(tmp_path, told):
    assert not of(audited(tmp_path, [told]), "verdict-doubtful")


def test_an_unknown_scorer_is_not_judged_by_others(tmp_path):
    assert not of(audited(tmp_path, [row()], "a judge of mine"), "verdict-doubtful")


def test_of_many_wrong_verdicts_the_first_are_named_and_the_rest_counted(tmp_path):
    messages = of(audited(tmp_path, [row()] * 100, "exact_match"), "verdict-differs")
    assert len(messages) == 21
    assert len([one for one in messages if "80 more verdicts of 100" in one]) == 1


def test_long_and_hostile_texts_are_cut_and_cannot_command_a_terminal_or_a_log(tmp_path):
    told = row("4", "\x1b[31m\n::error::x" + "y" * 10_000)
    report = audited(tmp_path, [told], "exact_match")
    (message,) = of(report, "verdict-differs")
    assert len(message) < 400
    assert "\x1b" not in str(report)
    assert not [line for line in str(report).splitlines() if line.lstrip().startswith("::")]


def test_results_of_any_shape_are_read(tmp_path):
    results = [
        None,
        1,
        "x",
        [],
        {},
        {"correct": True},
        {"correct": "yes", "answer": "4", "response": "4"},
        {"correct": 2, "answer": "4", "response": "4"},
    ]
    report = audited(tmp_path, results, "exact_match")
    assert not of(report, "verdict-differs")


def test_the_report_names_its_scorer(tmp_path):
    audited(tmp_path, [row("4", "4")], "exact_match")
    told = json.loads((tmp_path / "evaluation.json").read_text())["metadata"]
    assert told["scorer"] == {"name": "exact_match", "version": "1"}


def test_a_report_without_a_scorer_has_no_key_of_it(tmp_path):
    audited(tmp_path, [row("4", "4")])
    assert "scorer" not in json.loads((tmp_path / "evaluation.json").read_text())["metadata"]
