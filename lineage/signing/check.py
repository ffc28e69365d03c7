"""Signatures against a public key and the disk.  Reads everything, believes no cache, changes nothing.

`checked` is eight steps, each a function that yields faults; the order of the steps is the order of trust: what was not signed is not read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage.capture.files import digest
from lineage.capture.places import inside, leads_out, own
from lineage.contract import journal, manifest
from lineage.contract.lines import holds_records
from lineage.errors import FormatError, NotFoundError, UsageError
from lineage.facts import Artifact, Session
from lineage.integrity import index
from lineage.integrity.differences import Change
from lineage.integrity.verify import changes_of
from lineage.signing import envelope, statement
from lineage.signing.chain import Break, Signed, breaks
from lineage.signing.reports import metrics_changed
from lineage.signing.statement import SUFFIX, Statement, prov_files, recorded
from lineage.signing.strangers import strangers

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that does not hold, and the digests on which other things rest that do not hold either then."""

    what: str  # "altered", "missing", "added", "moved", "replaced", "bad-signature", "bad-statement", "unsigned", "misplaced", or of chain.Break
    file: str  # relative to the folder
    message: str
    session_id: str | None = None
    changes: tuple[Change, ...] = ()  # the lines, where a sidecar from before could name them
    rests_on: tuple[str, ...] = ()  # SHA-256 of what was signed and is not there as it was


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found; `good` are the files that hold, by session."""

    folder: Path
    faults: tuple[Fault, ...]
    good: dict[str, int] = field(default_factory=dict)
    head: str | None = None  # the digest of the last signature: to be kept elsewhere, and given to the next check


def checked(where: Path, key: Ed25519PublicKey, *, head: str | None = None) -> Checked:
    """Check the signatures of a folder, or that of one manifest.

    Args:
        head: the digest of a signature that was the last once; without it nobody can see that the sessions at the end are gone.

    Raises NotFoundError when there is no such folder or manifest, or nothing in it: what is empty is not verified. UsageError: a head, and no folder.
    """
    if not where.exists():
        raise NotFoundError("no such folder or manifest", at=str(where), hint="name the folder that holds the session manifests")
    if head is not None and not where.is_dir():
        raise UsageError("a head is of a folder", at=str(where), hint="the chain is checked with all of its sessions")
    checking = _Checking(where if where.is_dir() else where.parent, key, None if where.is_dir() else where)
    faults = [*checking.signatures()]  # 1 signatures, 2 statements, 3 each where it belongs
    if not checking.signed and not checking.sessions and not faults:
        raise NotFoundError("no session and no signature is there", at=str(where), hint="name the folder that holds the session manifests")
    for one in checking.chosen:
        faults += checking.files(one)  # 4 every file against its digest, 5 the lines against their root
        faults += checking.more(one)  # 6 journals and PROV that were not signed
    if where.is_dir():
        faults += checking.unsigned()  # 7 sessions and files that no signature covers
        faults += (_of_break(one, checking) for one in breaks(checking.signed, head))  # 8 the chain
    ends = [one.envelope.sha256 for one in checking.signed[-1:]]
    return Checked(folder=checking.folder, faults=_once(faults), good=checking.good, head=ends[0] if ends else None)


def _once(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    """A file that several sessions signed is told of once."""
    return tuple({(one.what, one.file, one.message): one for one in reversed(faults)}.values())[::-1]


def _places(signed: Sequence[tuple[str, str]]) -> set[str]:
    """The folders in which signed files lie, but for the one of the sessions."""
    return {name.rpartition("/")[0] for name, _ in signed if "/" in name}


def _above(name: str) -> Iterator[str]:
    """The folders over a file, the nearest first."""
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def _of_break(one: Break, checking: _Checking) -> Fault:
    return Fault(
        what=one.what, file=one.file or ".", message=one.message, session_id=one.session_id, rests_on=checking.made_by(one.session_id)
    )


class _Checking:
    """One check of a folder."""

    def __init__(self, folder: Path, key: Ed25519PublicKey, only: Path | None) -> None:
        self.folder, self._key, self._only = folder, key, only
        self.signed: list[Signed] = []
        self.good: dict[str, int] = {}
        self._refused: set[str] = set()  # manifests whose signature does not hold: that is told once

    @property
    def chosen(self) -> list[Signed]:
        return [one for one in self.signed if self._only is None or one.statement.manifest == self._only.name]

    @cached_property
    def sessions(self) -> dict[str, Session]:
        """What the manifests say, by the name of the manifest."""
        return {path.name: session for path in statement.manifests(self.folder) for session in [manifest.read(path)[0]] if session}

    def signatures(self) -> Iterator[Fault]:
        """Each envelope under the key, its statement, and whether it lies where the signature of its session lies."""
        paths = sorted(self.folder.glob(f"session_*{SUFFIX}"))
        envelope_ = None if self._only is None else statement.envelope_path(self.folder, manifest.session_id_of(self._only))
        if envelope_ is not None and envelope_ not in paths:
            yield Fault(what="unsigned", file=self._only.name if self._only else "", message=f"there is no signature {envelope_.name}")
        for path in paths:
            fault = self._signature(path)
            if fault and envelope_ in (None, path):
                yield fault
        self.signed.sort(key=lambda one: (one.statement.position, one.file))

    def _signature(self, path: Path) -> Fault | None:
        try:
            found = envelope.read(path)
            problem = envelope.foreign(found, self._key)
            said = None if problem else statement.read(found.payload, path.name)
        except (FormatError, OSError) as error:
            problem, said = str(error), None
        if problem or said is None or found.payload_type != envelope.IN_TOTO:
            return self._refuse(path, problem or "the payload is no in-toto statement")
        if path != statement.envelope_path(self.folder, said.session_id):
            self._refuse(path, "")
            return Fault(what="misplaced", file=path.name, message=f"it is the signature of session {said.session_id}", session_id=said.session_id)  # fmt: skip
        self.signed.append(Signed(path.name, said, found))
        return None

    def _refuse(self, path: Path, problem: str) -> Fault:
        fitting = [name for name, one in self.sessions.items() if statement.envelope_path(self.folder, one.id) == path]
        self._refused |= set(fitting)
        rests = tuple(one.sha256 or "" for name in fitting for one in recorded(self.sessions[name]))
        id_ = self.sessions[fitting[0]].id if fitting else None
        return Fault(what="bad-signature", file=path.name, message=problem, session_id=id_, rests_on=rests)

    def made_by(self, session_id: str | None) -> tuple[str, ...]:
        """The digests of all that a session recorded, if it still tells."""
        return tuple(one.sha256 or "" for told in self.sessions.values() if told.id == session_id for one in recorded(told))

    # --- files

    def files(self, one: Signed) -> Iterator[Fault]:
        """Every file that was signed, as it is now."""
        for name, expected in sorted(
            one.statement.subjects.items(), key=lambda subject: (subject[0] != one.statement.manifest, subject[0])
        ):
            fault = self._file(name, expected, one.statement)
            if fault:
                yield fault
            else:
                self.good[one.statement.session_id] = self.good.get(one.statement.session_id, 0) + 1

    def _file(self, name: str, expected: str, said: Statement) -> Fault | None:
        path = inside(self.folder, name)
        facts: dict[str, Any] = {"file": name, "session_id": said.session_id, "rests_on": self._rests_on(name, expected, said)}
        if path is None:
            return Fault(what="outside", message="the name leads out of the folder", **facts)
        if not os.path.isfile(path):  # noqa: PTH113  # never raises, whatever the name
            return self._gone(expected, facts)
        try:
            found = index.build(path, keep=False) if name in said.trees else None
            sha256 = found.sha256 if found else digest(path, recheck=True)[0]
        except OSError as error:
            return Fault(what="missing", message=f"it cannot be read: {error.strerror}", **facts)
        tree = said.trees.get(name)
        if sha256 == expected and (tree is None or found is None or (tree.lines, tree.merkle_root) == (found.lines, found.merkle_root)):
            return None
        return self._altered(path, name, expected, sha256, said, facts)

    def _gone(self, expected: str, facts: dict[str, Any]) -> Fault:
        """Missing; or there under another name, as its digest tells."""
        for name in self._strange:
            if self._digest(name) == expected:
                return Fault(what="moved", message=f"it is called {name} now", **facts)
        return Fault(what="missing", message="it was signed, and is gone", **facts)

    def _altered(self, path: Path, name: str, expected: str, sha256: str, said: Statement, facts: dict[str, Any]) -> Fault:
        other = next(
            (file for one in self.signed for file, known in one.statement.subjects.items() if known == sha256 and file != name), None
        )
        if other:
            return Fault(what="replaced", message=f"what lies there is {other}", **facts)
        changes: tuple[Change, ...] = ()
        detail = ""
        if holds_records(path):
            tree = said.trees.get(name)
            signed = Artifact(path=name, type="", sha256=expected, merkle_root=tree.merkle_root if tree else None)
            changes, detail = changes_of(path, signed)
        elif name == said.manifest:
            detail = "; ".join(self._names_changed(said))
        elif path.suffix == ".json":
            detail = "; ".join(metrics_changed(path, name, self.sessions.get(said.manifest)))
        message = f"signed as {expected[:16]}…, now {sha256[:16]}…{'; ' + detail if detail else ''}"
        return Fault(what="altered", message=message, changes=changes, **facts)

    def _rests_on(self, name: str, expected: str, said: Statement) -> tuple[str, ...]:
        """A file is what rests on it; a manifest or journal is all that it tells of; PROV is derived, and nothing rests on it."""
        kind = said.kinds.get(name)
        if kind in ("manifest", "journal"):
            return tuple(digest_ for file, digest_ in said.subjects.items() if said.kinds.get(file) not in ("manifest", "journal", "prov"))
        return () if kind == "prov" else (expected,)

    def _names_changed(self, said: Statement) -> Iterator[str]:
        """File names in a manifest that are not those that were signed."""
        told = self.sessions.get(said.manifest)
        if told is None:
            yield "it can no longer be read"
            return
        if told.id != said.session_id:
            yield f"session_id was {said.session_id}"
        named = {one.path: one.sha256 for one in recorded(told)}
        signed = {name: one for name, one in said.subjects.items() if said.kinds.get(name) not in ("manifest", "journal", "prov")}
        for name in sorted(signed.keys() - named.keys()):
            now = next((other for other, one in named.items() if one == signed[name] and other not in signed), None)
            yield f"it calls {name} {now} now" if now else f"it no longer names {name}"
        yield from (f"it records another digest for {name}" for name in sorted(signed.keys() & named.keys()) if named[name] != signed[name])

    # --- what was not signed

    def more(self, one: Signed) -> Iterator[Fault]:
        """Files of the session that came after its signature and would be read with it."""
        said = one.statement
        told = journal.journals(self.folder, manifest.session_id_of(self.folder / said.manifest))
        for path in told:
            if path.name not in said.subjects:
                rests = self._rests_on(said.manifest, "", said)
                yield Fault(
                    what="added", file=path.name, message="a journal that was not signed", session_id=said.session_id, rests_on=rests
                )
        for path in prov_files(self.folder, said.session_id):
            if path.name not in said.subjects:
                yield Fault(what="added", file=path.name, message="PROV that was not signed", session_id=said.session_id)
        yield from self._came_back(said)
        for name, other in self.sessions.items():
            if other.id == said.session_id and name != said.manifest:
                yield Fault(
                    what="added", file=name, message="it claims a session that another manifest was signed for", session_id=other.id
                )

    def _came_back(self, said: Statement) -> Iterator[Fault]:
        """Files that the manifest records and that were not here when it was signed: what lies there now is held against the manifest."""
        told: dict[str, set[str]] = {}
        for one in recorded(self.sessions[said.manifest]) if said.manifest in self.sessions else ():
            told.setdefault(one.path, set()).add(one.sha256 or "")
        for name in sorted(told.keys() - said.subjects.keys()):
            path = own(self.folder, name)
            if path is None and os.path.lexists(self.folder / name) and not leads_out(name):
                yield Fault(
                    what="outside", file=name, message="it is no file of the folder, or a link leads out", session_id=said.session_id
                )
            if path and self._digest(name) not in told[name]:
                message = "it was not here when the session was signed, and is not what was recorded"
                yield Fault(what="altered", file=name, message=message, session_id=said.session_id, rests_on=tuple(sorted(told[name])))

    def unsigned(self) -> Iterator[Fault]:
        """Sessions without a signature, and files that neither a signature nor a manifest names."""
        covered = {one.statement.manifest for one in self.signed} | self._refused
        for name, session in self.sessions.items():
            if name not in covered:
                rests = tuple(one.sha256 or "" for one in recorded(session))
                yield Fault(what="unsigned", file=name, message="the session has no signature", session_id=session.id, rests_on=rests)
        yield from self._journals()
        yield from self._added()

    def _added(self) -> Iterator[Fault]:
        """Files that nobody vouches for, anywhere in the folder: a model reads whatever lies in its folder."""
        signed = [pair for one in self.signed for pair in one.statement.subjects.items()]
        moved = {digest_ for name, digest_ in signed if not own(self.folder, name)}
        beside = {place: tuple(sorted({one for name, one in signed if name.rpartition("/")[0] == place})) for place in _places(signed)}
        for name in self._strange:
            if moved and self._digest(name) in moved:
                continue
            rests = next((beside[place] for place in _above(name) if place in beside), ())
            message = "it lies beside files that were signed, and was not" if rests else "no signature and no manifest names it"
            yield Fault(what="added", file=name, message=message, rests_on=rests)

    def _digest(self, name: str) -> str | None:
        path = own(self.folder, name)
        try:
            return digest(path, recheck=True)[0] if path else None
        except OSError:  # it cannot be read: so it is none that is known
            return None

    @cached_property
    def _strange(self) -> list[str]:
        """Files without a fault of their own that are in no signature and no manifest."""
        envelopes = {path.name for path in self.folder.glob(f"session_*{SUFFIX}")}
        journals_ = {path.name for path in self.folder.glob("session_journal_*")}
        prov = {path.name for one in self._told_unsigned for path in prov_files(self.folder, one.id)}
        prov |= {path.name for one in self.signed for path in prov_files(self.folder, one.statement.session_id)}
        return strangers(self.folder, self._known | envelopes | journals_ | prov | self.sessions.keys())

    def _journals(self) -> Iterator[Fault]:
        """Journals that no signature covers, whatever session their name says: each would be read as a session, or as a part of one."""
        signed = {name for one in self.signed for name in one.statement.subjects}
        told = {
            path.name for one in self.signed for path in journal.journals(self.folder, manifest.session_id_of(Path(one.statement.manifest)))
        }
        refused = {path.name for name in self._refused for path in journal.journals(self.folder, manifest.session_id_of(Path(name)))}
        for path in sorted(self.folder.glob("session_journal_*")):
            if path.name not in signed | told | refused:
                yield Fault(what="unsigned", file=path.name, message="a journal that no signature covers")

    @cached_property
    def _known(self) -> frozenset[str]:
        signed = {name for one in self.signed for name in one.statement.subjects}
        return frozenset(signed | {one.path for session in self.sessions.values() for one in recorded(session)})

    @property
    def _told_unsigned(self) -> Sequence[Session]:
        """Sessions whose own word is all there is of them."""
        covered = {one.statement.manifest for one in self.signed}
        return [session for name, session in self.sessions.items() if name not in covered]
