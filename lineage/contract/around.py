"""The manifests that speak of a file: those in its folder, else in the nearest folder around it that has some."""

from __future__ import annotations

from pathlib import Path

from lineage.contract import manifest
from lineage.contract.versions import Versions
from lineage.facts import Artifact, Session


def sessions_around(file: Path) -> tuple[Path, tuple[Session, ...]]:
    """The nearest folder with manifests, and its sessions; the file's own folder and none when there are no manifests."""
    for folder in file.absolute().parents:
        paths = _manifests(folder)
        if paths:
            return folder, tuple(session for session, _ in map(manifest.read, paths) if session)
    return file.absolute().parent, ()


def sessions_in(folder: Path) -> tuple[Session, ...]:
    """Return the sessions whose manifests are in the folder itself."""
    return tuple(session for session, _ in map(manifest.read, _manifests(folder)) if session)


def _manifests(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{manifest.PREFIX}*{manifest.SUFFIX}"))


def recorded_as(file: Path, folder: Path, sessions: tuple[Session, ...]) -> tuple[Session | None, Artifact | None]:
    """Return the session that recorded *file*, and the entry of its manifest.

    The one that made the file goes before one that only names or used it; of several versions, the last one goes before those that it replaced.
    """
    name = file.absolute().relative_to(folder).as_posix()
    naming = [(session, one) for session in sessions for one in session.artifacts if one.path == name]
    if not naming:  # nobody made it, but who used it wrote its digest down
        used = [(session, one) for session in sessions for run in session.activities for one in run.used]
        naming = [(session, one) for session, one in used if one.path == name and one.sha256]
    versions = Versions(sessions)
    current = [found for found in naming if versions.replaced_by(found[1], found[0]) is None] or naming
    return max(current, key=lambda found: (found[1].activity is not None, found[1].sha256 is not None), default=(None, None))
