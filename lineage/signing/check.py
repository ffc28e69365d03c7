"""Signatures against a public key and the disk.  Reads everything, believes no cache unless it is given one, changes nothing.

`checked` is nine steps, each a function that yields faults; the order of the steps is the order of trust: under a key, what was not signed is not read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lineage.contract import journal, manifest
from lineage.errors import FormatError, NotFoundError, UsageError
from lineage.signing import envelope, statement
from lineage.signing.chain import Break, Signed, breaks
from lineage.signing.held import held, indexes, links
from lineage.signing.listed import Unsigned, listed
from lineage.signing.seen import AFRESH, Fault, Reader, Seen
from lineage.signing.statement import SUFFIX, made
from lineage.signing.uncovered import more, not_covered, unsigned

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found; `good` are the files that hold, by session."""

    folder: Path
    faults: tuple[Fault, ...]
    good: dict[str, int] = field(default_factory=dict)
    head: str | None = None  # the digest of the last signature: to be kept elsewhere, and given to the next check
    signed: tuple[Signed, ...] = ()  # the signatures that hold, in the order of the chain
    unsigned: int = 0  # sessions without one
    listed: tuple[Unsigned, ...] = ()  # under a key: files that are not signed and are no fault, each with the reason
    not_covered: tuple[str, ...] = ()  # files of signed sessions that no signature covers: behind links that lead out, or without a digest


def checked(
    where: Path, key: Ed25519PublicKey | None, *, head: str | None = None, reader: Reader = AFRESH, apart: Collection[str] = ()
) -> Checked:  # fmt: skip
    """Check the signatures of a folder, or that of one manifest.

    Args:
        key: whose signatures they should be. Without it is checked what can be: the form of the envelopes, the files and the chain; not by whom they
            are, and nothing is said of what nobody signed.
        head: the digest of a signature that was the last once; without it nobody can see that the sessions at the end are gone.
        reader: how files are looked at; each is read from end to end if none is given.
        apart: folders inside the folder, by their path from there, that are checked by themselves.

    Raises NotFoundError when there is no such folder or manifest, or nothing in it: what is empty is not verified. UsageError: a head that is none, or no folder's.
    """
    if not where.exists():
        raise NotFoundError("no such folder or manifest", at=str(where), hint="name the folder that holds the session manifests")
    _sound(where, head)
    checking = _Checking(Seen(where if where.is_dir() else where.parent, reader, apart), key, None if where.is_dir() else where)
    faults, seen = [*checking.signatures()], checking.seen  # 1 signatures, 2 statements, 3 each where it belongs
    if not (seen.signed or seen.sessions or faults or any(name.startswith(journal.PREFIX) for name in seen.names)):
        raise NotFoundError("no session and no signature is there", at=str(where), hint="name the folder that holds the session manifests")
    for one in checking.chosen:
        faults += checking.files(one)  # 4 every file against its digest, 5 the lines against their root
        faults += links(seen, one.statement)  # and every link that leads out
        faults += more(seen, one.statement)  # 6 journals and PROV that were not signed
        faults += indexes(seen, one.statement)  # 7 indexes whose rows are not those of their files
    if where.is_dir():
        faults += unsigned(seen) if key else ()  # 8 sessions and files that no signature covers
        faults += (_of_break(one, seen) for one in breaks(seen.signed, head))  # 9 the chain
    return checking.answer(faults)


def envelopes(folder: Path) -> list[Path]:
    """Whatever lies in *folder* and is called as a signature is, sorted."""
    return sorted(folder.glob(f"session_*{SUFFIX}"))


def _sound(where: Path, head: str | None) -> None:
    if head is not None and not where.is_dir():
        raise UsageError("a head is of a folder", at=str(where), hint="the chain is checked with all of its sessions")
    if head is not None and not re.fullmatch("[0-9a-f]{64}", head):
        raise UsageError("a head is 64 hex digits", hint="lineage sign and lineage verify tell it")


