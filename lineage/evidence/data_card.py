"""A data card: front matter as the Hugging Face Hub reads it, and what was recorded of a file of records."""

from __future__ import annotations

from typing import Any

from lineage.errors import NotFoundError, UsageError
from lineage.evidence import found
from lineage.evidence.found import Row
from lineage.evidence.scope import Scope
from lineage.facts import Artifact, Generation

ROWS = (
    Row("Files", "what it consists of", found.generated),
    Row("Models", "what wrote it", found.base_models),
    Row("Parameters", "with which settings", found.settings),
    Row("Prompts", "what was asked", found.prompts),
    Row("Selection", "how it was filtered, merged or deduplicated", found.selection),
    Row("Software", "what it was made with", found.software),
    Row("Hardware", "where it was made", found.hardware),
    Row("Signatures", "who vouches for it", found.signatures),
    Row("Personal data", "whether it holds any"),
    Row("Bias, risks, limits", "what is known to go wrong"),
    Row("Licence", "under which it may be used"),
)
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))
MORE = "n>10M"


def files_of(scope: Scope) -> list[Artifact]:
    """The files of records that the card is of. Raises NotFoundError where there is none."""
    found_ = [made for session in scope.told() for made in session.artifacts if made.slices is not None or made.merkle_root]
    named = [one for one in found_ if scope.names is None or any(name.endswith(f"sha256-{one.sha256}") for name in scope.names)]
    if not named:
        raise NotFoundError("no file of records is there", at="data-card", hint="name one: lineage report --profile data-card X")
    return named


def front(scope: Scope) -> dict[str, Any]:
    """The front matter. What was not recorded has no key: the Hub takes a key for a claim."""
    files = files_of(scope)
    counts = [one.count for one in files]
    made: dict[str, Any] = {"pretty_name": title(scope)}
    if all(one is not None for one in counts):
        size = sum(one or 0 for one in counts)
        made["size_categories"] = [next((name for limit, name in SIZES if size < limit), MORE)]
    makers = {type(run) for _, run in scope.activities() if run.id in {one.activity for one in files}}
    if makers == {Generation}:
        made["language_creators"] = ["machine-generated"]
    return made | {"tags": ["lineage"], "configs": [{"config_name": "default", "data_files": [one.path for one in files]}]}


def title(scope: Scope) -> str:
    """The name of the file, where there is one."""
    names = list(dict.fromkeys(one.path for one in files_of(scope)))
    return names[-1] if len(names) == 1 or scope.names is not None else f"{len(names)} files of records"


def rows_of(scope: Scope) -> tuple[Row, ...]:
    """The table. Raises UsageError where nothing is meant."""
    if not scope.sessions:
        raise UsageError("no session is there")
    return ROWS
