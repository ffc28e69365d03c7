"""Folders below a folder that hold sessions, and the error for a folder in which nothing is recorded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from lineage.contract import journal, manifest
from lineage.errors import NothingRecordedError

MOST_FOLDERS = 10_000  # that are looked into; a folder that somebody sent may have any number
GRAPHS = "graphs"  # where an export writes the graphs of all sessions
SHOWN = 5  # folders that a message names


def sessions_below(folder: Path) -> list[str]:
    """Return the folders inside *folder* that hold manifests or journals, by their paths from there. Hidden ones are left out."""
    return list(_sessions_below(folder))


def _sessions_below(folder: Path) -> Iterator[str]:
    for number, (place, folders, files) in enumerate(os.walk(folder)):
        if number >= MOST_FOLDERS:
            return
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if Path(place) != folder and any(map(tells_of_a_session, files)):
            yield Path(place).relative_to(folder).as_posix()


def folders_below(folder: Path) -> list[Path]:
    """Return the folders inside *folder* that are read with it: all that hold sessions, and of the others those that are neither hidden nor our graphs."""
    places = []
    for place, _, files in os.walk(folder):
        parts = Path(place).relative_to(folder).parts
        is_passed_over = any(part.startswith(".") for part in parts) or parts[:1] == (GRAPHS,)
        if parts and (not is_passed_over or any(map(tells_of_a_session, files))):
            places.append(Path(place))
    return sorted(places)


def has_sessions(folder: Path) -> bool:
    """Return whether manifests or journals lie in the folder itself."""
    return any(tells_of_a_session(one.name) for one in folder.iterdir())


def tells_of_a_session(name: str) -> bool:
    """Return whether a file of this name is a manifest or a journal."""
    is_manifest = name.startswith(manifest.PREFIX) and name.endswith(manifest.SUFFIX)
    return is_manifest or journal.is_called(name)


def nothing_recorded(folder: Path, *, recursive: str = "-r") -> NothingRecordedError:
    """Return the error for a folder without a session that can be read.

    Args:
        folder: The folder that was read.
        recursive: The option of the command that reads folders below too; "" where it has none.
    """
    return NothingRecordedError(empty(folder), at=str(folder), hint=where_else(folder, recursive=recursive))


def empty(folder: Path) -> str:
    """Return what is wrong with a folder without a session, in words."""
    names = [one.name for one in folder.iterdir()] if folder.is_dir() else []
    unread = sum(map(tells_of_a_session, names))
    if unread:
        return f"no session could be read: {unread:,} manifest{'s or journals are' if unread > 1 else ' or journal is'} there, and broken"
    return "no session is recorded here"


def where_else(folder: Path, *, recursive: str = "-r") -> str:
    """Return where sessions lie instead, and how to name them."""
    below = sessions_below(folder)
    if not below:
        return "name the folder that holds the session manifests"
    more = f" and {len(below) - SHOWN:,} more folders" if len(below) > SHOWN else ""
    way = f"use {recursive}" if recursive else "name one of them"
    return f"sessions lie below, in {', '.join(below[:SHOWN])}{more}: {way}"
