"""Take the digests of files that a killed process made, as the process would have done at its end.

The entries come from a folder that a stranger may have made. Only a regular file of the folder is opened, and over no link.
"""

from __future__ import annotations

import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path, PurePosixPath
from typing import Any

from lineage.capture import files
from lineage.capture.places import inside
from lineage.contract import journal, manifest
from lineage.contract.lines import holds_records
from lineage.errors import LineageError
from lineage.facts import Artifact, Gap
from lineage.findings import Finding, finding
from lineage.intake import Taken, Wanted, take_in

Entry = Mapping[str, Any]
OURS = (manifest.PREFIX, journal.PREFIX)  # these files are written by us, and are the output of no run
TOLD = ("truncated-line", "bad-compression", "unreadable")  # what a kill leaves in a file of records
ADDED = ("sha256", "bytes", "count", "lines", "merkle_root", "slices")


def lacking(entries: object) -> Iterator[Entry]:
    """Return the entries of `artifacts_generated` that have no digest, and no reason for it."""
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("file"), str) and entry.get("sha256") is None:
            gaps = entry.get("gaps")
            if not (isinstance(gaps, dict) and "sha256" in gaps):
                yield entry


def incomplete(entries: object, unclosed: Collection[str]) -> Iterator[Entry]:
    """Return the entries of `artifacts_generated` that lack a digest, and those of records that killed processes left *unclosed*."""
    yield from lacking(entries)
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("file") in unclosed and entry.get("sha256") is not None:
            yield entry


class Digesting:
    """Complete the entries of one folder.

    Attributes:
        findings: What is wrong with the files that were looked at.
    """

    def __init__(self, folder: Path, elsewhere: Collection[str], reason: str) -> None:
        """Start.

        Args:
            folder: Where the files are.
            elsewhere: Files that other sessions of the folder say they made.
            reason: Why the writer of the files did not record them itself.
        """
        self.findings: list[Finding] = []
        self._folder, self._elsewhere, self._reason = folder, elsewhere, reason

    def completed(self, entry: Entry) -> dict[str, Any] | None:
        """Return *entry* with digest, size, and for records their count, slices and root; None if the file gives none."""
        path = self._file(entry["file"])
        if path is None:
            return None
        try:
            made = self._records(path, entry["file"]) if holds_records(path) else self._plain(path, entry["file"])
        except OSError as error:
            self._tell("unreadable", entry["file"], error.strerror or "")
            return None
        told = manifest.artifact_json(replace(made, gaps=(Gap("timestamp", self._reason),)))
        gaps = entry["gaps"] if isinstance(entry.get("gaps"), dict) else {}
        return {**entry, **{key: told[key] for key in ADDED if key in told}, "gaps": {**gaps, **told["gaps"]}}

    def _plain(self, path: Path, name: str) -> Artifact:
        sha256, size = files.digest(path, recheck=True)
        return Artifact(path=name, type="", sha256=sha256, bytes=size)

    def _records(self, path: Path, name: str) -> Artifact:
        try:
            ((_, found),) = take_in([Wanted(path, name, legacy=True)], recheck=True, sidecars="replace")
        except LineageError as error:
            self._tell("unreadable", name, error.message)
            return self._plain(path, name)
        if not isinstance(found, Taken):
            raise found
        self.findings += [one for one in found.scan.findings if one.code in TOLD]
        return Artifact(path=name, type="", count=found.scan.count, slices=found.scan.slices, **asdict(found.seal))

    def _file(self, name: str) -> Path | None:
        """The file of an entry, if it is there and is one of this session; what is wrong with it is a finding."""
        path = inside(self._folder, name)
        if path is None or name == "." or PurePosixPath(name).as_posix() != name or _is_over_link(self._folder, name):
            self._tell("outside-folder", name, "no plain path of the folder, or a link")
            return None
        try:
            mode = path.lstat().st_mode
        except OSError:  # it was announced, and its process ended before it was begun
            return None
        if name.startswith(OURS):
            self._tell("bad-manifest", name, "artifacts_generated: it is no output of a run")
            return None
        if name in self._elsewhere:
            self._tell("listed-twice", name, "another session made it, and recorded its digest")
            return None
        if not stat.S_ISREG(mode):
            if not stat.S_ISDIR(mode):
                self._tell("unreadable", name, "not a regular file")
            return None
        return path

    def _tell(self, code: str, name: str, detail: str) -> None:
        self.findings.append(finding(code, name, None, detail))


def _is_over_link(folder: Path, name: str) -> bool:
    parts = PurePosixPath(name).parts
    return any(folder.joinpath(*parts[:end]).is_symlink() for end in range(1, len(parts) + 1))
