"""Rules about signatures: do they hold, are the files those that were signed, is the chain whole, and did somebody sign every session?

`lineage.signing.check` finds the faults; each is a finding of one of four rules here. Without a key, what needs none is asked all the same: the form of the
envelopes, the files, the chain. By whom the envelopes are, and what nobody signed, is asked under a key alone; `unchecked` says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from lineage.auditing.artifacts import SHOWN, in_words
from lineage.auditing.world import Found, World
from lineage.consequences.policy import cause_of_fault
from lineage.findings import finding
from lineage.prov.statement import Name
from lineage.signing.seen import Fault

RULE_OF = {
    **dict.fromkeys(("bad-signature", "misplaced"), "broken-signature"),
    **dict.fromkeys(("altered", "missing", "moved", "replaced", "added", "outside", "index"), "not-as-signed"),
    **dict.fromkeys(("gap", "replayed", "fork", "reordered", "truncated"), "broken-chain"),
    "unsigned": "unsigned-session",
}


def broken_signature(world: World) -> Iterator[Found]:
    """Each envelope verifies under the key, is written as `lineage sign` writes it, and lies where it belongs."""
    yield from _found(world, "broken-signature")


def not_as_signed(world: World) -> Iterator[Found]:
    """Each file that was signed is what it was, where it was, and nothing came to it."""
    yield from _found(world, "not-as-signed")


def broken_chain(world: World) -> Iterator[Found]:
    """Each signature names the one before it, and the head that was kept is among them."""
    yield from _found(world, "broken-chain")


def unsigned_session(world: World) -> Iterator[Found]:
    """Under a key, each session and journal has a signature."""
    yield from _found(world, "unsigned-session")


def _found(world: World, code: str) -> Iterator[Found]:
    for place, checked in world.signed:
        for fault in checked.faults:
            if RULE_OF[fault.what] == code:
                lines = f"; {in_words(fault.changes)}" if fault.changes else ""
                detail = f"{fault.what}: {fault.message}{lines}"
                name = world.name(place, fault.file)
                yield Found(
                    finding(code, name, None, detail),
                    fault.session_id,
                    _about(world, name, fault),
                    cause_of_fault(fault.what),
                    fault.changes,
                )


def _about(world: World, name: str, fault: Fault) -> tuple[Name, ...]:
    """The things of the graph that rest on it: by the digests that were signed, and by the one that a manifest has now, for it may be forged too."""
    if not fault.rests_on:
        return ()
    signed = (one for digest in fault.rests_on for one in world.by_digest.get(digest, ()))
    current = (held for held in world.files.get(name, ()) if not world.is_replaced(*held))
    now = (one for _, session, artifact in current for one in world.about(session, artifact))
    sessions = (session for place, session in world.placed if session.manifest and world.name(place, session.manifest) == name)
    told = (one for session in sessions for one in world.of_session(session))  # a manifest is the witness of all that its session made
    return tuple(dict.fromkeys((*signed, *now, *told)))


def looked_at(world: World) -> Iterator[tuple[str, int]]:
    """What was checked."""
    if world.signed:
        yield "signatures", sum(len(one.signed) for _, one in world.signed)
        yield "files as they were signed", sum(sum(one.good.values()) for _, one in world.signed)


def unchecked(world: World) -> Iterator[tuple[str, int | None, str]]:
    """What an audit does not vouch for, and why: more without a key than under one."""
    count = sum(len(one.signed) for _, one in world.signed)
    if world.key is None and not world.signed:
        yield "signatures", None, "no session is signed, so the manifests are believed as they are"
    elif world.key is None:
        yield "signatures", count, "without --key they were compared with the files and each other; the signer is unknown"
        alone = sum(one.unsigned for _, one in world.signed)
        if alone:
            yield "sessions without a signature", alone, "signatures are required only with --key"
    unsigned = [world.name(place, one.file) for place, found in world.signed for one in found.listed]
    if unsigned:
        names = ", ".join(unsigned[:SHOWN]) + (f" and {len(unsigned) - SHOWN:,} more" if len(unsigned) > SHOWN else "")
        yield "files that no signature covers", len(unsigned), f"nothing depends on them: {names}"
    if world.signed and world.head is None:
        yield "the end of the chain of signatures", None, "without --head, removed last sessions cannot be seen"
    elif any(place != world.folder for place, _ in world.signed):
        yield "the ends of chains in folders inside the folder", None, "--head is the head of the folder itself"
