"""What is written while an experiment runs, and that nothing breaks the run or is lost."""

import datetime
import json
import logging
import math
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import lineage
from lineage.contract import manifest, records
from lineage.errors import RecordError, UsageError
from lineage.export import export_folder
from lineage.recording.close import close_sessions

PROVENANCE = {
    "loader_version": "a" * 40, "template_disabled": True, "model_name": "tiny", "quantization": "fp32", "sentinel_tests_passed": True, "add_special_tokens": False,
}  # fmt: skip


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A working directory with prompts, a test set and a model file."""
    monkeypatch.chdir(tmp_path)
    Path("prompts.jsonl").write_text('{"instruction": "a"}\n')
    Path("held_out.jsonl").write_text('{"q": 1}\n')
    Path("model.safetensors").write_bytes(b"weights")
    Path("train.py").write_text("pass")
    return tmp_path


def experiment(records_=3, exists=None):
    """The README's code."""
    with lineage.session("artifacts", title="stage 1", script="train.py") as session:
        load = session.model_load(PROVENANCE, files=["model.safetensors"])
        with session.generation(model=load, prompts=["prompts.jsonl"], params={"seed": 42, "temperature": 0.7}) as run:
            with run.records("sft_training_data.jsonl", exists=exists) as out:
                for n in range(records_):
                    out.write({"instruction": "…", "response": f"{n}"}, generation_params={"seed": 42 + n})
        with session.evaluation(model=load, dataset="held_out.jsonl", params={"seed": 1}) as run:
            run.report("evaluation_base.json", summary={"base_accuracy": 0.85}, results=[{"correct": True}])
    return session


