"""Files that no manifest names: what their inline metadata says is inferred, what says nothing is legacy.  Nothing is invented."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from lineage.capture import files
from lineage.contract import manifest, report
from lineage.contract.records import Scan
from lineage.facts import Activity, Artifact, Evaluation, Generation, Json, ModelLoad, Script, Session, Slice
from lineage.findings import Finding, finding
from lineage.intake import Taken
from lineage.mapping.names import fingerprint

MAX_REPORT = 1 << 28  # bytes; a report over 256 MiB is not read into memory
_NOT_OURS = (manifest.PREFIX, "session_journal_", "session_")  # what we write ourselves


def orphans(folder: Path, named: Collection[str]) -> list[Path]:
    """The files of *folder* that no manifest names, and that may tell where they come from."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.name not in named and path.is_file() and not path.name.startswith((".", *_NOT_OURS)) and not path.is_symlink():
            found.append(path)
    return found


def unrecorded(paths: Iterable[Path], taken: Mapping[Path, Taken], *, legacy: bool) -> tuple[Session | None, list[Finding]]:
    """One session without an activity of its own that holds all these files; None when there are none. Files of records are in *taken*."""
    reading = _Reading(taken, legacy)
    for path in paths:
        reading.file(path)
    return reading.session(), reading.findings


class _Reading:
    """One pass over the files."""

    def __init__(self, taken: Mapping[Path, Taken], legacy: bool) -> None:
        self.findings: list[Finding] = []
        self._taken, self._legacy = taken, legacy
        self._activities: dict[str, Activity] = {}
        self._artifacts: list[Artifact] = []

    def file(self, path: Path) -> None:
        """Read one file, whatever it is."""
        try:
            if path in self._taken:
                self._records(path, self._taken[path])
            elif path.suffix == ".json":
                self._report(path)
        except OSError as error:
            self.findings.append(finding("unreadable", path.name, None, error.strerror or ""))

    def session(self) -> Session | None:
        """All that was found, as one."""
        if not self._artifacts:
            return None
        digests = sorted(artifact.sha256 or "" for artifact in self._artifacts)
        title = "files without a manifest"
        return Session(
            id=f"unrecorded-{fingerprint(digests)}",
            title=title,
            activities=tuple(self._activities.values()),
            artifacts=tuple(self._artifacts),
        )

    def _records(self, path: Path, taken: Taken) -> None:
        scan, seal = taken.scan, taken.seal
        self.findings += scan.findings
        kind = "training_data" if scan.recorded else "legacy"
        facts = {"sha256": seal.sha256, "bytes": seal.bytes, "count": scan.count, "lines": seal.lines, "merkle_root": seal.merkle_root}
        artifact = Artifact(path=path.name, type=kind, slices=scan.slices, **facts)  # type: ignore[arg-type]
        self._artifacts.append(artifact)
        for run_id, slices in _by_run(scan).items():
            self._generation(run_id, artifact, slices)

    def _generation(self, run_id: str, artifact: Artifact, slices: list[Slice]) -> None:
        said = slices[0].metadata
        made = Artifact(path=artifact.path, type=artifact.type, sha256=artifact.sha256, bytes=artifact.bytes, count=artifact.count, activity=run_id, slices=tuple(slices), role="records")  # fmt: skip
        load = self._load(said.get("provenance"))
        params = said.get("generation_params")
        facts = {"params": params if isinstance(params, dict) else {}, "models": (load,) if load else (), "script": _script(said)}
        before = self._activities.get(run_id)
        self._activities[run_id] = Generation(id=run_id, inferred=True, made=(*(before.made if before else ()), made), **facts)  # type: ignore[arg-type]

    def _load(self, provenance: object) -> str | None:
        """The model load that the metadata speaks of, once for each configuration."""
        if not isinstance(provenance, dict) or not provenance:
            return None
        load_id = f"inferred-{fingerprint(provenance)}"
        self._activities.setdefault(load_id, ModelLoad(id=load_id, inferred=True, provenance=provenance))
        return load_id

    def _report(self, path: Path) -> None:
        if path.stat().st_size > MAX_REPORT:
            self.findings.append(finding("bad-report", path.name, None, f"larger than {MAX_REPORT} bytes"))
            return
        read, wrong = report.read(path.read_bytes(), path.name)
        self.findings += wrong
        if read is None:
            return
        sha256, size = files.digest(path)
        artifact = Artifact(path=path.name, type="evaluation" if read.metadata else "legacy", sha256=sha256, bytes=size)
        self._artifacts.append(artifact)
        if read.metadata:
            self._evaluation(artifact, read)
        elif not self._legacy:
            self.findings.append(finding("no-metadata", path.name, None, "the report has none"))

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
        made = Artifact(path=artifact.path, type="evaluation", sha256=artifact.sha256, bytes=artifact.bytes, activity=run_id, role="report", timestamp=time if isinstance(time, str) else None)  # fmt: skip
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
