"""What a signature covers, leaves out by pattern, and names; folders inside folders; key files; a signature that is gone."""

import base64
import json
import os

import pytest

import lineage
from lineage.cli import main
from lineage.errors import FormatError, UsageError
from lineage.signing import keys
from lineage.signing.check import checked
from lineage.signing.nested import checked_each
from lineage.signing.sign import sign
from lineage.signing.statement import matches


def session(folder, name="data.jsonl"):
    with lineage.session(folder) as one, one.generation(params={"seed": 1}) as run, run.records(name) as out:
        for n in range(3):
            out.write({"instruction": f"q {n}"})
    return one.id


def faults(folder, public):
    return [(one.what, one.file) for one in checked(folder, public).faults]


def listed(folder, public):
    return {one.file: one.reason for one in checked(folder, public).listed}


def predicate(path):
    return json.loads(base64.b64decode(json.loads(path.read_bytes())["payload"]))["predicate"]


# --- files of nobody


def test_files_of_nobody_are_signed_with_the_first_session_and_guarded(folder, key, public):
    (folder / "README.md").write_text("# Data\n")
    (folder / "config").mkdir()
    (folder / "config/run.yaml").write_text("a: 1\n")
    (folder / "latest").symlink_to("adapter")
    (signed,) = sign(folder, key)
    told = predicate(signed.path)
    assert {name for name, kind in told["kinds"].items() if kind == "beside"} == {"README.md", "config/run.yaml"}
    assert told["links"] == {"latest": "adapter"}
    assert faults(folder, public) == []
    (folder / "README.md").write_text("# Other\n")
    (folder / "config/run.yaml").unlink()
    (folder / "latest").unlink()
    (folder / "latest").symlink_to("elsewhere")
    assert sorted(faults(folder, public)) == [("altered", "README.md"), ("altered", "latest"), ("missing", "config/run.yaml")]


def test_a_file_that_comes_later_is_named_by_sign(folder, key, capsys):
    assert main(["sign", str(folder), "--key", str(key)]) == 0
    (folder / "late.txt").write_text("x")
    assert main(["sign", str(folder), "--key", str(key)]) == 1
    assert "not signed: late.txt: it came after the signatures: lineage sign --replace" in capsys.readouterr().err
    assert main(["sign", str(folder), "--key", str(key), "--replace"]) == 0
    assert main(["verify", str(folder), "--key", f"{key}.pub"]) == 0


def test_a_new_session_is_signed_with_what_came_since(folder, key, public):
    sign(folder, key)
    (folder / "late.txt").write_text("x")
    session(folder, "more.jsonl")
    assert main(["sign", str(folder), "--key", str(key)]) == 0
    assert faults(folder, public) == []


def test_manifests_and_journals_that_cannot_be_read_are_named(folder, key, capsys):
    (folder / "session_manifest_bad.json").write_bytes(b"\0")
    assert main(["sign", str(folder), "--key", str(key)]) == 1
    assert "not signed: session_manifest_bad.json: it cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.mkdir(mode=0)], ids=["pipe", "closed folder"])
def test_what_cannot_be_signed_is_recorded_and_only_as_long_as_it_is_so(folder, key, public, make):
    make(folder / "odd")
    sign(folder, key)
    assert faults(folder, public) == []
    if (folder / "odd").is_dir():
        (folder / "odd").rmdir()
    else:
        assert listed(folder, public)["odd"] == "not a regular file"
        (folder / "odd").unlink()
    (folder / "odd").write_bytes(b"evil")
    assert faults(folder, public) == [("added", "odd")]


def test_a_file_that_cannot_be_read_is_recorded_and_listed(folder, key, public, monkeypatch):
    (folder / "closed.txt").write_text("x")
    real = os.open

    def refuse(path, *args, **more):
        if str(path).endswith("closed.txt"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **more)

    monkeypatch.setattr(os, "open", refuse)
    assert main(["sign", str(folder), "--key", str(key)]) == 0
    assert faults(folder, public) == []
    assert listed(folder, public)["closed.txt"] == "it cannot be read"


# --- patterns


PATTERNS = [
    ("README.md", "README.md", True), ("*.md", "README.md", True), ("*.md", "a/b/README.md", True), ("a", "a/b/README.md", True),
    ("a/", "a/b/README.md", True), ("a/b", "a/b/c", True), ("b", "a/b", True), ("b", "a/b/c", False), ("*.MD", "README.md", False),
    ("a/*.bin", "a/w.bin", True), ("w.bin", "a/xw.bin", False), ("", "a", False),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "name", "fits"), PATTERNS)
def test_a_pattern_fits_a_path_a_name_or_a_folder_above(pattern, name, fits):
    assert matches(name, [pattern]) == fits


def test_excluded_files_are_named_and_may_change(folder, key, public, capsys):
    (folder / "notes.txt").write_text("x")
    assert main(["sign", str(folder), "--key", str(key), "--exclude", "notes.*", "--exclude", "adapter"]) == 0
    assert "not signed: notes.txt: excluded when it was signed" in capsys.readouterr().err
    envelope = next(folder.glob("*.dsse.json"))
    assert predicate(envelope)["excluded"] == ["notes.*", "adapter"]
    (folder / "notes.txt").write_text("y")
    assert faults(folder, public) == []
    assert main(["verify", str(folder), "--key", f"{key}.pub"]) == 0
    assert "notes.txt: not signed: excluded when it was signed" in capsys.readouterr().err
    assert main(["sign", str(folder), "--key", str(key)]) == 0
    (folder / "other.txt").write_text("y")
    assert faults(folder, public) == [("added", "other.txt")]


