#!/usr/bin/env python3
"""What a session costs beside many files, and with many runs, in CPU time of this process and its children.

    scripts/benches/lifecycle.py [FILES]

`rows()` yields (name, value, promised), as scripts/bench prints them.
"""

import resource
import sys
import tempfile
from pathlib import Path

import lineage

FILES = 10_000  # in the folder beside which a session is recorded
OFTEN = 5  # a time is the least of these
SESSIONS = 5  # a measurement


def spent():
    """CPU seconds of this process and of the children that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def cpu(work):
    """Return CPU seconds of *work*."""
    began = spent()
    work()
    return spent() - began


def small_session(folder):
    """Record a generation and an evaluation."""
    with lineage.session(folder, export=False) as session:
        with session.generation(params={"seed": 1}) as run, run.records(f"{session.id}.jsonl") as out:
            out.write({"instruction": "…", "response": "…"})
        with session.evaluation(params={"seed": 1}) as run:
            run.report(f"evaluation_{session.id}.json", summary={"accuracy": 1.0}, results=[])


def several(folder):
    """Record some small sessions."""
    for _ in range(SESSIONS):
        small_session(folder)


def many_runs(count):
    """Return CPU seconds of *count* runs in one session and of its end; the opening is the same for any number."""
    with tempfile.TemporaryDirectory() as place:
        session = lineage.session(place, export=False).open()
        began = spent()
        for seed in range(count):
            with session.generation(params={"seed": seed, "temperature": 0.7}):
                pass
        session.close()
        return spent() - began


def rows(files=FILES):
    """The figures."""
    with tempfile.TemporaryDirectory() as place:
        empty, full = Path(place) / "empty", Path(place) / "full"
        full.mkdir()
        for number in range(files):
            (full / f"file_{number}.json").write_text("{}")
        several(empty)
        several(full)
        pairs = [(cpu(lambda: several(empty)), cpu(lambda: several(full))) for _ in range(OFTEN)]
    least_empty, least_full = (min(one) for one in zip(*pairs, strict=True))
    yield "a small session in an empty folder (CPU ms)", 1e3 * least_empty / SESSIONS, "-"
    yield f"the same in a folder of {files} files, times the empty one", least_full / least_empty, "<= 1.2"
    few, many = (min(many_runs(count) for _ in range(OFTEN)) / count for count in (100, 1600))
    yield "a run in a session of 100, close included (CPU ms)", 1e3 * few, "-"
    yield "a run in a session of 1,600, times one of 100", many / few, "<= 1.2"


if __name__ == "__main__":
    for name, value, promised in rows(*map(int, sys.argv[1:2])):
        print(f"{name:<90} {value:12.2f}   {promised}", flush=True)
