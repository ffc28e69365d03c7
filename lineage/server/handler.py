"""HTTP: a request -> one of the pages, the explorer's data, records, or an answer in SPARQL -> a reply.

    GET /                      the explorer               GET /query             the page to ask in SPARQL (with /query.js and /query.css)
    GET /model, /version       its data, and which it is  GET /questions         the named questions as JSON
    GET /records/ID?after=N    a page of records          GET /questions/NAME    one of them, its parameters filled in
    GET, POST /sparql          SPARQL 1.1 Protocol; its description without a query

HEAD is GET without a body. Nothing else is there, and nothing is changed.
"""

from __future__ import annotations

import json
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from io import BufferedReader, RawIOBase
from socket import MSG_PEEK, SHUT_WR, socket
from time import monotonic
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from lineage.draw.page import live_page
from lineage.errors import LineageError
from lineage.server import guard, pages, protocol, records
from lineage.server.filled import filled
from lineage.server.live import Live
from lineage.server.reply import JSON, Refusal, Reply
from lineage.server.settings import REQUEST, Settings

LINGER, DRAINED = 2.0, 64 << 20  # seconds and bytes that a refused body is read on for
IDLE = 30  # seconds that a connection may stand still, and that a request may take to arrive from its first byte on
METHODS = "GET, HEAD, POST, OPTIONS"


@dataclass(frozen=True, slots=True)
class Context:
    """What all requests share."""

    settings: Settings
    live: Live
    asking: threading.Semaphore


