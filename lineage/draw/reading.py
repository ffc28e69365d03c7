"""A document -> a model: which role each thing plays, what it is a part of, and which session it belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from lineage.draw.groups import Grouping, grouping
from lineage.draw.labels import Labels
from lineage.draw.model import Model, Node, Problem, Relation, Role
from lineage.draw.text import clean
from lineage.draw.told import LIN, Link, Told, told
from lineage.findings import Finding
from lineage.prov.document import Document
from lineage.prov.terms import PROV, RELATIONS

CONFIGURATIONS = frozenset([PROV + "Plan", *(LIN + name for name in ("Environment", "CodeVersion", "Patch", "ScriptFile"))])
MEMBERS = frozenset(LIN + name for name in ("Slice", "Record", "ModelFile", "Metric", "SentinelResults"))
FRAMES = frozenset([LIN + "Session", PROV + "Bundle"])
_PARENTS = ("hadMember", "wasDerivedFrom", "wasGeneratedBy")  # what makes a member a part of something, the first that is there
_ROLES: tuple[Role, ...] = ("frame", "thing", "member", "configuration", "agent")
_TERMS = {term.name: n for n, term in enumerate(RELATIONS)}


def model(
    document: Document,
    *,
    findings: Iterable[Finding] = (),
    metadata: Mapping[str, str] | None = None,
    links: Mapping[str, str] | None = None,
) -> Model:
    """All that *document* says, ready to be drawn.

    Args:
        findings: shown on the nodes that they concern, by the ids they name or the file that they are about.
        metadata: of slices, by id, as JSON. links: by id, addresses that are safe to follow.
    """
    return _Reading(told(document), metadata or {}, links or {}).model(tuple(findings))


class _Reading:
    def __init__(self, said: Told, metadata: Mapping[str, str], links: Mapping[str, str]) -> None:
        self._said, self._metadata, self._links = said, metadata, links
        self._parents = self._parts()
        self._roles = {id_: self._role(id_) for id_ in said.kinds}
        if "thing" not in self._roles.values():
            self._roles = dict.fromkeys(said.kinds, "thing")
        self._groups = grouping(said, self._roles, self._parents)
        self._order = sorted(said.kinds, key=self._key)
        self._number = {id_: n for n, id_ in enumerate(self._order)}

    def _parts(self) -> dict[str, str]:
        """The whole of each part: one that was made itself before one that was not, for that tells where the part is from."""
        found: dict[str, list[tuple[int, bool, str]]] = defaultdict(list)
        members = {id_ for id_ in self._said.kinds if MEMBERS & set(self._said.types(id_))}
        for term, source, target in self._said.relations:
            if term in _PARENTS:
                part, whole = (target, source) if term == "hadMember" else (source, target)
                if part in members:
                    found[part].append((_PARENTS.index(term), whole not in self._said.made, whole))
        parents = {part: min(wholes)[2] for part, wholes in found.items()}
        return {part: whole for part, whole in parents.items() if not _circles(part, parents)}

    def _role(self, id_: str) -> Role:
        types = set(self._said.types(id_))
        if self._said.kinds[id_] == "agent":
            return "agent"
        if FRAMES & types:
            return "frame"
        return "configuration" if CONFIGURATIONS & types else "member" if id_ in self._parents else "thing"

    def _key(self, id_: str) -> tuple[int, int, str, str]:
        return self._groups.of.get(id_, -1), _ROLES.index(self._roles[id_]), self._said.times.get(id_, ""), id_

    def model(self, findings: tuple[Finding, ...]) -> Model:
        labels = Labels(self._said, self._parents)
        nodes = tuple(self._node(id_, labels) for id_ in self._order)
        groups = self._groups.made(self._number, labels, self._roles)
        return Model(self._title(self._groups), nodes, self._relations(), groups, tuple(self._problems(findings)))

    def _node(self, id_: str, labels: Labels) -> Node:
        said = self._said
        attributes = [(said.short(name), said.shown(value)) for name, values in said.about.get(id_, {}).items() for value in values]
        return Node(
            id=id_,
            kind=said.kinds[id_],
            type=labels.type(id_),
            role=self._roles[id_],
            label=clean(labels.name(id_)),
            box=labels.box(id_),
            group=self._groups.of.get(id_),
            parent=self._number[self._parents[id_]] if self._roles[id_] == "member" else None,
            time=said.times.get(id_, ""),
            attributes=tuple(sorted(attributes)),
            metadata=self._metadata.get(id_, ""),
            link=self._links.get(id_, "") or safe(id_),
        )

    def _relations(self) -> tuple[Relation, ...]:
        known = _told_already(self._said)
        place = {self._said.short(id_): n for id_, n in self._number.items()}
        made = [
            Relation(
                term, self._number[source], self._number[target], (term, source, target) in known,
                tuple(sorted(rest, key=lambda pair: (pair[0], place.get(pair[1], -1), pair[1]))),
            )
            for (term, source, target), rest in self._said.relations.items()
        ]  # fmt: skip
        made += [Relation("partOf", self._number[part], self._number[whole], False, ()) for part, whole in self._folders()]
        return tuple(sorted(made, key=lambda one: (one.source, one.target, _TERMS.get(one.term, len(_TERMS)))))

    def _folders(self) -> Iterable[tuple[str, str]]:
        """A file that is in one folder alone, which some run made, comes from there (docs/decisions/0010)."""
        wholes: dict[str, list[str]] = defaultdict(list)
        for term, source, target in self._said.relations:
            if term == "hadMember" and source in self._said.made and target in self._parents and target not in self._said.made:
                wholes[target].append(source)
        return ((part, those[0]) for part, those in wholes.items() if len(those) == 1)

    def _title(self, groups: Grouping) -> str:
        names = [self._said.text(id_, PROV + "label") or id_ for id_ in groups.frames]
        return clean(names[0]) if len(names) == 1 else f"{len(names):,} {groups.kind}s" if names else "PROV document"

    def _problems(self, findings: tuple[Finding, ...]) -> Iterable[Problem]:
        places: dict[str, list[int]] = defaultdict(list)
        for id_, n in self._number.items():
            for name in {self._said.text(id_, PROV + "location"), id_.rpartition("/")[2]}:
                places[name].append(n)
        for one in findings:
            named = [self._number[id_] for id_ in getattr(one, "ids", ()) if id_ in self._number]
            yield Problem(one.rule.level, str(one), tuple(sorted(set(named or places.get(one.file, [])))))


def _circles(part: str, parents: Mapping[str, str]) -> bool:
    seen, at = {part}, parents.get(part)
    while at is not None and at not in seen:
        seen.add(at)
        at = parents.get(at)
    return at is not None


def safe(address: str) -> str:
    """*address* if following it runs nothing and tells a reader what it is; else nothing. Ours are not registered yet, so they lead nowhere."""
    ours = address.startswith("https://w3id.org/lineage-prov/")
    return address if address.lower().startswith(("http://", "https://", "mailto:", "urn:")) and not ours else ""


def _told_already(said: Told) -> set[Link]:
    """Relations that others tell: a derivation or communication by a generation and a usage; a member of what is used by its own usage;
    the usage of a part by that of the whole, unless the part was made with another whole, and so tells where it is from.
    """
    made: dict[str, set[str]] = defaultdict(set)  # by run
    used: dict[str, set[str]] = defaultdict(set)
    makers: dict[str, set[str]] = defaultdict(set)
    wholes: dict[str, set[str]] = defaultdict(set)
    for term, source, target in said.relations:
        if term == "wasGeneratedBy":
            made[target].add(source)
            makers[source].add(target)
        elif term == "used":
            used[source].add(target)
        elif term == "hadMember":
            wholes[target].add(source)
    inputs = set().union(*used.values()) if used else set()

    def within(part: str) -> set[str]:
        return {part, *wholes.get(part, ())}

    tests: dict[str, Callable[[str, str], object]] = {
        "wasDerivedFrom": lambda source, target: any(
            within(target) & used[run] for whole in within(source) for run in makers.get(whole, ())
        ),
        "wasInformedBy": lambda source, target: made.get(target, set()) & used.get(source, set()),
        "hadMember": lambda source, target: target in inputs,
        "used": lambda source, target: wholes.get(target, set()) & used[source] and not wholes[target] & said.made,
    }
    return {link for link in said.relations if link[0] in tests and tests[link[0]](link[1], link[2])}
