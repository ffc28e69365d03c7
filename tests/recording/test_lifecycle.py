"""The life of a session: how it opens and ends, whatever the program around it does."""

import asyncio
import hashlib
import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

import lineage
from lineage.contract import manifest
from lineage.errors import UsageError
from lineage.recording import joining, lifecycle
from lineage.recording import log as log_module


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(session):
    return json.loads(session.manifest.read_text())


def only_manifest(folder="artifacts"):
    (path,) = Path(folder).glob("session_manifest_*.json")
    return json.loads(path.read_text())


def counts(told):
    return {one["file"]: one["count"] for one in told["artifacts_generated"]}


def run_script(text, *arguments, **kwargs):
    """Run a script in a process of its own; the text may be indented."""
    command = [sys.executable, "-c", textwrap.dedent(text), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)


def no_journal(folder="artifacts"):
    return not list(Path(folder).glob("session_journal_*"))


# --- the folder


@pytest.mark.parametrize("argument", ["folder", "graphs", "script"])
def test_a_change_of_directory_changes_no_path_of_the_session(work, argument):
    Path("elsewhere").mkdir()
    Path("main.py").write_text("pass")
    options = {"folder": "artifacts", "graphs": "drawn", "script": "main.py"}
    with lineage.session(options["folder"], graphs=options["graphs"], script=options["script"]) as session:
        os.chdir("elsewhere")
        with session.generation() as run, run.records("a.jsonl") as out:
            out.write({"n": 1})
            os.chdir("..")
            out.write({"n": 2})
            os.chdir("elsewhere")
    os.chdir(work)
    expected = {"folder": Path("artifacts/a.jsonl"), "graphs": Path("drawn/lineage.ttl"), "script": Path("main.py")}
    assert expected[argument].exists()
    assert list(Path("elsewhere").iterdir()) == []
    assert written(session)["environment"]["script"]["path"] == "main.py"
    assert counts(only_manifest())["a.jsonl"] == 2


# --- how it ends


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("cannot say")


@pytest.mark.parametrize(
    ("leave", "status", "kind"),
    [
        (lambda: None, "completed", None),
        (lambda: sys.exit(), "completed", None),
        (lambda: sys.exit(0), "completed", None),
        (lambda: sys.exit(False), "completed", None),
        (lambda: sys.exit(3), "failed", "SystemExit"),
        (lambda: sys.exit("no data"), "failed", "SystemExit"),
        (lambda: 1 / 0, "failed", "ZeroDivisionError"),
        (lambda: Path("/gone").read_text(), "failed", "FileNotFoundError"),
        (lambda: (_ for _ in ()).throw(KeyboardInterrupt), "interrupted", "KeyboardInterrupt"),
        (lambda: (_ for _ in ()).throw(asyncio.CancelledError), "interrupted", "asyncio.exceptions.CancelledError"),
        (lambda: (_ for _ in ()).throw(Unspeakable()), "failed", f"{__name__}.Unspeakable"),
        (lambda: (_ for _ in ()).throw(ExceptionGroup("two", [ValueError(1), TypeError(2)])), "failed", "ExceptionGroup"),
    ],
    ids=["end", "exit", "exit 0", "exit False", "exit 3", "exit text", "division", "file", "keyboard", "cancelled", "unspeakable", "group"],
)
def test_the_end_is_recorded_with_its_error(work, leave, status, kind):
    session = lineage.session("artifacts", export=False)
    try:
        with session, session.generation():
            leave()
    except BaseException as error:
        assert not isinstance(error, AssertionError)
    told = written(session)
    assert told["status"] == status
    assert told["activities"][0]["status"] == status
    assert (told.get("error") or {}).get("type") == kind
    assert (told["activities"][0].get("error") or {}).get("type") == kind
    assert told["ended_at"] is not None
    read, findings = manifest.read(session.manifest)
    assert (read.error or {}).get("type") == kind
    assert not findings
    assert no_journal()


