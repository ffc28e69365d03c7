"""What is wrong with a user's data: findings, and the rules they break.

A reader returns findings and goes on; it does not raise. To add a rule, add a row to `RULES`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that can be wrong: a stable code, a sentence, and what to do about it."""

    code: str
    level: Level
    title: str
    hint: str


_ROWS = (
    Rule(code="truncated-line", level="error", title="the last line is cut off", hint="the writer was killed; the lines before it are whole"),
    Rule(code="bad-compression", level="error", title="the file cannot be unpacked to its end", hint="what came before was read; ask the sender for it"),
    Rule(code="not-json", level="error", title="the line is not JSON", hint="mend or remove the line"),
    Rule(code="not-an-object", level="error", title="the line is JSON but no object", hint="a record is one JSON object a line"),
    Rule(code="no-metadata", level="error", title="the record has no metadata", hint="run with --legacy to accept it as unrecorded"),
    Rule(code="bad-metadata", level="error", title="the metadata has not the shape of the contract", hint="see docs/reference/files.md"),
    Rule(code="duplicate-key", level="error", title="a key occurs twice in one object", hint="readers disagree on which value counts; keep one"),
    Rule(code="not-finite", level="error", title="NaN or Infinity is not JSON", hint="write null"),
    Rule(code="not-utf8", level="error", title="the bytes are not UTF-8", hint="write JSON as UTF-8"),
    Rule(code="line-too-long", level="error", title="the line is longer than is read", hint="keep a record under 64 MiB"),
    Rule(code="naive-time", level="warning", title="the time has no UTC offset", hint="write times as 2025-10-04T12:00:00+00:00"),
    Rule(code="bad-time", level="error", title="the time is not ISO 8601", hint="write times as 2025-10-04T12:00:00+00:00"),
    Rule(code="bad-manifest", level="error", title="the manifest has not the shape of the contract", hint="see docs/reference/files.md"),
    Rule(code="bad-report", level="error", title="the report has not the shape of the contract", hint="see docs/reference/files.md"),
    Rule(code="torn-journal", level="warning", title="a line of the journal is cut off", hint="a process was killed; what it wrote before is kept"),
    Rule(code="missing-file", level="error", title="the manifest names a file that is gone", hint="ask the sender for it"),
    Rule(code="altered-file", level="error", title="the file is not the one that was recorded", hint="compare it with a copy; the digest tells which is the original"),
    Rule(code="other-sidecar", level="warning", title="its sidecar is not of this file", hint="lineage verify tells the lines that differ; delete the sidecar to accept the file as it is"),
    Rule(code="outside-folder", level="error", title="the path leads out of the folder", hint="only files of the folder are read"),
    Rule(code="unreadable", level="error", title="the file cannot be read", hint="check its permissions"),
    Rule(code="edited-record", level="note", title="the record is not as its run made it", hint="lineage why FILE:LINE compares the two"),
    Rule(code="unknown-origin", level="warning", title="the record names a run whose files do not hold it", hint="the file of origin may lack it, or the record was made up"),
    Rule(code="derivation-cycle", level="error", title="files are derived from each other in a circle", hint="the derivations of the circle are left out: PROV forbids them"),
    Rule(code="prov-malformed", level="error", title="the document cannot be read", hint="see the message"),
    Rule(code="prov-undeclared", level="warning", title="no statement declares it", hint="declare the entity, activity or agent"),
    Rule(code="prov-no-times", level="warning", title="the activity has no time", hint="give its start and end"),
    Rule(code="prov-never-generated", level="warning", title="it is used, and nothing says where it comes from", hint="tell its generation or its location"),
    Rule(code="prov-time-order", level="warning", title="the declared times contradict the order", hint="check the clocks"),
    Rule(code="prov-not-written", level="error", title="the document would be invalid PROV and was not written", hint="run with --allow-invalid to write it all the same"),
    Rule(code="not-recorded", level="error", title="something happened that could not be recorded", hint="see the gaps of the manifest"),
)  # fmt: skip
RULES = {rule.code: rule for rule in _ROWS}


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule broken at a place. Prints as `out.jsonl:8123: what is wrong (what to do)`."""

    file: str  # as the user would type it, or relative to the folder that is read
    line: int | None  # 1-based; None: the file as a whole
    code: str  # of the rule, a key of RULES
    message: str

    @property
    def rule(self) -> Rule:
        """The rule that is broken."""
        return RULES[self.code]

    def __str__(self) -> str:
        at = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{at}: {self.message} ({self.rule.hint})"


def finding(code: str, file: str, line: int | None = None, detail: str = "") -> Finding:
    """A finding in the rule's own words, with *detail* behind them."""
    title = RULES[code].title
    return Finding(file, line, code, f"{title}: {detail}" if detail else title)


def serious(findings: Iterable[Finding]) -> bool:
    """True when any finding is more than a note: what exit code 1 says."""
    return any(f.rule.level != "note" for f in findings)
