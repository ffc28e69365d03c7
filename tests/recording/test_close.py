"""`lineage session close`: a session is finished only when its processes are gone, whole, and whatever a folder holds."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.capture.process import process_mark
from lineage.cli import main
from lineage.contract import manifest
from lineage.errors import LineageError
from lineage.recording import closing, journal_stream
from lineage.recording.close import close_sessions

GENEROUS = 60  # seconds; the machine may be busy
ID = "20260101T000000Z-0123456789ab"
DEAD = {**process_mark(), "pid": 1 << 22, "started": 1}
ELSEWHERE = {**process_mark(), "boot": "0" * 16}
TOP = {
    "session_id": ID, "schema": "1", "title": "t", "status": "running", "started_at": "2026-01-01T00:00:00+00:00", "ended_at": None, "environment": {},
    "loader_config": {}, "artifacts_generated": [], "activities": [], "gaps": {}, "process": DEAD,
}  # fmt: skip


def activity(id_, **changes):
    body = {
        "id": id_,
        "type": "generation",
        "status": "running",
        "started_at": None,
        "ended_at": None,
        "script": None,
        "models": [],
        "params": {},
    }
    return {"event": "activity", "activity": {**body, "used": [], "generated": [], "gaps": {}, **changes}}


def claim(file, **changes):
    body = {"file": file, "type": "training_data", "count": None, "timestamp": None, "sha256": None, "bytes": None, "activity": "a"}
    return {"event": "artifact", "artifact": {**body, **changes}}


def put_manifest(folder, top=TOP, id_=ID):
    (folder / f"session_manifest_{id_}.json").write_text(json.dumps(top))


def put_journal(folder, name, *events, mark=DEAD, id_=ID):
    path = folder / f"session_journal_{id_}_{name}.jsonl"
    every = [{"event": "process", "process": mark}, *events]
    path.write_bytes(b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in every))
    return path


def told(folder, id_=ID):
    return json.loads((folder / f"session_manifest_{id_}.json").read_text())


def entries(folder, id_=ID):
    return {one["file"]: one for one in told(folder, id_)["artifacts_generated"]}


def journals(folder):
    return sorted(path.name for path in folder.glob("session_journal_*.jsonl"))


def until(condition, what):
    end = time.monotonic() + GENEROUS
    while not condition():
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.02)


# --- a session that was really killed

KILLED = """
import lineage, os, pathlib, signal
P = {"loader_version": "a" * 40, "template_disabled": True, "model_name": "tiny", "quantization": "nf4", "sentinel_tests_passed": True, "add_special_tokens": False}
def kill():
    os.kill(os.getpid(), signal.SIGKILL)
with lineage.session("killed", title="k") as session:
    load = session.model_load(P)
"""
BODIES = {
    "records": """
    with session.generation(model=load, params={"seed": 1}) as run, run.records("data.jsonl") as out:
        for n in range(20):
            out.write({"question": f"question {n}"})
        kill()
""",
    "records of several kinds": """
    with session.generation(model=load, params={"seed": 1, "temperature": 0.5}) as run, run.records("data.jsonl") as out:
        for n in range(20):
            out.write({"question": f"question {n}"}, generation_params={"temperature": n / 20})
        kill()
""",
    "two files": """
    with session.generation(model=load, params={"seed": 1}) as run, run.records("data.jsonl") as out, run.records("sub/other.jsonl") as other:
        for n in range(20):
            out.write({"question": f"question {n}"})
            other.write({"n": n})
        kill()
""",
    "a transformation": """
    with session.transformation("filter") as run, run.records("data.jsonl") as out:
        for n in range(20):
            out.write({"question": f"question {n}"})
        kill()
""",
    "after a run": """
    with session.generation(model=load, params={"seed": 1}) as run, run.records("data.jsonl") as out:
        for n in range(20):
            out.write({"question": f"question {n}"})
    with session.evaluation(model=load, params={"seed": 1}) as run:
        run.report("evaluation_a.json", summary={"a": 0.5}, results=[])
        kill()
