"""A model as compact JSON: what the viewer reads (viewer/model.js unpacks it; change both)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lineage.draw.labels import MORE, ONE
from lineage.draw.model import Box, Model, Node, Relation
from lineage.draw.style import themes
from lineage.draw.view import HUB, LEGIBLE, LIMIT, Wish

VERSION = 1
KINDS = ("entity", "activity", "agent")
ROLES = ("frame", "thing", "member", "configuration", "agent")


class _Pool:
    """Texts that occur often, by number."""

    def __init__(self) -> None:
        self.values: dict[Any, int] = {}

    def __call__(self, value: Any) -> int:
        return self.values.setdefault(value, len(self.values))


def packed(model: Model, wish: Wish) -> dict[str, Any]:
    """*model* and what is shown of it at first, as JSON values; equal models give equal JSON."""
    texts, said, known = _Pool(), _Pool(), _Pool()
    nodes = [_node(one, texts, known) for one in model.nodes]
    groups = [
        [
            one.kind,
            one.label,
            *_box(one.box, one.label),
            *map(_number, (one.node, one.parent)),
            one.time,
            one.loader_versions,
            one.quantizations,
        ]
        for one in model.groups
    ]
    relations = _relations(model, texts, said)
    return {
        "version": VERSION,
        "title": model.title,
        "nodes": nodes,
        "groups": groups,
        "relations": relations,
        "attributes": [[item for name, value in rest for item in (texts(name), value)] for rest in said.values],
        "metadata": list(known.values),
        "problems": [[one.level, one.text, one.nodes] for one in model.problems],
        "texts": list(texts.values),
        "themes": themes(),
        "measures": {"one": ONE, "more": MORE, "limit": wish.limit if wish.limit < LIMIT else LIMIT, "legible": LEGIBLE, "hub": HUB},
        "wish": _wish(model, wish),
    }


def _wish(model: Model, wish: Wish) -> dict[str, Any]:
    around = wish.around
    return {
        "agents": wish.agents,
        "configurations": wish.configurations,
        "sessions": wish.sessions,
        "around": None if around is None else [model.nodes[around.node].id, around.depth, around.direction],
    }


def _number(value: int | None) -> int:
    return -1 if value is None else value


def _box(box: Box, label: str) -> list[Any]:
    return [0 if box.label == label else box.label, box.lines, box.width]


def _node(one: Node, texts: _Pool, known: _Pool) -> list[Any]:
    attributes = [item for name, value in one.attributes for item in (texts(name), value)]
    return [
        one.id,
        KINDS.index(one.kind) * len(ROLES) + ROLES.index(one.role),
        texts(one.type),
        one.label,
        *_box(one.box, one.label),
        _number(one.group),
        _number(one.parent),
        one.time,
        attributes,
        known(one.metadata) + 1 if one.metadata else 0,
        one.link,
    ]


def _relations(model: Model, texts: _Pool, said: _Pool) -> dict[str, list[int]]:
    """In columns: source and target as differences, which are small numbers; the term; and the number of the attributes, from 2 on.

    0 says that there are none, 1 that there is nothing but the time of the newer thing.
    """
    sources, steps = [], []
    before = 0
    for one in model.relations:
        sources.append(one.source - before)
        steps.append(one.source - one.target)
        before = one.source
    terms = [texts(one.term) * 2 + one.is_told for one in model.relations]
    return {"source": sources, "step": steps, "term": terms, "said": list(_said(model, model.relations, said))}


def _said(model: Model, relations: Iterable[Relation], said: _Pool) -> Iterable[int]:
    for one in relations:
        if not one.attributes:
            yield 0
        elif one.attributes == (("time", model.nodes[one.source].time),):
            yield 1
        else:
            yield said(one.attributes) + 2
