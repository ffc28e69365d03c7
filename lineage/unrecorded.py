"""Files of which no manifest says what made them: what their inline metadata says is inferred.  Nothing is invented.

A file that no manifest names belongs to no session; without metadata it is legacy. A file that a manifest lists without the run that made it
(as manifests of the contract's fixed keys alone do) keeps its entry, and what is inferred took place in the session that lists it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lineage.capture import files
from lineage.contract import journal, manifest, report
from lineage.contract.records import Scan
from lineage.core import limits
from lineage.facts import Activity, Artifact, Evaluation, Generation, Json, ModelLoad, Script, Session, Slice
from lineage.findings import Finding, finding
from lineage.intake import Taken
from lineage.mapping.names import fingerprint

_NOT_OURS = (manifest.PREFIX, journal.PREFIX, "session_")  # what we write ourselves


def orphans(folder: Path, named: Collection[str]) -> list[Path]:
    """The files of *folder* that no manifest names, and that may tell where they come from."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.name not in named and path.is_file() and not path.name.startswith((".", *_NOT_OURS)) and not path.is_symlink():
            found.append(path)
    return found


def unrecorded(alone: Mapping[Path, str], taken: Mapping[Path, Taken], *, legacy: bool) -> tuple[Session | None, list[Finding]]:
    """One session without an activity of its own that holds all these files, by their names; None when there are none. Files of records are in *taken*."""
    reading = _Reading(taken, legacy)
    for path, name in alone.items():
        reading.file(path, name)
    return reading.session(), reading.findings


def with_inferred(
    session: Session, listed: Mapping[Path, Artifact], taken: Mapping[Path, Taken], *, legacy: bool
) -> tuple[Session, list[Finding], list[Path]]:
    """The session with the runs and loads that the files which it lists without a run speak of.

    The entries stay what the manifest says, and are told what slices they hold. The paths are of files whose records or report name another session:
    they were made there, and nothing of them is inferred here.
    """
    reading = _Reading(taken, legacy, session.id)
    for path, artifact in listed.items():
        reading.file(path, artifact.path, artifact)
    told = {one.path: one for one in reading.artifacts}
    artifacts = tuple(told.get(one.path, one) for one in session.artifacts)
    return replace(session, artifacts=artifacts, activities=(*session.activities, *reading.activities)), reading.findings, reading.elsewhere


