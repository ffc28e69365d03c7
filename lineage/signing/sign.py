"""Sign the sessions of a folder.  Each signature names the one before it, so that a session which is taken away leaves a gap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lineage.capture.places import links_to, own
from lineage.contract import manifest
from lineage.contract.times import now
from lineage.contract.versions import Versions
from lineage.core.reading import is_folder, is_there
from lineage.core.writing import write_whole
from lineage.errors import NotFoundError, UsageError
from lineage.facts import Session
from lineage.folder import pick
from lineage.signing import envelope, statement
from lineage.signing.beside import beside
from lineage.signing.chain import Signed, last
from lineage.signing.envelope import Envelope
from lineage.signing.keys import private_key
from lineage.signing.statement import Before, Beside, Statement, envelope_path

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


CLOSE = "a killed one is finished by lineage session close"


@dataclass(frozen=True, slots=True)
class Signature:
    """What was signed: a session, where its envelope lies, and the digest of it that the next one will name."""

    session_id: str
    path: Path
    sha256: str
    files: int
    is_new: bool  # False: it was signed before, by this key, and nothing has changed


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A session that is not signed with its folder, and why."""

    session_id: str
    reason: str
    hint: str


def left_out(where: Path, exclude: Sequence[str] = ()) -> tuple[LeftOut, ...]:
    """Return the sessions of a folder that `sign` leaves out, the oldest first: those that run, those with files of no digest,
    and manifests and journals that cannot be read.

    Raises:
        NotFoundError: No such folder or manifest.
    """
    if not is_folder(where):
        return ()
    sessions = sorted(_sessions(statement.manifests(where)), key=_age)
    return tuple(one for one in (_reason(where, session, exclude) for session in sessions) if one)


def sign(
    where: Path,
    key: Path,
    *,
    session: str = "",
    after: Path | None = None,
    replace_signature: bool = False,
    exclude: Sequence[str] = (),
) -> tuple[Signature, ...]:
    """Sign a session by its manifest, or those of a folder that have ended, the oldest first; `left_out` names the others.

    Files of the folder that belong to no session are signed with the first of them; `lineage.signing.beside` names what is not.

    Args:
        key: a private key (signing/keys.py). session: only the session whose id begins so.
        after: the envelope that comes before; by default the last that is signed in the folder.
        replace_signature: a session that is signed already is signed anew; sessions signed after it then have a gap before them.
        exclude: patterns of the shell; files that one fits are left out, and the signature says so.

    Raises:
        NotFoundError: no such folder, manifest or session. UsageError: a session still runs, has other files than its manifest
        records, or has another signature already. FormatError: the key, or an envelope in the folder, cannot be read.
    """
    secret, folder = private_key(key), where if is_folder(where) else where.parent
    signed, chosen = [], _chosen(where, folder, session, exclude)
    waiting = [envelope_path(folder, one.id) for one in chosen] if replace_signature else []
    extra, versions = beside(folder, waiting, exclude), Versions(_sessions(statement.manifests(folder)))
    for one in chosen:
        place = _Place(folder, secret, after, tuple(waiting), extra, versions)
        signed.append(_signed(place, one, replace_signature))
        if signed[-1].is_new:
            extra = Beside(excluded=extra.excluded)
        if signed[-1].is_new and not replace_signature:
            after = signed[-1].path  # the last of the folder is known now: it need not be looked for among all
        waiting = waiting[1:]  # what is yet to be signed anew is none that comes before
    return tuple(signed)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a session is signed, by which key, and after which signature: `after`, else the last of the folder that is not `waiting`."""

    folder: Path
    key: Ed25519PrivateKey
    after: Path | None
    waiting: tuple[Path, ...]
    beside: Beside  # what is signed with the next session
    versions: Versions

    def before(self, own: Path) -> tuple[Before | None, int]:
        """What comes before, and the position of the session that is signed. Raises UsageError where the last signature is another's."""
        if self.after is not None:
            said, found = _read(self.after)
            return Before(session_id=said.session_id, sha256=found.sha256), said.position + 1
        every = {path: Signed(path.name, *_read(path)) for path in sorted(self.folder.glob(f"session_*{statement.SUFFIX}"))}
        kept = every[own].statement if own in every else None
        if kept and (kept.before is None or kept.before.sha256 in {one.envelope.sha256 for one in every.values()}):
            return kept.before, kept.position  # signed anew, it keeps its place
        return self._after(last([one for path, one in every.items() if path not in (own, *self.waiting)]))

    def _after(self, newest: Signed | None) -> tuple[Before | None, int]:
        if newest is None:
            return None, 1
        problem = envelope.foreign(newest.envelope, self.key.public_key())
        if problem:
            raise UsageError(f"the signature before does not hold: {problem}", at=newest.file, hint="--after names the one that is meant")
        return Before(session_id=newest.statement.session_id, sha256=newest.envelope.sha256), newest.statement.position + 1


