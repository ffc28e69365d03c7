"""What no signature covers: what came to a session after it was signed, sessions without a signature, files that nobody vouches for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Set

from lineage.capture.places import leads_out, links_to, own
from lineage.contract import journal
from lineage.signing.held import rests_on
from lineage.signing.listed import is_session, reason
from lineage.signing.seen import Fault, Seen
from lineage.signing.statement import Statement, above, made, named, recorded

SHOWN = 5  # files of a folder that are named; the rest is counted


def more(seen: Seen, said: Statement) -> Iterator[Fault]:
    """Files of the session that came after its signature and would be read with it."""
    rests = rests_on(said.manifest, said, seen)
    for name in seen.journals(said.manifest):
        if name not in said.subjects:
            yield Fault(what="added", file=name, message="a journal that was not signed", session_id=said.session_id, rests_on=rests)
    for name in seen.prov(said.session_id):
        if name not in said.subjects and reason(seen, name) is None:
            yield Fault(what="added", file=name, message="PROV that was not signed", session_id=said.session_id)
    yield from _came_back(seen, said)
    for name in seen.claims.get(said.session_id, ()):
        if name != said.manifest:
            message = "it claims a session that another manifest was signed for"
            yield Fault(what="added", file=name, message=message, session_id=said.session_id)


def _came_back(seen: Seen, said: Statement) -> Iterator[Fault]:
    """Files that the manifest records and that were not here when it was signed: what lies there now is held against the manifest."""
    told: dict[str, set[str]] = {}
    for one in recorded(seen.sessions[said.manifest]) if said.manifest in seen.sessions else ():
        told.setdefault(one.path, set()).add(one.sha256 or "")
    for name in sorted(name for name in told.keys() - said.subjects.keys() if not seen.is_replaced(name, said)):
        path = own(seen.folder, name)
        if path is None and os.path.lexists(seen.folder / name) and not (leads_out(name) or name in not_covered(seen, said)):
            yield Fault(what="outside", file=name, message="it is no file of the folder, or a link leads out", session_id=said.session_id)
        if path and seen.digest(name) not in told[name]:
            message = "it was not here when the session was signed, and is not what was recorded"
            yield Fault(what="altered", file=name, message=message, session_id=said.session_id, rests_on=tuple(sorted(told[name])))


def not_covered(seen: Seen, said: Statement) -> tuple[str, ...]:
    """Files of a signed session that its signature does not cover: behind a link that leads out, or recorded without a digest."""
    if said.manifest not in seen.sessions:
        return ()
    files = [
        one for one in named(seen.sessions[said.manifest]) if one.path not in said.subjects and not one.dataset and not leads_out(one.path)
    ]
    linked = {one.path for one in files if one.link and said.links.keys() & links_to(seen.folder, one.path).keys()}
    unread = {one.path for one in files if one.sha256 is None and not one.parts and own(seen.folder, one.path)}
    return tuple(sorted(linked | unread))


def unsigned(seen: Seen) -> Iterator[Fault]:
    """Sessions without a signature, and files that neither a signature nor a manifest names."""
    covered = {one.statement.manifest for one in seen.signed} | seen.refused
    for name, session in seen.sessions.items():
        if name not in covered:
            rests = tuple(made(session))
            yield Fault(what="unsigned", file=name, message="the session has no signature", session_id=session.id, rests_on=rests)
    yield from _journals(seen)
    yield from _sessions_gone(seen)
    yield from _added(seen)


def _sessions_gone(seen: Seen) -> Iterator[Fault]:
    """Folders that had sessions of their own, and have none now: anything could lie there."""
    for place in sorted(seen.signed_apart.keys() - seen.set_apart):
        if not seen.holds_artifacts(place):
            message = "it had sessions of its own when this folder was signed, and has none now"
            yield Fault(what="missing", file=place, message=message, session_id=seen.signed_apart[place])


def _journals(seen: Seen) -> Iterator[Fault]:
    """Journals that no signature covers, whatever session their name says: each would be read as a session, or as a part of one."""
    manifests = {one.statement.manifest for one in seen.signed} | seen.refused
    told = {name for one in manifests for name in seen.journals(one)} | seen.covered
    for name in seen.names:
        if name.startswith(journal.PREFIX) and name not in told:
            yield Fault(what="unsigned", file=name, message="a journal that no signature covers")


def _added(seen: Seen) -> Iterator[Fault]:
    """Files that nobody vouches for, anywhere in the folder: a model reads whatever lies in its folder."""
    signed = [pair for one in seen.signed for pair in one.statement.subjects.items()]
    moved = {digest for name, digest in signed if not own(seen.folder, name)}
    beside: dict[str, set[str]] = {}
    for name, digest in signed:
        beside.setdefault(name.rpartition("/")[0], set()).add(digest)
    beside.pop("", None)  # the folder of the sessions itself
    new = [name for name in seen.strange if not (moved and seen.digest(name) in moved) and reason(seen, name) is None]
    named = {one.path for session in seen.sessions.values() for one in session.artifacts if not one.sha256}
    for place, names in _together(new, seen.known).items():
        rests = next((beside[one] for one in above(place) if one in beside), set())
        yield _addition(place, names, tuple(sorted(rests)), named)


def _together(new: Iterable[str], known: Iterable[str]) -> dict[str, list[str]]:
    """The new files by the topmost folder in which they lie and nothing that is known does; a file that is alone there by itself."""
    held = {place for name in known for place in above(name)}
    found: dict[str, list[str]] = {}
    for name in new:
        place = next((one for one in reversed(list(above(name))) if one not in held), name)
        found.setdefault(place, []).append(name)
    return {(place if len(names) > 1 else names[0]): names for place, names in found.items()}


def _addition(place: str, names: list[str], rests: tuple[str, ...], named: Set[str]) -> Fault:
    sessions = sum(is_session(name) for name in names)
    told = f"{', '.join(names[:SHOWN])}{f' and {len(names) - SHOWN:,} more' if len(names) > SHOWN else ''}"
    which = "" if names == [place] else f" ({len(names):,} files: {told})"
    if rests:
        return Fault(what="added", file=place, message=f"it lies beside files that were signed, and was not{which}", rests_on=rests)
    if set(names) <= named:
        message = f"no signature covers it: its manifest records no digest, as lineage session close does for a killed session{which}"
        return Fault(what="added", file=place, message=message)
    if sessions and "/" in names[0]:
        message = (
            f"it tells of sessions that no signature of this folder covers{which}: verify their folder by itself, or keep it elsewhere"
        )
        return Fault(what="unsigned", file=place, message=message)
    return Fault(what="added", file=place, message=f"no signature and no manifest names it{which}")
