"""The compiled way of a record into its file writes the bytes that Python writes, counts what Python counts, and fails as it does."""

import errno
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
from dataclasses import asdict
from itertools import count
from pathlib import Path

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from reading import generating, whole_lines

from lineage.errors import LineageError
from lineage.kernel import CompiledBatch, batch_reason
from lineage.recording import batch, writer
from lineage.recording.appending import LineFile

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.skipif(not CompiledBatch, reason=f"batch.c is not there: {batch_reason}")

NUMBERS = st.integers() | st.integers(-(2**70), 2**70) | st.floats()
SIMPLE = st.none() | st.booleans() | NUMBERS | st.text(max_size=20) | st.just("null")
VALUES = st.recursive(
    SIMPLE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=5
)
RECORDS = (
    st.dictionaries(st.sampled_from(["a", "null", "é", "metadata", "n"]), VALUES, max_size=4) | st.just({}) | st.just({"long": "x" * 3000})
)
PARAMS = st.none() | st.dictionaries(
    st.sampled_from(["seed", "temperature", "top_k"]), NUMBERS | st.text(max_size=3) | st.none(), max_size=3
)
TOKENS = st.none() | st.just({"prompt_ids": [1, 2]})
ROWS = st.lists(st.tuples(RECORDS, PARAMS, TOKENS), max_size=12)
TIMES = st.integers(-(10**15), 4 * 10**18)


def outcome(run, name, rows, clock):
    """The bytes of the file, what was counted, and what each call raised."""
    raised, ticks, recorded = [], iter(clock), []
    with pytest.MonkeyPatch.context() as patch:
        out = run.records(name)
        patch.setattr(writer, "time_ns", lambda: next(ticks))
        for record, own, tokens in rows:
            try:
                out.write(record, generation_params=own, tokens=tokens)
            except (LineageError, TypeError, ValueError) as error:
                raised.append((type(error), str(error).replace(name, "NAME")))
        patch.setattr(out, "_record", recorded.append)
        out.close()
    (facts,) = recorded
    counted = facts and ([asdict(one) for one in facts.slices], facts.count, facts.seal.merkle_root, facts.seal.sha256)
    return out.path.read_bytes(), counted, raised, out._numbering.next


@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate])
@example([({"a": None, "null": []}, None, None), ({"a": [float("nan")]}, {"seed": 2**70}, None), ({}, None, None)], 0, 1000, 1)
@given(ROWS, TIMES, st.integers(1, 3 * 10**9), st.integers(1, 5000))
def test_both_ways_write_and_count_the_same(tmp_path_factory, rows, start, step, size):
    folder = tmp_path_factory.mktemp("both")
    with pytest.MonkeyPatch.context() as patch, generating(folder, {"temperature": 0.5}) as run:
        patch.setattr(writer, "BATCH", size)
        compiled = outcome(run, "compiled.jsonl", rows, count(start, step))
        patch.setattr(batch, "CompiledBatch", None)
        in_python = outcome(run, "python.jsonl", rows, count(start, step))
    assert compiled == in_python


def test_the_compiled_way_is_taken(tmp_path):
    with generating(tmp_path) as run, run.records("out.jsonl") as out:
        assert isinstance(out._batch, CompiledBatch)
        out.write({"n": 0})
        assert (out._batch.count, out._batch.last, out._batch.end) == (1, 0, out.path.stat().st_size)


def put(compiled, body=b'{"n":1}', index=0, waiting=None, **changed):
    given = {
        "record": {},
        "body": body,
        "before": b',"metadata":{"seed":',
        "seed": 7,
        "after": b',"timestamp":"',
        "time": 0,
        "index": index,
        "extra": b"",
    }
    return compiled.put(*{**given, **changed}.values(), [] if waiting is None else waiting)


LINE = b'{"n":1,"metadata":{"seed":7,"timestamp":"1970-01-01T00:00:00.000000+00:00","record_index":0}}\n'


@pytest.mark.parametrize("path", ["/dev/full", None], ids=["full", "closed"])
def test_an_error_of_the_system_is_raised_and_nothing_is_counted(path, tmp_path):
    descriptor = os.open(path or tmp_path / "x", os.O_WRONLY | os.O_CREAT)
    if path is None:
        os.close(descriptor)
    compiled, waiting = CompiledBatch(descriptor), []
    with pytest.raises(OSError) as raised:
        put(compiled, waiting=waiting)
    assert raised.value.errno == (errno.ENOSPC if path else errno.EBADF)
    assert (compiled.end, compiled.last, compiled.count, compiled.size, waiting) == (0, -1, 0, 0, [])


