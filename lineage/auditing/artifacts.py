"""Rules about files: is each what was recorded, once, and does anything tell where it comes from?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from lineage.auditing.words import in_words as value_in_words
from lineage.auditing.world import Found, World
from lineage.core.words import counted
from lineage.facts import Artifact, Session
from lineage.integrity.differences import Change
from lineage.integrity.verify import changes_of
from lineage.prov.statement import Name

SHOWN = 5  # lines of an altered file that are named; `lineage verify` names all


def changed_lines(world: World, place: Path, artifact: Artifact) -> tuple[Change, ...]:
    """Return the lines of an altered file that are not what they were, by its sidecar from before; none where there is no sidecar."""
    path = place / artifact.path
    if path not in world.taken:
        return ()
    try:
        return tuple(changes_of(path, artifact)[0])
    except OSError:
        return ()


def in_words(changes: Sequence[Change]) -> str:
    """The lines that changed, the first few by their numbers."""
    more = f" and {len(changes) - SHOWN:,} more" if len(changes) > SHOWN else ""
    return ", ".join(f"line {one.now or one.before} {one.what}" for one in changes[:SHOWN]) + more


def renamed(world: World, place: Path, gone: Artifact) -> str:
    """The files with the same bytes, under other names: those that sessions speak of, and those that lie where it lay."""
    told = {at / one.path for at, session in world.placed for one in session.artifacts if one.sha256 == gone.sha256}
    beside = {path for path in world.beside(place / gone.path, gone.bytes) if world.digest(path) == gone.sha256}
    same = sorted(world.called(path) for path in (told | beside) - {place / gone.path} if world.is_readable(path))
    return f"its bytes are there as {', '.join(same)}" if same else ""


def legacy_artifact(world: World) -> Iterator[Found]:
    """Something tells where a file of records or a report comes from."""
    for place, session in world.placed:
        for artifact in session.artifacts:
            if artifact.type == "legacy":
                count = f"{counted(artifact.count, 'record')}" if artifact.count is not None else "a report"
                yield world.found("legacy-artifact", place, session, artifact.path, detail=count, about=world.about(session, artifact))


def listed_twice(world: World) -> Iterator[Found]:
    """A manifest lists a file once, and one run made it."""
    makers: dict[Path, tuple[Session, Artifact]] = {}
    for place, session in world.placed:
        rows = [PurePosixPath(str(row.get("file"))).as_posix() for row in world.entries(session)]  # `./x` is x
        for file, times in Counter(rows).items():
            if times > 1:
                yield world.found(
                    "listed-twice", place, session, file, detail=f"{times} times by {session.manifest}", about=_listed(world, session, file)
                )
        for artifact in session.artifacts if session.manifest else ():
            before = makers.setdefault(place / artifact.path, (session, artifact)) if artifact.activity else None
            if (
                before
                and before[0] is not session
                and before[1].activity != artifact.activity
                and not _is_in_order(world, place, before, (session, artifact))
            ):
                detail = f"{before[0].manifest} and {session.manifest} say that runs of theirs made it"
                if before[1].sha256 != artifact.sha256:
                    detail += "; their digests differ: at most one of the two is still there"
                yield world.found("listed-twice", place, session, artifact.path, detail=detail, about=world.about(session, artifact))


def _is_in_order(world: World, place: Path, *makers: tuple[Session, Artifact]) -> bool:
    """Return whether the run of one of two sessions wrote the file again after the other session had recorded it."""
    return any(world.is_replaced(place, session, artifact) for session, artifact in makers)


def _listed(world: World, session: Session, file: str) -> tuple[Name, ...]:
    entries = [one for one in session.artifacts if PurePosixPath(one.path).as_posix() == file]
    return tuple(dict.fromkeys(world.about(session, *entries)))


def broken_root(world: World) -> Iterator[Found]:
    """The Merkle root is that of the lines of the file whose digest stands beside it."""
    for place, session in world.placed:
        for artifact in session.artifacts:
            taken = world.taken.get(place / artifact.path)
            if taken is None or artifact.merkle_root is None or taken.seal.sha256 != artifact.sha256:
                continue  # of another file the digest tells already
            if artifact.merkle_root != taken.seal.merkle_root or artifact.lines not in (None, taken.seal.lines):
                said = f"recorded {artifact.merkle_root[:16]}… over {value_in_words(artifact.lines)} lines; the file gives {taken.seal.merkle_root[:16]}… over {counted(taken.seal.lines, 'line')}"
                yield world.found("broken-root", place, session, artifact.path, detail=said, about=world.about(session, artifact))
