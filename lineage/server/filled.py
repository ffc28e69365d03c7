"""A named question, filled in: what a reader gives for its parameters -> terms of the graph -> the query with them in it.

The values are looked up and bound as `lineage ask` does it: no text of a request becomes part of a query. Only the graph is asked: what is
on this machine's disk is not looked at, for whoever can reach the server could find out what is there.
"""

from __future__ import annotations

import json
import threading

from lineage.errors import LineageError
from lineage.questions import Question, load
from lineage.questions.asking import bindings_of
from lineage.questions.resolve import Resolver
from lineage.server.live import Live
from lineage.server.pages import with_prefixes
from lineage.server.protocol import Fields, Turn, refusal
from lineage.server.reply import JSON, Refusal, Reply
from lineage.server.settings import Settings
from lineage.store.sparql import bound


def filled(name: str, fields: Fields, live: Live, settings: Settings, asking: threading.Semaphore) -> Reply:
    """The question called *name* as JSON: `sparql`, with its parameters bound, and `notes` on what they stand for. A field that is empty is not given.

    Raises:
        Refusal: no question is called so, a parameter is missing, or the graph has nothing that is called as its value.
    """
    try:
        question = load(name, settings.timeout)
        given = _given(question, fields)
        target = live.target()
        with Turn(asking, settings):
            bindings, notes = bindings_of(question, given, Resolver(target, timeout=settings.timeout, reads_disk=False))
        told = {"sparql": with_prefixes(bound(question.sparql, bindings)), "notes": notes}
    except LineageError as error:
        raise refusal(error) from error
    return Reply(json.dumps(told).encode(), JSON, headers={"Cache-Control": "no-store"})


def _given(question: Question, fields: Fields) -> dict[str, str]:
    twice = next((name for name, values in fields.items() if len(values) > 1), None)
    if twice is not None:
        raise Refusal(400, "it is given twice", at=twice[:80], todo="give one value")
    return question.complete({name: values[0].strip() for name, values in fields.items() if values[0].strip()})
