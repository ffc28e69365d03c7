"""The audit of runs whose calls had different parameters: records that name their own are complete."""

import pytest

import lineage
from lineage.auditing.audit import audit

P = {
    "loader_version": "0" * 40,
    "template_disabled": True,
    "model_name": "org/m",
    "quantization": "bf16",
    "sentinel_tests_passed": True,
    "add_special_tokens": False,
}
GREEDY = {"do_sample": False, "num_beams": 1, "repetition_penalty": 1.0, "max_new_tokens": 5}
SAMPLED = {**GREEDY, "do_sample": True, "temperature": 0.5, "top_k": 50, "top_p": 1.0}


def codes(folder, calls):
    with lineage.session(folder, export=False) as session:
        with session.generation(model=session.model_load(P)) as run, run.records("out.jsonl") as out:
            for n, params in enumerate(calls):
                run.called(params, {})
                out.write({"instruction": "x", "response": "y", "n": n})
    return {remark.finding.code for remark in audit(folder).remarks}


@pytest.mark.parametrize(
    "calls",
    [
        [GREEDY],
        [{**SAMPLED, "seed": 1}, {**SAMPLED, "seed": 2}],
        [{**SAMPLED, "seed": 1}, {**SAMPLED, "seed": 2, "temperature": 0.9}],
        [{**SAMPLED, "seed": 1}, GREEDY],
        [{**GREEDY, "max_new_tokens": None, "max_length": 30}],
    ],
)
def test_records_that_name_the_parameters_of_their_call_are_complete(tmp_path, calls):
    assert codes(tmp_path, calls).isdisjoint({"params-incomplete", "params-differ", "seed-missing"})


@pytest.mark.parametrize("missing", ["temperature", "top_k", "num_beams"])
def test_a_call_that_lacks_a_decisive_parameter_is_found(tmp_path, missing):
    lacking = {key: value for key, value in SAMPLED.items() if key != missing}
    assert "params-incomplete" in codes(tmp_path, [{**SAMPLED, "seed": 1}, {**lacking, "seed": 2}])


def test_a_sampled_call_without_a_seed_is_found(tmp_path):
    assert "seed-missing" in codes(tmp_path, [SAMPLED])
