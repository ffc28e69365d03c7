"""A model as a file: one function a kind."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from lineage.draw.dot import dot
from lineage.draw.mermaid import mermaid
from lineage.draw.model import Model, Node
from lineage.draw.page import page
from lineage.draw.raster import raster
from lineage.draw.svg import svg
from lineage.draw.view import Wish, view
from lineage.errors import NotFoundError, UsageError

KINDS: dict[str, Callable[[Model, Wish], bytes]] = {
    ".svg": lambda model, wish: svg(model, view(model, wish)).encode(),
    ".html": page,
    ".dot": lambda model, wish: dot(model, view(model, wish)).encode(),
    ".mmd": lambda model, wish: mermaid(model, view(model, wish)).encode(),
    ".png": lambda model, wish: raster(svg(model, view(model, wish)), "png"),
    ".pdf": lambda model, wish: raster(svg(model, view(model, wish)), "pdf"),
}
NAMED = 8  # nodes that a message names


def render(model: Model, wish: Wish, kind: str) -> bytes:
    """The picture of *wish* as *kind*, a key of `KINDS`; the same model and wish give the same bytes."""
    return KINDS[kind](model, wish)


def find(model: Model, name: str) -> int:
    """The node that *name* means: its id, the end of its id, its label, or the only beginning of one of these.

    Raises:
        NotFoundError: none is called so. UsageError: several are.
    """
    tests: list[Callable[[str, frozenset[str]], bool]] = [
        lambda id_, _: id_ == name,
        lambda id_, _: id_.endswith((f"/{name}", f"#{name}")),
        lambda _, names: name in names,
        lambda id_, names: any(one.startswith(name) for one in (*names, id_[max(id_.rfind("/"), id_.rfind("#")) + 1 :])),
    ]
    known = [(node.id, _names(node)) for node in model.nodes]
    for test in tests:
        fitting = [n for n, (id_, names) in enumerate(known) if test(id_, names)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            shown = ", ".join(model.nodes[n].id for n in fitting[:NAMED])
            raise UsageError(
                f"{len(fitting)} things are called so", at=name, hint=f"say which: {shown}{' …' if len(fitting) > NAMED else ''}"
            )
    close = difflib.get_close_matches(name, [node.label for node in model.nodes], 3)
    raise NotFoundError(
        "no such thing in the document", at=name, hint=f"did you mean {' or '.join(close)}?" if close else "name an id or a label"
    )


def _names(node: Node) -> frozenset[str]:
    """All that a thing is called: the same bytes may lie under several names."""
    return frozenset([node.label, *(value for name, value in node.attributes if name in ("prov:label", "prov:location"))])
