"""The cache of digests is a convenience: wherever it cannot be, files are read and nothing is raised."""

import hashlib
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lineage.capture import files, process

DATA = b"x" * files.CACHED_FROM
RIGHT = (hashlib.sha256(DATA).hexdigest(), len(DATA))


@pytest.fixture
def big(tmp_path, monkeypatch):
    """A file that would be cached, in an environment that names no place for a cache."""
    monkeypatch.setattr(files, "SETTLED", -1e9)
    for name in ("LINEAGE_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "big"
    path.write_bytes(DATA)
    return path


def no_passwd(monkeypatch):
    def unknown(*asked):
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(pwd, "getpwnam", unknown)


def a_file(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LINEAGE_CACHE", str(tmp_path / "file"))


def in_a_file(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))


def relative(tmp_path, monkeypatch):
    monkeypatch.setenv("LINEAGE_CACHE", "cache")
    monkeypatch.chdir(tmp_path)


def relative_shared(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setenv("HOME", "home")
    monkeypatch.chdir(tmp_path)


def empty_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "")


def no_such_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/proc/no/such/home")


def read_only(tmp_path, monkeypatch):
    monkeypatch.setenv("LINEAGE_CACHE", "/proc/lineage")  # nothing can be made there, by root neither


PLACES = [a_file, in_a_file, relative, relative_shared, empty_home, no_such_home, read_only]


@pytest.mark.parametrize("place", PLACES, ids=lambda one: one.__name__)
def test_a_digest_is_taken_without_a_cache(place, big, tmp_path, monkeypatch):
    no_passwd(monkeypatch)
    place(tmp_path, monkeypatch)
    before = {path.name for path in tmp_path.iterdir()}
    assert files.digest(big) == RIGHT
    assert files.digest(big) == RIGHT
    assert {path.name for path in tmp_path.iterdir()} == before


def test_a_user_whom_the_system_does_not_know_has_no_cache_and_no_name(big, monkeypatch):
    no_passwd(monkeypatch)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    assert files.folder() is None
    assert files.digest(big) == RIGHT
    assert process.operator() is None


def test_a_cache_that_is_full_leaves_no_file_behind(big, tmp_path, monkeypatch):
    monkeypatch.setenv("LINEAGE_CACHE", str(tmp_path / "cache"))

    real = files.write_whole

    class Full:
        def __init__(self, out):
            self._out = out

        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_whole", lambda path, write: real(path, lambda out: write(Full(out))))
    assert files.digest(big) == RIGHT
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_cache_is_kept_where_the_user_says(big, tmp_path, monkeypatch):
    for name, value, place in (
        ("LINEAGE_CACHE", tmp_path / "own", tmp_path / "own"),
        ("XDG_CACHE_HOME", tmp_path / "shared", tmp_path / "shared/lineage"),
        ("HOME", tmp_path / "home", tmp_path / "home/.cache/lineage"),
    ):
        with monkeypatch.context() as inner:
            inner.setenv(name, str(value))
            assert files.digest(big) == RIGHT
            assert len(list(place.iterdir())) == 1


SCRIPT = """
import sys, time
sys.path.insert(0, {root!r})
import lineage
from lineage.recording.session import session
with session("made", operator=True) as opened:
    load = opened.model_load({{"model_name": "m"}}, files=["model.bin"])
    with opened.generation(model=load, prompts="prompts.jsonl") as run, run.records("rows.jsonl") as out:
        for number in range(3000):
            out.write({{"instruction": "x" * 80, "response": str(number)}})
    print(load.used[0].sha256)
time.sleep(2.2)
print(lineage.audit("made").findings is not None)
"""


@pytest.mark.parametrize("home", [[], ["HOME="], ["HOME=/nonexistent"]], ids=["unset", "empty", "missing"])
def test_a_container_with_an_arbitrary_user_records_and_audits(tmp_path, home):
    tmp_path.chmod(0o777)
    (tmp_path / "model.bin").write_bytes(DATA)
    (tmp_path / "prompts.jsonl").write_text("{}\n")
    os.utime(tmp_path / "model.bin", (1, 1))
    root = str(Path(__file__).resolve().parents[2])
    is_able = os.geteuid() == 0 and shutil.which("setpriv")  # else the user of the test, who may have a passwd entry
    powers = "+dac_override,+dac_read_search"  # the interpreter may lie where only root may look
    user = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", f"--inh-caps={powers}", f"--ambient-caps={powers}"]
    bare = ["env", "-u", "HOME", "-u", "XDG_CACHE_HOME", "-u", "LINEAGE_CACHE", "-u", "USER", "-u", "LOGNAME", *home]
    done = subprocess.run(
        [*(user if is_able else []), *bare, sys.executable, "-c", SCRIPT.format(root=root)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [RIGHT[0], "True"]
