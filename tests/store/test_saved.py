"""The store on disk: a session is there whole or not at all, whoever is killed and whoever reads meanwhile."""

import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from histories import history

from lineage.errors import LateError, LineageError, NotFoundError, UsageError
from lineage.store import saved
from lineage.store.embedded import Memory, in_memory
from lineage.store.saved import Saved
from lineage.store.sources import Graph, of_session

COUNT = "SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g"


def versioned(version, graphs=6, size=400):
    """Graphs whose every triple tells the version, a node without a name in each."""
    lines = "".join(
        f'<x:{n}> <x:version> "{version}" .\n<x:{n}> <x:node> _:b{n} .\n_:b{n} <x:version> "{version}" .\n' for n in range(size)
    )
    return [Graph(f"x:g{n}", (f'<x:graph{n}> <x:version> "{version}" .\n{lines}'.encode(),)) for n in range(graphs)]


def table(target, query):
    with target.asked(query) as found:
        return sorted(tuple(row.values()) for row in found.values())


@pytest.fixture(scope="module")
def graphs():
    return [of_session(one) for one in history(5, 14, most=100)]


def alike(store, graphs):
    """Do the store and a graph in memory made anew say the same, in each graph and in their merge?"""
    memory = Memory(in_memory(graphs))
    merge = "SELECT ?p (COUNT(*) AS ?n) { ?s ?p ?o } GROUP BY ?p"
    return all(table(store, query) == table(memory, query) for query in (COUNT, merge))


def test_a_session_that_is_new_enters_one_that_changed_is_replaced_and_one_that_is_gone_leaves(tmp_path, graphs):
    store = Saved(tmp_path / "store")
    assert len(store.update(graphs[:10]).written) == 10 and alike(store, graphs[:10])
    assert store.update(graphs[:10]) == saved.Changes((), (), 10)
    changed = Graph(graphs[2].name, (graphs[2].texts[0] + b'<x:new> <x:said> "so" .\n',))
    now = [graphs[0], changed, *graphs[4:]]
    done = store.update(now)
    assert set(done.written) == {changed.name, *(one.name for one in graphs[10:])}
    assert set(done.removed) == {graphs[1].name, graphs[3].name} and done.unchanged == 7
    assert alike(store, now)
    assert store.update([]).removed and table(store, "SELECT * { ?s ?p ?o }") == []


def test_the_digests_are_seen_by_no_query(tmp_path, graphs):
    store = Saved(tmp_path / "store")
    store.update(graphs[:2])
    assert len(table(store, "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }")) == 2
    assert table(store, "SELECT * { GRAPH ?g { ?s <https://w3id.org/lineage-prov/store#sha256> ?o } }") == []
    assert len(store.digests()) == 2


def test_a_query_that_says_which_graphs_it_is_about_is_answered_as_in_memory(tmp_path, graphs):
    store, memory = Saved(tmp_path / "store"), Memory(in_memory(graphs))
    store.update(graphs)
    for clause in ("FROM", "FROM NAMED"):
        for pattern in ("?s ?p ?o", "GRAPH ?g { ?s ?p ?o }"):
            query = f"SELECT (COUNT(*) AS ?n) {clause} <{graphs[2].name}> {{ {pattern} }}"
            assert table(store, query) == table(memory, query)


def test_what_two_graphs_tell_stays_while_one_of_them_does(tmp_path):
    shared, own = b'<x:a> <x:p> "both" .\n', b'<x:a> <x:p> "one" .\n'
    store = Saved(tmp_path / "store")
    store.update([Graph("x:g", (shared + own,)), Graph("x:h", (shared,))])
    assert table(store, "SELECT ?o { ?s ?p ?o }") == [("both",), ("one",)]
    store.update([Graph("x:h", (shared,))])
    assert table(store, "SELECT ?o { ?s ?p ?o }") == [("both",)]


def test_text_that_looks_like_sparql_stays_text_in_the_store(tmp_path):
    text = r'"\\u0022 } } ; DROP ALL # \" \u0041 ' + '\\n }"'
    store = Saved(tmp_path / "store")
    store.update([Graph("x:g", (f"<x:a> <x:p> {text} .\n".encode(),))])
    assert table(store, "SELECT ?o { ?s ?p ?o }") == [('\\u0022 } } ; DROP ALL # " A \n }',)]


def test_a_folder_of_somebody_elses_is_not_filled(tmp_path):
    (tmp_path / "mine.txt").write_text("…")
    with pytest.raises(UsageError, match="this is no store"):
        Saved(tmp_path).update([])
    with pytest.raises(NotFoundError, match="--in FOLDER fills it"):
        table(Saved(tmp_path / "none"), "ASK {}")


def test_a_damaged_store_is_told_and_named(tmp_path, graphs):
    store = Saved(tmp_path / "store")
    store.update(graphs[:1])
    (tmp_path / "store" / "rdf" / "CURRENT").write_text("nonsense\n")
    with pytest.raises(LineageError, match=r"cannot be opened.*delete it"):
        table(store, "SELECT * { ?s ?p ?o }")


