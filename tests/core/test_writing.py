"""Safe writing: whole or not at all, never through a link, never in place of a device."""

import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lineage.core.reading import open_plain
from lineage.core.writing import create, make_folder, open_lock, replace_file, write_output, write_whole
from lineage.errors import UsageError


def test_a_file_is_written_and_replaced_and_nothing_else_is_left(tmp_path):
    for data in (b"one", b"two"):
        replace_file(tmp_path / "a.json", data)
        assert (tmp_path / "a.json").read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("letter", ["n", "é", "数", "😀"])
def test_the_longest_name_is_written(tmp_path, letter):
    path = tmp_path / (letter * (255 // len(letter.encode())))
    replace_file(path, b"x")
    assert path.read_bytes() == b"x"


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


def special(target, kind):
    """Something at *target* that is no regular file."""
    {
        "link": lambda: target.symlink_to(target.with_name("outside")),
        "dangling": lambda: target.symlink_to(target.with_name("gone")),
        "folder": target.mkdir,
    }[kind]()


@pytest.mark.parametrize("write", [write_whole, write_output])
@pytest.mark.parametrize("kind", ["link", "dangling", "folder"])
def test_a_stream_is_not_written_through_a_link(tmp_path, write, kind):
    (tmp_path / "outside").write_text("mine")
    special(tmp_path / "target", kind)
    with pytest.raises(OSError, match="not a regular file"):
        write(tmp_path / "target", lambda out: out.write(b"theirs"))
    assert (tmp_path / "outside").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside", "target"]


@pytest.mark.parametrize("write", [write_whole, write_output])
def test_a_stream_appears_whole_or_not_at_all(tmp_path, write):
    def broken(out):
        out.write(b"half")
        raise ValueError("broken")

    write(tmp_path / "a", lambda out: out.write(b"old"))
    with pytest.raises(ValueError, match="broken"):
        write(tmp_path / "a", broken)
    assert (tmp_path / "a").read_bytes() == b"old"
    write(tmp_path / "a", lambda out: out.write(b"new"))
    assert (tmp_path / "a").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_pipe_that_a_user_names_is_written_into(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_output(pipe, lambda out: out.write(b"text"))
    reader.join()
    assert read == [b"text"]
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    with pytest.raises(OSError, match="not a regular file"):
        write_whole(pipe, lambda out: out.write(b"text"))


def test_a_device_that_a_user_names_is_written_into():
    before = os.lstat("/dev/null")
    assert write_output(Path("/dev/null"), lambda out: out.write(b"text")) == Path("/dev/null")
    assert os.lstat("/dev/null").st_ino == before.st_ino


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "pipe", "socket", "loop"])
def test_what_is_no_regular_file_is_not_opened_and_nothing_waits_for_it(tmp_path, kind):
    target = tmp_path / "target"
    if kind == "pipe":
        os.mkfifo(target)
    elif kind == "loop":
        target.symlink_to("target")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.relpath(target))
    else:
        (tmp_path / "outside").write_text("mine")
        special(target, kind)
    with pytest.raises(OSError, match="not a regular file"):
        open_plain(target)


@pytest.mark.parametrize("kind", ["link", "file", "dangling"])
@pytest.mark.parametrize("way", ["a", "a/b", "a/b/c"])
@pytest.mark.parametrize("write", [write_whole, replace_file, make_folder], ids=lambda write: write.__name__)
def test_a_folder_on_the_way_that_is_none_is_not_followed(tmp_path, write, way, kind):
    (tmp_path / "outside").mkdir()
    root = tmp_path / "root"
    step = root / way
    step.parent.mkdir(parents=True)
    {"link": lambda: step.symlink_to(tmp_path / "outside"), "file": step.touch, "dangling": lambda: step.symlink_to("gone")}[kind]()
    content = {write_whole: [lambda out: out.write(b"x")], replace_file: [b"x"], make_folder: []}[write]
    with pytest.raises(OSError, match="nothing was written"):
        write(root / "a/b/c/d", *content, within=root)
    assert list((tmp_path / "outside").iterdir()) == []
    assert not list(root.rglob("*.tmp"))


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/x", "a/../x"])
def test_what_does_not_lie_in_the_chosen_folder_is_refused(tmp_path, name):
    (tmp_path / "root/a").mkdir(parents=True)
    with pytest.raises(UsageError, match="does not lie in"):
        write_whole(tmp_path / "root" / name, lambda out: out.write(b"x"), within=tmp_path / "root")
    assert not (tmp_path / "x").exists()


def test_a_folder_that_is_exchanged_while_a_file_is_written_is_not_followed(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "root/a").mkdir(parents=True)

    def exchange(out):
        (tmp_path / "root/a").rename(tmp_path / "root/b")
        (tmp_path / "root/a").symlink_to(tmp_path / "outside")
        out.write(b"x")

    write_whole(tmp_path / "root/a/file", exchange, within=tmp_path / "root")
    assert list((tmp_path / "outside").iterdir()) == []
    assert (tmp_path / "root/b/file").read_bytes() == b"x"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_stays_a_device(tmp_path):
    device = tmp_path / "null"
    os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    write_output(device, lambda out: out.write(b"text"))
    assert stat.S_ISCHR(device.lstat().st_mode)


def test_standard_output_in_a_file_is_written_into(tmp_path):
    code = "from pathlib import Path; from lineage.core.writing import write_output; write_output(Path('/dev/stdout'), lambda out: out.write(b'text'))"
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", code], stdout=out, check=True)
    assert (tmp_path / "out").read_bytes() == b"text"


def test_a_lock_is_not_opened_through_a_link(tmp_path):
    (tmp_path / "lock").symlink_to("outside")
    with pytest.raises(OSError, match="not a regular file"):
        open_lock(tmp_path / "lock")
    assert not (tmp_path / "outside").exists()
