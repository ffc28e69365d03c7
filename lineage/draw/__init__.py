"""Pictures of a document: what matters of it, laid out with the past on the left.

    told, reading    a document -> a model: everything that can be shown (`model`), with texts (`labels`, `text`) and sessions (`groups`)
    view             which of it is drawn, and what is hidden
    layout, order    where boxes stand; compose puts open sessions in frames
    svg, legend      the picture itself (`style`, `paths`)

Pure Python and deterministic: the same statements, in any order, give the same bytes.
"""

from __future__ import annotations

from lineage.draw.reading import model
from lineage.draw.svg import svg
from lineage.draw.view import LIMIT, Wish, view
from lineage.prov.document import Document


def draw(document: Document, *, limit: int = LIMIT) -> str:
    """The document as an SVG of at most *limit* boxes, which says what it hides."""
    made = model(document)
    return svg(made, view(made, Wish(limit=limit)))
