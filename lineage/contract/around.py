"""The manifests that speak of a file: those in its folder, else in the nearest folder around it that has some."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lineage.contract import manifest
from lineage.contract.times import is_plain
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


def rewritten(sessions: Iterable[Session]) -> dict[str, tuple[Artifact, ...]]:
    """Return the entries of each path that runs of several sessions wrote with other bytes, the last at the end.

    A path is left out if some entry has no time in UTC, or no digest: nothing tells then which was the last.
    """
    entries: dict[str, list[Artifact]] = {}
    for session in sessions:
        for artifact in session.artifacts:
            if artifact.activity:
                entries.setdefault(artifact.path, []).append(artifact)
    return {
        path: tuple(sorted(written, key=lambda one: one.timestamp or ""))
        for path, written in entries.items()
        if len({one.sha256 for one in written}) > 1 and all(one.sha256 and is_plain(one.timestamp or "") for one in written)
    }


def is_superseded(artifact: Artifact, written: tuple[Artifact, ...]) -> bool:
    """Return whether an entry is of bytes that a later entry of the path replaced."""
    digests = [one.sha256 for one in written]
    return artifact.sha256 in digests and artifact.sha256 != digests[-1]


def recorded_as(file: Path, folder: Path, sessions: tuple[Session, ...]) -> tuple[Session | None, Artifact | None]:
    """The session that recorded *file*, and the entry of its manifest; the last that made the file goes before
    one that only names or used it."""
    name = file.absolute().relative_to(folder).as_posix()
    naming = [(session, one) for session in sessions for one in session.artifacts if one.path == name]
    if not naming:  # nobody made it, but who used it wrote its digest down
        used = [(session, one) for session in sessions for run in session.activities for one in run.used]
        naming = [(session, one) for session, one in used if one.path == name and one.sha256]
    written = rewritten(sessions).get(name, ())
    return max(
        naming,
        key=lambda found: (found[1] in written[-1:], found[1].activity is not None, found[1].sha256 is not None),
        default=(None, None),
    )
