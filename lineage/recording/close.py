"""Finish sessions whose process was killed: their journals are folded into the manifest, which then says `interrupted`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lineage.capture.process import is_alive
from lineage.contract import journal, manifest
from lineage.contract.strict import loads
from lineage.contract.times import now
from lineage.contract.writing import as_bytes
from lineage.core.writing import replace_file
from lineage.errors import NotFoundError


def close_sessions(folder: Path, *, prefix: str = "", force: bool = False) -> tuple[list[str], list[str]]:
    """Close the running sessions of *folder* whose id begins with *prefix*; returns the ids closed, and those whose process may live.

    Whether a process lives can be told on the machine where it ran only; elsewhere *force* is needed.

    Raises:
        NotFoundError: no such folder, or no session there begins so.
    """
    if not folder.is_dir():
        raise NotFoundError("no such folder", at=str(folder))
    closed, alive, seen = [], [], 0
    for path in sorted(folder.glob(f"{manifest.PREFIX}{prefix}*{manifest.SUFFIX}")):
        seen += 1
        paths = journal.journals(folder, manifest.session_id_of(path))
        full, _ = journal.folded(_object(path), paths)
        if full.get("status") != "running":
            continue
        if not force and any(is_alive(mark) is not False for mark in _marks(full)):
            alive.append(str(full.get("session_id")))
        else:
            _close(path, full, paths)
            closed.append(str(full.get("session_id")))
    if not seen:
        raise NotFoundError("no session begins so", at=prefix or str(folder))
    return closed, alive


def _object(path: Path) -> dict[str, Any]:
    value, _ = loads(path.read_bytes())
    return value if isinstance(value, dict) else {}


def _marks(full: dict[str, Any]) -> list[dict[str, Any]]:
    mark = full.get("process")
    return [mark] if isinstance(mark, dict) else []


def _close(path: Path, full: dict[str, Any], paths: list[Path]) -> None:
    """The end was not observed, so its time is null, with the reason beside it."""
    gaps = {"ended_at": f"the process was killed; closed at {now()}"}
    running = [one for one in full.get("activities", []) if isinstance(one, dict) and one.get("status") == "running"]
    events = [{"event": "activity", "activity": {**one, "status": "interrupted"}} for one in running]
    done = journal.fold(full, [*events, {"event": "session", "session": {"status": "interrupted", "gaps": gaps}}])
    replace_file(path, as_bytes(done, indent=True) + b"\n")
    for one in paths:
        one.unlink()
