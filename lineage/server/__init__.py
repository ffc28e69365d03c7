"""Serve the explorer of a folder, its records and a SPARQL 1.1 endpoint over HTTP.

    settings     the folder, the address and the limits
    live         the explorer's data and the graph, rebuilt when files of the folder changed
    records      the records of a file, a page at a time, addressed by line number
    guard        the policy: Host, Origin, form of the request, headers of the reply
    media        content negotiation, and how an answer is written
    protocol     SPARQL 1.1 Protocol: request, query, answer, within limits of time and size
    pages        the SPARQL page and the named questions
    filled       a named question with values for its parameters
    app          the routes (starlette), and the threads in which blocking work runs
    connection   one connection (uvicorn, h11), with limits of time
    web          the server: its port, its start and its end

`with running(Settings(place=Path("artifacts"))) as server:` serves while the block runs. It needs the
extra `server`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lineage.errors import UsageError
from lineage.server.settings import Settings

if TYPE_CHECKING:
    from lineage.server.web import Server, running

__all__ = ["Server", "Settings", "running"]


def __getattr__(name: str) -> Any:
    """Load `Server` and `running` on first use: they need the extra `server`.

    Raises:
        UsageError: starlette or uvicorn is not installed.
    """
    if name not in ("Server", "running"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module("lineage.server.web"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("anyio", "h11", "starlette", "uvicorn"):
            raise
        message = f"serving needs starlette and uvicorn; {error.name} is not installed"
        raise UsageError(message, hint="pip install 'lineage-prov[server]'") from error
