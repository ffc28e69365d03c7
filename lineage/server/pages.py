"""The page to ask in SPARQL, and the named questions that it offers.

Its script and style are files of this server and of the explorer; its policy allows no others, and no request but to this server.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from starlette.responses import Response

from lineage.draw.page import viewer_file
from lineage.mapping.names import ID_BASE
from lineage.questions import Question, every
from lineage.server.reply import DEAD
from lineage.store.sparql import declared
from lineage.store.terms import PREFIXES

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data: blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
FRAMED = "frame-ancestors 'none'"  # the explorer's page carries the rest of its policy, with its digests, in itself
_FOLDER = Path(__file__).parent / "asking"


FILES = {  # address: file, media type, policy
    "/query": ("query.html", "text/html", POLICY),
    "/query.js": ("query.js", "text/javascript", DEAD),
    "/query.css": ("query.css", "text/css", DEAD),
}


def page(path: str) -> Response:
    """Return the file at *path*, one of `FILES`."""
    name, media, policy = FILES[path]
    body = _script() if name == "query.js" else _file(name)
    return Response(body, media_type=f"{media}; charset=utf-8", headers={"Content-Security-Policy": policy})


@cache
def _file(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


@cache
def _script() -> bytes:
    parts = [viewer_file("dom.js"), _file("query.js").decode()]
    return "".join(['(() => {\n"use strict";\n', *parts, "})();\n"]).encode()


def questions() -> bytes:
    """Return the named questions as JSON, those in the user's own folder too."""
    good, _ = every()
    told = [_told(one) for one in good]
    return json.dumps({"base": str(ID_BASE), "prefixes": dict(PREFIXES), "questions": told}).encode()


def _told(one: Question) -> dict[str, object]:
    params = [{"name": param.name, "kind": param.kind, "text": param.text, "optional": param.optional} for param in one.params]
    return {"name": one.name, "purpose": one.purpose, "params": params, "sparql": with_prefixes(one.sparql)}


def with_prefixes(sparql: str) -> str:
    """The query with the prefixes that it uses in front, a line each."""
    head = declared(sparql).removesuffix(sparql)
    return head.replace("> ", ">\n") + sparql
