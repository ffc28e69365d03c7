"""What is checked of a thing when somebody asks for it: does its file have the digest that was recorded?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lineage.capture import files
from lineage.capture.places import inside
from lineage.known_by import KnownBy
from lineage.mapping.names import LIN, PROV
from lineage.prov.statement import Statement
from lineage.trace.graph import Check
from lineage.trace.things import texts


def checking(places: Mapping[Path, frozenset[str]]) -> Check:
    """Return the check of the files in folders, of each of which the sessions are named."""

    def check(told: Sequence[Statement], sessions: Sequence[str]) -> tuple[str, ...]:
        digests = set(texts(told, LIN["sha256"]))
        if not digests:
            return ()
        found = {files.artifact(path, folder=folder, type="file", confined=True).sha256 for folder, path in _paths(told, sessions)}
        return (KnownBy.BYTES_CHECKED.value,) if found & digests else ()

    def _paths(told: Sequence[Statement], sessions: Sequence[str]) -> Iterator[tuple[Path, Path]]:
        for folder, there in places.items():
            if there.intersection(sessions):
                yield from ((folder, folder / place) for place in texts(told, PROV["location"]) if _is_there(folder, place))

    return check


def _is_there(folder: Path, place: str) -> bool:
    return inside(folder, place) is not None and (folder / place).exists()
