"""`generate` accepts what `effective` returns; what it would refuse, or not use, is an error with a hint."""

import pytest

pytest.importorskip("torch", reason="pip install 'lineage-prov[models]'")
pytest.importorskip("transformers", reason="pip install 'lineage-prov[models]'")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer

from lineage.errors import UsageError
from lineage.models import tiny
from lineage.models.generation import GREEDY, complete_batch, effective

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore")]

VALUES = {
    "do_sample": [True, False],
    "temperature": [0, 0.0, 1, 2, 0.5, 1e-6, 1e-9, 100.0, 1e308, -1],
    "top_k": [-1, 0, 1, 5, 600],
    "top_p": [0, 0.1, 1, 1e-9, 1.5],
    "min_p": [0, 0.1, 1, 2],
    "top_h": [0.1, 1, 0],
    "typical_p": [0.1, 1, 1e-9, 0],
    "epsilon_cutoff": [0, 0.1, 0.99, 1],
    "eta_cutoff": [0, 0.1, 0.99, 1],
    "repetition_penalty": [1, 2, 0.5, 1e-3, 0, 50.0],
    "no_repeat_ngram_size": [-1, 0, 1, 3],
    "num_beams": [0, 1, 2, 6],
    "length_penalty": [0, 1, -1.0, 2.5],
    "early_stopping": [True, False, "never", "always"],
    "max_new_tokens": [0, 1, 6],
    "min_new_tokens": [0, 1, 4],
    "bad_words_ids": [[[5]], [[5, 6], [7]], [], [5], [[]]],
    "suppress_tokens": [[5], [0], []],
    "num_return_sequences": [1, 2],
    "seed": [0, 1, -1, 2**64 - 1, 2**64],
    "stop_strings": [["a"], "b", []],
    "eos_token_id": [0, [0], [0, 5, 7], -1],
    "penalty_alpha": [0.6],
    "return_dict_in_generate": [True],
    "token_healing": [True],
    "renormalize_logits": [True, 1],
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    folder = tiny.build(tmp_path_factory.mktemp("tiny") / "m", ["Name a colour."])
    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


def some(names):
    return st.sets(st.sampled_from(sorted(names)), max_size=6).flatmap(
        lambda keys: st.fixed_dictionaries({key: st.sampled_from(VALUES[key]) for key in keys})
    )


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(params=some(VALUES))
def test_generate_accepts_what_effective_returns(loaded, params):
    model, tokenizer = loaded
    try:
        found = effective(tokenizer, {"max_new_tokens": 4, **params})
    except UsageError as error:
        assert error.hint
        return
    assert len(complete_batch(model, tokenizer, [[5, 6], [7]], {"seed": 1, **found})) == 2


def test_a_temperature_of_0_is_greedy_decoding(loaded):
    _, tokenizer = loaded
    assert effective(tokenizer, {"temperature": 0}) == effective(tokenizer, GREEDY)


@pytest.mark.parametrize("name", ["temperature", "top_k", "top_p", "min_p"])
def test_greedy_decoding_has_no_parameter_of_sampling(loaded, name):
    _, tokenizer = loaded
    assert name not in effective(tokenizer, {"do_sample": False, name: 1})


@pytest.mark.parametrize(
    "params",
    [
        {"temperature": -1},
        {"temperature": float("nan")},
        {"temperature": "0.7"},
        {"top_p": 1.5},
        {"top_k": 2.5},
        {"num_beams": 0},
        {"do_sample": 1},
        {"max_new_tokens": True},
        {"max_new_tokens": 0},
        {"seed": 2**64},
        {"temprature": 0.5},
        {"min_new_tokens": 9, "max_new_tokens": 3},
    ],
)
def test_the_error_names_the_parameter_and_what_to_use(loaded, params):
    _, tokenizer = loaded
    with pytest.raises(UsageError, match=next(iter(params))) as raised:
        effective(tokenizer, params)
    assert raised.value.hint


def test_a_misspelt_name_is_not_recorded_as_in_force(loaded):
    _, tokenizer = loaded
    with pytest.raises(UsageError, match="did you mean temperature"):
        effective(tokenizer, {"temprature": 0.5})


def test_several_end_tokens_end_a_completion(loaded):
    model, tokenizer = loaded
    free = complete_batch(model, tokenizer, [[5, 6]], effective(tokenizer, {**GREEDY, "max_new_tokens": 6}))[0]
    end = free.completion_ids[1]
    params = effective(tokenizer, {**GREEDY, "max_new_tokens": 6, "eos_token_id": [0, end]})
    assert params["eos_token_id"] == [0, end]
    made = complete_batch(model, tokenizer, [[5, 6]], params)[0]
    assert made.completion_ids == free.completion_ids[: free.completion_ids.index(end) + 1]
