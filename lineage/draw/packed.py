"""A model as compact JSON: what the viewer reads (viewer/model.js unpacks it; change both).

Most of a history is digests, which do not compress: each is written once. A value that names a node is the number of the node, one that is the node's
time, label or the end of its id says so, a time is told in seconds after the node's, and a pair of name and value that occurs twice is a number too.
Attributes stand in columns, one for each name of the nodes that have the same names.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from lineage.draw.labels import MORE, ONE
from lineage.draw.model import Box, Model, Node
from lineage.draw.style import themes
from lineage.draw.view import HUB, LEGIBLE, Wish

VERSION = 2
TIMES = 9  # the column of the times
MOST = 1500  # boxes that a page draws, whatever is asked for: with more it is slow
SAME = 12  # letters of the end of an id, from which on it is not written again
KINDS = ("entity", "activity", "agent")
ROLES = ("frame", "thing", "member", "configuration", "agent")


def _grouped(count: str) -> str:
    return f"{int(count):,} records" if count.isascii() and count.isdecimal() and len(count) < 16 and str(int(count)) == count else ""


# Texts on boxes that repeat an attribute; model.js makes them again.
TOLD: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("lin:lines", "lines {}".format),
    ("lin:count", "{} records".format),
    ("lin:count", _grouped),
)
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
        self.texts, self.said, self.known, self.bases, self.often, self.shapes = (_Pool() for _ in range(6))
        self.number = {one.id[_cut(one.id) :]: n for n, one in enumerate(model.nodes)}
        told = [*(pair for one in model.nodes for pair in one.attributes), *(pair for one in model.relations for pair in one.attributes)]
        self.count = Counter(told)
        self.ways = self._ways()

    def _ways(self) -> list[dict[int, int]]:
        """Of each node, by which relation its whole, and then by which it has another: what a relation says of a third node is mostly that."""
        met: list[list[int]] = [[] for _ in self.model.nodes]
        for one in self.model.relations:
            met[one.source].append(one.target)
        both = ((met[one.parent] if one.parent is not None else []) + met[n] for n, one in enumerate(self.model.nodes))
        return [{node: way for way, node in reversed(list(enumerate(nodes)))} for nodes in both]

    def pairs(self, pairs: Pairs, at: int) -> Iterator[Any]:
        """What a relation from *at* says: the number of a pair; or a name as a number below zero, and its value: a way, a node by how far it is
        from the one that was named before, or as `cell` has it."""
        near = at
        for name, value in pairs:
            cell, other = self.cell(name, value, at), self.named(value)
            if other is not None:
                cell, near = self.ways[at].get(other, NODE - _folded(near - other)), other
            elif isinstance(cell, int) and cell >= 0:
                yield cell
                continue
            yield -1 - self.texts(name)
            yield cell

    def named(self, value: str) -> int | None:
        """The number of the node that a value names."""
        return self.number.get(value[3:]) if value.startswith("id:") else None

    def cell(self, name: str, value: str, at: int) -> Any:
        """A value whose name is known: the number of a pair that occurs twice, else as `value` has it."""
        cell = self.value(value, at)
        return self.often((self.texts(name), value)) if isinstance(cell, str) and self.count[name, value] > 1 else cell

    def columns(self) -> list[list[Any]]:
        """The attributes of the nodes that have the same names, value by value: what is alike stands together, and is small when it is compressed."""
        rows: dict[int, list[list[Any]]] = defaultdict(list)
        for at, one in enumerate(self.model.nodes):
            rows[self.shape(one)].append([self.cell(name, value, at) for name, value in one.attributes])
        return [_columns(rows[n]) for n in range(len(rows))]

    def shape(self, one: Node) -> int:
        """Which names its attributes have, by number."""
        return self.shapes(tuple(self.texts(name) for name, _ in one.attributes))

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
        if (other := self.named(value)) is not None:
            return NODE - _folded(at - other)
        return f"~{value}" if value.startswith("~") else value

    def node(self, one: Node) -> list[Any]:
        cut = _cut(one.id)
        place = (self.bases(one.id[:cut]) * len(KINDS) + KINDS.index(one.kind)) * len(ROLES) + ROLES.index(one.role)
        fit, lines, width = _box(one.box, one.label)
        return [
            one.id[cut:], place, self.texts(one.type), _told(one, one.label), fit, [_told(one, line) for line in lines], width, _number(one.group),
            _number(one.parent), one.time, self.shape(one), self.known(one.metadata) + 1 if one.metadata else 0, one.link,
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


def _told(node: Node, text: str) -> str | int:
    """A text on *node*, or which of `TOLD` it is."""
    said = dict(reversed(node.attributes))  # of a name that is there twice, the first
    return next((n for n, (name, form) in enumerate(TOLD) if name in said and text == form(said[name])), text)


def packed(model: Model, wish: Wish) -> dict[str, Any]:
    """*model* and what is shown of it at first, as JSON values; equal models give equal JSON."""
    it = _Packing(model)
    nodes = _columns([it.node(one) for one in model.nodes])
    if nodes:
        nodes[TIMES] = list(_since(nodes[TIMES]))
    columns, relations = it.columns(), it.relations()
    return {
        "version": VERSION,
        "title": model.title,
        "nodes": nodes,
        "groups": _columns(_groups(model)),
        "relations": relations,
        "shapes": list(it.shapes.values),
        "columns": columns,
        "attributes": list(it.said.values),
        "pairs": list(it.often.values),
        "metadata": list(it.known.values),
        "problems": [[one.level, one.text, one.nodes] for one in model.problems],
        "texts": list(it.texts.values),
        "bases": list(it.bases.values),
        "themes": themes(),
        "measures": {"one": ONE, "more": MORE, "limit": min(wish.limit, MOST), "legible": LEGIBLE, "hub": HUB},
        "wish": _wish(wish),
        **_steps(model),
    }


def _steps(model: Model) -> dict[str, Any]:
    """The steps from things to what was made from them, where they are known."""
    steps = model.steps
    if steps is None:
        return {}
    return {"steps": [steps.nodes, steps.following, [[node, *at] for node, at in sorted(steps.starts.items())]]}


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
