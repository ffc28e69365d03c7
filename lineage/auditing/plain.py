"""A report for people: lines for a terminal, and Markdown. Control characters of a value are shown and never sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from lineage.auditing.report import Audit, Remark

_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~&:@-]|(?<=www)\.)", re.IGNORECASE)
LINES = 6  # of the results that a finding concerns, a terminal shows with action and chain; JSON has all
EACH = 20  # findings of a rule that a terminal shows; every other format has all


def shown(text: str) -> str:
    """*text* on one line: what cannot be printed is written as Python writes it."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def place(one: Remark) -> str:
    """Where the finding is: `out.jsonl:12`."""
    return one.finding.file if one.finding.line is None else f"{one.finding.file}:{one.finding.line}"


def told(one: Remark) -> str:
    """What the finding says besides the title of its rule."""
    return one.finding.message.removeprefix(f"{one.finding.rule.title}: ")


def verdict(report: Audit) -> str:
    """The summary in a line."""
    counts = ", ".join(f"{count} {level}{'s' if count != 1 else ''}" for level, count in report.counts.items() if count)
    accepted = f"; {len(report.suppressed)} suppressed" if report.suppressed else ""
    return f"{counts or 'nothing found'}{accepted}"


def numbered(what: str, count: int | None) -> str:
    """What was not checked, with how many there are."""
    return what if count is None else f"{what} ({count:,})"


def text(report: Audit) -> Iterator[str]:
    """The report as lines."""
    for code, remarks in report.by_code().items():
        rule = remarks[0].finding.rule
        yield shown(f"{remarks[0].level}: {rule.title} [{code}]")
        for one in remarks[:EACH]:
            yield shown(f"  {place(one)}: {told(one)}")
            if one.consequences:
                yield shown(f"    makes doubtful: {one.consequences}")
                yield from (shown(f"      {line}") for line in islice(one.consequences.lines(), LINES))
        if len(remarks) > EACH:
            yield f"  and {len(remarks) - EACH:,} more"
        yield shown(f"  why: {rule.why} What to do: {rule.hint}.") if rule.why else shown(f"  what to do: {rule.hint}.")
    for one in report.suppressed:
        yield shown(f"suppressed: {place(one)} [{one.finding.code}]: {one.suppressed}")
    for code, count in report.ignored:
        yield shown(f"not asked for: {code}, found {count} time{'s' if count != 1 else ''}")
    yield shown(f"checked: {', '.join(f'{count:,} {what}' for what, count in report.checked)}")
    yield from (shown(f"not checked: {numbered(what, count)}: {why}") for what, count, why in report.unchecked)
    yield shown(f"{report.folder}: {verdict(report)}")


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
        yield from (f"- `{code}`: found {count} times" for code, count in report.ignored)
        yield ""
    yield "## What was checked\n"
    yield from (f"- {count:,} {plain(what)}" for what, count in report.checked)
    yield "\n## What was not checked\n"
    yield from (f"- {plain(numbered(what, count))}: {plain(why)}" for what, count, why in report.unchecked)
