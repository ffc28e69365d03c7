"""Records and JSON are read strictly, and the fast path never disagrees with the full parse."""

import json
import subprocess
import sys

import orjson
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
    "metadata a string": (GOOD + b'{"metadata": "x"}\n', [("no-metadata", 2)]),
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
    monkeypatch.setattr("lineage.contract.lines.MAX_LINE", 1000)
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


def by_full_parse(path, **options):
    """The scan without its fast path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "kernel", None)
        return records.scan(path, "x", **options)


TIMES = st.sampled_from(
    ["2026-01-01T00:00:00.5+00:00", "2026-01-01T00:00:00.50+00:00", "2026-01-01T00:00:00.1234567+00:00", "2026-01-01T00:00:00.000001+00:00", "2026-01-01T00:00:09.000001+00:00", "2026-01-01T00:00:01+00:00", "2026-02-30T00:00:00.000001+00:00", "2026-01-01T00:00:00.000001", "2026-01-01T05:00:00.000001+05:00", "2026-01-01T00:00:00Z", "noon", None, 7]
)  # fmt: skip
SEEDS = st.sampled_from([0, 1, -5, 42, 10**15, 10**17, 2**63, 10**30, 1.5, True, None, "3", [1]])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(['"metadata"', "\ud800", '{"metadata":{}}']),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["metadata", "seed", "timestamp", "a", ""]), inner, max_size=3)
    ),
    max_leaves=4,
)


@st.composite
def metadata_of_all_kinds(draw):
    made = {"provenance": draw(st.sampled_from([PROVENANCE, {**PROVENANCE, "model_name": "o"}, {}, None]))}
    made["generation_params"] = draw(st.sampled_from([{"seed": 1}, {"temperature": 0.7, "seed": 1}, {}, None, {"seed": {"seed": 1}}]))
    if isinstance(made["generation_params"], dict) and "seed" in made["generation_params"]:
        made["generation_params"] = {**made["generation_params"], "seed": draw(SEEDS)}
    for key, values in (("timestamp", TIMES), ("record_index", SEEDS), ("run_id", st.sampled_from("ab")), ("previous", VALUES)):
        if draw(st.integers(0, 3)):
            made[key] = draw(values)
    if draw(st.booleans()):
        made["tokens"] = draw(
            st.sampled_from([{"prompt_ids": [1, 2], "completion_ids": [30]}, {"prompt_ids": []}, {"a": [-1]}, {"a": [1.5]}])
        )
    return made


@st.composite
def jsonl(draw):
    """A file in which most lines are alike, written as many programs write, and some are broken."""
    kinds = draw(st.lists(metadata_of_all_kinds(), min_size=1, max_size=2))
    lines = []
    for n in range(draw(st.integers(1, 8))):
        record = draw(st.dictionaries(st.sampled_from(["a", "b", "metadata"]), VALUES, max_size=2)) if draw(st.booleans()) else {"a": n}
        metadata = json.loads(json.dumps(draw(st.sampled_from(kinds))))
        if isinstance(metadata.get("generation_params"), dict) and draw(st.booleans()):
            metadata["generation_params"]["seed"] = draw(SEEDS)
        metadata["timestamp"] = draw(TIMES) if draw(st.booleans()) else metadata.get("timestamp")
        whole = {**record, "metadata": metadata} if draw(st.integers(0, 5)) else {"metadata": metadata, **record}
        text = json.dumps(whole, separators=draw(st.sampled_from([(",", ":"), (",", ":"), (", ", ": ")])), ensure_ascii=draw(st.booleans()))
        data = text.encode("utf-8", "surrogatepass")
        for old, new in draw(st.lists(st.sampled_from([(b'"a"', b'"metadata"'), (b'"a":', b'"a":1,"a":'), (b'"run_id":', b'"run_id":1,"run_id":'), (b"}}", b"}} "), (b":1", b":01"), (b":1", b":NaN"), (b'"a"', b'"\xff"'), (b'"a"', b'"\\u0061"'), (b"}", b"")]), max_size=1)):  # fmt: skip
            data = data.replace(old, new, 1)
        lines.append(data)
    ending = draw(st.sampled_from([b"\n", b"\n", b"\r\n"]))
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf", b"\n"])) + ending.join(lines) + draw(st.sampled_from([b"", ending]))


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(jsonl())
def test_the_fast_path_never_disagrees_with_the_full_parse(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fast") / "x.jsonl"
    path.write_bytes(data)
    assert records.scan(path, "x") == by_full_parse(path)


def test_the_fast_path_is_taken_for_what_we_write(tmp_path, monkeypatch):
    lines = [
        orjson.dumps(
            {"a": n, "text": 'a "quoted"\n\\ é', "metadata": {**META, "generation_params": {"seed": n, "t": 0.7}, "record_index": n}}
        )
        for n in range(100)
    ]
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\n".join(lines))
    parsed = []
    monkeypatch.setattr(records, "loads", lambda text: parsed.append(text) or strict.loads(text))
    found = records.scan(path, "x")
    assert len(parsed) == 1 and found.count == found.recorded == 100 and found.slices[0].seeds == (0, 99)


@pytest.mark.parametrize(
    "change",
    [(b"2025-10-04", b"2025-02-30"), (b'"a":', b'"metadata":'), (b'"a":', b'"a":0,"a":'), (b'{"a"', b'{ "a"'), (b'"seed":1', b'"seed":1e3'), (b'"seed":1', b'"seed":-0'), (b'"a":1', b'"a":"\xff"')],
)  # fmt: skip
def test_a_line_that_only_looks_like_the_one_before_is_read_in_full(tmp_path, change):
    good = orjson.dumps({"a": 1, "metadata": META})
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\n".join([good, good.replace(*change), good]))
    assert records.scan(path, "x") == by_full_parse(path) and good.replace(*change) != good


@pytest.mark.parametrize("with_kernel", [True, False])
@pytest.mark.parametrize("parts", [1, 3])
def test_records_without_a_seed_are_counted_and_the_first_is_named(with_kernel, parts, tmp_path):
    without = GOOD.replace(b'{"seed": 1}', b"{}")
    lines = [GOOD] * 9
    lines[4] = lines[7] = without
    with pytest.MonkeyPatch.context() as patch:
        if not with_kernel:
            patch.setattr(records, "kernel", None)
        path = tmp_path / "x.jsonl"
        found, step = [], 9 // parts
        for n in range(parts):
            path.write_bytes(b"".join(lines[n * step : (n + 1) * step]))
            reading = records.Reading(first=n == 0)
            with records.opened(path) as (text, _):
                for stretch in records.stretches(text):
                    reading.take(stretch)
            found.append(type(reading.part).loads(reading.part.dumps()))
    (one,) = records.scanned(records.merged(found), "x.jsonl", sha256="", size=0).slices
    assert (one.count, one.seeds, one.seedless) == (9, (1, 1), (2, 5))
