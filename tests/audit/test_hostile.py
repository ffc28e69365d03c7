"""Folders that were made to hurt: nothing outside is read, nothing blocks, nothing is shown that a terminal or a browser obeys, and the rest is audited."""

import gzip
import json
import os
import random
import subprocess
import sys
import threading

import pytest
from histories import history

import lineage
from lineage.auditing import machines, page
from lineage.cli import main

SECRET = "the-secret-of-the-machine"


@pytest.fixture
def outside(tmp_path):
    """A file beside the folder."""
    path = tmp_path / "outside" / "secret.jsonl"
    path.parent.mkdir()
    path.write_text(f'{{"instruction": "{SECRET}", "metadata": {{"run_id": "x"}}}}\n')
    (path.parent / "session_manifest_x.json").write_text(json.dumps({"session_id": SECRET, "status": "running"}))
    return path


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "artifacts"
    path.mkdir()
    history(3, 6, folder=path, clean=True)
    return path


@pytest.fixture
def opened(monkeypatch):
    """Every path that Python opens from here on."""
    paths = []

    def watch(event, args):
        if event in ("open", "os.listdir", "os.scandir") and args and isinstance(args[0], str | bytes | os.PathLike):
            paths.append(os.path.realpath(os.fsdecode(args[0])))

    sys.addaudithook(lambda event, args: watch(event, args) if paths is not None and not done.is_set() else None)
    done = threading.Event()
    yield paths
    done.set()


def manifest(folder, **more):
    path = sorted(folder.glob("session_manifest_*.json"))[0]
    told = json.loads(path.read_bytes())
    path.write_text(json.dumps(told | more))
    return told


def named(folder, *files, **more):
    told = manifest(folder)
    entries = [
        {
            "file": file,
            "type": "training_data",
            "count": 1,
            "timestamp": "2025-01-01T00:00:00Z",
            "activity": told["activities"][-1]["id"],
            **more,
        }
        for file in files
    ]
    manifest(folder, artifacts_generated=[*told["artifacts_generated"], *entries])


def codes(folder):
    return {one.code for one in lineage.audit(folder).findings}


def untouched(opened, outside):
    return not [path for path in opened if path.startswith(str(outside.parent))]


def test_the_watch_sees_what_is_opened(opened, outside):
    assert outside.read_text() and not untouched(opened, outside)


@pytest.mark.parametrize("more", [{}, {"slices": [{"metadata": {"run_id": "x"}, "lines": [[1, 1]], "count": 1}], "sha256": "0" * 64}])
def test_paths_that_lead_out_are_named_and_not_read(folder, outside, opened, more):
    named(folder, "../outside/secret.jsonl", str(outside), "data/../../outside/secret.jsonl", **more)
    found = [one for one in lineage.audit(folder).findings if one.code == "outside-folder"]
    assert len(found) == 3 and untouched(opened, outside)


def test_links_that_lead_out_are_not_followed(folder, outside, opened):
    (folder / "link.jsonl").symlink_to(outside)
    (folder / "linked").symlink_to(outside.parent)
    (folder / "session_manifest_20990101T000000Z-000000000000.json").symlink_to(outside.parent / "session_manifest_x.json")
    told = manifest(folder)
    (folder / f"session_journal_{told['session_id']}_1.jsonl").symlink_to(outside)
    (folder / "session_20250101T000000Z.prov.json").symlink_to(outside)
    named(folder, "link.jsonl", "linked/secret.jsonl")
    report = lineage.audit(folder)
    assert sum(one.code == "outside-folder" for one in report.findings) == 3 and untouched(opened, outside)
    assert SECRET not in str(report) and SECRET not in report.picture


def test_sidecars_are_not_written_through_a_link(folder, outside):
    (folder / ".lineage").symlink_to(outside.parent)
    before = sorted(outside.parent.iterdir())
    lineage.audit(folder)
    assert sorted(outside.parent.iterdir()) == before


def test_links_in_a_circle_end(folder):
    (folder / "loop.jsonl").symlink_to(folder / "loop.jsonl")
    (folder / "here").symlink_to(folder)
    named(folder, "loop.jsonl", "here/here/loop.jsonl")
    assert codes(folder) & {"outside-folder", "missing-file", "unreadable"}
    assert lineage.audit(folder, recursive=True).findings


