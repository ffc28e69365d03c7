"""`lineage run`: signals, exit codes, outputs and types of a wrapped command, in processes of their own."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lineage.cli import main
from lineage.recording.script_of import script_of

LINEAGE = [sys.executable, "-m", "lineage"]
GENEROUS = 60  # seconds; the machine may be busy


@pytest.fixture(autouse=True)
def _signals_as_in_a_shell():
    """Undo what `nohup` and the like do to the tests: a child inherits that a signal is ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def until(condition, what):
    """Wait for *condition*."""
    end = time.monotonic() + GENEROUS
    while not condition():
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.02)


def manifest_of(folder="artifacts"):
    (path,) = Path(folder).glob("session_manifest_*.json")
    return json.loads(path.read_text())


def wrapped(*argv, **kwargs):
    """Start `lineage run`, and nothing else in its process group."""
    return subprocess.Popen([*LINEAGE, "run", *argv], start_new_session=True, **kwargs)


def made_files(folder="artifacts"):
    """The entries of what the session made, but the patch of the code."""
    return [one for one in manifest_of(folder)["artifacts_generated"] if one["type"] != "patch"]


def only_run():
    (run,) = manifest_of()["activities"]
    return run


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


# Writes its pid, notes each signal that it gets, and ends with 7 a while after the first that asks it to.
SAVER = """
import os, pathlib, signal, sys, time
got = []
for name in sys.argv[1:]:
    signal.signal(getattr(signal, name), lambda number, frame: (got.append(number), pathlib.Path("got").write_text(" ".join(map(str, got)))))
pathlib.Path("pid.part").write_text(str(os.getpid()))
os.rename("pid.part", "pid")
while not got:
    time.sleep(0.02)
for _ in range(50):
    time.sleep(0.02)
pathlib.Path("artifacts/saved.txt").write_text("saved")
sys.exit(7)
"""
ENDING = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT")


@pytest.mark.parametrize("to_group", [False, True], ids=["to lineage alone", "to its group"])
@pytest.mark.parametrize("name", ENDING)
def test_a_signal_reaches_the_command_once_and_lineage_waits_for_it(work, name, to_group):
    Path("saver.py").write_text(SAVER)
    process = wrapped("-o", "artifacts/saved.txt", "--", sys.executable, "saver.py", name)
    until(Path("pid").exists, "the command")
    (os.killpg if to_group else os.kill)(process.pid, getattr(signal, name))
    assert process.wait(GENEROUS) == 7
    assert Path("got").read_text() == str(int(getattr(signal, name)))
    assert gone(int(Path("pid").read_text()))
    assert manifest_of()["status"] == "interrupted"
    assert (only_run()["status"], only_run()["exit_code"]) == ("interrupted", 7)
    assert [one["file"] for one in only_run()["generated"]] == ["saved.txt"]


@pytest.mark.parametrize("name", ENDING)
def test_a_command_that_dies_of_a_signal_gives_128_and_its_number(work, name):
    process = wrapped("--", sys.executable, "-c", "import pathlib, time; pathlib.Path('pid').touch(); time.sleep(600)")
    until(Path("pid").exists, "the command")
    process.send_signal(getattr(signal, name))
    code = process.wait(GENEROUS)
    assert code in (128 + getattr(signal, name), 1 if name == "SIGINT" else None)  # Python turns SIGINT into an exception
    assert only_run()["status"] == "interrupted"


def test_a_second_signal_is_passed_on_too(work):
    Path("stubborn.py").write_text(
        "import pathlib, signal, sys, time\n"
        "got = []\n"
        "signal.signal(signal.SIGINT, lambda *_: (got.append(1), pathlib.Path(f'got{len(got)}').touch()))\n"
        "pathlib.Path('ready').touch()\n"
        "while len(got) < 2: time.sleep(0.02)\n"
        "sys.exit(9)\n"
    )
    process = wrapped("--", sys.executable, "stubborn.py")
    until(Path("ready").exists, "the command")
    process.send_signal(signal.SIGINT)
    until(Path("got1").exists, "the first signal")
    time.sleep(0.5)  # longer than two signals are taken for one
    process.send_signal(signal.SIGINT)
    assert process.wait(GENEROUS) == 9


