"""A signal may raise after any call inside `write`: the record stands once in the file or not at all, and what is recorded is true."""

import sys
from dataclasses import astuple

import pytest
from reading import whole_lines

import lineage
from lineage.integrity import index
from lineage.recording import frames, tally, writer

MODULES = {one.__file__ for one in (writer, tally, frames)} | {writer.__file__.replace("writer", "appending")}
NAMES = ["out.jsonl", "out.jsonl.gz", "out.jsonl.zst"]
PLACES = 1000  # more than there are calls in what is done below


class Signal(BaseException):
    """What a handler of a signal raises."""


class Signals:
    """Raise once, at one of the moments at which Python runs the handlers of signals: when a call begins or has returned."""

    def __init__(self, place):
        self._left, self.came = place, False

    def __call__(self, frame, event, argument):
        if frame.f_code.co_filename not in MODULES or event not in ("call", "c_return"):
            return
        self._left -= 1
        if self._left == 0:
            sys.setprofile(None)
            self.came = True
            raise Signal


def interrupted(out, signals, first, last):
    """Write records; the numbers of those that were acknowledged."""
    done = []
    sys.setprofile(signals)
    try:
        for n in range(first, last):
            out.write({"n": n, "pad": "x" * 60}, generation_params={"seed": n, "top_k": n % 2})
            done.append(n)
    except Signal:
        pass
    finally:
        sys.setprofile(None)
    return done


@pytest.mark.parametrize("goes_on", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_a_signal_in_the_midst_of_a_write_neither_loses_nor_repeats_a_record(name, goes_on, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "BATCH", 1000)
    monkeypatch.setattr(frames, "FRAME", 1300)
    monkeypatch.setattr(frames, "DELAY", 1000)
    wrong = []
    with lineage.session(tmp_path, export=False) as session:
        for place in range(1, PLACES):
            signals = Signals(place)
            with session.generation() as run, run.records(f"{place}/{name}") as out:
                done = interrupted(out, signals, 0, 6)
                if goes_on:
                    for n in range(6, 9):
                        out.write({"n": n})
                        done.append(n)
            (fact,) = run._fact.made
            wrong += [(place, told) for told in faults_of(out.path, done, fact)]
            if not signals.came:
                break
    assert wrong == []
    assert 50 < place < PLACES - 1


def faults_of(path, done, fact):
    """What is wrong with a file, and with what was recorded of it."""
    rows, broken = whole_lines(path)
    numbers = [row["n"] for row in rows]
    found = index.build(path, keep=False)
    checks = {
        "a line is broken": broken == [],
        "a record is lost": set(done) <= set(numbers),
        "a record stands twice": len(numbers) == len(set(numbers)),
        "a time is broken": all(row["metadata"]["timestamp"].startswith("20") for row in rows),
        "the count is wrong": fact.count == sum(one.count for one in fact.slices) == len(rows),
        "the digest is wrong": (fact.sha256, fact.bytes, fact.lines, fact.merkle_root) == astuple(found),
        "the sidecar is wrong": index.read(path).seal == found,
    }
    return [problem for problem, is_right in checks.items() if not is_right]
