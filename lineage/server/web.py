"""The server: connections, threads and the port."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from ipaddress import ip_address
from socket import AF_INET, AF_INET6
from socketserver import TCPServer
from typing import Any

from lineage.errors import LineageError
from lineage.server.handler import Context, Handler
from lineage.server.live import Live
from lineage.server.settings import WILDCARDS, Settings

TRIED = 50  # ports after the one that was asked for, before any that is free is taken
MOST = 64  # connections at once; each is a thread


class Server(ThreadingHTTPServer):
    """Answers each connection in a thread of its own. `address` is the URL of the explorer."""

    daemon_threads = True
    block_on_close = False  # a stop waits for no reader
    request_queue_size = 64

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._context = Context(settings, Live(settings), threading.BoundedSemaphore(settings.at_once))
        self._connections = threading.BoundedSemaphore(MOST)
        self.address_family = AF_INET6 if ":" in settings.host else AF_INET
        super().__init__((settings.host, 0), Handler, bind_and_activate=False)
        try:
            self._bind(settings)
        except BaseException:
            self.server_close()
            raise

    def _bind(self, settings: Settings) -> None:
        ports = [*range(settings.port, min(settings.port + TRIED, 65536)), 0] if settings.port else [0]
        for port in ports:
            try:
                self.server_address = (settings.host, port)
                self.server_bind()
                break
            except OSError as error:
                if port == ports[-1] or error.errno not in settings.taken:
                    raise LineageError(
                        f"cannot listen: {error.strerror}", at=f"{settings.host}:{port}", hint="give another --host or --port"
                    ) from error
        self.server_activate()

    def server_bind(self) -> None:
        """Bind without asking the network what the host is called, as http.server does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.settings.host, self.server_address[1]

    @property
    def address(self) -> str:
        """The URL of the explorer, as this machine reaches it."""
        host = WILDCARDS.get(self.settings.host, self.settings.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}/"

    @property
    def is_loopback(self) -> bool:
        """Is it only this machine that can reach it?"""
        host = self.settings.host
        return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answer one connection."""
        Handler(self._context, request, client_address, self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, unless there are too many: then the connection is closed at once."""
        if not self._connections.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and let the next one in."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader who left is no error; all else is a mistake of ours, and shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@contextmanager
def running(settings: Settings) -> Iterator[Server]:
    """A server that answers in threads of this process while the block lasts.

    Raises:
        NotFoundError: a path is not there. LineageError: it cannot listen.
    """
    with Server(settings) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
