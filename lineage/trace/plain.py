"""Answers as JSON with stable keys; `things` and `links` name each other by id."""

from __future__ import annotations

from typing import Any

from lineage.known_by import KnownBy, sources
from lineage.trace.answers import Impact, Lineage, Paths
from lineage.trace.record import RecordLineage
from lineage.trace.things import Link, Thing


def as_json(found: Lineage) -> dict[str, Any]:
    """The answer as a JSON object with stable keys; `things` and `links` name each other by id."""
    told: dict[str, Any] = {
        "asked": found.asked,
        "direction": found.direction,
        "start": [thing.id for thing in found.start],
        "things": [thing_json(thing) for thing in (*found.start, *found.things)],
        "links": [link_json(link) for link in found.links],
        "notes": list(found.notes),
    }
    return told | (impact_json(found) if isinstance(found, Impact) else {})


def thing_json(thing: Thing) -> dict[str, Any]:
    """One thing."""
    return {
        "id": thing.id,
        "kind": thing.kind,
        "type": thing.type,
        "label": thing.label,
        "places": list(thing.places),
        "records": thing.count,
        "lines": thing.lines,
        "file": thing.file,
        "value": thing.value,
        "time": thing.time,
        "sessions": list(thing.sessions),
        "known": {"source": list(thing.known_by), "parameters": list(thing.parameters_known_by), "checks": list(thing.checks)},
    }


def record_known(found: RecordLineage) -> dict[str, Any]:
    """How what is told of a record is known: the source of each field, by the part of the answer in which the field stands.

    What a record says of itself is claimed; `metadata` says so, where its run was observed too.
    """
    code = found.made_in.code if found.made_in else None
    return {
        "metadata": KnownBy.CLAIMED.value if found.metadata else None,
        "file": sources(found.artifact) if found.artifact else None,
        "run": sources(found.run) if found.run else None,
        "maker": sources(found.maker) if found.maker else None,
        "model_loads": [sources(load) for load in found.loads],
        "made_in": sources(found.made_in) if found.made_in else None,
        "code": sources(code) if code else None,
        "origin": KnownBy.INFERRED.value if found.origin else None,
    }


def link_json(link: Link) -> dict[str, Any]:
    """One link."""
    return {"newer": link.newer, "older": link.older, "relation": link.relation}


def impact_json(found: Impact) -> dict[str, Any]:
    """What an impact has besides: the records, files, models and scores that are concerned."""
    scores = [{"measure": one.metric.label, "value": one.value, "report": one.report.name if one.report else None, "id": one.metric.id} for one in found.scores]  # fmt: skip
    files = [{"file": one.file.name, "id": one.file.id, "records": one.records, "made": one.made, "of": one.total} for one in found.files]
    models = [{"model": one.name, "id": one.id} for one in found.models]
    return {"records": found.records, "copies": found.copies, "files": files, "models": models, "scores": scores}


def paths_json(found: Paths) -> dict[str, Any]:
    """The ways between two things."""
    names = dict.fromkeys(name for way in found.ways for link in way for name in (link.newer, link.older))
    things = [thing_json(found.graph.thing(found.graph.index[name])) for name in names]
    ways = [[link_json(link) for link in way] for way in found.ways]
    return {"newer": [one.id for one in found.newer], "older": [one.id for one in found.older], "paths": ways, "things": things}
