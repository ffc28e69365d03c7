"""Outputs that exist: nothing is replaced, and no record goes to another name, unless the caller says so."""

import errno
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from reading import generating, whole_lines

import lineage
from lineage.errors import ClosedError, OutputExistsError, UsageError
from lineage.recording import outputs

NAMES = ["out.jsonl", "out.jsonl.gz", "out.jsonl.zst", "deep/er/out.jsonl"]


def write(folder, name="out.jsonl", n=0, exists=None):
    """One record in a session of its own; the path that it went to."""
    with generating(folder) as run, run.records(name, exists=exists) as out:
        out.write({"n": n})
    return out.path


@pytest.mark.parametrize("name", NAMES)
def test_an_output_of_another_session_is_an_error_that_names_the_choices(name, tmp_path):
    path = write(tmp_path, name)
    before = path.read_bytes()
    with pytest.raises(OutputExistsError) as raised:
        write(tmp_path, name)
    assert isinstance(raised.value, FileExistsError)
    assert isinstance(raised.value, UsageError)
    for choice in ("append", "number", "replace"):
        assert f'exists="{choice}"' in str(raised.value)
    assert str(path) in str(raised.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("exists", "expected"), [("append", [1, 2]), ("replace", [2])])
def test_the_caller_may_append_or_replace(name, exists, expected, tmp_path):
    path = write(tmp_path, name, 1)
    assert write(tmp_path, name, 2, exists) == path
    rows, broken = whole_lines(path)
    assert [row["n"] for row in rows] == expected
    assert broken == []


@pytest.mark.parametrize("name", NAMES)
def test_a_number_is_put_before_the_whole_suffix(name, tmp_path, caplog):
    write(tmp_path, name, 1)
    second, third = write(tmp_path, name, 2, "number"), write(tmp_path, name, 3, "number")
    assert second.name == name.rpartition("/")[2].replace("out", "out-2")
    assert third.name == name.rpartition("/")[2].replace("out", "out-3")
    assert second.name in caplog.text
    assert [row["n"] for row in whole_lines(second)[0]] == [2]


@pytest.mark.parametrize("exists", ["append", "number", "replace"])
def test_each_choice_creates_an_output_that_is_not_there(exists, tmp_path):
    assert [row["n"] for row in whole_lines(write(tmp_path, exists=exists))[0]] == [0]


@pytest.mark.parametrize("exists", ["overwrite", "", "error", True, 1])
def test_a_choice_that_does_not_exist_is_refused_at_once(exists, tmp_path):
    with pytest.raises(UsageError, match="exists="):
        write(tmp_path, exists=exists)
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("name", ["x.parquet", "x.json", "x.jsonl.bz2", "x.JSONL", "x", ".jsonl", "x.gz", "x.jsonl.zst.tmp"])
def test_a_name_that_promises_another_format_is_refused(name, tmp_path):
    with pytest.raises(UsageError, match=r"\.jsonl \.jsonl\.gz \.jsonl\.zst"):
        write(tmp_path, name)


@pytest.mark.parametrize("exists", [None, "append", "number", "replace"])
def test_what_the_session_made_is_appended_to_whatever_is_asked_for(exists, tmp_path):
    with generating(tmp_path) as run:
        for n in range(3):
            with run.records("out.jsonl", exists=exists) as out:
                out.write({"n": n})
    assert [row["n"] for row in whole_lines(out.path)[0]] == [0, 1, 2]
    assert out.path.name == "out.jsonl"


@pytest.mark.parametrize("exists", ["append", "replace"])
@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "pipe"])
def test_a_link_a_folder_or_a_pipe_is_neither_written_to_nor_deleted(kind, exists, tmp_path):
    target, victim = tmp_path / "artifacts" / "out.jsonl", tmp_path / "victim"
    target.parent.mkdir()
    victim.write_text("precious")
    {
        "link": lambda: target.symlink_to(victim),
        "dangling": lambda: target.symlink_to(tmp_path / "nowhere"),
        "folder": target.mkdir,
        "pipe": lambda: os.mkfifo(target),
    }[kind]()
    with pytest.raises(OSError):
        write(tmp_path / "artifacts", exists=exists)
    assert victim.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()
    assert os.path.lexists(target)


