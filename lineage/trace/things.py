"""What a node is, in the words of people: its type, its label, and where it lies, read from the statements that declare it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from lineage.core.printing import printable
from lineage.known_by import RECORDED, in_words
from lineage.mapping.names import LIN, PROV
from lineage.prov.statement import Literal, Name, Statement
from lineage.prov.terms import ACTIVITY

SLICE, SESSION, METRIC, RECORDS, REPORT = (LIN[one] for one in ("Slice", "Session", "Metric", "RecordFile", "Report"))
_FLAGS = frozenset({LIN["Inferred"], LIN["Legacy"]})  # said beside what a thing is, and only otherwise its type
_USED_AS = frozenset({LIN["Artifact"], LIN["Dataset"], LIN["TestSet"]})  # said of a file by who used it; who made it knows better
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
LONGEST = 19  # digits of a number of records or lines
SHORT = 8  # digits of a digest or id that are shown; any unique beginning is understood


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One thing of the graph."""

    id: Name
    kind: str  # "entity", "activity" or "agent"
    type: str  # in words: "record file", "model load", "loader", …; the kind, where nothing says more
    label: str
    places: tuple[str, ...] = ()  # where it lies, relative to the folder of its session
    count: int | None = None  # records
    value: str | None = None  # of a metric
    time: str | None = None  # when an activity started
    lines: str | None = None  # of a slice: "1-200"
    file: Name | None = None  # of a slice: the file of which it is a part
    sessions: tuple[str, ...] = ()  # that tell of it
    known_by: tuple[str, ...] = ()  # the sources of what is told of it, the best first; () in a document that does not say
    parameters_known_by: tuple[str, ...] = ()  # of a run: the sources of its parameters, or of the configuration of its model
    checks: tuple[str, ...] = ()  # what was checked of it now

    @cached_property
    def text(self) -> str:
        """One line that says which thing it is; what cannot be printed is written as Python writes it, for a notebook obeys control characters too."""
        known = in_words(self.checks or self.known_by)
        told = f"{self.name}{self._more} ({', '.join(part for part in (self.type, known, self.short) if part)})"
        return printable(told)

    @property
    def name(self) -> str:
        """Its place where it has one, else its label."""
        return self.label if self.lines or not self.places else self.places[0]

    @property
    def short(self) -> str:
        """The beginning of its digest or id, by which it can be asked for; "" where its name says it all."""
        found = re.search(r"(?:sha256-|session-|run-|model-|loader-|code-|inferred-)([0-9A-Za-z]{8,}(?:-[0-9a-f]{12})?)", self.id)
        if not found or self.lines or self.type == "metric":
            return ""
        return found[1] if self.type == "session" else found[1][:SHORT]

    @property
    def _more(self) -> str:
        also = f", also {self.places[1]}{' …' if len(self.places) > 2 else ''}" if len(self.places) > 1 and not self.lines else ""
        count = f", {self.count:,} record{'s' if self.count != 1 else ''}" if self.count is not None and not self.lines else ""
        return f"{f' = {self.value}' if self.value is not None else ''}{also}{count}"


@dataclass(frozen=True, slots=True)
class Link:
    """*newer* came from *older*."""

    newer: Name
    older: Name
    relation: str  # PROV's name of it, or one of relations.CARRIED, RECORDED, PART and NAMED


def types_of(told: Iterable[Statement]) -> set[Name]:
    """The classes that the statements give."""
    return {value for one in told for name, value in one.attributes if name == PROV["type"] and isinstance(value, Name)}


def thing(
    id_: Name,
    kind: str,
    told: Sequence[Statement],
    sessions: tuple[str, ...],
    count: int | None,
    within: Thing | None,
    checks: tuple[str, ...] = (),
) -> Thing:
    """The thing that *told* declares; *within* is the file of which a slice is a part."""
    types, lines = types_of(told), _first(told, LIN["lines"])
    return Thing(
        id=id_,
        kind=kind,
        type="slice" if within else _word(types, kind),
        label=_part(id_, lines, count, within) if within else _first(told, PROV["label"]) or _local(id_),
        places=tuple(dict.fromkeys(texts(told, PROV["location"]))),
        count=count,
        value=_first(told, PROV["value"]),
        time=next((one.args[0] for one in told if one.term is ACTIVITY and one.args[0]), None),
        lines=(lines or _local(id_).rpartition("-L")[2]) if within else None,
        file=within.id if within else None,
        sessions=sessions,
        known_by=_sources(told, LIN["knownBy"]),
        parameters_known_by=_sources(told, LIN["parametersKnownBy"]),
        checks=checks,
    )


def _sources(told: Iterable[Statement], attribute: Name) -> tuple[str, ...]:
    """The words of the table that documents give, the best first; another word of a stranger's document is none."""
    words = set(texts(told, attribute))
    return tuple(one.value for one in RECORDED if one in words)


def _part(id_: Name, lines: str | None, count: int | None, within: Thing) -> str:
    return f"{within.name} lines {lines or 'from ' + _local(id_).rpartition('-L')[2]}{f', {count:,} records' if count is not None else ''}"


def texts(told: Iterable[Statement], attribute: Name) -> Iterator[str]:
    """The values of an attribute, as text."""
    for one in told:
        for name, value in one.attributes:
            if name == attribute:
                yield value.lexical if isinstance(value, Literal) else str(value)


def whole_number(text: str) -> int | None:
    """A count or a line that a document tells; None for what is none, or is longer than any file."""
    return int(text) if text.isdecimal() and len(text) < LONGEST else None


def _first(told: Iterable[Statement], attribute: Name) -> str | None:
    return next(texts(told, attribute), None)


def _word(types: set[Name], kind: str) -> str:
    """The most telling class in words: ours before those of others, and a flag only where there is nothing else."""
    ours = sorted((one for one in types if one.startswith(LIN) and one not in _FLAGS), key=lambda one: (one in _USED_AS, one))
    others = [*sorted(types & _FLAGS), *sorted(one for one in types if one.startswith(PROV) and not one.endswith("#Collection"))]
    chosen = next(iter([*ours, *others]), None)
    return _CAPITAL.sub(" ", _local(chosen)).lower() if chosen else kind


def _local(iri: str) -> str:
    return iri[max(iri.rfind(mark, 0, -1) for mark in "#/:") + 1 :]
