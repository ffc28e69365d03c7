"""`lineage verify FOLDER|MANIFEST`: what the signatures of a folder still prove, and what that invalidates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lineage.cli import printed_json, row, tell
from lineage.contract.below import has_sessions, nothing_recorded
from lineage.core.words import counted
from lineage.errors import UsageError

if TYPE_CHECKING:
    from lineage.signing.check import Checked
    from lineage.signing.consequences import Consequences
    from lineage.signing.seen import Fault

FAILED = 4
ONE = "checked was this session alone; not the others, nor the chain between them, nor what was added to the folder: lineage verify FOLDER --key tells"


def by_signature(where: Path, key: Path, head: str | None, as_json: bool) -> int:
    """Check the signatures, print every fault with its consequences; the exit code."""
    from lineage.signing.check import checked
    from lineage.signing.consequences import Weighing
    from lineage.signing.keys import public_key

    _require_sessions(where)
    found = checked(where, public_key(key), head=head)
    weighing = Weighing(found.folder)
    weighed = [(fault, weighing.of(fault.rests_on, fault.changes)) for fault in found.faults if fault.rests_on]
    rests = {id(fault): one for fault, one in weighed}
    if as_json:
        printed_json({"scope": "folder" if where.is_dir() else "manifest"} | _json(found, rests))
    else:
        _tell(found, rests)
        if not where.is_dir():
            tell(ONE)
    return FAILED if found.faults else 0


def by_record(folder: Path, as_json: bool) -> int:
    """Without a key: what the manifests alone say of the files, of a redacted copy what still holds; the exit code."""
    from lineage.redaction.check import held, is_copy

    if not is_copy(folder):
        _require_sessions(folder)
        raise UsageError(
            "which key?", at=str(folder), hint="--key PUB checks the signatures of a folder; name files to hold them against manifests"
        )
    rows = held(folder)
    if as_json:
        files = [{"file": one.file, "status": one.status, "message": one.message} for one in rows]
        printed_json({"folder": str(folder), "redacted": True, "files": files})
    for one in rows if not as_json else ():
        row(f"{one.file}: {one.status}: {one.message}")
    tell("the folder is a redacted copy; signatures are checked with --key")
    return FAILED if any(one.status in ("altered", "missing") for one in rows) else 0


def _require_sessions(folder: Path) -> None:
    """Raise NothingRecordedError for a folder without sessions and signatures: what is empty is not verified."""
    if folder.is_dir() and not has_sessions(folder) and not any(folder.glob("session_*.dsse.json")):
        raise nothing_recorded(folder, recursive="")


def _tell(found: Checked, rests: dict[int, Consequences]) -> None:
    for fault in found.faults:
        row(f"{fault.file}: {fault.what}: {fault.message}")
        for change in fault.changes:
            row(f"  line {change.now or change.before}: {change.what}")
        if id(fault) in rests:
            told(rests[id(fault)])
    for session, good in found.good.items():
        tell(f"session {session}: {counted(good, 'file as it was signed', 'files as they were signed')}")
    for name in found.not_covered:
        tell(f"{name}: not covered by the signature: a link that leads out of the folder, or a file without a digest")
    if found.head:
        tell(f"head: {found.head}")


def told(consequences: Consequences) -> None:
    """What rests on a fault, a line each."""
    for line in consequences.lines():
        row(f"  invalidates {line}")


def _json(found: Checked, rests: dict[int, Consequences]) -> dict[str, object]:
    faults = [_fault(fault) | {"invalidates": rests[id(fault)].json() if id(fault) in rests else None} for fault in found.faults]
    return {
        "folder": str(found.folder),
        "verified": not faults,
        "head": found.head,
        "good": found.good,
        "faults": faults,
        "not_covered": list(found.not_covered),
    }


def _fault(fault: Fault) -> dict[str, object]:
    changes = [{"what": change.what, "before": change.before, "now": change.now} for change in fault.changes]
    return {"what": fault.what, "file": fault.file, "session_id": fault.session_id, "message": fault.message, "changes": changes}