def test_the_message_of_an_error_is_kept_without_secrets_and_bounded(work):
    secret = "hf_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z"
    with pytest.raises(ValueError, match="bad"), lineage.session("artifacts", export=False) as session:
        raise ValueError(f"bad token={secret} \udcff " + "x" * 100_000 + secret)
    told = written(session)
    assert told["error"]["message"].startswith("bad token=")
    assert secret not in session.manifest.read_text()
    assert len(told["error"]["message"]) < 3000


TERMINATED = """
import lineage, os, signal, sys, time
with lineage.session("artifacts", export=False) as session:
    with session.generation(params={"seed": 1}) as run, run.records("a.jsonl") as out:
        out.write({"n": 1})
        print("ready", flush=True)
        time.sleep(60)
"""


def test_sigterm_ends_the_session_as_interrupted(work):
    with subprocess.Popen([sys.executable, "-c", TERMINATED], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.wait() == 143
    told = only_manifest()
    assert told["status"] == "interrupted"
    assert told["error"]["message"] == "SIGTERM"
    assert told["activities"][0]["status"] == "interrupted"
    assert counts(told)["a.jsonl"] == 1
    assert no_journal()


@pytest.mark.parametrize(("number", "kind"), [(signal.SIGTERM, SystemExit), (signal.SIGINT, KeyboardInterrupt)])
def test_a_signal_while_the_session_opens_ends_it_as_interrupted(work, monkeypatch, number, kind):
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def written_first(self, *events):
        real(self, *events)
        if any("session" in event for event in events) and not sent:
            sent.append(1)
            os.kill(os.getpid(), number)
            time.sleep(0.01)

    real, sent = log_module.Log.add, []
    monkeypatch.setattr(log_module.Log, "add", written_first)
    try:
        session = lineage.session("artifacts", export=False)
        with pytest.raises(kind):
            session.open()
        assert only_manifest()["status"] == "interrupted"
        assert no_journal()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert joining.VARIABLE not in os.environ
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_session_that_is_left_before_anything_is_recorded_leaves_nothing_behind(work, monkeypatch):
    monkeypatch.setattr(lifecycle.git, "look", lambda *_, **__: os.kill(os.getpid(), signal.SIGINT) or time.sleep(0.1))
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        lineage.session("artifacts", export=False).open()
    assert list(Path("artifacts").iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is handler
    assert joining.VARIABLE not in os.environ


def test_sigterm_while_the_session_closes_cuts_nothing_off(work, monkeypatch):
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    real = log_module.replace_file

    def slow(path, data):
        if b'"completed"' in data:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)
        real(path, data)

    try:
        with pytest.raises(SystemExit) as left, lineage.session("artifacts", export=False):
            monkeypatch.setattr(log_module, "replace_file", slow)
        assert left.value.code == 143
        assert only_manifest()["status"] == "completed"
        assert no_journal()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_handler_of_the_program_is_left_alone_and_the_default_comes_back(work):
    handled = []
    before = signal.signal(signal.SIGTERM, lambda *_: handled.append(1))
    try:
        with lineage.session("artifacts", export=False):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)
        assert handled == [1]
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with lineage.session("artifacts", export=False):
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_session_in_a_thread_touches_no_signal(work):
    before, failures = signal.getsignal(signal.SIGTERM), []

    def record():
        with lineage.session("artifacts", export=False) as session, session.generation():
            if signal.getsignal(signal.SIGTERM) is not before:
                failures.append("changed")

    thread = threading.Thread(target=record)
    thread.start()
    thread.join()
    assert failures == []
    assert only_manifest()["status"] == "completed"


# --- wrong use


def fresh(session):
    return session.generation()


@pytest.mark.parametrize(
    "use",
    [
        lambda s: s.model_load({"model_name": "m"}),
        lambda s: s.artifact("a.txt"),
        lambda s: s.close(),
        lambda s: fresh(s).open(),
    ],
    ids=["model_load", "artifact", "close", "run"],
)
def test_use_before_opening_says_how_to_open(work, use):
    with pytest.raises(UsageError, match=r"not open.*with lineage\.session"):
        use(lineage.session("artifacts", export=False))
    assert not Path("artifacts").exists()


