"""A report as one HTML page: it loads nothing, runs nothing, prints well, and has a place for a signature.

Every value is escaped; the policy in its head allows the page's own style and nothing else, so that no value could act even if one slipped through.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from lineage.auditing.machines import as_json
from lineage.auditing.plain import known_counts, numbered, place, shown, subject_rows, told, verdict
from lineage.auditing.report import Audit, Remark
from lineage.draw.svg import text as _xml

STYLE = """
:root{color-scheme:light dark;--ink:#1c1c1c;--soft:#555;--paper:#fff;--line:#ddd;--error:#b00020;--warning:#8a5200;--good:#2e7d32;--doubt:#7a1020}
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;color:var(--ink);background:var(--paper);max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0 0 .25rem;overflow-wrap:anywhere}h2{font-size:1.15rem;margin:2rem 0 .25rem}p{margin:.35rem 0;overflow-wrap:anywhere}
.meta{color:var(--soft)}.verdict{font-size:1.2rem;font-weight:600;padding:.6rem .9rem;border:1px solid var(--good);border-left-width:.4rem;margin:1rem 0}
.verdict.error{border-color:var(--error)}.verdict.warning{border-color:var(--warning)}
.level{display:inline-block;font-size:.75rem;font-weight:600;padding:.05rem .5rem;border-radius:1rem;color:var(--soft);border:1px solid;vertical-align:middle;white-space:nowrap}
.level.error{color:var(--error)}.level.warning{color:var(--warning)}
table{border-collapse:collapse;width:100%;margin:.5rem 0}th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;border-bottom:1px solid var(--line)}td{overflow-wrap:anywhere}
th{font-weight:600;color:var(--soft)}code{font:13px ui-monospace,Menlo,Consolas,monospace}.found th:first-child,.found th:last-child{width:30%}.doubt{color:var(--doubt)}
.picture{overflow:auto;max-height:80vh;border:1px solid var(--line);margin:.5rem 0;background:#fff}.picture svg{display:block}.picture:focus-visible{outline:3px solid #1a5fb4}
.sign td{height:2.6rem;border:1px solid #888}.sign th{border:1px solid #888;width:14rem}
@media screen and (prefers-color-scheme:dark){:root{--ink:#e8e8e8;--soft:#b4b4b4;--paper:#161616;--line:#444;--error:#ff8a94;--warning:#ffb95c;--good:#7fd18a;--doubt:#ffa3ad}}
@page{margin:16mm;@bottom-left{content:"Audit by lineage";font:9pt sans-serif;color:#555}@bottom-right{content:counter(page) " / " counter(pages);font:9pt sans-serif;color:#555}}
@page wide{size:landscape}
@media print{:root{color-scheme:light}body{max-width:none;margin:0;padding:0 1px;font-size:11pt}tr,.verdict,.sign,.picture{break-inside:avoid}h2,h2+p,thead{break-after:avoid}
.picture{overflow:visible;border:0;max-height:none}.picture svg{max-width:100%;max-height:215mm;height:auto}.wide{page:wide}.wide .picture svg{max-height:140mm}}
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
BEFORE, AFTER = '<template id="lineage-audit-report">', "</template>"  # around the report as JSON
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"


def html(report: Audit) -> str:
    """The whole page."""
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        '<meta name="generator" content="lineage audit">\n'
        f"<title>Audit of {say(report.folder)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
    )
    return f"{head}{inner(report)}{_embedded(report)}</body>\n</html>\n"


def _embedded(report: Audit) -> str:
    """The report as JSON in an inert element, for `lineage audit --verify-report`."""
    return f"{BEFORE}{escape(json.dumps(as_json(report), ensure_ascii=True))}{AFTER}\n"


def inner(report: Audit) -> str:
    """What stands in the body: for a page, and for a notebook."""
    return "\n".join(
        (
            *_summary(report),
            *_findings(report),
            *_accepted(report),
            *_scope(report),
            *_audited(report),
            *_lineage(report),
            *_signature(report),
            "",
        )
    )


def say(value: str) -> str:
    """*value* as text of HTML, on one line."""
    return _xml(shown(value))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]], kind: str = "") -> Iterator[str]:
    """A table; the cells are HTML."""
    yield f'<table class="{kind}">' if kind else "<table>"
    columns = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    yield f"<thead><tr>{columns}</tr></thead><tbody>"
    yield from (f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    yield "</tbody></table>"


def _summary(report: Audit) -> Iterator[str]:
    worst = next((level for level, count in report.counts.items() if count and level != "note"), "")
    yield f"<h1>Audit of {say(report.folder)}</h1>"
    source = f", configured by {say(report.config.source)}" if report.config.source else ""
    yield f'<p class="meta">{say(report.at)}, by lineage {say(report.version)}{source}</p>'
    yield f'<p class="verdict {worst}">{say(verdict(report))}</p>'
    if report.open:
        rows = ((_level(found[0]), f"<code>{say(code)}</code>", say(found[0].finding.rule.title), f"{len(found):,}") for code, found in report.by_code().items())  # fmt: skip
        yield from _table(("", "rule", "what is wrong", "times"), rows)


def _level(one: Remark) -> str:
    return f'<span class="level {one.level}">{one.level}</span>'


def _findings(report: Audit) -> Iterator[str]:
    for code, found in report.by_code().items():
        rule = found[0].finding.rule
        yield f"<h2>{_level(found[0])} {say(rule.title)}</h2>"
        yield f"<p><code>{say(code)}</code> {say(rule.why)} <b>What to do:</b> {say(rule.hint)}.</p>"
        yield from _table(("where", "what", "makes doubtful"), (_row(one) for one in found), "found")


def _row(one: Remark) -> Iterator[str]:
    yield f"<code>{say(place(one))}</code>"
    yield say(told(one))
    yield f'<span class="doubt">{say(str(one.consequences))}</span>' if one.consequences else ""


def _accepted(report: Audit) -> Iterator[str]:
    if report.suppressed:
        yield "<h2>Suppressed: found, and accepted for a reason</h2>"
        rows = ((f"<code>{say(place(one))}</code>", f"<code>{say(one.finding.code)}</code>", say(one.finding.message), say(one.suppressed or "")) for one in report.suppressed)  # fmt: skip
        yield from _table(("where", "rule", "what", "reason"), rows)
    if report.ignored:
        yield "<h2>Not asked for</h2>"
        yield from _table(("rule", "found all the same"), ((f"<code>{say(code)}</code>", f"{count:,}") for code, count in report.ignored))


def _scope(report: Audit) -> Iterator[str]:
    yield "<h2>What was checked</h2>"
    yield from _table(("what", "how many"), ((say(what), f"{count:,}") for what, count in report.checked))
    yield "<h2>How it is known</h2>"
    yield f"<p>{say(', '.join(known_counts(report)))}</p>"
    yield "<h2>Claimed, not checked</h2>"
    yield from _table(("what", "why"), ((say(numbered(what, count)), say(why)) for what, count, why in report.claimed))
    yield "<h2>What was not checked</h2>"
    yield from _table(("what", "why"), ((say(numbered(what, count)), say(why)) for what, count, why in report.unchecked))


def _audited(report: Audit) -> Iterator[str]:
    """Which folder in which state the report is about."""
    subject = report.audited
    yield "<h2>What was audited</h2>"
    yield from _table(("what", ""), ((say(what), f"<code>{say(value)}</code>") for what, value in subject_rows(report)))
    yield from _table(("manifest", "sha256"), ((say(one["file"]), _digest(one)) for one in subject["manifests"]))
    yield from _table(
        ("file that was checked", "sha256", ""), ((say(one["file"]), _digest(one), say(one["result"])) for one in subject["files_checked"])
    )
    yield from _table(("file that was not checked", "why"), ((say(one["file"]), say(one["why"])) for one in subject["files_not_checked"]))


def _digest(row: dict[str, Any]) -> str:
    return f"<code>{say(row['sha256'] or 'not readable')}</code>"


def _lineage(report: Audit) -> Iterator[str]:
    yield '<section class="wide">' if _is_wide(report.picture) else "<section>"
    yield "<h2>The lineage of the folder</h2>"
    yield f'<div class="picture" tabindex="0" role="region" aria-label="The lineage of the folder">{report.picture}</div>'
    yield "</section>"


def _is_wide(picture: str) -> bool:
    """Does the picture need a page that lies on its side?"""
    found = re.search(r'<svg[^>]* viewBox="0 0 (\d+) (\d+)"', picture)
    return found is not None and int(found[1]) > int(found[2])


def _signature(report: Audit) -> Iterator[str]:
    yield "<h2>Signature</h2>"
    of = f"{report.folder}, {report.at}: {verdict(report)}"  # it may be alone on its page
    yield f"<p>Audit of {say(of)}</p>"
    yield "<p>I have read this report, and checked what it says was not checked as far as it matters.</p>"
    yield '<table class="sign"><tbody>'
    yield from (f'<tr><th scope="row">{what}</th><td></td></tr>' for what in ("Name", "Role", "Place and date", "Signature"))
    yield "</tbody></table>"
