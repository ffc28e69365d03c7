#!/usr/bin/env python3
"""Signing, checking and redacting a file of records, beside what its bytes cost at least, in one run.

    scripts/benches/signing.py [RECORDS]

`rows()` yields (name, value, promised), as scripts/bench prints them.
"""

import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path

import lineage
from lineage.consequences.changed import Weighing
from lineage.signing.check import checked
from lineage.signing.keys import new_key, public_key

OFTEN = 3  # a time is the least of these


def cpu(work, often=OFTEN):
    """CPU seconds, the least of *often*; the last result."""
    best, found = float("inf"), None
    for _ in range(often):
        began = time.process_time()
        found = work()
        best = min(best, time.process_time() - began)
    return best, found


def made(folder, count):
    """A session with a file of *count* records."""
    with (
        lineage.session(folder) as session,
        session.generation(params={"seed": 1, "temperature": 0.7}) as run,
        run.records("data.jsonl") as out,
    ):
        for number in range(count):
            out.write({"instruction": f"question {number}", "response": "a text of some length, as models write it " * 8})
    return folder / "data.jsonl"


def parsed(path):
    """What reading the records costs."""
    with path.open("rb") as file:
        return sum(len(json.loads(line)) for line in file)


def rows(count=100_000):
    """The figures."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "artifacts"
        file = made(folder, count)
        key, public = Path(place) / "key.pem", public_key(new_key(Path(place) / "key.pem"))
        yield "a signed file of records (MB)", file.stat().st_size / 1e6, "-"
        least, _ = cpu(lambda: hashlib.sha256(file.read_bytes()).digest())
        spent, _ = cpu(lambda: lineage.sign(folder, key, replace_signature=True))
        yield "signing, CPU / SHA-256 of its bytes", spent / least, "<= 3"
        spent, found = cpu(lambda: checked(folder, public))
        assert not found.faults
        yield "checking its signature, roots and all, CPU / SHA-256 of its bytes", spent / least, "<= 3"
        yield from forged(folder, file, public)


def forged(folder, file, public):
    """One record of all was changed."""
    slow, _ = cpu(lambda: parsed(file), 1)
    spent, _ = cpu(lambda: lineage.redact(folder, folder.parent / "copy"), 1)
    yield "redacting the folder, CPU / json.loads of its records", spent / slow, "<= 5"
    file.write_bytes(file.read_bytes().replace(b'question 7"', b'question 8"', 1))
    spent, found = cpu(lambda: checked(folder, public), 1)
    (fault,) = found.faults
    assert [change.now for change in fault.changes] == [8]
    yield "naming the one line that was forged (CPU s)", spent, "-"
    spent, told = cpu(lambda: Weighing(folder).of(fault.rests_on, fault.changes), 1)
    assert told.files == (("data.jsonl", 1, fault_lines(folder)),)
    yield "and what rests on it (CPU s)", spent, "-"


def fault_lines(folder):
    """How many records the manifest counts."""
    return json.loads(next(folder.glob("session_manifest_*")).read_bytes())["artifacts_generated"][-1]["count"]


if __name__ == "__main__":
    for name, value, promised in rows(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000):
        print(f"{name:<70} {value:>12.3f}   {promised}")
