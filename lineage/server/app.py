"""Route each request to a page, the explorer's data, records, or an answer in SPARQL.

    GET /                      the explorer
    GET /model, /version       its data and its version
    GET /records/ID?after=N    a page of records
    GET /query                 the SPARQL page (with /query.js and /query.css)
    GET /questions             the named questions as JSON
    GET /questions/NAME        one of them with values for its parameters
    GET, POST /sparql          SPARQL 1.1 Protocol; the service description without a query

HEAD is GET without a body. There are no other addresses, and nothing is changed. Blocking work runs
in two sets of threads, one for queries and one for all else, so that neither long queries nor slow
disks keep the loop from serving the pages.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.message import Message
from functools import partial
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lineage.draw.page import live_page
from lineage.errors import LateError, LineageError
from lineage.server import pages, protocol, records
from lineage.server.filled import filled
from lineage.server.guard import Guard
from lineage.server.live import Live
from lineage.server.protocol import refusal
from lineage.server.reply import JSON, Refusal
from lineage.server.settings import REQUEST, Settings
from lineage.store.embedded import Memory
from lineage.store.saved import Saved

READERS = 8  # threads that read the folder, its records and the questions
T = TypeVar("T")


class Application:
    """The state that requests share.

    Attributes:
        asgi: The application that a server runs.
        stopping: Ends all queries when it is set.
    """

    def __init__(self, settings: Settings, live: Live) -> None:
        self.settings, self.live, self.stopping = settings, live, threading.Event()
        self._turns = asyncio.Semaphore(settings.at_once)
        self._askers, self._readers = CapacityLimiter(settings.at_once), CapacityLimiter(READERS)
        routes = [
            Route("/", self._explorer),
            Route("/model", self._model),
            Route("/version", self._version),
            Route("/records/{name:path}", self._records),
            Route("/questions", self._questions),
            Route("/questions/{name:path}", self._filled),
            Route("/sparql", self._sparql, methods=["GET", "POST"]),
            *(Route(path, _file(path)) for path in pages.FILES),
        ]
        handlers: dict[Any, Any] = {
            Refusal: _refused,
            HTTPException: _not_served,
            Exception: _mistake,
        }
        self.asgi = Guard(Starlette(routes=routes, exception_handlers=handlers), settings)

    async def _explorer(self, _: Request) -> Response:
        page = live_page(self.live.title, "/model")
        return Response(
            page,
            media_type="text/html; charset=utf-8",
            headers={"Content-Security-Policy": pages.FRAMED},
        )

    async def _model(self, request: Request) -> Response:
        explorer = await self._read(self.live.explorer)
        tag = f'"{explorer.version}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if tag in [value.strip() for value in request.headers.get("If-None-Match", "").split(",")]:
            return Response(status_code=304, headers=headers)
        return Response(explorer.data, media_type=JSON, headers=headers)

    async def _version(self, _: Request) -> Response:
        return _json({"version": await self._read(self.live.version)})

    async def _records(self, request: Request) -> Response:
        fields = _fields(request)
        after, limit = (
            _number(fields, "after", 0, 2**62),
            _number(fields, "limit", records.PAGE, records.MOST),
        )
        until = time.monotonic() + self.settings.timeout
        return _json(await self._read(self._page, request.path_params["name"], after, max(limit, 1), until))

    def _page(self, name: str, after: int, limit: int, until: float) -> dict[str, Any]:
        path = self.live.file(name)
        return records.page(path, after, limit, until) | {"file": path.name}

    async def _questions(self, _: Request) -> Response:
        return Response(await self._read(pages.questions), media_type=JSON)

    async def _filled(self, request: Request) -> Response:
        await self._read(self.live.target)
        async with self._turn():
            work = partial(filled, request.path_params["name"], _fields(request), self.live, self.settings)
            return _json(await _threaded(self._askers, work))

    async def _sparql(self, request: Request) -> Response:
        fields = await _posted(request) if request.method == "POST" else _fields(request)
        asked, accept = protocol.asked(fields), ", ".join(request.headers.getlist("Accept")) or None
        if asked is None and request.method == "POST":
            raise Refusal(400, "there is no query", at="/sparql", todo="send it as the parameter query")
        if asked is None:
            return protocol.description(f"http://{request.state.host}/sparql", accept)
        media, target = await self._read(self._prepared, asked, accept)
        connection = request.state.connection
        until = time.monotonic() + self.settings.timeout  # reading the folder is not the query's time

        def left() -> bool:
            return connection.has_left or self.stopping.is_set()

        async with self._turn():
            return await _threaded(
                self._askers,
                partial(protocol.answer, asked, media, target, until, self.settings.largest, left),
            )

    def _prepared(self, asked: protocol.Asked, accept: str | None) -> tuple[str, Memory | Saved]:
        return protocol.media_of(asked, accept), self.live.target()

    async def _read(self, work: Callable[..., T], *arguments: Any) -> T:
        """Return what *work* returns, computed in a thread for reading."""
        return await _threaded(self._readers, partial(work, *arguments))

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait until another query may be computed. Raises Refusal where the time ends first."""
        try:
            async with asyncio.timeout(self.settings.timeout):
                await self._turns.acquire()
        except TimeoutError:
            message = f"other queries took all of {self.settings.timeout:g} seconds"
            raise refusal(LateError(message, at="query", hint="ask again later")) from None
        try:
            yield
        finally:
            self._turns.release()


