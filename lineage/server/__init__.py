"""The explorer, its records and a SPARQL 1.1 endpoint over HTTP, for one reader on their own machine.  Reads, and changes nothing.

    settings     what is served, where, and within which limits
    live         a folder, PROV file or store as it is now: the explorer's data and the graph, made anew when the files changed
    records      the records of a file, a page at a time, by the line after which the page begins
    guard        which requests are answered at all: whose Host and origin are ours
    media        what a client accepts, and what an answer can be written as
    protocol     SPARQL 1.1 Protocol: a request -> a query -> an answer, within limits of time and size
    pages        the page to ask in SPARQL, and the named questions
    filled       a named question with what a reader gives for its parameters
    handler      HTTP: a request -> one of these -> a reply
    web          the server itself

`with running(Settings(place=Path("artifacts"))) as server:` answers while the block lasts.
"""

from __future__ import annotations

from lineage.server.settings import Settings
from lineage.server.web import Server, running

__all__ = ["Server", "Settings", "running"]
