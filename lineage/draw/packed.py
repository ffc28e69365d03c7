"""A model as compact JSON: what the viewer reads (viewer/model.js unpacks it; change both).

Most of a history is digests, which do not compress: each is written once. A value that names a node is the number of the node, one that is the node's
time, label or the end of its id says so, a time is told in seconds after the node's, and a pair of name and value that occurs twice is a number too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from lineage.draw.labels import MORE, ONE
from lineage.draw.model import Box, Model, Node
from lineage.draw.style import themes
from lineage.draw.view import HUB, LEGIBLE, Wish

VERSION = 1
TIMES = 9  # the column of the times
MOST = 1500  # boxes that a page draws, whatever is asked for: with more it is slow
SAME = 12  # letters of the end of an id, from which on it is not written again
KINDS = ("entity", "activity", "agent")
ROLES = ("frame", "thing", "member", "configuration", "agent")
# What a negative number in the place of a value means; a node by how far it is.
TIME, LABEL, NODE = -1, -2, -3

_TIME = re.compile(
    r"[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?", re.ASCII
)
Pairs = tuple[tuple[str, str], ...]


class _Pool:
    """Values that occur often, by number."""

    def __init__(self) -> None:
        self.values: dict[Any, int] = {}

    def __call__(self, value: Any) -> int:
        return self.values.setdefault(value, len(self.values))


class _Packing:
    def __init__(self, model: Model) -> None:
        self.model = model
        self.texts, self.said, self.known, self.bases, self.often = _Pool(), _Pool(), _Pool(), _Pool(), _Pool()
        self.number = {one.id[_cut(one.id) :]: n for n, one in enumerate(model.nodes)}
        told = [*(pair for one in model.nodes for pair in one.attributes), *(pair for one in model.relations for pair in one.attributes)]
        self.count = Counter(told)

    def pairs(self, pairs: Pairs, at: int) -> Iterator[Any]:
        """Names and values: the number of a pair; or a name as a number below zero, and its value."""
        for name, value in pairs:
            packed = self.value(value, at)
            if isinstance(packed, str) and self.count[name, value] > 1:
                yield self.often((self.texts(name), value))
            else:
                yield -1 - self.texts(name)
                yield packed

    def value(self, value: str, at: int) -> Any:
        """A text at a node, or what it is the same as."""
        node = self.model.nodes[at]
        if value:
            if value == node.time:
                return TIME
            if value == node.label:
                return LABEL
            if len(value) >= SAME and node.id.endswith(value):
                return f"~e{len(value)}"
            if seconds := _after(node.time, value):
                return f"~t{seconds}"
        if value.startswith("id:") and value[3:] in self.number:
            return NODE - _folded(at - self.number[value[3:]])
        return f"~{value}" if value.startswith("~") else value

    def node(self, at: int, one: Node) -> list[Any]:
        cut = _cut(one.id)
        place = (self.bases(one.id[:cut]) * len(KINDS) + KINDS.index(one.kind)) * len(ROLES) + ROLES.index(one.role)
        return [
            one.id[cut:], place, self.texts(one.type), one.label, *_box(one.box, one.label), _number(one.group), _number(one.parent), one.time,
            list(self.pairs(one.attributes, at)), self.known(one.metadata) + 1 if one.metadata else 0, one.link,
        ]  # fmt: skip

    def relations(self) -> dict[str, list[int]]:
        """In columns. A source is told by its difference to the one before; a target by its distance, or where it is of no group by its number."""
        sources, targets, terms, said, before = [], [], [], [], 0
        for one in self.model.relations:
            sources.append(one.source - before)
            before = one.source
            away = one.source - one.target
            isolated = self.model.nodes[one.target].group is None
            targets.append(2 * one.target + 1 if isolated else 2 * _folded(away))
            terms.append(self.texts(one.term) * 2 + one.is_told)
            said.append(self.said(tuple(self.pairs(one.attributes, one.source))) if one.attributes else -1)
        return {"source": sources, "target": targets, "term": terms, "said": said}


def packed(model: Model, wish: Wish) -> dict[str, Any]:
    """*model* and what is shown of it at first, as JSON values; equal models give equal JSON."""
    it = _Packing(model)
    nodes = _columns([it.node(n, one) for n, one in enumerate(model.nodes)])
    if nodes:
        nodes[TIMES] = list(_since(nodes[TIMES]))
    relations = it.relations()
    return {
        "version": VERSION,
        "title": model.title,
        "nodes": nodes,
        "groups": _columns(_groups(model)),
        "relations": relations,
        "attributes": list(it.said.values),
        "pairs": list(it.often.values),
        "metadata": list(it.known.values),
        "problems": [[one.level, one.text, one.nodes] for one in model.problems],
        "texts": list(it.texts.values),
        "bases": list(it.bases.values),
        "themes": themes(),
        "measures": {"one": ONE, "more": MORE, "limit": min(wish.limit, MOST), "legible": LEGIBLE, "hub": HUB},
        "wish": _wish(wish),
    }


def _groups(model: Model) -> list[list[Any]]:
    """A session's label and time are those of its node, unless they are told."""
    rows = []
    for one in model.groups:
        node = model.nodes[one.node] if one.node is not None else None
        label = 0 if node and node.label == one.label else one.label
        time = 0 if node and node.time == one.time else one.time
        box = _box(one.box, one.label)
        rows.append([one.kind, label, *box, _number(one.node), _number(one.parent), time, one.loader_versions, one.quantizations])
    return rows


def _columns(rows: list[list[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _since(times: list[str]) -> Iterator[str | int]:
    """Each time in seconds after the one before, where that says it."""
    before = ""
    for time in times:
        yield seconds if time and ((seconds := _after(before, time)) or time == before) else time
        before = time or before


def _folded(number: int) -> int:
    """Numbers of both signs as numbers from 0 on: 0, -1, 1, -2, 2, …"""
    return 2 * number if number >= 0 else -2 * number - 1


def _after(time: str, value: str) -> int:
    """Whole seconds from *time* to *value*, where nothing but the seconds differs; else 0."""
    if len(value) != len(time) or value[19:] != time[19:] or not (_TIME.fullmatch(time) and _TIME.fullmatch(value)):
        return 0
    return int((datetime.fromisoformat(value[:19]) - datetime.fromisoformat(time[:19])).total_seconds())


def _wish(wish: Wish) -> dict[str, Any]:
    around = wish.around
    return {
        "agents": wish.agents,
        "configurations": wish.configurations,
        "sessions": wish.sessions,
        "around": None if around is None else [around.node, around.depth, around.direction],
    }


def _cut(iri: str) -> int:
    return max(iri.rfind("/", 0, -1), iri.rfind("#", 0, -1)) + 1


def _number(value: int | None) -> int:
    return -1 if value is None else value


def _box(box: Box, label: str) -> list[Any]:
    return [0 if box.label == label else box.label, box.lines, box.width]
