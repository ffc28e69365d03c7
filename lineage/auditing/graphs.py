"""Rules about PROV: is what we would write valid, and is what lies there what we would write?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from lineage.auditing.world import Found, World
from lineage.capture.places import own
from lineage.constraints import validate
from lineage.core import limits
from lineage.core.words import counted
from lineage.errors import FormatError
from lineage.export import combined_as, combined_document, each_alone, session_document
from lineage.facts import Session
from lineage.findings import Finding, finding
from lineage.formats import by_name
from lineage.formats.same import is_written
from lineage.prov.document import Document, flattened


def invalid_prov(world: World) -> Iterator[Found]:
    """What an export would write is valid under PROV-CONSTRAINTS, each session and all of them together, and nothing came from itself."""
    yield from (Found(one) for one in world.combined[1])
    if not world.broken:
        return  # a rule that a session breaks is broken by all of them together too
    alone = [found for place, session in world.placed for found in _alone(world, place, session)]
    yield from alone or (Found(one) for one in world.broken)


def _alone(world: World, place: Path, session: Session) -> Iterator[Found]:
    for one in validate(session_document(session, world.ids), world.name(place, world.home(session))):
        yield Found(one, session.id)


def prov_stale(world: World) -> Iterator[Found]:
    """Each PROV file, beside a manifest or of all sessions, is what an export writes now; one that is not can at least be read, and is valid."""
    for place, session, document in each_alone(world.placed, world.ids, *world.combined):
        for name, path in world.prov[place, session.id]:
            if is_written(document, name, path):
                world.as_exported.add(path)
            else:
                yield from _stale(name, path, world.name(place, path.name), "", session.id)
    for name, path in combined_files(world):
        if any(is_written(document, name, path) for document in _combined(world, name)):
            world.as_exported.add(path)
        else:
            detail = f"of {counted(len(world.manifests), 'session')}{'' if world.recursive else ', without folders inside the folder (--recursive)'}"
            yield from _stale(name, path, graph_name(world, path.name), detail, None)


def combined_files(world: World) -> Iterator[tuple[str, Path]]:
    """The format and path of each PROV file of all sessions that is there, and may be read."""
    for name, file in combined_as().items() if may_be_read(world) else ():
        path = own(world.graphs_folder, file)
        if path and (world.graphs or world.is_readable(path)):
            yield name, path


def may_be_read(world: World) -> bool:
    """Do the graphs lie in the folder, or did somebody name them?  Nothing else outside the folder is read."""
    return world.graphs is not None or world.is_inside(world.graphs_folder)


def graph_name(world: World, file: str) -> str:
    """What a file of the graphs is called: by its path from the folder that is audited."""
    return f"{Path(os.path.relpath(world.graphs_folder, world.folder)).as_posix()}/{file}"


def _combined(world: World, name: str) -> Iterator[Document]:
    """What an export may have written: all sessions, and where one is invalid, those that are not."""
    whole = by_name(name).holds_bundles
    yield world.combined[0] if whole else world.flat
    if world.broken:
        good = [session for _, session in world.placed if not validate(session_document(session, world.ids), session.id)]
        document = combined_document(good, world.ids)[0]
        yield document if whole else flattened(document)


def _stale(name: str, path: Path, file: str, detail: str, session: str | None) -> Iterator[Found]:
    yield Found(finding("prov-stale", file, None, detail), session)
    try:
        yield from (Found(one, session) for one in _read(path, name, file))
    except OSError as error:
        yield Found(finding("unreadable", file, None, error.strerror or ""), session)


def _read(path: Path, name: str, file: str) -> Iterator[Finding]:
    if path.stat().st_size > limits.PROV:
        yield finding("unreadable", file, None, f"larger than {limits.PROV} bytes")
        return
    with path.open("rb") as there:
        try:
            yield from validate(by_name(name).read(there), file)
        except FormatError as error:
            yield Finding(file, None, "prov-malformed", f"the document cannot be read: {error}")


def looked_at(world: World) -> Iterator[tuple[str, int]]:
    """What was checked."""
    yield "PROV files", sum(map(len, world.prov.values()))
    combined = sum(1 for _ in combined_files(world))
    if combined:
        yield "PROV files of all sessions", combined


def unchecked(world: World) -> Iterator[tuple[str, int, str]]:
    """What an audit does not vouch for, and why."""
    yield "sessions without PROV files", sum(not files for files in world.prov.values()), "they were not exported"
    yield "PROV files of single records", len(_of_records(world)), "lineage export --records writes them; they are not compared"
    if may_be_read(world):
        yield "pictures and other files in graphs", len(_others(world)), "only PROV files that lineage export writes are compared"
    else:
        there = sum(1 for file in combined_as().values() if (world.graphs_folder / file).exists())
        yield "PROV files of all sessions", there, "they are outside the folder: name their folder with --graphs to compare them"


def uncompared(world: World) -> set[Path]:
    """Return the files of exports that are counted and not compared: PROV of single records, and what is beside the graphs."""
    return {*_of_records(world), *(_others(world) if may_be_read(world) else ())}


def _of_records(world: World) -> list[Path]:
    places = dict.fromkeys([world.folder, *(place for place, _ in world.placed)])
    return [path for place in places for path in place.glob("session_*.records.*")]


def _others(world: World) -> list[Path]:
    known = {path.name for _, path in combined_files(world)}
    folder = world.graphs_folder
    return [path for path in folder.iterdir() if path.name not in known] if folder.is_dir() else []
