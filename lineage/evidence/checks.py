"""Byte checks before a report: the audit's own findings, and which facts the files do not support.

checks = check(library, recursive=...)
checks.problems                 findings of the audit, the gravest first
checks.of_file(session, file)   why a file is not the one that was recorded; None where it is
checks.metrics(session, run)    the numbers that a report holds, and why the others are withheld
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lineage.auditing.audit import audit
from lineage.auditing.config import Config
from lineage.auditing.report import FAILED, LEVELS, Audit, Remark
from lineage.auditing.rules import FAILS
from lineage.contract.redacted import is_redacted
from lineage.contract.report import by_name
from lineage.facts import Artifact, Evaluation, Json, Session
from lineage.trace import answers
from lineage.trace.reading import Library

STATES = {
    "altered-file": "altered after it was recorded",
    "broken-root": "not as it was recorded",
    "missing-file": "missing",
    "unreadable": "unreadable",
    "outside-folder": "not checked: it is outside the folder",
    "not-covered": "not checked: no digest covers it",
    "not-as-signed": "not as it was signed",
}
BYTES = frozenset(
    {*FAILS, "unreadable", "outside-folder", "not-covered", "count-differs", "metric-differs", "size-differs"}
)  # what concerns the whole folder
ORIGIN = frozenset({"mixed-loaders", "edited-record", "unknown-origin", "provenance-differs", "trained-on-test", "other-base"})
NUMBERED = frozenset({"count-differs", "metric-differs", "size-differs"})  # whose details are numbers
SHOWN = 8  # affected things that a line names
UNCHECKED = "not checked: no digest was recorded"
REDACTED = "not checked: redacted, so its digest is that of the original"


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding of the audit, as a report prints it."""

    level: str
    code: str
    where: str  # FILE or FILE:LINE
    message: str
    affects: str  # what was derived from it; "" where nothing was

    def __str__(self) -> str:
        affected = f"; affected: {self.affects}" if self.affects else ""
        return f"{self.level}: {self.where}: {self.message} [{self.code}]{affected}"


@dataclass(frozen=True, slots=True)
class Metrics:
    """The numbers of an evaluation that its report holds, and the reason for each that is withheld."""

    supported: dict[str, Any]
    withheld: dict[str, str]


@dataclass(frozen=True)
class Checks:
    """The audits of the folders that a report is about. Without a folder nothing was checked."""

    audits: tuple[Audit, ...] = ()
    _states: dict[tuple[str, str], str] = field(default_factory=dict, repr=False, compare=False)
    _undigested: set[tuple[str, str]] = field(default_factory=set, repr=False, compare=False)

    def __post_init__(self) -> None:
        for one in self.audits:
            for remark in one.open:
                reason = STATES.get(remark.finding.code)
                for _, session, artifact in _named(one, remark.finding.file) if reason else ():
                    self._states.setdefault((session.id, artifact.path), reason or "")
            for _, session in one.world.placed:
                rows = (row for row in one.world.entries(session) if not isinstance(row.get("sha256"), str))
                self._undigested.update((session.id, str(row.get("file"))) for row in rows)

    def of_file(self, session: Session, file: Artifact) -> str | None:
        """Return why *file* is not known to be the file that was recorded; None where its digest was checked."""
        for path in (file.path, *(part.path for part in file.parts)):
            if (session.id, path) in self._states:
                reason = self._states[(session.id, path)]
                return reason if path == file.path else f"{path} is {reason}"
        return REDACTED if is_redacted(file) else None

    def metrics(self, session: Session, run: Evaluation) -> Metrics:
        """Split the recorded metrics of *run* into those that an intact report holds, and those that are withheld."""
        if run.inferred or not self.audits:
            return Metrics(dict(run.metrics), {})
        holders, reasons = self._reports(session, run)
        supported = {name: value for name, value in run.metrics.items() if any(_holds(one, name, value) for one in holders)}
        reason = "; ".join(reasons) or ("its report holds another value" if holders else "no report holds it")
        return Metrics(supported, {name: reason for name in run.metrics if name not in supported})

    def _reports(self, session: Session, run: Evaluation) -> tuple[list[Json], list[str]]:
        """The summaries of the intact reports of a run, and why its other files do not count."""
        contents = {made.artifact.path: told for one in self.audits for made, told in one.world.reports if made.run.id == run.id}
        summaries: list[Json] = []
        reasons: list[str] = []
        for made in run.made:
            is_undigested = made.sha256 is None or (session.id, made.path) in self._undigested
            reason = self.of_file(session, made) or (UNCHECKED if is_undigested else None)
            if reason:
                reasons.append(f"{made.path} is {reason}")
            elif made.path in contents:
                summary = contents[made.path].get("summary")
                summaries.append(by_name(summary) if isinstance(summary, dict) else {})
        return summaries, reasons

    def problems(self, concerned: Iterable[tuple[str, str]] | None) -> tuple[Problem, ...]:
        """The findings to print, the gravest first.

        Args:
            concerned: (session, path) of each file that the report is about; None: every file. Findings about origins are
                printed for these alone, findings about bytes for the whole folder.
        """
        wanted = None if concerned is None else frozenset(concerned)
        shown = [one for audit_ in self.audits for one in self._shown(audit_, wanted)]
        rank = {code: number for number, code in enumerate(sorted(FAILS))}
        return tuple(sorted(dict.fromkeys(shown), key=lambda one: (LEVELS.index(one.level), one.code not in rank, one.where, one.code)))

    def _shown(self, report: Audit, wanted: frozenset[tuple[str, str]] | None) -> list[Problem]:
        prefix = f"{report.folder}/" if len(self.audits) > 1 else ""
        return [_problem(report, one, prefix) for one in report.open if one.finding.code in BYTES or _concerns(report, one, wanted)]

    def code(self, problems: Iterable[Problem]) -> int:
        """The exit code: 4 where a file is not what was recorded or signed, else 1 for another error or warning, else 0."""
        counted = [one for one in problems if one.level != "note"]
        return FAILED if any(one.code in FAILS for one in counted) else int(bool(counted))


