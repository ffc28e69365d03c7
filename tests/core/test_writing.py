"""Safe writing: whole or not at all, never through a link, never in place of a device."""

import os
import stat
import threading

import pytest

from lineage.core.writing import create, replace_file


def test_a_file_is_written_and_replaced_and_nothing_else_is_left(tmp_path):
    for data in (b"one", b"two"):
        replace_file(tmp_path / "a.json", data)
        assert (tmp_path / "a.json").read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_the_longest_name_is_written(tmp_path):
    replace_file(tmp_path / ("n" * 250), b"x")
    assert (tmp_path / ("n" * 250)).read_bytes() == b"x"


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "pipe", "device"])
def test_what_is_no_regular_file_is_neither_followed_nor_replaced(tmp_path, kind):
    outside, target = tmp_path / "outside", tmp_path / "target"
    outside.write_text("mine")
    make = {
        "link": lambda: target.symlink_to(outside),
        "dangling": lambda: target.symlink_to(tmp_path / "gone"),
        "folder": target.mkdir,
        "pipe": lambda: os.mkfifo(target),
        "device": lambda: os.mknod(target, 0o600 | stat.S_IFCHR, os.makedev(1, 3)),
    }
    make[kind]()
    before = target.lstat()
    with pytest.raises(OSError, match="not a regular file"):
        replace_file(target, b"theirs")
    assert target.lstat().st_ino == before.st_ino
    assert outside.read_text() == "mine"
    assert not (tmp_path / "gone").exists()


def test_a_failure_leaves_the_old_file_and_no_temporary(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        replace_file(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_of_many_that_create_one_name_one_succeeds(tmp_path):
    made, refused = [], []

    def attempt():
        try:
            os.close(create(tmp_path / "x"))
            made.append(1)
        except FileExistsError:
            refused.append(1)

    threads = [threading.Thread(target=attempt) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len(refused) == 15
