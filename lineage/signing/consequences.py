"""The records, models and scores that rest on what does not hold: what a wrong file costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lineage.integrity.differences import Change
from lineage.trace import answers
from lineage.trace.answers import Impact
from lineage.trace.graph import Graph
from lineage.trace.reading import Library, open_library


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """What can no longer be relied on. Empty where nothing in the folder came of it."""

    files: tuple[tuple[str, int, int | None], ...] = ()  # files of records: (name, records concerned, all of them)
    models: tuple[str, ...] = ()
    scores: tuple[tuple[str, float | None, str], ...] = ()  # (measure, value as recorded, report)

    def json(self) -> dict[str, Any]:
        """With stable keys."""
        files = [{"file": name, "records": records, "of": total} for name, records, total in self.files]
        scores = [{"measure": measure, "value": value, "report": report} for measure, value, report in self.scores]
        return {"files": files, "models": list(self.models), "scores": scores}

    def lines(self) -> list[str]:
        """A line each, for people."""
        files = [f"{records:,}{f' of {total:,}' if total is not None else ''} records of {name}" for name, records, total in self.files]
        models = [f"model {name}" for name in self.models]
        scores = [
            f"score {measure} {'not recorded' if value is None else f'{value:g}'} of {report}" for measure, value, report in self.scores
        ]
        return files + models + scores


class Weighing:
    """A folder whose graph is read once, when the first consequences are asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._library: Library | None = None

    def of(self, digests: Iterable[str], changes: Sequence[Change] = ()) -> Consequences:
        """What rests on files of these digests; of a file of records only what rests on the slices of *changes*, where lines were named."""
        if self._library is None:
            self._library = open_library(self._folder)
        graph = self._library.graph
        numbers = [number for one in dict.fromkeys(digests) for number in _nodes(graph, one)]
        narrow = [part for number in numbers for part in _parts(graph, number, changes)]
        if not numbers:
            return Consequences()
        found = _told(answers.impact(graph, tuple(dict.fromkeys(narrow or numbers)), ""))
        return _by_line(found, {graph.thing(number).name for number in numbers}, changes) if narrow else found


def _by_line(found: Consequences, own: set[str], changes: Sequence[Change]) -> Consequences:
    """In the file itself only the lines that were named are concerned, not all of their slices."""
    lines = len({change.before for change in changes})
    return replace(found, files=tuple((name, min(records, lines) if name in own else records, of) for name, records, of in found.files))


def _nodes(graph: Graph, sha256: str) -> list[int]:
    """The node of the file, and the folders of which it is a part come of it by the graph itself."""
    return [graph.index[name] for name in graph.index if name.endswith(f"-sha256-{sha256}")]


def _parts(graph: Graph, number: int, changes: Sequence[Change]) -> list[int]:
    """The slices in which changed lines stood; none where a line was added, for then the file as a whole is another."""
    if not changes or any(change.before is None for change in changes):
        return []
    found = []
    for part in graph.whole(number)[1:]:
        ranges = _ranges(graph.thing(part).lines)
        if any(first <= (change.before or 0) <= last for change in changes for first, last in ranges):
            found.append(part)
    return found


def _ranges(text: str | None) -> list[tuple[int, int]]:
    ends = [part.partition("-") for part in (text or "").split(", ")]
    return [(int(first), int(last or first)) for first, _, last in ends if first.isdecimal() and (last or first).isdecimal()]


def _told(found: Impact) -> Consequences:
    scores = tuple(
        (one.metric.label, one.value, one.report.name if one.report else "a report that was not recorded") for one in found.scores
    )
    files = tuple((one.file.name, one.records, one.total) for one in found.files if one.records)
    return Consequences(files=files, models=tuple(one.name for one in found.models), scores=scores)
