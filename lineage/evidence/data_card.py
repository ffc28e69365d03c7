"""A data card: front matter as the Hugging Face Hub reads it, and what was recorded of a file of records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lineage.errors import NotFoundError
from lineage.evidence import found, hub
from lineage.evidence.found import Row
from lineage.evidence.scope import Scope
from lineage.facts import Activity, Artifact, Generation, Session

ROWS = (
    Row("Files", "what it consists of"),  # rows_of puts its files here
    Row("Models", "what wrote it", found.models),
    Row("Parameters", "with which settings", found.settings),
    Row("Prompts", "what was asked", found.prompts),
    Row("Selection", "how it was filtered, merged or deduplicated", found.selection),
    Row("Software", "what it was made with", found.software),
    Row("Hardware", "where it was made", found.hardware),
    Row("Signatures", "which sessions a key has signed; whose key it is, is not recorded", found.signatures),
    Row("Personal data", "whether it holds any"),
    Row("Bias, risks, limits", "what is known to go wrong"),
    Row("Licence", "under which it may be used"),
)


def files_of(scope: Scope) -> list[Artifact]:
    """The files of records that the card is of. Raises NotFoundError where there is none."""
    return [one for _, one in _files(scope)]


def _files(scope: Scope) -> list[tuple[Session, Artifact]]:
    every = [(session, made) for session in scope.told() for made in session.artifacts if made.slices is not None or made.merkle_root]
    of_x = [(session, one) for session, one in every if scope.names is None or scope.ids.artifact(one, session) in scope.names]
    once = {(one.path, one.sha256): (session, one) for session, one in reversed(of_x)}
    if not once:
        raise NotFoundError("no file of records is there", at="data-card", hint="name one: lineage report --profile data-card X")
    return list(reversed(once.values()))


def front(scope: Scope) -> dict[str, Any]:
    """The front matter. What was not recorded has no key: the Hub takes a key for a claim."""
    files = files_of(scope)
    counts = [one.count for one in files] if not _withheld(scope) else [None]
    made: dict[str, Any] = {"pretty_name": title(scope)}
    if all(one is not None for one in counts):
        made["size_categories"] = [hub.size(sum(one or 0 for one in counts))]
    if _makers(scope, files) == {Generation}:
        made["language_creators"] = ["machine-generated"]
    paths = hub.patterns(files)
    return made | {"tags": ["lineage"]} | ({"configs": [{"config_name": "default", "data_files": paths}]} if paths else {})


def _withheld(scope: Scope) -> str:
    """Why the number of records is withheld; "" where it is not."""
    reasons = ((one.path, scope.checks.of_file(session, one)) for session, one in _files(scope))
    return "; ".join(f"{path} is {reason}" for path, reason in reasons if reason)


def _makers(scope: Scope, files: list[Artifact]) -> set[type[Activity] | None]:
    kinds = {run.id: type(run) for _, run in scope.activities()}
    return {kinds.get(one.activity or "") for one in files}


def absent(scope: Scope) -> Iterator[tuple[str, str]]:
    """(key, why): what the front matter does not say."""
    yield "license", "not recorded"
    yield "language", "not recorded"
    if _withheld(scope):
        yield "size_categories", f"withheld: {_withheld(scope)}"
    if not hub.patterns(files_of(scope)):
        yield "configs", "the name of a file is a pattern there, or leads out of the repository"


def title(scope: Scope) -> str:
    """The name of the file, where there is one."""
    names = list(dict.fromkeys(one.path for one in files_of(scope)))
    return names[-1] if len(names) == 1 or scope.names is not None else f"{len(names)} files of records"


def rows_of(scope: Scope) -> tuple[Row, ...]:
    """The table."""
    files = _files(scope)

    def told(scope: Scope) -> list[found.Evidence]:
        return [found.of_file(scope, session, one, found.origin(scope, one)) for session, one in files]

    return tuple(Row(row.clause, row.asks, told) if row.clause == "Files" else row for row in ROWS)
