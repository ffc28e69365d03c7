"""Find values that are given to names of secrets: `K=V`, `K: V`, JSON, Python, headers, options."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lineage.core.secrets.names import HINTS, LONGEST, Level, level
from lineage.core.secrets.patterns import Pattern

Place = tuple[str, int, int]

KIND = "value of a secret's name"
_NAME_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
_NAME_AFTER = Pattern(r"[\w.\-]{0,128}")
_LOWER = {number: number + 32 for number in range(65, 91)}
_SEPARATOR = Pattern(r"(?P<close>\\{0,8}[\"'`]?\]?)(?P<space>\s{0,16})(?:=>|:=|==|[:=])(?!:)(?P<gap>\s{0,64})")
_XML_VALUE = Pattern(
    r"[\"'](?:\s{1,16}[\w:\-]{1,32}=[\"'][^\"'<>]{0,64}[\"']){0,4}\s{1,16}value\s{0,4}=\s{0,4}(?=[\"'])|\s{0,4}</\w{1,32}>\s{0,64}<value>",
    re.IGNORECASE,
)
_ELEMENT = Pattern(r"(?:\s[^<>]{0,200})?>(?:<!\[CDATA\[)?([^<>\]]{1,4096})(?:\]\]>)?</")
_BLOCK = Pattern(r":[ \t]{0,8}(?:[|>][+\-0-9]{0,2}[ \t]{0,8})?\r?\n[+ \t]{1,64}(?=\S{0,64}[0-9])([A-Za-z0-9+/=_.\-]{8,})[ \t\r]*(?=\n|\Z)")
_SETS = Pattern(r"(?:\bset|\bsetx|\bsetenv|\bENV|\bARG|\bset -[a-zA-Z]{1,4})[ \t]{1,8}\Z")
_SPACED = Pattern(r"[ \t]{1,8}[\"']?(?=\S{0,64}[0-9])([^\s\"'=]{8,})")
_PAIR = Pattern(r"(?P<close>\\{0,8}[\"'])\s{0,16},\s{0,64}(?:(?P=close)[vV]alue(?P=close)\s{0,16}:\s{0,64})?(?=[bru]?(?P=close))")
_OPTION = Pattern(r"[\"']\s{0,16},\s{0,64}(?=[\"'])|[ \t]{1,64}(?=[^\s\-])")
_TURTLE = Pattern(r"[ \t]{1,4}(?=\")")
_QUOTE = Pattern(r"[bBrRfFuU]{0,2}(?P<slashes>\\{0,8})(?P<quote>\"\"\"|'''|[\"'`])")
_BARE = Pattern(r"(?:[^\s\"'`&;<>|]|(?<=[^\s\"'`&;<>|])['&](?=[A-Za-z0-9])(?![\w.\-]{1,64}=))+")
_LINE = Pattern(r"[^\r\n]*")
_NOTHING = Pattern(r"\*{3,}|none|null|nil|undefined", re.IGNORECASE)
_SWITCH = Pattern(r"true|false|yes|no|on|off|[-+]?[0-9][0-9_.]*(?:e[-+]?[0-9]+)?", re.IGNORECASE)
_REFERENCE = Pattern(r"\$\{?[A-Za-z_]\w*\}?|\$\(.*|\{\{.*\}\}|\{\w*\}|<[\w \-]+>|%[A-Za-z_]\w*%|%\(?\w*\)?s|\$\{\{.*", re.DOTALL)
_IDENTIFIER = Pattern(r"[A-Za-z_.:\-]*")
_PLAIN = Pattern(r"[A-Za-z][a-z]*[.,;:!?)]*")
_HEADERS = ("authorization", "cookie")
_SCHEMES = ("basic", "bearer", "token", "digest", "apikey", "negotiate")
_CLOSING = {quote: Pattern(rf"[^{quote}\\]*(?:\\.[^{quote}\\]*)*", re.DOTALL) for quote in "\"'`"}  # up to a quote that is not escaped
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_LONGEST_LINE = 4096  # characters of a line that is looked at behind a name
_LONGEST_LIST = 1024  # characters of a list under a secret's name
_QUOTED = Pattern(r"(\\{0,8}[\"'])(.*?)\1", re.DOTALL)


def places(text: str, *, is_code: bool = False) -> Iterator[Place]:
    """Return the kind and place of each value in *text* whose name makes it a secret.

    Args:
        text: Any text.
        is_code: Count literals only, and none that is an example: in code most values are names.
    """
    done = 0
    for start, end, named in _names(text):
        if start < done:  # within a secret already
            continue
        for first, last in _values(text, start, end, named):
            if first < last and (not is_code or _is_literal(text, first, last, named)):
                yield KIND, first, last
                done = max(done, last)


def _names(text: str) -> Iterator[tuple[int, int, Level]]:
    """Find the names of secrets in *text*, in order, each once."""
    lower = text.lower() if text.isascii() else text.translate(_LOWER)
    hints = sorted({place for hint in HINTS for place in _all(lower, hint)})
    behind = -1
    for place in hints:
        if place < behind:
            continue
        after = _NAME_AFTER.match(text, place)
        start, behind = _beginning(text, place), after.end() if after else place
        name = text[start:behind]
        if named := level(name):
            yield start + len(name) - len(name.lstrip(".-")), behind - len(name) + len(name.rstrip(".-")), named


def _beginning(text: str, place: int) -> int:
    """Find where the name around *place* begins."""
    start = place
    while start and place - start < LONGEST and (text[start - 1] in _NAME_LETTERS or text[start - 1].isalnum()):
        start -= 1
    return start


def _all(text: str, part: str) -> Iterator[int]:
    place = text.find(part)
    while place >= 0:
        yield place
        place = text.find(part, place + len(part))


def _values(text: str, start: int, end: int, named: Level) -> Iterator[tuple[int, int]]:
    """Find what is given to the name that stands from *start* to *end*."""
    is_option = text[start - 1 : start] == "-"
    quote = text[start - 1 : start] if text[start - 1 : start] in ("'", '"', "`") else ""
    if found := _below(text, start, end):
        yield from (span for span in _element(text, start, found) if not _keeps(text[slice(*span)], named))
    elif found := _SEPARATOR.match(text, end):
        if not ("\n" in found["space"] + found["gap"] and not found["close"]):
            yield from _given(text, start, found.end(), found[0], named, quote if not found["close"] else "")
    elif quote and (found := _PAIR.match(text, end)):  # a name in a list stands beside other names more often than beside its value
        yield from (span for span in _quoted(text, found.end()) if not _IDENTIFIER.fullmatch(text, *span) and text[span[0]] not in "- ")
    elif (found := _SPACED.match(text, end)) and _SETS.search(text[max(0, start - 16) : start]):  # set NAME VALUE
        yield found.span(1)
    elif text[start - 1 : start] == ":" and (found := _TURTLE.match(text, end)):  # a property and its value in Turtle
        yield from _quoted(text, found.end())
    elif is_option and (found := _OPTION.match(text, end)):
        spans = _quoted(text, found.end()) or [_bare(text, found.end())]
        yield from (span for span in spans if not _PLAIN.fullmatch(text, *span) and not _keeps(text[slice(*span)], named))


def _below(text: str, start: int, end: int) -> re.Match[str] | None:
    """Match what XML and YAML have between a name and its value; the letter behind the name tells whether to look."""
    follows = text[end : end + 1]
    if follows == ":":
        return _BLOCK.match(text, end)
    if follows in ("'", '"', "<"):
        return _XML_VALUE.match(text, end)
    return _ELEMENT.match(text, end) if text[start - 1 : start] in ("<", ":") else None


def _element(text: str, start: int, found: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Find the value in an attribute or element of XML, or on the line below a name in YAML."""
    if found.re.groups == 0:
        yield from _quoted(text, found.end()) or [(found.end(), _end_of_text(text, found.end()))]
    elif found[0].lstrip()[:1] == ":" or text[start - 1 : start] in ("<", ":"):
        yield found.span(1)


