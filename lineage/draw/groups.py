"""Which session each thing belongs to: what is collapsed together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lineage.draw.labels import Labels
from lineage.draw.model import Group, Role
from lineage.draw.rows import in_rows
from lineage.draw.told import LIN, PART_OF, Told
from lineage.prov.statement import Name

COMMON = 40  # things of several sessions, from which on they are a group too

Belongs = dict[str, set[int]]  # the numbers of the groups that a thing may be counted to


@dataclass(slots=True)
class Grouping:
    """`of`: the group of each thing that belongs to one; `frames`: what the groups stand for, in order of time; a group of what is common comes last."""

    said: Told
    frames: list[str]
    of: dict[str, int]
    times: dict[str, str]
    common: int = 0  # things that several groups share, where they are a group of their own
    _plans: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for term, source, target in self.said.relations:
            if term == "hadPlan":
                self._plans[source].append(target)

    @property
    def kind(self) -> str:
        """What the groups are called together."""
        return "session" if any(LIN + "Session" in self.said.types(id_) for id_ in self.frames) else "bundle"

    def made(self, number: Mapping[str, int], labels: Labels, roles: Mapping[str, Role]) -> tuple[Group, ...]:
        """The groups; then the rows that the earlier ones stand in."""
        members: dict[int, list[str]] = defaultdict(list)
        for id_, group in self.of.items():
            members[group].append(id_)
        groups = [self._group(id_, members[n], number, labels, roles) for n, id_ in enumerate(self.frames)]
        common = [self._common(labels)] if self.common else []
        return tuple(in_rows(groups, common, self.kind, labels))

    def _group(self, id_: str, members: list[str], number: Mapping[str, int], labels: Labels, roles: Mapping[str, Role]) -> Group:
        things = [one for one in members if roles[one] == "thing"]
        return Group(
            kind="session" if LIN + "Session" in self.said.types(id_) else "bundle",
            label=labels.name(id_),
            box=labels.group(labels.name(id_), [labels.did(things), labels.state(id_, things, self.times[id_])]),
            node=number[id_],
            parent=None,
            time=self.times[id_],
            loader_versions=self._values(members, "loader_version"),
            quantizations=self._values(members, "quantization"),
        )

    def _common(self, labels: Labels) -> Group:
        label = f"{self.common:,} things of several {self.kind}s"
        return Group(kind="common", label=label, box=labels.group(label, []), node=None, parent=None, time="")

    def _values(self, members: list[str], key: str) -> tuple[str, ...]:
        """What its members say, and the plans that they followed: a plan may be that of many sessions."""
        told = {plan for one in members for plan in self._plans.get(one, ())} | set(members)
        return tuple(sorted({text for one in told if (text := self.said.text(one, LIN + key))}))


def grouping(said: Told, roles: Mapping[str, Role], parents: Mapping[str, str]) -> Grouping:
    """Sessions; and the bundles that tell of no session."""
    times = _times(said, roles)
    frames = sorted(times, key=lambda id_: (times[id_], id_))
    place = {id_: n for n, id_ in enumerate(frames)}
    of = {id_: min(those) for id_, those in _belongs(said, place, frozenset(parents)).items() if len(those) == 1 or id_ in said.made}
    alone = [id_ for id_, role in roles.items() if role == "thing" and id_ not in of]
    common = len(alone) if len(alone) > COMMON and len(frames) > 1 else 0
    of |= dict.fromkeys(alone, len(frames)) if common else {}
    return Grouping(said, frames, _with_parts(of, parents) | place, times, common)


def _times(said: Told, roles: Mapping[str, Role]) -> dict[str, str]:
    """When each session began, or the first thing of a bundle that tells of no session."""
    sessions = {id_: said.times.get(id_, "") for id_, role in roles.items() if role == "frame" and LIN + "Session" in said.types(id_)}
    told = {bundle for id_ in sessions for bundle in said.bundles.get(id_, ())}
    others: dict[str, str] = {}
    for id_, bundles in said.bundles.items():
        for bundle in bundles - told:
            times = [time for time in (others.get(bundle, ""), said.times.get(id_, "")) if time]
            others[bundle] = min(times, default="")
    return sessions | others


def _with_parts(of: dict[str, int], parents: Mapping[str, str]) -> dict[str, int]:
    """A part is where the whole is."""
    found = {id_: group for id_, group in of.items() if id_ not in parents}
    for part in parents:
        whole = part
        while whole in parents:
            whole = parents[whole]
        if whole in found:
            found[part] = found[whole]
    return found


def _belongs(said: Told, place: Mapping[str, int], parts: frozenset[str]) -> Belongs:
    """A run belongs to its session; a thing to the sessions that made it, else to those that used it; what is left to its bundles."""
    runs = _runs(said, place)
    made: Belongs = defaultdict(set)
    used: Belongs = defaultdict(set)
    for term, source, target in said.relations:
        if term == "wasGeneratedBy" and source not in parts:
            made[source] |= {place[target]} if target in place else runs.get(target, set())
        elif term in ("used", "hadPlan", "wasAssociatedWith"):
            used[target] |= {place[source]} if source in place else runs.get(source, set())
    bundles = {id_: {place[one] for one in those if one in place} for id_, those in said.bundles.items()}
    return {id_: those for those_of in (bundles, used, made, runs) for id_, those in those_of.items() if those and id_ not in place}


def _runs(said: Told, place: Mapping[str, int]) -> Belongs:
    """Activities, by the session that they say they are a part of, or that started them; else by their bundle."""
    runs: Belongs = defaultdict(set)
    for id_, about in said.about.items():
        runs[id_] |= {place[str(one)] for one in about.get(PART_OF, ()) if isinstance(one, Name) and str(one) in place}
    for term, source, target in said.relations:
        if term == "wasStartedBy" and target in place:
            runs[source] |= {place[target]} if not runs[source] else set()
    activities: Iterable[str] = (id_ for id_, kind in said.kinds.items() if kind == "activity" and not runs.get(id_))
    for id_ in activities:
        runs[id_] = {place[one] for one in said.bundles.get(id_, ()) if one in place}
    return {id_: those for id_, those in runs.items() if those and id_ not in place}