@pytest.mark.parametrize(
    "use",
    [
        lambda s, r: s.model_load({"model_name": "m"}),
        lambda s, r: s.artifact("a.txt"),
        lambda s, r: s.open(),
        lambda s, r: s.__enter__(),
        lambda s, r: fresh(s).open(),
        lambda s, r: r.records("b.jsonl"),
        lambda s, r: r.output("b.txt"),
        lambda s, r: r.use("b.txt"),
        lambda s, r: r.open(),
    ],
    ids=["model_load", "artifact", "open", "enter", "new run", "records", "output", "use", "open run"],
)
def test_use_after_the_end_is_refused_and_changes_nothing(work, use):
    with lineage.session("artifacts", export=False) as session, session.generation() as run:
        Path("artifacts/a.txt").write_text("a")
    before = session.manifest.read_bytes()
    with pytest.raises(UsageError, match="closed"):
        use(session, run)
    assert session.manifest.read_bytes() == before
    assert no_journal()


def test_a_session_and_a_run_open_once(work):
    with lineage.session("artifacts", export=False) as session, session.generation() as run:
        with pytest.raises(UsageError, match="open already"):
            session.open()
        with pytest.raises(UsageError, match="open already"):
            run.open()
    assert written(session)["status"] == "completed"


@pytest.mark.parametrize("use", [lambda r: r.records("a.jsonl"), lambda r: r.output("a"), lambda r: r.use("a"), lambda r: r.close()])
def test_a_run_that_is_not_open_says_so(work, use):
    with lineage.session("artifacts", export=False) as session:
        with pytest.raises(UsageError, match="the run is not open"):
            use(session.generation())


def test_without_with_open_and_close_do_the_same(work):
    session = lineage.session("artifacts", title="notebook", export=False).open()
    run = session.generation(params={"seed": 1}).open()
    out = run.records("a.jsonl")
    out.write({"n": 1})
    run.close()
    session.close()
    session.close()
    told = written(session)
    assert told["status"] == "completed"
    assert told["title"] == "notebook"
    assert told["activities"][0]["status"] == "completed"
    assert counts(told)["a.jsonl"] == 1
    assert no_journal()


def test_a_run_that_is_left_open_is_interrupted_and_its_records_are_counted(work):
    with lineage.session("artifacts", export=False) as session:
        run = session.generation(params={"seed": 1}).open()
        run.records("a.jsonl").write({"n": 1})
    told = written(session)
    (activity,) = told["activities"]
    assert told["status"] == "completed"
    assert activity["status"] == "interrupted"
    assert activity["ended_at"] is None
    assert "while the run was open" in activity["gaps"]["ended_at"]
    assert counts(told)["a.jsonl"] == 1


@pytest.mark.parametrize("what", ["session", "run"])
def test_nothing_of_a_session_can_be_sent_to_another_process(work, what):
    with lineage.session("artifacts", export=False) as session, session.generation() as run:
        with pytest.raises(TypeError, match=r"open lineage\.session"):
            pickle.dumps({"session": session, "run": run}[what])


# --- asyncio


def test_async_with_records_and_a_cancelled_task_is_interrupted(work):
    async def work_in(session, waits):
        async with session.generation(params={"seed": 1}) as run:
            run.records(f"{waits}.jsonl").write({"n": 1})
            await asyncio.sleep(30 if waits else 0)

    async def main():
        async with lineage.session("artifacts", export=False) as session:
            task = asyncio.create_task(work_in(session, True))
            await work_in(session, False)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return session

    told = written(asyncio.run(main()))
    assert told["status"] == "completed"
    assert sorted(one["status"] for one in told["activities"]) == ["completed", "interrupted"]


# --- forks