def _end_of_text(text: str, at: int) -> int:
    end = text.find("<", at, at + _LONGEST_LINE)
    return end if end >= 0 else at


def _given(text: str, start: int, at: int, between: str, named: Level, inside: str) -> Iterator[tuple[int, int]]:
    """Find the value that begins at *at*; *inside* is the quote that the name stands behind."""
    if spans := _quoted(text, at):
        yield from (span for span in spans if not _REFERENCE.fullmatch(text, *span) and not _NOTHING.fullmatch(text, *span))
    elif text[at : at + 1] in _BRACKETS and not text.startswith("{{", at):
        yield from _listed(text, at)
    elif not text.startswith("//", at):
        first, last = _unquoted(text, start, at, between, inside)
        value = text[first:last]
        is_folder = value[:1] in "/~." and text[start:first].lower().startswith("pwd")
        if value and not is_folder and not _keeps(value, named):
            yield first, last


def _keeps(value: str, named: Level) -> bool:
    """Say whether a value without quotes is no secret: nothing, a reference, or a number under a name of tokens."""
    is_switch = named is Level.TEXT and _SWITCH.fullmatch(value)
    return bool(is_switch or _NOTHING.fullmatch(value) or _REFERENCE.fullmatch(value))


def _quoted(text: str, at: int) -> list[tuple[int, int]]:
    """Find the text between quotes that begins at *at*, escaped quotes too."""
    found = _QUOTE.match(text, at)
    if not found:
        return []
    if found["slashes"] or len(found["quote"]) == 3:
        end = text.find(found["slashes"] + found["quote"], found.end())
    else:
        end = _end(found["quote"], text, found.end())
    if end < 0:
        line = _LINE.match(text, found.end(), found.end() + _LONGEST_LINE)
        end = line.end() if line else len(text)
    return [(found.end(), end)]


