"""Which of a model is drawn: what is closed stands as one box, what is hidden is counted.

The viewer's view.js does the same: change both. Items are numbered: a node by its number, a group by its number after all nodes.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from lineage.draw.model import Box, Model, Node
from lineage.draw.steps import affected_by

LIMIT = 300  # boxes that are drawn at most, unless more are asked for
HUB = 3  # sessions that use a thing, from which on their lines are not drawn: they would be all that is seen
LEGIBLE = 80  # boxes that are read at once: up to as many, sessions are open at first
Direction = Literal["past", "future", "both"]
Edge = tuple[int, int]
ABOUT: dict[Direction, str] = {"past": "Sources of", "future": "Consequences of", "both": "Sources and consequences of"}
PLURALS = {"Slice": "slices", "Record": "records", "ModelFile": "model files", "Metric": "metrics", "SentinelResults": "sentinel results"}


@dataclass(frozen=True, slots=True)
class Around:
    """Only what led to a node, or what came of it, at most *depth* relations away (None: all)."""

    node: int
    depth: int | None = None
    direction: Direction = "past"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reader asks to see. `sessions`: open ("all"), closed ("none"), or open while all is legible ("auto")."""

    agents: bool = False
    configurations: bool = False
    sessions: Literal["auto", "all", "none"] = "auto"
    open: frozenset[int] = frozenset()  # groups that are open besides
    around: Around | None = None
    limit: int = LIMIT


@dataclass(slots=True)
class View:
    """What is drawn: items, the open groups they stand in, the relations between them, and what is not drawn."""

    items: list[int]
    open: frozenset[int] = frozenset()
    framed: bool = True  # open groups have frames
    edges: dict[Edge, Counter[str]] = field(default_factory=dict)
    quiet: dict[int, int] = field(default_factory=dict)  # things that many use: how many, for their lines are not drawn
    hidden: list[tuple[str, int]] = field(default_factory=list)
    places: list[int | None] = field(default_factory=list)  # what stands for each node
    note: str = ""
    focus: int | None = None  # what all that is drawn is related to
    about: str = ""  # how it is


def view(model: Model, wish: Wish) -> View:
    """What *wish* shows of *model*."""
    if wish.around is not None:
        return _around(model, wish, wish.around)
    opened = wish.open | _opened(model, wish)
    places = places_of(model, opened, wish)
    items = sorted({item for item in places if item is not None})
    kept = items if len(items) <= wish.limit else _latest(model, items, places, wish.limit)
    note = f"{len(items) - len(kept):,} of {len(items):,} boxes are left out, the earliest" if len(kept) < len(items) else ""
    return _seen(model, places, kept, opened, note)


def _opened(model: Model, wish: Wish) -> frozenset[int]:
    sessions = frozenset(n for n, one in enumerate(model.groups) if one.kind not in ("sessions", "common") and one.parent is None)
    every = frozenset(range(len(model.groups)))
    if wish.sessions == "auto" and len(every) > 1:
        legible = len({item for item in places_of(model, sessions | wish.open, wish) if item is not None}) <= min(LEGIBLE, wish.limit)
        return sessions if legible else frozenset()
    return frozenset() if wish.sessions == "none" and len(every) > 1 else every


def places_of(model: Model, opened: frozenset[int], wish: Wish) -> list[int | None]:
    """The item that stands for each node; None: it is hidden."""
    closed = _closed(model, opened)
    places: list[int | None] = [None] * len(model.nodes)
    members = [n for n, node in enumerate(model.nodes) if node.parent is not None]
    for n, node in enumerate(model.nodes):
        if node.parent is None:
            places[n] = _place(n, node, closed, len(model.nodes), wish)
    for n in members:
        whole = n
        while (parent := model.nodes[whole].parent) is not None:
            whole = parent
        places[n] = places[whole]
    return places


def _closed(model: Model, opened: frozenset[int]) -> list[int | None]:
    """The outermost group that is closed around each group, itself included."""
    found: list[int | None] = [None] * len(model.groups)
    for n in sorted(range(len(model.groups)), reverse=True):  # a group's parent has a higher number
        parent = model.groups[n].parent
        around = found[parent] if parent is not None else None
        found[n] = around if around is not None else None if n in opened else n
    return found


def _place(n: int, node: Node, closed: list[int | None], count: int, wish: Wish) -> int | None:
    group = closed[node.group] if node.group is not None else None
    if group is not None:
        return count + group
    shown = {
        "agent": wish.agents,
        "configuration": wish.configurations,
        "frame": node.kind == "activity" and (wish.agents or wish.configurations),
    }
    return n if shown.get(node.role, True) else None


def _latest(model: Model, items: list[int], places: list[int | None], limit: int) -> list[int]:
    """The items nearest in time: a thing without a time counts as what it is related to."""
    times = {item: _time(model, item) for item in items}
    near = dict(times)
    for one in model.relations:
        pair = [place for place in (places[one.source], places[one.target]) if place is not None]
        latest = max((times[place] for place in pair), default="")
        for place in pair:
            near[place] = max(near[place], latest) if not times[place] else near[place]
    return sorted(sorted(items, key=lambda item: (near[item], item), reverse=True)[:limit])


def _time(model: Model, item: int) -> str:
    return model.nodes[item].time if item < len(model.nodes) else model.groups[item - len(model.nodes)].time


