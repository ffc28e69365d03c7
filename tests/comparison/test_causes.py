"""Causes and consequences, numbers and places: `lineage compare` on pipelines that were recorded through the API."""

import json
import random
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

import lineage
from lineage.cli import cli
from lineage.comparison.reports import MOST_LINES
from lineage.errors import NotFoundError, UsageError

LOADED = {
    "loader_version": "1" * 40, "template_disabled": True, "model_name": "org/base", "quantization": "bf16", "sentinel_tests_passed": True,
    "add_special_tokens": False, "revision": "a" * 40, "prefix_policy": "none",
}  # fmt: skip
SAMPLED = {"do_sample": True, "temperature": 0.7, "top_p": 1.0, "top_k": 0, "num_beams": 1, "repetition_penalty": 1.0, "max_new_tokens": 20, "seed": 1}  # fmt: skip
GREEDY = {"do_sample": False, "num_beams": 1, "repetition_penalty": 1.0, "max_new_tokens": 20}
PROMPTS, TEST = '{"p": 1}\n', "".join(json.dumps({"id": number}) + "\n" for number in range(20))


def pipeline(
    folder, *, loaded=(), generation=(), prompts=PROMPTS, training=(), evaluation=(), test=TEST, steps=2, correct=None, sessions=None
):
    """Generate, filter *steps* times, train and evaluate, each in a session of its own."""
    folder, loads = Path(folder), dict(loaded)
    Path("prompts.jsonl").write_text(prompts)
    Path("test.jsonl").write_text(test)
    with lineage.session(folder, export=False) as session:
        load = session.model_load({**LOADED, **loads.get("generation", {})})
        with session.generation(model=load, prompts="prompts.jsonl", params={**SAMPLED, **dict(generation)}) as run:
            with run.records("step_0.jsonl") as out:
                for number in range(10):
                    out.write({"instruction": f"q{number}", "response": "a"}, generation_params={"seed": number})
    for step in range(1, steps + 1):
        with lineage.session(folder, export=False) as session:
            with session.transformation("filter", inputs=[folder / f"step_{step - 1}.jsonl"]) as run:
                lines = (folder / f"step_{step - 1}.jsonl").read_text().splitlines(keepends=True)
                (folder / f"step_{step}.jsonl").write_text("".join(lines[:-1]))
                run.output(f"step_{step}.jsonl", type="training_data")
    with lineage.session(folder, export=False) as session:
        load = session.model_load({**LOADED, **loads.get("training", {})})
        with session.training(
            model=load, datasets=[folder / f"step_{steps}.jsonl"], params={"seed": 1, "lr": 0.1, **dict(training)}
        ) as run:
            (folder / "adapter").mkdir()
            (folder / "adapter" / "adapter_model.safetensors").write_bytes(
                (folder / f"step_{steps}.jsonl").read_bytes() + str(training).encode()
            )
            run.output("adapter", type="model")
    with lineage.session(folder, export=False) as session:
        load = session.model_load({**LOADED, **loads.get("evaluation", {})}, files=[folder / "adapter"])
        with session.evaluation(model=load, dataset="test.jsonl", dataset_size=20, params={**GREEDY, **dict(evaluation)}) as run:
            verdicts = correct if correct is not None else [number < 10 for number in range(20)]
            results = [{"id": number, "correct": one} for number, one in enumerate(verdicts)]
            run.report("evaluation.json", summary={"accuracy": sum(verdicts) / len(verdicts)}, results=results)
    return folder


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


DATA = ["step_0.jsonl", "step_1.jsonl", "step_2.jsonl"]
ROOTS = {
    "temperature": ({"generation": {"temperature": 1.0}}, 0.7, 1.0, DATA),
    "loader_version": ({"loaded": {"generation": {"loader_version": "2" * 40}}}, "1" * 40, "2" * 40, DATA),
    "quantization": ({"loaded": {"generation": {"quantization": "nf4"}}}, "bf16", "nf4", DATA),
    "file prompts.jsonl": ({"prompts": '{"p": 2}\n'}, None, None, DATA),
    "lr": ({"training": {"lr": 0.2}}, 0.1, 0.2, []),
}