""",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_killed_session_is_closed_signed_and_verified_like_any_other(tmp_path, monkeypatch, capfd, body):
    monkeypatch.chdir(tmp_path)
    Path("killed.py").write_text(KILLED + body)
    assert subprocess.run([sys.executable, "killed.py"], check=False).returncode == -signal.SIGKILL
    assert main(["sign", "--new-key", "key.pem"]) == 0
    assert main(["sign", "killed", "--key", "key.pem"]) == 3, "it is not closed yet"
    assert main(["session", "close", "killed"]) == 0
    assert journals(Path("killed")) == []
    for path in Path("killed").glob("*.jsonl"):
        (made,) = [one for one in told(Path("killed"), manifest_id())["artifacts_generated"] if one["file"] == path.name]
        assert (made["count"], made["lines"], made["bytes"]) == (20, 20, path.stat().st_size)
        assert made["merkle_root"]
        assert sum(one["count"] for one in made["slices"]) == (0 if body == BODIES["a transformation"] and not made["slices"] else 20)
    assert main(["export", "killed"]) == 0
    assert main(["sign", "killed", "--key", "key.pem"]) == 0
    assert main(["verify", "killed", "--key", "key.pem.pub"]) == 0
    capfd.readouterr()
    assert main(["audit", "killed", "--key", "key.pem.pub", "--ignore", "dirty-code"]) in (0, 1)
    assert "altered-file" not in capfd.readouterr().out
    data = Path("killed/data.jsonl")
    data.write_text(data.read_text().replace("question 3", "question 9"))
    assert main(["verify", "killed", "--key", "key.pem.pub"]) == 4
    assert main(["audit", "killed"]) == 4
    assert "altered-file" in capfd.readouterr().out


def manifest_id():
    (path,) = Path("killed").glob("session_manifest_*.json")
    return manifest.session_id_of(path)


def test_what_was_not_observed_is_null_with_the_reason(tmp_path):
    put_manifest(tmp_path)
    put_journal(tmp_path, "1", activity("a"), activity("done", status="completed"))
    assert close_sessions(tmp_path).closed == {ID: "interrupted"}
    top = told(tmp_path)
    assert (top["status"], top["ended_at"]) == ("interrupted", None)
    assert "killed" in top["gaps"]["ended_at"]
    runs = {one["id"]: one for one in top["activities"]}
    assert (runs["a"]["status"], runs["a"]["ended_at"]) == ("interrupted", None)
    assert "killed" in runs["a"]["gaps"]["ended_at"]
    assert (runs["done"]["status"], runs["done"]["gaps"]) == ("completed", {})


def test_a_torn_last_record_is_a_finding_and_the_file_stays_as_it_is(tmp_path):
    data = b'{"n": 1}\n{"n": 2}\n{"n'
    (tmp_path / "data.jsonl").write_bytes(data)
    put_manifest(tmp_path)
    put_journal(tmp_path, "1", activity("a"), claim("data.jsonl"))
    done = close_sessions(tmp_path)
    assert [(one.code, one.file) for one in done.findings] == [("truncated-line", "data.jsonl")]
    assert (tmp_path / "data.jsonl").read_bytes() == data
    assert (entries(tmp_path)["data.jsonl"]["count"], entries(tmp_path)["data.jsonl"]["bytes"]) == (2, len(data))


def test_journals_without_a_manifest_make_one(tmp_path):
    put_journal(tmp_path, "1", {"event": "session", "session": {**TOP}}, activity("a"))
    assert close_sessions(tmp_path).closed == {ID: "interrupted"}
    assert [one["id"] for one in told(tmp_path)["activities"]] == ["a"]


def test_a_session_that_has_ended_keeps_its_end_when_a_journal_was_left(tmp_path):
    put_manifest(tmp_path, {**TOP, "status": "completed", "ended_at": "2026-01-01T00:00:01+00:00"})
    put_journal(tmp_path, "1", activity("a"))
    assert close_sessions(tmp_path).closed == {ID: "completed"}
    assert told(tmp_path)["ended_at"] == "2026-01-01T00:00:01+00:00"
    assert told(tmp_path)["activities"][0]["status"] == "interrupted"


@pytest.mark.parametrize("status", ["completed", "failed", None])
def test_a_session_that_was_closed_is_left_as_it_is(tmp_path, status):
    (tmp_path / "data.jsonl").write_text("{}\n")
    top = {**TOP, "status": status, "artifacts_generated": [claim("data.jsonl")["artifact"]]}
    put_manifest(tmp_path, {key: value for key, value in top.items() if value is not None or key != "status"})
    before = told(tmp_path)
    assert close_sessions(tmp_path).closed == {}
    assert told(tmp_path) == before


def test_closing_twice_changes_nothing(tmp_path):
    (tmp_path / "data.jsonl").write_text("{}\n")
    put_manifest(tmp_path)
    put_journal(tmp_path, "1", activity("a"), claim("data.jsonl"))
    assert close_sessions(tmp_path).closed
    before = told(tmp_path)
    assert not close_sessions(tmp_path).closed
    assert told(tmp_path) == before


# --- processes that live

CHILD = """
import lineage, os, sys, time
with lineage.session("orphaned", export=False) as session:
    with session.generation(params={"seed": 2}) as run, run.records("child.jsonl") as out:
        for n in range(10):
            out.write({"n": n})
        open("began", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.02)
        for n in range(10):
            out.write({"n": n})
    with session.evaluation(params={"seed": 3}) as run:
        run.report("evaluation_x.json", summary={"accuracy": 1.0}, results=[])
