"""The consequences of a finding: what was made from the things it is about, and what to do about each."""

from __future__ import annotations

from lineage.auditing.world import Found, World
from lineage.consequences import Cause, Consequences, consequences
from lineage.consequences.changed import Concerned, concerned
from lineage.consequences.policy import cause_of
from lineage.integrity.differences import Change


class Concerns:
    """Asks the graph of a world, each question once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[tuple[Cause, tuple[int, ...], tuple[tuple[int, int], ...]], Consequences] = {}

    def of(self, found: Found) -> Consequences | None:
        """Return the consequences of a finding; None where nothing was made from what it is about, or it is about no thing of the graph."""
        if not found.about:
            return None
        cause = found.cause or cause_of(found.finding.code)
        asked = self._asked(found)
        lines = asked.lines or {}
        key = (cause, asked.numbers, tuple(sorted(lines.items())))
        if key not in self._known:
            self._known[key] = consequences(self._world.library.graph, asked.numbers, cause, lines)
        return self._known[key] or None

    def _asked(self, found: Found) -> Concerned:
        graph = self._world.library.graph
        numbers = [graph.index[name] for name in found.about if name in graph.index]
        if found.is_line and found.finding.line is not None:
            line = Change(before=found.finding.line, now=found.finding.line, what="changed")
            return concerned(graph, numbers, [line])
        return concerned(graph, numbers, found.changes)
