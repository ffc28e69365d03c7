"""A report for people: lines for a terminal, and Markdown. Control characters of a value are shown and never sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from lineage.auditing.report import Audit, Remark
from lineage.core.printing import log_line, printable
from lineage.core.words import counted
from lineage.known_by import KnownBy

_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~&:@-]|(?<=www)\.)", re.IGNORECASE)
LINES = 6  # of the results that a finding concerns, a terminal shows with action and chain; JSON has all
EACH = 20  # findings of a rule, and manifests, that a terminal shows; every other format has all
ONE = {  # how one thing that was checked is called
    "activities": "activity",
    "files that sessions name": "file that sessions name",
    "record files, line by line": "record file, line by line",
    "PROV files of all sessions": "PROV file of all sessions",
    "files as they were signed": "file as it was signed",
}


def shown(text: str) -> str:
    """*text* on one line: what cannot be printed is written as Python writes it."""
    return printable(text)


def place(one: Remark) -> str:
    """Where the finding is: `out.jsonl:12`."""
    return one.finding.file if one.finding.line is None else f"{one.finding.file}:{one.finding.line}"


def told(one: Remark) -> str:
    """Return the finding without the title of its rule; "" where it says no more."""
    return one.finding.message.removeprefix(one.finding.rule.title).removeprefix(": ")


def verdict(report: Audit) -> str:
    """The summary in a line."""
    counts = ", ".join(f"{count} {level}{'s' if count != 1 else ''}" for level, count in report.counts.items() if count)
    accepted = f"; {len(report.suppressed)} suppressed" if report.suppressed else ""
    return f"{report.empty}{'; ' if report.empty and counts else ''}{counts or ('' if report.empty else 'nothing found')}{accepted}"


def numbered(what: str, count: int | None) -> str:
    """What was not checked, with how many there are."""
    return what if count is None else f"{what} ({count:,})"


def known_counts(report: Audit) -> list[str]:
    """How many values are known by each source, and how many files, sessions and records by each check."""
    sources = [f"{counted(count, 'value')} {word}" for word, count in report.known["sources"].items() if count]
    things = {KnownBy.BYTES_CHECKED: "file", KnownBy.SIGNED: "session", KnownBy.REPLAYED: "record"}
    checks = [f"{counted(count, things[KnownBy(word)])} {word}" for word, count in report.known["checks"].items() if count]
    return [*sources, *checks]


def amount(what: str, count: int) -> str:
    """Return what was checked with how many there are: `1 session`, `2 sessions`."""
    return f"{count:,} {ONE.get(what, what.removesuffix('s')) if count == 1 else what}"


def text(report: Audit) -> Iterator[str]:
    """Yield the report as lines that no terminal and no CI runner obeys."""
    yield from map(log_line, _text(report))


def _text(report: Audit) -> Iterator[str]:
    for code, remarks in report.by_code().items():
        rule = remarks[0].finding.rule
        yield f"{remarks[0].level}: {rule.title} [{code}]"
        for one in remarks[:EACH]:
            yield f"  {place(one)}{': ' if told(one) else ''}{told(one)}"
            if one.consequences:
                yield f"    makes doubtful: {one.consequences}"
                yield from (f"      {line}" for line in islice(one.consequences.lines(), LINES))
        if len(remarks) > EACH:
            yield f"  and {len(remarks) - EACH:,} more"
        yield f"  why: {rule.why} What to do: {rule.hint}." if rule.why else f"  what to do: {rule.hint}."
    for one in report.suppressed:
        yield f"suppressed: {place(one)} [{one.finding.code}]: {one.suppressed}"
    for code, count in report.ignored:
        yield f"not asked for: {code}, found {counted(count, 'time')}"
    yield from _of_what(report)
    yield f"checked: {', '.join(amount(what, count) for what, count in report.checked)}"
    yield f"known: {', '.join(known_counts(report))}"
    yield from (f"claimed, not checked: {what} ({count:,}): {why}" for what, count, why in report.claimed)
    yield from (f"not checked: {numbered(what, count)}: {why}" for what, count, why in report.unchecked)
    yield f"{report.folder}: {verdict(report)}"


def _of_what(report: Audit) -> Iterator[str]:
    """The state of the folder that the report is about."""
    manifests = report.audited["manifests"]
    for one in manifests[:EACH]:
        yield f"audited: {one['file']} sha256 {one['sha256'] or 'not readable'}"
    if len(manifests) > EACH:
        yield f"audited: {counted(len(manifests) - EACH, 'more manifest')}: --json names all"
    yield from (f"audited: {what}: {value}" for what, value in subject_rows(report))


def subject_rows(report: Audit) -> Iterator[tuple[str, str]]:
    """Yield what a reader must know to tell which folder, key and options a report is about."""
    subject = report.audited
    yield "files checked", f"{len(subject['files_checked']):,}, not checked {len(subject['files_not_checked']):,} (--json names each)"
    if subject["key"]:
        yield "key", f"SHA-256 of its SubjectPublicKeyInfo {subject['key']['fingerprint']}"
    for folder, head in subject["heads"].items():
        yield f"head of the chain{'' if folder == '.' else f' of {folder}'}", head or "no signature holds"
    yield "options", _options(subject["options"])
    yield "version", f"lineage {report.version}"
    yield "digest of this list", f"sha256 {subject['sha256']}"


def _options(options: dict[str, Any]) -> str:
    parts = [f"fail-on {options['fail_on']}"]
    parts += [name for name in ("recursive", "shacl") if options[name]]
    parts += [f"{name} {options[name]}" for name in ("head", "graphs") if options[name]]
    parts += [f"{name} {' '.join(options[name])}" for name in ("select", "ignore") if options[name]]
    parts += [counted(len(options["suppress"]), "suppression")] if options["suppress"] else []
    return ", ".join(parts)


def plain(value: str) -> str:
    """*value* as Markdown text: nothing in it is markup, and it is one line."""
    return _MARKUP.sub(r"\\\1", shown(value))


def markdown(report: Audit) -> Iterator[str]:
    """The report as Markdown, with the lines of a table for each rule."""
    yield f"# Audit of {plain(report.folder)}\n"
    yield f"**{plain(verdict(report))}** (lineage {report.version}, {report.at})\n"
    for code, remarks in report.by_code().items():
        rule = remarks[0].finding.rule
        yield f"## {remarks[0].level}: {plain(rule.title)}\n\n`{code}`. {plain(rule.why)} What to do: {plain(rule.hint)}.\n"
        yield "| where | what | makes doubtful |\n|---|---|---|"
        yield from (f"| {plain(place(one))} | {plain(told(one))} | {plain(str(one.consequences or ''))} |" for one in remarks)
        yield ""
    yield from _rest(report)


def _rest(report: Audit) -> Iterator[str]:
    if report.suppressed:
        yield "## Suppressed\n\n| where | rule | reason |\n|---|---|---|"
        yield from (f"| {plain(place(one))} | `{one.finding.code}` | {plain(one.suppressed or '')} |" for one in report.suppressed)
        yield ""
    if report.ignored:
        yield "## Not asked for\n"
        yield from (f"- `{code}`: found {counted(count, 'time')}" for code, count in report.ignored)
        yield ""
    yield from _subject(report)
    yield "## What was checked\n"
    yield from (f"- {plain(amount(what, count))}" for what, count in report.checked)
    yield f"\n## How it is known\n\n{', '.join(known_counts(report))}"
    yield "\n## Claimed, not checked\n"
    yield from (f"- {plain(numbered(what, count))}: {plain(why)}" for what, count, why in report.claimed)
    yield "\n## What was not checked\n"
    yield from (f"- {plain(numbered(what, count))}: {plain(why)}" for what, count, why in report.unchecked)


def _subject(report: Audit) -> Iterator[str]:
    yield "## What was audited\n\n| manifest | sha256 |\n|---|---|"
    yield from (f"| {plain(one['file'])} | `{one['sha256']}` |" for one in report.audited["manifests"])
    yield ""
    yield from (f"- {plain(what)}: {plain(value)}" for what, value in subject_rows(report))
    yield "\n| file that was checked | sha256 | |\n|---|---|---|"
    yield from (f"| {plain(one['file'])} | `{one['sha256']}` | {one['result']} |" for one in report.audited["files_checked"])
    yield "\n| file that was not checked | why |\n|---|---|"
    yield from (f"| {plain(one['file'])} | {plain(one['why'])} |" for one in report.audited["files_not_checked"])
    yield ""
