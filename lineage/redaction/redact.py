"""A folder -> a copy of it that may be published.  Only reads the folder; the copy appears whole or not at all, and twice the same."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage.capture.files import digest
from lineage.capture.places import own
from lineage.contract import manifest, redacted, writing
from lineage.contract.below import nothing_recorded
from lineage.contract.lines import holds_records
from lineage.core.reading import is_folder
from lineage.core.words import counted
from lineage.core.writing import Pending, new_folder, replace_file
from lineage.errors import NotFoundError, UsageError
from lineage.export import export_folder
from lineage.facts import Artifact, Session
from lineage.folder import read_folder
from lineage.redaction import copies
from lineage.redaction.allowed import hash_or_none
from lineage.redaction.facts import Redactor
from lineage.signing.statement import envelope_path

FORMAT = "lineage-redaction 1"


@dataclass(frozen=True, slots=True)
class Redaction:
    """What was published, under its new name, and what was not: {name: "records", "report" or "withheld"}."""

    out: Path
    files: dict[str, str]
    notes: tuple[str, ...] = ()


def redact(folder: Path, out: Path, *, leaves: bool = True) -> Redaction:
    """Write a copy of *folder* to *out*, which must not be there, without users, hosts, paths, prompts and responses.

    Files keep the digests and Merkle roots of their originals, so proofs still hold (`lineage verify`), and the PROV of the copy is valid.
    Without *leaves* a record keeps no commitment: none can be confirmed by guessing it, and none proved from the copy alone.

    Raises:
        NotFoundError: no such folder. NothingRecordedError: no session in it. UsageError: *out* is there already, or a line of a file cannot be held.
    """
    if not is_folder(folder):
        raise NotFoundError("no such folder", at=str(folder), hint="name the folder that holds the session manifests")
    if os.path.lexists(out):
        raise UsageError("it is there already", at=str(out), hint="a copy is written where nothing is")
    with new_folder(out) as temporary:
        made = _Copying(folder, temporary, leaves).run()
    return Redaction(out, {one["file"]: one["what"] for one in made.rows}, tuple(made.notes))


class _Copying:
    """One copy of a folder."""

    def __init__(self, folder: Path, out: Path, leaves: bool) -> None:
        self._folder, self._out, self._leaves = folder, out, leaves
        sessions, _ = read_folder(folder)
        self._sessions = [one for one in sessions if one.manifest]
        if not self._sessions:
            raise nothing_recorded(folder, recursive="")
        self.rows: list[dict[str, Any]] = []
        self.notes = [f"{counted(len(one.artifacts), 'file')} that no manifest names are left out" for one in sessions if not one.manifest]

    def run(self) -> _Copying:
        """Files first, for a manifest says which of them are there."""
        files: dict[tuple[str, str | None], Artifact] = {}
        for one in (file for session in self._sessions for file in _files(session)):
            if one.activity is not None or (one.path, one.sha256) not in files:  # who made it knows more of it than who used it
                files[one.path, one.sha256] = one
        sound = frozenset(path for path, _ in files if self._is_published(files.values(), path))
        redactor = Redactor(sound)
        for one in files.values():
            self._file(one, redactor)
        for session in self._sessions:
            made = redactor.session(session)
            replace_file(manifest.path_of(self._out, made.id), writing.dumps(made), within=self._out)
        told = {"format": FORMAT, "sessions": [self._original(one, redactor) for one in self._sessions], "files": self.rows}
        replace_file(self._out / redacted.FILE, writing.as_bytes(told, indent=True) + b"\n", within=self._out)
        export_folder(self._out, graphs=self._out / "graphs")
        return self

    def _is_published(self, files: Iterable[Artifact], path: str) -> bool:
        """Records that a session made, and reports, where they are as recorded; of a path that had several contents, none."""
        there = own(self._folder, path)
        same = [one for one in files if one.path == path]
        if there is None or len(same) != 1 or same[0].activity is None:
            return False
        if digest(there, recheck=True)[0] != same[0].sha256:
            self.notes.append("a file that is not as it was recorded is left out: lineage verify tells which")
            return False
        return holds_records(there) or (there.suffix == ".json" and copies.report_of(there, Redactor()) is not None)

    def _file(self, one: Artifact, redactor: Redactor) -> None:
        name, source = redactor.names.file(one), self._folder / one.path
        row: dict[str, Any] = {"file": name, "what": "withheld", "sha256": hash_or_none(one.sha256)}
        if one.path in redactor.published:
            row["what"] = "records" if holds_records(source) else "report"
            with Pending(self._out / name, within=self._out) as pending:
                out = pending.file
                lines, root = copies.write_records(source, out, redactor, leaves=self._leaves) if row["what"] == "records" else (0, "")
                out.write(b"" if root else copies.report_of(source, redactor) or b"")
                pending.keep()
            if root and one.merkle_root not in (None, root):
                raise UsageError("the lines have not the root that was recorded", at=one.path, hint="lineage verify tells more")
            redactor.trees |= {one.path: (lines, root)} if root else {}
            row |= {"copy_sha256": digest(self._out / name, recheck=True)[0]} | (
                {"merkle_root": root, "leaves": self._leaves} if root else {}
            )
        self.rows.append(row)

    def _original(self, session: Session, redactor: Redactor) -> dict[str, Any]:
        """What names the original manifest and its signature to who has them."""
        names = {"manifest_sha256": session.manifest or "", "signature_sha256": envelope_path(self._folder, session.id).name}
        places = {key: own(self._folder, name) for key, name in names.items()}
        digests = {key: digest(place, recheck=True)[0] if place else None for key, place in places.items()}
        return {"session_id": redactor.names.session(session.id), **digests}


def _files(session: Session) -> Iterable[Artifact]:
    """Every file of a session: what it made, then what it used."""
    yield from session.artifacts
    for run in session.activities:
        yield from run.used