def test_replacing_a_hard_link_leaves_its_other_name_alone(tmp_path):
    path = write(tmp_path)
    kept = tmp_path / "kept"
    os.link(path, kept)
    before = kept.read_bytes()
    write(tmp_path, n=1, exists="replace")
    assert kept.read_bytes() == before


def test_a_folder_that_cannot_be_made_raises_and_so_does_a_report(tmp_path):
    blocked = tmp_path / "artifacts"
    blocked.write_text("a file")
    with lineage.session(blocked, export=False) as session:
        with session.generation() as run, pytest.raises(OSError) as raised:
            run.records("out.jsonl")
        with session.evaluation() as run, pytest.raises(OSError):
            run.report("report.json", summary={"a": 1}, results=[])
    assert not isinstance(raised.value, OutputExistsError)
    assert blocked.read_text() == "a file"


def test_recording_that_is_off_writes_under_the_same_rules(tmp_path, monkeypatch):
    monkeypatch.setenv("LINEAGE_DISABLED", "1")
    path = write(tmp_path)
    with pytest.raises(OutputExistsError):
        write(tmp_path)
    assert write(tmp_path, n=1, exists="append") == path
    assert path.read_text() == '{"n":0}\n{"n":1}\n'


def test_a_last_line_without_a_newline_is_ended_and_kept(tmp_path):
    (tmp_path / "out.jsonl").write_text('{"n": 0}')
    write(tmp_path, n=1, exists="append")
    assert [row["n"] for row in whole_lines(tmp_path / "out.jsonl")[0]] == [0, 1]


# --- many at once


