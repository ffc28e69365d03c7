#!/usr/bin/env python3
"""An audit of 1,000 sessions with 10,000,000 records, unchanged since the last one.

    scripts/benches/auditing.py [SESSIONS]

`rows()` yields (name, value, promised), as scripts/bench prints them. It needs 4 GB of disk in the folder for temporary files, and a cache of its own there.
"""

import hashlib
import json
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import lineage
from lineage.export import graphs_of
from lineage.integrity import index
from lineage.signing import keys

RECORDS = 10_000  # a session
EVERY = 10  # session trains and evaluates too
START = datetime(2025, 10, 5, tzinfo=UTC)
COMMIT = "a" * 40
PROVENANCE = {"loader_version": "b" * 40, "template_disabled": True, "model_name": "Qwen/Qwen2.5-32B", "quantization": "nf4", "sentinel_tests_passed": True,
              "add_special_tokens": False, "revision": "c" * 40}  # fmt: skip
PARAMS = {"do_sample": True, "temperature": 0.7, "top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0, "num_beams": 1, "max_new_tokens": 150}
SCRIPT = {"path": "scripts/generate.py", "version": COMMIT, "sha256": None}
NO_GAPS = {"gaps": {}, "status": "completed"}


def cpu(work):
    """(CPU seconds, result)."""
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def lines(run, session, when, number):
    """The records of one file, and what they share."""
    shared = {"provenance": PROVENANCE, "script_version": COMMIT, "script_name": SCRIPT["path"], "session_id": session, "run_id": run}
    record = {
        "instruction": "AT of NUMBER",
        "response": "…",
        "metadata": {**shared, "generation_params": {**PARAMS, "seed": 7}, "record_index": 8, "timestamp": when},
    }
    head, rest = json.dumps(record).replace("NUMBER", str(number)).split("AT")
    middle, end = rest.split('"seed": 7}, "record_index": 8')
    made = "".join(f'{head}{n}{middle}"seed": {n}}}, "record_index": {n}{end}\n' for n in range(RECORDS))
    return made.encode(), {**shared, "generation_params": PARAMS}


class Writer:
    """Writes sessions to a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.test = self.put("held_out.jsonl", b'{"instruction": "held out"}\n' * 12, "test_set")

    def put(self, file, data, type_, **more):
        path = self.folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return {"file": file, "type": type_, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), **more}

    def session(self, number):
        self.when = (START + timedelta(hours=number)).isoformat()
        id_ = f"{START + timedelta(hours=number):%Y%m%dT%H%M%SZ}-{number:012x}"
        self.runs, self.made = [], []
        records = self.generated(id_, number)
        if number % EVERY == 0:
            self.evaluated(id_, number, self.trained(number, records))
        environment = {"python_version": "3.11", "git_sha": COMMIT, "git_dirty": False, "packages": {"torch": "2.4.1"}}
        told = {
            "session_id": id_,
            "started_at": self.when,
            "ended_at": self.when,
            "environment": environment,
            "loader_config": {},
            **NO_GAPS,
        }
        manifest = self.folder / f"session_manifest_{id_}.json"
        manifest.write_text(json.dumps(told | {"activities": self.runs, "artifacts_generated": self.made}))

    def run(self, id_, type_, made=(), **more):
        told = {
            "id": id_,
            "type": type_,
            "started_at": self.when,
            "ended_at": self.when,
            "script": SCRIPT,
            "models": [],
            "params": {},
            "used": [],
        }
        self.runs.append({**told, "generated": [{"file": one["file"], "role": "output"} for one in made], **NO_GAPS, **more})
        self.made += [{"count": None, "timestamp": self.when, "activity": id_, **one} for one in made]

    def generated(self, session, number):
        load, run = f"{number:031x}1", f"{number:031x}2"
        self.run(load, "model_load", provenance=PROVENANCE)
        data, shared = lines(run, session, self.when, number)
        one = {
            "lines": [[1, RECORDS]],
            "count": RECORDS,
            "first_timestamp": self.when,
            "last_timestamp": self.when,
            "seeds": [0, RECORDS - 1],
            "metadata": shared,
        }
        file = self.put(f"sft_{number:04}.jsonl", data, "training_data", count=RECORDS, slices=[one])
        seal = index.build(self.folder / file["file"])
        self.run(
            run, "generation", [{**file, "lines": seal.lines, "merkle_root": seal.merkle_root}], models=[load], params={**PARAMS, "seed": 0}
        )
        return file

    def trained(self, number, records):
        part = self.put(f"adapter_{number}/adapter.safetensors", b"%d" % number, "model_file")
        digest = hashlib.sha256(f"{part['sha256']}  adapter.safetensors\n".encode()).hexdigest()
        adapter = {"file": f"adapter_{number}", "type": "model", "sha256": digest, "bytes": part["bytes"], "files": [part]}
        used = {key: records[key] for key in ("file", "type", "sha256", "bytes")} | {"role": "trainingData"}
        self.run(f"{number:031x}3", "training", [adapter], models=[f"{number:031x}1"], params={"seed": 1}, used=[used])
        return part

    def evaluated(self, session, number, part):
        load, run = f"{number:031x}4", f"{number:031x}5"
        self.run(load, "model_load", provenance=PROVENANCE, used=[{**part, "role": "modelFile"}])
        dataset = {"name": "held_out", "size": 12, "version": self.test["sha256"]}
        params = {**PARAMS, "seed": 1}
        metadata = {
            "provenance": PROVENANCE,
            "script_version": COMMIT,
            "run_id": run,
            "dataset": dataset,
            "timestamp": self.when,
            "decoding_params": params,
        }
        report = {"summary": {"sft_accuracy": 0.5}, "metadata": metadata, "results": [{"correct": n < 6} for n in range(12)]}
        file = self.put(f"evaluation_{number:04}.json", json.dumps(report).encode(), "evaluation")
        self.run(
            run,
            "evaluation",
            [file],
            models=[load],
            params=params,
            used=[{**self.test, "role": "testSet"}],
            metrics=report["summary"],
            dataset=dataset,
        )


def signed(folder):
    """The same under a key."""
    public = keys.new_key(folder.with_name("key.pem"))
    spent, told = cpu(lambda: lineage.sign(folder, folder.with_name("key.pem")))
    yield "all sessions signed, which reads every file (CPU s)", spent, "-"
    time.sleep(2.5)
    lineage.audit(folder, key=public)  # digests of files that were not asked for before are remembered now
    spent, report = cpu(lambda: lineage.audit(folder, key=public, head=told[-1].sha256))
    yield "again, under the key, with every signature (CPU s)", spent, "<= 30"
    yield "its files as they were signed", dict(report.checked)["files as they were signed"], f">= {4 * len(told)}"
    yield "what it found", len(report.remarks), "== 0"


def rows(sessions=1000):
    """The figures."""
    with tempfile.TemporaryDirectory(prefix="lineage-audit-") as place:
        os.environ["LINEAGE_CACHE"] = f"{place}/cache"
        folder = Path(place) / "artifacts"
        folder.mkdir()
        writer = Writer(folder)
        for number in range(sessions):
            writer.session(number)
        time.sleep(2.5)  # a file that was just written may change again unseen, and is not remembered
        first, report = cpu(lambda: lineage.audit(folder))
        yield f"audit of {sessions:,} sessions: records", dict(report.checked)["records"], f">= {sessions * RECORDS:,}"
        yield "the first one, which reads every line (CPU s)", first, "-"
        again, report = cpu(lambda: lineage.audit(folder))
        yield "again, unchanged (CPU s)", again, "<= 30"
        yield "what it found", len(report.remarks), "== 0"
        lineage.export_folder(folder)
        spent, report = cpu(lambda: lineage.audit(folder))
        yield "again, with the PROV files of an export compared (CPU s)", spent, "<= 30"
        yield "its PROV files", dict(report.checked)["PROV files"], f"== {2 * sessions}"
        spent, report = cpu(lambda: lineage.audit(folder, graphs=graphs_of(folder)))
        yield "again, with the graph of all sessions compared in three formats (CPU s)", spent, "<= 30"
        yield "what it found", len(report.remarks), "== 0"
        yield from signed(folder)
        victim = folder / "sft_0000.jsonl"
        victim.write_bytes(victim.read_bytes().replace(b"held", b"HELD").replace(b"0 of 0", b"0 of O", 1))
        spent, report = cpu(lambda: lineage.audit(folder))
        yield "one record altered: found, with the models and scores it makes doubtful (CPU s)", spent, "<= 60"
        doubtful = next(one.consequences for one in report.open if one.finding.code == "altered-file")
        yield "its models and scores", len(doubtful.models) + len(doubtful.scores), "== 2"


if __name__ == "__main__":
    for what, value, promised in rows(*map(int, sys.argv[1:2])):
        print(f"{what:<80} {value:>16,.2f}   {promised}", flush=True)
