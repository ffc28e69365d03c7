"""The signatures of a folder in the order in which each names the one before it.  Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lineage.errors import UsageError
from lineage.signing.envelope import Envelope
from lineage.signing.statement import Statement


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that lies in the folder."""

    file: str
    statement: Statement
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the chain does not hold: the file that shows it, why, and the session that is concerned."""

    file: str
    what: str  # "gap", "replayed", "fork", "reordered", "truncated"
    message: str
    session_id: str | None  # that is gone or was exchanged


def last(signed: Sequence[Signed]) -> Signed | None:
    """The one after which none comes. Raises UsageError where there are several."""
    named = {one.statement.before.sha256 for one in signed if one.statement.before}
    ends = [one for one in signed if one.envelope.sha256 not in named]
    if len(ends) > 1:
        raise UsageError("several signatures come last", at=ends[0].file, hint=f"--after says which: {', '.join(one.file for one in ends)}")
    return ends[0] if ends else None


def breaks(signed: Sequence[Signed], head: str | None = None) -> Iterator[Break]:
    """Where the chain does not hold. Without *head*, the digest of a signature that was the last once, nobody can see that the end is gone."""
    digests = {one.envelope.sha256: one for one in signed}
    sessions = {one.statement.session_id: one for one in signed}
    after: dict[str | None, list[Signed]] = defaultdict(list)
    for one in sorted(signed, key=lambda one: (one.statement.position, one.file)):
        before = one.statement.before
        after[before.sha256 if before else None].append(one)
        if before is None:
            if one.statement.position != 1:
                yield Break(one.file, "gap", "it is not the first, and names none before it", None)
        elif before.sha256 not in digests:
            yield _missing(one, before.session_id, sessions)
        elif digests[before.sha256].statement.position + 1 != one.statement.position:
            yield Break(one.file, "reordered", f"it says that it is number {one.statement.position}, and is not", None)
    for several in after.values():
        for one in several[1:]:
            yield Break(one.file, "fork", f"{several[0].file} has the same place in the chain", None)
    if head is not None and head not in digests:
        yield Break("", "truncated", f"the signature {head[:16]}… that was the last once is gone", None)


def _missing(one: Signed, session_id: str, sessions: dict[str, Signed]) -> Break:
    if session_id in sessions:
        return Break(one.file, "replayed", f"the signature of session {session_id} is not the one that came before: an older or newer one was put in its place", session_id)  # fmt: skip
    return Break(one.file, "gap", f"session {session_id}, which came before, is gone with its signature", session_id)
