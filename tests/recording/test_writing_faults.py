"""Faults at every system call of writing: each acknowledged record is on the disk, or the user's call raised."""

import errno
import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from reading import generating, recorded_of, text_of, whole_lines

import lineage
from lineage.export import export_folder
from lineage.recording import batch

ERRORS = [errno.ENOSPC, errno.EIO, errno.EACCES, errno.EMFILE]
NAMES = ["out.jsonl", "out.jsonl.gz", "out.jsonl.zst"]
CALLS = ["open", "write", "fsync", "link", "replace", "unlink", "ftruncate", "lseek", "fstat", "mkdir", "pread", "close"]


class Faults:
    """System calls of which some fail."""

    def __init__(self, monkeypatch):
        self._monkeypatch, self.hits = monkeypatch, 0

    def fail(self, name, number, first, until):
        """The calls *first* to *until* of os.*name* raise the error *number*."""
        real, count = getattr(os, name), 0

        def failing(*arguments, **options):
            nonlocal count
            count += 1
            if first <= count < until:
                self.hits += 1
                if name == "close":  # Linux closes the descriptor whatever it says
                    real(*arguments)
                raise OSError(number, os.strerror(number))
            return real(*arguments, **options)

        self._monkeypatch.setattr(os, name, failing)

    def cut(self, first, until):
        """The calls *first* to *until* of os.write write half of what they are given."""
        real, count = os.write, 0

        def writing(descriptor, data):
            nonlocal count
            count += 1
            if first <= count < until and len(data) > 1:
                self.hits += 1
                return real(descriptor, data[: len(data) // 2])
            return real(descriptor, data)

        self._monkeypatch.setattr(os, "write", writing)


@pytest.fixture(params=["compiled", "python"])
def way(request, monkeypatch):
    """Both ways of a record into its file, for faults that the system itself makes."""
    if request.param == "python":
        monkeypatch.setattr(batch, "CompiledBatch", None)
        monkeypatch.setenv("LINEAGE_NO_KERNEL", "1")
    return request.param


@pytest.fixture(autouse=True)
def python_where_python_fails(request, monkeypatch):
    """A function of Python that fails is not called by compiled code."""
    if "way" not in request.fixturenames:
        monkeypatch.setattr(batch, "CompiledBatch", None)


@pytest.fixture
def faults(monkeypatch):
    return Faults(monkeypatch)


def acknowledged(run, name, sure):
    """Write records; the numbers of those that were acknowledged, and of those that a flush made sure of; whether the end raised."""
    done, raised = [], False
    try:
        with run.records(name) as out:
            for n in range(12):
                try:
                    out.write({"n": n, "pad": "x" * (n * 97 % 400)})
                    done.append(n)
                    if n % 4 == 3:
                        out.flush()
                        sure[:] = done
                except OSError:
                    raised = True
    except OSError:
        raised = True
    return done, raised


def check(folder, name, done, sure, raised):
    path = folder / name
    rows, broken = whole_lines(path) if path.exists() and path.stat().st_size else ([], [])
    found = [row["n"] for row in rows]
    expected = done if not raised or name.endswith("out.jsonl") else sure
    assert set(expected) <= set(found)
    assert len(found) == len(set(found)), "a record stands twice"
    assert raised or broken == []
    indexes = [(row["metadata"]["run_id"], row["metadata"]["record_index"]) for row in rows]
    assert len(indexes) == len(set(indexes))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_fails_once_loses_no_record(call, name, tmp_path, monkeypatch):
    hits = 0
    with generating(tmp_path) as run:
        for number, first in product(ERRORS, (1, 2, 3, 5, 8, 13, 21)):
            place, sure = f"{number}-{first}/{name}", []
            with monkeypatch.context() as patch:
                faults = Faults(patch)
                faults.fail(call, number, first, first + 1)
                done, raised = acknowledged(run, place, sure)
            check(tmp_path, place, done, sure, raised)
            hits += faults.hits
    assert hits or call in ("link", "replace", "unlink", "ftruncate", "pread") or (call == "lseek" and name != NAMES[0])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("call", ["open", "write", "fsync", "ftruncate", "lseek", "fstat"])
@pytest.mark.parametrize("number", ERRORS)
def test_a_call_that_fails_from_some_moment_on_loses_no_record(number, call, name, tmp_path, monkeypatch):
    with generating(tmp_path) as run:
        for first in (1, 4, 9):
            place, sure = f"{first}/{name}", []
            with monkeypatch.context() as patch:
                Faults(patch).fail(call, number, first, 10**6)
                done, raised = acknowledged(run, place, sure)
            check(tmp_path, place, done, sure, raised)


@pytest.mark.parametrize("name", NAMES)
def test_a_write_that_ends_early_is_finished(name, tmp_path, monkeypatch):
    with generating(tmp_path) as run:
        for first in range(1, 12):
            place, sure = f"{first}/{name}", []
            with monkeypatch.context() as patch:
                Faults(patch).cut(first, first + 1)
                done, raised = acknowledged(run, place, sure)
            check(tmp_path, place, done, sure, raised)


@pytest.mark.parametrize("name", NAMES)
def test_a_write_that_ends_early_and_then_fails_leaves_no_part_behind(name, tmp_path, monkeypatch):
    with generating(tmp_path) as run, monkeypatch.context() as patch:
        faults, sure = Faults(patch), []
        with run.records(name) as out:
            out.write({"n": 0})
            out.flush()
            before = out.path.read_bytes()
            faults.cut(1, 10**6)
            with pytest.raises(OSError):
                out.write({"n": 1})
                out.flush()
            assert out.path.read_bytes() == before
            patch.undo()
            out.write({"n": 2})
    rows, broken = whole_lines(out.path)
    assert {0, 2} <= {row["n"] for row in rows}
    assert broken == [] == sure


def test_a_session_goes_on_after_a_fault_and_its_manifest_is_true(tmp_path, monkeypatch):
    with generating(tmp_path) as run, run.records("out.jsonl") as out:
        out.write({"n": 0})
        with monkeypatch.context() as patch:
            Faults(patch).fail("write", errno.ENOSPC, 1, 2)
            with pytest.raises(OSError):
                out.write({"n": 1})
        out.write({"n": 2})
    artifact = recorded_of(run)
    assert artifact["count"] == 2
    assert [row["metadata"]["record_index"] for row in whole_lines(out.path)[0]] == [0, 1]
    assert {one.code for one in export_folder(tmp_path, only=("json",)).findings} == set()


# --- reports


@pytest.mark.parametrize("exists", ["number", "replace", "error"])
@pytest.mark.parametrize("call", ["open", "fsync", "link", "replace", "unlink", "mkdir"])
@pytest.mark.parametrize("number", ERRORS)
def test_a_report_is_whole_or_the_call_raises(number, call, exists, tmp_path, monkeypatch):
    with lineage.session(tmp_path, export=False) as session, session.evaluation() as run:
        for first in (1, 2, 3):
            with monkeypatch.context() as patch:
                Faults(patch).fail(call, number, first, first + 1)
                try:
                    written = run.report(f"{first}/report.json", summary={"n": 1}, results=[{"text": "x" * 9000}], exists=exists)
                except OSError:
                    written = None
            found = list((tmp_path / str(first)).glob("*.json")) if (tmp_path / str(first)).exists() else []
            assert written is None or written in found
            assert [json.loads(path.read_bytes())["summary"] for path in found] == [{"n": 1}] * len(found)
            assert call == "unlink" or not list((tmp_path / str(first)).glob(".*.tmp"))


# --- disks


LIMITED = """
import resource, signal, sys, lineage
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
done, raised = 0, 0
with lineage.session("artifacts", export=False) as session, session.generation() as run:
    out = run.records(sys.argv[1])
    out.write({"n": 0})
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
    for n in range(1, 400):
        try:
            out.write({"n": n, "pad": "x" * 100})
            done = n
        except OSError:
            raised += 1
    out.close()
print(done, raised)
"""


def test_a_limit_on_the_size_of_files_raises_and_keeps_whole_lines(way, tmp_path):
    command = [sys.executable, "-c", LIMITED, "out.jsonl"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    done, raised = map(int, ended.stdout.split())
    rows, broken = whole_lines(tmp_path / "artifacts" / "out.jsonl")
    assert [row["n"] for row in rows] == list(range(done + 1))
    assert raised == 399 - done
    assert broken == []
    indexes = [row["metadata"]["record_index"] for row in rows]
    assert indexes == list(range(done + 1))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("name", NAMES)
def test_on_a_full_disk_the_call_raises_and_what_was_acknowledged_is_there(name, way, small_disk):
    done, sure, raised = [], [], False
    with lineage.session(small_disk / "artifacts", export=False) as session, session.generation() as run:
        try:
            with run.records(name) as out:
                for n in range(5000):
                    out.write({"n": n, "pad": os.urandom(400).hex()})
                    done.append(n)
                    if n % 50 == 49:
                        out.flush()
                        sure[:] = done
        except OSError as error:
            raised = error.errno == errno.ENOSPC
    assert raised
    check(small_disk / "artifacts", name, done, sure, raised)
    assert len(sure) > 100
    assert text_of(Path(out.path)).endswith(b"\n")


def test_a_report_on_a_full_disk_raises_and_leaves_nothing_behind(small_disk):
    with lineage.session(small_disk / "artifacts", export=False) as session, session.evaluation() as run, pytest.raises(OSError):
        run.report("report.json", summary={"n": 1}, results=["x" * (2 << 20)])
    assert not list((small_disk / "artifacts").glob("report*"))
    assert not list((small_disk / "artifacts").glob("*.tmp"))
