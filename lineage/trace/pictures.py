"""Answers as a tree, DOT, Mermaid and SVG. What a label holds is only a label in each of them.

Labels come from hostile files. DOT gets them as quoted strings with `\\` and `"` escaped; Mermaid as text of which all but letters, digits and
plain punctuation is written as character codes; the node ids of both are numbers. A terminal is the command line's own care (`cli.row`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Protocol

from lineage.draw import draw
from lineage.mapping.attributes import Attribute
from lineage.mapping.names import LIN, PROV
from lineage.prov.document import Document
from lineage.prov.statement import Statement, literal, statement
from lineage.prov.terms import ASSOCIATION, BY_NAME, DELEGATION, DERIVATION, END, GENERATION, RELATIONS, START
from lineage.trace.graph import Graph
from lineage.trace.things import Link, Thing

DEEPEST = 24  # levels that are indented; deeper ones stay there and say their level, so that a long chain is not a wide page


class Lineage(Protocol):
    """What is drawn: nodes of a graph, and which lies beyond which (answers.Lineage)."""

    @property
    def graph(self) -> Graph: ...
    @property
    def numbers(self) -> tuple[int, ...]: ...
    @property
    def reached(self) -> Mapping[int, int]: ...
    @property
    def start(self) -> tuple[Thing, ...]: ...
    @property
    def things(self) -> tuple[Thing, ...]: ...
    @property
    def links(self) -> tuple[Link, ...]: ...
    @property
    def depth(self) -> int | None: ...
    @property
    def branches(self) -> Mapping[int, Mapping[int, str]]: ...
    @property
    def distances(self) -> Mapping[int, int]: ...


_RANK = {term.name: rank for rank, term in enumerate(RELATIONS)}


def tree(found: Lineage) -> Iterator[str]:
    """The lines of a tree. What several branches lead to is shown once and numbered; the others refer to it.

    With a depth, each thing is shown as near as it is; else as far, so that a file is under the run that used it, and not beside it.
    """
    choose = _direct if found.depth is None else _nearest
    under = {number: choose(found, number) for number in found.branches}
    shown = Counter(chain(found.numbers, *under.values()))
    seen: dict[int, int] = {}  # node: its mark, 0 for one that is never referred to
    for root in (*found.numbers, *map(found.graph.shown, found.reached)):  # the latter: circles, of which each part hides the other
        if root not in seen:
            yield from _grown(found, root, under, shown, seen)


def _grown(found: Lineage, root: int, under: Mapping[int, Sequence[int]], shown: Counter[int], seen: dict[int, int]) -> Iterator[str]:
    rest: list[tuple[int, str, tuple[bool, ...]]] = [(root, "", ())]
    marks = max(seen.values(), default=0)
    while rest:
        number, relation, lasts = rest.pop()
        known = number in seen
        if not known:
            marks += shown[number] > 1
            seen[number] = marks if shown[number] > 1 else 0
        mark = f" [{seen[number]}]" if seen[number] else ""
        yield f"{indent(lasts)}{relation}{found.graph.thing(number).text}{mark}{', see above' if known else ''}"
        children = () if known else under.get(number, ())
        rest += [(one, f"{found.branches[number][one]} ", (*lasts[-DEEPEST:], one == children[-1])) for one in reversed(children)]


def _in_order(found: Lineage, number: int) -> list[int]:
    branches = found.branches[number]
    return sorted(branches, key=lambda one: (_RANK.get(branches[one], 99), found.graph.thing(one).text, found.graph.names[one]))


def _nearest(found: Lineage, number: int) -> list[int]:
    """Those of which this is the nearest way."""
    return [one for one in _in_order(found, number) if found.distances[one] == found.distances[number] + 1]


def _direct(found: Lineage, number: int) -> list[int]:
    """Those to which no other of them leads, over whatever others."""
    ordered, branches = _in_order(found, number), found.branches[number]
    leading = {beyond for one in ordered for beyond in found.branches.get(one, ()) if beyond in branches and beyond != one}
    kept: set[int] = set()
    led: set[int] = set()  # those that something kept leads to
    for one in (*(one for one in ordered if one not in leading), *ordered):
        if one not in led:
            kept.add(one)
            _lead(one, found, branches, led)
    return [one for one in ordered if one in kept]


def _lead(one: int, found: Lineage, among: Mapping[int, str], led: set[int]) -> None:
    """Add *one* to *led*, with all of *among* that it leads to."""
    led.add(one)
    rest = [one]
    while rest:
        more = [beyond for beyond in found.branches.get(rest.pop(), ()) if beyond in among and beyond not in led]
        led |= set(more)
        rest += more


def indent(lasts: tuple[bool, ...]) -> str:
    """Return the lines of a tree in front of a thing; *lasts* says of each level whether it is the last there."""
    if not lasts:
        return ""
    deep = "⋮ " if len(lasts) > DEEPEST else ""
    return deep + "".join("   " if last else "│  " for last in lasts[:-1]) + ("└─ " if lasts[-1] else "├─ ")


def path_lines(graph: Graph, ways: Sequence[Sequence[Link]]) -> Iterator[str]:
    """Each way as lines, from the newer thing to the older."""
    for n, way in enumerate(ways):
        if n:
            yield ""
        for link in way[:1]:
            yield graph.thing(graph.index[link.newer]).text
        for link in way:
            yield f"  {link.relation} {graph.thing(graph.index[link.older]).text}"


# --- for other programs


def _nodes(found: Lineage) -> list[tuple[str, Thing]]:
    return [(f"n{number}", thing) for number, thing in enumerate((*found.start, *found.things))]


def _numbered(found: Lineage) -> tuple[list[tuple[str, Thing]], list[tuple[str, str, str]]]:
    nodes = _nodes(found)
    ids = {thing.id: node for node, thing in nodes}
    edges = sorted((ids[link.newer], ids[link.older], link.relation) for link in found.links)
    return nodes, sorted(edges, key=lambda edge: (int(edge[0][1:]), int(edge[1][1:])))


_SHAPES = {"entity": ("ellipse", "#FFFC87"), "activity": ("box", "#9FB1FC"), "agent": ("house", "#FED37F")}


def dot(found: Lineage) -> Iterator[str]:
    """The lines of a DOT file; arrows point to the past, as PROV draws them."""
    nodes, edges = _numbered(found)
    yield from ("digraph lineage {", "  rankdir=RL;", "  node [style=filled];")
    for node, thing in nodes:
        shape, colour = _SHAPES[thing.kind]
        yield f'  {node} [label={_quoted(thing.text)}, shape={shape}, fillcolor="{colour}", tooltip={_quoted(thing.id)}];'
    for newer, older, relation in edges:
        yield f"  {newer} -> {older} [label={_quoted(relation)}];"
    yield "}"


def _quoted(text: str) -> str:
    """A DOT string: a backslash is doubled, so none begins an escape; what is not printable is a space."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


