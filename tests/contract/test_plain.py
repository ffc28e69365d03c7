"""Whatever a user hands over becomes JSON, or null with a gap; nothing raises."""

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import inspect
import json
import pathlib
import sys
import types
import uuid

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.contract.plain import MAX_DEPTH, MAX_GAPS, MAX_VALUES, NOT_FINITE, not_finite, plain, plain_value
from lineage.contract.strict import loads
from lineage.contract.writing import as_bytes
from lineage.facts import Gap

Point = collections.namedtuple("Point", "x y")


class Text(str):
    def __str__(self):
        raise RuntimeError("not for you")


class Whole(int):
    pass


class Half(float):
    pass


class Colour(enum.Enum):
    RED = "red"
    SIZE = pathlib.Path("/x")


class Level(enum.IntEnum):
    HIGH = 3


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


KEPT = [
    (Text("a"), "a"),
    (Whole(3), 3),
    (Half(0.5), 0.5),
    (Colour.RED, "red"),
    (Colour.SIZE, "/x"),
    (Level.HIGH, 3),
    (Rights.READ | Rights.WRITE, 3),
    (decimal.Decimal("0.1"), 0.1),
    (decimal.Decimal("0.12345678901234567890"), "0.12345678901234567890"),
    (fractions.Fraction(1, 2), 0.5),
    (fractions.Fraction(1, 3), "1/3"),
    (datetime.date(2026, 1, 2), "2026-01-02"),
    (datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), "2026-01-02T00:00:00+00:00"),
    (datetime.time(3, 4), "03:04:00"),
    (datetime.timedelta(minutes=5), 300.0),
    (pathlib.Path("/a/b"), "/a/b"),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ({3, 1, 2}, [1, 2, 3]),
    (frozenset(("b", "a")), ["a", "b"]),
    ({1, "a", None}, ["a", 1, None]),
    (Point(1, 2), [1, 2]),
    (range(3), [0, 1, 2]),
    (collections.deque([1]), [1]),
    (types.MappingProxyType({"a": 1}), {"a": 1}),
    (collections.UserDict(a=1), {"a": 1}),
    ({1: "a", None: "b", 0.5: "c", Level.HIGH: "d", pathlib.Path("p"): "e"}, {"1": "a", "None": "b", "0.5": "c", "3": "d", "p": "e"}),
    ("\udcff", "\udcff"),
    ("\ud83d\ude00", "😀"),
    (10**100, 10**100),
    (np.float32(0.5), 0.5),
    (np.int64(-3), -3),
    (np.bool_(True), True),
    (np.longdouble(1.5), 1.5),
    (np.str_("x"), "x"),
    (np.array(3), 3),
    (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    (np.datetime64("2026-01-02T00:00:00.000000001"), "2026-01-02T00:00:00.000000001"),
    (np.array(["2026-01-02"], dtype="M8[D]"), ["2026-01-02"]),
    (np.dtype("float32"), "float32"),
    (np.float16, "float16"),
]


@pytest.mark.parametrize(("value", "expected"), KEPT, ids=[f"{type(value).__name__} {n}" for n, (value, _) in enumerate(KEPT)])
def test_a_value_with_an_obvious_json_form_is_kept(value, expected):
    found, gaps = plain({"x": value}, "params")
    assert found == {"x": expected}
    assert type(found["x"]) is type(expected)
    assert gaps == ()


def test_values_of_torch_are_kept_and_torch_is_not_imported_for_it():
    torch = pytest.importorskip("torch")
    values = {
        "scalar": torch.tensor(0.5),
        "one": torch.tensor([2]),
        "half": torch.tensor(1.5, dtype=torch.bfloat16),
        "list": torch.ones(2, 2, requires_grad=True),
        "dtype": torch.bfloat16,
        "device": torch.device("cuda:0"),
        "size": torch.Size([2, 3]),
    }
    expected = {
        "scalar": 0.5,
        "one": 2,
        "half": 1.5,
        "list": [[1.0, 1.0], [1.0, 1.0]],
        "dtype": "torch.bfloat16",
        "device": "cuda:0",
        "size": [2, 3],
    }
    assert plain(values, "params") == (expected, ())


class Raises(dict):
    def items(self):
        raise KeyError("x")


class OwnLength(collections.UserList):
    def __len__(self):
        raise SystemError


class Endless:
    size = 1

    def tolist(self):
        return self


@dataclasses.dataclass
class Config:
    a: int = 1


CYCLE: dict = {}
CYCLE["self"] = CYCLE

LOST = [
    (float("nan"), "x", NOT_FINITE),
    (np.float64("inf"), "x", NOT_FINITE),
    (np.float32("nan"), "x", NOT_FINITE),
    (decimal.Decimal("sNaN"), "x", NOT_FINITE),
    (1j, "x", "JSON cannot hold a complex"),
    (np.complex64(1), "x", "JSON cannot hold a complex64"),
    (b"x", "x", "JSON cannot hold a bytes"),
    (bytearray(b"x"), "x", "JSON cannot hold a bytearray"),
    (Config(), "x", "JSON cannot hold a Config"),
    (print, "x", "JSON cannot hold a builtin_function_or_method"),
    (int, "x", "JSON cannot hold a type"),
    (iter([1]), "x", "JSON cannot hold a list_iterator"),
    (10**5000, "x", "an integer of more than 2000 bits"),
    (np.datetime64("NaT"), "x", "not a time"),
    (np.ones(2000), "x", "an array of 2,000 values: more than 1,000 are not kept"),
    ([0] * (MAX_VALUES + 1), "x", "more than 100,000 values"),
    (Raises(a=1), "x", "reading it raised KeyError"),
    (OwnLength([1]), "x", "reading it raised SystemError"),
    (Endless(), "x", "it contains itself"),
    (CYCLE, "x.self", "it contains itself"),
    ([1, {"a": float("inf")}], "x[1].a", NOT_FINITE),
    ({(1, 2): 3}, "x.(tuple)", "a tuple is no key of JSON"),
    ({1: "a", "1": "b"}, "x.1", "two keys are this text; the first is kept"),
    (nested(MAX_DEPTH), "x" + "[0]" * MAX_DEPTH, f"nested deeper than {MAX_DEPTH}"),
]


