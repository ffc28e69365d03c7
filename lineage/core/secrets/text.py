"""Find and hide secrets in a text of any kind."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from lineage.core.secrets import assignments, shapes, urls
from lineage.core.secrets.patterns import Pattern

Place = tuple[str, int, int]

HIDDEN = "***"
_SHORTEST = 4  # characters; no secret by shape or by name in JSON is shorter
_NEAR = 400  # characters behind the first line of a private key in which the key begins
_MATERIAL = Pattern(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/=]{24,}")
_BEARER = Pattern(r"\b(?:[Bb]earer|BEARER)[ \t]+(?=[\w\-.~+/=]{0,60}[0-9A-Z_~+/])([\w\-.~+/]{6,}=*)")
_BASIC = Pattern(r"\b[Bb]asic[ \t]+([A-Za-z0-9+/]{6,}={0,2})")
_USER = Pattern(
    r"(?<![\w\-])(?:-[uU]|--(?:proxy-|http-|ftp-)?user(?:pass|pwd)?)(?:[\"']\s{0,8},\s{0,8}[\"']|[=\s]\s{0,8}|)"
    r"(?:(?P<quote>[\"'])(?P<who>[^\"':\s]{1,128}):(?P<quoted>[^\"']+)|(?P<name>[^\"':\s=]{1,128}):(?P<bare>[^\s\"']+))"
)
_PIPED = Pattern(r"\becho\s+(?:-n\s+)?[\"']?([^\s\"'|]+)[\"']?\s*\|[^|\n]{0,200}(?:password-stdin|sudo\s+-S|passwd)")
_NETRC = Pattern(r"\blogin\s+\S{1,256}\s+password\s+(\S+)")
_ADDRESS = Pattern(r"localhost|[0-9]+|.*[./\\].*")


def places(text: str, *, is_code: bool = False) -> Iterator[Place]:
    """Return the kind and place of each secret in *text*; places may overlap."""
    if len(text) < _SHORTEST:
        return
    for kind, start, end in _every(text, is_code=is_code):
        if text[start:end].strip("*"):
            yield kind, start, end


def _every(text: str, *, is_code: bool) -> Iterator[Place]:
    yield from (one for one in shapes.spans(text) if not is_code or one[0] != "private key" or _is_key(text, one[1]))
    if "://" in text or "@" in text or "=" in text:
        yield from urls.places(text) if not is_code else (one for one in urls.places(text) if not _is_template(text[one[1] : one[2]]))
    yield from assignments.places(text, is_code=is_code)
    yield from _credentials(text)


def _is_key(text: str, start: int) -> bool:
    """Say whether a key follows the line that begins one: code that reads keys has the line alone."""
    return bool(_MATERIAL.search(text, start, start + _NEAR))


def _is_template(value: str) -> bool:
    is_example = value.lower() in ("user:pass", "user:password", "username:password", "user:pw", "token", "key")
    return is_example or any(mark in value for mark in "{}$<>%*")


def _credentials(text: str) -> Iterator[Place]:
    """Find what follows the name of a scheme, and a user's password after his name."""
    if "earer" in text or "EARER" in text:
        yield from (("bearer token", *found.span(1)) for found in _BEARER.finditer(text))
    if "asic" in text:
        yield from (("password", *found.span(1)) for found in _BASIC.finditer(text) if _is_pair(found[1]))
    if "-" in text and ":" in text:
        yield from (("password", *span) for found in _USER.finditer(text) for span in _password(found))
    if "echo" in text and "|" in text:
        yield from (("password", *found.span(1)) for found in _PIPED.finditer(text))
    if "password" in text and "login" in text:
        yield from (("password", *found.span(1)) for found in _NETRC.finditer(text))


def _is_pair(encoded: str) -> bool:
    """Say whether *encoded* is `user:password` in base 64."""
    try:
        return b":" in base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False


def _password(found: re.Match[str]) -> Iterator[tuple[int, int]]:
    group = "quoted" if found["quote"] else "bare"
    name, value = found["who"] or found["name"], found[group]
    if not is_address(name, value):
        yield found.span(group)


def is_address(name: str, value: str) -> bool:
    """Say whether `name:value` is a host and a port, or a user's and a group's number."""
    return value.isdigit() and bool(_ADDRESS.fullmatch(name))


def removed(before: str, after: str) -> list[str]:
    """Return what `***` stands for in *after*, a text of which *before* is the original."""
    kept = after.split(HIDDEN)
    if before == after or not before.startswith(kept[0]):
        return []
    start = len(kept[0])
    found: list[str] = []
    for n, part in enumerate(kept[1:], 1):
        end = before.find(part, start + 1) if part else (len(before) if n == len(kept) - 1 else start)
        if end < 0:
            return [*found, before[start:]]
        found.append(before[start:end])
        start = end + len(part)
    return [one for one in found if one.strip("*")]


def masked(text: str) -> str:
    """Return *text* with `***` in place of each secret that `places` finds."""
    spans = sorted((start, end) for _, start, end in places(text))
    if not spans:
        return text
    parts, done = [], 0
    for start, end in spans:
        if start >= done:
            parts += [text[done:start], HIDDEN]
        done = max(done, end)
    return "".join([*parts, text[done:]])
