"""Rules about PROV: is what we would write valid, and is what lies there what we would write?"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from lineage import formats
from lineage.auditing.world import MAX_BYTES, Found, World
from lineage.constraints import validate
from lineage.errors import FormatError
from lineage.export import combined_document, session_document, written_as
from lineage.facts import Session
from lineage.findings import Finding
from lineage.prov.document import Document, flattened


def invalid_prov(world: World) -> Iterator[Found]:
    """What an export would write is valid under PROV-CONSTRAINTS, each session and all of them together, and nothing came from itself."""
    document, circles = combined_document([session for _, session in world.placed], world.ids)
    yield from (Found(one) for one in circles)
    together = validate(flattened(document), "all sessions together")
    if not together:
        return  # a rule that a session breaks is broken by all of them together too
    alone = [found for place, session in world.placed for found in _alone(world, place, session)]
    yield from alone or (Found(one) for one in together)


def _alone(world: World, place: Path, session: Session) -> Iterator[Found]:
    for one in validate(session_document(session, world.ids), world.name(place, world.home(session))):
        yield Found(one, session.id)


def prov_stale(world: World) -> Iterator[Found]:
    """Each PROV file beside a manifest is what an export writes now; one that is not can at least be read, and is valid."""
    for place, session in world.placed:
        files = list(prov_files(world, place, session))
        document = session_document(session, world.ids) if files else None
        for name, path in files:
            there, problem = _there(path)
            if there is None:
                yield world.found("unreadable", place, session, path.name, detail=problem)
            elif document and there != _written(document, name):
                yield world.found("prov-stale", place, session, path.name)
                yield from (Found(one, session.id) for one in _read(there, name, world.name(place, path.name)))


def _there(path: Path) -> tuple[bytes | None, str]:
    """What lies there, else why it was not read."""
    try:
        return (path.read_bytes(), "") if path.stat().st_size <= MAX_BYTES else (None, f"larger than {MAX_BYTES} bytes")
    except OSError as error:
        return None, error.strerror or ""


def prov_files(world: World, place: Path, session: Session) -> Iterator[tuple[str, Path]]:
    """The format and path of each PROV file of the session that is there."""
    for name, file in written_as(session).items():
        if world.is_readable(place / file):
            yield name, place / file


def _written(document: Document, name: str) -> bytes:
    out = io.BytesIO()
    formats.dump(document, out, name)
    return out.getvalue()


def _read(data: bytes, name: str, file: str) -> Iterator[Finding]:
    try:
        yield from validate(formats.loads(data, name), file)
    except FormatError as error:
        yield Finding(file, None, "prov-malformed", f"the document cannot be read: {error}")