def test_a_line_that_is_not_where_the_file_ended_is_handed_back_and_settled(tmp_path):
    descriptor = os.open(tmp_path / "x", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    file = LineFile(descriptor, is_shared=True)
    (tmp_path / "x").write_bytes(b'{"torn')
    assert put(file.batch) == (LINE, len(LINE), 0)
    assert (file.end, file.batch.last, file.batch.count) == (-1, 0, 0)
    file.settle(LINE, len(LINE), 0)
    assert (tmp_path / "x").read_bytes() == b'{"torn' + LINE + LINE
    assert file.end == (tmp_path / "x").stat().st_size
    assert not file.is_alone
    file.close()


class Interrupted(OSError):
    """What a handler raises."""


@pytest.mark.parametrize("raises", [True, False])
def test_a_write_that_a_signal_interrupts_is_tried_again_unless_the_handler_raises(raises):
    """The writer waits for room in a pipe when the signal comes; a part of a line would be handed back."""
    reader, end = os.pipe()
    fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 4096)
    os.write(end, b"x" * 4096)
    calls, compiled = [], CompiledBatch(end)

    def handler(number, frame):
        calls.append(number)
        with pytest.raises(RuntimeError, match="another thread"):
            compiled.add(b"line\n")
        if raises:
            raise Interrupted
        os.read(reader, 4096)

    before = signal.signal(signal.SIGUSR1, handler)
    timer = threading.Timer(0.3, signal.pthread_kill, (threading.main_thread().ident, signal.SIGUSR1))
    timer.start()
    try:
        if raises:
            with pytest.raises(Interrupted):
                put(compiled)
            assert (compiled.end, compiled.last, compiled.count) == (0, -1, 0)
        else:
            assert put(compiled) == (LINE, len(LINE), 0)  # a pipe has no place: the caller finds that out
            assert os.read(reader, 4096) == LINE
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
        os.close(reader)
        os.close(end)
    assert calls == [signal.SIGUSR1]


def test_an_index_is_neither_skipped_nor_doubled_when_a_write_is_interrupted(tmp_path, monkeypatch):
    """A handler may raise an OSError, too: before anything was written, or after all was."""
    with generating(tmp_path) as run, run.records("out.jsonl") as out:

        class Raising:
            def __init__(self, first):
                self.last, self.first = -1, first

            def put(self, *given):
                if self.first:
                    raise Interrupted
                inner.put(*given)
                self.last = inner.last
                raise Interrupted

        inner = out._compiled
        for n in range(4):
            out.write({"n": n})
            out._compiled = Raising(n % 2)
            with pytest.raises(Interrupted):
                out.write({"n": n + 100})
            out._compiled = inner
    rows, broken = whole_lines(out.path)
    assert broken == []
    assert [row["n"] for row in rows] == [0, 100, 1, 2, 102, 3]
    assert [row["metadata"]["record_index"] for row in rows] == list(range(6))


@pytest.mark.parametrize(
    "changed", [{"body": "text"}, {"before": None}, {"seed": 1.5}, {"time": "now"}, {"index": 2**70}, {"extra": 1}], ids=repr
)
def test_what_is_no_part_of_a_line_is_refused_before_anything_is_written(changed, tmp_path):
    descriptor = os.open(tmp_path / "x", os.O_WRONLY | os.O_CREAT)
    with pytest.raises((TypeError, OverflowError)):
        put(CompiledBatch(descriptor), **changed)
    os.close(descriptor)
    assert (tmp_path / "x").read_bytes() == b""


def test_lines_longer_than_the_room_that_is_kept(tmp_path):
    descriptor = os.open(tmp_path / "x", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    compiled = CompiledBatch(descriptor)
    lengths = [10, 5_000_000, 10, 3_000_000]
    for n, length in enumerate(lengths):
        assert put(compiled, body=b'{"n":"' + b"x" * length + b'"}', index=n) is None
        if n % 2:
            assert len(compiled.take()) > length
    os.close(descriptor)
    assert [len(line) for line in (tmp_path / "x").read_bytes().splitlines()] == [length + len(LINE) for length in lengths]


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed: apt-get install gcc")
def test_under_a_sanitizer_no_byte_is_touched_that_is_not_its_own(tmp_path):
    made, source = tmp_path / "lineage/kernel/batch.abi3.so", ROOT / "lineage/kernel/batch.c"
    shutil.copytree(ROOT / "lineage", tmp_path / "lineage", ignore=shutil.ignore_patterns("__pycache__"))
    made.unlink()
    flags = ["-std=c11", "-O1", "-g", "-fPIC", "-shared", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    subprocess.run(["gcc", *flags, f"-I{sysconfig.get_path('include')}", f'-DSOURCE="{digest}"', "-o", made, source], check=True)
    library = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True).stdout.strip()
    surroundings = {
        **os.environ,
        "LD_PRELOAD": library,
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": f"{tmp_path}:{Path(__file__).parent}",
    }
    code = "import test_compiled_batch as t, tempfile, pathlib; assert str(t.CompiledBatch); t.work(pathlib.Path(tempfile.mkdtemp())); print('clean')"
    done = subprocess.run([sys.executable, "-c", code], env=surroundings, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "clean", done.stderr[-3000:]


def work(folder):
    """Write lines of many lengths."""
    with generating(folder) as run, run.records("out.jsonl") as out:
        for n in range(600):
            record = {"n": n, "pad": "x" * (n * 97 % 4000)} if n % 5 else {}
            out.write(record, generation_params={"seed": (-3) ** n} if n % 2 else None)
            if n % 7 == 0:
                out.write({"deep": [None, float("nan")]})
    assert len(whole_lines(out.path)[0]) == 600 + 86