def test_the_whole_group_of_a_shell_that_is_wrapped_ends(work):
    process = wrapped("--", "sh", "-c", "sleep 600 & echo $! > pid.part; mv pid.part pid; wait; echo after")
    until(Path("pid").exists, "the command")
    process.terminate()
    assert process.wait(GENEROUS) == 143
    until(lambda: gone(int(Path("pid").read_text())), "the end of the shell's child")


def test_a_signal_that_is_a_message_is_passed_on_and_is_no_interruption(work):
    Path("saver.py").write_text(SAVER.replace("sys.exit(7)", "sys.exit(0)"))
    process = wrapped("--", sys.executable, "saver.py", "SIGUSR1")
    until(Path("pid").exists, "the command")
    process.send_signal(signal.SIGUSR1)
    assert process.wait(GENEROUS) == 0
    assert manifest_of()["status"] == "completed"


def test_a_signal_that_was_ignored_from_the_start_stays_ignored(work):
    """As `nohup` does."""
    Path("ask.py").write_text("import signal, sys; sys.exit(0 if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else 1)")
    process = wrapped("--", sys.executable, "ask.py", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert process.wait(GENEROUS) == 0


def test_no_signal_is_blocked_in_the_command(work):
    Path("ask.py").write_text("import signal, sys; sys.exit(len(signal.pthread_sigmask(signal.SIG_BLOCK, ())))")
    assert wrapped("--", sys.executable, "ask.py").wait(GENEROUS) == 0


def test_a_key_of_the_terminal_reaches_the_command_once(work):
    """The terminal signals the command itself."""
    Path("saver.py").write_text(SAVER)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(LINEAGE[0], [*LINEAGE, "run", "--", sys.executable, "saver.py", "SIGINT"])
    until(Path("pid").exists, "the command")
    os.write(terminal, b"\x03")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    os.close(terminal)
    assert Path("got").read_text() == "2"
    assert manifest_of()["status"] == "interrupted"


def test_a_command_reads_from_the_terminal(work):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(LINEAGE[0], [*LINEAGE, "run", "--", sys.executable, "-c", "import sys; sys.exit(input() != 'typed')"])
    os.write(terminal, b"typed\n")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)


@pytest.mark.parametrize(
    ("script", "code", "status"),
    [
        ("pass", 0, "completed"), ("raise SystemExit(3)", 3, "failed"), ("raise SystemExit(255)", 255, "failed"),
        ("import os; os.kill(os.getpid(), 9)", 137, "failed"), ("import os; os.abort()", 134, "failed"),
    ],
)  # fmt: skip
def test_the_exit_code_is_that_of_the_command(work, script, code, status):
    assert main(["run", "--", sys.executable, "-c", script]) == code
    assert (only_run()["exit_code"], only_run()["status"], manifest_of()["status"]) == (code, status, status)


def not_executable(path):
    path.write_text("#!/bin/sh\n")


def no_program(path):
    path.write_text("no program")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("name", "make", "code"),
    [
        ("no such command", None, 127), ("./none", None, 127), ("", None, 127),
        ("./plain", not_executable, 126), ("./folder", Path.mkdir, 126), ("./text", no_program, 126),
    ],
)  # fmt: skip
def test_what_cannot_be_started_has_the_codes_of_a_shell(work, capfd, name, make, code):
    if make:
        make(work / name)
    assert main(["run", "--", name]) == code
    assert f"lineage: {name}: " in capfd.readouterr().err


def test_standard_streams_pass_through_untouched(work):
    data = bytes(range(256)) * 1000
    copy = "import sys; data = sys.stdin.buffer.read(); sys.stdout.buffer.write(data); sys.stderr.write('said\\n')"
    done = subprocess.run([*LINEAGE, "run", "--", sys.executable, "-c", copy], input=data, capture_output=True, check=True)
    assert done.stdout == data
    assert done.stderr.startswith(b"said\n")


def test_the_command_has_our_descriptors_environment_and_directory(work):
    reading, writing = os.pipe()
    script = f"import os; os.write({writing}, (os.environ['OWN'] + os.getcwd()).encode())"
    subprocess.run([*LINEAGE, "run", "--", sys.executable, "-c", script], env={**os.environ, "OWN": "x"}, pass_fds=[writing], check=True)
    assert os.read(reading, 1000).decode() == f"x{work}"
    os.close(reading)
    os.close(writing)


# --- outputs

MAKE = "import pathlib, sys; path = pathlib.Path(sys.argv[1]); path.parent.mkdir(parents=True, exist_ok=True); path.write_text('made')"


