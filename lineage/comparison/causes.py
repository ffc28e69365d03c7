"""Which differences come first, and which follow from them.

The pasts of both sides are walked together, from what is compared back to where it began: the runs and loads of the one
side are paired with those of the other. A difference in settings, code, environment or a file that no recorded run made is
a cause. A file, model or score that differs and was made from such is a consequence. Where two inputs are equal, nothing
behind them can have caused anything, so the walk ends there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lineage.comparison.makers import Makers, file_pairs, kind_of, load_pairs, run_pairs
from lineage.comparison.policy import POLICY, Rank, Rule
from lineage.comparison.seen import Fact
from lineage.comparison.subjects import Report, Run, Subject
from lineage.facts import Artifact, Evaluation, ModelLoad, Training

Pair = tuple[str, str]  # ids of a run of each side
MOST = 2_000  # pairs of runs that are walked
_BY_FILES = ("data set", "data that was used", "loaders upstream", "methodology", "measure", "sentinels", "adapter's base")
_RULES = tuple(rule for rule in POLICY if rule.what not in _BY_FILES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A difference that follows from no other.

    Attributes:
        what: Name of the fact: "loader_version", "temperature".
        rule: Row of the policy that it belongs to.
        steps: Steps that it was found in, the latest first: "evaluation", "load for generation".
        depth: Steps back from what is compared, at most.
        is_own: Whether it is of what is compared itself, and not of its past.
        consequences: Files, models and scores that differ because of it, the earliest first.
    """

    what: str
    rule: str
    rank: Rank
    one: object
    other: object
    steps: tuple[str, ...]
    depth: int
    is_own: bool
    consequences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Step:
    """A pair of runs, how far back it is, and what is called."""

    one: Run
    other: Run
    depth: int
    label: str


@dataclass(frozen=True, slots=True)
class _Difference:
    what: str
    rule: str
    rank: Rank
    one: object
    other: object


class _Walk:
    """Both pasts, walked together."""

    def __init__(self, makers: Makers) -> None:
        self.steps: dict[Pair, _Step] = {}
        self.differences: dict[Pair, list[_Difference]] = defaultdict(list)
        self.later: dict[Pair, set[Pair]] = defaultdict(set)  # the steps that used what a step made
        self._makers = makers
        self._reports: Mapping[str, Report] = {}
        self._waiting: list[_Step] = []

    def walk(self, one: Subject, other: Subject) -> None:
        """Walk both pasts, up to MOST pairs."""
        self._reports = {**one.reports, **other.reports}
        wrote = [self._makers.wrote(side) for side in (one, other)]
        for left, right in (*run_pairs(one.runs or one.loads, other.runs or other.loads), *run_pairs(*wrote)):
            self._wait(left, right, 0, kind_of(left[1]), None)
        while self._waiting and len(self.steps) < MOST:
            waiting, self._waiting = self._waiting, []
            for step in waiting:
                self._compare(step)

    def _wait(self, one: Run, other: Run, depth: int, label: str, user: Pair | None) -> None:
        pair = (one[1].id, other[1].id)
        if user is not None and user != pair:
            self.later[pair].add(user)
        if pair not in self.steps and one[1].id != other[1].id:
            step = _Step(one, other, depth, label)
            self.steps[pair] = step
            self._waiting.append(step)

    def _compare(self, step: _Step) -> None:
        pair = (step.one[1].id, step.other[1].id)
        self.differences[pair] += self._settings(step)
        if type(step.one[1]) is not type(step.other[1]):
            return
        loads = self._makers.loads(step.one), self._makers.loads(step.other)
        for left, right in load_pairs(*loads):
            self._wait(left, right, step.depth + 1, f"load for {kind_of(step.one[1])}", pair)
        for first, second in file_pairs(step.one[1].used, step.other[1].used):
            self._files(step, pair, first, second)

    def _files(self, step: _Step, pair: Pair, first: Artifact | None, second: Artifact | None) -> None:
        """Two inputs: equal, made by steps that are walked next, or a cause."""
        if first is not None and second is not None:
            if first.sha256 == second.sha256 or None in (first.sha256, second.sha256):
                return
            left, right = self._makers.of(step.one, first), self._makers.of(step.other, second)
            if left and right:
                self._wait(left, right, step.depth + 1, kind_of(left[1]), pair)
                return
        name = (first or second).path.rpartition("/")[2]  # type: ignore[union-attr]  # one of them is there
        shown = [one.sha256 if one is not None else "not used" for one in (first, second)]
        rule = next(one for one in POLICY if one.what == _rule_of(step))
        self.differences[pair].append(_Difference(f"file {name}", rule.what, rule.rank, *shown))

    def _settings(self, step: _Step) -> Iterator[_Difference]:
        """What the policy tells apart between two runs, besides their inputs."""
        if type(step.one[1]) is not type(step.other[1]):
            yield _Difference("step", "script", "may change", kind_of(step.one[1]), kind_of(step.other[1]))
            return
        sides = [_alone(run, self._reports) for run in (step.one, step.other)]
        for rule in _RULES:
            if rule.what == "training parameters" and not isinstance(step.one[1], Training):
                continue
            facts = [tuple(rule.facts(side)) for side in sides]
            if rule.judge(*facts) == "differs":
                yield from (_Difference(what, rule.what, rule.rank, one, other) for what, one, other in values(rule, *facts))


