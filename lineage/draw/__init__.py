"""The picture of a document: what matters of it, laid out with the past on the left, as SVG.

    graph    which nodes and edges are drawn, and what is hidden
    layout   where each node stands
    svg      the picture itself

Pure Python and deterministic: the same statements, in any order, give the same bytes.
"""

from __future__ import annotations

from lineage.draw.graph import picture
from lineage.draw.svg import svg
from lineage.prov.document import Document


def draw(document: Document, *, limit: int = 300) -> str:
    """The document as an SVG of at most *limit* nodes, which says what it hides."""
    return svg(picture(document, limit=limit))
