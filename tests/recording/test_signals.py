"""A signal may raise after any call inside `write`: the record stands once in the file or not at all, and what is recorded is true."""

import os
import signal
import sys
from dataclasses import astuple
from functools import partial

import pytest
from reading import generating, whole_lines

import lineage
from lineage.capture import files, reading
from lineage.core.handlers import is_of_handler
from lineage.errors import UsageError
from lineage.integrity import index
from lineage.recording import batch, frames, prepared, tally, writer

MODULES = {one.__file__ for one in (writer, tally, frames)} | {writer.__file__.replace("writer", "appending")}
NAMES = ["out.jsonl", "out.jsonl.gz", "out.jsonl.zst"]
WAYS = [(name, False) for name in NAMES] + [(NAMES[0], True)] * bool(batch.CompiledBatch)
PLACES = 1000  # more than there are calls in what is done below


class Signal(BaseException):
    """What a handler of a signal raises."""


class Signals:
    """Raise once, at one of the moments at which Python runs the handlers of signals: when a call begins or has returned."""

    def __init__(self, place, kind):
        self._left, self.kind, self.came = place, kind, False

    def __call__(self, frame, event, argument):
        if frame.f_code.co_filename not in MODULES or event not in ("call", "c_return"):
            return
        self._left -= 1
        if self._left == 0:
            sys.setprofile(None)
            self.came = True
            raise self.kind


def interrupted(out, signals, first, last):
    """Write records; the numbers of those that were acknowledged."""
    done = []
    sys.setprofile(signals)
    try:
        for n in range(first, last):
            out.write({"n": n, "pad": "x" * 60}, generation_params={"seed": n, "top_k": n % 2})
            done.append(n)
    except signals.kind:
        pass
    finally:
        sys.setprofile(None)
    return done


