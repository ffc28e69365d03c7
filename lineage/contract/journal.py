"""What each process of a session appends, and how the journals of all of them become one manifest.

A journal is `session_journal_<session id>_<process>.jsonl` beside the manifest: one event a line, written by one process only,
so no lock is needed, on a network file system neither. The manifest is the *fold* of the journals over the manifest that stands:

    {"event": "session",  "session":  {…}}    merged into the top level; `environment` and `gaps` are merged key by key
    {"event": "activity", "activity": {…}}    replaces the activity with the same `id`
    {"event": "artifact", "artifact": {…}}    replaces the artifact with the same `file`
    {"event": "left"}                         the process has ended in good order; its journal may go

Folding twice is folding once, and the order of the journals decides nothing but which of two processes wrote a file last.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from lineage.contract.strict import loads
from lineage.findings import Finding, finding

Event = Mapping[str, Any]
PREFIX, SUFFIX = "session_journal_", ".jsonl"
MAX_BYTES = 1 << 28  # a journal over 256 MiB was not written by us, and is not read into memory
_MERGED = ("environment", "gaps", "loader_config")


def journal_path(folder: Path, session_id: str, process: str) -> Path:
    """Where *process* writes what it has to say of the session."""
    return folder / f"{PREFIX}{session_id}_{process}{SUFFIX}"


def is_called(name: str) -> bool:
    """Would a reader take a file of this name for a journal?"""
    return name.startswith(PREFIX) and name.endswith(SUFFIX)


def listed(folder: Path) -> list[str]:
    """The names of all that lie in *folder* and are called like a journal, sorted."""
    return sorted(path.name for path in folder.iterdir() if is_called(path.name))


def journals(folder: Path, session_id: str, names: Sequence[str] | None = None) -> list[Path]:
    """The journals of the session that lie in *folder*, in the order of their names; a link or a pipe is none.

    Who asks for many sessions of one folder hands the *names* that `listed` gave, so that the folder is read once.
    """
    names = listed(folder) if names is None else names
    prefix = f"{PREFIX}{session_id}_"
    rest = range(bisect_left(names, prefix), len(names))
    found = (folder / name for name in takewhile(lambda name: name.startswith(prefix), (names[n] for n in rest)))
    return [path for path in found if path.is_file() and not path.is_symlink()]


def append(descriptor: int, event: bytes) -> None:
    """Add one event, as JSON without newline, in one write. Raises OSError, after which a part of the line may stand there."""
    line = event + b"\n"
    written = os.write(descriptor, line)
    if written < len(line):
        raise OSError(f"only {written} of {len(line)} bytes written")


def read(path: Path) -> tuple[list[Event], list[Finding]]:
    """The whole events of one journal; a line that is cut off or no event is a finding."""
    events: list[Event] = []
    findings: list[Finding] = []
    if path.stat().st_size > MAX_BYTES:
        return [], [finding("unreadable", path.name, None, f"larger than {MAX_BYTES} bytes")]
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        value, problems = loads(line)
        if isinstance(value, dict) and isinstance(value.get("event"), str):
            events.append(value)
        else:
            findings.append(finding("torn-journal", path.name, number, problems[0][1] if problems else ""))
    return events, findings


def left(events: Iterable[Event]) -> bool:
    """Did the process say that it had ended?"""
    return any(event["event"] == "left" for event in events)


def fold(manifest: Mapping[str, Any], events: Iterable[Event]) -> dict[str, Any]:
    """The manifest with *events* applied to it; *manifest* itself stays as it is."""
    top = {**manifest}
    activities = _keyed(manifest.get("activities"), "id")
    artifacts = _keyed(manifest.get("artifacts_generated"), "file")
    for event in events:
        body = event.get(event["event"])
        if not isinstance(body, dict):
            continue
        match event["event"]:
            case "session":
                top = _merged(top, body)
            case "activity":
                activities[str(body.get("id"))] = body
            case "artifact":
                artifacts[str(body.get("file"))] = _later(artifacts.get(str(body.get("file"))), body)
    return top | {"artifacts_generated": list(artifacts.values()), "activities": list(activities.values())}


def _keyed(items: object, key: str) -> dict[str, Any]:
    """*items* by their key; what is no object, or has no such key, is kept under a number so that a reader can complain of it."""
    rows = items if isinstance(items, list) else []
    return {str(row[key]) if isinstance(row, dict) and key in row else f"\0{n}": row for n, row in enumerate(rows)}


def _merged(top: dict[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    joined = {key: {**_object(top.get(key)), **body[key]} for key in _MERGED if isinstance(body.get(key), dict)}
    return {**top, **body, **joined}


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _later(one: Mapping[str, Any] | None, other: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of two reports of the same file the one that saw more of it: the later time."""
    if one is None or str(one.get("timestamp") or "") <= str(other.get("timestamp") or ""):
        return other
    return one


def folded(manifest: Mapping[str, Any], paths: Iterable[Path]) -> tuple[dict[str, Any], list[Finding]]:
    """The manifest with all journals of *paths* applied, and what was wrong with them."""
    findings: list[Finding] = []

    def events() -> Iterator[Event]:
        for path in paths:
            found, wrong = read(path)
            findings.extend(wrong)
            yield from found

    return fold(manifest, list(events())), findings
