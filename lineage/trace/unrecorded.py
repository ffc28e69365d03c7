"""A question about a thing that the graph does not know: say what is there instead of an answer.

Sessions may lie in folders below, a commit may hold the file, or a file is there of which no session recorded anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from lineage.contract import manifest
from lineage.contract.unnamed import UNKNOWN, is_of_another_tool, kind_of
from lineage.core.words import counted
from lineage.errors import NotFoundError
from lineage.mapping.names import LIN
from lineage.trace import walks
from lineage.trace.committed import committed, in_words
from lineage.trace.reading import Library
from lineage.trace.search import on_disk

MOST_FOLDERS = 2_000  # folders that are looked at for sessions below; a data tree may have millions
SHOWN = 4  # folders that a message names
_LEGACY = LIN["Legacy"]


def is_unrecorded(library: Library, numbers: tuple[int, ...]) -> bool:
    """Return whether nodes are files that no session made, used or lists, and whose records name no run."""
    graph = library.graph
    written = {session.id for session in library.sessions if session.manifest}
    for number in numbers:
        own = set(graph.whole(number))
        around = walks.past(graph, own).keys() | walks.future(graph, own).keys()
        if _LEGACY not in graph.types[number] or around - own or written.intersection(graph.sessions[number]):
            return False
    return bool(numbers)


def nothing(library: Library, text: str, close: str = "") -> NotFoundError:
    """Return the error for a file that is there, and of which no session recorded anything."""
    deeper = below(library)
    folders = ", ".join(map(str, library.folders)) or "these sessions"
    count = sum(1 for session in library.sessions if session.manifest)
    sessions = f"none of {counted(count, 'session')} in {folders} recorded" if count else f"no session in {folders} itself recorded"
    kind = _kind(library, text)
    message = f"the file is there{f' ({kind})' if kind != UNKNOWN else ''}, and {sessions} anything of it"
    ask = f"{deeper}: ask with -r, or --in FOLDER" if deeper else "record what makes or uses it, or name another folder: --in FOLDER"
    hint = f"{close} Else {ask}" if close.startswith("did you mean") else ask
    return NotFoundError(message, at=text, hint=hint)


def _kind(library: Library, text: str) -> str:
    """Return the format of a file, by its place in the folder that was asked, or by its name alone."""
    path = on_disk(text)
    if path is None:
        return UNKNOWN
    place = path.absolute()
    inside = next((folder for folder in library.folders if place.is_relative_to(folder.absolute())), None)
    return kind_of(inside, place.relative_to(inside.absolute()).as_posix()) if inside else kind_of(path.parent, path.name)


def explained(library: Library, text: str, error: NotFoundError) -> NotFoundError:
    """Return the error for a name that no thing has, with what is known of it besides."""
    deeper = below(library)
    path = on_disk(text)
    is_other = is_of_another_tool(_kind(library, text))
    in_commits = committed(library, Path(text)) if library.sessions and not is_other else ()
    if in_commits:
        message = "no session recorded it as a file"
        close = (error.hint,) if error.hint and error.hint.startswith("did you mean") and path is None else ()
        return NotFoundError(message, at=text, hint="; ".join((*in_words(Path(text), in_commits), *_asked(deeper), *close)))
    if path is not None and library.sessions:
        return nothing(library, text, error.hint or "")
    return NotFoundError(error.message, at=error.at, hint="; ".join((*_asked(deeper), error.hint or ""))) if deeper else error


def _asked(deeper: str) -> tuple[str, ...]:
    return (f"{deeper}: ask with -r, or --in FOLDER",) if deeper else ()


def below(library: Library) -> str:
    """Return which folders below, of those that were not read, hold sessions: `sessions lie deeper: a (4), b (1)`; "" where none do."""
    counts = {folder: count for folder, count in _counted(library) if count}
    more = f" and {len(counts) - SHOWN} more folders" if len(counts) > SHOWN else ""
    shown = ", ".join(f"{folder} ({count:,})" for folder, count in list(counts.items())[:SHOWN])
    return f"sessions lie deeper: {shown}{more}" if counts else ""


def _counted(library: Library) -> Iterator[tuple[Path, int]]:
    """(folder, number of manifests) of each folder below; hidden folders are passed over and no link is followed."""
    left = MOST_FOLDERS
    for root in library.folders:
        for place, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            left -= 1
            if Path(place) != root and Path(place) not in library.places:
                yield Path(place), sum(name.startswith(manifest.PREFIX) and name.endswith(manifest.SUFFIX) for name in names)
            if left <= 0:
                return
