"""How each fact is known: one table of every field of every fact, from which files, answers, exports and audits derive what they say.

A fact has a *source*, which is recorded with it:

    observed   the recorder saw it: a digest that it computed, its own clock, git, the arguments of a call that it wrapped
    declared   a file or variable of another tool says so: a harness's report, a variable of a build server
    claimed    whoever called the recorder said so
    inferred   no manifest says so; it follows from what records and reports say of themselves

A *check* that is made now adds to it, and is never written into a file:

    bytes checked   the file has the digest that was recorded
    signed          the manifest is signed by the key that the reader named
    replayed        the model made the same record again

`SOURCES` holds the source of each field where its fact does not name another (`known` of the fact). It is what is true of the files of every
version: a field that was observed only sometimes counts as claimed, unless its fact says that it was observed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class KnownBy(StrEnum):
    """How something is known."""

    OBSERVED = "observed"
    DECLARED = "declared"
    CLAIMED = "claimed"
    INFERRED = "inferred"
    BYTES_CHECKED = "bytes checked"
    SIGNED = "signed"
    REPLAYED = "replayed"


Known = Mapping[str, KnownBy]  # field, or `params.temperature` for one value of it: its source; ALL for every field without one
ALL = "*"
RECORDED = (KnownBy.OBSERVED, KnownBy.DECLARED, KnownBy.CLAIMED, KnownBy.INFERRED)  # what a file may say; checks are made, not read
CHECKS = (KnownBy.BYTES_CHECKED, KnownBy.SIGNED, KnownBy.REPLAYED)


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a field, and for what is not observed, what would settle it."""

    known_by: KnownBy
    what: str = ""  # the values in words, in the plural
    settle: str = ""


def _claimed(what: str, settle: str) -> Source:
    return Source(KnownBy.CLAIMED, what, settle)


_SEEN = Source(KnownBy.OBSERVED)
_PART = None  # a name, a reason, or facts that have rows of their own
_ASK = "ask whoever ran it"

SOURCES: Mapping[str, Mapping[str, Source | None]] = {
    "Gap": {"about": _PART, "reason": _PART},
    "Origin": dict.fromkeys(
        ("path", "sha256", "slice_line", "count", "edited", "edited_keys"),
        Source(KnownBy.INFERRED, "origins of records", "compare both files"),
    ),
    "Slice": {
        "metadata": _claimed("configurations of records", "lineage replay makes a sample of the records again"),
        "lines": _SEEN,
        "count": _SEEN,
        "scattered": _SEEN,
        "mixed": _SEEN,
        "first_time": _claimed("times of records", "compare them with the times of their run"),
        "last_time": _claimed("times of records", "compare them with the times of their run"),
        "seeds": _claimed("seeds of records", "lineage replay makes a sample of the records again"),
        "seedless": _SEEN,
        "unmatched": _SEEN,
        "undecided": _SEEN,
        "is_partial": _SEEN,
        "origins": _PART,
    },
    "Artifact": {
        "path": _PART,
        "type": _PART,
        "sha256": _SEEN,
        "bytes": _SEEN,
        "count": _SEEN,
        "lines": _SEEN,
        "merkle_root": _SEEN,
        "timestamp": _SEEN,
        "activity": _claimed("files that a run is said to have made", "run it again, and compare the digests"),
        "role": _claimed("roles of files", "read the script at its commit"),
        "removed_at": _claimed("files that a training is said to have removed", _ASK),
        "parts": _PART,
        "slices": _PART,
        "link": _SEEN,
        "dataset": _claimed("data sets in memory or on a hub", "load them by their revision, and compare"),
        "gaps": _PART,
        "known": _PART,
    },
    "Script": {"path": _SEEN, "version": _SEEN, "sha256": _SEEN},
    "CodeVersion": {
        "git_sha": _SEEN,
        "sha_variable": _SEEN,
        "branch": _SEEN,
        "dirty": _SEEN,
        "diff_sha256": _SEEN,
        "patch": _PART,
        "uncovered": _PART,
        "untracked": _PART,
        "script": _PART,
        "text": _PART,
        "gaps": _PART,
        "known": _PART,
    },
    "Activity": {
        "id": _PART,
        "status": _SEEN,
        "started_at": _SEEN,
        "ended_at": _SEEN,
        "script": _SEEN,
        "models": _claimed("models that a run is said to have used", "lineage replay makes a sample of its records again"),
        "params": _claimed("parameters", "lineage replay makes a sample of the records again; wrap the call with recorded(...)"),
        "used": _claimed("inputs that a run is said to have used", "read the script at its commit"),
        "made": _PART,
        "gaps": _PART,
        "error": _SEEN,
        "command": _SEEN,
        "exit_code": _SEEN,
        "inferred": _PART,
        "known": _PART,
    },
    "ModelLoad": {
        "status": _claimed("model loads", "load the model again, and compare what the loader measures"),
        "started_at": _claimed("times of model loads", "compare them with the times of their session"),
        "ended_at": _claimed("times of model loads", "compare them with the times of their session"),
        "provenance": _claimed(
            "configurations of models and results of sentinel tests", "load the model again, and compare what the loader measures"
        ),
    },
    "Generation": {},
    "Training": {
        "metrics": _claimed("metrics of trainings", "train again"),
        "removed": _claimed("files that a training is said to have removed", _ASK),
    },
    "Evaluation": {
        "metrics": _claimed("metrics of evaluations", "name the scorer with the report, so that the audit computes its verdicts again"),
        "dataset": _claimed("names and sizes of test sets", "count the examples of the test set"),
    },
    "Transformation": {"kind": _claimed("kinds of transformations", "read the script at its commit")},
    "Session": {
        "id": _PART,
        "title": _PART,
        "status": _SEEN,
        "started_at": _SEEN,
        "ended_at": _SEEN,
        "operator": _claimed("operators", _ASK),
        "host": _claimed("hosts", _ASK),
        "environment": _SEEN,
        "code": _PART,
        "loader_config": _claimed("configurations of loaders", "load the model again, and compare what the loader measures"),
        "activities": _PART,
        "artifacts": _PART,
        "gaps": _PART,
        "error": _SEEN,
        "manifest": _PART,
        "inferred": _PART,
        "known": _PART,
    },
}


