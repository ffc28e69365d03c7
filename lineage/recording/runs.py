"""The kinds of runs: what each activity records besides what all have in common (recording/run.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lineage.capture import files
from lineage.contract import manifest, report
from lineage.contract.metadata import artifact_metadata
from lineage.contract.plain import plain
from lineage.contract.scorers import scorer_json
from lineage.contract.strict import loads
from lineage.contract.times import now
from lineage.contract.writing import as_bytes
from lineage.facts import Artifact, Evaluation, Training
from lineage.known_by import KnownBy, value_sources, with_values
from lineage.recording.guard import logger
from lineage.recording.inputs import PathLike, text_of
from lineage.recording.outputs import ReportExists
from lineage.recording.run import WRITTEN
from lineage.recording.run import Run as Run
from lineage.recording.run import new_id as new_id

LARGEST = 16 << 20  # bytes of a JSON file of a wrapped command that is read for numbers


class GenerationRun(Run):
    """A model turns prompts into records."""


class TrainingRun(Run):
    """Data and a base model become an adapter or a model. All ranks of a distributed job take part in one training."""

    is_shared = True

    def measured(self, metrics: Mapping[str, Any], *, known_by: KnownBy = KnownBy.CLAIMED) -> None:
        """Record the last value of each metric. A value that is no finite number is null, with a gap.

        Args:
            metrics: Value by the name of its measure, such as `eval_loss`.
            known_by: How they are known: observed, where they were read from the library that computed them.
        """
        told, gaps = plain(metrics, "metrics")
        with self.session.exclusive():
            assert isinstance(self._fact, Training)
            others = tuple(gap for gap in self._fact.gaps if gap.about.removeprefix("metrics.") not in told)
            sources = {**value_sources(self._fact, "metrics"), **dict.fromkeys(told, known_by)}
            known = with_values(self._fact.known, "metrics", sources)
            self._update(metrics={**self._fact.metrics, **told}, gaps=(*others, *gaps), known=known)

    def checkpoint(self, path: PathLike) -> Artifact:
        """Record a checkpoint as it is now. One outside of the session's folder is recorded too, with a warning on the terminal."""
        where = Path(path)
        relative = self.session.relative(where)
        if not manifest.is_outside(relative):
            self.output(relative, type="model", role="checkpoint")
            return next(made for made in self._fact.made if made.path == relative)
        logger.warning("lineage: %s lies outside of %s; its digest is recorded, and no audit can check it", relative, self.session.folder)
        made = replace(
            files.artifact(where, folder=self.session.folder, type="model", role="checkpoint"), activity=self.id, timestamp=now()
        )
        with self.session.exclusive():
            self._update(made=(*(one for one in self._fact.made if one.path != made.path), made))
        return made

    def removed(self, artifact: Artifact) -> None:
        """Record that the training removed a file, which it made itself or found: a limit on checkpoints asks for that."""
        gone = replace(artifact, removed_at=now())
        with self.session.exclusive():
            assert isinstance(self._fact, Training)
            if artifact.activity != self.id:
                self._update(removed=(*self._fact.removed, gone))
            elif manifest.is_outside(artifact.path):
                self._update(made=tuple(gone if one.path == gone.path else one for one in self._fact.made))
            else:
                self._made(gone)


class TransformationRun(Run):
    """Files become other files with no model. Records that are carried over keep the metadata they came with."""

    keeps_metadata = True


