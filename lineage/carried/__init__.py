"""Records that a run carried over: each is found in the files that its run used, and compared with it there.

Files are filtered, shuffled, merged and written again, one step after the other. A slice is derived from slices of the files
that its own run used, never from a file two steps back. Of a file without a recorded run, the records are looked for where the
runs that they name wrote them.

    originals   files of records on the disk, and what a run used
    matching    find a record in those files
    edits       compare the records of a file with what was found
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lineage.carried.edits import Job, compared
from lineage.carried.originals import Inputs, Placed, Recorded, Source, is_of_records
from lineage.facts import Activity, Artifact, ModelLoad, Session, Transformation
from lineage.findings import Finding

__all__ = ["Placed", "inputs_of", "job_of", "job_with", "job_without_a_run", "with_origins", "writers_of"]


def with_origins(
    placed: Sequence[Placed], shown: Mapping[Path, str], recheck: bool = False
) -> tuple[tuple[Placed, ...], tuple[Finding, ...]]:
    """Return the sessions, with the origins of records that were carried over, and the findings.

    Args:
        placed: Sessions with their folders.
        shown: The name of each folder in findings.
        recheck: Compare again, also where the result is remembered.
    """
    runs = {run.id for _, session in placed for run in session.activities if not run.inferred}
    every = [(folder, _without_twins(session, runs)) for folder, session in placed]
    recorded, findings = Recorded(every), list[Finding]()
    results = []
    for folder, session in every:
        result, wrong = _with_origins(folder, session, recorded, shown[folder], recheck)
        results.append((folder, result))
        findings += wrong
    return tuple(results), tuple(findings)


def _without_twins(session: Session, runs: set[str]) -> Session:
    """A run that was inferred from records is none where a manifest tells of it: it made another file, and these are copies."""
    kept = tuple(run for run in session.activities if not (run.inferred and run.id in runs))
    if len(kept) == len(session.activities):
        return session
    used = {load for run in kept for load in run.models}
    return replace(session, activities=tuple(run for run in kept if not isinstance(run, ModelLoad) or not run.inferred or run.id in used))


def _with_origins(folder: Path, session: Session, recorded: Recorded, shown: str, recheck: bool) -> tuple[Session, list[Finding]]:
    changed: dict[str, Artifact] = {}
    wrong: list[Finding] = []
    compared_runs: set[str] = set()
    for artifact in session.artifacts:
        job = job_of(folder, session, artifact, recorded)
        if job is None:
            continue
        result = compared(job, recorded, recheck)
        paths = {source.sha256: source.artifact.path for source in job.sources}
        changed[artifact.path] = replace(artifact, slices=result.slices(artifact.slices or (), job, paths))
        wrong += result.told(f"{shown}/{artifact.path}" if shown else artifact.path, paths)
        compared_runs |= job.own
    artifacts = tuple(changed.get(one.path, one) for one in session.artifacts)
    runs = tuple(_changed(run, changed, run.id in compared_runs) for run in session.activities)
    return replace(session, artifacts=artifacts, activities=runs), wrong


def _changed(run: Activity, changed: Mapping[str, Artifact], is_compared: bool) -> Activity:
    """The run with the slices of what it wrote; if that was compared, it is known what came from each file of records."""
    made = tuple(replace(one, slices=changed[one.path].slices) if one.path in changed else one for one in run.made)
    return replace(run, made=made, used=tuple(map(_compared, run.used)) if is_compared else run.used)


def _compared(used: Artifact) -> Artifact:
    if used.parts:
        return replace(used, parts=tuple(map(_compared, used.parts)))
    return replace(used, slices=()) if used.slices is None and is_of_records(used) else used


def job_of(folder: Path, session: Session, artifact: Artifact, recorded: Recorded) -> Job | None:
    """Return what the records of a file are compared with; None where nothing is, or the file is not what was recorded."""
    if not artifact.slices or not is_of_records(artifact) or not recorded.is_intact(folder, artifact):
        return None
    writers = writers_of(session, artifact)
    if not writers:
        return job_without_a_run(folder / artifact.path, artifact, {one.run_id for one in artifact.slices if one.run_id}, recorded)
    inputs = inputs_of(folder, session, artifact, recorded)
    return None if inputs.same or not inputs.sources else job_with(folder, artifact, writers, inputs, recorded)


def writers_of(session: Session, artifact: Artifact) -> tuple[Activity, ...]:
    """Return the runs of a session that wrote a file, as far as a manifest names them."""
    return tuple(run for run in session.activities if not run.inferred and any(one.path == artifact.path for one in run.made))


def inputs_of(folder: Path, session: Session, artifact: Artifact, recorded: Recorded) -> Inputs:
    """Return the files of records that the runs used which wrote a file."""
    inputs = Inputs()
    for run in writers_of(session, artifact):
        inputs += recorded.inputs(folder, session, run, artifact)
    return inputs


def job_with(folder: Path, artifact: Artifact, writers: Sequence[Activity], inputs: Inputs, recorded: Recorded) -> Job:
    """Compare the records of a file with those of the files that its runs used."""
    moves_own = all(isinstance(run, Transformation) for run in writers)
    own = _own(folder, artifact, writers, recorded)
    return Job(folder / artifact.path, artifact, inputs.sources, own, not inputs.unread, moves_own)


def _own(folder: Path, artifact: Artifact, writers: Sequence[Activity], recorded: Recorded) -> frozenset[str]:
    """The runs that wrote the file, also before it was appended to; not those whose file was read and written again."""
    is_rewritten = any(one.path == artifact.path for run in writers for one in run.used)
    others = {} if is_rewritten else recorded.writers(folder, artifact.path)
    return frozenset({run.id for run in writers} | others.keys())


def job_without_a_run(path: Path, artifact: Artifact, named: Iterable[str], recorded: Recorded) -> Job | None:
    """Look where the records were made, by the runs that they name; not at a run that made this very file, or whose files are not here."""
    sources: list[Source] = []
    runs = set()
    for run_id in sorted(named):
        files_made = recorded.made_by(run_id)
        is_other = all(one.artifact.sha256 != artifact.sha256 and one.path != path for one in files_made)
        if files_made and is_other and all(recorded.is_intact(one.folder, one.artifact) for one in files_made):
            runs.add(run_id)
            sources += [Source(one.folder, one.session, one.artifact, one.path) for one in files_made]
    return Job(path, artifact, tuple(sources), frozenset(), runs=frozenset(runs)) if sources else None
