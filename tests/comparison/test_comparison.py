"""Comparisons: the policy row by row, and never a guess."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from histories import history

import lineage
from lineage.cli import cli
from lineage.comparison.policy import POLICY, RANKS
from lineage.errors import NotFoundError, UsageError
from lineage.facts import Artifact, CodeVersion, Evaluation, Generation, ModelLoad, Script, Session, Slice, Training, Transformation

ROOT = Path(__file__).parent.parent.parent
PROVENANCE = {
    "loader_version": "a" * 40, "loader_sha256": "b" * 64, "template_disabled": True, "model_name": "m", "quantization": "nf4", "compute_dtype": "bfloat16",
    "double_quant": True, "sentinel_tests_passed": True, "prefix_policy": "none", "add_special_tokens": False, "tokenizer_sha256": "c" * 64,
    "chat_template_sha256": "d" * 64, "attention_implementation": "sdpa", "revision": "main", "sentinels": {"advisory": {"control_mass": 0.01}},
}  # fmt: skip
ENVIRONMENT = {
    "python_version": "3.11.9", "platform": "linux", "gpu": "A100", "threads": 8,
    "packages": {"torch": "2.5", "transformers": "5.0", "tokenizers": "1.0", "accelerate": "1.0", "bitsandbytes": "0.48", "peft": "0.15"},
}  # fmt: skip
HARNESS = {
    "harness": "lm-eval", "task_version": 1, "num_fewshot": 5, "apply_chat_template": False, "limit": None, "scorer": "f1", "harness_version": "0.4.8",
    "fewshot_seed": 1234,
}  # fmt: skip
PARAMS = {"seed": 1, "temperature": 0.7, "do_sample": True, **HARNESS, "limit": 50}


def session(number, *, provenance=None, environment=None, params=None, time="2025-11-01T12:00:00+00:00", test="7" * 64, metrics=None, code=None, script="1" * 64):  # fmt: skip
    """A session that loads a model and evaluates it: what is not given is the same in all."""
    load = ModelLoad(
        id=f"{number}" * 32, status="completed", started_at=time, ended_at=time, provenance={**PROVENANCE, **(provenance or {})}
    )
    used = (Artifact(path="test.jsonl", type="test_set", sha256=test, role="testSet"),)
    run = Evaluation(
        id=f"{number + 4}" * 32, status="completed", started_at=time, ended_at=time, models=(load.id,), used=used, params={**PARAMS, **(params or {})},
        metrics=metrics or {"accuracy": 0.5 + number / 10}, dataset={"size": 12}, script=Script(path="evaluate.py", version="e" * 40, sha256=script),
        made=(Artifact(path=f"evaluation_{number}.json", type="evaluation", sha256=f"{number}" * 64, role="report", activity=f"{number + 4}" * 32),),
    )  # fmt: skip
    return Session(
        id=f"2025110{number}T120000Z-00000000000{number}", manifest=f"session_manifest_{number}.json", status="completed", started_at=time, ended_at=time,
        environment={**ENVIRONMENT, **(environment or {})}, code=code or CodeVersion(git_sha="f" * 40, dirty=False), activities=(load, run), artifacts=run.made,
    )  # fmt: skip


def compared(check=None, **other):
    return lineage.compare("evaluation_1.json", "evaluation_2.json", [session(1), session(2, **other)], stated_check=check)


def test_two_evaluations_with_the_same_facts_are_comparable_and_so_are_their_records():
    found = compared()
    assert found.verdict == "comparable" and found.single_records == "nothing forbids it"
    assert not found.having("differs") and not found.having("unknown")


BREAKING = {
    "methodology": {"time": "2025-10-03T23:59:59+00:00"},
    "loader": {"provenance": {"loader_sha256": "9" * 64}},
    "quantization": {"provenance": {"quantization": "int8"}},
    "compute type": {"provenance": {"compute_dtype": "float16"}},
    "double quantization": {"provenance": {"double_quant": False}},
    "prefix policy": {"provenance": {"prefix_policy": "bos"}},
    "template": {"provenance": {"template_disabled": False}},
    "sentinels": {"provenance": {"sentinel_tests_passed": False}},
    "decoding parameters": {"params": {"temperature": 1.0}},
    "data set": {"test": "8" * 64},
    "harness": {"params": {"harness": "inspect"}},
    "task version": {"params": {"task_version": 2}},
    "few-shot examples": {"params": {"num_fewshot": 0}},
    "prompt template": {"params": {"apply_chat_template": True}},
    "limit": {"params": {"limit": 100}},
    "scorer": {"params": {"scorer": "exact_match"}},
    "measure": {"metrics": {"f1": 0.4}},
}
CHANGING = {
    "seeds": {"params": {"seed": 2}},
    "harness version": {"params": {"harness_version": "0.4.9"}},
    "few-shot seed": {"params": {"fewshot_seed": 7}},
    "script": {"script": "2" * 64},
    "code": {"code": CodeVersion(git_sha="f" * 40, dirty=True, diff_sha256="3" * 64)},
    "torch": {"environment": {"packages": {**ENVIRONMENT["packages"], "torch": "2.6"}}},
    "gpu": {"environment": {"gpu": "H100"}},
    "threads": {"environment": {"threads": 16}},
    "tokenizer": {"provenance": {"tokenizer_sha256": "e" * 64}},
    "attention": {"provenance": {"attention_implementation": "eager"}},
    "advisory measures": {"provenance": {"sentinels": {"advisory": {"control_mass": 0.2}}}},
    "model": {"provenance": {"model_name": "other"}},
    "python": {"environment": {"python_version": "3.12.1"}},
    "platform": {"environment": {"platform": "darwin"}},
    "original template": {"provenance": {"chat_template_sha256": "1" * 64}},
}


@pytest.mark.parametrize("what", BREAKING)
def test_each_of_these_differences_alone_forbids_the_comparison(what):
    found = compared(**BREAKING[what])
    assert found.verdict == "not comparable" and [row.rule.what for row in found.having("differs", "breaks")] == [what]
    (row,) = found.having("differs", "breaks")
    assert {fact.place.session for fact in row.one} == {"20251101T120000Z-000000000001"} and all(fact.place.session for fact in row.other)


@pytest.mark.parametrize("what", CHANGING)
def test_each_of_these_differences_is_named_and_forbids_nothing(what):
    found = compared(**CHANGING[what])
    assert found.verdict == "comparable" and [row.rule.what for row in found.having("differs")] == [what]


def test_every_row_of_the_policy_that_an_evaluation_has_is_tested_above():
    rows = {rule.what for rule in POLICY if "evaluation" in rule.kinds}
    same_kind = {"transformers", "tokenizers", "accelerate", "bitsandbytes", "peft"}  # as torch
    assert rows - {*BREAKING, *CHANGING} - same_kind == {"loaders upstream", "number of examples", "adapter's base"}


@pytest.mark.parametrize("key", ["quantization", "prefix_policy", "template_disabled", "sentinel_tests_passed", "compute_dtype"])
def test_what_is_missing_is_unknown_on_one_side_and_on_both(key):
    one_side = compared(provenance={key: None})
    both = [session(n, provenance={key: None}) for n in (1, 2)]
    assert one_side.verdict == "unknown" == lineage.compare("evaluation_1.json", "evaluation_2.json", both).verdict


def test_what_is_missing_does_not_hide_what_is_known_to_differ():
    assert compared(provenance={"prefix_policy": None, "quantization": "int8"}).verdict == "not comparable"


def test_equal_failures_of_sentinels_are_no_reason_to_compare():
    both = [session(n, provenance={"sentinel_tests_passed": False}) for n in (1, 2)]
    assert lineage.compare("evaluation_1.json", "evaluation_2.json", both).verdict == "not comparable"


def test_a_time_without_an_offset_leaves_the_methodology_unknown():
    assert [row.rule.what for row in compared(time="2025-11-01T12:00:00").having("unknown", "breaks")] == ["methodology"]


def test_a_result_without_a_loader_is_from_before_whenever_it_was():
    found = compared(provenance={"loader_version": None, "loader_sha256": None})
    assert "methodology" in [row.rule.what for row in found.having("differs", "breaks")] and found.verdict == "not comparable"


def test_two_results_without_a_loader_are_of_one_era_and_still_unknown():
    both = [session(n, provenance={"loader_version": None, "loader_sha256": None}) for n in (1, 2)]
    found = lineage.compare("evaluation_1.json", "evaluation_2.json", both)
    assert found.verdict == "unknown" and [row.rule.what for row in found.having("unknown", "breaks")] == ["loader"]


def test_loaders_are_the_same_by_digest_before_commit_and_by_commit_where_one_has_no_digest():
    assert compared(provenance={"loader_version": "9" * 40}).verdict == "comparable"
    assert compared(provenance={"loader_sha256": None}).verdict == "comparable"
    assert compared(provenance={"loader_sha256": None, "loader_version": "9" * 40}).verdict == "not comparable"


def test_plain_weights_have_no_compute_type_to_miss():
    both = [session(n, provenance={"quantization": "bf16", "compute_dtype": None, "double_quant": None}) for n in (1, 2)]
    assert lineage.compare("evaluation_1.json", "evaluation_2.json", both).verdict == "comparable"


def test_a_stated_check_forgives_another_loader_and_nothing_else():
    assert compared("replayed 20 records: bit-exact", **BREAKING["loader"]).verdict == "comparable"
    both = {"provenance": {"loader_sha256": "9" * 64, "quantization": "int8"}}
    assert compared("replayed 20 records: bit-exact", **both).verdict == "not comparable"
    assert compared("  ", **BREAKING["loader"]).verdict == "not comparable"


def test_data_sets_models_and_sessions_are_compared_and_different_kinds_are_not():
    def made(number, temperature):
        load = ModelLoad(id=f"l{number}", provenance=PROVENANCE, ended_at="2025-11-01T12:00:00+00:00")
        params = {"seed": number, "temperature": temperature}
        part = Slice(metadata={"run_id": f"g{number}"}, lines=((1, 5),), count=5)
        data = Artifact(
            path=f"d{number}.jsonl", type="training_data", sha256=f"{number}" * 64, slices=(part,), activity=f"g{number}", role="records"
        )
        run = Generation(id=f"g{number}", models=(load.id,), params=params, ended_at="2025-11-01T12:00:00+00:00", made=(data,))
        adapter = Artifact(path=f"adapter{number}", type="model", sha256=f"{number + 2}" * 64, activity=f"t{number}")
        train = Training(id=f"t{number}", models=(load.id,), params={"lr": 1}, used=(replace(data, slices=None),), made=(adapter,), ended_at="2025-11-01T12:00:00+00:00")  # fmt: skip
        return Session(id=f"s{number}", manifest=f"m{number}", activities=(load, run, train), environment=ENVIRONMENT)

    told = [made(1, 0.7), made(2, 1.0)]
    data = lineage.compare("d1.jsonl", "d2.jsonl", told)
    assert data.verdict == "not comparable" and [row.rule.what for row in data.having("differs", "breaks")] == ["decoding parameters"]
    models = lineage.compare("adapter1", "adapter2", told)
    assert models.verdict == "comparable" and "data that was used" in [row.rule.what for row in models.having("differs", "may change")]
    assert lineage.compare("session:s1", "session:s2", told).one.kind == "session"
    with pytest.raises(UsageError, match="compare two of a kind"):
        lineage.compare("d1.jsonl", "adapter1", told)
    with pytest.raises(NotFoundError):
        lineage.compare("d1.jsonl", "nothing.json", told)


def with_tests(number, *digests, version=None):
    told = session(number)
    load, run = told.activities
    used = tuple(Artifact(path=f"{n}.jsonl", type="test_set", sha256=one, role="testSet") for n, one in enumerate(digests))
    return replace(told, activities=(load, replace(run, used=used, dataset={"size": 12, "version": version})))


@pytest.mark.parametrize(
    ("one", "other", "state"),
    [
        (["7" * 64, None], ["7" * 64, None], "unknown"),
        (["7" * 64, "8" * 64], ["8" * 64, "7" * 64], "equal"),
        (["7" * 64], ["8" * 64, None], "differs"),
        ([None], [None], "unknown"),
    ],
)
def test_a_test_set_without_a_digest_is_unknown_beside_one_that_has_one(one, other, state):
    found = lineage.compare("evaluation_1.json", "evaluation_2.json", [with_tests(1, *one), with_tests(2, *other)])
    assert [row.state for row in found.rows if row.rule.what == "data set"] == [state]


@pytest.mark.parametrize(
    ("version", "state"),
    [
        (("v1", "v1"), "equal"),
        (("v1", "v2"), "differs"),
        ((None, "v1"), "unknown"),
        (("7" * 64, "v1"), "unknown"),
        (("v1", None), "unknown"),
    ],
)
def test_a_digest_on_one_side_is_not_compared_with_a_version_on_the_other(version, state):
    told = [with_tests(1, "7" * 64, version=version[0]), with_tests(2, None, version=version[1])]
    found = lineage.compare("evaluation_1.json", "evaluation_2.json", told)
    assert [row.state for row in found.rows if row.rule.what == "data set"] == [state]


@pytest.mark.parametrize(
    ("one", "other", "state"),
    [
        ({"temperature": None}, {"temperature": None}, "unknown"),
        ({"temperature": None}, {"temperature": 0.7}, "unknown"),
        ({"temperature": None, "top_p": 0.9}, {"temperature": None, "top_p": 1.0}, "differs"),
        ({"temperature": None}, {"temperature": None, "top_p": 1.0}, "differs"),
        ({"stop": {"at": None}}, {"stop": {"at": None}}, "unknown"),
    ],
)
def test_a_parameter_that_is_null_is_unknown_and_hides_no_other(one, other, state):
    found = lineage.compare("evaluation_1.json", "evaluation_2.json", [session(1, params=one), session(2, params=other)])
    assert [row.state for row in found.rows if row.rule.what == "decoding parameters"] == [state]


def of_two_models(number, *loads):
    """An evaluation of several models: (name, quantization) of each."""
    told = session(number)
    load, run = told.activities
    every = [
        replace(load, id=f"{number}{n}" * 16, provenance={**PROVENANCE, "model_name": name, "quantization": quantization})
        for n, (name, quantization) in enumerate(loads)
    ]
    return replace(told, activities=(*every, replace(run, models=tuple(one.id for one in every))))


@pytest.mark.parametrize(
    ("other", "state"),
    [
        ([("base", "fp16"), ("adapter", "nf4")], "differs"),
        ([("adapter", "fp16"), ("base", "nf4")], "equal"),
        ([("base", "nf4"), ("another", "fp16")], "unknown"),
    ],
)
def test_what_two_models_swapped_differs_and_is_unknown_where_nobody_can_tell_which_is_which(other, state):
    told = [of_two_models(1, ("base", "nf4"), ("adapter", "fp16")), of_two_models(2, *other)]
    found = lineage.compare("evaluation_1.json", "evaluation_2.json", told)
    assert [row.state for row in found.rows if row.rule.what == "quantization"] == [state]


def test_true_and_the_text_true_are_not_the_same():
    found = compared(provenance={"template_disabled": "true"})
    assert [row.rule.what for row in found.having("differs", "breaks")] == ["template"]


def test_records_of_an_unknown_run_from_before_the_cut_over_are_from_before_whenever_they_were_carried_over():
    after = "2025-11-01T12:00:00+00:00"

    def carried(number, time):
        part = Slice(
            metadata={"run_id": "gone", "provenance": PROVENANCE, "generation_params": PARAMS}, lines=((1, 5),), count=5, first_time=time
        )
        data = Artifact(path=f"d{number}.jsonl", type="training_data", sha256=f"{number}" * 64, slices=(part,), activity=f"t{number}", role="records")  # fmt: skip
        run = Transformation(id=f"t{number}", kind="merge", ended_at=after, made=(data,))
        return Session(id=f"s{number}", manifest=f"m{number}", activities=(run,), environment=ENVIRONMENT)

    def state(time):
        found = lineage.compare("d1.jsonl", "d2.jsonl", [carried(1, after), carried(2, time)])
        return [row.state for row in found.rows if row.rule.what == "methodology"]

    assert [state(time) for time in (after, "2025-09-01T00:00:00+00:00", None)] == [["equal"], ["differs"], ["unknown"]]


@pytest.mark.parametrize("kind", [Evaluation, Training])
def test_two_runs_that_made_the_same_bytes_are_told_apart_by_path_and_run_and_not_by_digest(kind):
    def made(number, quantization):
        load = ModelLoad(id=f"l{number}", provenance={**PROVENANCE, "quantization": quantization}, ended_at="2025-11-01T12:00:00+00:00")
        file = Artifact(path=f"made_{number}", type="model", sha256="9" * 64, activity=f"run{number}")
        run = kind(id=f"run{number}", models=(load.id,), params=PARAMS, ended_at="2025-11-01T12:00:00+00:00", made=(file,))
        return Session(id=f"s{number}", manifest=f"m{number}", activities=(load, run), artifacts=(file,), environment=ENVIRONMENT)

    told = [made(1, "nf4"), made(2, "int8")]
    for names in (("made_1", "made_2"), ("run:run1", "run:run2")):
        found = lineage.compare(*names, told)
        assert [row.rule.what for row in found.having("differs", "breaks")] == ["quantization"] and "run1" in found.one.title
        assert not found.one.upstream and not found.other.upstream
    assert not lineage.compare("made_1", "made_1", told).having("differs")
    with pytest.raises(UsageError, match="name the run"):
        lineage.compare("9" * 64, "made_1", told)


def test_a_load_upstream_counts_whatever_its_id_is_made_of():
    base = ModelLoad(id="load no. 1", provenance=PROVENANCE)
    adapter = Artifact(path="adapter", type="model", sha256="8" * 64, activity="t")
    told = [session(1), Session(id="up", manifest="m", activities=(base, Training(id="t", models=(base.id,), made=(adapter,))))]
    load, run = told[0].activities
    told[0] = replace(told[0], activities=(replace(load, used=(replace(adapter, activity=None),)), run))
    found = lineage.compare("evaluation_1.json", "evaluation_1.json", told)
    assert [one.id for _, one in found.one.upstream] == ["load no. 1"]


def test_a_data_set_of_which_nothing_was_recorded_is_comparable_with_itself_and_with_no_other():
    told = history(2, 20)
    itself = lineage.compare("data/prompts_0.jsonl", "data/prompts_0.jsonl", told)
    assert itself.verdict == "comparable"
    assert itself.is_same
    assert lineage.compare("data/prompts_0.jsonl", "data/prompts_1.jsonl", told).verdict == "unknown"


def test_a_score_is_compared_as_its_report():
    found = lineage.compare("evaluation_1.json", "6" * 32, [session(1), session(2)])
    assert found.one.kind == found.other.kind == "evaluation" and found.other.title == f"evaluation {'6' * 32}"


@pytest.mark.parametrize("seed", range(3))
def test_a_thing_is_comparable_with_itself_whatever_was_recorded_of_it(seed):
    told = history(seed, 40)
    library = lineage.open_library(told)
    runs = [run for one in told for run in one.activities if isinstance(run, Evaluation)]
    names = [*(run.id for run in runs), *(f"session:{one.id}" for one in told[:5] if one.manifest)]
    assert runs
    for name in names:
        found = lineage.compare(name, name, library)
        assert found.verdict == "comparable"
        assert found.causes == ()
        assert {row.state for row in found.rows} == {"equal"}


def test_the_command_line_says_the_same_with_its_exit_codes(tmp_path):
    history(2, 30, folder=tmp_path)
    reports = sorted(str(one) for one in tmp_path.glob("evaluation_*.json"))
    runner = CliRunner()
    codes = set()
    for other in reports[1:]:
        done = runner.invoke(cli, ["compare", reports[0], other, "--json"], standalone_mode=False)
        said = json.loads(done.stdout)
        codes.add((said["verdict"], done.return_value))
        assert {row["rank"] for row in said["rows"]} <= set(RANKS)
    assert codes <= {("comparable", 0), ("not comparable", 1), ("unknown", 1)} and len(codes) > 0
    shown = runner.invoke(cli, ["compare", reports[0], reports[1], "--markdown"], standalone_mode=False).stdout
    assert "| rank | what |" in shown


def test_markdown_holds_no_markup_of_a_hostile_name():
    found = lineage.compare(
        "evaluation_1.json", "evaluation_2.json", [session(1), session(2, provenance={"model_name": "<img src=x>|`a`\n# b"})]
    )
    shown = found._repr_mimebundle_()["text/markdown"]
    assert "\n# b" not in str(found)
    assert "<img" not in shown and "&#60;img" in shown and all(line.count("|") in (0, 7) for line in shown.splitlines())


def test_a_difference_of_sessions_names_each_fact_and_nothing_that_is_equal():
    found = lineage.diff("20251101", "20251102", [session(1), session(2, environment={"gpu": "H100"}, params={"temperature": 1.0, "top_p": 0.9}, metrics={"accuracy": 0.6})])  # fmt: skip
    told = {(one.section, one.fact): (one.kind, one.one, one.other) for one in found.changes}
    assert told == {
        ("environment", "gpu"): ("changed", "A100", "H100"),
        ("params", "evaluation 1: temperature"): ("changed", 0.7, 1.0),
        ("params", "evaluation 1: top_p"): ("added", None, 0.9),
        ("artifacts", "evaluation 1: made report 1"): ("changed", "1" * 64, "2" * 64),
    }
    assert found.equal > 20 and not lineage.diff("20251101", "20251101", [session(1)]).changes


def test_the_page_is_made_from_the_table():
    page = subprocess.run([sys.executable, ROOT / "scripts" / "comparability"], capture_output=True, text=True, check=True).stdout
    assert page == (ROOT / "docs" / "reference" / "comparability.md").read_text()
    assert all(f"| {rule.what} |" in page for rule in POLICY)
