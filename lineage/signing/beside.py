"""Cover what belongs to no session when a folder is signed, or name it with the reason why not."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from lineage.errors import LineageError
from lineage.signing import envelope, statement
from lineage.signing.chain import Signed
from lineage.signing.listed import is_session, listed, obstacle, reason
from lineage.signing.seen import AFRESH, APART, Seen
from lineage.signing.statement import Beside, matches
from lineage.signing.strangers import sessions_apart


def beside(folder: Path, waiting: Collection[Path], excluded: Sequence[str]) -> Beside:
    """Return what nothing in *folder* covers yet.

    Args:
        folder: The folder whose sessions are signed.
        waiting: Signatures that are about to be replaced, and count as gone.
        excluded: Patterns of files that are left out.
    """
    seen = _seen(folder, waiting)
    places = [place for place in sessions_apart(folder) if place not in seen.set_apart]
    apart = [place for place in places if not seen.holds_artifacts(place)]
    kept = _Kept(seen, excluded)
    for name in _strangers(seen, apart):
        kept.take(name)
    return Beside(
        files=tuple(kept.files),
        links=kept.links,
        not_signed=kept.not_signed | dict.fromkeys(apart, APART),
        excluded=tuple(dict.fromkeys(excluded)),
    )


def remaining(folder: Path) -> tuple[tuple[str, str], ...]:
    """Return the files that a check of *folder* would call added, each with what to do."""
    seen = _seen(folder, ())
    open_to_view = [name for name in _strangers(seen, ()) if not seen.is_set_aside(name)]
    left = [name for name in open_to_view if reason(seen, name) is None]
    return tuple((name, _advice(name)) for name in left)


def not_covered(folder: Path) -> tuple[tuple[str, str], ...]:
    """Return what the signatures of *folder* leave out, and why each is no fault."""
    return tuple((one.file, one.reason) for one in listed(_seen(folder, ())))


def _advice(name: str) -> str:
    if is_session(name):
        return "it cannot be read as part of a session: lineage audit says why"
    if not _is_text(name):
        return "its name is not UTF-8, which a signature cannot hold: rename it"
    return "it came after the signatures: lineage sign --replace signs anew"


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _strangers(seen: Seen, apart: Collection[str]) -> list[str]:
    """The files that no signature and no manifest names. A session may still write what it announced."""
    artifacts = (one for session in seen.sessions.values() for one in session.artifacts)
    announced = {one.path for one in artifacts if not one.sha256}
    elsewhere = (*(f"{place}/" for place in apart), *(f"{name}/" for name in announced))
    strange = (name for name in seen.strangers if not name.startswith(elsewhere))
    return [name for name in strange if name not in announced]


def _seen(folder: Path, waiting: Collection[Path]) -> Seen:
    """The folder with its signatures as they say; whether they hold is not asked here."""
    seen = Seen(folder, AFRESH)
    for path in sorted(folder.glob(f"session_*{statement.SUFFIX}")):
        try:
            found = envelope.read(path) if path not in waiting else None
            said = statement.read(found.payload, path.name) if found else None
        except (LineageError, OSError):  # it covers nothing; lineage verify tells of it
            continue
        if found and said:
            seen.signed.append(Signed(path.name, said, found))
    return seen


class _Kept:
    """Sorts files into those that are signed, links, and those that cannot be signed."""

    def __init__(self, seen: Seen, excluded: Sequence[str]) -> None:
        self._seen, self._excluded = seen, excluded
        self.files: list[str] = []
        self.links: dict[str, str] = {}
        self.not_signed: dict[str, str] = {}

    def take(self, name: str) -> None:
        """Put the file where it belongs. Leave out sessions, and what is hidden, excluded or written by lineage."""
        if self._seen.is_set_aside(name) or (is_session(name) and "/" not in name) or not _is_text(name):
            return
        if matches(name, self._excluded) or reason(self._seen, name):
            return
        path, why = self._seen.folder / name, obstacle(self._seen, name)
        if why:
            self.not_signed[name] = why
        elif path.is_symlink():
            self.links[name] = os.readlink(path)  # noqa: PTH115
        else:
            self.files.append(name)