def _named(report: Audit, file: str) -> list[tuple[Path, Session, Artifact]]:
    """The artifacts that a finding is about: the file itself, and a folder that has it as a part."""
    exact = report.world.files.get(file, [])
    parents = (report.world.files.get(str(parent), []) for parent in Path(file).parents)
    inside = [one for told in parents for one in told]
    return [*exact, *inside]


def _holds(summary: Json, name: str, value: object) -> bool:
    return name in summary and summary[name] == value and not isinstance(summary[name], bool)


def _concerns(report: Audit, one: Remark, wanted: frozenset[tuple[str, str]] | None) -> bool:
    if one.finding.code not in ORIGIN:
        return False
    return wanted is None or any((session.id, artifact.path) in wanted for _, session, artifact in _named(report, one.finding.file))


def _problem(report: Audit, one: Remark, prefix: str) -> Problem:
    where = one.finding.file if one.finding.line is None else f"{one.finding.file}:{one.finding.line}"
    message = one.finding.message
    if one.finding.code in NUMBERED:  # a card shows no number that it withholds
        message = one.finding.rule.title
    if one.finding.code == "not-as-signed":  # a value that was signed may follow
        message = message.partition("; ")[0]
    return Problem(one.level, one.finding.code, f"{prefix}{where}", message, _affected(report, one.finding.file))


def _affected(report: Audit, file: str) -> str:
    """What was derived from a file, by name: the values are no longer supported."""
    world, graph = report.world, report.world.library.graph
    names = {world.ids.artifact(artifact, session) for _, session, artifact in _named(report, file)}
    numbers = tuple(graph.index[name] for name in sorted(names) if name in graph.index)
    if not numbers:
        return ""
    impact = answers.impact(graph, numbers, "")
    files = dict.fromkeys(f"file {one.file.name}" for one in impact.files if one.file.name != file)
    models = dict.fromkeys(f"model {one.name}" for one in impact.models if one.name != file)
    scores = dict.fromkeys(f"score {one.metric.label}{f' of {one.report.name}' if one.report else ''}" for one in impact.scores)
    affected = [*files, *models, *scores]
    rest = f" and {len(affected) - SHOWN:,} more" if len(affected) > SHOWN else ""
    return ", ".join(affected[:SHOWN]) + rest


def check(library: Library) -> Checks:
    """Run the byte checks of the audit on the folders of *library*; sessions that were given without a folder are not checked."""
    codes = tuple(sorted({*BYTES, *ORIGIN, *STATES}))
    is_recursive = not set(library.places) <= set(library.folders)
    return Checks(tuple(audit(folder, config=Config(select=codes), recursive=is_recursive) for folder in library.folders))