"""
PARENT = """
import lineage, os, signal, subprocess, sys, time
with lineage.session("orphaned", export=False) as session:
    with session.generation(params={"seed": 1}) as run, run.records("data.jsonl") as out:
        out.write({"n": 1})
        child = subprocess.Popen([sys.executable, "child.py"], start_new_session=True, stdout=subprocess.DEVNULL)
        print(child.pid, flush=True)
        while not os.path.exists("began"):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def orphan(tmp_path, monkeypatch):
    """The pid of a process whose session was opened by one that is gone."""
    monkeypatch.chdir(tmp_path)
    Path("child.py").write_text(CHILD)
    Path("parent.py").write_text(PARENT)
    parent = subprocess.run([sys.executable, "parent.py"], stdout=subprocess.PIPE, text=True, check=False)
    pid = int(parent.stdout)
    yield pid
    Path("go").touch()
    until(lambda: not lives(pid), "the end of the child")


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def orphaned():
    (path,) = Path("orphaned").glob("session_manifest_*.json")
    session, _ = manifest.read(path)
    return session


def check_orphaned():
    """Everything that both processes recorded is there."""
    session = orphaned()
    files = {one.path: one for one in session.artifacts}
    assert (files["data.jsonl"].count, files["child.jsonl"].count) == (1, 20)
    assert all(files[name].sha256 for name in ("data.jsonl", "child.jsonl", "evaluation_x.json"))
    assert sorted((type(one).__name__, one.status) for one in session.activities) == [
        ("Evaluation", "completed"), ("Generation", "completed"), ("Generation", "interrupted"),
    ]  # fmt: skip
    assert session.status == "interrupted"


def test_a_session_with_a_living_process_is_refused_and_the_process_is_named(orphan, capfd):
    before = sorted(path.read_bytes() for path in Path("orphaned").iterdir() if path.is_file())
    assert main(["session", "close", "orphaned"]) == 1
    said = capfd.readouterr().err
    assert f"process {orphan} (session_journal_" in said
    assert "--wait" in said
    assert sorted(path.read_bytes() for path in Path("orphaned").iterdir() if path.is_file()) == before
    Path("go").touch()
    until(lambda: not lives(orphan), "the end of the child")
    assert main(["session", "close", "orphaned"]) == 0
    check_orphaned()
    assert journals(Path("orphaned")) == []


def test_close_waits_for_a_living_process(orphan):
    waiting = subprocess.Popen([sys.executable, "-m", "lineage", "session", "close", "orphaned", "--wait", str(GENEROUS)])
    time.sleep(0.5)
    assert waiting.poll() is None
    Path("go").touch()
    assert waiting.wait(GENEROUS) == 0
    check_orphaned()


