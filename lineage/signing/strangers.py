"""The files of a folder that nobody vouches for, however deep they lie.  A reader of models or of folders in folders would take them up."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from lineage.capture.places import inside
from lineage.contract import journal, manifest

_SESSION = (manifest.PREFIX, journal.PREFIX)  # never overlooked: a folder of sessions may lie anywhere


def strangers(folder: Path, named: Collection[str], apart: Collection[str] = ()) -> list[str]:
    """The files and links below *folder* that are not in *named*, by their names from there, sorted; none is opened.

    Hidden files and folders, and `graphs` at the top, are left out, but not sessions in them; all that lies in folders that are *apart* is.
    """
    known = set(named) | _behind_links(folder, named)
    upper = {name[:end] for name in named for end, letter in enumerate(name) if letter == "/"}
    elsewhere = tuple(f"{place}/" for place in apart)
    found = (name for name in _walked(folder, upper) if name not in known and not name.startswith(elsewhere))
    return sorted(name for name in found if not _is_left_out(name))


def _behind_links(folder: Path, named: Collection[str]) -> set[str]:
    """What names that lead over a link within the folder mean."""
    real = os.path.realpath(folder)
    found = (os.path.realpath(path) for name in named for path in [inside(folder, name)] if path)
    return {Path(path).relative_to(real).as_posix() for path in found}


def _walked(folder: Path, upper: Collection[str]) -> Iterator[str]:
    """All files, and links to folders over which no known name leads."""
    for place, folders, files in os.walk(folder):
        under = Path(place).relative_to(folder)
        yield from ((under / name).as_posix() for name in files)
        links = [(under / name).as_posix() for name in folders if (Path(place) / name).is_symlink()]
        yield from (name for name in links if name not in upper)


def _is_left_out(name: str) -> bool:
    parts = name.split("/")
    if parts[-1].startswith(_SESSION):
        return False
    return any(part.startswith(".") for part in parts) or (parts[0] == "graphs" and len(parts) > 1)
