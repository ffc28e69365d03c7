#!/usr/bin/env python3
"""Reading files of records: in mixed order beside in order, and rows of other tools beside rows without metadata.

    scripts/benches/scanning.py [RECORDS]

`rows()` yields (name, value, promised), as scripts/bench prints them. All times are CPU seconds of one process.
"""

import json
import random
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from lineage.contract import records
from lineage.folder import How, gathered
from lineage.intake import Taken, Wanted, take_in

OFTEN = 3  # a time is the least of these
CONFIGURATIONS = 4  # that the records of the mixed file have
PROVENANCE = {
    "loader_version": "a" * 40, "template_disabled": True, "model_name": "tiny", "quantization": "nf4", "sentinel_tests_passed": True, "add_special_tokens": False,
}  # fmt: skip
TEXT = "Water rises from the sea as vapour, cools into clouds, and falls when the drops grow too heavy to float. " * 14
CRAWLED = "A page of the web, as a crawler finds it. " * 10
FOREIGN = {
    "a crawl's metadata": lambda n: {
        "url": f"http://x/{n}",
        "dump": f"CC-{n % 7}",
        "spans": [{"at": n, "score": n / 7}],
        f"key {n % 50}": n,
    },
    "MLflow's run_id": lambda n: {"run_id": f"{n:032x}", "experiment_id": str(n)},
    "a provenance as text": lambda n: {"provenance": f"part-{n}.gz:{n}", "script_name": "crawl.py"},
}


def cpu(work, often=OFTEN):
    """The least CPU seconds of some runs."""
    best = float("inf")
    for _ in range(often):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def recorded(number, count):
    """The line of a record of some 2 kB; each of the configurations has an equal share, one behind the other."""
    metadata = {"provenance": PROVENANCE, "run_id": f"{number * CONFIGURATIONS // count:032x}"}
    metadata |= {"generation_params": {"seed": number, "temperature": 0.7}, "record_index": number}
    metadata["timestamp"] = (
        f"2026-01-01T{number // 3_600_000 % 24:02}:{number // 60_000 % 60:02}:{number // 1000 % 60:02}.{number % 1000:03}000+00:00"
    )
    return json.dumps({"instruction": f"question {number}", "response": TEXT, "metadata": metadata}) + "\n"


def take(path):
    """The full pass: digest, Merkle leaves, slices and findings."""
    for _, found in take_in([Wanted(path, path.name)], recheck=True, sidecars="none"):
        assert isinstance(found, Taken)


def parsed(path):
    """What reading each line with `json` costs."""
    with path.open("rb") as file:
        for line in file:
            json.loads(line)


@contextmanager
def without_kernel():
    """Read as an installation without a C compiler does."""
    kernel, records.kernel = records.kernel, None
    try:
        yield
    finally:
        records.kernel = kernel


def mixed(place, count):
    """A file in order and the same lines shuffled."""
    lines = [recorded(number, count) for number in range(count)]
    ordered, shuffled = place / "ordered.jsonl", place / "shuffled.jsonl"
    ordered.write_text("".join(lines))
    random.Random(1).shuffle(lines)
    shuffled.write_text("".join(lines))
    first, second, loop = cpu(lambda: take(ordered)), cpu(lambda: take(shuffled)), cpu(lambda: parsed(shuffled), 1)
    yield f"{count:,} records in order (CPU s)", first, "-"
    yield "the same lines shuffled / in order (CPU)", second / first, "<= 1.5"
    yield "shuffled: CPU, json.loads of each line / ours", loop / second, "-"
    with without_kernel():
        yield "without the kernel: shuffled / in order (CPU)", cpu(lambda: take(shuffled), 1) / cpu(lambda: take(ordered), 1), "<= 1.5"


def folder_of(place, name, count, row):
    """A folder with a file of that many rows."""
    folder = place / name.replace(" ", "-")
    folder.mkdir()
    (folder / "rows.jsonl").write_text("".join(json.dumps(row(number)) + "\n" for number in range(count)))
    return folder


def foreign(place, count):
    """Rows of other tools, beside rows with the same text and no metadata."""
    bare = folder_of(place, "bare", count, lambda n: {"text": CRAWLED, "url": f"http://x/{n}", "dump": f"CC-{n % 7}", "n": n})
    for name, made in FOREIGN.items():
        folder = folder_of(place, name, count, lambda n, made=made: {"text": CRAWLED, "metadata": made(n)})
        yield f"{count:,} rows with {name} / without metadata (CPU)", read(folder) / read(bare), "<= 2"
        with without_kernel():
            yield f"without the kernel: rows with {name} / without metadata (CPU)", read(folder) / read(bare), "<= 2"


def read(folder):
    """What reading a folder costs."""
    return cpu(lambda: gathered(folder, How(recheck=True)))


def rows(count=100_000):
    """The figures."""
    with tempfile.TemporaryDirectory() as place:
        yield from mixed(Path(place), count)
        yield from foreign(Path(place), count)


if __name__ == "__main__":
    for name, value, promised in rows(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000):
        print(f"{name:<90} {value:12.2f}   {promised}", flush=True)
