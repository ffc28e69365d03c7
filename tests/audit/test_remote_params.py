"""A model behind an API is asked for the parameters that APIs have, and for no others; labels name the seed."""

import pytest

import lineage
from lineage.cli import main
from lineage.mapping.activities import _summary

API = {"model_name": "gpt-4.1-2025-04-14", "provider": "openai"}
LOCAL = {
    "model_name": "tiny",
    "revision": "0" * 40,
    "template_disabled": True,
    "add_special_tokens": False,
    "sentinel_tests_passed": True,
}
FULL = {"seed": 1, "temperature": 0.7, "top_p": 1.0}


def told(folder, provenance, params):
    with lineage.session(folder, export=False) as session:
        load = session.model_load(provenance)
        with session.generation(model=load, params=params) as run, run.records("data.jsonl") as out:
            out.write({"instruction": "a", "response": "b"})
    return {one.code: one.message for one in lineage.audit(folder).findings}


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens", "maxOutputTokens"])
@pytest.mark.parametrize("seed", [None, 7])
def test_an_api_that_was_given_all_that_it_takes_lacks_nothing(tmp_path, limit, seed):
    params = {**{key: value for key, value in FULL.items() if key != "seed"}, limit: 20} | ({"seed": seed} if seed else {})
    assert {"params-incomplete", "seed-missing"} & told(tmp_path / "f", API, params).keys() == set()


@pytest.mark.parametrize("key", ["reasoning_effort", "thinking", "reasoning"])
def test_a_model_that_reasons_takes_no_temperature(tmp_path, key):
    assert "params-incomplete" not in told(tmp_path / "f", API, {key: "low", "max_completion_tokens": 100})


@pytest.mark.parametrize(("params", "missing"), [
    ({}, "max_tokens, temperature, top_p"),
    ({"temperature": 0}, "max_tokens"),
    ({"max_tokens": 5}, "temperature, top_p"),
    ({"max_tokens": None, "temperature": 1, "top_p": 1}, "max_tokens"),
])  # fmt: skip
def test_an_api_lacks_what_it_was_not_given(tmp_path, params, missing):
    assert told(tmp_path / "f", API, params)["params-incomplete"].endswith(f"lacks {missing}")


def test_a_model_that_ran_here_is_asked_for_all(tmp_path):
    found = told(tmp_path / "f", LOCAL, {"temperature": 0.7})
    assert found["params-incomplete"].endswith("do_sample, max_new_tokens, num_beams, repetition_penalty, top_k, top_p")
    assert "seed-missing" in found


@pytest.mark.parametrize("place", range(6))
def test_a_label_of_parameters_names_the_seed_wherever_it_stands(place):
    keys = ["temperature", "top_p", "top_k", "max_new_tokens", "num_beams"]
    keys.insert(place, "seed")
    assert _summary(dict.fromkeys(keys, 1)).startswith("seed 1, ")


def altered(folder):
    told(folder, LOCAL, {**FULL, "max_tokens": 5})
    with lineage.session(folder, export=False) as session, session.generation(params={"seed": 1}) as run:
        with run.records("other.jsonl") as out:
            out.write({"instruction": "a", "response": "c"})
    path = folder / "data.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"b"', b'"x"'))


@pytest.mark.parametrize("verb", ["why", "impact"])
@pytest.mark.parametrize(("asked", "is_told"), [("data.jsonl", True), ("other.jsonl", False)])
def test_an_answer_names_the_problems_that_concern_it(tmp_path, verb, asked, is_told, capsys):
    altered(tmp_path / "f")
    assert main([verb, asked, "--in", str(tmp_path / "f")]) == 0
    note = f"note: data.jsonl: the file changed after it was recorded (lineage audit {tmp_path / 'f'})"
    assert (note in capsys.readouterr().err) == is_told
