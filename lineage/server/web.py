"""Bind, start and end the server. uvicorn runs the application in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic

import uvicorn

from lineage.errors import LineageError
from lineage.server.app import Application
from lineage.server.connection import HEADERS, IDLE, Connection, most
from lineage.server.guard import address_of
from lineage.server.live import Live
from lineage.server.settings import WILDCARDS, Settings

TRIED = 50  # ports after the one that was asked for, before any that is free is taken
BACKLOG = 1024  # connections that the system queues
UNSENT = 256 << 20  # bytes of replies that clients have not read, of all connections together
GRACE = 1.0  # seconds for replies when the server stops


class Server:
    """A server that is bound to its port. `running` starts and ends it.

    Raises:
        NotFoundError: What is to be served is not there.
        LineageError: It cannot listen.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._application = Application(settings, Live(settings))
        self._socket = _listening(settings)
        self.server_port: int = self._socket.getsockname()[1]
        self._uvicorn = _Uvicorn(_config(self._application), self._application.stopping)
        run = partial(self._uvicorn.run, [self._socket])
        self._thread = threading.Thread(target=run, daemon=True, name="lineage serve")

    @property
    def address(self) -> str:
        """The URL of the explorer, as this machine reaches it."""
        host = WILDCARDS.get(self.settings.host, self.settings.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}/"

    @property
    def is_loopback(self) -> bool:
        """Can only this machine reach it?"""
        address = address_of(self.settings.host)
        return self.settings.host == "localhost" or (address is not None and address.is_loopback)

    def start(self) -> None:
        """Serve in a thread. Threads of a process that ends do not delay it."""
        self._thread.start()

    def wait(self) -> None:
        """Wait as long as it serves. Raises LineageError where it ended without `stop`."""
        self._thread.join()
        if not self._application.stopping.is_set():
            raise LineageError("the server ended by itself", at=self.address, hint="the error is printed above")

    def stop(self) -> None:
        """End it: replies that are ready are sent, and queries are stopped."""
        self._uvicorn.should_exit = True
        self._thread.join(2 * GRACE + 1)
        self._socket.close()


class _Uvicorn(uvicorn.Server):
    """uvicorn with limits of time for each connection, and an end that waits for no client."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or []:
            listening.listen(BACKLOG)  # asyncio makes no difference between a turn and the queue

    async def on_tick(self, counter: int) -> bool:
        now = monotonic()
        for connection in self._connections():
            connection.check(now)
        self._limit_unsent()
        return await super().on_tick(counter)

    def _limit_unsent(self) -> None:
        """End connections whose clients read too slowly, the longest stalled first."""
        reading = [connection for connection in self._connections() if connection.unsent]
        total = sum(connection.unsent for connection in reading)
        for connection in sorted(reading, key=lambda connection: connection.since):
            if total <= UNSENT:
                return
            total -= connection.unsent
            connection.transport.abort()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping.set()
        for server in self.servers:
            server.close()
        until = monotonic() + GRACE
        while monotonic() < until and any(connection.is_busy for connection in self._connections()):
            await asyncio.sleep(0.02)
        for connection in self._connections():
            connection.transport.abort()
        self.force_exit = True  # nothing is left to wait for
        await super().shutdown(sockets)

    def _connections(self) -> list[Connection]:
        everything = self.server_state.connections
        return [connection for connection in everything if isinstance(connection, Connection)]


def _config(application: Application) -> uvicorn.Config:
    return uvicorn.Config(
        application.asgi,
        http=Connection,
        loop="asyncio",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        proxy_headers=False,  # there is no proxy: such headers are the client's own claims
        server_header=False,
        headers=[("server", "lineage")],
        backlog=max(most() // 8, 1),  # accepted in one turn of the loop; the end of another takes several
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=HEADERS,
    )


def _listening(settings: Settings) -> socket.socket:
    """Return a socket at the port that was asked for, or the next that is free."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    is_dual = settings.host == "::" and socket.has_dualstack_ipv6()
    ports = [*range(settings.port, min(settings.port + TRIED, 65536)), 0] if settings.port else [0]
    for port in ports:
        try:
            address = (settings.host, port)
            return socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=is_dual)
        except OSError as error:
            if port == ports[-1] or error.errno not in settings.taken:
                message, hint = f"cannot listen: {error.strerror}", "give another --host or --port"
                raise LineageError(message, at=f"{settings.host}:{port}", hint=hint) from error
    raise AssertionError("there is a last port")


@contextmanager
def running(settings: Settings) -> Iterator[Server]:
    """Serve in threads of this process while the block runs.

    Args:
        settings: What is served, where, and within which limits.

    Raises:
        NotFoundError: What is to be served is not there.
        LineageError: It cannot listen.
    """
    server = Server(settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()
