"""A file against what its manifest recorded.  Always reads the whole file: no cache is believed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lineage.contract.around import recorded_as, sessions_around
from lineage.core.words import counted
from lineage.errors import FormatError, NotFoundError
from lineage.facts import Artifact
from lineage.integrity import index
from lineage.integrity.differences import Change, differences


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a file is, held against its record."""

    file: Path
    status: Literal["intact", "altered", "unrecorded"]
    found: index.Seal
    recorded: Artifact | None  # as the manifest has it
    changes: tuple[Change, ...] = ()  # the lines, where a sidecar from before could name them
    note: str = ""  # why lines could not be named, or what the verdict rests on


def verify(file: Path, found: index.Seal | None = None) -> Verdict:
    """Hold *file*, or what was *found* of it just now, against the manifest that names it: the root and number of lines, else the digest.

    Raises:
        NotFoundError: there is no such file. OSError: it cannot be read. UnpackingError: it is not what its name says.
    """
    if not file.is_file():
        raise NotFoundError("no such file", at=str(file))
    found = found or index.build(file, keep=False)
    _, recorded = recorded_as(file, *sessions_around(file))
    if recorded is None or recorded.sha256 is None:
        return _against_sidecar(file, found)
    if _same(found, recorded):
        return Verdict(file=file, status="intact", found=found, recorded=recorded, note=f"as recorded, {counted(found.lines, 'line')}")
    changes, note = changes_of(file, recorded)
    return Verdict(file=file, status="altered", found=found, recorded=recorded, changes=changes, note=note)


def _same(found: index.Seal, recorded: Artifact) -> bool:
    if found.sha256 != recorded.sha256:
        return False
    return recorded.merkle_root in (None, found.merkle_root) and recorded.lines in (None, found.lines)


def _against_sidecar(file: Path, found: index.Seal) -> Verdict:
    """No manifest speaks of the file: a sidecar can still tell whether it is what was indexed, which proves less."""
    facts = {"file": file, "found": found, "recorded": None}
    seen, problem = _sidecar(file)
    if seen is None:
        return Verdict(status="unrecorded", note=problem or "no manifest and no sidecar tells what it was", **facts)  # type: ignore[arg-type]
    if seen.seal == found:
        note = "no manifest tells of it; it is what its sidecar was made from"
        return Verdict(status="unrecorded", note=note, **facts)  # type: ignore[arg-type]
    changes = tuple(differences(seen.fingerprints(), index.fingerprints(file)))
    return Verdict(status="altered", changes=changes, note="held against its sidecar: no manifest tells of it", **facts)  # type: ignore[arg-type]


def changes_of(file: Path, recorded: Artifact) -> tuple[tuple[Change, ...], str]:
    """Which lines changed, by the sidecar of the file that was recorded; else why they cannot be named."""
    seen, problem = _sidecar(file)
    if seen is None:
        return (), problem or "the lines cannot be named: the file has no sidecar"
    if seen.seal.sha256 != recorded.sha256 or recorded.merkle_root not in (None, seen.seal.merkle_root):
        return (), "the lines cannot be named: the sidecar is of another file than the manifest's"
    changes = tuple(differences(seen.fingerprints(), index.fingerprints(file)))
    return changes, "" if changes else "the lines cannot be named: the sidecar has the same fingerprints"


def _sidecar(file: Path) -> tuple[index.Index | None, str]:
    try:
        return index.read(file), ""
    except (FormatError, OSError) as error:
        return None, f"the lines cannot be named: {error}"
