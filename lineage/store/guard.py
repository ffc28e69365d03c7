"""A limit to the time of an HTTP request as a whole; the standard library has one for each read alone."""

from __future__ import annotations

import http.client
import socket
import threading
import time
import urllib.request
from contextlib import suppress
from functools import partial
from typing import Any


class Guard:
    """Cuts the connections of a request when its time is over: a byte now and then, in a header too, must not outlast it."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self._open: list[socket.socket] = []
        self._timer = threading.Timer(max(0.0, deadline - time.monotonic()), self._cut)
        self._timer.daemon = True
        self._timer.start()

    @property
    def is_over(self) -> bool:
        """Has the time come?"""
        return time.monotonic() >= self.deadline

    def watch(self, one: socket.socket) -> None:
        """Cut *one* too."""
        self._open.append(one.dup())

    def _cut(self) -> None:
        for one in self._open:
            with suppress(OSError):  # it is closed already
                one.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """The request is done."""
        self._timer.cancel()
        while self._open:
            self._open.pop().close()


class Request(urllib.request.Request):
    """A request that knows its guard."""

    def __init__(self, url: str, body: Any, headers: dict[str, str], method: str, guard: Guard) -> None:
        super().__init__(url, data=body, headers=headers, method=method)
        self.guard = guard


class _Plain(http.client.HTTPConnection):
    def __init__(self, guard: Guard, host: str, **options: Any) -> None:
        self._guard = guard
        super().__init__(host, **options)

    def connect(self) -> None:
        super().connect()
        self._guard.watch(self.sock)


class _Secure(http.client.HTTPSConnection, _Plain):
    """The guard sees the socket before TLS is spoken on it."""

    def __init__(self, guard: Guard, host: str, **options: Any) -> None:
        self._guard = guard
        http.client.HTTPSConnection.__init__(self, host, **options)


class PlainHandler(urllib.request.HTTPHandler):
    """Speaks HTTP under the request's guard."""

    def http_open(self, req: Any) -> http.client.HTTPResponse:
        """What urllib calls."""
        return self.do_open(partial(_Plain, req.guard), req)


class SecureHandler(urllib.request.HTTPSHandler):
    """Speaks HTTPS under the request's guard."""

    def https_open(self, req: Any) -> http.client.HTTPResponse:
        """What urllib calls."""
        return self.do_open(partial(_Secure, req.guard), req)