def test_what_a_living_process_writes_after_a_forced_close_is_not_lost(orphan):
    assert main(["session", "close", "orphaned", "--force"]) == 0
    assert orphaned().status == "interrupted"
    assert next(one for one in orphaned().artifacts if one.path == "child.jsonl").sha256 is None, "it is still being written"
    Path("go").touch()
    until(lambda: not lives(orphan), "the end of the child")
    check_orphaned()
    assert main(["session", "close", "orphaned"]) == 0
    check_orphaned()
    assert journals(Path("orphaned")) == []


@pytest.mark.parametrize(("mark", "said"), [(ELSEWHERE, "cannot be seen from here"), ({}, "left no mark"), (process_mark(), "still runs")])
@pytest.mark.parametrize("place", ["manifest", "journal"])
def test_a_process_that_may_live_is_refused_wherever_its_mark_stands(tmp_path, capfd, mark, said, place):
    put_manifest(tmp_path, {**TOP, "process": mark if place == "manifest" else DEAD})
    if place == "journal":
        put_journal(tmp_path, "1", activity("a"), mark=mark)
    assert main(["session", "close", str(tmp_path), "--wait", "0.1"]) == 1
    assert said in capfd.readouterr().err
    assert told(tmp_path)["status"] == "running"
    assert main(["session", "close", str(tmp_path), "--force"]) == 0
    assert told(tmp_path)["status"] == "interrupted"
    assert bool(journals(tmp_path)) == (place == "journal"), "journals of what may live are kept"
    before = told(tmp_path)
    main(["session", "close", str(tmp_path), "--force"])
    assert told(tmp_path) == before


def test_a_process_that_has_left_is_not_waited_for(tmp_path):
    put_manifest(tmp_path)
    put_journal(tmp_path, "1", activity("a", status="completed"), {"event": "left"}, mark=process_mark())
    assert close_sessions(tmp_path).closed == {ID: "interrupted"}


# --- journals

UNREADABLE = {
    "cut off": b'{"event": "activity", "activ',
    "zeros of a power cut": b"\0" * 100,
    "no JSON": b"nonsense",
    "no object": b"[1]",
    "no event": b'{"a": 1}',
    "of no known kind": b'{"event": "invention", "invention": {"a": 1}}',
    "without a body": b'{"event": "activity"}',
    "without a name": b'{"event": "artifact", "artifact": {"count": 1}}',
    "no UTF-8": b'{"event": "left", "x": "\xff"}',
    "too deep": b'{"event": "activity", "activity": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "a key twice": b'{"event": "session", "session": {"title": "a", "title": "b"}}',
}


@pytest.mark.parametrize("at_end", [False, True], ids=["in the middle", "at the end"])
@pytest.mark.parametrize("line", UNREADABLE.values(), ids=UNREADABLE)
def test_a_journal_with_a_line_that_cannot_be_read_is_kept_and_the_rest_is_folded(tmp_path, capfd, line, at_end):
    put_manifest(tmp_path)
    lines = [line] if at_end else [line + b"\n", activity("after")]
    path = put_journal(tmp_path, "1", activity("before"), *lines)
    whole = path.read_bytes()
    assert main(["session", "close", str(tmp_path)]) == 1
    assert {one["id"] for one in told(tmp_path)["activities"]} == ({"before"} if at_end else {"before", "after"})
    (kept,) = tmp_path.glob("session_journal_*")
    assert kept.read_bytes() == whole
    said = capfd.readouterr().err
    assert f"{path.name}:3: " in said
    assert f"kept as {kept.name}" in said
    assert entries(tmp_path)[kept.name]["type"] == "journal"
    assert main(["session", "close", str(tmp_path)]) == 0, "it is closed"
    main(["sign", "--new-key", str(tmp_path.parent / "key.pem")])
    assert main(["sign", str(tmp_path), "--key", str(tmp_path.parent / "key.pem")]) == 0
    assert main(["verify", str(tmp_path), "--key", str(tmp_path.parent / "key.pem.pub")]) == 0


