"""A report for machines: JSON with stable keys, SARIF 2.1.0, JUnit XML."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from lineage.auditing.audited import digest_of
from lineage.auditing.plain import place, shown
from lineage.auditing.report import Audit, Remark
from lineage.auditing.rules import RULES
from lineage.contract.lines import UnpackingError, text_of
from lineage.contract.lines import numbered as numbered_lines
from lineage.draw.svg import text as xml
from lineage.findings import Rule

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
HELP = "docs/reference/audit-rules.md"


def as_json(report: Audit) -> dict[str, Any]:
    """The report as one document."""
    told = {
        "report": "lineage audit",
        "folder": report.folder,
        "at": report.at,
        "version": report.version,
        "exit_code": report.code(),
        "counts": dict(report.counts),
        "findings": [_json(one) for one in report.open],
        "suppressed": [{**_json(one), "reason": one.suppressed} for one in report.suppressed],
        "ignored": dict(report.ignored),
        "configuration": report.config.source,
        "checked": dict(report.checked),
        "not_checked": [{"what": what, "count": count, "why": why} for what, count, why in report.unchecked],
        "claimed_not_checked": [{"what": what, "count": count, "why": why} for what, count, why in report.claimed],
        "known": report.known,
        "replayed": report.replayed.json() if report.replayed else None,
        "nothing_audited": report.empty or None,
        "audited": report.audited,
    }
    return told | {"sha256": digest_of(told)}


def _json(one: Remark) -> dict[str, Any]:
    found = one.finding
    said = {"file": found.file, "line": found.line, "code": found.code, "level": one.level, "message": found.message}
    consequences = one.consequences.json() if one.consequences else None
    return said | {"hint": found.rule.hint, "why": found.rule.why, "session": one.session, "consequences": consequences}


def sarif(report: Audit) -> dict[str, Any]:
    """The report as a SARIF 2.1.0 log with one run; suppressed findings are results with a suppression.

    Paths are relative to the root of the repository that the folder lies in, as code scanning reads them, else to the folder (section 3.14.14).
    """
    rules: dict[str, Rule] = {check.code: check.rule for check in RULES}
    rules |= {one.finding.code: one.finding.rule for one in report.remarks}
    codes = sorted(rules)
    driver = {"name": "lineage", "version": report.version, "rules": [_descriptor(code, rules[code]) for code in codes]}
    base, root, prefix = _base(report)
    marks = _marks(report)
    results = [_result(one, codes.index(one.finding.code), base, prefix, mark) for one, mark in zip(report.remarks, marks, strict=True)]
    run = {
        "tool": {"driver": driver},
        "originalUriBaseIds": {base: {"uri": root, "description": {"text": f"where the paths begin; audited was {shown(report.folder)}"}}},
        "results": results,
        "columnKind": "utf16CodeUnits",
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _base(report: Audit) -> tuple[str, str, str]:
    """The name and address of the folder that paths are relative to, and the way from it to the folder that was audited."""
    folder = report.world.folder.resolve()
    root = next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)
    prefix = folder.relative_to(root).as_posix() if root else "."
    return "%SRCROOT%" if root else "FOLDER", f"file://{_uri(f'{root or folder}'.rstrip('/'))}/", "" if prefix == "." else f"{prefix}/"


def _marks(report: Audit) -> list[str]:
    """A fingerprint for each finding: of its rule, file, line as it is written, and message; equal ones are counted.

    A line that only moves keeps its fingerprint.
    """
    lines = {path: _lines_of(report, path) for path in dict.fromkeys(one.finding.file for one in report.remarks if one.finding.line)}
    seen: Counter[str] = Counter()
    marks = []
    for one in report.remarks:
        found = one.finding
        line = lines[found.file].get(found.line, "") if found.line else ""
        text = "\n".join((found.code, found.file, line, "" if line else found.message))
        key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        seen[key] += 1
        marks.append(f"{key}:{seen[key]}")
    return marks


def _lines_of(report: Audit, file: str) -> dict[int, str]:
    """The digests of the lines of a file in which something was found."""
    wanted = {one.finding.line for one in report.remarks if one.finding.file == file}
    path = report.world.folder / file
    try:
        if not report.world.is_readable(path):
            return {}
        with text_of(path) as text:
            rows = [(number, line) for number, line in numbered_lines(text) if number in wanted]
    except (OSError, UnpackingError):
        return {}
    return {number: hashlib.sha256((line or b"").rstrip(b"\r\n")).hexdigest() for number, line in rows}


def _descriptor(code: str, rule: Rule) -> dict[str, Any]:
    told = {"id": code, "shortDescription": {"text": rule.title}, "help": {"text": f"{rule.hint} ({HELP})"}}
    told |= {"fullDescription": {"text": rule.why}} if rule.why else {}
    return told | {"defaultConfiguration": {"level": rule.level}}


def _result(one: Remark, number: int, base: str, prefix: str, mark: str) -> dict[str, Any]:
    found = one.finding
    message = f"{found.message}. Makes doubtful: {one.consequences}" if one.consequences else found.message
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(os.path.normpath(prefix + found.file)), "uriBaseId": base}}
    if found.line is not None:
        location["region"] = {"startLine": found.line}
    result = {"ruleId": found.code, "ruleIndex": number, "level": one.level, "message": {"text": shown(message)}}
    result |= {"locations": [{"physicalLocation": location}], "partialFingerprints": {"lineage/v2": mark}}
    return result | ({"suppressions": [{"kind": "external", "justification": one.suppressed}]} if one.suppressed is not None else {})


def _uri(file: str) -> str:
    """The path as a relative reference; a colon is quoted, for a first part that holds one is a scheme (RFC 3986, 4.2)."""
    try:
        return quote(os.fsencode(file), safe="/")
    except UnicodeEncodeError:  # JSON can hold names that no file has
        return quote(file, safe="/", errors="surrogatepass")


def junit(report: Audit) -> str:
    """The report as JUnit XML: a test suite a rule, a test case a finding, and a case that passes where a rule found nothing."""
    groups: dict[str, list[Remark]] = {check.code: [] for check in RULES if report.config.wants(check.code)}
    for one in report.remarks:
        groups.setdefault(one.finding.code, []).append(one)
    failures = sum(one.level != "note" for one in report.open)
    tests = sum(max(len(found), 1) for found in groups.values())
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name={_attribute(f"lineage audit {report.folder}")} tests="{tests}" failures="{failures}">\n'
    return head + "".join(_suite(code, found) for code, found in groups.items()) + "</testsuites>\n"


def _suite(code: str, found: list[Remark]) -> str:
    failures, skipped = (
        sum(one.suppressed is None and one.level != "note" for one in found),
        sum(one.suppressed is not None for one in found),
    )
    numbers = f'tests="{max(len(found), 1)}" failures="{failures}" errors="0" skipped="{skipped}"'
    cases = "".join(map(_case, found)) or f'  <testcase classname="lineage.audit" name={_attribute(code)}/>\n'
    return f"<testsuite name={_attribute(code)} {numbers}>\n{cases}</testsuite>\n"


def _case(one: Remark) -> str:
    head = f"  <testcase classname={_attribute(f'lineage.audit.{one.finding.code}')} name={_attribute(place(one))}>"
    message = _attribute(one.finding.message)
    if one.suppressed is not None:
        inside = f"<skipped message={_attribute(one.suppressed)}/>"
    elif one.level == "note":
        inside = f"<system-out>{xml(one.finding.message)}</system-out>"
    else:
        doubtful = f"makes doubtful: {one.consequences}\n" if one.consequences else ""
        inside = f"<failure type={_attribute(one.level)} message={message}>{xml(f'{doubtful}{one.finding.rule.hint}')}</failure>"
    return f"{head}{inside}</testcase>\n"


def _attribute(value: str) -> str:
    return quoteattr(_legal(value))


def _legal(value: str) -> str:
    """*value* with what XML forbids, and every control character, written out."""
    return shown(value.encode("utf-8", "replace").decode())
