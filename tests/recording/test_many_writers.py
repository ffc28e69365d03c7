"""Many processes and one file: no acknowledged record is lost, none is torn, and no line is blank."""

import multiprocessing
import os
import random
import threading
import time

import pytest
from reading import generating, recorded_of, whole_lines

import lineage
from lineage.recording.appending import LineFile, end_torn_line

WRITERS, KILLED = 32, 12


def written(folder, name, number, pipe):
    """Write records until killed; each number is sent after its record was acknowledged."""
    dice = random.Random(number)
    with lineage.session(folder, export=False) as session, session.generation() as run, run.records(name) as out:
        for n in range(60):
            out.write({"who": number, "n": n, "pad": "x" * dice.choice([10, 300, 5000, 40_000])})
            if name != "out.jsonl":
                out.flush()
            os.write(pipe, b"%d %d\n" % (number, n))


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.zst"])
def test_writers_that_are_killed_spoil_at_most_one_line_each(name, tmp_path):
    context = multiprocessing.get_context("fork")
    dice = random.Random(1)
    reader, writer = os.pipe()
    acknowledged = []

    def listen():
        with os.fdopen(reader, "rb") as lines:
            acknowledged.extend(tuple(line.split()) for line in lines)

    pump = threading.Thread(target=listen)
    pump.start()
    with lineage.session(tmp_path, export=False):
        processes = [context.Process(target=written, args=(tmp_path, name, number, writer)) for number in range(WRITERS)]
        for number, process in enumerate(processes):
            process.start()
            if number % 2 and number // 2 < KILLED:
                time.sleep(dice.random() * 0.05)
                processes[number // 2].kill()  # it may have ended by now
        for process in processes:
            process.join()
    os.close(writer)
    pump.join()
    rows, broken = whole_lines(tmp_path / name)
    found = [(row["who"], row["n"]) for row in rows]
    assert {(int(who), int(n)) for who, n in acknowledged} <= set(found)
    assert len(found) == len(set(found))
    assert len(broken) <= KILLED
    assert len(acknowledged) >= 60 * (WRITERS - KILLED)


def torn(folder, rest=b'{"n": "a torn line, witho'):
    """A file whose last line a killed process left torn, with another session's record before it."""
    with generating(folder) as run, run.records("out.jsonl") as out:
        out.write({"n": 0})
    with out.path.open("ab") as file:
        file.write(rest)
    return out.path


def test_a_writer_that_was_glued_to_a_torn_line_writes_its_line_again(tmp_path):
    with generating(tmp_path) as run, run.records("out.jsonl") as out:
        out.write({"n": 0})
        with out.path.open("ab") as other:
            other.write(b'{"n": "torn')
        out.write({"n": 1})
        out.write({"n": 2})
    rows, broken = whole_lines(out.path)
    assert [row["n"] for row in rows] == [0, 1, 2]
    assert len(broken) == 1
    artifact = recorded_of(run)
    assert artifact["count"] == 3


def test_who_appends_alone_ends_a_torn_line_first(tmp_path):
    path = torn(tmp_path)
    with generating(tmp_path) as run, run.records("out.jsonl", exists="append") as out:
        out.write({"n": 1})
    rows, broken = whole_lines(path)
    assert [row["n"] for row in rows] == [0, 1]
    assert broken == [b'{"n": "a torn line, witho']


@pytest.mark.parametrize(("rest", "expected"), [(b'{"n": 5}', b'{"n": 5}\n'), (b'{"n": ', b'{"n": ')])
def test_beside_others_only_a_whole_last_line_is_ended(rest, expected, tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(rest)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
    end_torn_line(descriptor, is_shared=True)
    os.close(descriptor)
    assert path.read_bytes() == expected


def test_openers_at_one_moment_end_a_line_once(tmp_path):
    for n in range(100):
        path = tmp_path / f"{n}.jsonl"
        path.write_bytes(b'{"n": 5}')
        gate = threading.Barrier(4)

        def opening(path=path, gate=gate):
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
            gate.wait()
            LineFile(descriptor, is_shared=True).close()

        threads = [threading.Thread(target=opening) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert path.read_bytes() == b'{"n": 5}\n'


def test_a_line_that_is_being_written_is_not_taken_for_a_torn_one(tmp_path):
    """One process writes large lines; another opens and closes the file all the time."""
    path = tmp_path / "x.jsonl"
    path.touch()
    writing = multiprocessing.get_context("fork").Process(target=large_lines, args=(path,))
    writing.start()
    while writing.is_alive():
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        end_torn_line(descriptor, is_shared=False)
        os.close(descriptor)
    writing.join()
    assert set(path.read_bytes().split(b"\n")[:-1]) == {b"x" * 4_000_000}


def large_lines(path):
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    for _ in range(40):
        os.write(descriptor, b"x" * 4_000_000 + b"\n")
