"""`lineage verify FOLDER|MANIFEST`: what the signatures of a folder still prove, and what that invalidates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage.cli import printed_json, row, tell
from lineage.contract.below import has_sessions, nothing_recorded
from lineage.core.words import counted
from lineage.errors import UsageError

if TYPE_CHECKING:
    from lineage.consequences import Affected, Consequences
    from lineage.signing.check import Checked
    from lineage.signing.seen import Fault

FAILED = 4
ONE = "checked was this session alone; not the others, nor the chain between them, nor what was added to the folder: lineage verify FOLDER --key tells"


def by_signature(where: Path, key: Path, head: str | None, recursive: bool, as_json: bool) -> int:
    """Check the signatures, print every fault with its consequences; the exit code."""
    from lineage.signing.check import checked
    from lineage.signing.keys import public_key
    from lineage.signing.nested import checked_each

    _require_sessions(where)
    public = public_key(key)
    results = checked_each(where, public, head=head) if recursive else (("", checked(where, public, head=head)),)
    weighed = [(place, found, _weighed(found)) for place, found in results]
    if as_json:
        scope = {"scope": "folder" if where.is_dir() else "manifest"}
        top, *below = [scope | _json(found, rests) for _, found, rests in weighed]
        printed_json(top | ({"folders": below} if recursive else {}))
    for place, found, rests in weighed if not as_json else ():
        _tell(found, rests, place)
    if not where.is_dir() and not as_json:
        tell(ONE)
    return FAILED if any(found.faults for _, found in results) else 0


def _weighed(found: Checked) -> dict[int, Consequences]:
    """The consequences of each fault that has any."""
    from lineage.consequences.changed import Weighing
    from lineage.consequences.policy import cause_of_fault

    weighing = Weighing(found.folder)
    return {
        id(fault): weighing.of(fault.rests_on, fault.changes, cause_of_fault(fault.what), fault.file)
        for fault in found.faults
        if fault.rests_on
    }


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


def _tell(found: Checked, rests: dict[int, Consequences], place: str) -> None:
    listed: set[Affected] = set()
    way = f"{place}/" if place else ""
    for fault in found.faults:
        row(f"{way}{fault.file}: {fault.what}: {fault.message}")
        for change in fault.changes:
            row(f"  line {change.now or change.before}: {change.what}")
        if id(fault) in rests:
            show(rests[id(fault)], listed)
    for session, good in found.good.items():
        tell(f"session {session}: {counted(good, 'file as it was signed', 'files as they were signed')}")
    for name in found.not_covered:
        tell(f"{way}{name}: not covered by the signature: a link that leads out of the folder, or a file without a digest")
    for one in found.listed:
        tell(f"{way}{one.file}: not signed: {one.reason}")
    if found.head:
        tell(f"head{f' of {place}' if place else ''}: {found.head}")


def show(consequences: Consequences, listed: set[Affected]) -> None:
    """Print the results that a fault invalidates, with action and chain. What an earlier fault listed is only counted; *listed* grows."""
    again = [one for one in consequences.affected if one in listed]
    for one in consequences.affected:
        if one not in listed:
            row(f"  invalidates {one.text}: {one.action}{f' ({one.settle})' if one.settle else ''}")
            if one.chain != one.name:
                row(f"    {one.chain}")
    if again:
        row(f"  invalidates {len(again):,} result{'s' if len(again) > 1 else ''} listed above")
    listed.update(consequences.affected)


def as_json(consequences: Consequences | None) -> dict[str, Any] | None:
    """Return what a fault invalidates: files, models and scores, and each with chain and action under `affected`."""
    if consequences is None:
        return None
    files = [{"file": one.name, "records": one.records, "of": one.of} for one in consequences.of_kind("file") if one.records]
    scores = [{"measure": one.name, "value": one.value, "report": one.report} for one in consequences.of_kind("score")]
    return {"files": files, "models": list(consequences.models), "scores": scores, **consequences.detail()}


def _json(found: Checked, rests: dict[int, Consequences]) -> dict[str, object]:
    faults = [_fault(fault) | {"invalidates": as_json(rests.get(id(fault)))} for fault in found.faults]
    return {
        "folder": str(found.folder),
        "verified": not faults,
        "head": found.head,
        "good": found.good,
        "faults": faults,
        "not_covered": list(found.not_covered),
        "not_signed": [{"file": one.file, "reason": one.reason} for one in found.listed],
    }


def _fault(fault: Fault) -> dict[str, object]:
    changes = [{"what": change.what, "before": change.before, "now": change.now} for change in fault.changes]
    return {"what": fault.what, "file": fault.file, "session_id": fault.session_id, "message": fault.message, "changes": changes}
