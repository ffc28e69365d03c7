"""The compiled loops say what Python says, and read no byte that is not theirs."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lineage.contract import records
from lineage.contract.lines import Stretch
from lineage.contract.records import Reading
from lineage.kernel import UNPROVED, Matcher, kernel, reason

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.skipif(not kernel, reason=f"the kernel is not there: {reason}")

METADATA = {
    "provenance": {"loader_version": "a" * 40, "template_disabled": True, "model_name": "é", "quantization": "nf4", "sentinel_tests_passed": None, "add_special_tokens": False},
    "run_id": "r", "generation_params": {"temperature": 0.7, "seed": 12}, "timestamp": "2026-01-31T23:59:59.123456+00:00", "record_index": 3,
    "tokens": {"prompt_ids": [1, 2, 3]}, "previous": {"a": [1.5e-3, "x\\"]},
}  # fmt: skip
RECORD = {
    "instruction": 'say "metadata":{}',
    "response": "line\n\tone \u2028 😀 \x7f",
    "n": -0.5,
    "deep": [[{"a": {}}], []],
    "metadata": METADATA,
}
SPELLED = [
    json.dumps(RECORD, ensure_ascii=False),
    json.dumps(RECORD),
    json.dumps(RECORD, separators=(",", ":")),
    json.dumps({"metadata": METADATA, **RECORD}, ensure_ascii=False),
    json.dumps({"a": 1}),
]
ODD = [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\x00", b"\x1f", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\\u0061", b"\\ud800", b"\\x", b"0", b"00", b"e9", b"1e99", b"1e999", b"NaN", b"-", b" ", b"\t", b"\r", b"\x0b", b'"metadata":null,', b'"seed":1,', b'"a":1,"a":2,', b"\xef\xbb\xbf", b"true", b"9" * 20]  # fmt: skip


def mutated(line, rng):
    """The line with a few bytes changed, dropped, or put in."""
    for _ in range(rng.choice((0, 1, 1, 2))):
        at = rng.randrange(len(line) + 1)
        line = line[:at] + rng.choice((b"", rng.choice(ODD), bytes([rng.randrange(256)]))) + line[at + rng.randrange(4) :]
    return line.replace(b"\n", b" ")


def read(data, with_kernel):
    with pytest.MonkeyPatch.context() as patch:
        if not with_kernel:
            patch.setattr(records, "kernel", None)
        reading = Reading()
        cut = data.find(b"\n", len(data) // 2) + 1
        for part in (data[:cut], data[cut:]):
            if part:
                reading.take(Stretch(part, 0))
        return reading.part


@pytest.mark.parametrize("seed", range(40))
def test_mutated_lines_are_read_as_the_full_parse_reads_them(seed):
    rng = random.Random(seed)
    lines = [mutated(rng.choice(SPELLED).encode(), rng) for _ in range(250)]
    data = rng.choice((b"\n", b"\r\n")).join(lines) + rng.choice((b"", b"\n"))
    assert read(data, True).dumps() == read(data, False).dumps()


def test_most_lines_that_are_alike_are_matched_in_whatever_spelling():
    for text in SPELLED[:4]:
        matcher = Matcher(kernel)
        assert matcher.learn(text.encode()) == 0 and matcher.learn(text.encode()) is None
        other = text.replace('"seed": 12', '"seed": -77').replace("23:59:59.123456", "00:00:00").replace("[1, 2, 3]", "[]")
        other = other.replace("line", "another")
        ((_, _, shape, time, at, time_size, size),) = matcher.lines(other.encode())
        data = other.encode()
        assert shape == 0 and data[time : time + time_size].startswith(b"2026-01-31T") and data[at : at + size] in (b"-77", b"12")


def test_a_time_that_does_not_exist_and_a_seed_that_is_no_integer_are_not_proved():
    text = SPELLED[2]
    for old, new in (("2026-01-31", "2026-02-29"), ("2026-01-31", "2026-13-01"), ("23:59:59", "24:00:00"), ("23:59:59", "23:59:60"), ("+00:00", "Z"), ('"seed":12', '"seed":true'), ('"seed":12', '"seed":-0'), ('"seed":12', '"seed":012'), ('"seed":12', '"seed":1.0')):  # fmt: skip
        matcher = Matcher(kernel)
        matcher.learn(text.encode())
        assert old in text
        assert [one[2] for one in matcher.lines(text.replace(old, new).encode())] == [UNPROVED], new
    matcher = Matcher(kernel)
    matcher.learn(text.encode())
    assert [one[2] for one in matcher.lines(text.replace("2026-01-31", "2024-02-29").encode())] == [0]


def test_no_more_shapes_are_learned_than_there_is_room_for():
    matcher = Matcher(kernel)
    learned = [matcher.learn(json.dumps({"metadata": {"n": n}}).encode()) for n in range(300)]
    assert learned == [*range(256), *[None] * 44]


SANITIZED = """
import random, sys, ctypes, runpy
from lineage import kernel as room
library = ctypes.CDLL(sys.argv[1])
assert room._sha256(library)
fast = room.Kernel(library)
tests = runpy.run_path(sys.argv[2])
for seed in range(200):
    rng = random.Random(seed)
    matcher = room.Matcher(fast)
    lines = [tests["mutated"](rng.choice(tests["SPELLED"]).encode(), rng) for _ in range(50)]
    for line in lines:
        matcher.learn(line)
        matcher.learn(line[: rng.randrange(len(line) + 1)])
    data = b"\\n".join(lines)
    data = data[: rng.randrange(len(data))] if seed % 2 else data
    list(matcher.lines(data)), matcher.runs(data)
    fast.grown(bytearray(room.STACK), 0, fast.rows(data, 5)), fast.short(fast.rows(data, 5))
