"""A file lies in its folder, or it does not: whatever its name says, and wherever the links on the way lead."""

import os

import pytest

from lineage.capture.places import inside, is_name, leads_out, own


@pytest.fixture
def folder(tmp_path):
    """A folder with a file, beside a file that is not in it."""
    (tmp_path / "outside.jsonl").write_text("secret")
    folder = tmp_path / "artifacts"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "x.jsonl").write_text("x")
    return folder


@pytest.mark.parametrize("name", ["data/x.jsonl", "./data/x.jsonl", "data//x.jsonl"])
def test_a_file_of_the_folder_is_its_own(folder, name):
    assert own(folder, name) == inside(folder, name) == folder / name


@pytest.mark.parametrize("name", ["data", "gone.jsonl", "gone/x.jsonl", "data/x.jsonl/more", "x" * 5000, "x/" * 3000, "-rf", "a\nb"])
def test_what_is_no_file_has_a_place_and_is_not_its_own(folder, name):
    assert inside(folder, name) == folder / name and own(folder, name) is None


@pytest.mark.parametrize("name", ["../outside.jsonl", "data/../../outside.jsonl", "..", "data/../data/x.jsonl", "/etc/passwd", "/dev/zero"])
def test_a_name_that_climbs_or_starts_at_the_root_leads_out(folder, name):
    assert leads_out(name) and inside(folder, name) is None and own(folder, name) is None


@pytest.mark.parametrize("name", ["", "\0", "data/x.jsonl\0", "\ud800.jsonl", "data/\udfff\ud800"])
def test_a_name_that_no_file_can_have_has_no_place(folder, name):
    assert not is_name(name) and inside(folder, name) is None and own(folder, name) is None


def test_a_name_that_is_not_utf8_is_a_name(folder):
    name = os.fsdecode(b"\xff\xfe.jsonl")
    (folder / name).write_text("x")
    assert own(folder, name) == folder / name


def test_links_within_the_folder_are_followed_and_those_out_of_it_are_not(folder):
    (folder / "here.jsonl").symlink_to("data/x.jsonl")
    (folder / "there").symlink_to("data")
    (folder / "out.jsonl").symlink_to(folder.parent / "outside.jsonl")
    (folder / "up").symlink_to("..")
    (folder / "twice.jsonl").symlink_to("out.jsonl")
    assert own(folder, "here.jsonl") and own(folder, "there/x.jsonl")
    assert [inside(folder, name) for name in ("out.jsonl", "up/outside.jsonl", "twice.jsonl", "up")] == [None] * 4
    assert own(folder, "up/artifacts/data/x.jsonl") is not None  # out, and in again: what is opened lies in the folder


def test_links_in_a_circle_are_no_file_and_raise_nothing(folder):
    (folder / "loop").symlink_to("loop")
    (folder / "one").symlink_to("other")
    (folder / "other").symlink_to("one")
    assert [own(folder, name) for name in ("loop", "one", "loop/x.jsonl", "other/x.jsonl")] == [None] * 4


def test_devices_pipes_and_folders_are_no_files(folder):
    os.mkfifo(folder / "pipe.jsonl")
    (folder / "zero.jsonl").symlink_to("/dev/zero")
    assert inside(folder, "pipe.jsonl") and [own(folder, name) for name in ("pipe.jsonl", "zero.jsonl", "data")] == [None] * 3


def test_a_folder_that_is_a_link_itself_holds_its_files(folder, tmp_path):
    (tmp_path / "linked").symlink_to(folder)
    assert own(tmp_path / "linked", "data/x.jsonl") == tmp_path / "linked" / "data/x.jsonl"
