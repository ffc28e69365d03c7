"""One function for consequences: a graph and the things concerned give affected files, models and scores, with chain and action."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lineage.consequences.chains import Chains
from lineage.consequences.policy import POLICY, UNMADE, UNREAD, Action, Cause, Kind
from lineage.core.words import share
from lineage.prov.statement import Name
from lineage.prov.terms import GENERATION
from lineage.trace import answers
from lineage.trace.answers import Impact
from lineage.trace.graph import Graph

SHOWN = 5  # names of a kind in a sentence; JSON has all


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """One result that is concerned.

    Attributes:
        kind: "file" of records, "model", "score", or "output" for a file of another kind.
        chain: The way to the thing concerned: `kept.jsonl <- filter <- gen.jsonl`.
        action: The action of the policy.
        settle: What would settle it, where the action is "undetermined"; else "".
        records: Of a file of records, how many are concerned.
        of: How many records the file has; None where nobody counted.
        value: Of a score, its number as it was recorded.
        report: Of a score, the name of its report.
    """

    kind: str
    name: str
    id: Name
    chain: str
    action: Action
    settle: str = ""
    records: int | None = None
    of: int | None = None
    value: float | None = None
    report: str | None = None

    @property
    def text(self) -> str:
        """The result in words, without its chain."""
        if self.kind == "file":
            return f"{share(self.records or 0, self.of, 'record')} of {self.name}"
        if self.kind == "score":
            value = "not recorded" if self.value is None else f"{self.value:g}"
            return f"score {self.name} {value} of {self.report or 'a report that was not recorded'}"
        return f"{'file' if self.kind == 'output' else self.kind} {self.name}"

    def json(self) -> dict[str, Any]:
        """Return the result with stable keys."""
        keys = ("kind", "name", "id", "records", "of", "value", "report", "chain", "action", "settle")
        return {key: getattr(self, key) for key in keys}


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """All results that were made from some things, by kind and name. It is false where there are none."""

    cause: Cause = "content"
    records: int = 0  # each counted where it was made
    copies: int = 0  # of them in other files
    affected: tuple[Affected, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.affected)

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the files of records."""
        return self._names("file")

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models."""
        return self._names("model")

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the other files."""
        return self._names("output")

    @property
    def scores(self) -> tuple[str, ...]:
        """The scores in words: `sft_accuracy 0.92 (evaluation.json)`."""
        return tuple(map(_score, self.of_kind("score")))

    def of_kind(self, *kinds: str) -> tuple[Affected, ...]:
        """Return the results of some kinds."""
        return tuple(one for one in self.affected if one.kind in kinds)

    def _names(self, kind: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.name for one in self.of_kind(kind)))

    @property
    def actions(self) -> dict[str, int]:
        """How many results have each action."""
        return dict(sorted(Counter(one.action for one in self.affected).items()))

    def __str__(self) -> str:
        return "; ".join(self._parts())

    def _parts(self) -> Iterator[str]:
        parts = {
            "": [one.text for one in self.of_kind("file")],
            "file": list(self.outputs),
            "model": list(self.models),
            "score": list(self.scores),
        }
        for word, names in parts.items():
            if names:
                more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
                title = f"{word}{'s' if len(names) > 1 else ''} " if word else ""
                yield f"{title}{', '.join(names[:SHOWN])}{more}"

    def lines(self) -> Iterator[str]:
        """Yield two lines for each result: what it is with its action, and its chain where it is more than a name."""
        for one in self.affected:
            yield f"{one.text}: {one.action}{f' ({one.settle})' if one.settle else ''}"
            if one.chain != one.name:
                yield f"  {one.chain}"

    def json(self) -> dict[str, Any]:
        """Return names by kind, and every result with its chain and action under `affected`."""
        names = {"files": list(self.files), "models": list(self.models), "scores": list(self.scores), "outputs": list(self.outputs)}
        return {"records": self.records, "copies": self.copies, **names, **self.detail()}

    def detail(self) -> dict[str, Any]:
        """Return the keys that every command's JSON has: `cause`, `actions`, `affected`."""
        return {"cause": self.cause, "actions": self.actions, "affected": [one.json() for one in self.affected]}


