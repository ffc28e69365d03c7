"""The installed packages: names and versions, read once while the folders of the search path stay as they are.

`importlib.metadata` parses each METADATA file twice for a name and a version, and its import costs more than all the reading here;
it is asked only for entries of the search path that are no folders (zip files).
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

HEAD = 2048  # bytes of a metadata file; name and version are its first headers
SETTLED_NS = 2_000_000_000  # a younger folder may change again within one step of the clock
FOLDER_NAME = re.compile(r"(?P<name>.+?)-(?P<version>\d[^-]*)(?:-py\d[\d.]*)?\.(?:dist|egg)-info")
_NAME = re.compile(rb"^Name:[ \t]*(\S[^\r\n]*?)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_VERSION = re.compile(rb"^Version:[ \t]*(\S[^\r\n]*?)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_SEPARATORS = re.compile(r"[-_.]+")
_SUFFIXES = (".dist-info", ".egg-info")

Versions = dict[str, str]
State = tuple[int, int, tuple[tuple[str, int], ...]]  # inode and date of a folder, and dates of what is rewritten in place


@dataclass(frozen=True, slots=True)
class _Read:
    """The packages of one folder, and its state when they were read."""

    state: State
    versions: Versions


_folders: dict[str, _Read] = {}  # by path; a process reads each folder once while its state is the same


def packages() -> Versions:
    """Return name and version of each installed package, sorted. Where a name is there twice, the first on the path counts."""
    found: Versions = {}
    for entry in dict.fromkeys(sys.path):
        found = _of_entry(entry or ".") | found
    return dict(sorted(found.items()))


def _of_entry(entry: str) -> Versions:
    try:
        before = os.stat(entry)  # noqa: PTH116 - a search path has dozens of entries
    except (OSError, ValueError):
        return {}
    if not os.path.isdir(entry):  # noqa: PTH112
        return _of_archive(entry)
    kept = _folders.get(entry)
    if kept and kept.state == (before.st_ino, before.st_mtime_ns, _dates(name for name, _ in kept.state[2])):
        return kept.versions
    return _of_folder(entry, before)


def _of_folder(entry: str, before: os.stat_result) -> Versions:
    names = sorted(name for name in _listed(entry) if name.lower().endswith(_SUFFIXES))
    versions: Versions = {}
    for name in names:
        package, version = _of_metadata(entry, name)
        if package and version:
            versions.setdefault(_normal(package), version)
    rewritten = _dates(os.path.join(entry, name) for name in names if name.lower().endswith(".egg-info"))  # noqa: PTH118
    if time.time_ns() - before.st_mtime_ns > SETTLED_NS:
        _folders[entry] = _Read((before.st_ino, before.st_mtime_ns, rewritten), versions)
    return versions


def _listed(entry: str) -> list[str]:
    try:
        return os.listdir(entry)  # noqa: PTH208
    except OSError:
        return []


def _dates(paths: Iterator[str]) -> tuple[tuple[str, int], ...]:
    """Return the dates of egg-info: a source tree rewrites its file without a change of the folder above."""
    return tuple((path, _date(path)) for path in paths)


def _date(path: str) -> int:
    for place in (f"{path}/PKG-INFO", path):
        try:
            return os.stat(place).st_mtime_ns  # noqa: PTH116
        except OSError:
            continue
    return 0


def _of_metadata(entry: str, name: str) -> tuple[str | None, str | None]:
    """Return name and version from the first headers of the metadata, else from the folder's name."""
    head = next(
        (head for path in (f"{entry}/{name}/METADATA", f"{entry}/{name}/PKG-INFO", f"{entry}/{name}") if (head := _head(path))), b""
    )
    package, version = _NAME.search(head), _VERSION.search(head)
    if package and version:
        return package[1].decode(errors="replace"), version[1].decode(errors="replace")
    named = FOLDER_NAME.fullmatch(name)
    return (named["name"], named["version"]) if named else (None, None)


def _head(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return b""
    try:
        data = os.read(descriptor, HEAD)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
    return data.partition(b"\n\n")[0]


def _of_archive(entry: str) -> Versions:
    if not os.path.isfile(entry):  # noqa: PTH113
        return {}
    from importlib import metadata

    found = ((one.metadata["Name"], one.version) for one in metadata.distributions(path=[entry]))
    return {_normal(name): version for name, version in found if name}


def _normal(name: str) -> str:
    return _SEPARATORS.sub("-", name).lower()