_OPEN = {"entity": ('(["', '"])'), "activity": ('["', '"]'), "agent": ('{{"', '"}}')}
_LIST = re.compile(r"^( *\d*)([-+.])")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:/@+=_-")


def mermaid(found: Lineage) -> Iterator[str]:
    """The lines of a Mermaid flowchart; arrows point to the past."""
    nodes, edges = _numbered(found)
    yield "flowchart RL"
    for node, thing in nodes:
        opening, closing = _OPEN[thing.kind]
        yield f"  {node}{opening}{_coded(thing.text)}{closing}:::{thing.kind}"
    for newer, older, relation in edges:
        yield f"  {newer} -->|{_coded(relation)}| {older}"
    for kind, (_, colour) in _SHAPES.items():
        yield f"  classDef {kind} fill:{colour},stroke:#808080,color:#000"


def _coded(text: str) -> str:
    """Mermaid's text: what has a meaning in Mermaid or in HTML is written as `#code;`, and so is what would begin a list in Markdown."""
    coded = "".join(letter if letter in _PLAIN else f"#{ord(letter)};" for letter in text)
    return _LIST.sub(lambda found: f"{found[1]}#{ord(found[2])};", coded)


# --- as a picture


def svg(found: Lineage) -> str:
    """The answer as SVG, drawn as `lineage export` draws: agents and configurations are counted, and not drawn."""
    return draw(document(found))


def document(found: Lineage) -> Document:
    """The things and links as a PROV document. A link that PROV has no name for is a derivation."""
    graph = found.graph
    shown = dict.fromkeys(map(graph.shown, found.reached))
    elements = (one for number in shown for one in graph.told[number])
    return Document({}, tuple(dict.fromkeys([*elements, *_bare(found), *_related(found)])))


def _bare(found: Lineage) -> Iterator[Statement]:
    """What is related and nowhere declared."""
    for thing in (*found.start, *found.things):
        if not found.graph.told[found.graph.index[thing.id]]:
            about: list[Attribute] = [(PROV["label"], literal(thing.label))]
            about += [(PROV["type"], LIN["Slice"])] if thing.lines else []
            yield statement(BY_NAME[thing.kind], thing.id, attributes=about)


def _related(found: Lineage) -> Iterator[Statement]:
    for link in found.links:
        term, kind = BY_NAME.get(link.relation, DERIVATION), found.graph.thing(found.graph.index[link.older]).kind
        if term is DERIVATION and kind == "activity":
            term = GENERATION
        if term is not DELEGATION:  # which is told of an activity here, and PROV tells it of an agent
            apart = (term in (START, END) and kind == "activity") or (term is ASSOCIATION and kind == "entity")  # a starter, a plan
            yield statement(term, None, *((link.newer, None, link.older) if apart else (link.newer, link.older)))
