"""The steps from a thing to what was made from it, as the graph of the library has them.

The relations of a document do not tell them alone: of a merged file only some records may be concerned. Whoever has the graph
adds the steps to a model (`lineage.consequences.steps`). The viewer's walks.js walks them the same way: change both.
"""

from __future__ import annotations

from lineage.draw.model import Model


def affected_by(model: Model, node: int) -> dict[int, int] | None:
    """Return what was made from a node with its distance, the nearest first, itself at 0; None where the steps are not known."""
    steps = model.steps
    if steps is None or node not in steps.starts:
        return None
    distances = dict.fromkeys(steps.starts[node], 0)
    waiting = list(distances)
    for at in waiting:  # it grows
        for newer in steps.following[at]:
            if newer not in distances:
                distances[newer] = distances[at] + 1
                waiting.append(newer)
    found = {node: 0}
    for at, distance in distances.items():
        if steps.nodes[at] >= 0:
            found.setdefault(steps.nodes[at], distance)
    return found
