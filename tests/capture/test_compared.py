"""A folder against its record: links that lead out are taken as recorded, everything else is compared."""

import shutil
from dataclasses import replace

import pytest

from lineage.capture import files
from lineage.capture.compared import difference, unfollowed


@pytest.fixture
def recorded(tmp_path):
    """A folder with a link that leads out, recorded; and how it is looked at later."""
    (tmp_path / "far").mkdir()
    (tmp_path / "far/w").write_bytes(b"w")
    (tmp_path / "s/m/sub").mkdir(parents=True)
    for name in ("a", "b", "sub/c"):
        (tmp_path / "s/m" / name).write_bytes(name.encode())
    (tmp_path / "s/m/w").symlink_to("../../far/w")
    return files.artifact(tmp_path / "s/m", folder=tmp_path / "s", type="model")


def now(tmp_path):
    return files.artifact(tmp_path / "s/m", folder=tmp_path / "s", type="model", confined=True)


def test_untouched_it_is_the_same_and_its_link_was_not_followed(recorded, tmp_path):
    assert recorded.sha256
    assert difference(recorded, now(tmp_path)) is None
    assert unfollowed(now(tmp_path)) == ("m/w",)


def change(path):
    path.joinpath("a").write_bytes(b"other")


def add(path):
    path.joinpath("new").write_bytes(b"new")


def drop(path):
    path.joinpath("sub/c").unlink()


def rename(path):
    path.joinpath("a").rename(path / "aa")


def link_for_file(path):
    path.joinpath("a").unlink()
    path.joinpath("a").symlink_to("../../far/w")


def file_for_link(path):
    path.joinpath("w").unlink()
    path.joinpath("w").write_bytes(b"another")


def no_link(path):
    path.joinpath("w").unlink()


def emptied(path):
    shutil.rmtree(path)
    path.mkdir()


CHANGES = [change, add, drop, rename, link_for_file, file_for_link, no_link, emptied]


@pytest.mark.parametrize("edit", CHANGES, ids=lambda one: one.__name__)
def test_every_change_is_seen(recorded, tmp_path, edit):
    edit(tmp_path / "s/m")
    assert difference(recorded, now(tmp_path))


@pytest.mark.parametrize("edit", [change, drop, link_for_file], ids=lambda one: one.__name__)
def test_without_a_digest_of_the_folder_its_files_are_compared(recorded, tmp_path, edit):
    edit(tmp_path / "s/m")
    assert difference(replace(recorded, sha256=None), now(tmp_path))


@pytest.mark.parametrize("edit", [change, add, drop], ids=lambda one: one.__name__)
def test_with_a_file_that_cannot_be_read_the_others_are_compared(recorded, tmp_path, edit):
    edit(tmp_path / "s/m")
    found = now(tmp_path)
    parts = tuple(replace(part, sha256=None) if part.path == "m/b" else part for part in found.parts)
    assert difference(recorded, replace(found, parts=parts, sha256=None))


def test_a_record_from_before_links_were_followed_still_holds(recorded, tmp_path):
    (tmp_path / "s/m/w").unlink()
    before = files.artifact(tmp_path / "s/m", folder=tmp_path / "s", type="model")
    (tmp_path / "s/m/w").symlink_to("../../far/w")
    assert difference(before, now(tmp_path)) is None
    assert unfollowed(now(tmp_path)) == ("m/w",)


def test_an_empty_folder_that_was_recorded_by_the_digest_of_no_bytes_still_holds(tmp_path):
    (tmp_path / "s/m").mkdir(parents=True)
    empty = files.Artifact(path="m", type="model", sha256="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", bytes=0)
    assert difference(empty, now(tmp_path)) is None


def test_a_file_is_compared_by_its_digest(tmp_path):
    (tmp_path / "x").write_bytes(b"1")
    before = files.artifact(tmp_path / "x", folder=tmp_path, type="output")
    assert difference(before, files.artifact(tmp_path / "x", folder=tmp_path, type="output")) is None
    (tmp_path / "x").write_bytes(b"2")
    assert "recorded as" in difference(before, files.artifact(tmp_path / "x", folder=tmp_path, type="output"))