@pytest.mark.parametrize("what", ROOTS)
def test_the_cause_is_the_first_step_that_differs_and_the_rest_follows(what):
    change, before, after, data = ROOTS[what]
    verdicts = [number < 14 for number in range(20)]
    found = lineage.compare(pipeline("a"), pipeline("b", correct=verdicts, **change))
    (cause,) = found.causes
    assert cause.what == what
    assert before is None or (cause.one, cause.other) == (before, after)
    assert list(cause.consequences) == [*data, "adapter", "accuracy"]
    assert not cause.is_own
    assert found.verdict == "comparable"


@pytest.mark.parametrize("seed", range(4))
def test_every_injected_difference_is_a_cause_and_nothing_else_is(seed):
    chance = random.Random(seed)
    generation = {key: value for key, value in {"temperature": 0.9, "max_new_tokens": 30, "top_p": 0.5}.items() if chance.random() < 0.5}
    training = {"lr": 0.3} if chance.random() < 0.5 else {}
    evaluation = {"max_new_tokens": 40} if chance.random() < 0.5 else {}
    steps = chance.randint(1, 4)
    one = pipeline("a", steps=steps)
    other = pipeline("b", steps=steps, generation=generation, training=training, evaluation={**evaluation, "temperature": 0.3})
    found = lineage.compare(one, other)
    expected = {*((key, value) for key, value in (*generation.items(), *training.items(), *evaluation.items()))}
    assert {(cause.what, cause.other) for cause in found.causes} == expected
    assert found.verdict == ("not comparable" if evaluation else "comparable")


def shown(*argv):
    done = CliRunner().invoke(cli, ["compare", *map(str, argv)], standalone_mode=False)
    assert done.exception is None, done.exception
    return done.return_value, done.stdout.splitlines()


def test_a_terminal_gets_the_verdict_the_cause_and_at_most_ten_lines():
    loads = {step: {"loader_version": "2" * 40, "template_disabled": False, "quantization": "nf4", "prefix_policy": "bos"} for step in ("generation", "training", "evaluation")}  # fmt: skip
    one = pipeline("a", evaluation={"temperature": 0.7, "num_fewshot": 5, "scorer": "f1"})
    other = pipeline(
        "b",
        loaded=loads,
        generation={"temperature": 1.0},
        training={"lr": 0.2},
        evaluation={"limit": 10, "num_fewshot": 0},
        test=TEST + TEST,
    )
    code, lines = shown(one, other)
    assert code == 1
    assert lines[0].startswith("not comparable: A ")
    assert len(lines) <= MOST_LINES
    assert any("->" in line for line in lines[1:3])
    assert shown(one, other, "--check", "replayed")[1]
    assert len(shown(one, other, "--check", "replayed")[1]) <= MOST_LINES
    assert len(shown(one, other, "--all")[1]) > MOST_LINES


def test_parameters_without_effect_are_named_and_forbid_nothing():
    inert = {"temperature": 0.7, "top_p": 0.9, "top_k": 5, "min_p": 0.1, "typical_p": 0.9, "length_penalty": 2.0, "seed": 9}
    found = lineage.compare(pipeline("a"), pipeline("b", evaluation=inert))
    assert found.verdict == "comparable"
    assert found.causes == ()
    assert dict(found.inert[1]) == inert
    assert "not in force: temperature 0.7 (B)" in str(found)


