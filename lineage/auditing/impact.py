"""What a finding makes doubtful: the records, models and scores that came from the thing it is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lineage.auditing.world import World
from lineage.prov.statement import Name
from lineage.trace import answers

SHOWN = 5  # names of a kind in a sentence; the report's JSON has all


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """All that came from a thing, itself too."""

    records: int
    files: tuple[str, ...] = ()  # of records
    models: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()  # "sft_accuracy 0.92 (evaluation.json)"

    def __bool__(self) -> bool:
        return bool(self.records or self.files or self.models or self.scores)

    def __str__(self) -> str:
        return "; ".join(self._told())

    def _told(self) -> Iterator[str]:
        if self.records:
            yield f"{self.records:,} record{'s' if self.records != 1 else ''}"
        for what, names in (("file", self.files), ("model", self.models), ("score", self.scores)):
            if names:
                more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
                yield f"{what}{'s' if len(names) > 1 else ''} {', '.join(names[:SHOWN])}{more}"


class Downstream:
    """Asks the graph, each question once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[tuple[Name, ...], Consequences | None] = {}

    def of(self, about: tuple[Name, ...]) -> Consequences | None:
        """What came from these; None where nothing did, or the graph does not know them."""
        if about and about not in self._known:
            self._known[about] = self._asked(about)
        return self._known.get(about)

    def _asked(self, about: tuple[Name, ...]) -> Consequences | None:
        graph = self._world.library.graph
        numbers = tuple(graph.index[name] for name in about if name in graph.index)
        if not numbers:
            return None
        found = answers.impact(graph, numbers, "")
        files = tuple(dict.fromkeys(one.file.name for one in found.files))
        models = tuple(dict.fromkeys(one.name for one in found.models))
        return Consequences(records=found.records, files=files, models=models, scores=tuple(map(_score, found.scores))) or None


def _score(one: answers.Score) -> str:
    value = "not recorded" if one.value is None else f"{one.value:g}"
    return f"{one.metric.label} {value}{f' ({one.report.name})' if one.report else ''}"
