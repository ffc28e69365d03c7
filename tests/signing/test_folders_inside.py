"""Folders with sessions of their own, inside a signed folder: they stay what they were, or it is found."""

import shutil

import pytest

from lineage.cli import main
from lineage.signing import keys
from lineage.signing.check import checked
from lineage.signing.nested import checked_each
from lineage.signing.sign import sign


@pytest.fixture
def nested(sample, folder, key):
    """A signed folder, with a signed folder inside."""
    sample.make(folder / "second")
    sign(folder / "second", key)
    sign(folder, key)
    return folder


def found(folder, key):
    """The faults of the folder itself, by the file, without and with the folders inside."""
    public = keys.public_key(key.with_name("key.pem.pub"))
    alone = checked(folder, public).faults
    deep = dict(checked_each(folder, public))[""].faults
    return {(one.what, one.file) for one in alone}, {(one.what, one.file) for one in deep}


def emptied(folder):
    shutil.rmtree(folder / "second")


def other_files(folder):
    emptied(folder)
    (folder / "second").mkdir()
    (folder / "second/model.bin").write_bytes(b"evil")


def a_file(folder):
    emptied(folder)
    (folder / "second").write_bytes(b"evil")


def a_link(folder):
    (folder / "second").rename(folder / ".second")
    (folder / "second").symlink_to(".second")


def test_folders_that_are_as_they_were_are_no_fault(nested, key):
    assert found(nested, key) == (set(), set())


@pytest.mark.parametrize("forge", [emptied, other_files, a_file, a_link])
def test_sessions_of_a_folder_that_are_gone_are_missed(nested, key, forge):
    forge(nested)
    alone, deep = found(nested, key)
    assert ("missing", "second") in alone
    assert ("missing", "second") in deep
    assert main(["verify", str(nested), "--key", f"{key}.pub"]) == 4
    assert main(["verify", "-r", str(nested), "--key", f"{key}.pub"]) == 4


def test_a_signed_folder_put_among_the_files_of_a_model_is_an_addition(nested, key):
    shutil.copytree(nested / "second", nested / "adapter/second")
    alone, deep = found(nested, key)
    assert ("added", "adapter/second") in alone
    assert ("added", "adapter/second") in deep


@pytest.mark.parametrize("target", [".store", "graphs/store"])
@pytest.mark.parametrize("is_folder", [True, False])
def test_what_a_link_leads_to_is_signed_and_compared_wherever_it_is(folder, key, target, is_folder):
    place = folder / target / "v1"
    place.mkdir(parents=True)
    (place / "notes.txt").write_text("a")
    (folder / "current").symlink_to(place.relative_to(folder) if is_folder else (place / "notes.txt").relative_to(folder))
    sign(folder, key)
    assert found(folder, key) == (set(), set())
    (place / "notes.txt").write_text("b")
    assert found(folder, key)[0] == {("altered", f"{target}/v1/notes.txt")}


def test_a_file_recorded_behind_a_link_inside_the_folder_verifies_once_signed(folder, key):
    (folder / "sft_training_data.jsonl").rename(folder / ".hidden")
    (folder / "sft_training_data.jsonl").symlink_to(".hidden")
    sign(folder, key)
    assert found(folder, key) == (set(), set())
    (folder / "sft_training_data.jsonl").unlink()
    (folder / "sft_training_data.jsonl").symlink_to("./.hidden")
    assert ("altered", "sft_training_data.jsonl") in found(folder, key)[0]