def _rule_of(step: _Step) -> str:
    run = step.one[1]
    return "model" if isinstance(run, ModelLoad) else "data set" if isinstance(run, Evaluation) else "data that was used"


def _alone(run: Run, reports: Mapping[str, Report]) -> Subject:
    """A run or load without its past. What its model is, its load says."""
    session, activity = run
    if isinstance(activity, ModelLoad):
        return Subject(asked="", kind="model", title="", loads=((session, activity),))
    return Subject(asked="", kind="session", title="", runs=(run,), reports=reports)


def values(rule: Rule, one: Sequence[Fact], other: Sequence[Fact]) -> Iterator[tuple[str, object, object]]:
    """Yield what differs in a row: its name, and the value of each side; None where a side has none."""
    known = [[fact.value for fact in side if fact.value is not None] for side in (one, other)]
    left, right = (side[0] if len(side) == 1 else side or None for side in known)
    if rule.what == "model" and isinstance(left, list) and isinstance(right, list):
        yield from _of_models(left, right)
    elif isinstance(left, dict) and isinstance(right, dict):
        keys = [key for key in {**left, **right} if left.get(key) != right.get(key)]
        short = [key for key in keys if not key.endswith("_sha256")] or keys  # a version says what its digest does
        yield from ((key, left.get(key), right.get(key)) for key in short)
    else:
        yield rule.label or rule.what, left, right


def _of_models(left: list[object], right: list[object]) -> Iterator[tuple[str, object, object]]:
    """Name and revision; the digests of files are compared file by file."""
    for number, what in enumerate(("model_name", "revision")):
        pair = [side[number] if len(side) == 3 else side for side in (left, right)]
        if pair[0] != pair[1]:
            yield what, pair[0], pair[1]


def causes(one: Subject, other: Subject, makers: Makers) -> tuple[Cause, ...]:
    """Return the causes of all differences: what breaks before what may change, and the earliest first."""
    walk = _Walk(makers)
    walk.walk(one, other)
    merged: dict[tuple[str, str], list[tuple[Pair, _Difference]]] = defaultdict(list)
    for pair, differences in walk.differences.items():
        for each in differences:
            merged[(each.what, repr((each.one, each.other)))].append((pair, each))
    found = [_cause(walk, found) for found in merged.values()]
    return tuple(sorted(found, key=lambda cause: (_RANKS.index(cause.rank), -cause.depth, cause.what)))


_RANKS: tuple[Rank, ...] = ("breaks", "may change", "cosmetic")


def _cause(walk: _Walk, found: list[tuple[Pair, _Difference]]) -> Cause:
    steps = sorted((walk.steps[pair] for pair, _ in found), key=lambda step: step.depth)
    each = found[0][1]
    starts = [pair for pair, _ in found]
    own = any(
        step.depth == 0 or (step.depth == 1 and step.label.startswith("load for") and isinstance(step.one[1], ModelLoad)) for step in steps
    )
    return Cause(
        what=each.what, rule=each.rule, rank=each.rank, one=each.one, other=each.other,
        steps=tuple(dict.fromkeys(step.label for step in steps)), depth=steps[-1].depth, is_own=own,
        consequences=_consequences(walk, starts),
    )  # fmt: skip


def _consequences(walk: _Walk, starts: Sequence[Pair]) -> tuple[str, ...]:
    """What the steps from *starts* on made and what differs, the earliest first."""
    reached = dict.fromkeys(starts)
    waiting = list(starts)
    while waiting:
        for pair in walk.later[waiting.pop()]:
            if pair not in reached:
                reached[pair] = None
                waiting.append(pair)
    steps = sorted((walk.steps[pair] for pair in reached if pair in walk.steps), key=lambda step: -step.depth)
    return tuple(dict.fromkeys(name for step in steps for name in _differing_outputs(step)))


def _differing_outputs(step: _Step) -> Iterator[str]:
    one, other = step.one[1], step.other[1]
    if isinstance(one, Evaluation) and isinstance(other, Evaluation):
        yield from (name for name in one.metrics if name in other.metrics and one.metrics[name] != other.metrics[name])
        return
    for first, second in file_pairs(one.made, other.made):
        if first is not None and second is not None and first.sha256 != second.sha256:
            yield first.path
