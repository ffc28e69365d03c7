"""Strict reading ends: its time and memory grow with its input, and every problem has a name."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.contract.strict import loads
from lineage.core import limits

TEXTS = st.text(alphabet='ab"\\[]{},:é\n', max_size=12)
VALUES = st.recursive(
    TEXTS | st.integers(), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)


def depth(value):
    """How deep a value is nested."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max(map(depth, inner), default=0) + 1 if isinstance(value, dict | list) else 0


@given(VALUES, st.sampled_from([3, 5]))
def test_the_depth_of_a_text_is_that_of_its_value(value, most):
    text = '{"a":1,"a":' + json.dumps(value) + "}"  # the key that stands twice makes the text read in full
    before, limits.DEPTH = limits.DEPTH, most
    try:
        found, problems = loads(text.encode())
    finally:
        limits.DEPTH = before
    if depth(value) + 1 > most:
        assert (found, problems[0][0]) == (None, "not-json")
    else:
        assert found == {"a": value}


@pytest.mark.parametrize("opening, closing", [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
@pytest.mark.parametrize("levels", [limits.DEPTH + 1, 5000, 500_000])
def test_what_is_nested_too_deep_is_refused(opening, closing, levels):
    found, problems = loads(('{"a":1,"a":' + opening * levels + "1" + closing * levels + "}").encode())
    assert found is None
    assert problems == [("not-json", f"nested deeper than {limits.DEPTH}")]


@pytest.mark.parametrize("piece", ["1,", "[],", "{},", '"",', "[[]],"])
def test_more_values_than_a_text_may_hold_are_refused(piece, monkeypatch):
    monkeypatch.setattr(limits, "VALUES", 1000)
    assert loads(f"[{piece * 2000}1]".encode())[1] == [("not-json", "more than 1,000 values")]
    assert loads(f"[{piece * 200}1]".encode())[1] == []


def seconds(text):
    started = time.process_time()
    loads(text.encode())
    return time.process_time() - started


SHAPES = {
    "one-key-twice": lambda n: "{" + ",".join(f'"k{i}":1' for i in range(n)) + ',"k0":2}',
    "all-keys-twice": lambda n: "{" + ",".join(f'"k{i % (n // 2)}":1' for i in range(n)) + "}",
    "one-key-often": lambda n: "{" + ",".join(['"k":1'] * n) + "}",
    "objects-with-a-key-twice": lambda n: "[" + ",".join(['{"k":1,"k":2}'] * n) + "]",
    "brackets-in-a-text": lambda n: '{"a":1,"a":"' + "[{" * n + '"}',
    "quotes-in-a-text": lambda n: '{"a":1,"a":"' + '\\"\\\\' * n + "[" * 300 + '"}',
    "open-brackets": lambda n: "[" * n,
    "a-number": lambda n: '{"a":1,"a":0.' + "1" * n + "}",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_time_grows_as_the_text_does(shape):
    write = SHAPES[shape]
    small = min(seconds(write(20_000)) for _ in range(3))
    assert min(seconds(write(160_000)) for _ in range(3)) < 30 * small + 0.2  # eight times as much; a quadratic reader takes 64 times