def lines(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_every_record_says_who_made_it(work):
    session = experiment()
    first, *_, last = lines("artifacts/sft_training_data.jsonl")
    assert first["metadata"]["provenance"] == PROVENANCE and first["metadata"]["session_id"] == session.id
    assert last["metadata"]["generation_params"] == {"seed": 44, "temperature": 0.7} and last["metadata"]["record_index"] == 2
    assert {"provenance", "script_version", "generation_params", "timestamp", "script_name", "run_id"} <= set(first["metadata"])


def test_the_manifest_has_the_fixed_keys_and_the_digests_of_what_was_made(work):
    session = experiment()
    written = json.loads(session.manifest.read_text())
    assert written["session_id"] == session.id and written["status"] == "completed"
    assert {"python_version", "torch_version", "transformers_version", "gpu", "git_sha"} <= set(written["environment"])
    assert written["loader_config"] == {"provenance": PROVENANCE, "model_name": "tiny", "quantization": "fp32"}
    made = {entry["file"]: entry for entry in written["artifacts_generated"]}
    scan = records.scan(Path("artifacts/sft_training_data.jsonl"), "x")
    assert made["sft_training_data.jsonl"]["sha256"] == scan.sha256 and made["sft_training_data.jsonl"]["count"] == 3
    assert [one["type"] for one in written["activities"]] == ["model_load", "generation", "evaluation"]


def test_what_the_writer_says_of_its_slice_is_what_a_scan_finds(work):
    session = experiment()
    read, findings = manifest.read(session.manifest)
    made = next(one for one in read.artifacts if one.path == "sft_training_data.jsonl")
    assert made.slices == records.scan(Path("artifacts/sft_training_data.jsonl"), "x").slices and not findings


def test_the_report_has_the_shape_of_the_contract(work):
    experiment()
    report = json.loads(Path("artifacts/evaluation_base.json").read_text())
    assert report["summary"] == {"base_accuracy": 0.85} and report["results"] == [{"correct": True}]
    assert report["metadata"]["dataset"]["name"] == "held_out" and report["metadata"]["provenance"] == PROVENANCE
    assert report["metadata"]["eval_seed"] == 1


def test_no_journal_is_left_behind_a_session_that_ended_well(work):
    experiment()
    assert not list(Path("artifacts").glob("*journal*")) and [one.name for one in Path("artifacts").glob(".*")] == [".lineage"]
    assert [one.suffix for one in Path("artifacts/.lineage").iterdir()] == [".index"]


def test_a_fact_that_is_not_known_is_null_with_its_reason(work):
    session = experiment()
    written = json.loads(session.manifest.read_text())
    assert written["environment"]["git_sha"] is None and "git" in written["gaps"]["git_sha"]
    record = lines("artifacts/sft_training_data.jsonl")[0]
    assert record["metadata"]["script_version"] is None and record["metadata"]["gaps"]["script_version"]


def test_two_sessions_in_one_second_are_two_and_overwrite_nothing(work):
    one, other = experiment(), experiment(exists="number")
    assert one.id != other.id and len(list(Path("artifacts").glob("session_manifest_*.json"))) == 2
    assert len(lines("artifacts/sft_training_data.jsonl")) == 3 and len(lines("artifacts/sft_training_data-2.jsonl")) == 3


def test_disabled_recording_still_writes_the_records_and_nothing_else(work, monkeypatch):
    monkeypatch.setenv("LINEAGE_DISABLED", "1")
    experiment()
    assert lines("artifacts/sft_training_data.jsonl")[0] == {"instruction": "…", "response": "0"}
    assert sorted(path.name for path in Path("artifacts").iterdir()) == ["evaluation_base.json", "sft_training_data.jsonl"]


def test_a_failing_experiment_is_recorded_as_failed_and_its_error_is_its_own(work):
    with pytest.raises(ZeroDivisionError), lineage.session("artifacts") as session, session.generation() as run:
        run.records("out.jsonl").write({"a": 1 / 0})
    written = json.loads(session.manifest.read_text())
    assert written["status"] == "failed" and written["activities"][0]["status"] == "failed"


def test_metadata_that_a_record_brings_is_kept(work):
    with lineage.session("artifacts") as session:
        with session.generation() as run, run.records("a.jsonl") as out:
            out.write({"x": 1, "metadata": {"mine": 2}})
        with session.transformation("filter", inputs=["a.jsonl"]) as run, run.records("b.jsonl") as out:
            out.write(lines("artifacts/a.jsonl")[0])
    assert lines("artifacts/a.jsonl")[0]["metadata"]["previous"] == {"mine": 2}
    assert lines("artifacts/b.jsonl") == lines("artifacts/a.jsonl")


@pytest.mark.parametrize("value", [{"n": 2**70}, {"s": "\ud800"}, {1: "a key that is a number"}])
def test_what_json_holds_is_written_although_the_fast_writer_refuses_it(work, value):
    with lineage.session("artifacts", export=False) as session, session.generation() as run, run.records("a.jsonl") as out:
        out.write(value)
    assert lines("artifacts/a.jsonl")[0].items() >= json.loads(json.dumps(value)).items()


def test_what_json_cannot_hold_is_refused_at_once(work):
    with pytest.raises(RecordError, match="record"), lineage.session("artifacts", export=False) as session, session.generation() as run:
        run.records("a.jsonl").write({"a": object()})


def test_an_output_outside_the_folder_is_refused(work):
    with pytest.raises(UsageError, match="folder"), lineage.session("artifacts", export=False) as session, session.generation() as run:
        run.records("../a.jsonl")


def test_secrets_of_the_command_line_are_not_written(work, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x.py", "--hf-token", "hf_abcdefghijklmnop", "--api_key=sk-abcdefghijkl", "--max_new_tokens", "8"])
    text = experiment().manifest.read_text()
    assert "abcdefgh" not in text and json.loads(text)["environment"]["command_line"][-2:] == ["--max_new_tokens", "8"]


def test_a_read_only_folder_raises_and_is_left_alone(work):
    """As another user than root, whom no permission stops."""
    Path("artifacts").mkdir(mode=0o555)
    work.chmod(0o755)
    pid = os.fork()
    if pid == 0:
        try:
            os.setgid(65534)
            os.setuid(65534)
            logging.disable(logging.CRITICAL)
            experiment()
        except PermissionError:
            os._exit(0)
        except BaseException:
            os._exit(1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert not list(Path("artifacts").iterdir())


def recorder(folder, ready):
    """Write records until killed."""
    with lineage.session(folder, export=False) as session, session.generation(params={"seed": 1}) as run, run.records("out.jsonl") as out:
        ready.set()
        for n in range(10**9):
            out.write({"n": n, "text": "é" * (n % 300)})


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_whole_lines_and_a_manifest_that_parses(tmp_path):
    """200 kills of a recording process, each at a random moment; every folder is exported afterwards."""
    context = multiprocessing.get_context("fork")
    dice = random.Random(20251004)
    for n in range(200):
        folder = tmp_path / str(n)
        ready = context.Event()
        process = context.Process(target=recorder, args=(folder, ready))
        process.start()
        if n % 4:
            ready.wait(20)
        time.sleep(dice.random() * 0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        check_killed(folder)


def check_killed(folder):
    for path in folder.glob("session_manifest_*.json"):
        json.loads(path.read_text())
    if (folder / "out.jsonl").exists():
        *whole, _last = (folder / "out.jsonl").read_bytes().split(b"\n")
        assert [json.loads(line)["metadata"]["record_index"] for line in whole] == list(range(len(whole)))
    if folder.exists():
        done = export_folder(folder, only=("json",))
        assert {one.code for one in done.findings} <= {"truncated-line", "torn-journal"}


def test_a_killed_session_can_be_closed_and_says_interrupted(tmp_path):
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=recorder, args=(tmp_path, ready))
    process.start()
    ready.wait(20)
    assert close_sessions(tmp_path).running, "its process still runs"
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    done = close_sessions(tmp_path)
    assert len(done.closed) == 1 and not done.running and not list(tmp_path.glob("*journal*"))
    written = json.loads(next(tmp_path.glob("session_manifest_*.json")).read_text())
    assert written["status"] == "interrupted" and written["ended_at"] is None and "killed" in written["gaps"]["ended_at"]


WRITER = """
import lineage, sys
with lineage.session("artifacts", export=False) as session, session.generation(params={"rank": int(sys.argv[1])}) as run:
    with run.records("shared.jsonl") as out:
        for n in range(1000):
            out.write({"rank": int(sys.argv[1]), "n": n, "text": "x" * (n % 400)})
"""


def test_eight_processes_write_into_one_session_and_nothing_is_lost_or_torn(work):
    with lineage.session("artifacts") as session:
        session.artifact("nothing-yet.txt")
        processes = [subprocess.Popen([sys.executable, "-c", WRITER, str(rank)]) for rank in range(8)]
        assert [process.wait() for process in processes] == [0] * 8
    found = [row for path in Path("artifacts").glob("shared*.jsonl") for row in lines(path)]
    assert sorted((row["rank"], row["n"]) for row in found) == [(rank, n) for rank in range(8) for n in range(1000)]
    assert len({(row["metadata"]["run_id"], row["metadata"]["record_index"]) for row in found}) == 8000
    read, findings = manifest.read(session.manifest)
    assert len([run for run in read.activities if run.status == "completed"]) == 8 and not findings
    assert {row["metadata"]["session_id"] for row in found} == {session.id}


def test_a_fork_inside_a_run_writes_under_a_run_of_its_own(work):
    with lineage.session("artifacts", export=False) as session, session.generation() as run, run.records("a.jsonl") as out:
        out.write({"who": "parent"})
        pid = os.fork()
        if pid == 0:
            out.write({"who": "child"})
            os._exit(0)
        os.waitpid(pid, 0)
        out.write({"who": "parent"})
    rows = lines("artifacts/a.jsonl")
    assert len({(row["metadata"]["run_id"], row["metadata"]["record_index"]) for row in rows}) == 3


def test_helpers_of_the_contract(work):
    metadata = lineage.create_artifact_metadata(PROVENANCE, "prompts.jsonl", eval_seed=3)
    assert metadata["provenance"] == PROVENANCE and metadata["script_name"] == "prompts.jsonl" and metadata["eval_seed"] == 3
    assert lineage.create_session_manifest(PROVENANCE, "other").name.startswith("session_manifest_")
    assert lineage.get_git_sha() is None


def test_threads_write_one_file_and_runs_of_their_own_and_nothing_is_lost(work):
    with lineage.session("artifacts", export=False) as session:
        with session.generation() as run, run.records("shared.jsonl") as out:
            in_threads(lambda n: [out.write({"n": n}) for _ in range(100)])

        def own(n):
            with session.generation(params={"n": n}) as run, run.records(f"own-{n}.jsonl") as out:
                out.write({"n": n})

        in_threads(own)
    read, findings = manifest.read(session.manifest)
    assert sorted(row["metadata"]["record_index"] for row in lines(Path("artifacts/shared.jsonl"))) == list(range(800))
    assert len(read.activities) == 9 and {run.status for run in read.activities} == {"completed"} and not findings
    assert export_folder(Path("artifacts")).findings == ()


def in_threads(work):
    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_file_that_a_run_opens_again_goes_on_counting(work):
    with lineage.session("artifacts", export=False) as session, session.generation() as run:
        for _ in range(2):
            with run.records("a.jsonl") as out:
                out.write({})
    assert [row["metadata"]["record_index"] for row in lines(Path("artifacts/a.jsonl"))] == [0, 1]


@pytest.mark.parametrize("record", [[1], "text", None, 3])
def test_a_record_that_is_no_object_is_refused_and_spoils_nothing(work, record):
    with lineage.session("artifacts", export=False) as session, session.generation() as run, run.records("a.jsonl") as out:
        with pytest.raises(RecordError, match="is an object"):
            out.write(record)
        out.write({"n": 1})
    assert [row["n"] for row in lines(Path("artifacts/a.jsonl"))] == [1]


def test_parameters_that_are_no_json_never_break_the_run(work):
    params = {"path": Path("x/y"), "day": datetime.date(2025, 10, 4), "rate": float("nan"), "deep": [{"what": object()}], "seed": 1}
    with lineage.session("artifacts", export=False) as session:
        load = session.model_load({**PROVENANCE, "dtype": object(), "device": Path("cpu")})
        with session.generation(model=load, params=params) as run, run.records("a.jsonl") as out:
            out.write({})
    (row,) = lines(Path("artifacts/a.jsonl"))
    read, _ = manifest.read(session.manifest)
    expected = {"path": "x/y", "day": "2025-10-04", "rate": None, "deep": [{"what": None}], "seed": 1}
    assert row["metadata"]["generation_params"] == expected == read.activities[1].params
    assert {gap.about: gap.reason for gap in read.activities[1].gaps} == {
        "params.rate": "not a finite number", "params.deep[0].what": "JSON cannot hold a object",
    }  # fmt: skip
    assert row["metadata"]["provenance"]["dtype"] is None and "provenance.dtype" in {gap.about for gap in read.activities[0].gaps}


def test_a_number_of_any_size_is_recorded_wherever_it_stands(tmp_path):
    large = 2**70
    with (
        lineage.session(tmp_path, seeds={"torch": large}, export=False) as session,
        session.evaluation(dataset="held_out.jsonl", params={"seed": large}) as run,
    ):
        run.report("evaluation.json", summary={"count": large, "loss": math.nan}, results=[{"score": large}])
    told = json.loads(session.manifest.read_text())
    report = json.loads((tmp_path / "evaluation.json").read_text())
    assert told["environment"]["seeds"] == {"torch": large} and told["status"] == "completed"
    assert not list(tmp_path.glob("session_journal_*")), "the manifest holds what the journal told"
    assert report["summary"] == {"count": large, "loss": None} and report["results"] == [{"score": large}]