def test_a_line_that_is_too_long_is_passed_over_and_the_rest_is_folded(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_stream, "MAX_LINE", 1000)
    monkeypatch.setattr(journal_stream, "BLOCK", 64)
    put_manifest(tmp_path)
    put_journal(tmp_path, "1", activity("before"), activity("long", title="x" * 2000), activity("after", title="x" * 300))
    done = close_sessions(tmp_path)
    assert {one["id"] for one in told(tmp_path)["activities"]} == {"before", "after"}
    assert "longer than 1000 bytes" in done.findings[0].message


@pytest.mark.parametrize("block", [1, 7, 64, 1 << 16])
def test_lines_are_found_wherever_a_block_ends(tmp_path, monkeypatch, block):
    monkeypatch.setattr(journal_stream, "BLOCK", block)
    put_manifest(tmp_path)
    put_journal(tmp_path, "1", *(activity(f"{n}", title="é" * n) for n in range(20)), b"\n\n", activity("last"))
    assert not close_sessions(tmp_path).findings
    assert [one["id"] for one in told(tmp_path)["activities"]] == [*map(str, range(20)), "last"]


def test_a_journal_of_any_size_is_folded_in_bounded_memory(tmp_path):
    put_manifest(tmp_path)
    path = put_journal(tmp_path, "1", claim("first.txt"))
    filler = json.dumps(activity("a", title="x" * (1 << 20))).encode() + b"\n"
    with path.open("ab") as file:
        for _ in range(260):
            file.write(filler)
        file.write(json.dumps(activity("last")).encode() + b"\n")
    assert path.stat().st_size > 1 << 28
    # VmHWM, for ru_maxrss is at least what the test process had when it started this one (getrusage(2))
    script = "import re, sys; from lineage.cli import main; code = main(['session', 'close', sys.argv[1]]); print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]); sys.exit(code)"
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True, check=True)
    assert int(done.stdout.split()[-1]) * 1024 < 200 << 20
    assert [one["id"] for one in told(tmp_path)["activities"]] == ["a", "last"]
    assert "first.txt" in entries(tmp_path)
    assert journals(tmp_path) == []


def test_more_journals_than_descriptors_are_folded(tmp_path):
    put_manifest(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, limits[1]), limits[1]))
    try:
        for n in range(400):
            put_journal(tmp_path, f"{n:03}", activity(f"{n}"))
        assert close_sessions(tmp_path).closed
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(told(tmp_path)["activities"]) == 400


def test_the_order_of_the_events_decides_and_not_that_of_the_journals(tmp_path):
    put_manifest(tmp_path)
    put_journal(tmp_path, "1", {**claim("x", count=2), "order": 30}, {**activity("a", status="completed"), "order": 31})
    put_journal(tmp_path, "2", {**claim("x", count=1), "order": 20}, {**activity("a"), "order": 21})
    close_sessions(tmp_path)
    assert entries(tmp_path)["x"]["count"] == 2
    assert told(tmp_path)["activities"][0]["status"] == "completed"


# --- a close that is killed, and closes at the same time


@pytest.mark.parametrize("fails_at", range(12))
def test_a_close_that_is_killed_between_two_steps_loses_nothing_and_can_be_done_again(tmp_path, monkeypatch, fails_at):
    (tmp_path / "data.jsonl").write_text("{}\n")
    put_manifest(tmp_path)
    put_journal(tmp_path, "1", activity("a"), claim("data.jsonl"))
    put_journal(tmp_path, "2", activity("b"), b"torn")
    put_journal(tmp_path, "3", activity("c"))
    steps = iter(range(100))

    def step(real):
        def wrapper(*args, **kwargs):
            if next(steps) == fails_at:
                raise OSError(5, "killed here", str(args[0]))
            return real(*args, **kwargs)

        return wrapper

    with monkeypatch.context() as patch:
        for name in ("unlink", "rename"):
            patch.setattr(Path, name, step(getattr(Path, name)))
        for name in ("create", "replace_file", "sync_folder"):
            patch.setattr(closing, name, step(getattr(closing, name)))
        close_sessions(tmp_path)
    session, _ = manifest.read(tmp_path / f"session_manifest_{ID}.json")
    assert {one.id for one in session.activities} == {"a", "b", "c"}
    assert len({session.status, *(one.status for one in session.activities)}) == 1, "the end is there as a whole or not at all"
    close_sessions(tmp_path)
    session, _ = manifest.read(tmp_path / f"session_manifest_{ID}.json")
    assert ({one.id for one in session.activities}, session.status) == ({"a", "b", "c"}, "interrupted")
    assert next(one for one in session.artifacts if one.path == "data.jsonl").sha256
    assert journals(tmp_path) == []