def test_pipes_devices_and_sockets_do_not_block(folder):
    told = manifest(folder)
    for name in ("pipe.jsonl", "evaluation_pipe.json", "session_manifest_20990101T000000Z-000000000000.json", f"session_journal_{told['session_id']}_1.jsonl",
                 f"session_{told['session_id']}.prov.json"):  # fmt: skip
        os.mkfifo(folder / name)
    (folder / "zero.jsonl").symlink_to("/dev/zero")
    (folder / ".lineage").mkdir()
    os.mkfifo(folder / ".lineage" / "pipe.jsonl.index")
    named(folder, "pipe.jsonl", "zero.jsonl", "/dev/stdin")
    done = subprocess.run(
        [sys.executable, "-m", "lineage.cli", "audit", str(folder)], capture_output=True, text=True, timeout=60, stdin=subprocess.PIPE
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr and "not a regular file" in done.stdout


def test_names_of_every_kind_are_shown_and_never_obeyed(folder, capsysbinary):
    names = [
        "a\nb.jsonl",
        "\x1b]0;owned\x07.jsonl",
        "<img src=x onerror=alert(1)>.jsonl",
        "\u202egpj.jsonl",
        "x" * 5000,
        "\ud800.jsonl",
        "a\0b.jsonl",
        "-rf.jsonl",
        "",
    ]
    for name in names[:4]:
        (folder / name).write_text('{"a": 1}\n')
    (folder / os.fsdecode(b"\xff\xfe.jsonl")).write_text('{"a": 1}\n')
    named(folder, *names)
    for name in ("text", "markdown", "html", "json", "sarif", "junit"):
        assert main(["audit", str(folder), "--format", name]) in (1, 4)
        shown = capsysbinary.readouterr().out
        assert b"\x1b" not in shown and b"\x07" not in shown and (name != "html" or b"<img" not in shown)
        shown.decode()


def test_giants_are_refused_without_being_read(folder):
    told = manifest(folder)
    for name in ("session_manifest_20990101T000000Z-000000000000.json", f"session_journal_{told['session_id']}_1.jsonl", f"session_{told['session_id']}.prov.json", "evaluation_giant.json"):  # fmt: skip
        with (folder / name).open("wb") as file:
            file.truncate(1 << 30)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)); from lineage.cli import main; import sys; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", limit, "audit", str(folder), "-j", "1"], capture_output=True, text=True, timeout=120)
    assert (
        done.returncode == 1
        and done.stdout.count("larger than 67108864 bytes") == 3
        and done.stdout.count("larger than 268435456 bytes") == 1
        and not done.stderr
    )


def test_a_bomb_is_read_in_bounded_memory(folder):
    block = gzip.compress(b"\0" * (16 << 20), 9, mtime=0)
    (folder / "bomb.jsonl.gz").write_bytes(block * 16)  # 256 MiB from 256 KiB
    limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)); from lineage.cli import main; import sys; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", limit, "audit", str(folder), "-j", "1"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 1 and "bomb.jsonl.gz" in done.stdout and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", '{"session_id": 1}', '{"activities": {}}', '{"activities": [1, null, {"id": 1}]}', '{"artifacts_generated": [{"file": [1]}]}', "[" * 100_000, '{"a": ' * 5000,
     '{"session_id": "x", "activities": [{"id": "a", "type": "evaluation", "models": ["a"], "params": {"do_sample": [1]}, "metrics": {"x": {}}}]}',
     '{"session_id": "x", "activities": [{"id": "a", "type": "model_load", "provenance": {"model_name": {}, "revision": 7, "loader_version": [1]}}]}',
     '{"session_id": "x", "started_at": 7, "environment": {"git_sha": [], "git_dirty": "yes"}}'],
)  # fmt: skip
def test_a_manifest_of_any_shape_is_a_finding_at_worst(folder, text):
    (folder / "session_manifest_20990101T000000Z-000000000000.json").write_text(text)
    assert isinstance(str(lineage.audit(folder)), str)


@pytest.mark.parametrize(
    "text",
    [
        '{"summary": {"accuracy": {}}, "metadata": [], "results": {}}',
        '{"summary": 1, "results": [1]}',
        '{"summary": {"accuracy": 1e400}, "metadata": {"dataset": 7}, "results": [null, {"correct": "x"}]}',
    ],
)
def test_a_report_of_any_shape_is_a_finding_at_worst(folder, text):
    (folder / "evaluation_odd.json").write_text(text)
    assert isinstance(str(lineage.audit(folder)), str)


VALUES = (
    None,
    True,
    -1,
    10**30,
    1e308,
    "",
    "x",
    "\ud800",
    "\x1b[2J",
    "../x",
    "2025-01-01T00:00:00",
    [],
    [[]],
    {},
    {"a": [1]},
    "/dev/zero",
    "0" * 64,
)


def disturbed(value, chance):
    """The JSON value with values of any kind in places that chance chooses."""
    if chance.random() < 0.04:
        return chance.choice(VALUES)
    if isinstance(value, dict):
        return {key: disturbed(inner, chance) for key, inner in value.items()}
    return [disturbed(inner, chance) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seed", range(25))
def test_whatever_stands_in_the_files_the_audit_ends_with_a_report(seed, tmp_path):
    history(seed, 5, folder=tmp_path)
    chance = random.Random(seed)
    for path in sorted([*tmp_path.glob("*.json"), *tmp_path.glob("*.jsonl")]):
        lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
        path.write_text("\n".join(json.dumps(disturbed(json.loads(line), chance)) for line in lines))
    report = lineage.audit(tmp_path)
    for write in (
        page.html,
        machines.junit,
        lambda one: json.dumps(machines.sarif(one)),
        lambda one: json.dumps(machines.as_json(one)),
        str,
    ):
        assert "\x1b" not in write(report) and report.code() in (1, 4, 5)
        write(report).encode()
