"""Events of a session, and how the journals of its processes become one manifest.

A journal is `session_journal_<session id>_<process>.jsonl` beside the manifest. Only one process writes to it,
one event a line, so no lock is needed, also on a network file system. The manifest is the *fold* of the journals:

    {"event": "process",  "process":  {…}}    the first event: which process writes this journal
    {"event": "session",  "session":  {…}}    merged into the top level; `environment` and `gaps` are merged key by key
    {"event": "activity", "activity": {…}}    replaces the activity with the same `id`
    {"event": "artifact", "artifact": {…}}    replaces the artifact with the same `file`
    {"event": "left"}                         the process has ended in good order

Each event has an `order`: nanoseconds of the monotonic clock, which all processes of a machine share and nobody can
set back. Events of several journals are applied in this order. Folding twice is folding once, as long as the journals
of a session are kept or removed together.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from heapq import merge
from itertools import takewhile
from pathlib import Path
from typing import Any

from lineage.contract.strict import loads
from lineage.core import limits
from lineage.findings import Finding, finding

Event = Mapping[str, Any]
PREFIX, SUFFIX = "session_journal_", ".jsonl"
_MERGED = ("environment", "gaps", "loader_config")


def journal_path(folder: Path, session_id: str, process: str) -> Path:
    """Where *process* writes what it has to say of the session."""
    return folder / f"{PREFIX}{session_id}_{process}{SUFFIX}"


def is_called(name: str) -> bool:
    """Would a reader take a file of this name for a journal?"""
    return name.startswith(PREFIX) and name.endswith(SUFFIX)


def listed(folder: Path) -> list[str]:
    """The names of all that lie in *folder* and are called like a journal, sorted."""
    return sorted(name for name in os.listdir(folder) if is_called(name))  # noqa: PTH208  # a third of the time of iterdir


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
    if path.stat().st_size > limits.JSON:
        return [], [finding("unreadable", path.name, None, f"larger than {limits.JSON} bytes")]
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
    """Return whether the process said that it had ended."""
    return any(event["event"] == "left" for event in events)


def process_of(events: Iterable[Event]) -> dict[str, Any] | None:
    """Return the mark of the process that wrote these events; None in journals that have none."""
    return next((event["process"] for event in events if isinstance(event.get("process"), dict)), None)


def unclosed(events: Iterable[Event]) -> set[str]:
    """Return the files that a process wrote and did not close: what others recorded of them before may be out of date."""
    bodies = (event.get("artifact") for event in events)
    last = {body["file"]: body for body in bodies if isinstance(body, dict) and isinstance(body.get("file"), str)}
    return {file for file, body in last.items() if body.get("sha256") is None}


class Fold:
    """A manifest to which events are applied, each at the same cost."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._top = {**manifest}
        self._activities = _keyed(manifest.get("activities"), "id")
        self._artifacts = _keyed(manifest.get("artifacts_generated"), "file")

    def apply(self, event: Event) -> None:
        """Apply one event; one of no known kind changes nothing."""
        body = event.get(event["event"])
        if not isinstance(body, dict):
            return
        match event["event"]:
            case "session":
                self._top = _merged(self._top, body)
            case "activity":
                self._activities[str(body.get("id"))] = body
            case "artifact":
                self._artifacts[str(body.get("file"))] = body

    def result(self) -> dict[str, Any]:
        """Return the manifest as it is now."""
        artifacts, activities = list(self._artifacts.values()), list(self._activities.values())
        return self._top | {"artifacts_generated": artifacts, "activities": activities}


def fold(manifest: Mapping[str, Any], events: Iterable[Event]) -> dict[str, Any]:
    """Return the manifest with *events* applied to it; *manifest* itself stays as it is."""
    folding = Fold(manifest)
    for event in events:
        folding.apply(event)
    return folding.result()


def _keyed(items: object, key: str) -> dict[str, Any]:
    """*items* by their key; what is no object, or has no such key, is kept under a number so that a reader can complain of it."""
    rows = items if isinstance(items, list) else []
    return {str(row[key]) if isinstance(row, dict) and key in row else f"\0{n}": row for n, row in enumerate(rows)}


def _merged(top: dict[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    joined = {key: {**_object(top.get(key)), **body[key]} for key in _MERGED if isinstance(body.get(key), dict)}
    return {**top, **body, **joined}


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def folded(manifest: Mapping[str, Any], paths: Iterable[Path]) -> tuple[dict[str, Any], list[Finding]]:
    """Return the manifest with all journals of *paths* applied, and what is wrong with them."""
    findings: list[Finding] = []
    journals: list[list[Event]] = []
    for path in paths:
        events, problems = read(path)
        findings.extend(problems)
        journals.append(events)
    return fold(manifest, in_order(journals, manifest.get("process"))), findings


def in_order(journals: Sequence[Sequence[Event]], owner: object = None) -> list[Event]:
    """Return the events of several journals in the order in which they happened.

    Args:
        journals: The events of each journal, as they were written.
        owner: The mark of the process that owns the session. The clocks of two machines cannot be compared,
            so its machine comes last, and the others in the order of their journals.
    """
    boots: dict[str, list[Sequence[Event]]] = {}
    for events in journals:
        boots.setdefault(_boot(process_of(events)), []).append(events)
    last = _boot(owner or _owner(journals))
    machines = sorted(boots, key=lambda boot: boot == last)
    return [event for boot in machines for event in merge(*map(_ordered, boots[boot]), key=_place)]


def _owner(journals: Iterable[Iterable[Event]]) -> object:
    """Return the mark of the process that opened the session, if a journal holds it."""
    opened = (event.get("session") for events in journals for event in events)
    return next((body["process"] for body in opened if isinstance(body, dict) and "process" in body), None)


def _boot(mark: object) -> str:
    """Return which boot of which machine a process ran under; journals are files of strangers, so it may be anything."""
    return str(mark.get("boot")) if isinstance(mark, dict) else ""


def _ordered(events: Sequence[Event]) -> list[Event]:
    """Return the events of one journal, each with an order that is not below the one before it."""
    order = 0
    placed: list[Event] = []
    for event in events:
        own = event.get("order")
        order = max(order, own) if type(own) is int else order
        placed.append({**event, "order": order})
    return placed


def _place(event: Event) -> int:
    order: int = event["order"]
    return order