def _once(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    """A file that several sessions signed is told of once."""
    return tuple({(one.what, one.file, one.message): one for one in reversed(faults)}.values())[::-1]


def _of_break(one: Break, seen: Seen) -> Fault:
    rests, message = seen.made_by(one.session_id), one.message
    if one.what == "gap" and one.session_id in seen.claims:  # only the envelope is gone
        name = statement.envelope_path(seen.folder, one.session_id or "").name
        message = f"the signature before it, {name}, is gone; the manifest of session {one.session_id} is here"
    return Fault(what=one.what, file=one.file or ".", message=message, session_id=one.session_id, rests_on=rests)


class _Checking:
    """One check of a folder."""

    def __init__(self, seen: Seen, key: Ed25519PublicKey | None, only: Path | None) -> None:
        self.seen, self._key, self._only = seen, key, only
        self._good: dict[str, int] = {}

    @property
    def chosen(self) -> list[Signed]:
        """The signatures that were asked about."""
        return [one for one in self.seen.signed if self._only is None or one.statement.manifest == self._only.name]

    def signatures(self) -> Iterator[Fault]:
        """Each envelope under the key, its statement, and whether it lies where the signature of its session lies."""
        folder, paths = self.seen.folder, envelopes(self.seen.folder)
        mine = None if self._only is None else statement.envelope_path(folder, manifest.session_id_of(self._only))
        if mine is not None and mine not in paths:
            yield Fault(what="unsigned", file=self._only.name if self._only else "", message=f"there is no signature {mine.name}")
        for path in paths:
            fault = self._signature(path)
            if fault and mine in (None, path):
                yield fault
        self.seen.signed.sort(key=lambda one: (one.statement.position, one.file))

    def _signature(self, path: Path) -> Fault | None:
        try:
            found = envelope.read(path)
            problem = envelope.foreign(found, self._key) if self._key else None
            said = None if problem else statement.read(found.payload, path.name)
        except FormatError as error:
            return self._refuse(path, f"{error.message} ({error.hint})")
        except OSError as error:
            return self._refuse(path, f"it cannot be read: {error.strerror}")
        if problem or said is None or found.payload_type != envelope.IN_TOTO:
            return self._refuse(path, problem or "the payload is no in-toto statement")
        if path != statement.envelope_path(self.seen.folder, said.session_id):
            self._refuse(path, "")
            return Fault(what="misplaced", file=path.name, message=f"it is the signature of session {said.session_id}", session_id=said.session_id)  # fmt: skip
        self.seen.signed.append(Signed(path.name, said, found))
        return None

    def _refuse(self, path: Path, problem: str) -> Fault:
        seen = self.seen
        fitting = [name for name, one in seen.sessions.items() if statement.envelope_path(seen.folder, one.id) == path]
        seen.refused |= set(fitting)
        rests = tuple(digest for name in fitting for digest in made(seen.sessions[name]))
        id_ = seen.sessions[fitting[0]].id if fitting else None
        return Fault(what="bad-signature", file=path.name, message=problem, session_id=id_, rests_on=rests)

    def files(self, one: Signed) -> Iterator[Fault]:
        """Every file that was signed, as it is now."""
        for fault in held(self.seen, one.statement):
            if fault:
                yield fault
            else:
                self._good[one.statement.session_id] = self._good.get(one.statement.session_id, 0) + 1

    def answer(self, faults: Sequence[Fault]) -> Checked:
        """All that was found."""
        seen = self.seen
        signed = {one.statement.manifest for one in seen.signed} | seen.refused
        told = {"signed": tuple(seen.signed), "unsigned": len(seen.sessions.keys() - signed)}
        told |= {"not_covered": tuple(sorted({name for one in self.chosen for name in not_covered(seen, one.statement)}))}
        told |= {"listed": listed(seen) if self._key and self._only is None else ()}
        head = seen.signed[-1].envelope.sha256 if seen.signed else None
        return Checked(folder=seen.folder, faults=_once(faults), good=self._good, head=head, **told)  # type: ignore[arg-type]