def test_of_closes_at_the_same_time_one_works_and_the_others_say_so(tmp_path):
    for n in range(30):
        put_manifest(tmp_path, {**TOP, "session_id": f"{n:02}"}, f"{n:02}")
        put_journal(tmp_path, "1", activity(f"a{n}"), id_=f"{n:02}")
    argv = [
        sys.executable,
        "-c",
        "import sys; from lineage.recording.close import close_sessions; from pathlib import Path; close_sessions(Path(sys.argv[1]))",
    ]
    closes = [subprocess.Popen([*argv, str(tmp_path)], stderr=subprocess.PIPE, text=True) for _ in range(6)]
    said = [(one.communicate()[1], one.returncode) for one in closes]
    assert any(code == 0 for _, code in said)
    assert all("another process closes sessions here" in text for text, code in said if code)
    assert all(told(tmp_path, f"{n:02}")["activities"][0]["status"] == "interrupted" for n in range(30))


# --- a folder from a stranger


@pytest.fixture
def sent(tmp_path):
    """A folder beside a file that nobody may read or change through it."""
    folder = tmp_path / "sent"
    folder.mkdir()
    (tmp_path / "outside.jsonl").write_text('{"precious": 1}\n')
    yield folder
    assert (tmp_path / "outside.jsonl").read_text() == '{"precious": 1}\n'
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside.jsonl", "sent"]


SPECIAL = {
    "a link": lambda path: path.symlink_to("../outside.jsonl"),
    "a link to nothing": lambda path: path.symlink_to("../new.jsonl"),
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path.name),
}


@pytest.mark.parametrize("make", SPECIAL.values(), ids=SPECIAL)
@pytest.mark.parametrize("what", ["manifest", "journal", "output"])
def test_what_is_no_regular_file_is_neither_opened_nor_replaced(sent, capfd, make, what):
    put_manifest(sent)
    put_journal(sent, "1", activity("a"), claim("out.jsonl"))
    name = {"manifest": f"session_manifest_{ID}.json", "journal": f"session_journal_{ID}_2.jsonl", "output": "out.jsonl"}[what]
    if what == "manifest":
        (sent / name).unlink()
    make(sent / name)
    kind = (sent / name).lstat().st_mode
    code = main(["session", "close", str(sent)])
    assert (sent / name).lstat().st_mode == kind
    if not (what == "output" and kind & 0o040000):
        assert code != 0
        assert name in capfd.readouterr().err
    if what == "manifest":
        assert journals(sent) == [f"session_journal_{ID}_1.jsonl"]
    else:
        assert told(sent)["status"] == "interrupted"
        assert entries(sent)["out.jsonl"]["sha256"] is None


