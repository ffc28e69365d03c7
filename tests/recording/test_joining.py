"""What LINEAGE_SESSION names is joined only where it is an open session's manifest; nothing is waited for, and no record is lost."""

import json
import os
import subprocess
import sys

import pytest

ID = "20251004T120000Z-0123456789ab"
NAME = f"session_manifest_{ID}.json"
RUNNING = {"session_id": ID, "status": "running"}
RECORD = """
import sys, lineage
with lineage.session(sys.argv[1]) as session, session.generation() as run, run.records("child.jsonl") as out:
    out.write({"instruction": "a"})
"""


def recorded(folder, variable):
    """Record in a process that was handed *variable*; returns the ids of its own sessions that list its file."""
    environ = {**os.environ, "LINEAGE_SESSION": variable}
    subprocess.run([sys.executable, "-c", RECORD, str(folder)], env=environ, check=True, timeout=60, cwd=folder)
    own = [path for path in folder.glob("session_manifest_2*.json") if path.name != NAME]
    manifests = [json.loads(path.read_bytes()) for path in own]
    return [one["session_id"] for one in manifests if "child.jsonl" in json.dumps(one)]


PLANTED = {
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a folder": lambda path: path.mkdir(),
    "deep JSON": lambda path: path.write_text("[" * 200_000),
    "the id of another session": lambda path: path.write_text(json.dumps(RUNNING | {"session_id": "another"})),
    "no id": lambda path: path.write_text(json.dumps({"status": "running"})),
    "an ended session": lambda path: path.write_text(json.dumps(RUNNING | {"status": "completed"})),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_manifest_that_is_none_is_not_joined(tmp_path, kind):
    PLANTED[kind](tmp_path / NAME)
    assert len(recorded(tmp_path, str(tmp_path / NAME))) == 1


@pytest.mark.parametrize("name", ["foo.json", "session_manifest_a\nb.json", "session_manifest_\x1b[31m.json", f"{NAME}.txt", f"x{NAME}"])
def test_a_name_that_is_no_manifests_is_not_joined(tmp_path, name):
    told = name.removeprefix("session_manifest_").removesuffix(".json")
    (tmp_path / name).write_text(json.dumps({"session_id": told, "status": "running"}))
    before = {*tmp_path.iterdir()}
    assert len(recorded(tmp_path, str(tmp_path / name))) == 1
    assert before <= {*tmp_path.iterdir()}
    assert not list(tmp_path.glob("session_journal_*"))


@pytest.mark.parametrize("variable", ["", "/dev/stdin", "/", "..", "a" * 5000, "x\x1b]0;y\x07"])
def test_any_value_of_the_variable_is_taken(tmp_path, variable):
    assert len(recorded(tmp_path, variable)) == 1