def _end(quote: str, text: str, at: int) -> int:
    found = _CLOSING[quote].match(text, at)
    return found.end() if found and found.end() < len(text) else -1


def _listed(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Find the texts in the list or mapping that begins at *at*."""
    close = _BRACKETS[text[at]]
    end = text.find(close, at, at + _LONGEST_LIST)
    end = end if end >= 0 else min(len(text), at + _LONGEST_LIST)
    yield from (found.span(2) for found in _QUOTED.finditer(text, at, end + 1) if text[found.end() : found.end() + 1] != ":")


def _bare(text: str, at: int) -> tuple[int, int]:
    found = _BARE.match(text, at)
    end = found.end() if found else at
    while end > at + 1 and text[end - 1] in ",.)]}":
        end -= 1
    return at, end


def _unquoted(text: str, start: int, at: int, between: str, inside: str) -> tuple[int, int]:
    """Find the end of a value without quotes: of the word, or of the line where it is a header."""
    line = _LINE.match(text, at, at + _LONGEST_LINE)
    end = line.end() if line else at
    if inside and (closing := text.find(inside, at, end)) >= 0:
        return at, closing
    first, last = _bare(text, at)
    is_spaced = ":" in between and between.rstrip() != between
    is_plain = bool(is_spaced and _PLAIN.fullmatch(text, first, last) and text[last:end].strip(" .,;)!?\"'"))
    name = text[start:at].lower()
    if ":" in between and any(header in name for header in _HEADERS):
        is_header = not is_plain or "=" in text[at:end] or text[at:last].lower() in _SCHEMES
        return (at, _before_quote(text, at, end)) if is_header else (at, at)
    is_verdict = text[start:at].startswith("PASS:")  # of a test
    return (first, first) if is_plain or is_verdict else (first, last)


def _before_quote(text: str, at: int, end: int) -> int:
    places = [place for quote in "\"'`" if (place := text.find(quote, at, end)) >= 0]
    return min(places, default=end)


# --- in code

_EXAMPLE = Pattern(
    r"(?:your|my|some|the|an?|test|fake|dummy|example|sample|insert|replace|change|put|enter|xxx|foo|bar|none|null|empty|basic|bearer|string|str)"
    r"(?:[-_ .].*|me|key|token|secret|password)?|x{3,}|\.{3}|\*+|#[0-9a-f]{3,8}",
    re.IGNORECASE,
)
_LONGEST_LITERAL = 512  # characters; what is longer is data
_CONSTANT = Pattern(r"[A-Z][A-Z0-9_]*")
_EXPRESSION = Pattern(r"[\w.]+[(\[].*|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|[a-z_]+,?", re.DOTALL)


_RANDOM = Pattern(r"(?=[A-Za-z0-9]*[0-9][A-Za-z]+[0-9])(?=[A-Za-z0-9]*[a-z])(?=[A-Za-z0-9]*[A-Z])[A-Za-z0-9+]{12,}")


def _has_random(value: str) -> bool:
    """Say whether one of the words of a value is no name: digits between small letters and capitals."""
    return any(_RANDOM.fullmatch(word) for word in re.split(r"[^A-Za-z0-9+]+", value))


def _is_literal(text: str, first: int, last: int, named: Level) -> bool:
    """Say whether a value in code is a secret itself, and not a name, a call, an example or a reference."""
    if last - first > _LONGEST_LITERAL:
        return False
    value = text[first:last]
    is_quoted = text[first - 1 : first] in ("'", '"', "`")
    if len(value) < 4 or _EXAMPLE.fullmatch(value) or _REFERENCE.fullmatch(value) or (level(value) and value.replace("_", "").isalpha()):
        return False
    if (
        any(letter in value for letter in "{}<>$\n\t")
        or (" " in value and not _has_random(value))
        or (_CONSTANT.fullmatch(value) and not any(letter.isdigit() for letter in value))
    ):
        return False
    has_digit = any(letter.isdigit() for letter in value)
    if _has_random(value):
        return True
    if is_quoted:
        is_mixed = value.lower() != value and value.upper() != value
        return named is Level.ALL or has_digit or is_mixed or len(value) >= 16
    return has_digit and len(value) >= 8 and not _EXPRESSION.fullmatch(value)
