"""What serving costs: pages of records by key, and a query over HTTP beside the same one without.

A generator of (name, value, promised) rows; `python scripts/benches/serve.py` prints them. Ratios of the shortest of 20 runs.
"""

import json
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import lineage
from lineage.integrity import index
from lineage.server import Settings, records, running
from lineage.store.targets import opened

LINES = 1_000_000
QUERY = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"


def rows():
    """(name, value, promised) of each figure; times are ratios within this run."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _pages(Path(folder))
        yield from _queries(Path(folder) / "artifacts")


def _pages(folder):
    path = folder / "large.jsonl"
    with path.open("w") as out:
        out.writelines(
            json.dumps({"instruction": f"question {n}", "metadata": {"run_id": "r", "timestamp": "t"}}) + "\n" for n in range(LINES)
        )
    index.build(path)
    first, last = (_best(lambda after=after: records.page(path, after, 100)) for after in (0, LINES - 100))
    yield f"page of 100 records: line {LINES - 99:,} against line 1, times as long", last / first, "< 2"
    small = folder / "small.jsonl"
    small.write_text("".join(path.open().readlines(100_000)[:100]))
    index.build(small)
    yield "first page of 1,000,000 records against that of 100, times as long", first / _best(lambda: records.page(small, 0, 100)), "< 2"


def _queries(folder):
    with lineage.session(folder, title="one") as session, session.transformation("made", inputs=[]) as run, run.records("a.jsonl") as out:
        out.write({"instruction": "1"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with running(Settings(place=folder)) as server, opened([folder]) as (target, _):
        address = f"{server.address}sparql?{urlencode({'query': QUERY})}"

        def over_http():
            with opener.open(address) as reply:
                return reply.read()

        def alone():
            with target.asked(QUERY, None, 30.0) as found:
                return list(found.rows)

        yield "a small query over HTTP against one in a process of its own, times as long", _best(over_http) / _best(alone), "< 3"


def _best(work, times=20):
    """The shortest of some runs, in seconds."""
    work()
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


if __name__ == "__main__":
    for name, value, promised in rows():
        print(f"{name}: {value:.2f} ({promised})")