print("clean")
"""


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed: apt-get install gcc")
def test_under_a_sanitizer_no_byte_is_read_that_is_not_theirs(tmp_path):
    made, source = tmp_path / "kernel.so", ROOT / "lineage/kernel/kernel.c"
    flags = ["-std=c99", "-O1", "-g", "-fPIC", "-shared", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    subprocess.run(["gcc", *flags, "-o", made, source], check=True)
    library = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True).stdout.strip()
    surroundings = {**os.environ, "LD_PRELOAD": library, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}
    done = subprocess.run(
        [sys.executable, "-c", SANITIZED, made, __file__], env=surroundings, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "clean", done.stderr[-3000:]


def test_a_library_that_cannot_be_loaded_or_is_of_another_source_is_not_used(tmp_path):
    shutil.copytree(ROOT / "lineage/kernel", tmp_path / "lineage/kernel")
    (tmp_path / "lineage/__init__.py").write_text("")
    code = "from lineage.kernel import kernel, reason; print(kernel, reason)"

    def said():
        return subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True).stdout  # fmt: skip

    assert said().startswith("<")
    with (tmp_path / "lineage/kernel/kernel.c").open("a") as source:
        source.write("\n")
    assert "another version" in said()
    (tmp_path / "lineage/kernel/kernel.so").write_bytes(b"nonsense")
    assert said().startswith("None it cannot be loaded")


def test_an_extension_that_cannot_be_loaded_or_is_of_another_source_is_not_used(tmp_path):
    shutil.copytree(ROOT / "lineage/kernel", tmp_path / "lineage/kernel")
    (tmp_path / "lineage/__init__.py").write_text("")
    code = "from lineage.kernel import CompiledBatch, batch_reason; print(CompiledBatch, batch_reason)"

    def answer():
        surroundings = {**os.environ, "PYTHONPATH": str(tmp_path)}
        command = [sys.executable, "-c", code]
        return subprocess.run(command, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=True).stdout

    assert answer().startswith("<class")
    with (tmp_path / "lineage/kernel/batch.c").open("a") as source:
        source.write("\n")
    assert "another version" in answer()
    (tmp_path / "lineage/kernel/batch.abi3.so").write_bytes(b"nonsense")
    assert answer().startswith("None it cannot be loaded")
    (tmp_path / "lineage/kernel/batch.abi3.so").unlink()
    assert answer().startswith("None it was not compiled")


def test_many_shapes_are_told_apart_and_a_value_of_its_own_may_come_first():
    lines = [
        json.dumps({"metadata": {"tokens": {"prompt_ids": list(range(n % 7))}, "previous": {"b": n}, "n": n % 200}}).encode()
        for n in range(400)
    ]
    matcher = Matcher(kernel)
    assert [matcher.learn(line) for line in lines] == [*range(200), *[None] * 200]
    assert [one[2] for one in matcher.lines(b"\n".join(lines))] == [n % 200 for n in range(400)]


def test_without_the_kernel_everything_is_the_same(tmp_path):
    lines = "".join(json.dumps({**RECORD, "n": n}) + "\n" for n in range(50))
    (tmp_path / "x.jsonl").write_text(lines)
    code = "import sys; from pathlib import Path; from lineage.contract import records; from lineage.integrity import index; from lineage.kernel import kernel; p = Path(sys.argv[1]); print(kernel is None, records.scan(p, 'x'), index.build(p, keep=False))"
    said = []
    for off in ("0", "1"):
        done = subprocess.run([sys.executable, "-c", code, tmp_path / "x.jsonl"], env={**os.environ, "LINEAGE_NO_KERNEL": off}, capture_output=True, text=True, check=True)  # fmt: skip
        said.append(done.stdout.split(" ", 1))
    assert [one[0] for one in said] == ["False", "True"] and said[0][1] == said[1][1]