def test_an_excluded_file_of_a_session_is_still_compared_with_its_manifest(folder, key, public):
    sign(folder, key, exclude=["adapter"])
    assert faults(folder, public) == []
    (folder / "adapter/adapter.safetensors").write_bytes(b"evil")
    assert faults(folder, public) == [("altered", "adapter/adapter.safetensors")]


@pytest.mark.parametrize("name", ["session_manifest_x.json", "session_journal_x_1.jsonl", "deep/session_manifest_x.json"])
def test_no_pattern_hides_a_session(folder, key, public, name):
    sign(folder, key, exclude=["*"])
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("{}")
    assert [what for what, _ in faults(folder, public)] == ["unsigned"] or faults(folder, public) == [("added", name)]


# --- folders in folders


def test_sessions_below_are_set_apart_and_checked_with_recursive(tmp_path, key, public, capsys):
    top, below = tmp_path / "top", tmp_path / "top/runs/a"
    session(top)
    session(below)
    sign(below, key)
    sign(top, key)
    assert faults(top, public) == []
    assert listed(top, public)["runs/a"] == "sessions of their own"
    assert [(place, found.faults) for place, found in checked_each(top, public)] == [("", ()), ("runs/a", ())]
    assert main(["verify", str(top), "-r", "--key", f"{key}.pub", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["verified"] for one in (told, *told["folders"])] == [True, True]
    (below / "data.jsonl").write_text("{}\n")
    assert faults(top, public) == []
    capsys.readouterr()
    assert main(["verify", str(top), "--recursive", "--key", f"{key}.pub"]) == 4
    assert "runs/a/data.jsonl: altered" in capsys.readouterr().out
    assert main(["audit", str(top), "--recursive", "--key", f"{key}.pub"]) == 4


def test_sessions_that_come_below_later_are_a_fault(tmp_path, key, public):
    session(tmp_path / "top")
    sign(tmp_path / "top", key)
    session(tmp_path / "top/new")
    assert [what for what, _ in faults(tmp_path / "top", public)] == ["unsigned"]
    results = dict(checked_each(tmp_path / "top", public))
    assert [one.what for one in results[""].faults] == []
    assert {one.what for one in results["new"].faults} == {"unsigned", "added"} or results["new"].faults


def test_a_folder_that_holds_files_of_a_session_is_never_set_apart(folder, key, public):
    (folder / "adapter/session_manifest_x.json").write_text("{}")
    sign(folder, key)
    assert faults(folder, public) == []
    (folder / "adapter/evil.bin").write_bytes(b"evil")
    assert faults(folder, public) == [("added", "adapter/evil.bin")]


# --- keys


def test_a_file_with_two_keys_is_refused(folder, key, tmp_path, capsys):
    sign(folder, key)
    keys.new_key(tmp_path / "other.pem")
    mine, other = (tmp_path / name for name in ("key.pem.pub", "other.pem.pub"))
    for number, data in enumerate(
        (mine.read_bytes() + other.read_bytes(), other.read_bytes() * 2, mine.read_bytes() + b"ssh-ed25519 AAAA x\n")
    ):
        path = tmp_path / f"{number}.pub"
        path.write_bytes(data)
        with pytest.raises(UsageError, match="2 public keys"):
            keys.public_key(path)
        assert main(["verify", str(folder), "--key", str(path)]) == 2
        assert "lineage verify FOLDER --key ONE.pub" in capsys.readouterr().err


def test_two_openssh_lines_are_refused(tmp_path):
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    lines = [Ed25519PrivateKey.generate().public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH) for _ in range(2)]
    (tmp_path / "one.pub").write_bytes(lines[0] + b" a comment\n\n")
    assert keys.public_key(tmp_path / "one.pub")
    (tmp_path / "two.pub").write_bytes(b"\n".join(lines))
    with pytest.raises(UsageError, match="2 public keys"):
        keys.public_key(tmp_path / "two.pub")


def test_a_key_file_that_is_too_large_is_refused(tmp_path, key):
    (tmp_path / "large.pub").write_bytes(key.with_name("key.pem.pub").read_bytes() + b"\n" * (1 << 17))
    with pytest.raises(FormatError, match="larger than"):
        keys.public_key(tmp_path / "large.pub")


# --- a signature that is gone


def test_a_signature_that_is_gone_is_called_that(tmp_path, key, public):
    folder = tmp_path / "two"
    first = session(folder)
    session(folder, "more.jsonl")
    sign(folder, key)
    (folder / f"session_{first}.dsse.json").unlink()
    gap = next(one for one in checked(folder, public).faults if one.what == "gap")
    assert gap.message == f"the signature before it, session_{first}.dsse.json, is gone; the manifest of session {first} is here"
    (folder / f"session_manifest_{first}.json").unlink()
    gap = next(one for one in checked(folder, public).faults if one.what == "gap")
    assert "is gone with its signature" in gap.message
