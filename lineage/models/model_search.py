"""Where the files of a model lie in a folder, under whatever path: by their sizes first, and by their digests then."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from lineage.capture import files
from lineage.capture.places import leads_out
from lineage.contract.around import sessions_around
from lineage.facts import ModelLoad, Session

MOST = 200_000  # folders that are looked at
Sizes = Mapping[str, int]  # bytes of a file by its SHA-256


def model_in(folder: Path, wanted: Mapping[str, str], sizes: Sizes) -> Path | None:
    """Return the first folder below *folder* that holds every file of *wanted*, by its path in the model and its SHA-256. No link is followed."""
    names = {name: digest for name, digest in wanted.items() if isinstance(digest, str) and not leads_out(name)}
    if not names or len(names) < len(wanted):
        return None
    return next((place for place in _places(folder, min(names, key=len)) if _holds(place, names, sizes)), None)


def _places(folder: Path, name: str) -> Iterator[Path]:
    """The folders that have a file called *name*, in the order of their paths."""
    for number, (place, below, _) in enumerate(os.walk(folder)):
        below.sort()
        if number >= MOST:
            return
        if _size(Path(place) / name) is not None:
            yield Path(place)


def _holds(place: Path, names: Mapping[str, str], sizes: Sizes) -> bool:
    there = {name: _size(place / name) for name in names}
    if any(size is None or size != sizes.get(names[name], size) for name, size in there.items()):
        return False
    try:
        return all(files.digest(place / name)[0] == digest for name, digest in names.items())
    except OSError:
        return False


def _size(path: Path) -> int | None:
    """The size of a regular file that no link leads to; None where there is none."""
    try:
        return path.stat().st_size if path.is_file() and not path.is_symlink() else None
    except (OSError, ValueError):  # a name that no file can have
        return None


def around(path: Path) -> tuple[Path, Sizes]:
    """Return the folder of the sessions around a file, and the sizes of model files that they recorded."""
    folder, sessions = sessions_around(path)
    return folder, sizes_in(sessions)


def sizes_in(sessions: tuple[Session, ...]) -> Sizes:
    """Return the size of each model file that the sessions recorded, by its SHA-256."""
    loads = (run for session in sessions for run in session.activities if isinstance(run, ModelLoad))
    return {file.sha256: file.bytes for load in loads for file in load.used if file.sha256 and file.bytes is not None}