class EvaluationRun(Run):
    """Models are measured on a data set."""

    def report(
        self,
        path: PathLike,
        *,
        summary: Mapping[str, Any],
        results: Sequence[Any],
        seed: int | None = None,
        exists: ReportExists = "number",
        scorer: str | None = None,
    ) -> Path:
        """Write the report of the contract, whole or not at all, and return where it is.

        Args:
            path: Relative to the session's folder.
            summary: Numbers by the name of their measure, also in nested mappings. What JSON cannot hold is null in the
                report, with a gap in the manifest.
            results: One object an example.
            seed: Of this report, if it is not that of the run.
            scorer: What judged the results: a name of `lineage.contract.scorers.SCORERS`, by which an audit judges them
                again, or a name of your own.
            exists: What to do with a file that exists: "number" takes the next free name (the results are there and must
                not be lost), "replace" replaces it, "error" raises.

        Raises:
            OSError: The report cannot be written.
            OutputExistsError: The file exists, and *exists* is "error".
        """
        self.require_open()
        outputs = self.session.outputs
        outputs.check_report(path, exists)
        if seed is not None and seed != self.params.get("seed"):
            self.gap("params.seed", "a report says a seed of its own")
        target = outputs.report(path, report.build(summary, results, self._known_metadata(seed, scorer)), exists)
        with self.session.guard(f"report {target.name}"):
            self._measured(summary, results)
            self._made(replace(self._made_at(self.session.relative(target), type="evaluation", role="report"), known=WRITTEN))
        return target

    def reported(self, path: PathLike) -> None:
        """Record a file that a wrapped command made. The first with numbers of a report gives the metrics of the run.

        Args:
            path: Relative to the session's folder.
        """
        told = {} if self._fact.metrics else _numbers(self.session.folder / path)  # type: ignore[attr-defined]  # an Evaluation
        if not told:
            self.output(path)
            return
        self._measured(told, (), KnownBy.DECLARED)
        self.output(path, type="evaluation", role="report")

    def _known_metadata(self, seed: int | None, scorer: str | None) -> dict[str, Any] | None:
        """The metadata of a report; what cannot be serialised is a gap. None when recording is off."""
        if not self.session.recording:
            return None
        with self.session.guard("the metadata of a report", ours=True):
            metadata = self._metadata(seed, scorer)
            as_bytes(metadata)
            return metadata
        ids = {"session_id": self.session.id, "run_id": self.id}
        return {"provenance": None, "timestamp": now(), **ids, "gaps": {"provenance": "it could not be serialised"}}

    def _measured(self, summary: Mapping[str, Any], results: Sequence[Any], known_by: KnownBy = KnownBy.CLAIMED) -> None:
        metrics, gaps = report.metrics_of(summary)
        known = self._fact.gaps
        gaps = tuple(gap for gap in (*gaps, *report.lost_in(results)) if gap not in known)
        sources = with_values(self._fact.known, "metrics", dict.fromkeys(metrics, known_by))
        self._fact = replace(self._fact, metrics=metrics, gaps=(*known, *gaps), known=sources)  # type: ignore[call-arg]  # an Evaluation

    def _metadata(self, seed: int | None, scorer: str | None) -> dict[str, Any]:
        fact, script = self._fact, self._fact.script
        assert isinstance(fact, Evaluation)
        params = self._recorded().params
        extra = {
            "eval_seed": seed if seed is not None else params.get("seed"),
            "decoding_params": params,
            "dataset": fact.dataset,
        }
        extra |= {"session_id": self.session.id, "run_id": self.id, "models": self.session.provenances(fact.models)}
        extra |= {"scorer": scorer_json(text_of(scorer, "scorer", "exact_match"))} if scorer is not None else {}
        name, version = (script.path, script.version) if script else (None, None)
        reason = self.session.why_no_version
        return artifact_metadata(
            self._provenance, script_name=name, script_version=version, timestamp=now(), why_no_version=reason, **extra
        )


def _numbers(path: Path) -> Mapping[str, Any]:
    """Return the part of a JSON file that holds numbers; empty where it is no such file."""
    if path.suffix != ".json" or not path.is_file() or path.stat().st_size > LARGEST:
        return {}
    value, _ = loads(path.read_bytes())
    told = report.measures(value) if isinstance(value, dict) else {}
    return told if report.metrics_of(told)[0] else {}
