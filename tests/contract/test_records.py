"""Records and JSON are read strictly, and the fast path never disagrees with the full parse."""

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage.contract import records, strict
from lineage.contract.fields import Fields
from lineage.contract.times import check_time, xsd_time

PROVENANCE = {
    "loader_version": "a",
    "template_disabled": True,
    "model_name": "m",
    "quantization": "nf4",
    "sentinel_tests_passed": True,
    "add_special_tokens": False,
}
META = {"provenance": PROVENANCE, "generation_params": {"seed": 1}, "timestamp": "2025-10-04T12:00:00+00:00"}
GOOD = json.dumps({"a": 1, "metadata": META}).encode() + b"\n"


def codes(tmp_path, data, **options):
    path = tmp_path / "x.jsonl"
    path.write_bytes(data)
    return [(one.code, one.line) for one in records.scan(path, "x.jsonl", **options).findings]


BAD = {
    "cut off": (GOOD + b'{"a": 1, "me', [("truncated-line", 2)]),
    "cut off inside a letter": (GOOD + b'{"a": "\xc3', [("truncated-line", 2)]),
    "no JSON": (GOOD + b"nonsense\n" + GOOD, [("not-json", 2)]),
    "a list": (GOOD + b"[1]\n", [("not-an-object", 2)]),
    "no metadata": (GOOD + b'{"a": 1}\n', [("no-metadata", 2)]),
    "metadata null": (GOOD + b'{"a": 1, "metadata": null}\n', [("no-metadata", 2)]),
    "metadata a string": (GOOD + b'{"metadata": "x"}\n', [("bad-metadata", 2)]),
    "a key twice": (GOOD.replace(b'"a": 1', b'"a": 1, "a": 1'), [("duplicate-key", 1)]),
    "a key twice, deep": (GOOD.replace(b'"seed": 1', b'"seed": 1, "seed": 2'), [("duplicate-key", 1)]),
    "NaN": (GOOD.replace(b'"a": 1', b'"a": NaN'), [("not-finite", 1)]),
    "1e999": (GOOD.replace(b'"a": 1', b'"a": 1e999'), [("not-finite", 1)]),
    "no UTF-8": (GOOD.replace(b'"a": 1', b'"a": "\xff"'), [("not-utf8", 1)]),
    "too deep": (b'{"a":' * 100_000 + b"\n" + GOOD, [("not-json", 1)]),
    "a naive time": (GOOD.replace(b"+00:00", b""), [("naive-time", 1)]),
    "no time": (GOOD.replace(b"2025-10-04T12:00:00+00:00", b"noon"), [("bad-time", 1)]),
    "all legacy": (b'{"a": 1}\n' * 3, [("no-metadata", None)]),
    "blank lines, CRLF and a BOM": (b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n") + b"\r\n\n" + GOOD, []),
    "no newline at the end": (GOOD.rstrip(), []),
    "a lone surrogate": (GOOD.replace(b'"a": 1', b'"a": "\\ud800"'), []),
    "a huge integer": (GOOD.replace(b'"a": 1', b'"a": 1' + b"0" * 50), []),
}


@pytest.mark.parametrize(("data", "expected"), BAD.values(), ids=BAD.keys())
def test_each_bad_line_is_named_and_the_others_count(tmp_path, data, expected):
    assert codes(tmp_path, data) == expected


def test_legacy_is_accepted_when_asked(tmp_path):
    assert codes(tmp_path, b'{"a": 1}\n' * 3, legacy=True) == []


def test_a_thousand_faults_are_told_a_hundred_times(tmp_path):
    found = codes(tmp_path, GOOD + b"x\n" * 1000)
    assert len(found) == 101 and found[-1] == ("not-json", None)


def test_a_line_that_is_too_long_costs_only_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "MAX_LINE", 1000)
    path = tmp_path / "x.jsonl"
    path.write_bytes(GOOD + b'{"a": "' + b"x" * 5_000_000 + b'"}\n' + GOOD)
    scan = records.scan(path, "x")
    assert scan.count == 2 and [(one.code, one.line) for one in scan.findings] == [("line-too-long", 2)]


GIGABYTE = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (600 << 20, 600 << 20))
from lineage.contract import records
print([(one.code, one.line) for one in records.scan(Path(sys.argv[1]), "x").findings])
"""


def test_a_line_of_a_gigabyte_is_passed_over_in_bounded_memory(tmp_path):
    path = tmp_path / "x.jsonl"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    done = subprocess.run([sys.executable, "-c", GIGABYTE, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[('line-too-long', 1)]"


def test_slices_are_told_apart_by_all_but_the_seed_and_the_time(tmp_path):
    other = {**META, "provenance": {**PROVENANCE, "quantization": "fp16"}}
    rows = [META, {**META, "generation_params": {"seed": 9}, "timestamp": "2025-10-05T12:00:00+00:00"}, other, META]
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps({"metadata": row}) + "\n" for row in rows))
    one, two = records.scan(path, "x").slices
    assert one.lines == ((1, 2), (4, 4)) and one.count == 3 and one.seeds == (1, 9) and one.last_time == "2025-10-05T12:00:00+00:00"
    assert two.lines == ((3, 3),) and two.metadata["provenance"]["quantization"] == "fp16"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.sampled_from([(",", ":"), (", ", ": ")]), st.booleans())
def test_what_json_writes_is_read_back_with_no_complaint(value, separators, ascii_):
    assert strict.loads(json.dumps(value, separators=separators, ensure_ascii=ascii_).encode()) == (value, [])


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "\\u0061"]), st.integers(0, 9)), max_size=4))
def test_a_key_that_stands_twice_is_always_found(pairs):
    text = "{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}"
    keys = [key.replace("\\u0061", "a") for key, _ in pairs]
    assert bool(strict.loads(text.encode())[1]) == (len(set(keys)) < len(keys))


@given(st.binary(max_size=40))
@settings(max_examples=300)
def test_no_bytes_end_in_a_traceback(data):
    value, problems = strict.loads(data)
    assert problems or json.loads(data) == value


def test_wrong_shapes_are_told_with_their_path():
    fields = Fields({"artifacts": [{}, {"count": "x"}]})
    assert [row.integer("count") for row in fields.items("artifacts")] == [None, None]
    assert fields.problems == ["artifacts[1].count: expected an integer, got 'x'"]


@pytest.mark.parametrize(
    ("value", "code", "xsd"),
    [
        ("2025-10-04T12:00:00+00:00", None, "2025-10-04T12:00:00+00:00"), ("2025-10-04 12:00Z", None, "2025-10-04T12:00:00Z"),
        ("2025-10-04T12:00:00.123456789+0200", None, "2025-10-04T12:00:00.123456789+02:00"), ("2025-10-04T12:00:00", "naive-time", None),
        ("2025-02-30T12:00:00Z", "bad-time", None), ("2025-10-04", "bad-time", None), ("noon", "bad-time", None), ("2025-10-04T12:00:00+25:00", "bad-time", None),
    ],
)  # fmt: skip
def test_times_keep_their_instant_and_get_no_offset_that_nobody_wrote(value, code, xsd):
    assert (check_time(value), xsd_time(value)) == (code, xsd)
