"""Ranks of one distributed job: one session, and one training."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lineage.export import export_folder
from lineage.recording import joining

JOB = """
import lineage, os, sys, time
from pathlib import Path
rank, size = int(sys.argv[1]), int(sys.argv[2])
def meet(name):
    Path(f"{name}-{rank}").touch()
    while len(list(Path().glob(f"{name}-*"))) < size:
        time.sleep(0.01)
for number in range(2):
    with lineage.session("artifacts", title=f"session {number}") as s:
        meet(f"open{number}")
        with s.training(params={"seed": 1}) as run:
            checkpoint = Path(f"artifacts/checkpoint-{number}")
            checkpoint.mkdir(exist_ok=True)
            (checkpoint / f"part-{rank}.bin").write_text("weights")
            if rank:
                run.output(f"checkpoint-{number}", type="checkpoint")
            meet(f"written{number}")
            if not rank:
                run.output(f"checkpoint-{number}", type="checkpoint")
        with s.generation(params={"seed": rank}) as run, run.records(f"own-{number}-{rank}.jsonl") as out:
            out.write({"n": rank})
        meet(f"done{number}")
"""
LAUNCHERS = {
    "torchrun": lambda rank, size: {
        "RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": size, "MASTER_ADDR": "localhost", "MASTER_PORT": "29500",
        "TORCHELASTIC_RUN_ID": "none", "TORCHELASTIC_RESTART_COUNT": "0",
    },
    "by hand": lambda rank, size: {"RANK": rank, "WORLD_SIZE": size},
    "srun": lambda rank, size: {"SLURM_PROCID": rank, "SLURM_NTASKS": size, "SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0"},
    "mpirun": lambda rank, size: {"OMPI_COMM_WORLD_RANK": rank, "OMPI_COMM_WORLD_SIZE": size, "OMPI_MCA_ess_base_jobid": "99"},
}  # fmt: skip


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("RANK", "WORLD_SIZE", *joining._SHARED):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(joining, "_opened", 0)
    return tmp_path


def launched(launcher, size=3):
    Path("job.py").write_text(JOB)
    for path in (path for name in ("open", "written", "done") for path in Path().glob(f"{name}*")):
        path.unlink()
    ranks = []
    for rank in reversed(range(size)):  # rank 0 comes last
        told = {name: str(value) for name, value in LAUNCHERS[launcher](rank, size).items()}
        command = [sys.executable, "job.py", str(rank), str(size)]
        ranks.append(subprocess.Popen(command, env={**os.environ, **told}, stderr=subprocess.PIPE, text=True))
    outcomes = [(process.communicate()[1], process.returncode) for process in ranks]
    assert [code for _, code in outcomes] == [0] * size, outcomes


def manifests():
    return [json.loads(path.read_text()) for path in sorted(Path("artifacts").glob("session_manifest_*.json"))]


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_the_ranks_of_a_job_share_each_session_and_one_training(work, launcher):
    launched(launcher)
    told = manifests()
    assert sorted(one["title"] for one in told) == ["session 0", "session 1"]
    for one in told:
        assert one["status"] == "completed"
        assert one["environment"]["world_size"] == 3
        (training,) = [run for run in one["activities"] if run["type"] == "training"]
        assert training["params"] == {"seed": 1, "world_size": 3}
        assert training["status"] == "completed"
        assert len([run for run in one["activities"] if run["type"] == "generation"]) == 3
        number = one["title"][-1]
        (checkpoint,) = [made for made in one["artifacts_generated"] if made["file"] == f"checkpoint-{number}"]
        assert len(checkpoint["files"]) == 3, "rank 0 digests it when all have written"
    export_folder(Path("artifacts"))
    assert export_folder(Path("artifacts")).findings == ()
    assert not list(Path("artifacts").glob("session_journal_*"))
    assert not list(Path("artifacts/.lineage").glob("job-*"))


def test_a_job_that_was_started_again_by_the_same_launcher_is_another_session(work):
    launched("by hand", 2)
    Path("artifacts").rename("first")
    launched("by hand", 2)
    again = {one["session_id"] for one in manifests()}
    assert len(again) == 2
    assert not again & {path.stem.removeprefix("session_manifest_") for path in Path("first").glob("session_manifest_*.json")}


STALE = {"boot": None, "pid": 2**22 + 5, "started": 1}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"session_id": 7}', '{"session_id": "../../x", "process": {}}', "{}" * 5000])
def test_a_jobs_file_that_is_none_of_ours_is_replaced(work, content, monkeypatch):
    rank_of(monkeypatch, 0)
    path = jobs_file(work)
    path.write_text(content)
    member = joining.membership(work)
    assert member.owner
    assert json.loads(path.read_text())["session_id"] == member.session_id


def test_the_file_of_a_job_that_died_is_replaced(work, monkeypatch):
    rank_of(monkeypatch, 1)
    path = jobs_file(work)
    mark = joining.process.process_mark()
    path.write_text(json.dumps({"session_id": "20260101T000000Z-" + "0" * 12, "process": {**mark, "pid": STALE["pid"]}}))
    member = joining.membership(work)
    assert member.session_id != "20260101T000000Z-" + "0" * 12
    assert not member.owner


def test_a_link_in_place_of_our_folder_is_not_followed(work, monkeypatch):
    rank_of(monkeypatch, 0)
    (work / "outside").mkdir()
    (work / ".lineage").symlink_to(work / "outside")
    assert joining.membership(work).file is None
    assert list((work / "outside").iterdir()) == []


@pytest.mark.parametrize(
    "variables",
    [{"RANK": "0"}, {"RANK": "x", "WORLD_SIZE": "2"}, {"RANK": "0", "WORLD_SIZE": "1"}, {"RANK": "5", "WORLD_SIZE": "2"}, {"RANK": "٣", "WORLD_SIZE": "9"},
     {"RANK": "1" * 5000, "WORLD_SIZE": "2" * 5000}, {"SLURM_PROCID": "0"}],
)  # fmt: skip
def test_what_names_no_rank_of_several_is_a_session_of_its_own(work, monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    member = joining.membership(work)
    assert (member.owner, member.rank, member.world_size, member.file) == (True, None, 1, None)


def test_ranks_on_several_machines_without_a_name_of_the_job_stay_apart(work, monkeypatch):
    rank_of(monkeypatch, 1)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1")
    member = joining.membership(work)
    assert (member.owner, member.rank, member.file) == (True, 1, None)


def rank_of(monkeypatch, rank):
    monkeypatch.setenv("RANK", str(rank))
    monkeypatch.setenv("WORLD_SIZE", "2")


def jobs_file(folder):
    (folder / ".lineage").mkdir(exist_ok=True)
    return folder / ".lineage" / f"job-{joining._job_key(2, joining._opened)}.json"
