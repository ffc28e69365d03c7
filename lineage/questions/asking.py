"""Ask from Python: `lineage.query(…)` and `lineage.ask(…)`, which return plain objects."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lineage.questions import Question, load
from lineage.questions.resolve import Resolver, Value
from lineage.store.results import Answer
from lineage.store.targets import Target, opened
from lineage.store.terms import from_python, to_python

Where = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
Plain = list[dict[str, Any]] | bool | list[tuple[Any, Any, Any]]


def query(
    sparql: str, where: Where = "artifacts", *, recursive: bool = False, store: str | os.PathLike[str] | None = None, endpoint: str | None = None,
    timeout: float | None = None, **params: Any,
) -> Plain:  # fmt: skip
    """Ask the combined graph in SPARQL 1.1.

    Args:
        where: folders and PROV files. store: a store on disk, asked as it is. endpoint: the URL of a SPARQL endpoint; both in place of *where*.
        timeout: seconds. params: each is bound to the variable of its name, a str as a string, a list as any of its values.

    Returns:
        For SELECT a list of dicts by variable (an IRI is a `Name`, what is unbound None), for ASK a bool, else a list of triples.

    Raises:
        UsageError: it is no query, or it would change the graph. LateError: it took too long. NotFoundError: there is no such folder.
    """
    bindings = {
        name: [from_python(one) for one in (value if isinstance(value, list | tuple) else [value])] for name, value in params.items()
    }
    with _target(where, recursive, store, endpoint) as (target, _), target.asked(sparql, bindings, timeout) as found:
        return plain(found)


def ask(
    question: str, where: Where = "artifacts", *, recursive: bool = False, store: str | os.PathLike[str] | None = None, endpoint: str | None = None,
    timeout: float | None = None, **params: Any,
) -> Plain:  # fmt: skip
    """Ask a named question; *params* are its parameters, a path or a name as a str. The other arguments are those of `query`.

    Raises:
        NotFoundError: no question, or nothing in the graph, is called so. UsageError: a parameter is missing or one too many.
    """
    one = load(question, timeout)
    given = one.complete(
        {
            name: value if isinstance(value, str) else os.fspath(value) if hasattr(value, "__fspath__") else str(value)
            for name, value in params.items()
        }
    )
    with _target(where, recursive, store, endpoint) as (target, folders):
        bindings, _ = bindings_of(one, given, Resolver(target, folders, timeout))
        with target.asked(one.sparql, bindings, timeout) as found:
            return plain(found)


def bindings_of(question: Question, given: Mapping[str, str], resolver: Resolver) -> tuple[dict[str, Sequence[Value]], tuple[str, ...]]:
    """The terms of each parameter, and notes on how they were found."""
    bindings: dict[str, Sequence[Value]] = {}
    notes: list[str] = []
    for param in question.params:
        if param.name in given:
            found = resolver(param.kind, given[param.name])
            bindings[param.name] = found.terms
            notes += found.notes
    return bindings, tuple(notes)


def plain(found: Answer) -> Plain:
    """All of an answer as Python values."""
    if found.truth is not None:
        return found.truth
    if found.form == "graph":
        return [(to_python(one), to_python(verb), to_python(other)) for one, verb, other in found.rows]
    return list(found.values())


@contextmanager
def _target(
    where: Where, recursive: bool, store: str | os.PathLike[str] | None, endpoint: str | None
) -> Iterator[tuple[Target, tuple[Path, ...]]]:
    told: Iterable[str | os.PathLike[str]] = [where] if isinstance(where, str | os.PathLike) else where
    paths = tuple(Path(one) for one in told)
    kept = None if store is None else Path(store)
    with opened(() if kept or endpoint else paths, recursive=recursive, store=kept, endpoint=endpoint) as (target, _):
        yield target, paths