class _Punctual(RawIOBase):
    """What a client sends, as long as each request is whole within `IDLE` seconds: one that sends a byte now and then would keep its thread for ever."""

    def __init__(self, connection: socket) -> None:
        self._connection, self._begun = connection, 0.0

    def rest(self) -> None:
        """A request is over; the next may begin when it likes."""
        self._begun = 0.0

    def readable(self) -> bool:
        """For BufferedReader."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises TimeoutError when the time is over."""
        self._connection.settimeout(max(self._begun + IDLE - monotonic(), 0.001) if self._begun else IDLE)
        try:
            count = self._connection.recv_into(buffer)
        finally:
            self._connection.settimeout(IDLE)
        self._begun = self._begun or monotonic()
        return count


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE
    wbufsize = -1  # a reply leaves in one piece

    def __init__(self, context: Context, *rest: Any) -> None:
        self.context = context
        self._is_unread = False
        super().__init__(*rest)

    def setup(self) -> None:
        """Read through a clock."""
        super().setup()
        self.rfile.close()
        self._clock = _Punctual(self.connection)
        self.rfile = BufferedReader(self._clock)

    def handle_one_request(self) -> None:
        """Each request has its own time."""
        self._clock.rest()
        super().handle_one_request()

    def do_GET(self) -> None:  # http.server's name
        """Answer."""
        self._answer(self._get)

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        """Answer a query that is posted."""
        self._answer(self._post)

    def do_OPTIONS(self) -> None:
        """Say what may be done."""
        self._answer(lambda _: Reply(b"", status=204, headers={"Allow": METHODS}))

    def _refused(self) -> None:
        self._answer(lambda _: _not_allowed(METHODS).reply())

    do_PUT = do_DELETE = do_PATCH = do_TRACE = do_CONNECT = _refused  # noqa: N815

    def _answer(self, work: Callable[[SplitResult], Reply]) -> None:
        try:
            self._no_body()
            address = _split(self.path)
            hosts = [address.netloc] if address.scheme else self.headers.get_all("Host", [])  # RFC 9112, 3.2.2
            guard.admit(self.context.settings, self.headers, hosts, address.path)
            reply = work(address)
        except Refusal as refusal:
            reply = refusal.reply()
        except LineageError as error:
            reply = protocol.refusal(error).reply()
        except OSError as error:
            if isinstance(error, ConnectionError | TimeoutError):
                raise
            reply = Refusal(500, error.strerror or str(error), at="the disk").reply()
        self._send(reply)

    def _no_body(self) -> None:
        """What is not read ends the connection: else it would be taken for the next request."""
        if self.headers.get("Transfer-Encoding") or self.headers.get("Content-Length", "0") != "0":
            self.close_connection = self._is_unread = True

    def _get(self, address: SplitResult) -> Reply:
        kept = self.context
        match address.path:
            case "/":
                return Reply(live_page(kept.live.title, "/model"), "text/html; charset=utf-8", policy=pages.FRAMED)
            case "/model":
                return self._model()
            case "/version":
                return _json({"version": kept.live.version()})
            case "/sparql":
                return self._asked(protocol.fields_of(address.query))
        if address.path.startswith("/records/"):
            return self._records(address)
        if address.path.startswith("/questions/"):
            name = address.path.removeprefix("/questions/")
            return filled(name, protocol.fields_of(address.query), kept.live, kept.settings, kept.asking)
        found = pages.page(address.path)
        if found is None:
            raise Refusal(404, "there is nothing", at=address.path[:200], todo="the pages are / and /query, the endpoint is /sparql")
        return found

    def _model(self) -> Reply:
        seen = self.context.live.explorer()
        tag = f'"{seen.version}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if tag in [one.strip() for one in self.headers.get("If-None-Match", "").split(",")]:
            return Reply(b"", JSON, 304, headers=headers)
        return Reply(seen.data, JSON, headers=headers)

    def _records(self, address: SplitResult) -> Reply:
        fields = protocol.fields_of(address.query)
        after, limit = _number(fields, "after", 0, 2**62), _number(fields, "limit", records.PAGE, records.MOST)
        path = self.context.live.file(unquote(address.path.removeprefix("/records/"), errors="replace"))
        return _json(records.page(path, after, max(limit, 1)) | {"file": path.name})

    def _post(self, address: SplitResult) -> Reply:
        if address.path != "/sparql":
            raise _not_allowed("GET, HEAD")
        type_ = self.headers.get_content_type() if self.headers.get("Content-Type") else ""
        return self._asked(protocol.posted(type_, address.query, self._body()))

    def _body(self) -> bytes:
        lengths = self.headers.get_all("Content-Length", [])
        if self.headers.get("Transfer-Encoding") or len(lengths) != 1:
            raise Refusal(411, "the length of the body is not told", at="Content-Length", todo="send it with a Content-Length")
        if not (lengths[0].isascii() and lengths[0].isdecimal()):
            raise Refusal(400, f"{lengths[0]!r:.40} is no length", at="Content-Length")
        if len(lengths[0]) > 12 or int(lengths[0]) > REQUEST:
            raise Refusal(413, f"the body has more than {REQUEST} bytes", at="Content-Length", todo="send a shorter query")
        data = self.rfile.read(int(lengths[0]))
        self._is_unread = False
        self.close_connection = len(data) < int(lengths[0]) or self._closes()
        return data

    def _closes(self) -> bool:
        return self.headers.get("Connection", "").lower() == "close" or self.request_version != "HTTP/1.1"

    def _asked(self, fields: protocol.Fields) -> Reply:
        one, accept = protocol.asked(fields), ", ".join(self.headers.get_all("Accept", [])) or None
        if one is None and self.command == "POST":
            raise Refusal(400, "there is no query", at="/sparql", todo="send it as the parameter query")
        if one is None:
            return protocol.description(f"http://{self.headers['Host']}/sparql", accept)
        return protocol.answer(one, accept, self.context.live, self.context.settings, self.context.asking, self._left)

    def _left(self) -> bool:
        """Has the client closed its end?  Then nobody waits."""
        try:
            return bool(select.select([self.connection], [], [], 0)[0]) and not self.connection.recv(1, MSG_PEEK)
        except ConnectionError:
            return True

    def finish(self) -> None:
        """End the connection. A client that still sends what nobody reads must get the reply, and not a reset in its place."""
        super().finish()
        if not self._is_unread:
            return
        with suppress(OSError):
            self.connection.settimeout(LINGER)
            self.connection.shutdown(SHUT_WR)
            rest = DRAINED
            while rest > 0 and (data := self.connection.recv(1 << 16)):
                rest -= len(data)

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in (self._always(reply) | reply.headers).items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and reply.status not in (204, 304):
            self.wfile.write(reply.body)

    def _always(self, reply: Reply) -> dict[str, str]:
        headers = {
            "Content-Security-Policy": reply.policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cache-Control": "no-cache",
        }
        if reply.status not in (204, 304):
            headers |= {"Content-Type": reply.type, "Content-Length": str(len(reply.body))}
        return headers | self._cors()

    def _cors(self) -> dict[str, str]:
        """Leave for pages of other origins to ask /sparql, where the server was started with it."""
        allowed, origin = self.context.settings.cors, self.headers.get("Origin", "") if hasattr(self, "headers") else ""
        if not allowed or urlsplit(self.path).path != "/sparql" or not ("*" in allowed or origin in allowed):
            return {}
        return {
            "Access-Control-Allow-Origin": "*" if "*" in allowed else origin,
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "Accept, Content-Type",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Vary": "Origin",
        }

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server refuses by itself, in our form."""
        self.close_connection = True
        self._send(Refusal(int(code), message or HTTPStatus(code).phrase).reply())

    def version_string(self) -> str:
        """What the replies say they are from."""
        return "lineage"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what is asked is the reader's own affair."""


def _split(path: str) -> SplitResult:
    try:
        return urlsplit(path)
    except ValueError as error:
        raise Refusal(400, "the address cannot be read", at=path[:200]) from error


def _json(value: dict[str, Any]) -> Reply:
    return Reply(json.dumps(value, ensure_ascii=True).encode(), JSON, headers={"Cache-Control": "no-store"})


def _number(fields: protocol.Fields, name: str, otherwise: int, most: int) -> int:
    text = fields.get(name, [""])[0]
    if not text:
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise Refusal(400, f"{text!r:.40} is no number from 0 on", at=name)
    return min(int(text), most)


def _not_allowed(allowed: str) -> Refusal:
    return Refusal(405, "only reading is possible", todo=f"use {allowed}", headers={"Allow": allowed})