async def _threaded(limiter: CapacityLimiter, work: Callable[[], T]) -> T:
    """Return what *work* returns in a thread. Raises Refusal for its errors.

    Errors are made into refusals in that thread: their traces refer to objects of the engine, which
    must be released by the thread that made them.
    """
    result = await to_thread.run_sync(partial(_settled, work), limiter=limiter, abandon_on_cancel=True)
    if isinstance(result, Refusal):
        raise result
    return result


def _settled(work: Callable[[], T]) -> T | Refusal:
    try:
        return work()
    except Refusal as error:
        return Refusal(error.status, error.what, at=error.at, todo=error.todo, headers=error.headers)
    except LineageError as error:
        return refusal(error)
    except OSError as error:
        return Refusal(500, error.strerror or str(error), at="the disk")


async def _posted(request: Request) -> protocol.Fields:
    """Return the parameters of a POST.

    Raises:
        Refusal: The body is of another type, has no length, or is too large.
    """
    header = Message()
    header["Content-Type"] = request.headers.get("Content-Type", "")
    type_ = header.get_content_type() if header["Content-Type"] else ""
    length = request.headers.get("Content-Length")  # digits, and one value: h11 checks that
    if "Transfer-Encoding" in request.headers or length is None:
        raise Refusal(411, "the body has no length", at="Content-Length", todo="send it with a Content-Length")
    if int(length) > REQUEST:
        raise Refusal(
            413,
            f"the body has more than {REQUEST} bytes",
            at="Content-Length",
            todo="send a shorter query",
        )
    return protocol.posted(type_, header.get_content_charset(), _query_of(request), await request.body())


def _fields(request: Request) -> protocol.Fields:
    return protocol.fields_of(_query_of(request))


def _query_of(request: Request) -> str:
    query: bytes = request.scope["query_string"]
    return query.decode("ascii")  # h11 accepts nothing else


def _file(path: str) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_: Request) -> Response:
        return pages.page(path)

    return endpoint


def _refused(_: Request, error: Refusal) -> Response:
    return error.response()


def _not_served(request: Request, error: HTTPException) -> Response:
    """Answer what no route takes, in our form."""
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "GET, HEAD")
        return Refusal(405, "only reading is possible", todo=f"use {allowed}", headers={"Allow": allowed}).response()
    todo = "the pages are / and /query, the endpoint is /sparql"
    return Refusal(error.status_code, "there is nothing", at=request.scope["path"][:200], todo=todo).response()


def _mistake(_: Request, error: Exception) -> Response:
    """Answer a mistake of ours; the server shows its trace."""
    return Refusal(
        500,
        f"the server failed ({type(error).__name__})",
        todo="report it with what lineage serve printed",
    ).response()


def _json(value: dict[str, Any]) -> Response:
    return Response(
        json.dumps(value, ensure_ascii=True).encode(),
        media_type=JSON,
        headers={"Cache-Control": "no-store"},
    )


def _number(fields: protocol.Fields, name: str, otherwise: int, most: int) -> int:
    text = fields.get(name, [""])[0]
    if not text:
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise Refusal(400, f"{text!r:.40} is no number from 0 on", at=name)
    return min(int(text), most)
