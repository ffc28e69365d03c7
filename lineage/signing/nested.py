"""Check a folder and the folders of sessions inside it. Each has its own chain of signatures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lineage.errors import NotFoundError
from lineage.signing.check import Checked, checked, envelopes
from lineage.signing.listed import is_session

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


NAME = "name the folder that holds the session manifests"


def checked_each(
    folder: Path,
    key: Ed25519PublicKey,
    *,
    head: str | None = None,
) -> tuple[tuple[str, Checked], ...]:
    """Check *folder* and each folder inside it that holds sessions or signatures.

    Args:
        folder: The topmost folder; links to folders are not followed.
        key: Whose signatures they should be.
        head: The digest of a signature of *folder* itself that was the last once.

    Returns:
        The path of each folder from the topmost, "" for that itself, and its result.

    Raises:
        NotFoundError: There is no such folder, or it holds neither sessions nor signatures.
        UsageError: The head is not one.
    """
    if not folder.is_dir():
        raise NotFoundError("no such folder", at=str(folder), hint=NAME)
    places = _places(folder)
    if not places:
        raise NotFoundError("no session and no signature is there", at=str(folder), hint=NAME)
    if head is not None and "" not in places:
        places.insert(0, "")
    results = []
    for place in places:
        way = f"{place}/" if place else ""
        below = [name for name in places if name != place and name.startswith(way)]
        apart = [name.removeprefix(way) for name in below]
        own_head = None if place else head
        results.append((place, checked(folder / place, key, head=own_head, apart=apart)))
    return tuple(results)


def _places(folder: Path) -> list[str]:
    """The folders with sessions or signatures, the topmost first."""
    places = []
    for name, _, files in os.walk(folder):
        place = Path(name)
        if any(is_session(file) for file in files) or envelopes(place):
            places.append("" if place == folder else place.relative_to(folder).as_posix())
    return sorted(places)
