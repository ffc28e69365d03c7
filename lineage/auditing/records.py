"""Rules about files of records: are they of one loader, and as many as the manifest says?"""

from __future__ import annotations

from collections.abc import Iterator

from lineage.auditing.provenance import provenance_of
from lineage.auditing.world import Found, Held, World
from lineage.contract.slices import key_of
from lineage.facts import Artifact, Slice


def mixed_loaders(world: World) -> Iterator[Found]:
    """A file holds records of one loader version."""
    for one in world.held:
        first: dict[str, int] = {}
        for part in world.slices(one):
            version = provenance_of(part.metadata).get("loader_version")
            if isinstance(version, str):
                first.setdefault(version, part.lines[0][0] if part.lines else 1)
        if len(first) > 1:
            said = ", ".join(f"{version[:8]} from line {line}" for version, line in sorted(first.items(), key=lambda pair: pair[1]))
            yield world.told("mixed-loaders", one, said, line=sorted(first.values())[1])


def count_differs(world: World) -> Iterator[Found]:
    """A file holds as many records as the manifest says, in all and of each configuration."""
    for place, session in world.placed:
        told = {str(row.get("file")): row.get("count") for row in world.entries(session)}
        for artifact in session.artifacts:
            taken, count = world.taken.get(place / artifact.path), told.get(artifact.path)
            if world.is_replaced(place, session, artifact):
                continue  # the file has the records of a later version
            if taken and type(count) is int and count != taken.scan.count:
                said = f"{count:,} were recorded, {taken.scan.count:,} are there"
                yield world.found("count-differs", place, session, artifact.path, detail=said, about=world.about(session, artifact))
            elif taken and taken.seal.sha256 == artifact.sha256:
                yield from _slices_differ(world, Held(place, session, artifact, ()))


def _slices_differ(world: World, one: Held) -> Iterator[Found]:
    """Of each configuration there are as many records as were recorded; of one that was not recorded, other rules tell."""
    recorded = by_metadata(one.artifact)
    for part in world.slices(one):
        said = recorded.get(key_of(part.metadata))
        line = part.lines[0][0] if part.lines else None
        if said and part.metadata and said.count != part.count:
            yield world.told("count-differs", one, f"{said.count:,} like this were recorded, {part.count:,} are there", line=line)
        elif said and part.metadata and said.lines != part.lines and not (said.scattered or part.scattered):
            yield world.told("count-differs", one, "records like this were recorded on other lines", line=line)
    if one.artifact.slices == () and world.slices(one):
        yield world.told("count-differs", one, "none with metadata was recorded, and there are some")


def by_metadata(artifact: Artifact) -> dict[bytes, Slice]:
    """The slices that were recorded, by what their records share; none where they are more than were told apart."""
    parts = artifact.slices or ()
    return {} if any(one.mixed for one in parts) else {key_of(one.metadata): one for one in parts}
