#!/usr/bin/env python3
"""Writing and closing a file of records, beside `json.dumps` and a buffered write of the bare records, in one run.

    scripts/benches/recording.py [RECORDS]

`rows()` yields (name, value, promised), as scripts/bench prints them. The close is included: fsync, digest, slices,
Merkle root and sidecar. Times are CPU seconds, user and system.
"""

import gzip
import json
import random
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import lineage

OFTEN = 5  # a ratio is made of the least of these
PROVENANCE = {
    "loader_version": "a" * 40, "template_disabled": True, "model_name": "tiny", "quantization": "nf4", "sentinel_tests_passed": True, "add_special_tokens": False,
}  # fmt: skip
SHARED = {"seed": 42, "temperature": 0.7, "max_new_tokens": 150}
ASCII, GREEK = "the drops grow too heavy to float ", "οι σταγόνες βαραίνουν και πέφτουν "


def record(number, text):
    """A record of the shape of docs/reference/files.md, section 2."""
    prompt = f"Instruction: {number}"
    return {
        "instruction": f"question {number}", "instruction_type": "definition", "response": text, "formatted_text": prompt + text, "prompt": prompt, "completion": f" {text}END",
    }  # fmt: skip


def records(count, size, text):
    """Records of about *size* bytes of JSON as `json.dumps` writes it."""
    free = size - len(json.dumps(record(count, "")))
    letters = max(free // (3 * len(json.dumps(text)) // len(text)), 4)
    return [record(number, (text * (letters // len(text) + 1))[:letters]) for number in range(count)]


def uneven(count):
    """Records between 150 bytes and 4 kB, 2 kB on average."""
    dice = random.Random(1)
    return [record(number, (ASCII * 40)[: dice.randrange(1270)]) for number in range(count)]


def alternating(count):
    """Parameters that change with every record, in the order of the run."""
    return islice(cycle([{"temperature": 0.7}, {"temperature": 0.9}]), count)


def seeded(count):
    """A seed for each record."""
    return ({"seed": number} for number in range(count))


def shuffled(count):
    """Six configurations, a seed for each record, in no order; nor are their keys."""
    dice = random.Random(2)
    for number in range(count):
        own = [("temperature", dice.choice([0.7, 0.8, 0.9])), ("top_k", dice.choice([20, 50])), ("seed", number)]
        dice.shuffle(own)
        yield dict(own)


def cpu(work):
    began = time.process_time()
    work()
    return time.process_time() - began


def plain(path, rows, opened=open):
    """The least that writing the bare records takes."""
    with opened(path, "wt") as out:
        for row in rows:
            out.write(json.dumps(row) + "\n")


def packed(path, mode):
    """A gzip file at the level of the tool."""
    return gzip.open(path, mode, compresslevel=6)


def ours(folder, name, rows, params, provenance):
    """Write and close; opening the session is not part of it."""
    with lineage.session(folder, export=False) as session:
        load = {} if provenance is None else {"model": session.model_load(provenance)}
        with session.generation(params=SHARED, **load) as run:
            out = run.records(name)

            def work():
                for row, own in zip(rows, params, strict=True):
                    out.write(row, generation_params=own)
                out.close()

            return cpu(work)


def ratio(rows, params, *, name="x.jsonl", provenance=PROVENANCE, opened=open):
    """Our CPU time over that of the bare loop: the least of each, taken in turns, so that a busy machine slows both."""
    mine, theirs = [], []
    own = list(params(len(rows)))
    for _ in range(OFTEN):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            theirs.append(cpu(lambda folder=folder: plain(folder / "plain", rows, opened)))
            mine.append(ours(folder / "artifacts", name, rows, own, provenance))
    return min(mine) / min(theirs)


def rows(count=50_000):
    """The figures."""
    for size, promised in ((200, "<= 2.0"), (2000, "<= 1.5"), (20_000, "<= 1.5")):
        many = count if size < 20_000 else count // 10
        for what, text in (("ASCII", ASCII), ("other letters", GREEK)):
            for params in (alternating, seeded, shuffled):
                yield (
                    f"write + close, {size:,} B, {what}, {params.__name__} / json.dumps",
                    ratio(records(many, size, text), params),
                    promised,
                )
    for size, promised in ((200, "<= 2.0"), (2000, "<= 1.5")):
        for keys in (1, 2, 0):
            provenance = dict(list(PROVENANCE.items())[-keys:]) if keys else None
            what = f"provenance of {keys}" if keys else "no model"
            for params in (alternating, shuffled):
                value = ratio(records(count, size, ASCII), params, provenance=provenance)
                yield f"write + close, {size:,} B, {what}, {params.__name__} / json.dumps", value, promised
    yield "write + close, 150 B to 4 kB, shuffled / json.dumps", ratio(uneven(count), shuffled), "<= 1.5"
    few = records(count // 10, 2000, ASCII)
    yield "write + close, .jsonl.gz, 2,000 B / json.dumps + gzip.open", ratio(few, alternating, name="x.jsonl.gz", opened=packed), "<= 1.5"
    value = ratio(records(count, 2000, ASCII), alternating, name="x.jsonl.zst")
    yield "write + close, .jsonl.zst, 2,000 B / json.dumps uncompressed", value, "<= 1.5"


if __name__ == "__main__":
    for name, value, promised in rows(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000):
        print(f"{name:<72} {value:>8.2f}   {promised}", flush=True)
