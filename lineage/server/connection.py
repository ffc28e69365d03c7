"""One HTTP/1.1 connection: uvicorn's protocol over h11, with the limits of time that it lacks.

uvicorn limits only the pause between two requests. Here each request must be complete within `IDLE`
seconds of its first byte, a silent connection ends after `IDLE` seconds, and so does one whose client
does not read its reply. At `most()` connections, the one that has waited longest for its client is
ended for a new one, so clients that send nothing cannot exclude the others.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import sys
from contextlib import suppress
from http import HTTPStatus
from time import monotonic
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from lineage.server.reply import ALWAYS, TEXT, Refusal

IDLE = 30  # seconds for a request to arrive, for the next one to begin, and for a reply to move on
LINGER = 2.0  # seconds to read on after the last reply; a reset could destroy that reply
MOST = 512  # connections; fewer where the process may open fewer than twice as many files
HEADERS = 1 << 16  # bytes of a request line with its headers
LOG = logging.getLogger("lineage.server")
LOG.setLevel(logging.ERROR)  # faults of clients are warnings in uvicorn


def most() -> int:
    """Return how many connections may be open at the same time."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST if files == resource.RLIM_INFINITY else min(MOST, files // 2)


class Connection(H11Protocol):
    """A connection that never waits for its client without a limit.

    Attributes:
        since: When the present wait began, in seconds of `time.monotonic`.
        has_left: Has the client closed its end? Then a long query stops; a ready reply is sent.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.logger, self.access_log = LOG, False
        self.app_state = self.app_state | {"connection": self}
        self.since, self.has_left = monotonic(), False
        self._is_arriving, self._last_unsent = False, 0

    @property
    def is_working(self) -> bool:
        """Is a complete request being answered?"""
        cycle = self.cycle
        return cycle is not None and not cycle.response_complete and not cycle.more_body

    @property
    def is_busy(self) -> bool:
        """Is a reply being computed or sent?"""
        return self.is_working or self.unsent > 0

    @property
    def unsent(self) -> int:
        """Bytes of replies that the client has not read."""
        return self.transport.get_write_buffer_size()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept the connection. At the limit, end the one that has waited longest."""
        lingering = _Lingering(cast(asyncio.Transport, transport), self)
        super().connection_made(cast(asyncio.Transport, lingering))
        if len(self.connections) <= most():
            return
        others = [other for other in self.connections if isinstance(other, Connection)]
        waiting = [other for other in others if not other.is_working and other is not self]
        if not waiting:
            self.refuse(
                Refusal(
                    503,
                    "all connections are in use",
                    todo="ask again later",
                    headers={"Retry-After": "10"},
                )
            )
            return
        oldest = min(waiting, key=lambda other: other.since)
        self.connections.discard(oldest)
        oldest.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse what the client sent; after the last request nothing is read."""
        if self.transport.is_closing() or self.conn.their_state is h11.MUST_CLOSE:
            return
        if not self._is_arriving:
            self._is_arriving, self.since = True, monotonic()
        super().data_received(data)
        self._settle()

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn never answers such a client
        """Return whether the connection stays open for a reply, though the client sends no more."""
        self.has_left = True
        return not self.transport.is_closing() and (self._is_arriving or self.is_busy)

    def connection_lost(self, error: Exception | None) -> None:
        """Release the connection, also in processes of queries that inherited its descriptor."""
        self.has_left = True
        super().connection_lost(error)
        with suppress(OSError):  # the client was faster
            self.transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def on_response_complete(self) -> None:
        """Begin the next request, or end the connection of a client that has left."""
        super().on_response_complete()
        self._settle()
        if self.has_left and not self._is_arriving:
            self.transport.close()

    def shutdown(self) -> None:
        """End the connection when the server stops, after the reply that is being computed."""
        if self.is_working:
            self.cycle.keep_alive = False
        elif not self.is_busy:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Refuse what h11 cannot parse, with the status that h11 suggests."""
        error = sys.exc_info()[1]
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        self.refuse(
            Refusal(
                status,
                f"this is no valid HTTP request: {error or msg}",
                todo="send a request as RFC 9112 defines it",
            )
        )

    def refuse(self, refusal: Refusal) -> None:
        """Send *refusal* outside of the application, and end the connection."""
        if self.transport.is_closing():
            return
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        body = refusal.text()
        headers = ALWAYS | refusal.headers | {"Content-Type": TEXT, "Connection": "close"}
        headers["Content-Length"] = str(len(body))
        lines = [
            f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        self.transport.write("".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body)
        self.transport.close()

    def check(self, now: float) -> None:
        """End the connection where its client took too long. The server calls this ten times a second."""
        unsent = self.unsent
        if unsent != self._last_unsent or (self.is_working and not unsent):
            self._last_unsent, self.since = unsent, now
        is_ending = self.transport.is_closing() and not unsent
        if is_ending:
            self.transport.close()
        is_incomplete = self._is_arriving and not self.is_busy and not is_ending
        if is_incomplete and self.has_left:
            self.refuse(
                Refusal(
                    400,
                    "the request is incomplete: the client closed the connection",
                    todo="send it again",
                )
            )
        elif now - self.since <= (LINGER if is_ending else IDLE):
            return
        elif is_incomplete:
            self.refuse(
                Refusal(
                    408,
                    f"the request was not complete after {IDLE} seconds",
                    todo="send it at once",
                )
            )
        else:
            self.transport.abort()

    def _settle(self) -> None:
        """Note that no request is arriving, where that is so."""
        is_between = self.conn.their_state is h11.IDLE and self.conn.our_state is h11.IDLE
        if is_between and not self.conn.trailing_data[0]:
            self._is_arriving, self.since = False, monotonic()


class _Lingering:
    """A transport that sends its end before it closes, so that a client that still sends can read."""

    def __init__(self, transport: asyncio.Transport, connection: Connection) -> None:
        self._transport, self._connection, self._is_closing = transport, connection, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Return whether no more is sent."""
        return self._is_closing or self._transport.is_closing()

    def close(self) -> None:
        """Send the end after the last reply. `Connection.check` repeats this, and aborts in time."""
        if not self.is_closing():
            self._connection.since = monotonic()
        self._is_closing = True
        if self._connection.has_left:
            self._transport.close()
        elif not self._transport.is_closing() and not self._transport.get_write_buffer_size():
            self._transport.resume_reading()
            with suppress(OSError):  # the client reset the connection; the loop notices
                self._transport.write_eof()
