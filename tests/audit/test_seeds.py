"""The audit and the named question agree on which runs lack a seed, whatever a report or a harness says of seeds of its own."""

import random
from pathlib import Path

import pytest

import lineage
from lineage.auditing.config import Config
from lineage.questions.asking import ask

PROVENANCE = {
    "loader_version": "1" * 40, "template_disabled": True, "model_name": "org/m", "quantization": "bf16",
    "sentinel_tests_passed": True, "add_special_tokens": False, "revision": "a" * 40,
}  # fmt: skip
DECODING = (
    {"do_sample": True, "temperature": 1.0},
    {"do_sample": True, "temperature": 1.0, "seed": 3},
    {"do_sample": True, "temperature": 1.0, "fewshot_seed": 3},
    {"do_sample": False},
    {"do_sample": False, "temperature": 0.7},
    {"temperature": 0},
    {"temperature": 0.0, "seed": 1},
    {"temperature": 0.5},
    {},
)


def in_audit(folder):
    """The first letters of the runs that the audit names."""
    report = lineage.audit(folder, config=Config(select=("seed-missing",)))
    return {
        one.message.rpartition(" ")[2] for one in report.findings if one.message.split()[-2] in ("evaluation", "generation", "training")
    }


def in_question(folder):
    return {str(row["run"]).rpartition("run-")[2][:8] for row in ask("without-seed", folder)}


@pytest.mark.parametrize("report_seed", [None, 42])
@pytest.mark.parametrize("number", range(len(DECODING)))
def test_a_seed_of_a_harness_is_no_seed_of_the_sampler(number, report_seed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    params = DECODING[number]
    with lineage.session("artifacts", seeds={"harness": 42}, export=False) as session:
        load = session.model_load(PROVENANCE)
        with session.evaluation(model=load, dataset_name="t", dataset_size=1, params=params) as run:
            run.report("evaluation_a.json", summary={"acc": 1.0}, results=[{"correct": True}], seed=report_seed)
    is_greedy = params.get("do_sample") is False or params.get("temperature") == 0
    expected = set() if is_greedy or "seed" in params else {run.id[:8]}
    assert in_audit(Path("artifacts")) == expected
    assert in_question(Path("artifacts")) == expected


@pytest.mark.parametrize("seed", range(5))
def test_the_audit_and_the_question_name_the_same_runs_of_random_sessions(seed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chance = random.Random(seed)
    Path("d.jsonl").write_text("{}\n")
    with lineage.session("artifacts", export=False) as session:
        load = session.model_load(PROVENANCE)
        for number in range(8):
            params, kind = chance.choice(DECODING), chance.choice(("generation", "evaluation", "training"))
            if kind == "generation":
                with session.generation(model=load, params=params) as run, run.records(f"{number}.jsonl") as out:
                    out.write({"instruction": "a", "response": "b"}, generation_params=chance.choice(({}, {"seed": number})))
            elif kind == "evaluation":
                with session.evaluation(model=load, dataset_name="t", params=params) as run:
                    run.report(f"{number}.json", summary={"acc": 1.0}, results=[], seed=chance.choice((None, 7)))
            else:
                with session.training(model=load, datasets=["d.jsonl"], params=params) as run:
                    Path(f"artifacts/{number}.bin").write_text("w")
                    run.output(f"{number}.bin", type="model")
    assert in_audit(Path("artifacts")) == in_question(Path("artifacts"))
