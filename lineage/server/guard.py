"""Decide which requests are answered at all, and complete each reply with its headers.

Pages of any site may send requests to loopback, and a name whose owner points it at 127.0.0.1 makes
such a page one of the same origin (DNS rebinding). So the Host must be a name of this machine, and a
request that the browser marks as another site's is refused.
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lineage.server.connection import HEADERS
from lineage.server.reply import ALWAYS, Refusal
from lineage.server.settings import WILDCARDS, Settings

PAGES = ("/", "/query")
METHODS = "GET, HEAD, POST, OPTIONS"
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?", re.ASCII)


class Guard:
    """An ASGI application that passes on only the requests that may be answered."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse with 400, 403, 431 or 505."""
        headers = Headers(scope=scope)

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._complete(message, scope, headers)
            await send(message)

        try:
            _well_formed(scope, headers)
            hosts = _hosts(scope, headers)
            admit(self._settings, headers, hosts, scope["path"])
        except Refusal as refusal:
            await refusal.response()(scope, receive, complete)
            return
        scope["state"]["host"] = hosts[0]
        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers={"Allow": METHODS})(scope, receive, complete)
            return
        try:
            await self._app(scope, receive, complete)
        except ClientDisconnect:
            return  # nobody reads an answer

    def _complete(self, message: Message, scope: Scope, asked: Headers) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in ALWAYS.items():
            headers.setdefault(name, value)
        headers.update(self._cors(scope["path"], asked.get("Origin", "")))
        if "Expect" in asked and message["status"] >= 400:
            headers["Connection"] = "close"  # the client may or may not send the body

    def _cors(self, path: str, origin: str) -> dict[str, str]:
        """Return the headers that let pages of the allowed origins ask /sparql."""
        allowed = self._settings.cors
        if path != "/sparql" or not ("*" in allowed or origin in allowed):
            return {}
        return {
            "Access-Control-Allow-Origin": "*" if "*" in allowed else origin,
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "Accept, Content-Type",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Vary": "Origin",
        }


def _well_formed(scope: Scope, headers: Headers) -> None:
    """Refuse what h11 accepts and a proxy could read in another way (RFC 9112, 6.1)."""
    if scope["http_version"] not in ("1.0", "1.1"):
        raise Refusal(505, "this server speaks HTTP/1.1", headers={"Connection": "close"})
    has_length = "Content-Length" in headers
    if "Transfer-Encoding" in headers and (has_length or scope["http_version"] == "1.0"):
        what = "Transfer-Encoding with Content-Length, or in HTTP/1.0"
        raise Refusal(
            400,
            what,
            at="Transfer-Encoding",
            todo="send Content-Length alone",
            headers={"Connection": "close"},
        )
    size = sum(len(name) + len(value) for name, value in scope["headers"])
    if size + len(scope["raw_path"]) + len(scope["query_string"]) > HEADERS:
        raise Refusal(
            431,
            f"the request line and headers have more than {HEADERS} bytes",
            todo="send a long query with POST",
        )


def _hosts(scope: Scope, headers: Headers) -> list[str]:
    """Return the hosts that a request names.

    A full address as target replaces Host (RFC 9112, 3.2.2); *scope* gets its path.
    """
    target = scope["raw_path"].decode("ascii")
    if target.startswith("/") or (target == "*" and scope["method"] == "OPTIONS"):
        return headers.getlist("Host")
    try:
        address = urlsplit(target)
    except ValueError as error:
        raise Refusal(400, "the address cannot be read", at=target[:200]) from error
    if not address.scheme or not address.netloc:
        raise Refusal(400, "the address is no path", at=target[:200], todo="send a path that begins with /")
    path = address.path or "/"
    scope["path"], scope["raw_path"] = unquote(path), path.encode("ascii")
    return [address.netloc]


def admit(settings: Settings, headers: Headers, hosts: list[str], path: str) -> None:
    """Raise Refusal unless the request is for this server, and from its own pages or from no page at all.

    Links to the pages themselves may be followed from anywhere, and the allowed origins may ask
    /sparql.

    Args:
        settings: The address that the server listens on, and the origins.
        headers: The headers of the request.
        hosts: Values of Host, or the host of the address; there must be one.
        path: The decoded path.
    """
    _for_us(settings, hosts)
    origin = headers.get("Origin")
    if path == "/sparql" and ("*" in settings.cors or origin in settings.cors):
        return
    is_followed = path in PAGES and headers.get("Sec-Fetch-Mode") == "navigate"
    is_foreign = headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") and not is_followed
    if is_foreign or (origin is not None and origin.lower() != f"http://{hosts[0].lower()}"):
        what = f"a page of another site asks ({origin or 'no Origin'!s:.80})"
        raise Refusal(403, what, todo="start with --cors ORIGIN to let its pages ask /sparql")


def _for_us(settings: Settings, hosts: list[str]) -> None:
    name = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    if name is None or not _is_ours(name[1].lower().strip("[]").rstrip("."), settings):
        what = f"there are {len(hosts)} Host headers"
        if len(hosts) == 1:
            what = f"Host {hosts[0]!r:.80} is not a name of this server"
        raise Refusal(403, what, todo="use the address that lineage serve printed")


def _is_ours(name: str, settings: Settings) -> bool:
    address = address_of(name)
    if name == "localhost" or (address is not None and address.is_loopback) or name == settings.host.lower():
        return True
    # An address in digits cannot be rebound; a server that listens everywhere answers to those.
    return settings.host in WILDCARDS and (address is not None or name == socket.gethostname().lower())


def address_of(name: str) -> IPv4Address | IPv6Address | None:
    """Return the address that *name* is, in digits; None for another name."""
    try:
        return ip_address(name)
    except ValueError:
        return None
