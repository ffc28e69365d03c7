"""Beyond the recommendation: what is valid and looks wrong.  Warnings, each with a code of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from lineage.constraints.typing import PLACES
from lineage.constraints.violations import short, told
from lineage.findings import Finding, finding
from lineage.prov.statement import Arg, Name, Statement
from lineage.prov.terms import ACTIVITY, COMMUNICATION, DERIVATION, ENTITY, GENERATION, INFLUENCE, PROV, START, USAGE

MOST = 100  # findings of a kind; the rest are counted
_LOCATED = Name(PROV + "location")
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
_TYPE = Name(PROV + "type")
_GIVEN = frozenset(Name(PROV + kind) for kind in ("Plan", "Bundle", "Collection"))  # what is told of without telling how it came to be

Times = dict[Name, tuple[datetime | None, datetime | None]]


def advice(statements: Iterable[Statement], file: str) -> Iterator[Finding]:
    """What is worth a look in one instance."""
    told_ = tuple(statements)
    counts: Counter[str] = Counter()
    for code, detail in (*_undeclared(told_), *_without_times(told_), *_never_generated(told_), *_against_time(told_)):
        counts[code] += 1
        if counts[code] <= MOST:
            yield finding(code, file, None, detail)
    for code, n in counts.items():
        if n > MOST:
            yield finding(code, file, None, f"and {n - MOST} more")


def _undeclared(statements: Iterable[Statement]) -> Iterator[tuple[str, str]]:
    """Things that relations name and no entity, activity or agent declares."""
    declared = {one.id for one in statements if one.term.is_element}
    seen: set[Arg] = set()
    for one in statements:
        for place, arg in zip(one.term.args, one.args, strict=True):
            known = place in PLACES or one.term is INFLUENCE
            if known and not one.term.is_element and arg is not None and arg not in declared and arg not in seen:
                seen.add(arg)
                yield "prov-undeclared", f"{short(arg)} in {told(one)}"


def _without_times(statements: Iterable[Statement]) -> Iterator[tuple[str, str]]:
    """Activities of which no time at all is known, nor that of the activity that started them."""
    timed = {one.id for one in statements if one.term is ACTIVITY and one.args != (None, None)}
    started = {one.args[0] for one in statements if one.term is START and (one.args[3] or one.args[2] in timed)}
    for one in statements:
        if one.term is ACTIVITY and one.args == (None, None) and one.id not in started:
            yield "prov-no-times", short(one.id or "")


def _never_generated(statements: Iterable[Statement]) -> Iterator[tuple[str, str]]:
    """Entities that are used, of unknown origin: neither generated nor derived, without a place and without a description."""
    known = {one.args[0] for one in statements if one.term in (GENERATION, DERIVATION)}
    known |= {one.id for one in statements if one.term is ENTITY and _is_given(one)}
    for entity in dict.fromkeys(one.args[1] for one in statements if one.term is USAGE):
        if entity is not None and entity not in known:
            yield "prov-never-generated", short(entity)


def _is_given(one: Statement) -> bool:
    """Return whether the entity says where it is, that it is a plan or the like, or by some vocabulary what it is."""
    return any(
        name == _LOCATED or (name == _TYPE and value in _GIVEN) or not name.startswith((PROV, RDFS)) for name, value in one.attributes
    )


def _against_time(statements: Iterable[Statement]) -> Iterator[tuple[str, str]]:
    """Declared times that contradict the order which the statements demand."""
    spans: Times = {one.id: (_time(one.args[0]), _time(one.args[1])) for one in statements if one.term is ACTIVITY and one.id}
    for name, (began, ended) in spans.items():
        if began and ended and ended < began:
            yield "prov-time-order", f"{short(name)} ends before it starts"
    made = {one.args[0]: _time(one.args[2]) for one in statements if one.term is GENERATION}
    for one in statements:
        problem = _outside(one, spans) or _too_early(one, made) or _uninformed(one, spans)
        if problem:
            yield "prov-time-order", f"{problem}: {told(one)}"


def _outside(one: Statement, spans: Times) -> str | None:
    """A usage or generation outside its activity."""
    if one.term not in (USAGE, GENERATION):
        return None
    activity = one.args[0 if one.term is USAGE else 1]
    began, ended = spans.get(activity, (None, None)) if isinstance(activity, Name) else (None, None)
    time = _time(one.args[2])
    if time and ((began and time < began) or (ended and ended < time)):
        return "outside the time of its activity"
    return None


def _too_early(one: Statement, made: dict[Arg, datetime | None]) -> str | None:
    """A thing used, or derived from, before it was generated."""
    if one.term is USAGE:
        time, source = _time(one.args[2]), made.get(one.args[1])
        return "used before it was generated" if time and source and time < source else None
    if one.term is DERIVATION:
        derived, source = made.get(one.args[0]), made.get(one.args[1])
        return "generated before what it was derived from" if derived and source and derived < source else None
    return None


def _uninformed(one: Statement, spans: Times) -> str | None:
    if one.term is not COMMUNICATION or not all(isinstance(arg, Name) for arg in one.args):
        return None
    ended, began = spans.get(one.args[0], (None, None))[1], spans.get(one.args[1], (None, None))[0]  # type: ignore[arg-type]
    return "informed by what started after it had ended" if ended and began and ended < began else None


def _time(text: Arg) -> datetime | None:
    """An instant; a time without offset is compared with none."""
    try:
        seen = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return seen if seen and seen.tzinfo else None