@pytest.mark.parametrize("was_there", [False, True])
@pytest.mark.parametrize("name", ["artifacts/out.txt", "artifacts/deep/er/out.txt", "./artifacts/../artifacts/out.txt"])
def test_an_output_is_named_from_the_working_directory_whether_it_is_there_or_not(work, name, was_there):
    path = work / os.path.normpath(name)
    if was_there:
        path.parent.mkdir(parents=True)
        path.write_text("old")
    assert main(["run", "-o", name, "--", sys.executable, "-c", MAKE, name]) == 0
    assert [one["file"] for one in only_run()["generated"]] == [path.relative_to(work / "artifacts").as_posix()]
    assert only_run()["gaps"] == {}


def linked(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / "elsewhere").symlink_to(path.parent.parent)


@pytest.mark.parametrize(
    ("name", "prepare"),
    [
        ("out.txt", None),
        ("../out.txt", None),
        ("artifacts", None),
        ("artifacts/../x", None),
        ("/tmp/x", None),
        ("artifacts/elsewhere/x", linked),
    ],
)
def test_an_output_outside_the_folder_is_refused_before_the_command_runs(work, capfd, name, prepare):
    if prepare:
        prepare(work / "artifacts/x")
    assert main(["run", "-o", name, "--", sys.executable, "-c", "open('ran', 'w')"]) == 2
    assert not Path("ran").exists()
    assert "the working directory" in capfd.readouterr().err


def old_file(path):
    path.parent.mkdir(parents=True)
    path.write_text("old")


def old_folder(path):
    (path / "sub").mkdir(parents=True)
    (path / "sub/file").write_text("old")


@pytest.mark.parametrize(
    ("prepare", "reason"), [(None, "did not make it"), (old_file, "did not change it"), (old_folder, "did not change it")]
)
@pytest.mark.parametrize("code", [0, 5])
def test_an_output_that_was_not_made_is_named_and_not_recorded(work, capfd, prepare, reason, code):
    if prepare:
        prepare(work / "artifacts/never")
    assert main(["run", "-o", "artifacts/never", "--", sys.executable, "-c", f"raise SystemExit({code})"]) == code
    assert f"artifacts/never: the command {reason}" in capfd.readouterr().err.replace("it was there before, and ", "")
    assert reason in only_run()["gaps"]["output never"]
    assert only_run()["generated"] == []
    assert made_files() == []


def test_a_folder_in_which_a_file_changed_was_made(work):
    old_folder(work / "artifacts/model")
    assert main(["run", "-o", "artifacts/model", "--", sys.executable, "-c", "open('artifacts/model/sub/file', 'w').write('new')"]) == 0
    assert [one["file"] for one in only_run()["generated"]] == ["model"]


def test_an_output_that_is_a_link_out_of_the_folder_is_not_recorded(work, capfd):
    Path("secret.txt").write_text("secret")
    assert main(["run", "-o", "artifacts/out", "--", "ln", "-s", "../secret.txt", "artifacts/out"]) == 0
    assert only_run()["generated"] == []
    assert "leads out" in capfd.readouterr().err


# --- types, audit, failures of recording

ROLES = {"transformation": "input", "training": "trainingData", "evaluation": "testSet", "generation": "prompts"}
WRITE = "import pathlib; pathlib.Path('artifacts/out.jsonl').write_text('{\"n\": 1}\\n{\"n\": 2}\\n')"


@pytest.mark.parametrize("type_", ROLES)
def test_a_type_gives_its_inputs_their_role_and_passes_the_audit(work, capfd, type_):
    Path("a.jsonl").write_text('{"a": 1}\n')
    Path("b.jsonl").write_text('{"b": 1}\n')
    argv = ["run", "--type", type_, "-i", "a.jsonl", "-i", "b.jsonl", "-o", "artifacts/out.jsonl", "--", sys.executable, "-c", WRITE]
    assert main(argv) == 0
    run = only_run()
    assert run["type"] == type_
    assert [(one["file"], one["role"]) for one in run["used"]] == [("../a.jsonl", ROLES[type_]), ("../b.jsonl", ROLES[type_])]
    assert (run["command"], run["exit_code"]) == ([sys.executable, "-c", WRITE], 0)
    (made,) = made_files()
    assert (made["file"], made["count"], made["lines"]) == ("out.jsonl", 2, 2)
    capfd.readouterr()
    main(["audit", "artifacts"])
    said = capfd.readouterr().out
    assert "error" not in said
    assert "no-metadata" not in said
    assert main(["verify", "artifacts/out.jsonl"]) == 0
    assert main(["export", "artifacts"]) == 0


