"""The combined graph of 1,000 sessions that stand for 1,000,000,000 records: loading it, each named question, and rdflib beside it.

A generator of (name, value, promised) rows; `python scripts/benches/questions.py` prints them. CPU time, the least of three runs.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from histories import history  # noqa: E402
from pyoxigraph import Store  # noqa: E402

from lineage.facts import Artifact, Session  # noqa: E402
from lineage.mapping.names import VOCABULARIES  # noqa: E402
from lineage.questions import Question, every  # noqa: E402
from lineage.questions.asking import bindings_of  # noqa: E402
from lineage.questions.resolve import Resolver  # noqa: E402
from lineage.store.embedded import Memory, in_memory  # noqa: E402
from lineage.store.saved import Saved  # noqa: E402
from lineage.store.sources import Graph, of_session  # noqa: E402
from lineage.store.sparql import Bindings, bound, declared  # noqa: E402
from lineage.store.terms import PREFIXES  # noqa: E402

SESSIONS, RECORDS = 1_000, 1_000_000_000
SMALL = 100  # sessions for rdflib: it needs minutes for a thousand
COMPARED = ("records-by-loader", "made-by", "derived-from", "evaluations-of", "between", "unrecorded", "sentinel-failures", "carried-over")
LIMIT = 200.0  # ms, promised for each question


def rows() -> Iterator[tuple[str, float, str]]:
    """Every figure, with what is promised of it."""
    told = standing_for(history(7, SESSIONS), RECORDS)
    began = time.process_time()
    store = in_memory(of_session(one) for one in told)
    yield f"load {SESSIONS} sessions, {len(store)} quads, {records(told):,} records (CPU s)", time.process_time() - began, "< 20"
    for question, bindings in asked(store):
        yield f"ask {question.name} (CPU ms)", least(lambda q=question, b=bindings: engine(store, q, b)), f"< {LIMIT:.0f}"  # type: ignore[misc]
    yield from on_disk(told)
    yield from beside_rdflib()


def on_disk(told: tuple[Session, ...]) -> Iterator[tuple[str, float, str]]:
    """The store on disk: filled, brought up to date, asked; its child processes count."""
    graphs = [of_session(one) for one in told]
    changed = [Graph(graphs[0].name, (graphs[0].texts[0] + b'<x:a> <x:p> "changed" .\n',)), *graphs[1:]]
    with tempfile.TemporaryDirectory() as place:
        saved = Saved(Path(place) / "store")
        yield "fill a store with the graphs (CPU s)", with_children(lambda: saved.update(graphs)), "< 20"
        yield "update it, nothing changed (CPU s)", with_children(lambda: saved.update(graphs)), "-"
        yield "update it, one session changed (CPU s)", with_children(lambda: saved.update(changed)), "-"
        yield "ask it in a process of its own (CPU s)", with_children(lambda: _asked(saved)), "-"


def _asked(saved: Saved) -> bool | None:
    with saved.asked("ASK { ?s a lin:Session }") as found:
        return found.truth


def with_children(work: Any) -> float:
    """CPU seconds of some work and of the processes that it started and waited for."""
    began = _spent()
    work()
    return _spent() - began


def _spent() -> float:
    mine, theirs = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime


def standing_for(told: tuple[Session, ...], wanted: int) -> tuple[Session, ...]:
    """The history with the counts of its slices raised to *wanted* records, line ranges and all."""
    factor = wanted / records(told)
    return tuple(
        replace(
            one,
            artifacts=tuple(raised(file, factor) for file in one.artifacts),
            activities=tuple(replace(run, made=tuple(raised(file, factor) for file in run.made)) for run in one.activities),
        )
        for one in told
    )


def raised(file: Artifact, factor: float) -> Artifact:
    """The file with so many times its records."""
    slices, at = [], 1
    for one in file.slices or ():
        count = round(one.count * factor)
        slices.append(replace(one, count=count, lines=((at, at + count - 1),)))
        at += count
    return replace(file, slices=tuple(slices), count=at - 1) if file.slices else file


def records(told: tuple[Session, ...]) -> int:
    """The records of all files that sessions made."""
    return sum(file.count or 0 for one in told for file in one.artifacts if file.slices)


def asked(store: Store) -> Iterator[tuple[Question, Bindings]]:
    """Each question with a parameter that has an answer."""
    target = Memory(store)
    first = {name: _last(store, pattern) for name, pattern in EXAMPLES.items()}
    for question in every()[0]:
        given = {param.name: first[param.kind + ":" + question.name] for param in question.params if not param.optional}
        given |= {"from": "2025-10-01", "to": "2026-06-01"} if question.name == "between" else {}
        yield question, bindings_of(question, given, Resolver(target))[0]


_REPORT, _DATA = "?f a lin:Report ; prov:atLocation ?x", "?f a lin:RecordFile ; prov:wasGeneratedBy ?r ; prov:atLocation ?x"
EXAMPLES = {
    "record:made-by": _DATA,
    "record:who": _DATA,
    "file:derived-from": _REPORT,
    "file:same-dataset": _REPORT,
    "file:data-behind": _REPORT,
    "file:scores-on": "?f a lin:TestSet ; prov:atLocation ?x",
    "file:used-by": "?f a lin:Prompts ; prov:atLocation ?x",
    "file:trained-on": "?r a lin:Training . ?f prov:wasGeneratedBy ?r ; prov:atLocation ?x",
    "model:evaluations-of": "?f a lin:Model ; lin:model_name ?x",
}


def _last(store: Store, pattern: str) -> str:
    [row] = store.query(f"SELECT (MAX(?x) AS ?last) {{ {pattern} }}", prefixes=dict(PREFIXES))
    return str(row["last"].value)


def engine(store: Store, question: Question, bindings: Bindings) -> int:
    """Ask pyoxigraph; returns the number of rows."""
    return sum(1 for _ in store.query(bound(question.sparql, bindings), prefixes=dict(PREFIXES)))


def beside_rdflib() -> Iterator[tuple[str, float, str]]:
    """The same graph and queries in rdflib, as times that ours needs."""
    from rdflib import Dataset

    told = history(7, SMALL)
    graphs = [of_session(one) for one in told]
    began = time.process_time()
    store = in_memory(graphs)
    ours = time.process_time() - began
    began = time.process_time()
    dataset = Dataset(default_union=True)
    for prefix, iri in VOCABULARIES.items():
        dataset.bind(prefix, iri)
    for graph in graphs:
        dataset.graph(graph.name).parse(data=graph.texts[0], format="nt")
    yield f"load N-Triples of {SMALL} sessions, rdflib / ours (CPU)", (time.process_time() - began) / ours, "> 1"
    for question, bindings in asked(store):
        if question.name in COMPARED:
            text = declared(bound(question.sparql, bindings))
            mine = least(lambda q=question, b=bindings: engine(store, q, b))  # type: ignore[misc]
            theirs = least(lambda t=text: len(list(dataset.query(t))), repeat=1)  # type: ignore[misc]
            yield f"ask {question.name} of {SMALL} sessions, rdflib / ours (CPU)", theirs / mine, "> 1"


def least(work: Any, repeat: int = 3) -> float:
    """The least CPU milliseconds of some runs."""
    best = float("inf")
    for _ in range(repeat):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best * 1000


if __name__ == "__main__":
    for name, value, promised in rows():
        print(f"{name:<75} {value:10.2f}  {promised}", flush=True)
