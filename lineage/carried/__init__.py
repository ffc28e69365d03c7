"""Records that one file carried on from another: recognised by `run_id` and `record_index`, derived from the original, compared with it.

Files are filtered, shuffled, merged and written anew; a record's own metadata still names the run that made it, and its number there.

    originals   where a record was made
    edits       what became of the records of a file
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lineage.capture import files
from lineage.capture.places import own
from lineage.carried.edits import compared
from lineage.carried.originals import Made, made_by
from lineage.facts import Activity, Artifact, ModelLoad, Session
from lineage.findings import Finding

Placed = tuple[Path, Session]  # the folder that holds the session's files, and the session


def with_origins(
    placed: Sequence[Placed], shown: Mapping[Path, str], recheck: bool = False
) -> tuple[tuple[Placed, ...], tuple[Finding, ...]]:
    """The same sessions, the slices of carried records with their origins, and what was edited or is not there; *shown* is what a folder is called.

    With *recheck* the records are compared again, even if that is remembered.
    """
    runs = {run.id for _, session in placed for run in session.activities if not run.inferred}
    made, found = made_by(placed), list[Finding]()
    told = []
    for folder, session in placed:
        one, wrong = _compared(folder, _without_twins(session, runs), made, shown[folder], recheck)
        told.append((folder, one))
        found += wrong
    return tuple(told), tuple(found)


def _without_twins(session: Session, runs: set[str]) -> Session:
    """A run that was inferred from records is none where a manifest tells of it: it made another file, and these are copies."""
    kept = tuple(run for run in session.activities if not (run.inferred and run.id in runs))
    if len(kept) == len(session.activities):
        return session
    used = {load for run in kept for load in run.models}
    return replace(session, activities=tuple(run for run in kept if not isinstance(run, ModelLoad) or not run.inferred or run.id in used))


def _compared(folder: Path, session: Session, made: Mapping[str, list[Made]], shown: str, recheck: bool) -> tuple[Session, list[Finding]]:
    changed: dict[str, Artifact] = {}
    wrong: list[Finding] = []
    for artifact in session.artifacts:
        candidates = _candidates(folder, artifact, made)
        if candidates and _is_whole(folder, artifact):
            found = compared(folder / artifact.path, artifact, candidates, recheck)
            paths = {one.artifact.sha256 or "": one.artifact.path for there in candidates.values() for one in there}
            changed[artifact.path] = replace(artifact, slices=found.slices(artifact.slices or (), paths))
            wrong += found.told(f"{shown}/{artifact.path}" if shown else artifact.path, paths)
    artifacts = tuple(changed.get(one.path, one) for one in session.artifacts)
    return replace(session, artifacts=artifacts, activities=tuple(_remade(run, changed) for run in session.activities)), wrong


def _remade(run: Activity, changed: Mapping[str, Artifact]) -> Activity:
    made = tuple(replace(one, slices=changed[one.path].slices) if one.path in changed else one for one in run.made)
    return replace(run, made=made)


def _candidates(folder: Path, artifact: Artifact, made: Mapping[str, list[Made]]) -> dict[str, list[Made]]:
    """The files where the records of *artifact* may have been made, by the run that they name; none of a run that made this very file."""
    named = {one.run_id for one in artifact.slices or () if one.run_id not in (None, artifact.activity)}
    found = {}
    for run_id in sorted(name for name in named if name in made):
        there = made[str(run_id)]
        is_other = all(one.artifact.sha256 != artifact.sha256 and one.path != folder / artifact.path for one in there)
        if is_other and there and all(_is_whole(one.folder, one.artifact) for one in there):
            found[str(run_id)] = there
    return found


def _is_whole(folder: Path, artifact: Artifact) -> bool:
    """Is the file there, in its folder, and what was recorded?"""
    try:
        path = own(folder, artifact.path)
        return path is not None and files.digest(path)[0] == artifact.sha256
    except OSError:
        return False
