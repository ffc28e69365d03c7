"""Find secrets in addresses: user information, and signatures and keys in queries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from lineage.core.secrets.names import Level, level
from lineage.core.secrets.patterns import Pattern

Place = tuple[str, int, int]

LONGEST = 2048  # characters of an address that are looked at
_SCHEME = Pattern(r"[A-Za-z][A-Za-z0-9+.\-]*\Z")
_BODY = Pattern(r"[^\s\"'<>`\\]*")
_HOST = Pattern(r"\[[0-9A-Fa-f:.]+\]|localhost\b|[\w\-]+(?:\.[\w\-]+)+|[\w\-]+:[0-9]+(?![\w])")
_QUERY = Pattern(r"[?&#]([A-Za-z0-9_.\-%\[\]$]{1,64})=([^&#\s\"'<>`\\]+)")
_BARE = Pattern(
    r"(?<![\w/.:@\-])(?!mailto:|acct:|sips?:|xmpp:)[A-Za-z_][\w.\-]{0,63}:([^\s@:/\"'<>`\\]{1,200})"
    r"@(?:localhost\b|tcp\(|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[\w\-]{1,63}(?:\.[\w\-]{1,63}){0,8}(?:\.[A-Za-z][\w\-]{1,63}|:[0-9]{4,5}\b))"
)
_ORACLE = Pattern(r"jdbc:oracle:\w{1,8}:[\w.\-]{1,64}/([^\s@/\"']{1,200})@")
_WORDS = Pattern(r"[a-z]{1,12}(?:[_\-+][a-z]{1,12}){0,4}")  # `?key=name` names a column; keys of services have capitals or digits
# Names that are secrets in a query, and nowhere else.
_IN_QUERY = frozenset((
    "assertion", "code_verifier", "hmac", "key", "nonce", "pw", "sid", "sig", "signature", "st",
    "ticket",
))  # fmt: skip
_NAMES_ONLY = frozenset(["git", "hg", "svn", "anonymous", "oauth2", "user", "username"])


def places(text: str) -> Iterator[Place]:
    """Return the kind and place of each secret in the addresses of *text*."""
    start = text.find("://")
    while start >= 0:
        if text.find("@", start, start + LONGEST) > 0:
            yield from _user_information(text, start)
        start = text.find("://", start + 3)
    if "=" in text:
        for found in _QUERY.finditer(text):
            name = unquote(found[1])
            if _is_secret_in_query(name) and not (name.lower() == "key" and _WORDS.fullmatch(found[2])):
                yield "secret in an address", *found.span(2)
    if "jdbc:oracle:" in text:
        yield from (("password in an address", *found.span(1)) for found in _ORACLE.finditer(text))
    if "@" in text:
        yield from (("password in an address", *found.span(1)) for found in _BARE.finditer(text))


def _is_secret_in_query(name: str) -> bool:
    plain = name.lower()
    return plain in _IN_QUERY or plain.endswith("signature") or level(name) is not Level.NONE


def _user_information(text: str, start: int) -> Iterator[Place]:
    """Find what stands before the host of the address whose `://` is at *start*."""
    scheme = _SCHEME.search(text, max(0, start - 40), start)
    body = _BODY.match(text, start + 3, start + 3 + LONGEST)
    if scheme is None or body is None or "@" not in body[0]:
        return
    end = _end_of_user(body[0], is_web=scheme[0].lower().endswith(("http", "https")))
    information = body[0][: max(end, 0)]
    if information and _is_secret(information, is_web="http" in scheme[0].lower()):
        yield "password in an address", start + 3, start + 3 + end


def _end_of_user(body: str, *, is_web: bool) -> int:
    """Find the `@` before the host: a password may hold `@`, `/`, `?` and `#` although it should not."""
    authority = re.split(r"[/?#]", body, maxsplit=1)[0]
    name, colon, port = authority.rpartition(":")
    at = authority.rfind("@")
    if at >= 0:
        is_whole = ":" not in authority[:at] or _HOST.match(body, at + 1) or "@" not in body[at + 1 :]
        return at if is_whole else body.rfind("@")
    is_password = bool(colon) and (not is_web or not (port.isdigit() or not port or name.startswith("[")))
    return body.rfind("@") if is_password else -1


def _is_secret(information: str, *, is_web: bool) -> bool:
    """Decide whether user information is more than a name: a name alone is none to a protocol of its own."""
    if ":" in information:
        return True
    if information.lower() in _NAMES_ONLY:
        return False
    return is_web or (len(information) >= 20 and any(letter.isdigit() for letter in information))
