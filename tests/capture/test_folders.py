"""A digest covers every file of a folder or says which not; only regular files are read; no two contents share a digest."""

import hashlib
import os
import socket
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.capture import files, folders, reading


def made(path, **asked):
    return files.artifact(path, folder=path.parent, type="model", **asked)


def plant(folder, content):
    """Write a folder: name -> bytes, or a Path that a link leads to."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(value, Path):
            path.symlink_to(value)
        else:
            path.write_bytes(value)
    return folder


# --- the digest


def test_the_digest_of_an_ordinary_folder_is_that_of_its_sorted_lines(tmp_path):
    folder = plant(tmp_path / "m", {"b.bin": b"B", "a.json": b"A", "a/c": b"C", "with \\ and space": b"D"})
    names = sorted(["b.bin", "a.json", "a/c", "with \\ and space"])
    lines = "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    assert made(folder).sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_links_count_as_the_files_that_they_lead_to(tmp_path):
    blobs = plant(tmp_path / "hub/blobs", {"1": b"AAAA", "2": b"BBBB"})
    snapshots = [
        plant(tmp_path / "hub/snapshots" / name, {"model.safetensors": Path(f"../../blobs/{name}"), "config.json": b"{}"})
        for name in ("1", "2")
    ]
    copied = plant(tmp_path / "copy", {"model.safetensors": (blobs / "1").read_bytes(), "config.json": b"{}"})
    first, second, copy = made(snapshots[0]), made(snapshots[1]), made(copied)
    assert first.gaps == ()
    assert first.bytes == 6
    assert first.sha256 != second.sha256
    assert first.sha256 == copy.sha256


names = st.text(st.sampled_from("ab\n\\ n/0"), min_size=1, max_size=6).filter(
    lambda name: all(part not in ("", ".", "..") for part in name.split("/"))
)
contents = st.dictionaries(names, st.sampled_from([b"", b"a", b"b", b"0" * 64]), max_size=4)


def digest_of(content):
    parts = tuple(
        folders.Artifact(path=f"m/{name}", type="part", sha256=hashlib.sha256(data).hexdigest()) for name, data in content.items()
    )
    return folders.folder_of(folders.Artifact(path="m", type="model"), parts).sha256


@given(contents, contents)
def test_different_contents_never_share_a_digest(one, other):
    assert (digest_of(one) == digest_of(other)) == (one == other)


def test_a_name_with_a_newline_cannot_pass_for_two_files(tmp_path):
    digest = hashlib.sha256(b"x").hexdigest()
    two = plant(tmp_path / "two", {"a": b"x", "b": b"x"})
    one = plant(tmp_path / "one", {f"a\n{digest}  b": b"x"})
    escaped = plant(tmp_path / "escaped", {f"a\\n{digest}  b": b"x"})
    assert len({made(folder).sha256 for folder in (two, one, escaped)}) == 3


def test_an_empty_folder_has_no_digest_and_is_no_empty_file(tmp_path):
    folder = plant(tmp_path / "m", {})
    (folder / "inner").mkdir()
    found = made(folder)
    assert found.sha256 is None
    assert found.gaps[0].reason == folders.NO_FILES


# --- what is not covered is named


def pipe(path):
    os.mkfifo(path)


def bound_socket(path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


def link_to(target):
    return lambda path: path.symlink_to(target)


def linked_folder(path):
    path.with_name("elsewhere").mkdir()
    path.symlink_to("elsewhere")


UNCOVERED = {
    "pipe": pipe,
    "socket": bound_socket,
    "link to nothing": link_to("nothing"),
    "link to itself": link_to("odd"),
    "link to the folder above": link_to("."),
    "link to a folder": linked_folder,
    "link to a device": link_to("/dev/zero"),
    "link to /proc": link_to("/proc/self/environ"),
    "link to /sys": link_to("/sys/kernel/mm/transparent_hugepage/enabled"),
}


@pytest.mark.parametrize("make", UNCOVERED.values(), ids=UNCOVERED)
def test_what_a_digest_cannot_cover_is_a_gap_by_name(tmp_path, make):
    folder = plant(tmp_path / "m", {"sub/weights": b"w"})
    make(folder / "sub" / "odd")
    found = made(folder)
    assert found.sha256 is None
    assert "m/sub/odd" in {gap.about for gap in found.gaps}
    assert "m/sub/odd" in next(gap.reason for gap in found.gaps if gap.about == "sha256")
    assert {part.path: part.sha256 for part in found.parts}["m/sub/weights"] == hashlib.sha256(b"w").hexdigest()


def test_a_folder_that_cannot_be_listed_is_a_gap_by_name(tmp_path, monkeypatch):
    folder = plant(tmp_path / "m", {"a": b"a", "shut/b": b"b"})
    real = os.scandir

    def closed(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(folders.os, "scandir", closed)
    found = made(folder)
    assert found.sha256 is None
    assert ("m/shut", "Permission denied") in {(gap.about, gap.reason) for gap in found.gaps}


def test_a_file_that_cannot_be_read_is_a_gap_by_name(tmp_path, monkeypatch):
    folder = plant(tmp_path / "m", {"a": b"a", "closed": b"c"})
    real = reading.os.open

    def closed(path, *flags):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return real(path, *flags)

    monkeypatch.setattr(reading.os, "open", closed)
    found = made(folder)
    assert found.sha256 is None
    assert ("m/closed", "Permission denied") in {(gap.about, gap.reason) for gap in found.gaps}


# --- what is never read


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/proc",
        "/proc/self",
        "/sys",
        "/dev",
        "/proc/kmsg",
        "/proc/cpuinfo",
        "/proc/self/environ",
        "/dev/zero",
        "/dev/null",
        "/dev/kmsg",
    ],
)
def test_files_and_folders_of_the_kernel_are_never_read(tmp_path, path, monkeypatch):
    monkeypatch.setattr(reading.os, "open", lambda *asked: pytest.fail("it was opened"))
    found = files.artifact(Path(path), folder=tmp_path, type="dataset")
    assert found.sha256 is None
    assert found.gaps
    assert found.parts == ()


def test_a_link_to_a_kernel_folder_is_not_entered_by_its_name(tmp_path):
    (tmp_path / "innocent").symlink_to("/proc/self")
    assert made(tmp_path / "innocent").gaps[0].reason == folders.WHOLE_MACHINE


def test_shared_memory_holds_ordinary_files(tmp_path):
    path = Path("/dev/shm") / f"lineage-{os.getpid()}.jsonl"
    try:
        path.write_bytes(b"{}\n")
        assert files.artifact(path, folder=tmp_path, type="dataset").sha256 == hashlib.sha256(b"{}\n").hexdigest()
    finally:
        path.unlink(missing_ok=True)


def test_a_device_in_place_of_the_file_that_was_looked_at_is_not_read(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x")
    seen = path.stat()
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(OSError, match=reading.NOT_REGULAR):
        reading.hashed(path, seen)


def test_a_file_that_claims_to_be_empty_and_is_not_has_no_digest(tmp_path, monkeypatch):
    """Every file of /proc does; one that is mounted at another place too."""
    monkeypatch.setattr(reading, "_kernel_devices", frozenset)
    assert files.artifact(Path("/proc/self/status"), folder=tmp_path, type="x").gaps[0].reason == reading.CHANGED


@pytest.mark.parametrize("size", [10, reading.SMALL * 3])
def test_a_file_that_changes_while_it_is_read_has_no_digest(tmp_path, monkeypatch, size):
    path = tmp_path / "log"
    path.write_bytes(b"x" * size)
    real = reading._hashed

    def growing(descriptor, expected):
        with path.open("ab") as out:
            out.write(b"more")
        return real(descriptor, expected)

    monkeypatch.setattr(reading, "_hashed", growing)
    assert made(path).gaps[0].reason == reading.CHANGED


def test_a_file_that_is_rewritten_in_its_length_while_it_is_read_has_no_digest(tmp_path, monkeypatch):
    path = tmp_path / "log"
    path.write_bytes(b"xx")
    real = reading._hashed

    def rewritten(descriptor, expected):
        found = real(descriptor, expected)
        path.write_bytes(b"yy")
        os.utime(path, ns=(1, 1))
        return found

    monkeypatch.setattr(reading, "_hashed", rewritten)
    assert made(path).gaps[0].reason == reading.CHANGED


def test_an_endless_writer_does_not_make_reading_endless(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"x" * reading.SMALL)
    stop = threading.Event()

    def write():
        with path.open("ab") as out:
            while not stop.is_set():
                out.write(b"x" * 4096)
                out.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = [made(path) for _ in range(3)]
    finally:
        stop.set()
        writer.join()
    assert all(one.sha256 is None or one.bytes for one in found)
    assert made(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


# --- bounds


def test_a_folder_of_too_many_files_is_refused_before_one_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "MAX_FILES", 5)
    folder = plant(tmp_path / "m", {f"{n}/x": b"" for n in range(3)})
    monkeypatch.setattr(reading.os, "open", lambda *asked: pytest.fail("it was opened"))
    found = made(folder)
    assert found.sha256 is None
    assert found.gaps[0].reason == folders.TOO_MANY
    assert found.parts == ()


def test_each_file_of_a_folder_is_looked_at_once(tmp_path, monkeypatch):
    folder = plant(tmp_path / "m", {f"{n:03}": b"x" for n in range(200)})
    counts = {"stat": 0, "lstat": 0, "readlink": 0}
    for name in counts:
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *asked, real=real, name=name, **more: counts.__setitem__(name, counts[name] + 1) or real(*asked, **more)
        )
    assert made(folder).sha256
    assert sum(counts.values()) <= 200 + 40


@pytest.mark.parametrize("name", [b"caf\xe9.bin", "naïve ☃".encode(), b"tab\tand\rreturn", b"-rf", b"..."])
def test_odd_names_are_covered(tmp_path, name):
    folder = plant(tmp_path / "m", {"a": b"a"})
    with open(os.path.join(os.fsencode(folder), name), "wb") as out:
        out.write(b"x")
    assert made(folder).sha256 != made(plant(tmp_path / "n", {"a": b"a"})).sha256
    assert made(folder).gaps == ()


# --- a stranger's folder


def test_confined_no_link_that_leads_out_is_opened(tmp_path, monkeypatch):
    plant(tmp_path, {"secret": b"s"})
    folder = plant(tmp_path / "sent/m", {"in": b"i", "out": tmp_path / "secret", "up": Path("../../secret"), "within": Path("in")})
    opened = []
    real = reading.os.open
    monkeypatch.setattr(reading.os, "open", lambda path, *flags: opened.append(str(path)) or real(path, *flags))
    found = files.artifact(folder, folder=tmp_path / "sent", type="model", confined=True)
    assert sorted(Path(path).name for path in opened) == ["in", "within"]
    assert {part.path for part in found.parts if part.link} == {"m/out", "m/up"}
    assert found.sha256 is None


def test_recorded_the_same_links_are_followed_and_marked(tmp_path):
    plant(tmp_path, {"secret": b"s"})
    folder = plant(tmp_path / "sent/m", {"in": b"i", "out": tmp_path / "secret", "within": Path("in")})
    found = files.artifact(folder, folder=tmp_path / "sent", type="model")
    assert {part.path: part.link for part in found.parts} == {"m/in": False, "m/out": True, "m/within": False}
    assert found.sha256


def test_a_file_behind_a_link_is_marked_too(tmp_path):
    plant(tmp_path, {"far/w": b"w", "sent/x": b"x"})
    (tmp_path / "sent/w").symlink_to("../far/w")
    (tmp_path / "sent/far").symlink_to("../far")
    for name in ("w", "far/w"):
        assert files.artifact(tmp_path / "sent" / name, folder=tmp_path / "sent", type="output").link
    assert not files.artifact(tmp_path / "far/w", folder=tmp_path / "sent", type="model_file").link  # it is used where it is


def test_a_regular_file_is_what_the_descriptor_says(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"")
    assert stat.S_ISREG(path.stat().st_mode)
    assert files.digest(path) == (hashlib.sha256(b"").hexdigest(), 0)
