"""Which session each thing belongs to, and rows of sessions where there are many."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lineage.draw.labels import Labels
from lineage.draw.model import Group, Role
from lineage.draw.told import LIN, PART_OF, Told
from lineage.prov.statement import Name

SHOWN = 50  # sessions that stand on their own: the latest; those before them stand in rows of as many
ROWS = 20  # rows that stand side by side; more of them stand in rows of rows


@dataclass(slots=True)
class Grouping:
    """`of`: the group of each thing that belongs to just one; `frames`: what the groups stand for, in order of time."""

    kind: str
    frames: list[str]
    of: dict[str, int]
    said: Told
    _plans: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for term, source, target in self.said.relations:
            if term == "hadPlan":
                self._plans[source].append(target)

    def made(self, number: Mapping[str, int], labels: Labels, roles: Mapping[str, Role]) -> tuple[Group, ...]:
        """The groups, sessions first; then the rows that the earlier ones stand in."""
        members: dict[int, list[str]] = defaultdict(list)
        for id_, group in self.of.items():
            members[group].append(id_)
        groups = [self._group(n, id_, members[n], number, labels, roles) for n, id_ in enumerate(self.frames)]
        return tuple(_in_rows(groups, labels))

    def _group(self, n: int, id_: str, members: list[str], number: Mapping[str, int], labels: Labels, roles: Mapping[str, Role]) -> Group:
        things = [one for one in members if roles[one] == "thing"]
        time = self.said.times.get(id_) or min((self.said.times[one] for one in members if one in self.said.times), default="")
        return Group(
            kind=self.kind,
            label=labels.name(id_),
            box=labels.group(labels.name(id_), [labels.did(things), labels.state(id_, things, time)]),
            node=number[id_],
            parent=None,
            time=time,
            loader_versions=self._values(members, "loader_version"),
            quantizations=self._values(members, "quantization"),
        )

    def _values(self, members: list[str], key: str) -> tuple[str, ...]:
        """What its members say, and the plans that they followed: a plan may be that of many sessions."""
        told = {plan for one in members for plan in self._plans.get(one, ())} | set(members)
        return tuple(sorted({text for one in told if (text := self.said.text(one, LIN + key))}))


def grouping(said: Told, roles: Mapping[str, Role], parents: Mapping[str, str]) -> Grouping:
    """Sessions, where the document tells of any; else bundles."""
    sessions = [id_ for id_, role in roles.items() if role == "frame" and LIN + "Session" in said.types(id_)]
    kind, frames = ("session", sessions) if sessions else ("bundle", sorted({one for those in said.bundles.values() for one in those}))
    frames = sorted(frames, key=lambda id_: (said.times.get(id_, ""), id_))
    place = {id_: n for n, id_ in enumerate(frames)}
    direct = _of_sessions(said, place, frozenset(parents)) if sessions else _of_bundles(said, place)
    of = {id_: those.most_common(1)[0][0] for id_, those in direct.items() if len(those) == 1}
    for part in parents:
        whole = part
        while whole in parents:
            whole = parents[whole]
        of.pop(part, None)
        if whole in of:
            of[part] = of[whole]
    return Grouping(kind, frames, of | place, said)


def _of_bundles(said: Told, place: Mapping[str, int]) -> dict[str, Counter[int]]:
    return {id_: Counter(place[one] for one in bundles if one in place) for id_, bundles in said.bundles.items() if id_ not in place}


def _of_sessions(said: Told, place: Mapping[str, int], parts: frozenset[str]) -> dict[str, Counter[int]]:
    """A run belongs to its session; a thing to the session that made it, else to the only one that used it."""
    runs: dict[str, Counter[int]] = defaultdict(Counter)
    for id_, about in said.about.items():
        for session in about.get(PART_OF, ()):
            if isinstance(session, Name) and str(session) in place and id_ not in place:
                runs[id_][place[str(session)]] += 1
    for term, source, target in said.relations:
        if term == "wasStartedBy" and target in place and source not in place and source not in runs:
            runs[source][place[target]] += 1
    made: dict[str, Counter[int]] = defaultdict(Counter)
    used: dict[str, Counter[int]] = defaultdict(Counter)
    for term, source, target in said.relations:
        if term == "wasGeneratedBy" and source not in parts:
            _add(made[source], target, runs, place)
        elif term in ("used", "hadPlan", "wasAssociatedWith"):
            _add(used[target], source, runs, place)
    chosen = {id_: those for id_, those in used.items() if those and id_ not in runs and id_ not in place}
    chosen |= {id_: those for id_, those in made.items() if those and id_ not in runs}
    return chosen | runs


def _add(to: Counter[int], activity: str, runs: Mapping[str, Counter[int]], place: Mapping[str, int]) -> None:
    if activity in place:
        to[place[activity]] += 1
    else:
        to.update(runs.get(activity, ()))


def _in_rows(groups: list[Group], labels: Labels) -> list[Group]:
    """All groups; the earlier ones in rows, those in rows again, until few stand side by side."""
    earlier = list(range(len(groups) - SHOWN if len(groups) > SHOWN + SHOWN // 5 else 0))
    size = SHOWN
    while earlier:
        rows = [earlier[max(0, end - size) : end] for end in range(len(earlier), 0, -size)][::-1]
        if len(rows) == 1 and len(rows[0]) <= ROWS and size == ROWS:
            break
        for row in rows:
            groups.append(_row(groups, row, labels))
            for n in row:
                groups[n] = replace(groups[n], parent=len(groups) - 1)
        earlier = list(range(len(groups) - len(rows), len(groups))) if len(rows) > ROWS else []
        size = ROWS
    return groups


def _row(groups: list[Group], row: list[int], labels: Labels) -> Group:
    count = sum(_count(groups, n) for n in row)
    label = f"{count:,} earlier {groups[0].kind}s"
    times = [groups[row[0]].time[:10], groups[row[-1]].time[:10]]
    facets = [tuple(sorted({value for n in row for value in getattr(groups[n], key)})) for key in ("loader_versions", "quantizations")]
    box = labels.group(label, [" to ".join(dict.fromkeys(time for time in times if time))])
    return Group("sessions", label, box, None, None, groups[row[0]].time, *facets)


def _count(groups: list[Group], n: int) -> int:
    return sum(_count(groups, m) for m, one in enumerate(groups[:n]) if one.parent == n) if groups[n].kind == "sessions" else 1