def _seen(model: Model, places: list[int | None], items: list[int], opened: frozenset[int], note: str, framed: bool = True) -> View:
    kept = set(items)
    edges: dict[Edge, Counter[str]] = defaultdict(Counter)
    for one in model.relations:
        source, target = places[one.source], places[one.target]
        if source in kept and target in kept and source != target and not one.is_told and source is not None and target is not None:
            edges[source, target][one.term] += 1
    quiet = _hubs(model, edges) if framed else {}
    loud = {edge: terms for edge, terms in sorted(edges.items()) if edge[0] not in quiet and edge[1] not in quiet}
    return View(items, opened, framed, loud, quiet, _hidden(model, places, kept), places, note)


def _hubs(model: Model, edges: Iterable[Edge]) -> dict[int, int]:
    """Things of no session, and rows of sessions, that more than `HUB` sessions, or things of no session, are related to."""
    users: dict[int, set[int]] = defaultdict(set)
    for source, target in edges:
        for one, other in ((source, target), (target, source)):
            if _is_common(model, one):
                group = model.nodes[other].group if other < len(model.nodes) else None
                users[one].add(other if group is None else len(model.nodes) + group)
    return {item: len(those) for item, those in sorted(users.items()) if len(those) > HUB and len(model.groups) > 1}


def _is_common(model: Model, item: int) -> bool:
    if item < len(model.nodes):
        return model.nodes[item].group is None or model.groups[model.nodes[item].group or 0].kind == "common"
    return model.groups[item - len(model.nodes)].kind in ("sessions", "common")


def _hidden(model: Model, places: list[int | None], kept: set[int]) -> list[tuple[str, int]]:
    """What is not drawn by itself, in words, with its number."""
    count: Counter[str] = Counter()
    for n, node in enumerate(model.nodes):
        if (places[n] != n or n not in kept) and node.role != "frame":  # a frame is told of by its title
            inside = places[n] is not None and places[n] != n and places[n] in kept and node.role == "thing"
            count["things inside of sessions" if inside else _plural(node)] += 1
    return sorted(count.items())


def _plural(node: Node) -> str:
    words = {"agent": "agents", "configuration": "configurations", "thing": "other things"}
    return PLURALS.get(node.type, "members") if node.role == "member" else words[node.role]


def _around(model: Model, wish: Wish, around: Around) -> View:
    reached = _reached(model, wish, around)
    kept = [n for n, _ in reached[: wish.limit]]
    note = f"{len(reached) - len(kept):,} things further away are left out" if len(kept) < len(reached) else ""
    inside = set(kept)
    places = [place if place in inside else None for place in _standing(model, wish, around.node)]
    seen = _seen(model, places, sorted(kept), frozenset(), note, framed=False)
    seen.focus, seen.about = around.node, ABOUT[around.direction]
    return seen


def _reached(model: Model, wish: Wish, around: Around) -> list[tuple[int, int]]:
    """(node, distance) of everything in that direction, the nearest first."""
    stands = _standing(model, wish, around.node)
    found = {around.node: 0}
    affected = affected_by(model, around.node) if around.direction != "past" else None
    for past in _walked(around.direction, affected is not None):
        near = _steps(model, stands, past)
        distance, waiting = {around.node: 0}, deque([around.node])
        while waiting:
            at = waiting.popleft()
            if around.depth is None or distance[at] < around.depth:
                for other in near[at]:
                    if other not in distance:
                        distance[other] = distance[at] + 1
                        waiting.append(other)
        found = distance | found
    if affected is not None:
        found = _at_their_places(affected, stands, around) | found
    return sorted(found.items(), key=lambda pair: (pair[1], pair[0]))


def _walked(direction: Direction, is_known: bool) -> list[bool]:
    """The directions in which relations are walked, the past first; not the future, where its steps are known."""
    return [True] * (direction != "future") + [False] * (direction != "past" and not is_known)


def _at_their_places(affected: Mapping[int, int], stands: list[int | None], around: Around) -> dict[int, int]:
    """What was made from the node, as far as it is drawn and asked for; a part that is not drawn is at its whole."""
    found: dict[int, int] = {}
    for node, distance in affected.items():
        place = stands[node]
        if place is not None and (around.depth is None or distance <= around.depth):
            found.setdefault(place, distance)
    return found | {around.node: 0}


def _is_shown(node: Node, wish: Wish, focus: Node) -> bool:
    if node.role == "member":
        return focus.role == "member" and node.type == focus.type
    return {"agent": wish.agents, "configuration": wish.configurations, "frame": False}.get(node.role, True)


def _standing(model: Model, wish: Wish, focus: int) -> list[int | None]:
    """What each node is walked over as: itself; a part that is not shown as the whole; None: not at all."""
    places: list[int | None] = []
    for n in range(len(model.nodes)):
        at = n
        while not (at == focus or _is_shown(model.nodes[at], wish, model.nodes[focus])) and (parent := model.nodes[at].parent) is not None:
            at = parent
        places.append(at if at == focus or _is_shown(model.nodes[at], wish, model.nodes[focus]) else None)
    return places


def _steps(model: Model, stands: list[int | None], past: bool) -> list[list[int]]:
    """What is one relation away from each node, towards the past or from it."""
    near: list[list[int]] = [[] for _ in model.nodes]
    for one in model.relations:
        source, target = stands[one.source], stands[one.target]
        if source is not None and target is not None and source != target and not one.is_told:
            near[source if past else target].append(target if past else source)
    return near


def box_of(model: Model, item: int) -> Box:
    """The text and size of an item."""
    return model.nodes[item].box if item < len(model.nodes) else model.groups[item - len(model.nodes)].box