def _chosen(where: Path, folder: Path, prefix: str, exclude: Sequence[str]) -> Sequence[Session]:
    if not is_there(where):
        raise NotFoundError("no such folder or manifest", at=str(where), hint="name the folder that holds the session manifests")
    if not is_folder(where) and not own(folder, where.name):
        raise UsageError("not a regular file of its folder", at=str(where), hint="a link that leads out is not followed")
    paths = statement.manifests(folder) if is_folder(where) else [where]
    found = _sessions(paths)
    if prefix:
        found = [pick([(folder, one) for one in found], prefix)[1]]
    if is_folder(where) and not prefix:
        found = [one for one in found if _reason(folder, one, exclude) is None]
    if not found:
        raise NotFoundError("no session that has ended is here to be signed", at=str(where), hint=CLOSE)
    return sorted(found, key=_age)


def _sessions(paths: Iterable[Path]) -> list[Session]:
    return [session for session, _ in map(manifest.read, paths) if session]


def _age(session: Session) -> tuple[str, str]:
    return session.started_at or "", session.id


def _reason(folder: Path, session: Session, exclude: Sequence[str]) -> LeftOut | None:
    """Why a session cannot be signed yet."""
    if session.status == "running":
        return LeftOut(session.id, "the session still runs", CLOSE)
    names = statement.undigested(folder, session, exclude)
    return LeftOut(session.id, f"no digest was recorded of {', '.join(names)}", CLOSE) if names else None


def _signed(place: _Place, session: Session, anew: bool) -> Signature:
    folder, path = place.folder, envelope_path(place.folder, session.id)
    reason = _reason(folder, session, place.beside.excluded)
    if reason:
        raise UsageError(reason.reason, at=session.id, hint=reason.hint)
    kept = {one.path for one in statement.recorded(session) if place.versions.replaced_by(one, session) is None}
    replaced = sorted({one.path for one in statement.recorded(session)} - kept)
    if path.exists() and not anew:
        return _kept(place, session, path, replaced)
    before, position = place.before(path)
    made = statement.of_session(folder, session, before=before, position=position, signed_at=now(), beside=place.beside, replaced=replaced)
    data = envelope.signed(made.dumps(), place.key)
    write_whole(path, lambda out: out.write(data))
    return Signature(session.id, path, envelope.parsed(data, str(path)).sha256, len(made.subjects), True)


def _kept(place: _Place, session: Session, path: Path, replaced: Sequence[str]) -> Signature:
    """The signature that is there, if it says of the session what would be said of it now."""
    folder, excluded, found = place.folder, place.beside.excluded, envelope.read(path)
    said = None if envelope.foreign(found, place.key.public_key()) else statement.read(found.payload, str(path))
    extra = _as_before(folder, said, excluded) if said else Beside()
    fresh = statement.of_session(folder, session, before=None, position=0, signed_at=None, beside=extra, replaced=replaced)
    if said is None or replace(said, before=None, position=0, signed_at=None) != _as_signed(fresh, said):
        raise UsageError("the session has another signature already", at=str(path), hint="--replace signs it anew")
    return Signature(session.id, path, found.sha256, len(said.subjects), False)


def _as_signed(fresh: Statement, said: Statement) -> Statement:
    """What would be signed now, without the digests of indexes that a signature of before does not hold, and with the files that were replaced later."""
    trees = {
        name: replace(tree, index_sha256=None) if name in said.trees and said.trees[name].index_sha256 is None else tree
        for name, tree in fresh.trees.items()
    }
    kept = [name for name, reason in fresh.not_signed.items() if reason == statement.REPLACED and name in said.subjects]
    return replace(
        fresh,
        trees=trees | {name: said.trees[name] for name in kept if name in said.trees},
        subjects={**fresh.subjects, **{name: said.subjects[name] for name in kept}},
        kinds={**fresh.kinds, **{name: said.kinds[name] for name in kept}},
        not_signed={name: reason for name, reason in fresh.not_signed.items() if name not in kept},
    )


def _as_before(folder: Path, said: Statement, excluded: tuple[str, ...]) -> Beside:
    """What a signature covered beside its session, as far as it is still here. Other patterns than its own ask for another signature."""
    files = tuple(name for name, kind in said.kinds.items() if kind == statement.BESIDE and own(folder, name))
    links = {way: text for way, text in said.links.items() if links_to(folder, way).get(way) == text}
    return Beside(files=files, links=links, not_signed=said.not_signed, excluded=excluded or said.excluded)


def _read(path: Path) -> tuple[Statement, Envelope]:
    if not path.is_file():
        raise NotFoundError("no such signature", at=str(path))
    found = envelope.read(path)
    return statement.read(found.payload, str(path)), found
