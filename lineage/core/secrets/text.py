"""Find and hide secrets in a text of any kind."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from urllib.parse import unquote

from lineage.core.secrets import assignments, credentials, shapes, urls
from lineage.core.secrets.patterns import Pattern

Place = tuple[str, int, int]

HIDDEN = "***"
_SHORTEST = 4  # characters; no secret by shape or by name in JSON is shorter
_NEAR = 400  # characters behind the first line of a private key in which the key begins
_MATERIAL = Pattern(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/=]{24,}")
_ESCAPE = Pattern(r"%[0-9A-Fa-f]{2}")
_ESCAPED = Pattern(r"%(?:[2-7][0-9A-Fa-f])|&(?:quot|apos|amp|lt|gt|#3[49]|#x2[27]);")
_MARKS = ("%22", "%3D", "%3d", "%3A", "%3a", "%40", "&quot;", "&apos;", "&#3", "&#x2")
_LONGEST_ESCAPED = 1 << 16  # characters of a text whose escapes are read


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
    yield from credentials.places(text)
    yield from _escaped(text, is_code=is_code)


def _is_key(text: str, start: int) -> bool:
    """Say whether a key follows the line that begins one: code that reads keys has the line alone."""
    return bool(_MATERIAL.search(text, start, start + _NEAR))


def _is_template(value: str) -> bool:
    is_example = value.lower() in ("user:pass", "user:password", "username:password", "user:pw", "token", "key")
    return is_example or any(mark in value for mark in "{}$<>*") or "%" in _ESCAPE.sub("", value)


def _escaped(text: str, *, is_code: bool) -> Iterator[Place]:
    """Find secrets in what is escaped as addresses, HTML and XML have it."""
    if len(text) > _LONGEST_ESCAPED or not any(mark in text for mark in _MARKS):
        return
    parts, origin, done = [], [], 0
    for found in _ESCAPED.finditer(text):
        letter = unquote(found[0]) if found[0][0] == "%" else unescape(found[0])
        parts += [text[done : found.start()], letter]
        origin += [*range(done, found.start()), found.start()]
        done = found.end()
    plain, origin = "".join([*parts, text[done:]]), [*origin, *range(done, len(text) + 1)]
    if plain != text:
        yield from ((kind, origin[start], origin[end]) for kind, start, end in places(plain, is_code=is_code))


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