OUTSIDE = [
    "../outside.jsonl",
    "/etc/passwd",
    "sub/../../outside.jsonl",
    "link/outside.jsonl",
    "file-link.jsonl",
    "./out.jsonl",
    "a//b",
    "x\0y",
    "\ud800",
    "",
    ".",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_an_output_that_leads_out_of_the_folder_is_not_read(sent, name):
    (sent / "sub").mkdir()
    (sent / "link").symlink_to("..")
    (sent / "file-link.jsonl").symlink_to("../outside.jsonl")
    (sent / "out.jsonl").write_text("{}\n")
    put_manifest(sent)
    put_journal(sent, "1", activity("a"), claim(name))
    done = close_sessions(sent)
    assert [one.code for one in done.findings] == ["outside-folder"]
    assert entries(sent)[name]["sha256"] is None


def test_a_file_that_another_session_recorded_is_not_claimed(sent):
    (sent / "data.jsonl").write_text("{}\n")
    put_manifest(
        sent,
        {**TOP, "session_id": "other", "status": "completed", "artifacts_generated": [claim("data.jsonl", sha256="0" * 64)["artifact"]]},
        "other",
    )
    put_manifest(sent)
    put_journal(sent, "1", activity("a"), claim("data.jsonl"), claim(f"session_manifest_{ID}.json"), claim("session_manifest_other.json"))
    done = close_sessions(sent)
    assert sorted(one.code for one in done.findings) == ["bad-manifest", "bad-manifest", "listed-twice"]
    assert all(one["sha256"] is None for one in told(sent)["artifacts_generated"])


@pytest.mark.parametrize("text", ["not JSON", "[]", '{"session_id": "another", "status": "running"}', "{" * 100000, "\xff", ""])
def test_a_manifest_that_cannot_be_read_is_not_replaced(sent, capfd, text):
    path = sent / f"session_manifest_{ID}.json"
    path.write_bytes(text.encode("latin-1"))
    put_journal(sent, "1", activity("a"))
    assert main(["session", "close", str(sent)]) == 1
    assert path.read_bytes() == text.encode("latin-1")
    assert journals(sent)
    assert path.name in capfd.readouterr().err


@pytest.mark.parametrize("kind", ["manifest", "journal", "output"])
def test_control_characters_of_a_name_reach_the_terminal_as_text(sent, capfd, kind):
    evil = "\x1b]0;owned\x07\x1b[2J\nX"
    put_manifest(sent)
    put_journal(sent, "1", activity("a"), *([claim(f"../{evil}")] if kind == "output" else [b"torn"]))
    if kind == "manifest":
        put_manifest(sent, TOP, evil)
    if kind == "journal":
        put_journal(sent, evil, b"torn")
    assert main(["session", "close", str(sent)]) == 1
    said = capfd.readouterr()
    assert "\x1b" not in said.err + said.out
    assert "\\x1b]0;owned" in said.err


@pytest.mark.parametrize("prefix", ["*", "[0-9]", "..", "/", "2026*"])
def test_the_beginning_of_an_id_is_no_pattern(sent, prefix):
    put_manifest(sent)
    assert main(["session", "close", str(sent), "--session", prefix]) == 3
    assert told(sent)["status"] == "running"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["running", "../x", "data.jsonl", DEAD]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "file", "status", "gaps", "process", "sha256", "pid", "order"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
KEYS = st.sampled_from(["activity", "artifact", "session", "process", "left"])
EVENTS = st.builds(lambda kind, body, order: {"event": kind, kind: body, "order": order}, KEYS, JSON, JSON)
TOPS = st.dictionaries(st.sampled_from([*TOP]), JSON, max_size=6)


@given(top=TOPS, first=st.lists(EVENTS | st.binary(max_size=20), max_size=5), second=st.lists(EVENTS, max_size=5), force=st.booleans())
def test_whatever_a_manifest_and_journals_say_a_close_ends_and_writes_what_can_be_read(tmp_path_factory, top, first, second, force):
    folder = tmp_path_factory.mktemp("sent")
    (folder / "data.jsonl").write_text("{}\n")
    put_manifest(folder, {**top, "session_id": ID})
    put_journal(folder, "1", *first)
    put_journal(folder, "2", *second)
    close_sessions(folder, force=force)
    session, _ = manifest.read(folder / f"session_manifest_{ID}.json")
    assert session is not None
    again = close_sessions(folder, force=force)
    assert not again.closed or force


def test_a_folder_that_is_not_there_or_empty_is_told(tmp_path):
    for folder in (tmp_path / "none", tmp_path):
        with pytest.raises(LineageError):
            close_sessions(folder)


@pytest.mark.parametrize("status", ["banana", 7, True, [], {}, "Running", ""])
def test_a_word_that_is_no_status_ends_neither_a_session_nor_a_run(tmp_path, status):
    put_manifest(tmp_path)
    put_journal(tmp_path, "1", {"event": "session", "session": {"status": status}}, activity("a", status=status))
    close_sessions(tmp_path)
    closed = json.loads((tmp_path / f"session_manifest_{ID}.json").read_text())
    assert closed["status"] == "interrupted"
    assert closed["activities"][0]["status"] == "interrupted"
