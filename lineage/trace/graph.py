"""The combined graph of many sessions for traversals: nodes are numbers, and each knows what it came from and what came of it.

`built` makes it from facts, through the one mapping; `read` from the statements of documents, whoever wrote them. A run that carried records
over is two nodes: the run with all it used, and its *doing*, which is what its carried slices come from (known.py). Both have one name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from lineage import mapping
from lineage.facts import ModelLoad, Session
from lineage.mapping.names import LIN, Ids
from lineage.prov.document import Document
from lineage.prov.statement import Name, Statement, expanded
from lineage.prov.terms import DERIVATION, GENERATION, MEMBERSHIP, USAGE
from lineage.trace.known import Carry, Known
from lineage.trace.relations import CARRIED, NAMED, PART, RECORDED, influences
from lineage.trace.things import SLICE, Thing, texts, thing, types_of, whole_number

Check = Callable[[Sequence[Statement], Sequence[str]], tuple[str, ...]]


@dataclass(slots=True)
class Graph:
    """Filled by `built` or `read`, and then only asked."""

    names: list[Name] = field(default_factory=list)
    past: list[dict[int, str]] = field(default_factory=list)  # what each came from, and by which relation
    future: list[list[int]] = field(default_factory=list)
    told: list[list[Statement]] = field(default_factory=list)  # the statements that declare it
    types: list[set[Name]] = field(default_factory=list)  # its classes
    sessions: list[list[str]] = field(default_factory=list)  # that tell of it
    index: dict[Name, int] = field(default_factory=dict)
    doing: dict[int, int] = field(default_factory=dict)  # run: its doing
    holder: dict[int, int] = field(default_factory=dict)  # slice: its file
    carried: set[int] = field(default_factory=set)  # slices whose records were made elsewhere
    counts: dict[int, int] = field(default_factory=dict)  # records of each file and slice
    check: Check | None = None  # what is checked of a thing when it is asked for; None: the files are not at hand
    _kinds: dict[int, str] = field(default_factory=dict)
    _things: dict[int, Thing] = field(default_factory=dict)
    _carriers: frozenset[int] | None = None

    def node(self, name: Name, kind: str = "entity") -> int:
        """The number of a name, a new one if it is not there."""
        number = self.index.get(name)
        if number is None:
            number = self.index[name] = self._added(name)
            self._kinds[number] = kind
        return number

    def _added(self, name: Name) -> int:
        self.names.append(name)
        self.past.append({})
        self.future.append([])
        self.told.append([])
        self.types.append(set())
        self.sessions.append([])
        return len(self.names) - 1

    def link(self, newer: int, older: int, relation: str) -> None:
        """*newer* came from *older*. Between two nodes the first relation counts, and all others are the same way."""
        if older not in self.past[newer] and newer != older:
            self.past[newer][older] = relation
            self.future[older].append(newer)

    def unlink(self, newer: int, older: int) -> None:
        """Take a link back."""
        if self.past[newer].pop(older, None):
            self.future[older].remove(newer)

    def do(self, run: int, inputs: set[int]) -> None:
        """The doing of a run came from all that the run came from, but *inputs*: the files of records whose slices are known."""
        doing = self.split(run)
        for older, relation in list(self.past[run].items()):
            if relation != USAGE.name or older not in inputs:
                self.link(doing, older, relation)

    def split(self, run: int) -> int:
        """The doing of a run."""
        if run not in self.doing:
            self.doing[run] = self._added(self.names[run])
        return self.doing[run]

    def shown(self, number: int) -> int:
        """The node that has the name: the run, where *number* is its doing."""
        return self.index[self.names[number]]

    def thing(self, number: int) -> Thing:
        """What the node is."""
        number = self.shown(number)
        if number not in self._things:
            held = self.holder.get(number)
            sessions = tuple(self.sessions[number])
            within = self.thing(held) if held is not None and held not in self.holder else None  # hostile: slices within each other
            count = self.counts.get(number)
            checks = self.check(self.told[number], sessions) if self.check else ()
            self._things[number] = thing(self.names[number], self._kinds[number], self.told[number], sessions, count, within, checks)
        return self._things[number]

    def carriers(self) -> frozenset[int]:
        """The files of records that were all carried over from others. Asked of a graph that is filled."""
        if self._carriers is None:
            slices: dict[int, list[int]] = {}
            for part, file in self.holder.items():
                slices.setdefault(file, []).append(part)
            self._carriers = frozenset(file for file, parts in slices.items() if self.carried.issuperset(parts))
        return self._carriers

    def goes(self, newer: int, older: int) -> bool:
        """Return whether influence runs along a link: a file whose records were all carried over came from its slices alone.

        A file that went into a merge has no part in what was made of the merge if none of its records came through.
        """
        return newer not in self.carriers() or self.holder.get(older) == newer

    def whole(self, number: int) -> tuple[int, ...]:
        """All nodes that are meant by one: a run with its doing, a file with its slices."""
        slices = (one for one in self.past[number] if self.holder.get(one) == number)
        return (number, *([self.doing[number]] if number in self.doing else []), *slices)

    # --- filling

    def tell(self, statements: Iterable[Statement], session: str, elsewhere: frozenset[Name] = frozenset()) -> None:
        """Add statements, but for the generations of the slices in *elsewhere*."""
        for one in statements:
            if one.id is not None and one.term.is_element:
                self._declare(one, one.id, session)
            elif one.term is not GENERATION or one.args[0] not in elsewhere:
                self._relate(one)

    def _declare(self, one: Statement, id_: Name, session: str) -> None:
        number = self.node(id_, one.term.name)
        self._kinds[number] = one.term.name
        if one not in self.told[number]:
            self.told[number].append(one)
            self.types[number] |= types_of([one])
            for text in texts([one], LIN["count"]):
                self.counts[number] = whole_number(text) or 0
        if session not in self.sessions[number][-1:]:
            self.sessions[number].append(session)

    def _relate(self, one: Statement) -> None:
        for newer, older in influences(one):
            new, old = self.node(*newer), self.node(*older)
            if one.term is DERIVATION and SLICE in self.types[new]:  # both files were read, and the records compared
                self.link(new, old, CARRIED)
                self.carried.add(new)
            self.link(new, old, one.term.name)
            if one.term is MEMBERSHIP and SLICE in self.types[old]:
                self.holder[old] = new


def built(sessions: Iterable[Session], ids: Ids | None = None) -> Graph:
    """The graph of *sessions*, whatever order they come in."""
    ids, graph, every = ids or Ids(), Graph(), sorted(sessions, key=_begun)
    known = Known.of(every, ids)
    carries = {one.id: [(run, carry) for run in one.activities for carry in known.carries(run, one)] for one in every}
    for session in every:
        elsewhere = frozenset(carry.slice for _, carry in carries[session.id] if carry.is_full or carry.own)
        graph.tell(mapping.statements(session, ids), session.id, elsewhere)
    _slices(graph, known)
    for session in every:
        for run, carry in carries[session.id]:
            _carry(graph, carry)
            if carry.is_full:
                graph.do(graph.index[carry.run], {graph.node(name) for name in known.inputs(run, session)})
    _folders(graph, known, every)
    return graph


def _begun(session: Session) -> tuple[bool, str, str]:
    """The oldest first, so that a thing is called what it was called first; those of which nobody knows the time come last."""
    return session.started_at is None, session.started_at or "", session.id


def read(documents: Iterable[tuple[str, Document]]) -> Graph:
    """The graph of documents, each under a name; each bundle counts under its own."""
    graph = Graph()
    for name, document in documents:
        full = document.read()
        graph.tell(sorted(expanded(full.statements), key=mapping.order), name)
        for bundle in full.bundles:
            graph.tell(sorted(expanded(bundle.statements), key=mapping.order), bundle.id.rpartition("bundle-")[2])
    return graph


def _slices(graph: Graph, known: Known) -> None:
    """Slices that nothing generates are there too: records without metadata."""
    for file, parts in known.slices.items():
        for part, fact in parts.items():
            graph.link(graph.node(file), graph.node(part), MEMBERSHIP.name)
            graph.holder[graph.node(part)] = graph.node(file)
            graph.counts[graph.node(part)] = fact.count


def _carry(graph: Graph, carry: Carry) -> None:
    if carry.slice in carry.origins:  # the run left the file as it was
        return
    part, run = graph.node(carry.slice), graph.node(carry.run, "activity")
    graph.link(part, graph.split(run) if carry.is_full else run, GENERATION.name)
    for origin in carry.origins:
        graph.link(part, graph.node(origin), CARRIED)
    if carry.maker:
        graph.link(part, graph.node(carry.maker, "activity"), RECORDED)
    if carry.loader:
        loader = graph.node(carry.loader, "agent")
        graph.types[loader].add(LIN["Loader"])
        graph.link(part, loader, NAMED)
    if carry.maker or (carry.is_full and carry.slice not in carry.origins):
        graph.carried.add(part)


def _folders(graph: Graph, known: Known, sessions: Sequence[Session]) -> None:
    for part, folder in known.parts():
        graph.link(graph.node(part), graph.node(folder), PART)
    for session in sessions:
        for run in session.activities:
            if isinstance(run, ModelLoad):
                for folder in known.loaded(run, session):
                    graph.link(graph.node(known.ids.base_model(run, session)), graph.node(folder), PART)