@pytest.mark.parametrize("params", [{"do_sample": False}, {"temperature": 0}, {"temperature": 0.0, "do_sample": True}])
def test_greedy_decoding_is_one_thing_however_it_was_asked_for(params):
    rest = {key: value for key, value in GREEDY.items() if key != "do_sample"}

    def recorded(folder, params):
        with lineage.session(folder, export=False) as session:
            load = session.model_load(LOADED)
            Path("test.jsonl").write_text(TEST)
            with session.evaluation(model=load, dataset="test.jsonl", params=params) as run:
                run.report("e.json", summary={"accuracy": 1.0}, results=[{"correct": True}])
        return folder

    found = lineage.compare(recorded("a", {**rest, "do_sample": False}), recorded("b", {**rest, **params}))
    assert found.verdict == "comparable"


@pytest.mark.parametrize(("key", "value"), [("top_k", 4), ("temperature", 0.9), ("top_p", 0.5)])
def test_parameters_that_are_in_force_still_forbid_the_comparison(key, value):
    sampled = {**SAMPLED, "penalty_alpha": 0.6}
    found = lineage.compare(pipeline("a", evaluation=sampled), pipeline("b", evaluation={**sampled, key: value}))
    assert found.verdict == "not comparable"
    assert [one.what for one in found.causes] == [key]


def test_contrastive_search_reads_top_k():
    contrastive = {"penalty_alpha": 0.6, "top_k": 4}
    found = lineage.compare(pipeline("a", evaluation=contrastive), pipeline("b", evaluation={**contrastive, "top_k": 8}))
    assert [one.what for one in found.causes] == ["top_k"]


HARNESSES = {
    "metadata": ({"metadata": {"num_fewshot": 5}}, {"metadata": {"num_fewshot": 0}}, "few-shot examples"),
    "nested": ({"metadata": {"harness": {"name": "lm-eval"}}}, {"metadata": {"harness": {"name": "inspect"}}}, "harness"),
    "lm-eval": ({"config": {"limit": 10}}, {"config": {"limit": 20}}, "limit"),
    "top": ({"n-shot": {"gsm8k": 5}}, {"n-shot": {"gsm8k": 8}}, "few-shot examples"),
    "template": ({"chat_template": "a"}, {"chat_template": "b"}, "prompt template"),
}


@pytest.mark.parametrize("where", HARNESSES)
def test_facts_of_a_harness_are_read_from_the_report(where):
    def recorded(folder, content):
        with lineage.session(folder, export=False) as session:
            load = session.model_load(LOADED)
            Path("test.jsonl").write_text(TEST)
            with session.evaluation(model=load, dataset="test.jsonl", params=GREEDY) as run:
                (session.folder / "e.json").write_text(json.dumps({"summary": {"acc": 1.0}, "results": [], **content}))
                run.output("e.json", type="evaluation")
        return folder

    one, other, what = HARNESSES[where]
    found = lineage.compare(recorded("a", one), recorded("b", other))
    assert what in [row.rule.what for row in found.having("differs", "breaks")]
    assert what in {cause.rule for cause in found.causes}
    assert found.verdict == "not comparable"


# --- numbers


def test_the_difference_of_paired_items_is_tested():
    one = [number < 5 for number in range(20)]
    found = lineage.compare(pipeline("a", correct=one), pipeline("b", correct=[True] * 14 + [False] * 6))
    (metric,) = found.metrics
    assert (metric.one, metric.other, metric.by) == (0.25, 0.7, "id")
    assert (metric.paired.both, metric.paired.only_one, metric.paired.only_other, metric.paired.neither) == (5, 0, 9, 6)
    assert metric.paired.is_real
    assert "the difference is real" in str(found)
    told = json.loads("\n".join(shown("a", "b", "--json")[1]))["metrics"][0]["test"]
    assert told["p"] == 2 * 0.5**9
    assert told["interval"][0] < 0.45 < told["interval"][1]
    assert {"Newcombe", "McNemar", "Connor"} <= {word for key in ("method", "interval_method", "items_method") for word in told[key].replace("(", " ").split()}  # fmt: skip