def started_together(work, count, folder, *arguments):
    """Processes that all do *work* at one moment; what each returned."""
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(count), context.Queue()

    def one(number):
        barrier.wait(30)
        results.put((number, work(folder, number, *arguments)))

    processes = [context.Process(target=one, args=(number,)) for number in range(count)]
    for process in processes:
        process.start()
    found = dict(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    return found


def opened(folder, number, exists):
    """The name that a session of its own got, or the error."""
    try:
        with generating(folder) as run, run.records("out.jsonl", exists=exists) as out:
            for n in range(20):
                out.write({"who": number, "n": n})
                time.sleep(0.001 * number)
    except OutputExistsError:
        return "error"
    return out.path.name


@pytest.mark.parametrize(("exists", "expected"), [
    (None, ["error"] * 7 + ["out.jsonl"]),
    ("number", ["out-2.jsonl", "out-3.jsonl", "out-4.jsonl", "out-5.jsonl", "out-6.jsonl", "out-7.jsonl", "out-8.jsonl", "out.jsonl"]),
])  # fmt: skip
def test_sessions_that_open_one_name_at_one_moment_never_share_a_file(exists, expected, tmp_path):
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        names = started_together(opened, 8, folder, exists)
        assert sorted(names.values()) == expected
        for number, name in names.items():
            rows = whole_lines(folder / name)[0] if name != "error" else []
            assert {row["who"] for row in rows} <= {number}
            assert name == "error" or [row["n"] for row in rows] == list(range(20))
        wrong = {"altered-file", "count-differs", "listed-twice"} & {one.code for one in lineage.audit(folder).findings}
        assert wrong == set()


RANK = """
import lineage, sys
with lineage.session("artifacts", export=False) as session, session.generation() as run:
    with run.records("out.jsonl", exists=sys.argv[2] or None) as out:
        for n in range(100):
            out.write({"rank": int(sys.argv[1]), "n": n})
"""


@pytest.mark.parametrize("exists", ["", "append", "number", "replace"])
def test_processes_of_one_session_share_the_file_that_the_first_of_them_made(exists, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if exists:
        write(tmp_path / "artifacts", n=-1)
    with lineage.session("artifacts", export=False):
        ranks = [subprocess.Popen([sys.executable, "-c", RANK, str(rank), exists]) for rank in range(6)]
        assert [rank.wait() for rank in ranks] == [0] * 6
    name = "out-2.jsonl" if exists == "number" else "out.jsonl"
    rows, broken = whole_lines(tmp_path / "artifacts" / name)
    expected = [(rank, n) for rank in range(6) for n in range(100)]
    assert sorted((row["rank"], row["n"]) for row in rows if "rank" in row) == expected
    assert broken == []


def test_without_locks_a_process_waits_for_the_claim_of_another(tmp_path, monkeypatch):
    """A file system without locks: the file is there, the claim follows a moment later."""
    monkeypatch.setattr(outputs, "_locked", lambda descriptor: False)
    with lineage.session(tmp_path, export=False) as session, session.generation() as run:
        (tmp_path / "out.jsonl").touch()
        monkeypatch.setattr(session, "has_others", lambda: True)
        claimed = threading.Event()
        monkeypatch.setattr(session, "claimed", lambda path: claimed.is_set())
        threading.Timer(0.2, claimed.set).start()
        with run.records("out.jsonl") as out:
            out.write({"n": 1})
    assert [row["n"] for row in whole_lines(tmp_path / "out.jsonl")[0]] == [1]


# --- after the end


def test_a_closed_writer_says_that_it_is_closed(tmp_path):
    with generating(tmp_path) as run, run.records("out.jsonl") as out:
        out.write({"n": 1})
    out.close()
    for use in (lambda: out.write({"n": 2}), out.flush):
        with pytest.raises(ClosedError, match="closed") as raised:
            use()
        assert isinstance(raised.value, ValueError)
    assert len(whole_lines(out.path)[0]) == 1


def test_a_writer_that_is_sent_to_a_worker_says_what_to_do_instead(tmp_path):
    with generating(tmp_path) as run, run.records("out.jsonl") as out, multiprocessing.get_context("spawn").Pool(1) as pool:
        with pytest.raises(TypeError, match="open the session in the worker"):
            pool.map(out.write, [{"n": 1}])


def test_a_child_that_leaves_the_with_block_closes_its_own_copy_only(tmp_path):
    with generating(tmp_path) as run, run.records("out.jsonl") as out:
        out.write({"n": 0})
        pid = os.fork()
        if pid == 0:
            out.close()
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        out.write({"n": 1})
    assert [row["n"] for row in whole_lines(out.path)[0]] == [0, 1]


# --- reports


def report(folder, exists="number", n=0):
    with lineage.session(folder, export=False) as session, session.evaluation() as run:
        return run.report("report.json", summary={"n": n}, results=[], exists=exists)


def test_a_report_takes_the_next_free_name_and_says_so(tmp_path, caplog):
    names = [report(tmp_path, n=n).name for n in range(3)]
    assert names == ["report.json", "report-2.json", "report-3.json"]
    assert [json.loads((tmp_path / name).read_text())["summary"] for name in names] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert "report-2.json is written instead" in caplog.text


def test_two_reports_of_one_session_are_two(tmp_path):
    with lineage.session(tmp_path, export=False) as session, session.evaluation() as run:
        paths = [run.report("report.json", summary={"n": n}, results=[]) for n in range(2)]
    assert [json.loads(path.read_text())["summary"]["n"] for path in paths] == [0, 1]


def test_a_report_may_be_replaced_or_refused(tmp_path):
    path = report(tmp_path)
    with pytest.raises(OutputExistsError, match="replace"):
        report(tmp_path, "error", 1)
    assert json.loads(path.read_text())["summary"] == {"n": 0}
    assert report(tmp_path, "replace", 2) == path
    assert json.loads(path.read_text())["summary"] == {"n": 2}
    with pytest.raises(UsageError, match="exists="):
        report(tmp_path, "append")


def reported(folder, number):
    return report(folder, n=number).name


def no_link(*_, **__):
    raise OSError(errno.EPERM, "this file system has no links")


@pytest.mark.parametrize("has_links", [True, False])
def test_reports_of_one_name_at_one_moment_are_all_kept(has_links, tmp_path, monkeypatch):
    if not has_links:
        monkeypatch.setattr(os, "link", no_link)
    names = started_together(reported, 8, tmp_path)
    assert len(set(names.values())) == 8
    for number, name in names.items():
        assert json.loads((tmp_path / name).read_text())["summary"] == {"n": number}
    assert [path.name for path in Path(tmp_path).iterdir() if path.suffix == ".tmp"] == []
