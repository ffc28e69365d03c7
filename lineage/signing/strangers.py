"""Find the files of a folder that nobody vouches for: a reader of models would take them up."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from lineage.capture.places import inside
from lineage.contract import journal, manifest
from lineage.contract.lines import holds_records
from lineage.core.reading import is_file
from lineage.integrity.index import FOLDER

MAX_STEPS = 40  # links after one another; Linux follows as many
_SESSION = (manifest.PREFIX, journal.PREFIX)  # never overlooked, wherever it is


def strangers(folder: Path, named: Collection[str], apart: Collection[str] = ()) -> list[str]:
    """Return the files and links below *folder* that are not in *named*, sorted; none is opened.

    The indexes of files are left out: each is compared with its file. So is all that is in folders
    that are *apart*. A folder that cannot be listed stands for what is in it.
    """
    known = set(named) | _behind_links(folder, named)
    upper = {name[:end] for name in named for end, letter in enumerate(name) if letter == "/"}
    elsewhere = tuple(f"{place}/" for place in apart)
    strange = (name for name in _walked(folder, upper) if name not in known)
    here = (name for name in strange if not name.startswith(elsewhere))
    return sorted(name for name in here if not _is_index(folder, name))


def is_set_aside(name: str) -> bool:
    """Return whether the file is hidden or in `graphs` at the top, and is no part of a session."""
    parts = name.split("/")
    if parts[-1].startswith(_SESSION):
        return False
    return any(part.startswith(".") for part in parts) or (parts[0] == "graphs" and len(parts) > 1)


def led_to(folder: Path) -> frozenset[str]:
    """Return the hidden files and folders, and those in `graphs`, that links in plain view lead to, each step of the way.

    A reader that follows such a link takes up what is there, so it is not set aside.
    """
    real, found = os.path.realpath(folder), set()
    for place, folders, files in os.walk(real):
        under = Path(place).relative_to(real)
        folders[:] = [name for name in folders if not is_set_aside((under / name / "x").as_posix())]
        for name in (*folders, *files):
            if not is_set_aside((under / name).as_posix()):
                found |= set(_steps(Path(place) / name))
    ways = (Path(path).relative_to(real).as_posix() for path in found if Path(path).is_relative_to(real))
    return frozenset(way for way in ways if is_set_aside(f"{way}/x"))


def _steps(link: Path) -> Iterator[str]:
    """Yield each place that a link leads to, the last one included."""
    path = str(link)
    for _ in range(MAX_STEPS):
        if not os.path.islink(path):  # noqa: PTH114  # never raises
            return
        place = os.path.realpath(os.path.dirname(path))  # noqa: PTH120
        target = os.path.join(place, os.readlink(path))  # noqa: PTH115, PTH118
        path = os.path.join(os.path.realpath(os.path.dirname(target)), os.path.basename(target))  # noqa: PTH118, PTH119, PTH120
        yield os.path.normpath(path)


def sessions_apart(folder: Path) -> list[str]:
    """Return the topmost folders inside *folder* that hold manifests of their own, sorted."""
    places = []
    for place, folders, files in os.walk(folder):
        under = Path(place).relative_to(folder).as_posix()
        if under != "." and any(is_manifest(name) for name in files):
            places.append(under)
            folders.clear()
    return sorted(places)


def is_manifest(name: str) -> bool:
    """Return whether a reader of the folder would take a file of this name for a manifest."""
    return name.startswith(manifest.PREFIX) and name.endswith(manifest.SUFFIX)


def _is_index(folder: Path, name: str) -> bool:
    """Is it the index of a file of records that is there?"""
    place, _, last = name.rpartition("/")
    if place.rpartition("/")[2] != FOLDER or not last.endswith(".index"):
        return False
    file = (folder / place).parent / last.removesuffix(".index")
    return holds_records(file) and is_file(file)


def _behind_links(folder: Path, named: Collection[str]) -> set[str]:
    """What names that lead over a link within the folder mean."""
    real = os.path.realpath(folder)
    found = (os.path.realpath(path) for name in named for path in [inside(folder, name)] if path)
    return {Path(path).relative_to(real).as_posix() for path in found}


def _walked(folder: Path, upper: Collection[str]) -> Iterator[str]:
    """All files, and links to folders over which no known name leads."""
    closed: list[str] = []
    for place, folders, files in os.walk(folder, onerror=lambda error: closed.append(error.filename)):
        under = Path(place).relative_to(folder)
        yield from ((under / name).as_posix() for name in files)
        links = [(under / name).as_posix() for name in folders if (Path(place) / name).is_symlink()]
        yield from (name for name in links if name not in upper)
    below = (Path(place) for place in closed if Path(place) != folder)
    yield from (place.relative_to(folder).as_posix() for place in below)
