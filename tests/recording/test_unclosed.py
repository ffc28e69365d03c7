"""A file whose writers end in every order: what is recorded of it is true at the end."""

import multiprocessing
import os
import signal

import pytest
from reading import generating, recorded_of, whole_lines

import lineage
from lineage.integrity.verify import verify
from lineage.recording.close import close_sessions


def killed(folder, name, opened, goes_on):
    with lineage.session(folder, export=False) as session, session.generation() as run, run.records(name) as out:
        out.write({"n": 1})
        opened.set()
        goes_on.wait(30)
        out.write({"n": 2})
        out.flush()
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_digest_is_of_the_file_as_a_killed_writer_left_it(is_first, name, tmp_path):
    context = multiprocessing.get_context("spawn")
    opened, goes_on = context.Event(), context.Event()
    with generating(tmp_path) as run:
        child = context.Process(target=killed, args=(tmp_path, name, opened, goes_on))
        if is_first:
            with run.records(name) as out:
                out.write({"n": 0})
                child.start()
                assert opened.wait(30)
        else:
            child.start()
            assert opened.wait(30)
        goes_on.set()
        child.join()
    rows, broken = whole_lines(tmp_path / name)
    assert [row["n"] for row in rows] == ([0, 1, 2] if is_first else [1, 2])
    assert broken == []
    assert recorded_of(run, name)["count"] == len(rows)
    assert verify(tmp_path / name).status == "intact"


def owner_and_child_are_killed(folder, opened, goes_on):
    with generating(folder) as run:
        with run.records("out.jsonl") as out:
            out.write({"n": 0})
            child = multiprocessing.get_context("spawn").Process(target=killed, args=(folder, "out.jsonl", opened, goes_on))
            child.start()
            opened.wait(30)
        goes_on.set()
        child.join()
        os.kill(os.getpid(), signal.SIGKILL)


def test_closing_a_session_records_a_file_anew_that_a_killed_process_went_on_with(tmp_path):
    context = multiprocessing.get_context("spawn")
    opened, goes_on = context.Event(), context.Event()
    owner = context.Process(target=owner_and_child_are_killed, args=(tmp_path, opened, goes_on))
    owner.start()
    owner.join()
    assert set(close_sessions(tmp_path).closed.values()) == {"interrupted"}
    assert verify(tmp_path / "out.jsonl").status == "intact"


def test_a_file_that_cannot_be_closed_leaves_no_other_open(tmp_path, monkeypatch):
    real, left = os.fsync, [True]

    def failing(descriptor):
        if left:
            left.pop()
            raise OSError(28, "No space left on device")
        real(descriptor)

    with lineage.session(tmp_path, export=False) as session:
        with pytest.raises(OSError, match="No space"), session.generation() as run:
            outs = [run.records(name) for name in ("a.jsonl", "b.jsonl.gz")]
            for out in outs:
                out.write({"n": 0})
            monkeypatch.setattr(os, "fsync", failing)
    assert len(whole_lines(tmp_path / "b.jsonl.gz")[0]) == 1
    assert recorded_of(run, "b.jsonl.gz")["count"] == 1
    assert run._fact.status == "failed"
