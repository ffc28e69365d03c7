"""The steps of a graph for the explorer: its page walks them, and so finds what `impact` finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lineage.draw.model import Model, Steps
from lineage.facts import Session
from lineage.prov.document import Document
from lineage.trace import walks
from lineage.trace.graph import Graph, built, read
from lineage.trace.refined import refine


def with_steps(model: Model, sessions: Sequence[Session], document: Document) -> Model:
    """Return the model with the steps of the graph of *sessions*; of *document* where there are none."""
    graph = built(sessions) if sessions else refine(read([("", document)]))
    return replace(model, steps=steps(graph, model))


def steps(graph: Graph, model: Model) -> Steps:
    """Return the steps that `lineage.trace.walks.future` goes, in the numbers of the model's nodes."""
    numbers = {node.id: n for n, node in enumerate(model.nodes)}
    enters = walks.entering(graph)
    following = tuple(tuple(newer for newer in graph.future[at] if enters(at, newer)) for at in range(len(graph.names)))
    starts = {numbers[name]: graph.whole(number) for name, number in graph.index.items() if name in numbers}
    return Steps(tuple(numbers.get(name, -1) for name in graph.names), following, starts)