WRITER = """
import sys; sys.path.insert(0, {here!r})
from pathlib import Path
from lineage.store.saved import Saved
from test_saved import versioned
version = int(sys.argv[1])
while True:
    print(version, flush=True)
    Saved(Path({store!r})).update(versioned(version))
    version += 1
"""
READER = """
import sys; sys.path.insert(0, {here!r})
from pathlib import Path
from lineage.store.saved import Saved
from test_saved import whole
for _ in range(int(sys.argv[1])):
    assert whole(Saved(Path({store!r})))
print("right")
"""


def whole(store):
    """Has every graph all of one version, and the merge what the graphs have? (Each graph is a transaction, all of them are not.)"""
    rows = table(store, "SELECT ?g ?v (COUNT(*) AS ?n) { GRAPH ?g { ?s <x:version> ?v } } GROUP BY ?g ?v")
    names = [name for name, _, _ in rows]
    with store.asked(
        "ASK { { GRAPH ?g { ?s ?p ?o } FILTER NOT EXISTS { ?s ?p ?o } } UNION { ?s ?p ?o FILTER NOT EXISTS { GRAPH ?g { ?s ?p ?o } } } }"
    ) as found:
        torn = found.truth
    return len(names) == len(set(names)) and all(count == 801 for _, _, count in rows) and not torn


def processes(kind, tmp_path, argument, count=1):
    code = {"writer": WRITER, "reader": READER}[kind].format(here=os.path.dirname(__file__), store=str(tmp_path / "store"))
    path = os.pathsep.join(["tests", os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": path}
    return [
        subprocess.Popen([sys.executable, "-c", code, str(argument)], stdout=subprocess.PIPE, text=True, env=env, start_new_session=True)
        for _ in range(count)
    ]


@pytest.mark.slow
def test_killed_at_any_moment_the_store_has_the_old_session_or_the_new_never_half(tmp_path):
    store, chance, seen = Saved(tmp_path / "store"), random.Random(7), set()
    store.update(versioned(0))
    for turn in range(15):
        [writer] = processes("writer", tmp_path, turn * 1000)
        for _ in range(chance.randrange(1, 4)):  # it writes one version after the other, and says when it begins with one
            writer.stdout.readline()
        time.sleep(chance.uniform(0, 0.2))
        os.killpg(writer.pid, signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        assert whole(store)
        seen.add(tuple(table(store, "SELECT DISTINCT ?v { ?s <x:version> ?v }")))
    assert len(seen) > 3  # it was killed at moments that differ
    store.update(versioned(1))
    assert whole(store) and table(store, "SELECT DISTINCT ?v { ?s <x:version> ?v }") == [("1",)]


@pytest.mark.slow
def test_killed_while_it_is_filled_for_the_first_time_the_store_is_whole_or_not_there(tmp_path):
    chance, seen = random.Random(8), set()
    for _ in range(10):
        shutil.rmtree(tmp_path / "store", ignore_errors=True)
        [writer] = processes("writer", tmp_path, 1)
        writer.stdout.readline()
        time.sleep(chance.uniform(0, 0.9))
        os.killpg(writer.pid, signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        store = Saved(tmp_path / "store")
        seen.add(len(store.digests()))
        assert len(store.digests()) in (0, 6) and (not store.digests() or whole(store))
        store.update(versioned(5))
        assert whole(store) and sorted(one.name for one in (tmp_path / "store").iterdir()) == ["lock", "rdf"]
    assert seen == {0, 6}


@pytest.mark.slow
def test_two_readers_have_right_answers_while_another_process_writes(tmp_path):
    Saved(tmp_path / "store").update(versioned(0))
    [writer] = processes("writer", tmp_path, 1)
    readers = processes("reader", tmp_path, 15, count=2)
    assert [reader.communicate(timeout=120)[0] for reader in readers] == ["right\n", "right\n"]
    assert writer.poll() is None
    os.killpg(writer.pid, signal.SIGKILL)
    writer.communicate()


def test_a_reader_is_told_who_holds_the_store(tmp_path, graphs, monkeypatch):
    store = Saved(tmp_path / "store")
    store.update(graphs[:1])
    monkeypatch.setattr(saved, "WAIT", 0.1)
    with saved.locked(tmp_path / "store", fcntl.LOCK_EX), pytest.raises(LineageError, match="another process writes it"):
        table(store, "ASK {}")
    with saved.locked(tmp_path / "store", fcntl.LOCK_SH):
        assert table(store, "SELECT * { ?s a lin:Nothing }") == []  # readers share it
        with pytest.raises(LineageError, match="other processes read or write it"):
            store.update(graphs[:2])


def test_no_source_writes_the_digests_of_the_store(tmp_path):
    store = Saved(tmp_path / "store")
    store.update(versioned(1))
    before = store.digests()
    with pytest.raises(UsageError, match="keeps for itself"):
        store.update([*versioned(1), Graph(saved.DIGESTS.value, (b"<x:g1> <x:p> <x:o> .\n",))])
    assert store.digests() == before


def test_a_store_that_is_written_is_not_waited_for_longer_than_was_said(tmp_path):
    store = Saved(tmp_path / "store")
    store.update(versioned(1))
    began = time.monotonic()
    with (
        saved.locked(store.path, fcntl.LOCK_EX),
        pytest.raises(LateError, match=r"more than 0.2 seconds"),
        store.asked("ASK {}", None, 0.2),
    ):
        pass
    assert time.monotonic() - began < saved.WAIT / 2