def row_of(kind: type, field: str) -> Source | None:
    """Return the row of a field, of the class itself or of one that it extends; None for what has no source of its own.

    Raises:
        KeyError: The table has no row for it.
    """
    for base in kind.__mro__:
        rows = SOURCES.get(base.__name__, {})
        if field in rows:
            return rows[field]
    raise KeyError(f"{kind.__name__}.{field}")


def source(fact: Any, field: str) -> KnownBy | None:
    """Return how a field of *fact* is known, or one value of it (`params.seed`); None for what has no source of its own."""
    row = row_of(type(fact), field.partition(".")[0])
    if row is None:
        return None
    if getattr(fact, "inferred", False):
        return KnownBy.INFERRED
    known: Known = getattr(fact, "known", {})
    name = field
    while name:
        if name in known:
            return known[name]
        name = name.rpartition(".")[0]
    if field == "git_sha" and getattr(fact, "sha_variable", None):
        return KnownBy.DECLARED  # a variable of the environment names the commit
    return known.get(ALL, row.known_by)


def sources(fact: Any) -> dict[str, str]:
    """Return how each field of *fact* that has a value is known, in the order of its fields."""
    return {name: known_by.value for name, known_by in _valued(fact)}


def _valued(fact: Any) -> Iterator[tuple[str, KnownBy]]:
    for field in fields(fact):
        known_by = source(fact, field.name)
        if known_by is not None and has_value(getattr(fact, field.name)):
            yield field.name, known_by
            yield from _inside(fact, field.name, known_by)


def _inside(fact: Any, field: str, known_by: KnownBy) -> Iterator[tuple[str, KnownBy]]:
    """Values of a field that are known in another way than the field."""
    for name, other in sorted(getattr(fact, "known", {}).items()):
        if name.startswith(f"{field}.") and other is not known_by:
            yield name, other


def has_value(value: object) -> bool:
    """Return whether something was recorded: neither null nor empty. False and 0 are values."""
    return value is not None and value not in ("", (), {}, [])


def kinds(fact: Any, field: str) -> tuple[KnownBy, ...]:
    """Return the sources of a field that is a mapping: one where all its values are known alike, the best known first."""
    is_mapping = isinstance(getattr(fact, field), Mapping)
    found = set(value_sources(fact, field).values()) if is_mapping else {source(fact, field)}
    return tuple(one for one in RECORDED if one in found)


def split(field: str, values: Mapping[str, KnownBy]) -> dict[str, KnownBy]:
    """Return the entries of `known` for a mapping: the usual source for the field, and each value that differs."""
    if not values:
        return {}
    usual = Counter(values.values()).most_common(1)[0][0]
    others = {f"{field}.{key}": known_by for key, known_by in values.items() if known_by is not usual}
    return {field: usual, **others}


def with_values(known: Known, field: str, values: Mapping[str, KnownBy]) -> dict[str, KnownBy]:
    """Return *known* with the sources of the values of a field, in place of those that it has for them."""
    others = {name: known_by for name, known_by in known.items() if name.partition(".")[0] != field}
    return {**others, **split(field, values)}


def value_sources(fact: Any, field: str) -> dict[str, KnownBy]:
    """Return the source of each value of a field that is a mapping."""
    found = {key: source(fact, f"{field}.{key}") for key in getattr(fact, field)}
    return {key: known_by for key, known_by in found.items() if known_by is not None}


def differing(kind: type, known: Known) -> dict[str, str]:
    """Return what a file has to say of *known*: the entries that the table does not give by itself."""
    return {name: known_by.value for name, known_by in known.items() if not _is_usual(kind, name, known)}


def _is_usual(kind: type, name: str, known: Known) -> bool:
    if name == ALL or "." in name or ALL in known:
        return False
    return _usual(kind, name) is known[name]


def behind(fact: Any, *names: str) -> str:
    """Return how fields of *fact* are known, in brackets to be written behind them; values that are known in another way are named."""
    words = sources(fact)
    usual = [words[name] for name in names if name in words]
    others = [f"{name.partition('.')[2]} {word}" for name, word in words.items() if "." in name and name.partition(".")[0] in names]
    shown = in_words([*usual, *others])
    return f" ({shown})" if shown else ""


def coarse(known: Known, kind: type) -> dict[str, KnownBy]:
    """Return the sources of whole fields: the least of those of their values, so that no name of a value is left."""
    found: dict[str, KnownBy] = {}
    for name, known_by in known.items():
        field = name.partition(".")[0]
        usual = known.get(field, known_by) if field == ALL else known.get(field, known.get(ALL)) or _usual(kind, field)
        if usual is not None:
            found[field] = max(found.get(field, usual), usual, known_by, key=RECORDED.index)
    return found


def _usual(kind: type, field: str) -> KnownBy | None:
    """The source of a field in the table; None for what is no field with a source."""
    try:
        row = row_of(kind, field)
    except KeyError:
        return None
    return row.known_by if row else None


def in_words(known: Iterable[KnownBy | str | None]) -> str:
    """Return sources and checks as they are written behind a fact: `claimed`, or `observed, bytes checked`."""
    return ", ".join(dict.fromkeys(str(one) for one in known if one))