@pytest.mark.parametrize("kind", [Signal, TimeoutError], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("goes_on", [True, False], ids=["goes-on", "ends"])
@pytest.mark.parametrize(("name", "is_compiled"), WAYS, ids=lambda value: str(value).replace("out.", ""))
def test_a_signal_in_the_midst_of_a_write_neither_loses_nor_repeats_a_record(name, goes_on, kind, is_compiled, tmp_path, monkeypatch):
    if not is_compiled:
        monkeypatch.setattr(batch, "CompiledBatch", None)
    monkeypatch.setattr(writer, "BATCH", 1000)
    monkeypatch.setattr(frames, "FRAME", 1300)
    monkeypatch.setattr(frames, "DELAY", 1000)
    wrong = []
    with lineage.session(tmp_path, export=False) as session:
        for place in range(1, PLACES):
            signals = Signals(place, kind)
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
    indexes = [row["metadata"]["record_index"] for row in rows]
    checks = {
        "an index stands twice": len(indexes) == len(set(indexes)),
        "a line is broken": broken == [],
        "a record is lost": set(done) <= set(numbers),
        "a record stands twice": len(numbers) == len(set(numbers)),
        "a time is broken": all(row["metadata"]["timestamp"].startswith("20") for row in rows),
        "the count is wrong": fact.count == sum(one.count for one in fact.slices) == len(rows),
        "the digest is wrong": (fact.sha256, fact.bytes, fact.lines, fact.merkle_root) == astuple(found),
        "the sidecar is wrong": index.read(path).seal == found,
    }
    return [problem for problem, is_right in checks.items() if not is_right]


@pytest.fixture
def alarm():
    """A function that installs a handler of SIGALRM."""
    before = signal.getsignal(signal.SIGALRM)
    yield lambda handler: signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("call", ["write", "flush", "close"])
@pytest.mark.parametrize(("name", "is_compiled"), WAYS, ids=lambda value: str(value).replace("out.", ""))
def test_a_handler_that_uses_the_writer_it_interrupted_is_refused_and_waits_for_nothing(
    name, is_compiled, call, tmp_path, monkeypatch, alarm
):
    if not is_compiled:
        monkeypatch.setattr(batch, "CompiledBatch", None)
    refused, taken = [], []
    with generating(tmp_path) as run, run.records(name) as out:

        def handler(number, frame):
            try:
                getattr(out, call)(*[{"n": -1}] * (call == "write"))
            except UsageError as error:
                refused.append(str(error))
            else:
                taken.append(call)

        alarm(handler)
        tally = out._tally.fold
        monkeypatch.setattr(out._tally, "fold", lambda: (os.kill(os.getpid(), signal.SIGALRM), tally()))
        monkeypatch.setattr(writer, "BATCH", 1)
        out.write({"n": 0})
        monkeypatch.undo()
        out.write({"n": 1})
    assert len(refused) == 1
    assert "set a flag in the handler" in refused[0]
    assert taken == []
    assert [row["n"] for row in whole_lines(out.path)[0]] == [0, 1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the alarm may break Thread.start, or a finaliser
@pytest.mark.parametrize(("name", "is_compiled"), WAYS, ids=lambda value: str(value).replace("out.", ""))
def test_a_storm_of_alarms_whose_handler_raises_an_os_error_repeats_no_index(name, is_compiled, tmp_path, monkeypatch, alarm):
    if not is_compiled:
        monkeypatch.setattr(batch, "CompiledBatch", None)

    def handler(number, frame):
        raise TimeoutError("late")

    acknowledged, late = [], 0
    with generating(tmp_path) as run, run.records(name) as out:
        for n in range(3000):
            try:
                try:
                    alarm(handler)
                    signal.setitimer(signal.ITIMER_REAL, 0.00001 + n % 50 * 0.000002)
                    out.write({"n": n, "pad": "x" * (n * 7 % 3000)})
                    acknowledged.append(n)
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
                    alarm(signal.SIG_IGN)
            except TimeoutError:
                late += 1
    rows, broken = whole_lines(out.path)
    numbers, indexes = [row["n"] for row in rows], [row["metadata"]["record_index"] for row in rows]
    assert broken == []
    assert set(acknowledged) <= set(numbers)
    assert len(set(numbers)) == len(numbers)
    assert len(set(indexes)) == len(indexes)
    assert late > 0
    (fact,) = run._fact.made
    assert fact.count == len(rows)


class Late:
    """Handlers of every kind that Python takes."""

    def __call__(self, number, frame):
        raise TimeoutError("late")

    def method(self, number, frame):
        raise TimeoutError("late")


def late(number, frame, reason="late"):
    raise TimeoutError(reason)


HANDLERS = {"function": late, "method": Late().method, "object": Late(), "partial": partial(late, reason="late")}


@pytest.mark.parametrize("handler", HANDLERS.values(), ids=HANDLERS)
@pytest.mark.parametrize("place", ["file", "folder", "parameters"])
def test_what_a_handler_raises_while_metadata_are_recorded_reaches_the_program(place, handler, tmp_path, monkeypatch, alarm):
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts/a.jsonl").write_text("{}\n")
    interrupted = (prepared, "plain") if place == "parameters" else (reading, "hashed")
    ours = getattr(*interrupted)
    modules = [interrupted[0], files] if place != "parameters" else [prepared]
    for module in modules:
        monkeypatch.setattr(
            module, interrupted[1], lambda *given, **named: (os.kill(os.getpid(), signal.SIGALRM), ours(*given, **named))[1]
        )
    alarm(handler)
    inputs = {"file": [tmp_path / "prompts/a.jsonl"], "folder": [tmp_path / "prompts"]}.get(place, [])
    with lineage.session(tmp_path / "artifacts", export=False) as session:
        with pytest.raises(TimeoutError, match="late"), session.generation(prompts=inputs) as run, run.records("out.jsonl") as out:
            out.write({"n": 1}, generation_params={"top_k": 1})
        alarm(signal.SIG_IGN)
        with session.generation(prompts=inputs) as run, run.records("later.jsonl") as out:
            out.write({"n": 2}, generation_params={"top_k": 1})
    assert len(whole_lines(out.path)[0]) == 1


def test_an_error_of_the_system_is_no_error_of_a_handler(alarm):
    alarm(late)
    with pytest.raises(FileNotFoundError) as raised:
        os.stat("/nowhere")
    assert not is_of_handler(raised.value)
