"""What the world says, and what it does not say."""

import hashlib
import os
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.capture import environment, files, git, gpu, process
from lineage.core import secrets


@pytest.fixture
def repository(tmp_path):
    """A repository with one commit."""
    where = tmp_path / "repo"
    where.mkdir()
    for arguments in (["init", "-q", "-b", "main"], ["config", "user.email", "a@b.c"], ["config", "user.name", "x"]):
        run(where, *arguments)
    (where / "train.py").write_text("print(1)\n")
    (where / "data.bin").write_bytes(bytes(range(256)))
    run(where, "add", ".")
    run(where, "commit", "-qm", "first")
    return where


def run(where, *arguments):
    return subprocess.run(["git", "-C", str(where), *arguments], check=True, capture_output=True, text=True).stdout.strip()


def test_a_clean_commit(repository, tmp_path):
    code = git.code_version(repository / "train.py", folder=tmp_path, patch_into=tmp_path)
    assert (code.git_sha, code.branch, code.dirty, code.patch) == (run(repository, "rev-parse", "HEAD"), "main", False, None)
    assert code.script.path == "train.py" and code.script.version == code.git_sha and not code.gaps
    assert git.git_sha(repository, short=True) == code.git_sha[:8]


def test_the_patch_makes_the_same_tree_from_the_commit(repository, tmp_path):
    (repository / "train.py").write_text("print(2)\n")
    (repository / "data.bin").write_bytes(b"\0\1\2")
    code = git.code_version(repository / "train.py", folder=tmp_path, patch_into=tmp_path)
    clone = tmp_path / "clone"
    run(tmp_path, "clone", "-q", str(repository), str(clone))
    run(clone, "apply", "--binary", str(tmp_path / code.patch.path))
    assert code.dirty and all((clone / name).read_bytes() == (repository / name).read_bytes() for name in ("train.py", "data.bin"))
    assert code.patch.sha256 == code.diff_sha256 == hashlib.sha256((tmp_path / code.patch.path).read_bytes()).hexdigest()


def test_a_patch_that_is_not_wanted_leaves_its_digest_and_a_gap(repository, tmp_path, monkeypatch):
    monkeypatch.setenv("LINEAGE_PATCH", "0")
    (repository / "train.py").write_text("print(2)\n")
    code = git.code_version(repository / "train.py", folder=tmp_path, patch_into=tmp_path)
    assert code.diff_sha256 and code.patch is None and [gap.about for gap in code.gaps] == ["git_patch"]


def test_an_untracked_script_is_known_by_its_digest_and_has_no_version(repository, tmp_path):
    (repository / "new.py").write_text("x = 1\n")
    code = git.code_version(repository / "new.py", folder=tmp_path, patch_into=tmp_path)
    assert code.dirty and code.script.version is None and code.script.sha256 == hashlib.sha256(b"x = 1\n").hexdigest()
    assert [file.path for file in code.untracked] == ["new.py"]


def test_no_repository_is_a_gap_and_the_script_keeps_its_digest(tmp_path):
    script = tmp_path / "s.py"
    script.write_text("")
    code = git.code_version(script, folder=tmp_path, patch_into=tmp_path)
    assert code.git_sha is None and code.dirty is None and code.script.sha256 and "not a git repository" in code.gaps[0].reason


def test_a_repository_without_a_commit_is_a_gap(tmp_path):
    run(tmp_path, "init", "-q")
    assert git.code_version(None, folder=tmp_path, patch_into=None).gaps[0].reason == "the repository has no commit"