@pytest.mark.parametrize(("value", "at", "reason"), LOST, ids=[f"{type(value).__name__} {n}" for n, (value, _, _) in enumerate(LOST)])
def test_any_other_value_is_null_or_left_out_and_its_gap_says_why(value, at, reason):
    found, gaps = plain({"x": value, "y": 1}, "params")
    assert gaps == (Gap(f"params.{at}", reason),)
    assert found["y"] == 1
    assert loads(as_bytes(found)) == (found, [])


def test_a_member_with_very_many_gaps_is_null_as_a_whole():
    found, (gap,) = plain({"x": [float("nan")] * (MAX_GAPS + 1), "y": 1}, "params")
    assert found == {"x": None, "y": 1}
    assert gap.about == "params.x"
    assert NOT_FINITE in gap.reason


def test_a_value_that_doubles_at_each_level_costs_its_member_alone():
    bomb = [1]
    for _ in range(60):
        bomb = [bomb, bomb]
    assert plain({"x": bomb, "y": 1}, "params") == ({"x": None, "y": 1}, (Gap("params.x", "more than 100,000 values"),))


def test_what_is_no_mapping_is_a_gap():
    assert plain([1], "params") == ({}, (Gap("params", "expected a mapping, not a list"),))


def test_keys_that_json_cannot_hold_are_gaps_at_the_top_as_well():
    found, gaps = plain({(1,): 1, b"x": 2, "a": 3}, "params")
    assert found == {"a": 3}
    assert [gap.about for gap in gaps] == ["params.(tuple)", "params.(bytes)"]


def test_near_the_end_of_the_stack_it_does_not_raise():
    def deeper(depth):
        return deeper(depth - 1) if depth else plain({"x": nested(MAX_DEPTH - 1)}, "params")

    found, gaps = deeper(sys.getrecursionlimit() - len(inspect.stack(0)) - 150)
    assert found.keys() <= {"x"}
    assert gaps


surrogates = st.text(st.characters() | st.characters(categories=["Cs"]))
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | surrogates | st.binary() | st.complex_numbers() | st.decimals()
    | st.fractions() | st.dates() | st.datetimes() | st.times() | st.timedeltas() | st.uuids() | st.functions() | st.sampled_from(Colour)
    | st.builds(object) | st.integers().map(lambda n: n << 3000) | st.floats(width=32).map(np.float32) | surrogates.map(Text)
    | st.integers(-100, 100).map(np.int8) | st.lists(st.floats()).map(np.array) | st.lists(st.booleans()).map(np.array)
)  # fmt: skip
hashable = st.none() | st.booleans() | st.integers() | st.floats() | surrogates | st.binary() | st.tuples(st.integers()) | st.dates()
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.lists(inner).map(collections.deque)
        | st.dictionaries(hashable, inner)
        | st.sets(hashable)
        | st.frozensets(hashable)
        | st.dictionaries(surrogates, inner).map(types.MappingProxyType)
    ),
    max_leaves=20,
)


def nulls(value):
    if value is None:
        return 1
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(nulls, inner))


def nones(value):
    """How many None there are among the values, keys aside."""
    if value is None:
        return 1
    if isinstance(value, dict | types.MappingProxyType):
        return sum(map(nones, value.values()))
    return sum(map(nones, value)) if isinstance(value, list | tuple | collections.deque | set | frozenset) else 0


@given(anything)
def test_any_value_becomes_json_that_readers_give_back_and_each_new_null_has_a_gap(value):
    found, gaps = plain_value(value, "x")
    text = as_bytes(found)
    assert loads(text) == (found, [])
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert plain_value(found, "x") == (found, ())
    if nulls(found) > nones(value):
        assert gaps
    for gap in gaps:
        assert gap.reason


@given(st.sets(hashable))
def test_the_order_of_a_set_does_not_depend_on_how_it_was_made(values):
    again = set()
    for value in sorted(values, key=repr):
        again.add(value)
    assert as_bytes(plain_value(values, "x")[0]) == as_bytes(plain_value(again, "x")[0])


def test_numbers_that_are_not_finite_are_named_by_their_path():
    record = {"a": [1.0, float("nan")], "b": {"c": float("-inf"), "d": None}, "e": 3, "f": np.float32("nan")}
    assert {gap.about for gap in not_finite(record, "record")} == {"record.a[1]", "record.b.c", "record.f"}
    assert not_finite({"a": [1.0, None, True, 10**400]}, "record") == ()


@dataclasses.dataclass
class Pair:
    first: float
    second: object


@pytest.mark.parametrize(
    ("value", "about"),
    [
        (np.array([1.0, float("nan")]), "record[1]"),
        (np.array([[1.0, 2.0], [float("inf"), 4.0]], dtype=np.float32), "record[1][0]"),
        (Pair(float("nan"), 1), "record.first"),
        (Pair(1.0, np.array([float("-inf")])), "record.second[0]"),
    ],
    ids=["array", "matrix", "dataclass", "dataclass with an array"],
)
def test_numbers_that_are_not_finite_are_found_in_whatever_becomes_json(value, about):
    assert [gap.about for gap in not_finite(value, "record")] == [about]
