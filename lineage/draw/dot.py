"""The view as Graphviz DOT. Every text is a quoted string in which nothing but the quote, the backslash and newlines mean anything, and those are escaped."""

from __future__ import annotations

from collections.abc import Iterator

from lineage.draw.compose import framed
from lineage.draw.legend import hidden, title
from lineage.draw.model import Model
from lineage.draw.style import FILL, FRAME, LINE, colour
from lineage.draw.text import clean
from lineage.draw.view import View, box_of

_SHAPES = {"entity": "ellipse", "activity": "box", "agent": "house", "group": "folder"}


def quoted(value: str) -> str:
    """*value* as a quoted string of DOT (https://graphviz.org/doc/info/lang.html): `\\N` and its like stay text too."""
    return '"' + clean(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def dot(model: Model, seen: View) -> str:
    """The whole file."""
    lines = [
        "digraph lineage {",
        "  rankdir=RL;",
        f"  label={quoted(f'{title(model, seen)}. {hidden(seen)}')};",
        '  node [fontname="Helvetica", fontsize=11, style="filled"];',
        '  edge [fontname="Helvetica", fontsize=9];',
    ]
    frames = framed(model, seen)
    inside = {item: frame_of(model, item, frames) for item in seen.items}
    lines += [f"  {line}" for line in _contents(model, None, frames, inside)]
    for (source, target), terms in seen.edges.items():
        lines.append(f"  n{source} -> n{target} [label={quoted(' · '.join(sorted(terms)))}, color={quoted(colour(terms))}];")
    return "\n".join([*lines, "}\n"])


def frame_of(model: Model, item: int, frames: set[int]) -> int | None:
    """The open group that an item stands in."""
    group = model.nodes[item].group if item < len(model.nodes) else model.groups[item - len(model.nodes)].parent
    while group is not None and group not in frames:
        group = model.groups[group].parent
    return group


def _contents(model: Model, frame: int | None, frames: set[int], inside: dict[int, int | None]) -> Iterator[str]:
    yield from (_node(model, item) for item, there in inside.items() if there == frame)
    for one in sorted(frames):
        if model.groups[one].parent == frame:
            yield f"subgraph cluster_{one} {{"
            yield f"  label={quoted(model.groups[one].box.label)}; style=filled; color={quoted(FRAME['line'])}; fillcolor={quoted(FRAME['fill'])};"
            yield from (f"  {line}" for line in _contents(model, one, frames, inside))
            yield "}"


def _node(model: Model, item: int) -> str:
    box, node = box_of(model, item), model.nodes[item] if item < len(model.nodes) else None
    kind = node.kind if node else "group"
    label = "\\n".join(quoted(line)[1:-1] for line in (box.label, *box.lines))
    url = f", URL={quoted(node.link)}" if node and node.link else ""
    tip = quoted(node.id if node else model.groups[item - len(model.nodes)].label)
    return (
        f'n{item} [label="{label}", shape={_SHAPES[kind]}, fillcolor={quoted(FILL[kind])}, color={quoted(LINE[kind])}, tooltip={tip}{url}];'
    )