def test_no_git_is_a_gap(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git.code_version(None, folder=tmp_path, patch_into=None).gaps[0].reason == "git is not installed"
    assert git.git_sha(tmp_path) is None


def test_what_a_repository_configures_is_not_run(repository, tmp_path):
    """A hostile folder: its configuration names programs that git would run for us."""
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    (repository / ".gitattributes").write_text("*.py diff=x\n")
    for key in ("core.fsmonitor", "diff.external", "diff.x.command", "diff.x.textconv", "core.pager"):
        run(repository, "config", key, str(trap))
    (repository / "train.py").write_text("print(2)\n")
    git.code_version(repository / "train.py", folder=tmp_path, patch_into=tmp_path)
    assert not (tmp_path / "sprung").exists()


def test_the_users_settings_do_not_change_the_digest_of_a_diff(repository, tmp_path):
    (repository / "train.py").write_text("print(2)\n")
    before = git.code_version(repository / "train.py", folder=tmp_path, patch_into=None).diff_sha256
    for key, value in (("diff.noprefix", "true"), ("color.ui", "always"), ("diff.context", "9"), ("diff.mnemonicPrefix", "true")):
        run(repository, "config", key, value)
    assert git.code_version(repository / "train.py", folder=tmp_path, patch_into=None).diff_sha256 == before


def test_a_digest_is_cached_until_the_file_changes(tmp_path, monkeypatch):
    path = tmp_path / "big"
    path.write_bytes(b"x" * files.CACHED_FROM)
    monkeypatch.setattr(files, "SETTLED", -1e9)
    first = files.digest(path)
    monkeypatch.setattr(hashlib, "file_digest", None)
    assert files.digest(path) == first
    time.sleep(0.01)
    path.write_bytes(b"y" * files.CACHED_FROM)
    with pytest.raises(TypeError):
        files.digest(path)


def test_a_young_file_is_not_cached(tmp_path):
    path = tmp_path / "big"
    path.write_bytes(b"x" * files.CACHED_FROM)
    files.digest(path)
    assert not list(Path(os.environ["LINEAGE_CACHE"]).iterdir())


def test_a_pipe_is_never_opened_and_a_missing_file_is_a_gap(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert files.artifact(tmp_path / "pipe", folder=tmp_path, type="x").gaps[0].reason == "not a regular file"
    assert files.artifact(tmp_path / "nothing", folder=tmp_path, type="x").gaps[0].reason == "No such file or directory"


def test_an_environment_holds_chosen_variables_only(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    seen, _ = environment.environment()
    assert "s3cr3t" not in repr(seen) and seen["variables"]["CUDA_VISIBLE_DEVICES"] == "0" and seen["packages"]["pytest"]


def test_a_machine_without_a_gpu_says_why(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    seen, gaps = environment.environment()
    assert seen["gpu"] is None and {gap.about: gap.reason for gap in gaps}["gpu"] == "nvidia-smi is not installed"


def test_gpus_are_read_off_nvidia_smi(monkeypatch, tmp_path):
    fake = tmp_path / "nvidia-smi"
    fake.write_text("#!/bin/sh\necho 'NVIDIA H200, GPU-1, 570.1, 143771 MiB'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert gpu.gpus() == ([{"name": "NVIDIA H200", "uuid": "GPU-1", "driver": "570.1", "memory_total": "143771 MiB"}], None)


def test_torch_is_never_imported_and_a_half_loaded_one_is_no_fact(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert environment.runtime() == ({}, ())
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    assert environment.runtime() == ({}, ())


@pytest.mark.gpu
def test_a_real_gpu_has_a_name():
    rows, reason = gpu.gpus()
    if reason:
        pytest.skip(f"{reason}: run on a machine with a GPU")
    assert rows[0]["name"]


SECRET = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=12, max_size=30)


@given(
    SECRET,
    st.sampled_from(
        [
            "--token {}",
            "--hf-token={}",
            "API_KEY={}",
            "--password {}",
            "x hf_{}",
            "https://u:{}@host/x",
            "sk-{}",
            "--aws-secret-access-key {}",
        ]
    ),
)
def test_a_secret_does_not_survive(secret, where):
    assert secret not in " ".join(secrets.command_line(where.format(secret).split()))


def test_an_ordinary_command_line_stays_as_it_is():
    argv = [
        "train.py",
        "--max_new_tokens",
        "150",
        "--tokenizer",
        "qwen",
        "--max-tokens=3",
        "--author",
        "me",
        "--model",
        "Qwen/Qwen2.5-32B",
        "--lr",
        "1e-3",
    ]
    assert secrets.command_line(argv) == argv


def test_a_process_knows_whether_another_still_lives():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    mark = {**process.process_mark(), "pid": child.pid, "started": process._started(child.pid)}
    assert process.is_alive(mark) is True
    child.kill()
    child.communicate()
    assert process.is_alive(mark) is False and process.is_alive({**mark, "boot": "another"}) is None


def test_a_recheck_reads_a_file_whose_digest_is_cached(tmp_path, monkeypatch):
    monkeypatch.setenv("LINEAGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(files, "SETTLED", -1.0)
    path = tmp_path / "weights"
    path.write_bytes(b"x" * files.CACHED_FROM)
    good = files.artifact(path, folder=tmp_path, type="model").sha256
    entry = next((tmp_path / "cache").iterdir())
    kept = files.Kept.of(path, "digest")
    assert kept.entry == entry
    kept.write(f"{'0' * 64} {files.CACHED_FROM}".encode())
    assert files.artifact(path, folder=tmp_path, type="model").sha256 == "0" * 64
    assert files.artifact(path, folder=tmp_path, type="model", recheck=True).sha256 == good
    read, _ = files.digest(path)
    assert read == good
    entry.write_text("spoilt")
    assert files.digest(path) == (good, files.CACHED_FROM)
