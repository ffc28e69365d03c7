"""Links in recorded folders: signed as links, never followed by a reader, and never taken for files that were added."""

import base64
import json
import os
import shutil
from pathlib import Path

import pytest

import lineage
from lineage.cli import main
from lineage.folder import read_folder
from lineage.signing import keys
from lineage.signing.check import checked
from lineage.signing.sign import sign

PROVENANCE = {
    "loader_version": "a" * 40, "template_disabled": True, "model_name": "org/m", "quantization": "bf16",
    "sentinel_tests_passed": True, "add_special_tokens": False, "revision": "a" * 40,
}  # fmt: skip


def link(target):
    return lambda folder: (folder / "w.bin").symlink_to(target)


def nested(folder):
    (folder / "sub/deep").mkdir(parents=True)
    (folder / "sub/deep/w.bin").symlink_to("../../../../out/w.bin")


def several(folder):
    for name in ("1.bin", "2.bin"):
        (folder / name).symlink_to("../../out/w.bin")


def linked_folder(folder):
    (folder / "sub").symlink_to("../../out")


def cycle(folder):
    (folder / "sub").symlink_to(".")


def pipe(folder):
    os.mkfifo(folder / "pipe")


def inside(folder):
    (folder / "again.bin").symlink_to("adapter.safetensors")


LINKS = {
    "out": link("../../out/w.bin"),
    "absolute": lambda folder: (folder / "w.bin").symlink_to(folder.parent.parent.resolve() / "out/w.bin"),
    "over another link": lambda folder: (folder / "w.bin").symlink_to("../../out/link.bin"),
    "nested": nested,
    "several": several,
    "to a folder": linked_folder,
    "in a circle": cycle,
    "to nothing": link("nothing"),
    "to a device": link("/dev/zero"),
    "inside": inside,
    "pipe": pipe,
}
BEHIND = {"out", "absolute", "over another link", "nested", "several"}  # those that lead to a file elsewhere


def record(work, make, output="final"):
    (work / "out").mkdir()
    (work / "out/w.bin").write_bytes(b"w")
    (work / "out/link.bin").symlink_to("w.bin")
    with lineage.session(work / "artifacts") as session:
        load = session.model_load(PROVENANCE)
        with session.training(model=load, params={"seed": 1}) as run:
            folder = work / "artifacts/final"
            folder.mkdir()
            (folder / "adapter.safetensors").write_bytes(b"A")
            make(folder)
            run.output(output, type="model")
    keys.new_key(work / "k.pem")
    return work / "artifacts"


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def faults(folder):
    key = keys.public_key(folder.parent / "k.pem.pub")
    return [(one.what, one.file) for one in checked(folder, key).faults]


def altered(folder):
    return [one.file for one in read_folder(folder)[1] if one.code == "altered-file"]


def errors(folder):
    return [(one.code, one.file) for one in read_folder(folder)[1] if one.rule.level == "error"]


@pytest.mark.parametrize("make", LINKS.values(), ids=LINKS)
def test_what_nobody_touched_verifies(work, make):
    folder = record(work, make)
    sign(folder, work / "k.pem")
    assert faults(folder) == []
    assert errors(folder) == []
    assert main(["verify", str(folder), "--key", str(work / "k.pem.pub")]) == 0


@pytest.mark.parametrize("name", sorted(BEHIND))
def test_what_a_link_leads_to_is_in_the_digest_and_told_of_as_not_checked(work, name, capsys):
    folder = record(work, LINKS[name])
    (made,) = [
        one for one in json.loads(next(folder.glob("session_manifest_*")).read_text())["artifacts_generated"] if one["type"] == "model"
    ]
    assert made["sha256"]
    linked = [one["file"] for one in made["files"] if one.get("link")]
    assert linked
    assert {one.file for one in read_folder(folder)[1] if one.code == "not-covered"} == set(linked)
    sign(folder, work / "k.pem")
    assert main(["verify", str(folder), "--key", str(work / "k.pem.pub")]) == 0
    assert all(f"{one}: not covered" in capsys.readouterr().err for one in linked[:1])


