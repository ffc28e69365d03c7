"""What known.py learns from facts, learnt from the statements of a document that `lineage` exported: which slice was carried from where, and
which folder a model was loaded from. Records that name no run are not matched here, for PROV does not hold their metadata: they stay as coarse as PROV.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from lineage.contract.lines import holds_records
from lineage.mapping.names import LIN, PROV
from lineage.prov.statement import Name
from lineage.prov.terms import GENERATION, MEMBERSHIP, USAGE
from lineage.trace.graph import Graph
from lineage.trace.relations import CARRIED, PART, RECORDED
from lineage.trace.things import texts, whole_number

_RECORDED_RUN = LIN["recordedRun"]


def refine(graph: Graph) -> Graph:
    """Return *graph*, in which each carried slice came from its origins and its run's doing, where the statements say so.

    Origins that the document declares count alone. Where it declares none, or says that some records have no origin
    (`lin:undecidedCount`), slices of the files that the run used and that name the same run count too.
    """
    inputs: dict[int, set[int]] = {}
    for part in sorted(graph.holder):
        writers = _older(graph, part, GENERATION.name) or _older(graph, graph.holder[part], GENERATION.name)
        for writer in writers:
            known = inputs.setdefault(writer, {file for file in _older(graph, writer, USAGE.name) if _slices(graph, file)})
            _part(graph, part, writer, known)
    for writer, known in inputs.items():
        if writer in graph.doing:
            graph.do(writer, known)
    _folders(graph)
    return graph


def _part(graph: Graph, part: int, writer: int, known: set[int]) -> None:
    """Link one slice that a run wrote."""
    declared, run = set(_older(graph, part, CARRIED)), _recorded_run(graph, part)
    unmatched, undecided = _number(graph, part, "unmatchedCount"), _number(graph, part, "undecidedCount")
    if declared or unmatched:
        known |= {file for file in _older(graph, writer, USAGE.name) if _is_of_records(graph, file)}
    alike: list[int] = []
    if run not in (None, writer) and (undecided or not (declared or unmatched)):
        alike = [one for file in sorted(known) for one in _slices(graph, file) if _maker(graph, one) == run]
    if not (declared or alike or run not in (None, writer)):
        return
    is_full = bool(declared or alike) and (unmatched == 0 or (bool(alike) and unmatched == undecided))
    for origin in alike:
        graph.link(part, origin, CARRIED)
    if is_full:
        graph.unlink(part, writer)
        graph.link(part, graph.split(writer), GENERATION.name)
    else:
        graph.link(part, writer, GENERATION.name)
    if run is not None and run != writer and not is_full:
        graph.link(part, run, RECORDED)
    if (is_full and part not in alike) or (run not in (None, writer) and not is_full):
        graph.carried.add(part)
    else:
        graph.carried.discard(part)


def _is_of_records(graph: Graph, file: int) -> bool:
    return any(holds_records(Path(path)) for path in texts(graph.told[file], PROV["location"]))


def _number(graph: Graph, part: int, name: str) -> int:
    return max((whole_number(text) or 0 for text in texts(graph.told[part], LIN[name])), default=0)


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
