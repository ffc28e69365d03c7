"""What known.py learns from facts, learnt from the statements of a document that `lineage` exported: which slice was carried from where, and
which folder a model was loaded from. Records that name no run are not matched here, for PROV does not hold their metadata: they stay as coarse as PROV.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from lineage.mapping.names import LIN
from lineage.prov.statement import Name
from lineage.prov.terms import GENERATION, MEMBERSHIP, USAGE
from lineage.trace.graph import Graph
from lineage.trace.relations import CARRIED, PART, RECORDED

_RECORDED_RUN = LIN["recordedRun"]


def refine(graph: Graph) -> Graph:
    """*graph*, in which each carried slice came from its origins and its run's doing, where the statements tell them."""
    inputs: dict[int, set[int]] = {}
    for part in sorted(graph.holder):
        run = _recorded_run(graph, part)
        for writer in _older(graph, part, GENERATION.name) if run is not None else ():
            if writer != run:
                known = inputs.setdefault(writer, {file for file in _older(graph, writer, USAGE.name) if _slices(graph, file)})
                _carry(graph, part, writer, run, [one for file in sorted(known) for one in _slices(graph, file)])
    for writer, known in inputs.items():
        if writer in graph.doing:
            graph.do(writer, known)
    _folders(graph)
    return graph


def _carry(graph: Graph, part: int, writer: int, run: int | None, candidates: Iterable[int]) -> None:
    origins = [one for one in candidates if run == _maker(graph, one)]
    if origins:
        graph.unlink(part, writer)
        graph.link(part, graph.split(writer), GENERATION.name)
    for origin in origins:
        graph.link(part, origin, CARRIED)
    if run is not None and not origins:
        graph.link(part, run, RECORDED)
    if part not in origins:
        graph.carried.add(part)


def _maker(graph: Graph, part: int) -> int | None:
    """The run that made the records: the one they name, else the one that wrote them."""
    run = _recorded_run(graph, part)
    return run if run is not None else next(iter(_older(graph, part, GENERATION.name)), None)


def _recorded_run(graph: Graph, part: int) -> int | None:
    named = (value for one in graph.told[part] for name, value in one.attributes if name == _RECORDED_RUN and isinstance(value, Name))
    return next((graph.index[name] for name in named if name in graph.index), None)


def _older(graph: Graph, number: int, relation: str) -> list[int]:
    return [older for older, one in graph.past[number].items() if one == relation]


def _slices(graph: Graph, file: int) -> list[int]:
    return [one for one in graph.past[file] if graph.holder.get(one) == file]


def _folders(graph: Graph) -> None:
    """A file of one generated folder alone stands for it; a model that was loaded from all the files of a folder came from the folder."""
    members = {n: frozenset(_older(graph, n, MEMBERSHIP.name)) - graph.holder.keys() for n in range(len(graph.names))}
    folders = {n: files for n, files in members.items() if files and _older(graph, n, GENERATION.name)}
    within: dict[int, set[int]] = defaultdict(set)
    for folder, files in folders.items():
        for file in files:
            within[file].add(folder)
    for file, found in within.items():
        if len(found) == 1:
            graph.link(file, next(iter(found)), PART)
    for model, files in members.items():
        for folder in sorted({one for file in files for one in within.get(file, ())}) if model not in folders else ():
            if folders[folder] <= files:
                graph.link(model, folder, PART)