@pytest.mark.parametrize("name", sorted(BEHIND))
def test_no_check_opens_what_a_link_leads_to(work, name, monkeypatch):
    folder = record(work, LINKS[name])
    sign(folder, work / "k.pem")
    real, opened = os.open, []
    monkeypatch.setattr(os, "open", lambda path, *asked, **more: opened.append(os.path.realpath(path)) or real(path, *asked, **more))
    read_folder(folder)
    faults(folder)
    lineage.audit(folder, key=work / "k.pem.pub")
    outside = str((work / "out").resolve())
    assert opened
    assert not [path for path in opened if path.startswith(outside)]


@pytest.mark.parametrize("name", sorted(BEHIND))
def test_a_sent_folder_without_what_its_links_lead_to_is_read(work, name, tmp_path_factory):
    folder = record(work, LINKS[name])
    sign(folder, work / "k.pem")
    there = tmp_path_factory.mktemp("there") / "artifacts"
    shutil.copytree(folder, there, symlinks=True)
    assert altered(there) == []
    assert errors(there) == []
    key = keys.public_key(work / "k.pem.pub")
    assert [one.what for one in checked(there, key).faults] == []


def swap_the_file(folder):
    (folder / "final/adapter.safetensors").write_bytes(b"B")


def add_a_file(folder):
    (folder / "final/pytorch_model.bin").write_bytes(b"evil")


def drop_the_file(folder):
    (folder / "final/adapter.safetensors").unlink()


def file_for_the_link(folder):
    (folder / "final/w.bin").unlink()
    (folder / "final/w.bin").write_bytes(b"evil")


def link_for_the_file(folder):
    (folder / "final/adapter.safetensors").unlink()
    (folder / "final/adapter.safetensors").symlink_to("../../out/w.bin")


def no_link(folder):
    (folder / "final/w.bin").unlink()


CHANGES = [swap_the_file, add_a_file, drop_the_file, file_for_the_link, link_for_the_file, no_link]


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
def test_every_change_beside_a_link_is_found(work, change):
    folder = record(work, LINKS["out"])
    sign(folder, work / "k.pem")
    change(folder)
    assert faults(folder)
    assert altered(folder) == ["final"]


def test_a_signed_link_that_leads_elsewhere_is_found_without_opening_it(work):
    folder = record(work, LINKS["out"])
    sign(folder, work / "k.pem")
    (folder / "final/w.bin").unlink()
    (folder / "final/w.bin").symlink_to("../../out/other.bin")
    assert faults(folder) == [("altered", "final/w.bin")]


def test_a_link_that_came_after_the_signature_is_an_addition(work):
    folder = record(work, LINKS["inside"])
    sign(folder, work / "k.pem")
    (folder / "final/evil.bin").symlink_to("../../out/w.bin")
    assert ("added", "final/evil.bin") in faults(folder)


def test_an_output_that_is_itself_a_link_verifies(work):
    folder = record(work, lambda folder: (folder.parent / "w.bin").symlink_to("../out/w.bin"), output=["final", "w.bin"])
    sign(folder, work / "k.pem")
    assert faults(folder) == []
    assert errors(folder) == []


def test_an_output_that_is_a_link_to_a_folder_elsewhere_verifies(work):
    folder = record(work, lambda folder: (folder.parent / "linked").symlink_to("../out"), output=["final", "linked"])
    sign(folder, work / "k.pem")
    assert faults(folder) == []
    assert errors(folder) == []
    (folder / "linked").unlink()
    (folder / "linked").symlink_to("../elsewhere")
    assert faults(folder) == [("altered", "linked")]


def test_a_strangers_manifest_does_not_make_a_reader_follow_a_link(work):
    """It says that a file is no link, and has one lead to a secret."""
    folder = record(work, LINKS["out"])
    path = next(folder.glob("session_manifest_*"))
    path.write_text(path.read_text().replace('"link": true', '"link": false'))
    assert altered(folder) == ["final"]
    (message,) = [one.message for one in read_folder(folder)[1] if one.code == "altered-file"]
    assert message.endswith("final/w.bin is a link now")


def test_the_signature_of_a_folder_without_links_is_what_it_was(work):
    folder = record(work, lambda folder: None)
    (signature,) = sign(folder, work / "k.pem")
    payload = json.loads(base64.b64decode(json.loads(Path(signature.path).read_text())["payload"]))
    assert "links" not in payload["predicate"]
