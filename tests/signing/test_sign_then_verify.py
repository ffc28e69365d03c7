"""Whatever `sign` accepts verifies at once: random folders with links, pipes, odd names, nested sessions and files of nobody."""

import os
import shutil
import socket
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lineage
from lineage.cli import main
from lineage.signing import keys
from lineage.signing.check import checked
from lineage.signing.sign import left_out, sign

PROVENANCE = {
    "loader_version": "a" * 40, "template_disabled": True, "model_name": "org/m", "quantization": "bf16",
    "sentinel_tests_passed": True, "add_special_tokens": False, "revision": "a" * 40,
}  # fmt: skip


def record(folder, make_model=lambda model: None, n=3):
    with lineage.session(folder) as session:
        load = session.model_load(PROVENANCE)
        with session.generation(model=load, params={"seed": 1}) as run, run.records(f"data-{session.id}.jsonl") as out:
            for number in range(n):
                out.write({"instruction": f"q {number}", "response": "a"})
        with session.training(model=load, params={"seed": 1}) as run:
            model = Path(folder) / f"model-{session.id}"
            (model / "sub").mkdir(parents=True)
            (model / "adapter.safetensors").write_bytes(b"A")
            make_model(model)
            run.output(model.name, type="model")


def link(target, name="w.bin"):
    return lambda folder: (folder / name).symlink_to(target)


def pipe(folder):
    os.mkfifo(folder / "a pipe")


def unix_socket(folder):
    here = Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("sock")
    finally:
        os.chdir(here)


def text(name, content="x"):
    def put(folder):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)

    return put


def bytes_name(folder):
    name = os.fsencode(folder) + b"/caf\xc3\xa9 \x01\n.txt"
    with open(name, "wb") as file:
        file.write(b"x")


def nested_sessions(folder):
    record(folder / "nested" / "deep")


def signed_elsewhere(folder):
    record(folder / "theirs")
    keys.new_key(folder.parent / "theirs.pem")
    sign(folder / "theirs", folder.parent / "theirs.pem")


def exported(folder):
    main(["export", str(folder), "--legacy"])


def drawn(folder):
    main(["draw", str(folder), "-o", str(folder / "lineage.html")])


def closed(folder):
    top = '{"session_id": "k", "status": "running", "started_at": "2026-01-01T00:00:00+00:00", "activities": [],'
    (folder / "killed.jsonl").write_text('{"a": 1}\n{"a": 2')
    entry = '"artifacts_generated": [{"file": "killed.jsonl", "type": "training_data", "count": null, "timestamp": null}]}'
    (folder / "session_manifest_k.json").write_text(top + entry)
    assert main(["session", "close", str(folder), "--force"]) in (0, 1)


def sidecar_of_another_file(folder):
    (folder / "old.jsonl").write_text('{"a": 1}\n')
    (folder / ".lineage").mkdir(exist_ok=True)
    (folder / ".lineage/old.jsonl.index").write_bytes(b"not an index")


IN_MODEL = {
    "plain": lambda model: None,
    "link out": link("../../out/w.bin"),
    "link inside": link("adapter.safetensors"),
    "link to nothing": link("nothing"),
    "link to itself": link("w.bin"),
    "link to a folder": link("../../out", "sub2"),
    "link to a device": link("/dev/zero"),
    "pipe": pipe,
    "hidden": text(".hidden/x"),
    "empty file": text("empty", ""),
    "nested": text("a/b/c/d.bin"),
    "odd name": bytes_name,
}
IN_FOLDER = {
    "readme": text("README.md", "# Data"),
    "gitattributes": text(".gitattributes", "* -text"),
    "config": text("config/settings.json", "{}"),
    "legacy records": text("old.jsonl", '{"instruction": "a", "response": "b"}\n'),
    "legacy report": text("evaluation_old.json", '{"summary": {"accuracy": 0.5}}'),
    "empty records": text("empty.jsonl", ""),
    "blank lines": text("blank.jsonl", "\n\n"),
    "no newline": text("open.jsonl", '{"a": 1}'),
    "link out": link("../out/w.bin"),
    "link to nothing": link("nothing", "dangling"),
    "link to the folder": link(".", "again"),
    "pipe": pipe,
    "socket": unix_socket,
    "odd name": bytes_name,
    "upper": text("DATA.JSONL", "{}"),
    "a dash": text("-rf", "x"),
    "glob letters": text("[a]*?.txt", "x"),
    "nested sessions": nested_sessions,
    "sessions that another signed": signed_elsewhere,
    "export": exported,
    "picture": drawn,
    "killed and closed": closed,
    "a useless index": sidecar_of_another_file,
    "a model of nobody": text("base/config.json", "{}"),
}


def verify(folder, key):
    found = checked(folder, keys.public_key(key.with_name(f"{key.name}.pub")))
    return [(one.what, one.file, one.message) for one in found.faults]


def check(work, models, extras, sessions=1):
    folder, key = work / "artifacts", work / "k.pem"
    (work / "out").mkdir()
    (work / "out/w.bin").write_bytes(b"w")
    keys.new_key(key)
    for number in range(sessions):
        record(folder, IN_MODEL[models[number % len(models)]])
    for extra in extras:
        IN_FOLDER[extra](folder)
    code = main(["sign", str(folder), "--key", str(key)])
    assert code == 0, left_out(folder)
    assert verify(folder, key) == []
    assert main(["verify", str(folder), "--key", f"{key}.pub"]) == 0
    again = main(["sign", str(folder), "--key", str(key)])
    assert again == 0
    assert verify(folder, key) == []
    copy = work / "copy"
    sockets = shutil.ignore_patterns("sock", "a pipe")
    shutil.copytree(folder, copy, symlinks=True, ignore=sockets)
    missing = [one for one in verify(copy, key) if not one[1].endswith(("sock", "a pipe"))]
    assert missing == []


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("model", IN_MODEL)
def test_a_model_folder_verifies_once_signed(work, model):
    check(work, [model], [])


@pytest.mark.parametrize("extra", IN_FOLDER)
def test_a_folder_with_files_of_nobody_verifies_once_signed(work, extra):
    check(work, ["plain"], [extra])


@pytest.mark.slow
@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    models=st.lists(st.sampled_from(sorted(IN_MODEL)), min_size=1, max_size=3, unique=True),
    extras=st.lists(st.sampled_from(sorted(IN_FOLDER)), max_size=8, unique=True),
)
def test_random_folders_verify_once_signed(models, extras):
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        try:
            names = [one for one in extras if not (one == "link out" and "link to the folder" in extras)]
            check(Path(place), models, names, len(models))
        finally:
            os.chdir(here)
