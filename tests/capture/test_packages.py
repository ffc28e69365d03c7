"""Installed packages are those that `importlib.metadata` names, and each is read once while its folder stays as it is."""

import re
import sys
import zipfile
from importlib import metadata

import pytest

from lineage.capture import packages


@pytest.fixture
def search(tmp_path, monkeypatch):
    """A search path of two folders of the test's own."""
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder) for folder in folders])
    monkeypatch.setattr(packages, "SETTLED_NS", -(10**18))
    packages._folders.clear()
    return folders


def installed(folder, name, text, file="METADATA"):
    (folder / name).mkdir(exist_ok=True)
    (folder / name / file).write_bytes(text.encode())
    return folder / name


def test_they_are_those_of_the_standard_library():
    packages._folders.clear()
    expected = {}
    for one in metadata.distributions():
        expected.setdefault(re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower(), one.version)
    assert packages.packages() == dict(sorted(expected.items()))
    assert packages.packages() == dict(sorted(expected.items()))


@pytest.mark.parametrize(
    ("name", "file", "text", "expected"),
    [
        ("my_pkg-1.0.dist-info", "METADATA", "Metadata-Version: 2.1\nName: My.Pkg\nVersion: 1.00\n\nName: other\n", ("my-pkg", "1.00")),
        ("my_pkg-1.0.dist-info", "METADATA", "Name:  my-pkg \r\nVersion: 1.0+cpu\r\n\r\n", ("my-pkg", "1.0+cpu")),
        ("my_pkg.egg-info", "PKG-INFO", "Name: my-pkg\nVersion: 2\n", ("my-pkg", "2")),
        ("my_pkg-3.1.dist-info", "RECORD", "", ("my-pkg", "3.1")),
        ("my_pkg-3.1-py3.11.egg-info", "other", "", ("my-pkg", "3.1")),
    ],
)
def test_name_and_version_are_those_of_the_metadata(search, name, file, text, expected):
    installed(search[0], name, text, file)
    assert list(packages.packages().items()) == [expected]


def test_the_first_on_the_path_counts(search):
    installed(search[0], "a-1.dist-info", "Name: a\nVersion: 1\n")
    installed(search[1], "a-2.dist-info", "Name: a\nVersion: 2\n")
    assert packages.packages() == {"a": "1"}


def test_an_upgrade_is_seen_and_what_stays_is_not_read_again(search, monkeypatch):
    old = installed(search[0], "a-1.dist-info", "Name: a\nVersion: 1\n")
    develop = installed(search[1], "b.egg-info", "Name: b\nVersion: 1\n", "PKG-INFO")
    read = []
    head = packages._head
    monkeypatch.setattr(packages, "_head", lambda path: read.append(path) or head(path))
    assert packages.packages() == {"a": "1", "b": "1"}
    read.clear()
    assert packages.packages() == {"a": "1", "b": "1"}
    assert read == []
    old.rename(search[0] / "a-2.dist-info")
    installed(search[0], "a-2.dist-info", "Name: a\nVersion: 2\n")
    installed(search[1], "b.egg-info", "Name: b\nVersion: 2.5\n", "PKG-INFO")
    assert develop.exists()
    assert packages.packages() == {"a": "2", "b": "2.5"}


def test_a_young_folder_is_read_again(search, monkeypatch):
    monkeypatch.setattr(packages, "SETTLED_NS", 10**18)
    installed(search[0], "a-1.dist-info", "Name: a\nVersion: 1\n")
    assert packages.packages() == {"a": "1"}
    installed(search[0], "a-1.dist-info", "Name: a\nVersion: 1.post1\n")
    assert packages.packages() == {"a": "1.post1"}


def test_packages_in_a_zip_file_count(search, tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("z-1.dist-info/METADATA", "Name: z\nVersion: 1\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "x.zip"), str(tmp_path / "gone"), ""])
    monkeypatch.chdir(search[0])
    assert packages.packages() == {"z": "1"}
