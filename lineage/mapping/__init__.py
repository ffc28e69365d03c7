"""Facts -> PROV statements: the one mapping, pure, one short function a fact.

    names        the vocabularies, and the identifier of each fact
    attributes   JSON values as typed attributes
    sessions     a session, its code, environment and agents
    artifacts    files, slices of records, metrics
    activities   what took place
    records      single records, on demand

`document` turns sessions into a document with one bundle a session. The same facts give the same statements in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from lineage.facts import Artifact, Session
from lineage.mapping.activities import activity_statements
from lineage.mapping.artifacts import artifact_statements
from lineage.mapping.attributes import Attribute
from lineage.mapping.names import LIN, PROV, VOCABULARIES, Ids
from lineage.mapping.sessions import Scope, kind, session_statements, when
from lineage.prov.document import Bundle, Document
from lineage.prov.statement import Arg, Name, Statement, literal, statement
from lineage.prov.terms import ENTITY, GENERATION, TERMS, USAGE, Term

CODE = frozenset({"patch", "code", "script"})  # types of files that are kept of the code that ran


def namespaces(ids: Ids) -> dict[str, str]:
    """The prefixes of every document that we make."""
    return {prefix: str(iri) for prefix, iri in VOCABULARIES.items()} | {"id": str(ids.base)}


def statements(session: Session, ids: Ids | None = None) -> tuple[Statement, ...]:
    """All that PROV can say of the session, each element once, in a fixed order."""
    return merged(_told(Scope(ids or Ids(), session)))


def document(session: Session, ids: Ids | None = None) -> Document:
    """One session, as a document without bundles."""
    ids = ids or Ids()
    return Document(namespaces(ids), statements(session, ids))


def combined(sessions: Iterable[Session], ids: Ids | None = None) -> Document:
    """Many sessions, each in a bundle of its own, whatever order they come in."""
    ids = ids or Ids()
    named = list(_named(sorted(sessions, key=ids.bundle), ids))
    about = (
        statement(ENTITY, name, attributes=[*kind(PROV["Bundle"]), (PROV["label"], literal(one.title or one.id))]) for name, one in named
    )
    bundles = tuple(Bundle(name, statements(one, ids)) for name, one in named)
    return Document(namespaces(ids), merged(about), bundles)


def _named(sessions: Iterable[Session], ids: Ids) -> Iterator[tuple[Name, Session]]:
    """Return each session with the name of its bundle. Copies of a session in several folders have its id, and bundles need their own names."""
    taken: dict[Name, int] = {}
    for session in sessions:
        name = ids.bundle(session)
        taken[name] = number = taken.get(name, 0) + 1
        yield (name if number == 1 else Name(f"{name}-{number}")), session


def _told(scope: Scope) -> Iterator[Statement]:
    yield from session_statements(scope)
    for run in scope.session.activities:
        yield from activity_statements(scope, run)
    made = {artifact.path for run in scope.session.activities for artifact in run.made}
    for artifact in scope.session.artifacts:
        if artifact.path not in made:
            yield from _of_the_session(scope, artifact)


def _of_the_session(scope: Scope, artifact: Artifact) -> Iterator[Statement]:
    """A file that no activity made: the session used it as code, or made it, unless it is of unknown origin.

    A patch is named by its content, and sessions with the same changes share it: it was there before each of them.
    """
    yield from artifact_statements(scope, artifact)
    me = scope.activity
    if me and artifact.type in CODE:
        name = scope.ids.artifact(artifact, scope.session)
        yield statement(USAGE, None, me, name, attributes=[(PROV["role"], LIN["code"])])
    elif me and artifact.type != "legacy":
        yield statement(GENERATION, None, scope.ids.artifact(artifact, scope.session), me, when(artifact.timestamp))


def merged(told: Iterable[Statement]) -> tuple[Statement, ...]:
    """Each element once, with all that was said of it; each relation once; sorted, so that the order of telling counts for nothing."""
    elements: dict[tuple[Term, Name | None, tuple[Arg, ...]], set[Attribute]] = {}
    generations: dict[tuple[Arg, ...], set[Statement]] = {}
    relations: set[Statement] = set()
    for one in told:
        if one.term.is_element:
            elements.setdefault((one.term, one.id, one.args), set()).update(one.attributes)
        elif one.term is GENERATION:
            generations.setdefault(one.args[:2], set()).add(one)
        else:
            relations.add(one)
    whole = [statement(term, id, *args, attributes=about) for (term, id, args), about in elements.items()]
    return tuple(sorted([*whole, *relations, *map(_once, generations.values())], key=order))


def _once(generations: set[Statement]) -> Statement:
    """One run generates one thing once (PROV-CONSTRAINTS 24): the same bytes written twice are there from the first time on."""
    times = sorted((one.args[2] for one in generations if one.args[2]), key=lambda time: (datetime.fromisoformat(time), time))
    first = min(generations, key=order)
    attributes = (attribute for one in generations for attribute in one.attributes)
    return statement(GENERATION, None, *first.args[:2], times[0] if times else None, attributes=attributes)


_RANK = {term: rank for rank, term in enumerate(TERMS)}


def order(one: Statement) -> tuple[int, tuple[str, ...], str]:
    """Where a statement stands in our documents: by kind, then by what it is about."""
    return _RANK[one.term], (one.id or "", *(arg or "" for arg in one.args)), repr(one.attributes)
