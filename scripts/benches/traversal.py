#!/usr/bin/env python3
"""The walks over the combined graph of 1,000 sessions that stand for 1,000,000,000 records and more, beside networkx, in one run.

    scripts/benches/traversal.py [SESSIONS]

`rows()` yields (name, value, promised), as scripts/bench prints them.
"""

import gc
import statistics
import sys
import time
from pathlib import Path

import networkx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tests"))
from histories import BAD, history  # the same histories as the tests'

from lineage.facts import Evaluation
from lineage.prov.terms import GENERATION
from lineage.trace import answers
from lineage.trace.everything import of_document
from lineage.trace.graph import read
from lineage.trace.reading import Library, open_library

SEED = 3
MOST = 4_000_000  # records a file, so that all together are over a thousand million
EVERYWHERE = "lineage-prov 0.1.0"
OFTEN = 5  # a time is the least of these, or the middle of many questions


def cpu(work, often=OFTEN):
    """(CPU seconds, the least of *often*; the last result)."""
    best, found = float("inf"), None
    for _ in range(often):
        gc.collect()
        began = time.process_time()
        found = work()
        best = min(best, time.process_time() - began)
    return best, found


def asked(sessions):
    """What auditors ask for: every report, every file of records, and every run."""
    reports = [file.sha256 for one in sessions for run in one.activities if isinstance(run, Evaluation) for file in run.made]
    files = [file.sha256 for one in sessions for file in one.artifacts if file.slices]
    return reports + files


def each(work, names):
    """CPU milliseconds of each question: the middle one, and the slowest."""
    times = []
    for name in names:
        began = time.process_time()
        work(name)
        times.append((time.process_time() - began) * 1000)
    return statistics.median(times), max(times)


def rows(count=1000):
    """The figures."""
    sessions = history(SEED, count, most=MOST)
    records = sum(part.count for one in sessions for file in one.artifacts for part in file.slices or ())
    yield f"combined graph of {count:,} sessions: records they stand for", records, ">= 1,000,000,000"
    spent, library = cpu(lambda: open_library(sessions), 1)
    yield "graph and its names, built from facts (CPU s)", spent, "<= 20"
    yield "its nodes", len(library.graph.names), "-"
    yield "its links", sum(map(len, library.graph.past)), "-"
    document = library.document()
    mine, _ = cpu(lambda: read([("all", document)]), 1)
    slow, theirs = cpu(lambda: influences(document), 1)
    yield "graph from the same statements: CPU, networkx / ours", slow / mine, ">= 1"
    yield from walking(library, theirs, asked(sessions))


def influences(document):
    """The graph of everything, as the pairs that a walk follows."""
    plain = networkx.DiGraph()
    plain.add_edges_from((newer, older) for newer, older in of_document(document).edges())
    return plain


def walking(library: Library, theirs, names):
    """Questions: found by digest, walked, and the records and scores counted."""
    graph = library.graph
    middle, slowest = each(lambda name: told(answers.why(graph, library.find(name), name)), names)
    yield "why: found, walked, its things and links told (CPU ms, the middle)", middle, "<= 20"
    yield "why (CPU ms, the slowest of all reports and files)", slowest, "<= 20"
    middle, slowest = each(lambda name: counted(answers.impact(graph, library.find(name), name)), names)
    yield "impact, with its records, models and scores (CPU ms, the middle)", middle, "<= 20"
    yield "impact (CPU ms, the slowest of all reports and files)", slowest, "<= 20"
    spent, found = cpu(lambda: counted(answers.impact(graph, library.find(f"loader:{BAD}"), BAD)))
    yield "impact of a bad loader, of a fifth of all loads (CPU ms)", spent * 1000, "<= 20"
    yield "the things that it had a part in", len(found.reached), "-"
    spent, found = cpu(lambda: counted(answers.impact(graph, library.find(EVERYWHERE), EVERYWHERE)))
    yield "impact of a library of nearly all sessions (CPU ms)", spent * 1000, "<= 20"
    yield "the things that it had a part in", len(found.reached), "-"
    loader = f"id:loader-{BAD}"
    slow, _ = cpu(lambda: networkx.ancestors(theirs, loader))
    alone, _ = cpu(lambda: answers.impact(graph, library.find(f"loader:{BAD}"), BAD))
    yield "the walk alone, networkx.ancestors / ours", slow / alone, ">= 1"
    made = next(n for n in reversed(range(len(graph.names))) if GENERATION.name in graph.past[n].values())
    name = f"id:{graph.names[made].rpartition('/')[2]}"
    slow, _ = cpu(lambda: networkx.descendants(theirs, name))
    alone, _ = cpu(lambda: answers.why(graph, (made,), name))
    yield "why, the walk alone, networkx.descendants / ours", slow / alone, ">= 1"


def told(found):
    """The lineage, with all that it holds made."""
    assert len(found.things) <= len(found.reached) and found.links is not None
    return found


def counted(found):
    """The impact, with what people read of it computed."""
    assert found.records >= 0 and found.scores is not None and found.models is not None
    return found


if __name__ == "__main__":
    for what, value, promised in rows(*map(int, sys.argv[1:2])):
        print(f"{what:<72} {value:>20,.2f}   {promised}", flush=True)
