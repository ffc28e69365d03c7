"""Is a report of an audit about this folder as it is now?  The audit is made again, with the options that the report names, and held against it.

A report is the JSON of `lineage audit --json`, or the page of `--format html`, which holds the same JSON. A page is written anew too: text that
somebody changed beside the JSON is a difference.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage.auditing import machines, page, replayed
from lineage.auditing.audit import audit
from lineage.auditing.audited import digest_of
from lineage.auditing.config import Config, read
from lineage.auditing.report import Audit
from lineage.contract.strict import loads
from lineage.core import limits
from lineage.core.printing import safe_document
from lineage.errors import FormatError, NotFoundError, UsageError
from lineage.export import graphs_of
from lineage.signing.keys import key_id, public_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SHOWN = 20  # differences of a kind that are named
YEARS = range(2000, 2200)  # in which an audit takes place
AHEAD = timedelta(days=1)  # that the clock of another machine may be fast
PARTS = ("counts", "exit_code", "checked", "not_checked", "claimed_not_checked", "known", "ignored", "nothing_audited")
_OTHER_TEXT = "the page says something else than the report that it holds: make it anew with lineage audit --format html"
_OTHER_PAGE = "the text of the page cannot be compared: ask for the report as JSON (lineage audit --json), or check the page with lineage"


@dataclass(frozen=True, slots=True)
class ReportCheck:
    """What a report and the folder now differ in; nothing where the report is about the folder as it is."""

    report: Path
    differences: tuple[str, ...]
    notes: tuple[str, ...] = ()


def check_report(path: Path, folder: Path, *, key: Path | None = None, recheck: bool = True, jobs: int = 1) -> ReportCheck:
    """Hold a report against a folder.

    Args:
        path: The report, as JSON or HTML.
        folder: The folder that it should be about.
        key: The public key that the sessions should be signed with. Without it the key that the report holds is used.
        recheck: Read every file, even one that did not change since it was read last.
        jobs: Processes that read files of records.

    Raises:
        NotFoundError: No such report or folder. FormatError: The report cannot be read, or is none.
    """
    data = _bytes(path)
    told = _report(data, str(path))
    known = _key(told, str(path))
    given = None if key is None else public_key(key)
    again = _again(told, folder, given or known, recheck=recheck, jobs=jobs, at=str(path))
    now = json.loads(json.dumps(machines.as_json(again)))
    differences = list(_differences(told, now))
    if given is not None and (known is None or key_id(known) != key_id(given)):
        differences.insert(0, f"key: the report is under {_named_key(known)}, and the key that was given is {key_id(given)}")
    is_page, is_same_version = not data.lstrip().startswith(b"{"), told["version"] == now["version"]
    if not differences:
        differences += _beyond(told, now) if is_same_version else ()
    if not differences and is_page:
        differences += [_OTHER_TEXT] if is_same_version and _page(again) != data else []
        differences += [] if is_same_version else [f"{_OTHER_PAGE} {told['version']}"]
    notes = [] if is_same_version else [f"made by lineage {told['version']}, checked by {now['version']}: rules and words may differ"]
    if again.replayed is not None:
        notes.append(
            f"what was replayed is taken from the report: run lineage audit --replay {again.replayed.asked} --seed {again.replayed.seed} again"
        )
    notes += (
        [] if is_same_version else [f"not checked: {key}, which this version does not know" for key in sorted(told.keys() - now.keys())]
    )
    return ReportCheck(path, tuple(differences), tuple(notes))


def _page(report: Audit) -> bytes:
    """The page as `lineage audit --format html` writes it."""
    return safe_document(page.html(report), "html").encode("utf-8", "replace")


# --- reading


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise NotFoundError("no such report", at=str(path), hint="lineage audit --json -o FILE writes one")
    with path.open("rb") as file:
        data = file.read(limits.REPORT + 1)
    if len(data) > limits.REPORT:
        raise FormatError(f"larger than {limits.REPORT >> 20} MiB: no report of an audit", at=str(path))
    return data


def _report(data: bytes, at: str) -> dict[str, Any]:
    text = data if data.lstrip().startswith(b"{") else _embedded(data, at)
    value, problems = loads(text)
    if problems or not isinstance(value, dict):
        what = ", ".join(f"{code} {detail}".strip() for code, detail in problems[:3]) or "no JSON object"
        raise FormatError(f"the report cannot be read: {what}", at=at, hint="it was cut off or edited; ask for it again")
    wrong = next(_misshapen(value), None)
    if wrong:
        raise FormatError(f"no report of an audit that can be checked: {wrong}", at=at, hint="lineage audit --json writes one")
    return value


def _embedded(data: bytes, at: str) -> bytes:
    """The JSON in a page."""
    before, after = page.BEFORE.encode(), page.AFTER.encode()
    if data.count(before) != 1 or after not in data.partition(before)[2]:
        raise FormatError("the page holds no report", at=at, hint="lineage audit --format html writes one that does")
    text = data.partition(before)[2].partition(after)[0]
    return html.unescape(text.decode("utf-8", "replace")).encode()


def _misshapen(value: dict[str, Any]) -> Iterator[str]:
    """Yield what a report lacks."""
    if value.get("report") != "lineage audit":
        yield "report is not 'lineage audit'"
    kinds = {"folder": str, "at": str, "version": str, "counts": dict, "findings": list, "suppressed": list, "audited": dict}
    yield from (f"{key}: expected {kind.__name__}" for key, kind in kinds.items() if not isinstance(value.get(key), kind))
    if isinstance(value.get("audited"), dict):
        yield from _misshapen_subject(value["audited"])


def _misshapen_subject(subject: dict[str, Any]) -> Iterator[str]:
    for key in ("manifests", "files_checked", "files_not_checked", "signatures"):
        rows = subject.get(key)
        if not isinstance(rows, list) or not all(isinstance(row, dict) and isinstance(row.get("file"), str) for row in rows):
            yield f"audited.{key}: expected a list of objects with a file"
    if not isinstance(subject.get("options"), dict) or not isinstance(subject.get("heads"), dict):
        yield "audited: expected options and heads"


def _key(told: dict[str, Any], at: str) -> Ed25519PublicKey | None:
    row = told["audited"].get("key")
    if row is None:
        return None
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(row["ed25519"], validate=True))
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise FormatError("the key of the report is none", at=at) from error
    if key_id(key) != row.get("fingerprint"):
        raise FormatError("the fingerprint of the report is of another key", at=at)
    return key


def _named_key(key: Ed25519PublicKey | None) -> str:
    return "no key" if key is None else f"key {key_id(key)}"


# --- the audit, made again


def _again(told: dict[str, Any], folder: Path, key: Ed25519PublicKey | None, *, recheck: bool, jobs: int, at: str) -> Audit:
    options = told["audited"]["options"]
    try:
        config = _config(options, at)
        now = datetime.fromisoformat(told["at"])
        is_recursive, has_shapes = options["recursive"] is True, options["shacl"] is True
        again = replayed.read(told["replayed"]) if told.get("replayed") else None
        graphs, head = _graphs(options["graphs"], folder), _head(options["head"])
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"the options of the report cannot be read: {error!r:.80}", at=at) from error
    if now.tzinfo is None or now.year not in YEARS or now > datetime.now(UTC) + AHEAD:
        raise FormatError("the time of the report has no UTC offset, is none of an audit, or is still to come", at=at)
    made = audit(
        folder,
        config=config,
        key=key,
        recursive=is_recursive,
        shapes=has_shapes,
        graphs=graphs,
        head=head,
        recheck=recheck,
        jobs=jobs,
        replay=(lambda _: again) if again else None,
        now=now,
    )
    source = told.get("configuration")
    return replace(made, folder=told["folder"], config=replace(config, source=source if isinstance(source, str) else None))


def _graphs(name: object, folder: Path) -> Path | None:
    """Where the graphs of all sessions lay: in the folder, or where an export writes them. A report opens no other folder."""
    if name is None:
        return None
    path = Path(os.path.normpath(folder.absolute() / str(name)))
    if path != graphs_of(folder) and not (path.is_relative_to(folder.absolute()) and is_inside(path, folder)):
        raise ValueError(f"graphs in {name}")
    return path


def is_inside(path: Path, folder: Path) -> bool:
    """Return whether *path* lies in *folder*, whatever links are on the way."""
    return path.resolve().is_relative_to(folder.resolve())


def _head(head: object) -> str | None:
    if head is not None and not (isinstance(head, str) and re.fullmatch(r"[0-9a-f]{64}", head)):
        raise ValueError("a head is 64 hex digits")
    return head


def _config(options: dict[str, Any], at: str) -> Config:
    keys = {"select": "select", "ignore": "ignore", "fail-on": "fail_on", "suppress": "suppress"}
    try:
        return read({name: options[key] for name, key in keys.items()}, at)
    except UsageError as error:
        raise FormatError(f"the options of the report cannot be meant: {error.message}", at=at) from error


# --- what differs


def _differences(told: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    before, after = told["audited"], now["audited"]
    for where, part in (("the report", told), ("audited", before)):
        if digest_of({key: value for key, value in part.items() if key != "sha256"}) != part.get("sha256"):
            yield f"{where}: edited: its sha256 is not the digest of what it says"
    for what, key in (("manifest", "manifests"), ("file", "files_checked"), ("signature", "signatures")):
        yield from _capped(_rows(what, before[key], after[key]))
    yield from _capped(_rows("file that is not checked", before["files_not_checked"], after["files_not_checked"]))
    for key in ("key", "heads", "options"):
        if before.get(key) != after[key]:
            yield f"{key}: the report says {_short(before.get(key))}, and it is {_short(after[key])}"
    for key in ("findings", "suppressed"):
        yield from _capped(_findings(key, told[key], now[key]))
    for key in PARTS:
        if told.get(key) != now[key]:
            yield f"{key}: the report says {_short(told.get(key))}, and the audit gives {_short(now[key])}"


def _beyond(told: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    """What else a report of this version says: keys that an audit does not write, and values of another type."""
    for where, report, again in (("", told, now), ("audited.", told["audited"], now["audited"])):
        for key in sorted(report.keys() | again.keys()):
            if _canonical(report.get(key)) != _canonical(again.get(key)) or (key in report) != (key in again):
                yield f"{where}{key}: the report says {_short(report.get(key))}, and an audit writes {_short(again.get(key))}"


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _rows(what: str, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Iterator[str]:
    old, new = ({row["file"]: row for row in rows} for rows in (before, after))
    if len(before) != len(after) and old.keys() == new.keys():
        yield f"{what}: the report names {len(before):,}, and some more than once; there are {len(after):,}"
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"{name}: {what} removed: the report names it, and it is not there now"
        elif name not in old:
            yield f"{name}: {what} added: it is there now, and the report does not name it"
        elif old[name] != new[name]:
            digests = [row[name].get("sha256") for row in (old, new)]
            detail = f"{_short(digests[0])} then, {_short(digests[1])} now" if digests[0] != digests[1] else f"{_short(old[name])} then, {_short(new[name])} now"  # fmt: skip
            yield f"{name}: {what} changed: {detail}"


def _findings(key: str, before: list[Any], after: list[Any]) -> Iterator[str]:
    old, new = ({json.dumps(one, sort_keys=True): one for one in rows} for rows in (before, after))
    for text in sorted(old.keys() - new.keys()):
        yield f"{key}: the report says what the audit does not find: {_one(old[text])}"
    for text in sorted(new.keys() - old.keys()):
        yield f"{key}: the audit finds what the report does not say: {_one(new[text])}"
    if old.keys() == new.keys() and len(before) != len(after):
        yield f"{key}: the report has {len(before):,}, and the audit {len(after):,}"


def _one(finding: Any) -> str:
    row = finding if isinstance(finding, dict) else {}
    return f"{row.get('code')} {row.get('file')}: {str(row.get('message'))[:200]}"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= 200 else f"{text[:199]}…"


def _capped(lines: Iterator[str]) -> Iterator[str]:
    """The first lines, and how many more there are."""
    count = 0
    for count, line in enumerate(lines, 1):
        if count <= SHOWN:
            yield line
    if count > SHOWN:
        yield f"and {count - SHOWN:,} more of this kind"