CHILDREN = {
    "exit": "sys.exit(3)",
    "exit 0": "sys.exit(0)",
    "exception": "raise ValueError('child')",
    "hard exit": "os._exit(0)",
    "records, exit": "out.write({'who': 'child'}); sys.exit(3)",
    "records, exception": "out.write({'who': 'child'}); raise ValueError('child')",
    "records, hard exit": "out.write({'who': 'child'}); os._exit(0)",
    "own run": "r = session.evaluation(params={'seed': 2}).open(); r.close(); sys.exit(3)",
    "killed": "out.write({'who': 'child'}); os.kill(os.getpid(), 9)",
    "terminated": "out.write({'who': 'child'}); os.kill(os.getpid(), 15); time.sleep(30)",
}
FORKS = """
import lineage, os, sys, time
with lineage.session("artifacts") as session:
    with session.generation(params={{"seed": 1}}) as run, run.records("a.jsonl") as out:
        out.write({{"who": "parent"}})
        pid = os.fork()
        if pid == 0:
            {child}
        os.waitpid(pid, 0)
        out.write({{"who": "parent"}})
"""


@pytest.mark.parametrize("child", CHILDREN.values(), ids=CHILDREN)
def test_a_forked_child_decides_nothing_of_its_parents_session(work, child):
    done = run_script(FORKS.format(child=child))
    assert done.returncode == 0, done.stderr
    told = only_manifest()
    assert told["status"] == "completed"
    assert "error" not in told
    first, *others = told["activities"]
    assert first["status"] == "completed"
    assert "error" not in first
    wrote = "out.write" in child
    rows = [json.loads(line) for line in Path("artifacts/a.jsonl").read_text().splitlines()]
    assert len(rows) == 2 + wrote
    assert len({(row["metadata"]["run_id"], row["metadata"]["record_index"]) for row in rows}) == len(rows)
    assert len(others) == (wrote or "session.evaluation" in child)
    assert {one["status"] for one in others} <= {"failed", "interrupted", "completed"}
    if "_exit" in child or "kill" in child:
        assert {one["status"] for one in others} <= {"interrupted"}
    assert counts(told)["a.jsonl"] == 2 + wrote
    assert no_journal()
    read, findings = manifest.read(next(Path("artifacts").glob("session_manifest_*")))
    assert read.status == "completed"
    assert not findings


POOL = """
import lineage, multiprocessing, sys
def work(n):
    with lineage.session("artifacts") as session, session.generation(params={"n": n}) as run:
        with run.records(f"own-{n}.jsonl") as out:
            out.write({"n": n})
def inherited(n):
    out.write({"n": n})
if __name__ == "__main__":
    method = sys.argv[1]
    with lineage.session("artifacts", export=False) as session:
        context = multiprocessing.get_context(method)
        with context.Pool(2) as pool:
            pool.map(work, range(4))
        if method == "fork":
            with session.generation(params={"n": -1}) as run, run.records("shared.jsonl") as out:
                children = [context.Process(target=inherited, args=(n,)) for n in range(3)]
                [child.start() for child in children]
                [child.join() for child in children]
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_multiprocessing_take_part(work, method):
    Path("pool.py").write_text(POOL)
    done = subprocess.run([sys.executable, "pool.py", method], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = only_manifest()
    assert told["status"] == "completed"
    assert {one["status"] for one in told["activities"]} == {"completed"}
    assert len(told["activities"]) == (8 if method == "fork" else 4)
    made = {one["file"]: one["count"] for one in told["artifacts_generated"]}
    assert {name: made[name] for name in made if name.startswith("own")} == {f"own-{n}.jsonl": 1 for n in range(4)}
    assert no_journal()


OUTLIVES = """
import lineage, os, subprocess, sys, time
from pathlib import Path
if len(sys.argv) > 1:
    with lineage.session("artifacts") as session, session.generation(params={"seed": 2}) as run, run.records("child.jsonl") as out:
        Path("joined").touch()
        while not Path("go").exists():
            time.sleep(0.01)
        out.write({"n": 1})
    sys.exit()
