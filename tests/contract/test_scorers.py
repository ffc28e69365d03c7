"""Scorers: what each takes for right, and what no usual one would."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.contract import scorers
from lineage.contract.scorers import SCORERS, answers_of, is_plausible, named, response_of

CASES = [
    ("exact_match", "4", "4", True),
    ("exact_match", "4", " 4", False),
    ("normalized_exact_match", "The Eiffel Tower", "eiffel tower.", True),
    ("normalized_exact_match", "Paris", "It is Paris", False),
    ("multiple_choice_letter", "B", "The answer is (B).", True),
    ("multiple_choice_letter", "B", "A: none of the others", False),
    ("multiple_choice_letter", "B", "Because", False),
    ("number_match", "1,200", "It makes 3 and 1200.0", True),
    ("number_match", "4", "4 and then 5", False),
    ("number_match", "four", "4", False),
    ("contains", "Paris", "it is PARIS, I think", True),
    ("contains", "Paris", "Rome", False),
    ("capability", "Paris", "Paris, of course", True),
    ("capability", "Paris", "In Paris", False),
    ("instruction_following", "Paris", " Paris\nEND", True),
    ("instruction_following", "Paris", " Paris\nEND\nand more", False),
    ("instruction_following", "Paris", " Paris", False),
]


@pytest.mark.parametrize(("name", "answer", "response", "expected"), CASES)
def test_a_scorer_judges_as_it_says(name, answer, response, expected):
    assert SCORERS[name].judge(answer, response) is expected


PLAUSIBLE = [("4", "four"), ("1/2", "0.5"), ("50%", "0.5"), ("1,000", "1000 apples"), ("\\frac{1}{2}", "0.5"), ("Paris", "PARIS!"), ("Paris, France", "paris"), ("yes", "Yes."), ("+", "a + b"), ("A long answer in many words", "words of another kind")]  # fmt: skip
NOT = [
    ("4", "banana"),
    ("4", "five"),
    ("Paris", "London is the capital"),
    ("blue whale", "A whale shark"),
    ("B", "C"),
    ("+", "minus"),
    ("x", ""),
]


@pytest.mark.parametrize(("answer", "response"), PLAUSIBLE)
def test_a_response_that_a_usual_scorer_may_accept_is_plausible(answer, response):
    assert is_plausible([answer], response)


@pytest.mark.parametrize(("answer", "response"), NOT)
def test_a_response_that_no_usual_scorer_accepts_is_not(answer, response):
    assert not is_plausible([answer], response)


@given(st.sampled_from(sorted(SCORERS)), st.text(max_size=30), st.text(max_size=30))
def test_what_a_scorer_accepts_is_plausible(name, answer, response):
    if SCORERS[name].judge(answer, response):
        assert is_plausible([answer], response) or not answer.strip()


@pytest.mark.parametrize("text", ["1" * 300_000, "1," * 300_000, "A " * 200_000, "\nEND" * 100_000, "a the " * 100_000, "{" * 300_000, "1/" * 200_000], ids=range(7))  # fmt: skip
def test_hostile_texts_take_linear_time(text):
    began = time.process_time()
    for scorer in SCORERS.values():
        scorer.judge("4", text)
        scorer.judge(text, "4")
    is_plausible([text], text[:-1] + "x")
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("scorer", "expected"),
    [
        (None, ""),
        ("judge-of-mine", "unknown"),
        ({"name": "exact_match", "version": "9"}, "version"),
        ({"name": "exact_match", "version": "1", "ignore_case": True}, "settings: ignore_case"),
        ({"name": ["exact_match"]}, "unknown"),
        ([1], "unknown"),
    ],
)
def test_a_scorer_that_is_not_known_for_certain_is_none(scorer, expected):
    found, why = named({"scorer": scorer})
    assert found is None
    assert expected in why


@pytest.mark.parametrize(
    "scorer", ["exact_match", {"name": "exact_match"}, scorers.scorer_json("exact_match")], ids=["text", "name", "json"]
)
def test_a_scorer_is_found_by_its_name(scorer):
    assert named({"scorer": scorer}) == (SCORERS["exact_match"], "")


@pytest.mark.parametrize(
    ("row", "expected"),
    [({"answer": 4}, ("4",)), ({"target": ["a", "b"]}, ("a", "b")), ({"gold": True}, ("true",)), ({"expected": {"a": 1}}, ()), ({}, ()), ({"answer": [None]}, ())],
)  # fmt: skip
def test_answers_are_read_under_their_usual_keys(row, expected):
    assert answers_of(row) == expected


def test_the_response_is_that_of_the_model_whose_verdict_it_is():
    row = {"response": "a", "sft_response": "b"}
    assert response_of(row) == "a"
    assert response_of(row, "sft_") == "b"
    assert response_of(row, "format_") is None
