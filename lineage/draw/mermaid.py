"""The view as a Mermaid flowchart, for pull requests. Letters and digits stand as they are, everything else as `#code;`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lineage.draw.compose import framed
from lineage.draw.dot import frame_of
from lineage.draw.legend import hidden, title
from lineage.draw.model import Model
from lineage.draw.style import FILL, LINE
from lineage.draw.text import clean
from lineage.draw.view import View, box_of

_PLAIN = re.compile(r"[^A-Za-z0-9 _.,/\-]")
_SHAPES = {"entity": ('(["', '"])'), "activity": ('["', '"]'), "agent": ('{{"', '"}}'), "group": ('[["', '"]]')}


def quoted(value: str) -> str:
    """*value* for a quoted label (https://mermaid.js.org/syntax/flowchart.html, "entity codes")."""
    return _PLAIN.sub(lambda found: f"#{ord(found[0])};", clean(value))


def mermaid(model: Model, seen: View) -> str:
    """The whole file."""
    lines = ["flowchart RL", f"  accTitle: {quoted(title(model, seen))}", f"  accDescr: {quoted(hidden(seen))}"]
    frames = framed(model, seen)
    inside = {item: frame_of(model, item, frames) for item in seen.items}
    lines += [f"  {line}" for line in _contents(model, None, frames, inside)]
    lines += [f'  n{a} -->|"{quoted(", ".join(sorted(terms)))}"| n{b}' for (a, b), terms in seen.edges.items()]
    lines += [f"  classDef {kind} fill:{FILL[kind]},stroke:{LINE[kind]},color:#111111" for kind in FILL]
    return "\n".join([*lines, ""])


def _contents(model: Model, frame: int | None, frames: set[int], inside: dict[int, int | None]) -> Iterator[str]:
    yield from (_node(model, item) for item, there in inside.items() if there == frame)
    for one in sorted(frames):
        if model.groups[one].parent == frame:
            yield f'subgraph g{one}["{quoted(model.groups[one].box.label)}"]'
            yield from (f"  {line}" for line in _contents(model, one, frames, inside))
            yield "end"


def _node(model: Model, item: int) -> str:
    box, kind = box_of(model, item), model.nodes[item].kind if item < len(model.nodes) else "group"
    opening, closing = _SHAPES[kind]
    return f"n{item}{opening}{'<br>'.join(quoted(line) for line in (box.label, *box.lines))}{closing}:::{kind}"