def test_records_that_lost_their_metadata_after_a_session_are_no_output_of_a_command(work, capfd):
    """Only what the manifest says of a command excuses a file of records without metadata."""
    assert main(["run", "-o", "artifacts/out.jsonl", "--", sys.executable, "-c", WRITE]) == 0
    path = next(Path("artifacts").glob("session_manifest_*.json"))
    told = json.loads(path.read_text())
    run = {key: value for key, value in told["activities"][0].items() if key not in ("command", "exit_code")}
    path.write_text(json.dumps({**told, "activities": [{**run, "type": "generation"}]}))
    assert main(["audit", "artifacts"]) == 1
    assert "no-metadata" in capfd.readouterr().out


INNER = """
import lineage
with lineage.session("artifacts") as session:
    with session.generation(params={"seed": 1}) as run, run.records("out.jsonl") as out:
        out.write({"n": 1})
"""


def test_a_file_that_the_command_recorded_itself_keeps_that_record(work):
    Path("inner.py").write_text(INNER)
    assert main(["run", "-o", "artifacts/out.jsonl", "--", sys.executable, "inner.py"]) == 0
    told = manifest_of()
    generation = next(one for one in told["activities"] if one["type"] == "generation")
    (made,) = made_files()
    assert (made["activity"], len(made["slices"])) == (generation["id"], 1)


@pytest.mark.parametrize("folder", ["file", "file/below", "/proc/nope", "/dev/null"])
@pytest.mark.parametrize("code", [0, 4])
def test_the_command_runs_although_nothing_can_be_recorded(work, capfd, caplog, folder, code):
    Path("file").touch()
    assert main(["run", "--folder", folder, "--", "sh", "-c", f"touch ran; exit {code}"]) == code
    assert Path("ran").exists()
    assert "recorded in" not in capfd.readouterr().err
    assert "not recorded" in caplog.text


def test_recording_that_is_off_runs_the_command_and_claims_nothing(work, capfd, monkeypatch):
    monkeypatch.setenv("LINEAGE_DISABLED", "1")
    assert main(["run", "-o", "artifacts/out.jsonl", "--", sys.executable, "-c", "raise SystemExit(5)"]) == 5
    assert "recorded in" not in capfd.readouterr().err


def test_secrets_are_in_neither_title_nor_command(work):
    secret = "hf_abcdefghijklmnop"
    assert main(["run", "--title", f"try {secret}", "--", sys.executable, "-c", "pass", "--token", secret]) == 0
    assert secret not in "".join(path.read_text() for path in Path("artifacts").iterdir() if path.is_file())


def test_the_package_is_a_program():
    done = subprocess.run([*LINEAGE, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("lineage ")


# --- the script

SCRIPTS = {
    "python train.py --data data.txt": "train.py",
    "/usr/bin/python3.11 -u train.py": "train.py",
    "python -m pkg.train data.txt": "pkg/train.py",
    "python -m pkg": "pkg/__main__.py",
    "python -m pytest data.txt": None,
    "python -c pass data.txt": None,
    "bash -lc ./run.sh": "run.sh",
    "sh run data.txt": "run",
    "torchrun --nproc-per-node 2 train.py data.txt": "train.py",
    "env A=1 python train.py": "train.py",
    "sort data.txt": None,
    "./run data.txt": "run",
    "jq . data.txt": None,
}


@pytest.mark.parametrize(("line", "script"), SCRIPTS.items())
def test_the_script_of_a_command_line_is_code_and_no_data_file(work, line, script):
    for name in ("train.py", "data.txt", "run", "run.sh", "pkg/train.py", "pkg/__main__.py"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    found = script_of(line.split())
    assert found == (Path(script) if script else None)


def test_a_command_without_a_script_has_the_code_of_the_working_directory(work):
    def git(*argv):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *argv], check=True, capture_output=True)

    git("init")
    git("commit", "--allow-empty", "-m", "x")
    head = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert main(["run", "--", "sh", "-c", "true"]) == 0
    assert (manifest_of()["environment"]["git_sha"], manifest_of()["environment"]["script"]) == (head, None)
