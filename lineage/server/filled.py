"""Fill in a named question: look up the values of its parameters and bind them as terms.

The values are bound as `lineage ask` does it: no text of a request becomes part of a query. They are
looked up in the graph alone, because a look at the disk would show clients which files exist.
"""

from __future__ import annotations

from typing import Any

from lineage.questions import Question, load
from lineage.questions.asking import bindings_of
from lineage.questions.resolve import Resolver
from lineage.server.live import Live
from lineage.server.pages import with_prefixes
from lineage.server.protocol import Fields
from lineage.server.reply import Refusal
from lineage.server.settings import Settings
from lineage.store.sparql import bound


def filled(name: str, fields: Fields, live: Live, settings: Settings) -> dict[str, Any]:
    """Return a named question with its parameters bound.

    Args:
        name: The name of the question.
        fields: Values by parameter; an empty value counts as none.
        live: The graph in which values are looked up.
        settings: The limit of time.

    Returns:
        `sparql`, the query, and `notes` on what the values stand for.

    Raises:
        LineageError: No such question, a missing parameter, or a value that the graph does not know.
    """
    question = load(name, settings.timeout)
    given = _given(question, fields)
    bindings, notes = bindings_of(question, given, Resolver(live.target(), timeout=settings.timeout, reads_disk=False))
    return {"sparql": with_prefixes(bound(question.sparql, bindings)), "notes": notes}


def _given(question: Question, fields: Fields) -> dict[str, str]:
    twice = next((name for name, values in fields.items() if len(values) > 1), None)
    if twice is not None:
        raise Refusal(400, "it is given twice", at=twice[:80], todo="give one value")
    return question.complete({name: values[0].strip() for name, values in fields.items() if values[0].strip()})