with lineage.session("artifacts", export=False) as session:
    child = subprocess.Popen([sys.executable, __file__, "child"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not Path("joined").exists():
        time.sleep(0.01)
"""


def test_a_child_that_outlives_its_session_is_in_the_manifest_when_it_ends(work):
    Path("outlives.py").write_text(OUTLIVES)
    done = subprocess.run([sys.executable, "outlives.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert only_manifest()["status"] == "completed"
    assert only_manifest()["activities"][0]["status"] == "running"
    assert not no_journal()
    Path("go").touch()
    while not no_journal():
        time.sleep(0.02)
    told = only_manifest()
    assert told["activities"][0]["status"] == "completed"
    assert told["artifacts_generated"][-1]["count"] == 1


# --- cost


def test_an_event_lists_no_folder_and_writes_no_manifest(work, monkeypatch):
    with lineage.session("artifacts", export=False) as session:
        counts = {"listed": 0, "manifest": 0}
        real_list, real_write = os.listdir, log_module.replace_file
        monkeypatch.setattr(os, "listdir", lambda *a: counts.update(listed=counts["listed"] + 1) or real_list(*a))
        monkeypatch.setattr(os, "scandir", lambda *a: counts.update(listed=counts["listed"] + 1) or pytest.fail("scandir"))
        monkeypatch.setattr(log_module, "replace_file", lambda *a: counts.update(manifest=counts["manifest"] + 1) or real_write(*a))
        began = time.monotonic()
        for seed in range(300):
            with session.generation(params={"seed": seed}):
                pass
        assert counts["listed"] == 0
        assert counts["manifest"] <= time.monotonic() - began + 1
        monkeypatch.undo()
    assert len(written(session)["activities"]) == 300


# --- who and where


@pytest.mark.parametrize(("operator", "expected"), [("ada", "ada"), ("Ada Lovelace", "Ada Lovelace"), (False, None)])
def test_the_operator_is_the_one_that_was_named(work, operator, expected):
    with lineage.session("artifacts", operator=operator, host="node-7" if operator else False, export=False) as session:
        pass
    assert written(session).get("operator") == expected
    assert written(session).get("host") == ("node-7" if operator else None)


@pytest.mark.parametrize("value", [1, None, ["ada"], b"ada", ""])
@pytest.mark.parametrize("name", ["operator", "host"])
def test_an_operator_that_is_no_name_is_refused(work, name, value):
    with pytest.raises(TypeError, match=f"{name}: expected a name or True"):
        lineage.session("artifacts", **{name: value})


def test_the_login_name_is_recorded_when_asked_for_and_may_be_unknown(work, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "grace")
    with lineage.session("artifacts", operator=True, export=False) as session:
        pass
    assert written(session)["operator"] == "grace"


def test_sessions_side_by_side_in_processes_started_by_fork_have_their_own_ids(work):
    def record(n):
        with lineage.session(f"folder-{n}", export=False):
            pass

    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=record, args=(n,)) for n in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert len({only_manifest(f"folder-{n}")["session_id"] for n in range(3)}) == 3


def test_the_graph_says_why_a_session_failed(work):
    with pytest.raises(ValueError, match="no data"), lineage.session("artifacts"):
        raise ValueError("no data")
    (turtle,) = Path("artifacts").glob("session_*.ttl")
    assert 'lin:error "ValueError: no data"' in turtle.read_text()


def test_a_session_that_the_program_left_open_is_interrupted_when_it_ends(work):
    done = run_script("""
        import lineage
        session = lineage.session("artifacts").open()
        run = session.generation(params={"seed": 1}).open()
        run.records("a.jsonl").write({"n": 1})
    """)
    assert done.returncode == 0, done.stderr
    assert "the program ended while the session was open" in done.stderr
    told = only_manifest()
    assert told["status"] == "interrupted"
    assert told["activities"][0]["status"] == "interrupted"
    assert counts(told)["a.jsonl"] == 1
    assert no_journal()


def test_the_script_of_a_thread_that_outlives_it_is_known(tmp_path):
    """Python deletes `__main__.__file__` when the script ends."""
    script = tmp_path / "work.py"
    script.write_text(
        "import lineage, threading\n"
        "def work():\n"
        "    threading.main_thread().join()\n"
        "    with lineage.session('artifacts', export=False):\n"
        "        pass\n"
        "threading.Thread(target=work).start()\n"
    )
    subprocess.run([sys.executable, script], cwd=tmp_path, check=True)
    (manifest,) = (tmp_path / "artifacts").glob("session_manifest_*.json")
    recorded = json.loads(manifest.read_text())["environment"]
    assert recorded["script"]["sha256"] == hashlib.sha256(script.read_bytes()).hexdigest()
