"""Which nodes and edges of a document are drawn.  Agents, plans, environments, code, slices and single numbers are not: they are
counted, and the picture says so; what they tell stands in the second line of the node that they belong to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from lineage.prov.document import Document
from lineage.prov.statement import Literal, Name, Statement, Value, expanded
from lineage.prov.terms import ACTIVITY, AGENT, ASSOCIATION, COMMUNICATION, DERIVATION, GENERATION, MEMBERSHIP, PROV, START, USAGE

LIN = "https://w3id.org/lineage-prov/ns#"
HIDDEN = {
    PROV + "Plan": "configurations", PROV + "Bundle": "bundles", LIN + "Environment": "environments", LIN + "CodeVersion": "code versions",
    LIN + "Slice": "slices", LIN + "SentinelResults": "sentinel results", LIN + "ModelFile": "model files", LIN + "Metric": "metrics",
    LIN + "Session": "sessions", LIN + "Patch": "patches", LIN + "Record": "records",
}  # fmt: skip
KINDS = {"entity": "entity", "activity": "activity", "agent": "agent"}


@dataclass(frozen=True, slots=True)
class Node:
    """One thing that is drawn."""

    id: str
    kind: str  # "entity", "activity" or "agent"
    label: str
    sublabel: str
    title: str


@dataclass(frozen=True, slots=True)
class Edge:
    """From the newer thing to the older one, with the relations between them."""

    source: str
    target: str
    label: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn, and what is not."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    hidden: tuple[tuple[str, int], ...]  # what is not drawn, with its number


Attributes = dict[str, set[Value]]


def picture(document: Document, *, limit: int = 300) -> Picture:
    """The nodes and edges to draw: at most *limit* nodes, those of the latest activities first."""
    every = sorted({*expanded(document.statements), *(one for b in document.bundles for one in expanded(b.statements))}, key=repr)
    return _Drawing(every).picture(limit)


class _Drawing:
    def __init__(self, every: list[Statement]) -> None:
        self._relations = [one for one in every if not one.term.is_element]
        self._kinds: dict[str, str] = {}
        self._times: dict[str, str] = {}
        self._about: dict[str, Attributes] = defaultdict(lambda: defaultdict(set))
        for one in every:
            if one.term.is_element and one.id is not None:
                self._element(one, one.id)
        for one in self._relations:
            self._implied(one)

    def _element(self, one: Statement, id_: Name) -> None:
        self._kinds[id_] = one.term.name
        if one.term is ACTIVITY:
            self._times[id_] = str(one.args[0] or "")
        for name, value in one.attributes:
            self._about[id_][name].add(value)

    def _implied(self, one: Statement) -> None:
        """What a foreign document relates and never declares is drawn too, as what its place says it is."""
        for name, value in zip(one.term.args, one.args, strict=True):
            if isinstance(value, Name):
                activity = name in ("activity", "informed", "informant", "starter", "ender")
                self._kinds.setdefault(
                    value, "activity" if activity else "agent" if name in ("agent", "delegate", "responsible") else "entity"
                )

    def _hides(self, id_: str) -> str | None:
        if self._kinds[id_] == AGENT.name:
            return "agents"
        types = {str(value) for value in self._about[id_][PROV + "type"]}
        return next((plural for kind, plural in HIDDEN.items() if kind in types), None)

    def picture(self, limit: int) -> Picture:
        ids = sorted(self._kinds)
        shown = [id_ for id_ in ids if not self._hides(id_)] or ids
        kept = set(self._latest(shown, limit))
        hidden = Counter(self._hides(id_) or "others" for id_ in ids if id_ not in kept)
        edges = self._edges(kept)
        return Picture(self._title(), tuple(self._node(id_) for id_ in shown if id_ in kept), edges, tuple(sorted(hidden.items())))

    def _latest(self, shown: list[str], limit: int) -> list[str]:
        if len(shown) <= limit:
            return shown
        near: dict[str, str] = {}
        for one in self._relations:
            names = [str(arg) for arg in one.args if isinstance(arg, Name)]
            time = max((self._times.get(name, "") for name in names), default="")
            for name in names:
                near[name] = max(near.get(name, ""), time)
        return sorted(shown, key=lambda id_: (near.get(id_, ""), id_), reverse=True)[:limit]

    def _title(self) -> str:
        sessions = sorted(self._label(id_) for id_ in self._kinds if Name(LIN + "Session") in self._about[id_][PROV + "type"])
        return sessions[0] if len(sessions) == 1 else f"{len(sessions)} sessions" if sessions else "PROV document"

    def _edges(self, kept: set[str]) -> tuple[Edge, ...]:
        joined: dict[tuple[str, str], set[str]] = defaultdict(set)
        paths = self._paths()
        for one in self._relations:
            source, target = one.args[0], one.args[1]
            if one.term is START and target is None:
                target = one.args[2]
            if source in kept and target in kept and source != target and (source, target, one.term) not in paths:
                joined[str(source), str(target)].add(one.term.name)
        return tuple(Edge(source, target, " · ".join(sorted(names))) for (source, target), names in sorted(joined.items()))

    def _paths(self) -> set[tuple[object, object, object]]:
        """Derivations and communications that a generation and a usage between the same things tell already."""
        made: dict[object, set[object]] = defaultdict(set)
        used: dict[object, set[object]] = defaultdict(set)
        for one in self._relations:
            if one.term is GENERATION:
                made[one.args[1]].add(one.args[0])
            if one.term is USAGE:
                used[one.args[0]].add(one.args[1])
        told: set[tuple[object, object, object]] = {
            (e, source, DERIVATION) for run, results in made.items() for e in results for source in used[run]
        }
        for run, inputs in used.items():
            told |= {(run, maker, COMMUNICATION) for maker, results in made.items() if results & inputs}
        return told | {
            (one.args[0], one.args[1], MEMBERSHIP) for one in self._relations if one.term is MEMBERSHIP and one.args[1] in used_by(used)
        }

    def _label(self, id_: str) -> str:
        texts = sorted(value.lexical for value in self._about[id_][PROV + "label"] if isinstance(value, Literal))
        return texts[0] if texts else _local(id_)

    def _node(self, id_: str) -> Node:
        return Node(id_, KINDS[self._kinds[id_]], self._label(id_), self._sublabel(id_), self._tooltip(id_))

    def _sublabel(self, id_: str) -> str:
        about = self._about[id_]
        count = _text(about[LIN + "count"])
        parts = [f"{count} records"] if count else []
        parts += [text for key in ("quantization", "dtype") if (text := _text(about[LIN + key]))]
        parts += self._metrics(id_)[:3] + self._scripts(id_)
        status = _text(about[LIN + "status"])
        parts += [status] if status and status != "completed" else []
        parts += ["inferred"] if Name(LIN + "Inferred") in about[PROV + "type"] else []
        parts += ["no metadata"] if Name(LIN + "Legacy") in about[PROV + "type"] else []
        return " · ".join(dict.fromkeys(parts))

    def _metrics(self, id_: str) -> list[str]:
        metrics = sorted(
            str(one.args[0])
            for one in self._relations
            if one.term is DERIVATION and one.args[1] == id_ and self._hides(str(one.args[0])) == "metrics"
        )
        return [f"{_text(self._about[metric][LIN + 'measure'])} {_text(self._about[metric][PROV + 'value'])[:6]}" for metric in metrics]

    def _scripts(self, id_: str) -> list[str]:
        agents = sorted(
            str(one.args[1]) for one in self._relations if one.term is ASSOCIATION and one.args[0] == id_ and isinstance(one.args[1], Name)
        )
        return [self._label(agent) for agent in agents][:1]

    def _tooltip(self, id_: str) -> str:
        lines = [id_]
        for name, values in sorted(self._about[id_].items()):
            lines += [f"{_local(name)}: {value if isinstance(value, Name) else value.lexical}" for value in sorted(values, key=repr)]
        return "\n".join(line[:200] for line in lines[:40])


def used_by(used: dict[object, set[object]]) -> set[object]:
    """Everything that some activity used."""
    return {one for inputs in used.values() for one in inputs}


def _text(values: Iterable[Value]) -> str:
    return next(iter(sorted(value.lexical for value in values if isinstance(value, Literal))), "")


def _local(id_: str) -> str:
    local = id_[max(id_.rfind(mark, 0, -1) for mark in "#/:") + 1 :]
    return local if len(local) <= 28 else f"{local[:24]}…"
