"""Which requests are answered at all.

A page of any host may send requests to loopback, and a name that its owner points at 127.0.0.1 makes such a page one of the same origin (DNS
rebinding). So the Host must be a name of this machine's own, and what the browser says comes from another site is refused.
"""

from __future__ import annotations

import re
import socket
from email.message import Message
from ipaddress import IPv4Address, IPv6Address, ip_address

from lineage.server.reply import Refusal
from lineage.server.settings import WILDCARDS, Settings

PAGES = ("/", "/query")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?", re.ASCII)


def admit(settings: Settings, headers: Message, hosts: list[str], path: str) -> None:
    """Raise Refusal unless the request is for this server, and from its own pages or from no page at all.

    *hosts* are the Host headers. Following a link to one of the pages themselves is allowed from anywhere, and so
    is /sparql to the pages of an origin that the server was started with.
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
    found = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    if found is None or not _is_ours(found[1].lower().strip("[]").rstrip("."), settings):
        what = f"Host {hosts[0]!r:.80} is none of this server's names" if len(hosts) == 1 else f"there are {len(hosts)} Host headers"
        raise Refusal(403, what, todo="use the address that lineage serve printed")


def _is_ours(name: str, settings: Settings) -> bool:
    address = _address(name)
    if name == "localhost" or (address is not None and address.is_loopback) or name == settings.host.lower():
        return True
    # No name can be rebound to an address that is written in digits; what listens everywhere answers to those.
    return settings.host in WILDCARDS and (address is not None or name == socket.gethostname().lower())


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None
