"""Workers of multiprocessing that never leave a `with` statement: they end by os._exit, and no record is lost."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from reading import whole_lines

POOL = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
import lineage

def begin(name):
    global out
    session = lineage.session("artifacts", export=False).open()
    out = session.generation().open().records(name)

def write(n):
    for k in range(5):
        out.write({"n": n, "k": k})

if __name__ == "__main__":
    name, method, kind = sys.argv[1:]
    context = multiprocessing.get_context(method)
    with lineage.session("artifacts", export=False) as session:
        if kind == "inherited":
            with session.generation() as run, run.records(name) as out:
                with ProcessPoolExecutor(2, mp_context=context) as pool:
                    list(pool.map(write, range(4)))
        elif kind == "terminated":
            with context.Pool(2, begin, (name,)) as pool:
                pool.map(write, range(4))
        else:
            with ProcessPoolExecutor(2, mp_context=context, initializer=begin, initargs=(name,)) as pool:
                list(pool.map(write, range(4)))
"""
KINDS = [
    ("fork", "inherited"),
    ("fork", "initialized"),
    ("fork", "terminated"),
    ("spawn", "initialized"),
    ("forkserver", "initialized"),
    ("forkserver", "terminated"),
]


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.jsonl.zst"])
@pytest.mark.parametrize(("method", "kind"), KINDS)
def test_records_of_workers_that_close_nothing_are_all_there(name, method, kind, tmp_path):
    (tmp_path / "pool.py").write_text(POOL)
    done = subprocess.run([sys.executable, "pool.py", name, method, kind], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows, broken = whole_lines(tmp_path / "artifacts" / name)
    assert not broken
    assert sorted((row["n"], row["k"]) for row in rows) == [(n, k) for n in range(4) for k in range(5)]
    made = made_by_run(tmp_path / "artifacts")
    assert {row["metadata"]["run_id"] for row in rows} <= {run for run, files in made.items() if name in files}


def made_by_run(folder: Path):
    (path,) = folder.glob("session_manifest_*.json")
    return {one["id"]: [file["file"] for file in one["generated"]] for one in json.loads(path.read_text())["activities"]}