class _Reading:
    """One pass over the files, those that the session *listing* lists, or those that none does."""

    def __init__(self, taken: Mapping[Path, Taken], legacy: bool, listing: str | None = None) -> None:
        self.findings: list[Finding] = []
        self.artifacts: list[Artifact] = []
        self.elsewhere: list[Path] = []
        self._taken, self._legacy, self._listing = taken, legacy, listing
        self._activities: dict[str, Activity] = {}

    @property
    def activities(self) -> tuple[Activity, ...]:
        """What was inferred."""
        return tuple(self._activities.values())

    def file(self, path: Path, name: str, listed: Artifact | None = None) -> None:
        """Read one file, whatever it is; *listed* is its entry."""
        try:
            if path in self._taken:
                self._records(path, name, self._taken[path], listed)
            elif path.suffix == ".json":
                self._report(path, name, listed)
        except OSError as error:
            self.findings.append(finding("unreadable", name, None, error.strerror or ""))

    def session(self) -> Session | None:
        """All that was found, as one."""
        if not self.artifacts:
            return None
        digests = sorted(artifact.sha256 or "" for artifact in self.artifacts)
        title = "files without a manifest"
        facts = {"activities": self.activities, "artifacts": tuple(self.artifacts)}
        return Session(id=f"unrecorded-{fingerprint(digests)}", title=title, status=None, **facts)  # type: ignore[arg-type]

    def _is_elsewhere(self, path: Path, told: Iterable[Json]) -> bool:
        """Does metadata of a listed file name another session?"""
        others = {said.get("session_id") for said in told if isinstance(said.get("session_id"), str)} - {self._listing}
        if self._listing and others:
            self.elsewhere.append(path)
        return bool(self._listing and others)

    def _records(self, path: Path, name: str, taken: Taken, listed: Artifact | None) -> None:
        scan, seal = taken.scan, taken.seal
        if listed and not scan.recorded and listed.type != "training_data":
            return  # prompts, a test set: nobody says that they are records of ours
        if self._is_elsewhere(path, (one.metadata for one in scan.slices)):
            return
        self.findings += scan.findings
        kind = "training_data" if scan.recorded else "legacy"
        facts = {"sha256": seal.sha256, "bytes": seal.bytes, "lines": seal.lines, "merkle_root": seal.merkle_root}
        base = listed or Artifact(path=name, type=kind, **facts)  # type: ignore[arg-type]
        artifact = replace(base, count=scan.count, slices=scan.slices)
        self.artifacts.append(artifact)
        for run_id, slices in _by_run(scan).items():
            self._generation(run_id, artifact, slices)

    def _generation(self, run_id: str, artifact: Artifact, slices: list[Slice]) -> None:
        said = slices[0].metadata
        made = replace(artifact, activity=run_id, slices=tuple(slices), role="records")
        loads = dict.fromkeys(self._load(one.metadata.get("provenance")) for one in slices)
        params = said.get("generation_params")
        facts = {"params": params if isinstance(params, dict) else {}, "models": tuple(filter(None, loads)), "script": _script(said)}
        before = self._activities.get(run_id)
        self._activities[run_id] = Generation(id=run_id, inferred=True, made=(*(before.made if before else ()), made), **facts)  # type: ignore[arg-type]

    def _load(self, provenance: object) -> str | None:
        """The model load that the metadata speaks of, once for each configuration; another in each session that lists what speaks of it."""
        if not isinstance(provenance, dict) or not provenance:
            return None
        load_id = f"inferred-{fingerprint([self._listing, provenance] if self._listing else provenance)}"
        self._activities.setdefault(load_id, ModelLoad(id=load_id, inferred=True, provenance=provenance))
        return load_id

    def _report(self, path: Path, name: str, listed: Artifact | None) -> None:
        if path.stat().st_size > limits.JSON:
            self.findings.append(finding("bad-report", name, None, f"larger than {limits.JSON} bytes"))
            return
        read, wrong = report.read(path.read_bytes(), name)
        if listed and read is None and listed.type != "evaluation":
            return
        if listed and read is None and not wrong:
            wrong = [finding("bad-report", name, None, "expected a summary, with metadata or results")]
        self.findings += wrong
        if read is None or self._is_elsewhere(path, [read.metadata]):
            return
        sha256, size = files.digest(path)
        artifact = listed or Artifact(path=name, type="evaluation" if read.metadata else "legacy", sha256=sha256, bytes=size)
        self.artifacts.append(artifact)
        if read.metadata:
            self._evaluation(artifact, read)
        elif not self._legacy:
            self.findings.append(finding("no-metadata", name, None, "the report has none"))

    def _evaluation(self, artifact: Artifact, read: report.Report) -> None:
        said = read.metadata
        run_id = read.run_id or f"inferred-{artifact.sha256}"
        every = said.get("models")
        loads = [self._load(one) for one in (every.values() if isinstance(every, dict) and every else [said.get("provenance")])]
        params, dataset = said.get("decoding_params"), said.get("dataset")
        facts: dict[str, Any] = {
            "params": params if isinstance(params, dict) else {},
            "dataset": dataset if isinstance(dataset, dict) else {},
        }
        time = said.get("timestamp")
        then = artifact.timestamp or (time if isinstance(time, str) else None)
        made = replace(artifact, type="evaluation", activity=run_id, role="report", timestamp=then)
        self._activities[run_id] = Evaluation(
            id=run_id,
            inferred=True,
            metrics=read.summary,
            models=tuple(load for load in loads if load),
            script=_script(said),
            made=(made,),
            **facts,
        )


def _by_run(scan: Scan) -> dict[str, list[Slice]]:
    """The slices by the run that made them: the one they name, else one for each configuration."""
    runs: dict[str, list[Slice]] = {}
    for one in scan.slices:
        if one.metadata:
            runs.setdefault(one.run_id or f"inferred-{fingerprint([scan.sha256, one.metadata])}", []).append(one)
    return runs


def _script(said: Json | Mapping[str, Any]) -> Script | None:
    """The script that the metadata names, or at least its version."""
    name, version = said.get("script_name"), said.get("script_version")
    if not isinstance(name, str) and not isinstance(version, str):
        return None
    return Script(path=name if isinstance(name, str) else "script", version=version if isinstance(version, str) else None)
