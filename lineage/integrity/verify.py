"""A file against what its manifest recorded.  Always reads the whole file: no cache is believed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lineage.contract.around import recorded_as, sessions_around
from lineage.core.reading import is_file
from lineage.core.words import counted
from lineage.errors import FormatError, NotFoundError
from lineage.facts import Artifact
from lineage.integrity import index
from lineage.integrity.differences import Change, can_be_named, differences


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a file is, held against its record."""

    file: Path
    status: Literal["intact", "altered", "unrecorded"]
    found: index.Seal
    recorded: Artifact | None  # as the manifest has it
    changes: tuple[Change, ...] = ()  # the lines, where a sidecar from before could name them
    note: str = ""  # why lines could not be named, or what the verdict rests on
    index_problem: str = ""  # why the sidecar is not the file's, although it says that it is


def verify(file: Path, found: index.Seal | None = None) -> Verdict:
    """Hold *file*, or what was *found* of it just now, against the manifest that names it: the root and number of lines, else the digest.

    Raises:
        NotFoundError: there is no such file. OSError: it cannot be read. UnpackingError: it is not what its name says.
    """
    if not is_file(file):
        raise NotFoundError("no such file", at=str(file))
    found = found or index.build(file, keep=False)
    _, recorded = recorded_as(file, *sessions_around(file))
    if recorded is None or recorded.sha256 is None:
        return _against_sidecar(file, found)
    if _same(found, recorded):
        note, problem = f"as recorded, {counted(found.lines, 'line')}", index_problem(file, found)
        return Verdict(file=file, status="intact", found=found, recorded=recorded, note=note, index_problem=problem)
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
        return Verdict(status="unrecorded", note=note, index_problem=index_problem(file, found), **facts)  # type: ignore[arg-type]
    changes, problem = _named(file, seen, found.lines)
    note = f"held against its sidecar: no manifest tells of it{f'; {problem}' if problem else ''}"
    return Verdict(status="altered", changes=changes, note=note, **facts)  # type: ignore[arg-type]


def changes_of(file: Path, recorded: Artifact) -> tuple[tuple[Change, ...], str]:
    """Which lines changed, by the sidecar of the file that was recorded; else why they cannot be named."""
    seen, problem = _sidecar(file)
    if seen is None:
        return (), problem or "the lines cannot be named: the file has no sidecar"
    if not _is_of(seen.seal, recorded):
        return (), "the lines cannot be named: the sidecar is of another file than the manifest's"
    changes, problem = _named(file, seen, None)
    if changes or problem:
        return changes, problem
    return (), "the lines cannot be named: the sidecar has the same fingerprints"


def _is_of(seal: index.Seal, recorded: Artifact) -> bool:
    """Does the sidecar claim to be of the file that was recorded, in every number that the manifest has?"""
    pairs = (
        (seal.sha256, recorded.sha256),
        (seal.bytes, recorded.bytes),
        (seal.lines, recorded.lines),
        (seal.merkle_root, recorded.merkle_root),
    )
    return all(known in (None, claimed) for claimed, known in pairs)


def _named(file: Path, before: index.Index, lines: int | None) -> tuple[tuple[Change, ...], str]:
    """The changes of the lines, else why they are not named: there are far more in the sidecar than in the file, or the other way."""
    if lines is not None and not can_be_named(len(before), lines):
        return (), _too_many(len(before), lines)
    prints = index.fingerprints(file)
    if not can_be_named(len(before), len(prints)):
        return (), _too_many(len(before), len(prints))
    return tuple(differences(before.fingerprints(), prints)), ""


def _too_many(before: int, now: int) -> str:
    return f"the lines cannot be named: the sidecar tells of {before:,}, and the file has {now:,}"


def rows_problem(file: Path, sha256: str, rows_sha256: str) -> str:
    """Return why the sidecar of *file* is not the one of the bytes with the digest *sha256*, although it says that it is; "" where it is, or makes no such claim."""
    try:
        there = index.read(file)
    except FormatError as error:
        return error.message
    is_other = there is not None and there.seal.sha256 == sha256 and there.sha256() != rows_sha256
    return "its rows are not those of the file" if is_other else ""


def index_problem(file: Path, found: index.Seal) -> str:
    """Return why the sidecar of *file*, whose seal is *found*, is not what the file gives, although its header is. "" where it is, or makes no such claim."""
    try:
        there = index.read(file)
        if there is None or there.seal != found:
            return ""  # of another file, and not used: it names the lines of the file from before
        index.of_file(file, recheck=True)
    except FormatError as error:
        return error.message
    return ""


def _sidecar(file: Path) -> tuple[index.Index | None, str]:
    try:
        return index.read(file), ""
    except (FormatError, OSError) as error:
        return None, f"the lines cannot be named: {error}"
