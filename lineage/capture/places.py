"""Does a file lie in its folder, whatever its name and the links on the way say?  Looks at names and links, and opens nothing.

Names come from JSON that strangers wrote: one may climb out, be no name at all, or lead over a link to anywhere.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath


def leads_out(name: str) -> bool:
    """Does the name as such say that the file lies elsewhere?  Nothing of the folder can pass for it."""
    pure = PurePosixPath(name)
    return pure.is_absolute() or ".." in pure.parts


def inside(folder: Path, name: str) -> Path | None:
    """Where the file called *name* lies in *folder*, whether it is there or not.

    None where the name or a link leads out of the folder, or where no file can be called so. Never raises.
    """
    if leads_out(name) or not is_name(name):
        return None
    path = folder / name
    real = os.path.realpath(path)  # resolve() raises where links go in a circle
    return path if Path(real).is_relative_to(os.path.realpath(folder)) else None


def own(folder: Path, name: str) -> Path | None:
    """The regular file called *name* in *folder*; None where there is none, or where its name or a link leads out: such a one is not to be opened."""
    path = inside(folder, name)
    return path if path is not None and os.path.isfile(path) else None  # noqa: PTH113  # never raises, whatever the name


def links_to(folder: Path, name: str) -> dict[str, str]:
    """Return the links on the way to the file *name* of *folder*, each with the path that it holds.

    Opens nothing, and looks no further than the first link that leads out. A name that leads out
    by itself has none.
    """
    if leads_out(name) or not is_name(name):
        return {}
    found: dict[str, str] = {}
    parts = PurePosixPath(name).parts
    for way in ("/".join(parts[: number + 1]) for number in range(len(parts))):
        if os.path.islink(folder / way):  # noqa: PTH114  # never raises
            found[way] = os.readlink(folder / way)  # noqa: PTH115
            if inside(folder, way) is None:
                break
    return found


def bag_of(folder: Path) -> Path | None:
    """Return the BagIt bag (RFC 8493) that *folder* is, or lies in; None where it is in none. A file more makes a bag invalid."""
    real = Path(os.path.realpath(folder))
    return next((place for place in (real, *real.parents) if os.path.isfile(place / "bagit.txt")), None)  # noqa: PTH113  # never raises


def is_name(text: str) -> bool:
    """Can a file be called so?  JSON can hold halves of letters, and nothing at all."""
    try:
        return bool(text) and b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False