def test_an_altered_report_is_not_tested():
    one, other = pipeline("a"), pipeline("b", correct=[True] * 20)
    path = other / "evaluation.json"
    path.write_text(path.read_text().replace("true", "false", 1))
    (metric,) = lineage.compare(one, other).metrics
    assert metric.paired is None
    assert "not the file that was recorded" in metric.untested


def test_items_of_different_test_sets_are_not_paired():
    (metric,) = lineage.compare(pipeline("a"), pipeline("b", test=TEST.upper())).metrics
    assert metric.paired is None


# --- what is named


def test_folders_with_one_session_or_evaluation_are_compared_and_others_say_what_to_name():
    one, other = pipeline("a"), pipeline("b")
    assert lineage.compare(one, other).one.kind == "evaluation"
    code, lines = shown(one / "evaluation.json", other / "evaluation.json")
    assert code == 0
    assert lines[0].startswith("comparable")
    for folder in ("c", "d"):
        with lineage.session(folder, export=False) as session, session.generation(params=SAMPLED) as run, run.records("r.jsonl") as out:
            out.write({"instruction": "a", "response": "b"})
    assert lineage.compare("c", "d").one.kind == "session"
    assert lineage.diff("c", "d").equal > 0
    with pytest.raises(UsageError, match="holds 5 sessions"):
        lineage.diff("a", "c")
    with lineage.session("a", export=False) as session, session.evaluation(dataset_name="t", params=GREEDY) as run:
        run.report("second.json", summary={"accuracy": 1.0}, results=[])
    manifests = [next(Path(folder).glob("session_manifest_*")) for folder in ("c", "d")]
    assert lineage.compare(*manifests).one.kind == "session"
    Path("empty").mkdir()
    with pytest.raises(NotFoundError, match="no session in this folder"):
        lineage.compare("a/evaluation.json", "empty")
    with pytest.raises(NotFoundError, match="no session in this folder"):
        lineage.compare(".", "c")
    with pytest.raises(UsageError, match="2 evaluations") as raised:
        lineage.compare("a", "b")
    assert "second.json" in str(raised.value)


def test_what_neither_side_recorded_breaks_nothing():
    bare = {step: {"prefix_policy": None} for step in ("generation", "training", "evaluation")}
    one, other = pipeline("a", loaded=bare), pipeline("b", loaded=bare)
    code, lines = shown(one, other)
    assert code == 1
    assert "unknown: prefix policy (recorded by neither)" in lines
    assert not [line for line in shown(one, other, "--all")[1] if line.startswith("breaks")]


def test_two_evaluations_of_one_load_are_comparable_though_it_is_partly_unrecorded():
    Path("test.jsonl").write_text(TEST)
    with lineage.session("a", export=False) as session:
        load = session.model_load({"model_name": "m", "loader_version": "1" * 40})
        for name in ("x", "y"):
            with session.evaluation(model=load, dataset="test.jsonl", params=GREEDY) as run:
                run.report(f"{name}.json", summary={"accuracy": 1.0}, results=[{"correct": True}])
    assert lineage.compare("a/x.json", "a/y.json").verdict == "comparable"


def test_the_precision_of_the_base_at_training_and_evaluation_is_compared():
    nf4 = {"training": {"quantization": "nf4"}}
    found = lineage.compare(pipeline("a"), pipeline("b", loaded=nf4))
    assert "adapter's base" in [row.rule.what for row in found.having("differs", "breaks")]
    assert "trained on org/base as nf4 and evaluated on it as bf16" in str(found)
    assert {one.code for one in lineage.audit("b").findings} >= {"other-base"}
    assert "other-base" not in {one.code for one in lineage.audit("a").findings}


def test_a_question_takes_under_a_third_of_a_second():
    one, other = pipeline("a"), pipeline("b", generation={"temperature": 1.0})
    began = time.process_time()
    lineage.compare(one, other)
    assert time.process_time() - began < 0.3
