"""A report as one HTML page: it loads nothing, runs nothing, prints well, and has a place for a signature.

Every value is escaped; the policy in its head allows the page's own style and nothing else, so that no value could act even if one slipped through.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator

from lineage.auditing.plain import numbered, place, shown, told, verdict
from lineage.auditing.report import Audit, Remark
from lineage.draw.svg import text as _xml

STYLE = """
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;color:#1c1c1c;background:#fff;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0 0 .25rem}h2{font-size:1.15rem;margin:2rem 0 .25rem}p{margin:.35rem 0}
.meta{color:#555}.verdict{font-size:1.2rem;font-weight:600;padding:.6rem .9rem;border-left:.4rem solid #2e7d32;background:#f1f8f1;margin:1rem 0}
.verdict.error{border-color:#b00020;background:#fdf0f1}.verdict.warning{border-color:#b26a00;background:#fff7ea}
.level{display:inline-block;font-size:.75rem;font-weight:600;padding:.05rem .5rem;border-radius:1rem;color:#fff;background:#555;vertical-align:middle}
.level.error{background:#b00020}.level.warning{background:#b26a00}
table{border-collapse:collapse;width:100%;margin:.5rem 0}th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;border-bottom:1px solid #ddd;overflow-wrap:anywhere}
th{font-weight:600;color:#555}code{font:13px ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}.found th:first-child{width:30%}.found th:last-child{width:30%}.doubt{color:#7a1020}
.picture{overflow-x:auto;border:1px solid #ddd;margin:.5rem 0}.picture svg{max-width:100%;height:auto}
.sign td{height:2.6rem;border:1px solid #888}.sign th{border:1px solid #888;width:14rem}
@page{margin:16mm}
@media print{body{max-width:none;margin:0;font-size:11pt}.picture{overflow:visible;border:0}tr,.verdict,.sign{break-inside:avoid}h2{break-after:avoid}}
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"


def html(report: Audit) -> str:
    """The whole page."""
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>Audit of {say(report.folder)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
    )
    return f"{head}{inner(report)}</body>\n</html>\n"


def inner(report: Audit) -> str:
    """What stands in the body: for a page, and for a notebook."""
    return "\n".join(
        (*_summary(report), *_findings(report), *_accepted(report), *_scope(report), *_lineage(report), *_signature(report), "")
    )


def say(value: str) -> str:
    """*value* as text of HTML, on one line."""
    return _xml(shown(value))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]], kind: str = "") -> Iterator[str]:
    """A table; the cells are HTML."""
    yield f'<table class="{kind}">' if kind else "<table>"
    yield f"<thead><tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr></thead><tbody>"
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
    yield "<h2>What was not checked</h2>"
    yield from _table(("what", "why"), ((say(numbered(what, count)), say(why)) for what, count, why in report.unchecked))


def _lineage(report: Audit) -> Iterator[str]:
    yield "<h2>The lineage of the folder</h2>"
    yield f'<div class="picture">{report.picture}</div>'


def _signature(report: Audit) -> Iterator[str]:
    yield "<h2>Signature</h2>"
    yield "<p>I have read this report, and checked what it says was not checked as far as it matters.</p>"
    yield '<table class="sign"><tbody>'
    yield from (f"<tr><th>{what}</th><td></td></tr>" for what in ("Name", "Role", "Place and date", "Signature"))
    yield "</tbody></table>"
