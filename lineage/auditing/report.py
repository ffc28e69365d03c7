"""What an audit answers: a frozen report, and the exit code that it stands for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from typing import Any

from lineage.auditing.config import Config, FailOn
from lineage.auditing.leaks import masked
from lineage.auditing.replayed import Replayed
from lineage.auditing.rules import FAILS
from lineage.auditing.world import World
from lineage.consequences import Consequences
from lineage.consequences.policy import ESCALATED
from lineage.constraints.violations import Violation
from lineage.contract.below import empty, where_else
from lineage.draw import draw
from lineage.findings import Finding, Level

GOOD, FINDINGS, FAILED, INVALID, EMPTY = 0, 1, 4, 5, 6  # exit codes
LEVELS: tuple[Level, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding as the report has it."""

    finding: Finding
    session: str | None  # id; None: it is of no one session
    consequences: Consequences | None
    suppressed: str | None  # the reason why it is accepted

    @property
    def level(self) -> Level:
        """The level of its rule; of some notes, "warning" where a model or score was made from what they concern."""
        if self.finding.code in ESCALATED and self.consequences and self.consequences.of_kind("model", "score"):
            return "warning"
        return self.finding.rule.level


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What was checked, what does not hold, what that makes doubtful, and what was not checked. The same folder gives the same report but for `at`."""

    folder: str
    at: str  # when it was made
    config: Config
    remarks: tuple[Remark, ...]  # by file and line, suppressed ones too
    ignored: tuple[tuple[str, int], ...]  # codes that were not asked for, and how often they were found all the same
    checked: tuple[tuple[str, int], ...]
    unchecked: tuple[tuple[str, int | None, str], ...]  # what, how many, and why
    claimed: tuple[tuple[str, int, str], ...]  # what manifests state and no byte proves, how many, and why
    audited: dict[str, Any] = field(repr=False)  # which folder in which state, by which options
    known: dict[str, dict[str, int]]  # how many values are known by each source, and how many things by each check
    replayed: Replayed | None = None  # a sample that was made again
    world: World = field(repr=False, compare=False)

    @cached_property
    def open(self) -> tuple[Remark, ...]:
        """The findings that nobody accepted."""
        return tuple(one for one in self.remarks if one.suppressed is None)

    @cached_property
    def suppressed(self) -> tuple[Remark, ...]:
        """Those that somebody accepted, with a reason."""
        return tuple(one for one in self.remarks if one.suppressed is not None)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The open findings alone."""
        return tuple(one.finding for one in self.open)

    @cached_property
    def counts(self) -> dict[Level, int]:
        """How many open findings there are of each level."""
        found = Counter(one.level for one in self.open)
        return {level: found[level] for level in LEVELS}

    def by_code(self) -> dict[str, list[Remark]]:
        """The open findings by their rule: the worst level first, then by code."""
        grouped: dict[str, list[Remark]] = {}
        for one in sorted(self.open, key=lambda one: (LEVELS.index(one.level), one.finding.code)):
            grouped.setdefault(one.finding.code, []).append(one)
        return grouped

    def code(self, fail_on: FailOn | None = None) -> int:
        """Return the exit code: 4 where a file is not what was recorded, else 5 where PROV is invalid, else 6 where there was nothing to audit,
        else 1 for any other finding, else 0.

        Only open findings of the level *fail_on* and worse count, none for "never". That nothing was audited is no finding: it is 6 all the same.
        """
        found = self._code(fail_on or self.config.fail_on)
        return EMPTY if self.empty and found in (GOOD, FINDINGS) else found

    @property
    def empty(self) -> str:
        """Why nothing was audited, and where sessions lie instead; "" where something was."""
        if self.world.placed:
            return ""
        where = where_else(self.world.folder, recursive="" if self.world.recursive else "--recursive")
        return f"nothing was audited: {empty(self.world.folder)} ({where})"

    def _code(self, least: FailOn) -> int:
        if least == "never":
            return GOOD
        counted = [one for one in self.open if LEVELS.index(one.level) <= LEVELS.index(least)]
        if any(one.finding.code in FAILS for one in counted):
            return FAILED
        if any(isinstance(one.finding, Violation) or one.finding.code == "prov-malformed" for one in counted):
            return INVALID
        return FINDINGS if counted else GOOD

    @cached_property
    def picture(self) -> str:
        """The lineage of the folder as SVG."""
        return masked(draw(self.world.library.document()), self.world.secrets)

    @property
    def version(self) -> str:
        """Of the program that made the report."""
        return metadata.version("lineage-prov")

    def __str__(self) -> str:
        from lineage.auditing.plain import text

        return "\n".join(text(self))

    def _repr_html_(self) -> str:
        from lineage.auditing.page import inner

        return inner(self)
