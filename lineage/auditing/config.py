"""What is selected, ignored and excused: arguments, or `[tool.lineage.audit]` of the nearest pyproject.toml.

    [tool.lineage.audit]
    select = ["sentinels", "prov"]        # codes, or beginnings of codes; all if none is given
    ignore = ["legacy-artifact"]
    fail-on = "warning"                   # error, warning, note or never

    [[tool.lineage.audit.suppress]]
    code = "dirty-code"
    path = "session_manifest_2025*.json"  # a pattern for the file of a finding
    reason = "before the rule; the diffs are kept in the archive"

A file inside the folder that is audited is not read for this: who sends a folder must not decide what is found in it.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, cast, get_args

from lineage.auditing.rules import CODES
from lineage.core import limits
from lineage.core.reading import read_whole
from lineage.errors import UsageError
from lineage.findings import Finding

FailOn = Literal["error", "warning", "note", "never"]
KEYS = ("select", "ignore", "fail-on", "suppress")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """Findings of a rule that are known and accepted, and why."""

    code: str
    path: str = "*"  # a pattern for the file, as the report shows it
    reason: str

    def covers(self, one: Finding) -> bool:
        """Is the finding accepted?"""
        return one.code == self.code and fnmatchcase(one.file, self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What an audit reports."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: FailOn = "warning"
    suppress: tuple[Suppression, ...] = ()
    source: str | None = None  # the file that it was read from

    def __post_init__(self) -> None:
        for text in (*self.select, *self.ignore, *(one.code for one in self.suppress)):
            if not any(fits(text, code) for code in CODES):
                close = difflib.get_close_matches(text, sorted(CODES), 1)
                hint = f"did you mean {close[0]}?" if close else "docs/reference/audit-rules.md lists them"
                raise UsageError("no rule is called so", at=text, hint=hint)
        for one in self.suppress:
            if not one.reason.strip():
                raise UsageError(
                    "a suppression needs a reason", at=f"{one.code} {one.path}", hint='write reason = "…", for whoever reads the report'
                )

    def wants(self, code: str) -> bool:
        """Is the rule looked at?"""
        chosen = not self.select or any(fits(text, code) for text in self.select)
        return chosen and not any(fits(text, code) for text in self.ignore)

    def reason(self, one: Finding) -> str | None:
        """Why the finding is accepted, if it is."""
        return next((known.reason for known in self.suppress if known.covers(one)), None)


def fits(text: str, code: str) -> bool:
    """Does *text* name the rule, or a group of rules that it is of? `prov` does for `prov-50`, `pro` does not."""
    return code == text or code.startswith(f"{text.removesuffix('-')}-")


def nearest(folder: Path, start: Path) -> Config:
    """What the nearest pyproject.toml with a table for us says, from *start* upwards; nothing that lies in *folder* counts.

    Raises:
        UsageError: the file is no TOML, or says what cannot be meant.
    """
    for place in (start.absolute(), *start.absolute().parents):
        path = place / "pyproject.toml"
        if path.is_file() and not path.resolve().is_relative_to(folder.resolve()):
            table = _table(path)
            if table is not None:
                return read(table, str(path))
    return Config()


def _table(path: Path) -> Mapping[str, Any] | None:
    try:
        tools = tomllib.loads(read_whole(path, limits.CONFIGURATION).decode("utf-8-sig")).get("tool")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError("this is no TOML", at=str(path), hint=str(error)) from error
    ours = tools.get("lineage") if isinstance(tools, dict) else None
    found = ours.get("audit") if isinstance(ours, dict) else None
    return found if isinstance(found, dict) else None


def read(table: Mapping[str, Any], at: str) -> Config:
    """The table of a pyproject.toml. Raises UsageError for what it cannot mean."""
    unknown = sorted(set(table) - set(KEYS))
    if unknown:
        raise UsageError(f"[tool.lineage.audit] has no key {unknown[0]!r}", at=at, hint=f"it has {', '.join(KEYS)}")
    fail_on = table.get("fail-on", "warning")
    if fail_on not in get_args(FailOn):
        raise UsageError(f"fail-on: {fail_on!r} is none of {', '.join(get_args(FailOn))}", at=at)
    rows = table.get("suppress", [])
    if not isinstance(rows, list):
        raise UsageError("suppress: expected [[tool.lineage.audit.suppress]]", at=at)
    select, ignore = (_texts(table.get(key, []), key, at) for key in ("select", "ignore"))
    return Config(select=select, ignore=ignore, fail_on=cast("FailOn", fail_on), suppress=tuple(_suppressions(rows, at)), source=at)


def _suppressions(rows: list[Any], at: str) -> Iterable[Suppression]:
    for number, row in enumerate(rows):
        keys = {"code", "path", "reason"}
        if not isinstance(row, dict) or set(row) - keys or not all(isinstance(value, str) for value in row.values()):
            raise UsageError(f"suppress[{number}]: expected code, path and reason, each a string", at=at)
        if "code" not in row or not row.get("reason", "").strip():
            raise UsageError(
                f"suppress[{number}]: a suppression needs a code and a reason",
                at=at,
                hint='write reason = "…", for whoever reads the report',
            )
        yield Suppression(code=row["code"], path=row.get("path", "*"), reason=row["reason"])


def _texts(value: object, key: str, at: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise UsageError(f"{key}: expected an array of codes", at=at)
    return tuple(value)