def _score(one: Affected) -> str:
    value = "not recorded" if one.value is None else f"{one.value:g}"
    return f"{one.name} {value}{f' ({one.report})' if one.report else ''}"


def consequences(graph: Graph, numbers: Iterable[int], cause: Cause = "content", lines: Mapping[int, int] | None = None) -> Consequences:
    """Return what was made from some nodes.

    Args:
        graph: The graph of the library.
        numbers: The nodes concerned: things of any kind, or slices of files.
        cause: Why they are concerned; it decides the actions.
        lines: For a file of which single lines are concerned, how many; by its node.
    """
    start = tuple(dict.fromkeys(numbers))
    return weigh(answers.impact(graph, start, ""), cause, lines or {}) if start else Consequences(cause=cause)


def weigh(impact: Impact, cause: Cause = "content", lines: Mapping[int, int] | None = None) -> Consequences:
    """Return the consequences of a walk that was made: of `lineage.impact`, also of one record."""
    weighing = _Weighing(impact, cause, lines or {})
    affected = (*weighing.files(), *weighing.outputs(), *weighing.models(), *weighing.scores())
    return Consequences(cause="unknown" if impact.settle else cause, records=impact.records, copies=impact.copies, affected=affected)


class _Weighing:
    """The results of one walk."""

    def __init__(self, impact: Impact, cause: Cause, lines: Mapping[int, int]) -> None:
        row = replace(POLICY["unknown"], settle=impact.settle) if impact.settle else POLICY[cause]
        self._impact, self._graph, self._row, self._lines = impact, impact.graph, row, lines
        self._chains = Chains(impact.graph, impact.reached)
        self._own = {impact.graph.holder.get(one, one) for one in impact.numbers} | set(impact.numbers)

    def files(self) -> Iterator[Affected]:
        """Yield the files of records."""
        for one in self._impact.files:
            number = self._graph.index[one.file.id]
            records = min(one.records, self._lines.get(number, one.records))
            made = Affected(
                kind="file", name=one.file.name, id=one.file.id, records=records, of=one.total, chain=self._chains.of(number), action="none"
            )
            if number in self._impact.unread:
                yield replace(made, action="undetermined", settle=UNREAD)
            else:
                yield self._judged(made, number, "file") if records or one.total in (0, None) else made

    def outputs(self) -> Iterator[Affected]:
        """Yield files of other kinds: those that are neither records, models, parts of a folder, nor reports of a listed score."""
        for thing in self._impact.outputs:
            number = self._graph.index[thing.id]
            yield self._judged(self._plain("output", thing.name, number), number, "file")

    def models(self) -> Iterator[Affected]:
        """Yield the models that a training made."""
        for thing in self._impact.models:
            number = self._graph.index[thing.id]
            yield self._judged(self._plain("model", thing.name, number), number, "model")

    def scores(self) -> Iterator[Affected]:
        """Yield the numbers of reports."""
        for score in self._impact.scores:
            number = self._graph.index[score.metric.id]
            made = self._plain("score", score.metric.label, number)
            report = score.report.name if score.report else None
            yield self._judged(replace(made, value=score.value, report=report), number, "score")

    def _plain(self, kind: str, name: str, number: int) -> Affected:
        return Affected(kind=kind, name=name, id=self._graph.names[number], chain=self._chains.of(number), action="none")

    def _judged(self, made: Affected, number: int, kind: Kind) -> Affected:
        """The result with its action. What nobody recorded a run for cannot be made again by one."""
        action = self._row.action("itself" if kind == "file" and number in self._own else kind)
        if action == "re-run" and not self._is_made(number):
            return replace(made, action="undetermined", settle=UNMADE)
        return replace(made, action=action, settle=self._row.settle if action == "undetermined" else "")

    def _is_made(self, number: int) -> bool:
        parts: Sequence[int] = self._graph.whole(number)
        return any(relation == GENERATION.name for part in parts for relation in self._graph.past[part].values())
