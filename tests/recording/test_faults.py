"""Whatever fails in recording, the program goes on, and each of its records is on the disk."""

import errno
import json
from pathlib import Path

import pytest

import lineage
from lineage.capture import environment, files, git, gpu, packages, process
from lineage.contract import journal, manifest
from lineage.recording import joining, log

PROVENANCE = {"model_name": "tiny", "quantization": "fp32"}
PLACES = [
    (log, "create"), (log, "replace_file"), (log, "as_bytes"), (journal, "append"), (journal, "journals"), (journal, "read"), (journal, "folded"),
    (environment, "environment"), (environment, "runtime"), (packages, "packages"), (gpu, "gpus"), (git, "look"), (git, "look_again"), (git, "git_sha"),
    (process, "process_mark"), (process, "is_alive"), (joining, "membership"), (files, "digest"), (files, "artifact"), (manifest, "activity_json"),
]  # fmt: skip
ERRORS = [
    OSError(errno.ENOSPC, "No space left on device"),
    OSError(errno.EIO, "Input/output error"),
    PermissionError(errno.EACCES, "Permission denied"),
    OSError(errno.EMFILE, "Too many open files"),
    RuntimeError("could not determine home directory"),
    KeyError("uid not found"),
    UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed"),
    MemoryError(),
]


def experiment():
    with lineage.session("artifacts", seeds={"numpy": 1}) as session:
        load = session.model_load(PROVENANCE, files=["model.safetensors"])
        with session.generation(model=load, prompts=["prompts.jsonl"], params={"seed": 1}) as run, run.records("a.jsonl") as out:
            for n in range(3):
                out.write({"n": n})
            run.learned(extra=1)
            run.gap("something", "was not seen")
        with session.evaluation(model=load, params={"seed": 1}) as run:
            run.report("evaluation.json", summary={"accuracy": 1.0}, results=[])


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__ + str(getattr(error, "errno", "")))
@pytest.mark.parametrize(("module", "name"), PLACES, ids=lambda place: getattr(place, "__name__", place))
@pytest.mark.parametrize("times", ["always", "second"])
def test_a_fault_of_recording_loses_no_record_and_stops_nothing(tmp_path, monkeypatch, module, name, error, times):
    monkeypatch.chdir(tmp_path)
    Path("model.safetensors").write_bytes(b"weights")
    Path("prompts.jsonl").write_text("{}\n")
    real, calls = getattr(module, name), []

    def failing(*args, **kwargs):
        calls.append(name)
        if times == "second" and len(calls) != 2:
            return real(*args, **kwargs)
        raise error

    monkeypatch.setattr(module, name, failing)
    experiment()
    assert [json.loads(line)["n"] for line in Path("artifacts/a.jsonl").read_text().splitlines()] == [0, 1, 2]
    assert json.loads(Path("artifacts/evaluation.json").read_text())["summary"] == {"accuracy": 1.0}
    assert calls or name in ("git_sha", "is_alive", "read", "folded"), "the fault was never reached"
