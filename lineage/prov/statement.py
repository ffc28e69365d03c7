"""What PROV says, one statement at a time.

    Name        an IRI; formats shorten it with the document's prefixes
    Literal     a lexical form with its datatype or language
    Statement   a row of `terms.TERMS`, an identifier, arguments and attributes
    Batch       many statements that differ in a few places only, so that a format renders the rest once

All are immutable and compare by value. `Statement`s are made by `statement`, which checks and normalises.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal as OneOf
from typing import NamedTuple
from urllib.parse import quote

from lineage.errors import FormatError
from lineage.prov.terms import PROV, RDF, TERMS, TIMES, XSD, Term

# What may stand in a name besides `%hh`: what RFC 3987 allows in an IRI (the brackets of an IPv6 host aside) and PROV-N and Turtle
# allow in a local name (SPARQL's PN_CHARS_BASE). All else is percent-encoded.
LETTERS = (
    "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\uffef"
    + "".join(f"{chr(plane << 16)}-{chr((plane << 16) + 0xFFFD)}" for plane in range(1, 14))
)
_SAFE = rf"A-Za-z0-9\-._~:/?@!$&'()*+,;={LETTERS}"
_UNSAFE = re.compile(rf"[^#%{_SAFE}]|%(?![0-9A-Fa-f]{{2}})")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_AS_IT_IS = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*:[{_SAFE}]*(?:#[{_SAFE}]*)?")  # most names: nothing to encode
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
# XML Schema 1.1, 3.3.7, save that February has 31 days here.
_DATETIME = re.compile(
    r"-?(?:[1-9]\d{3,}|0\d{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"T(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?|24:00:00(?:\.0+)?)"
    r"(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))?",
    re.ASCII,
)


def _percent(match: re.Match[str]) -> str:
    return quote(match[0], safe="", errors="surrogatepass")


class Name(str):
    """An absolute IRI. What RFC 3987 does not allow in one is percent-encoded when the name is made, so it is safe in every format.

    Raises:
        FormatError: it does not begin with a scheme.
    """

    __slots__ = ()

    def __new__(cls, iri: str) -> Name:
        if type(iri) is Name:
            return iri
        if _AS_IT_IS.fullmatch(iri):
            return super().__new__(cls, iri)
        if not _SCHEME.match(iri):
            raise FormatError(f"{iri[:80]!r} is no absolute IRI", hint="declare a prefix for it")
        safe = _UNSAFE.sub(_percent, iri)
        head, hash_, fragment = safe.partition("#")
        return super().__new__(cls, f"{head}{hash_}{fragment.replace('#', '%23')}")

    def __repr__(self) -> str:
        return f"<{self!s}>"


class Namespace(str):
    """An IRI that names begin with: `LIN = Namespace("https://…#")`, then `LIN["Session"]` is a `Name`."""

    __slots__ = ()

    def __getitem__(self, local: str) -> Name:  # type: ignore[override]  # a namespace is asked for names, never for letters
        return Name(str(self) + local)


class Literal(NamedTuple):
    """A value as it is written, and its datatype (an IRI); a language tag makes the datatype `rdf:langString`."""

    lexical: str
    datatype: str = XSD + "string"
    language: str | None = None


Value = Name | Literal
Arg = Name | str | None  # a plain str is a time, as xsd:dateTime writes it


def literal(value: str | bool | int | float | datetime | date, language: str | None = None) -> Literal:
    """*value* with the datatype of its Python type: xsd:string, boolean, integer, double, dateTime or date."""
    match value:
        case bool():
            return Literal("true" if value else "false", XSD + "boolean")
        case int():
            return Literal(str(value), XSD + "integer")
        case float():
            return Literal(_double(value), XSD + "double")
        case datetime():
            return Literal(value.isoformat(), XSD + "dateTime")
        case date():
            return Literal(value.isoformat(), XSD + "date")
    return tagged(value, language) if language else Literal(value)


def tagged(value: str, language: str) -> Literal:
    """A string in a language. Raises FormatError when *language* is no BCP 47 tag."""
    if not _LANGUAGE.fullmatch(language):
        raise FormatError(f"{language[:40]!r} is no language tag", hint="write it as BCP 47 does: en, de-CH")
    return Literal(value, RDF + "langString", language.lower())


def well_formed(text: str) -> str:
    """*text* with each lone surrogate, which no UTF-8 holds, as U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _double(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return repr(value) if math.isfinite(value) else ("INF" if value > 0 else "-INF")


class Statement(NamedTuple):
    """One PROV statement: `args` in the order of `term.args`, `attributes` sorted and without repetition."""

    term: Term
    id: Name | None
    args: tuple[Arg, ...]
    attributes: tuple[tuple[Name, Value], ...] = ()


def statement(term: Term, id: Name | None, *args: Arg, attributes: Iterable[tuple[Name, Value]] = ()) -> Statement:
    """A checked statement; trailing arguments may be left out.

    Raises:
        FormatError: too many arguments, a required one missing (PROV-DM 5), an element without identifier, a time
            that is not xsd:dateTime, a language that is no tag, or an attribute called like an argument.
    """
    full = (*args, *(None,) * (len(term.args) - len(args)))
    problem = _problem(term, id, full)
    if problem:
        raise FormatError(problem, at=f"{term.name}({id or ''})")
    about = sorted({(name, _sound(value)) for name, value in attributes}, key=_order)
    for name, _ in about:
        if name in _FORMAL[term]:
            raise FormatError(f"{name} is an argument, not an attribute", at=f"{term.name}({id or ''})")
    return Statement(term, id, full, tuple(about))


_FORMAL = {term: frozenset(PROV + name for name in term.args) for term in TERMS}


def _problem(term: Term, id: Name | None, args: tuple[Arg, ...]) -> str | None:
    if len(args) != len(term.args):
        return f"takes {len(term.args)} arguments, got {len(args)}"
    if term.is_element and id is None:
        return "an element needs an identifier"
    if None in args[: term.required]:
        return f"needs {', '.join(term.args[: term.required])}"
    for name, value in zip(term.args, args, strict=True):
        if value is not None and (name in TIMES) == isinstance(value, Name):
            return f"{name} must be a {'time' if name in TIMES else 'name'}, got {value!r}"
        if name in TIMES and value is not None and not isinstance(value, Marker) and not _DATETIME.fullmatch(value):
            return f"{name} is not an xsd:dateTime: {value!r}"
    return None


def _sound(value: Value) -> Value:
    """*value* as every format can hold it: its text well-formed and its language a tag."""
    if isinstance(value, Name):
        return value
    if not value.lexical.isascii():
        value = value._replace(lexical=well_formed(value.lexical))
    if value.language is not None:
        return tagged(value.lexical, value.language)
    if value.datatype == RDF + "langString":
        raise FormatError("a string in a language needs the language", at=value.lexical[:40])
    return value


def _order(attribute: tuple[Name, Value]) -> tuple[str, bool, tuple[str, ...]]:
    name, value = attribute
    return (name, False, (value,)) if isinstance(value, Name) else (name, True, tuple(part or "" for part in value))


class Marker(str):
    """The text of a hole in a template. As an argument it stands for a time that each row brings."""

    __slots__ = ()


HoleKind = OneOf["name", "number", "time", "text"]

# What a row may put into a hole of each kind. A "text" is escaped by the format; the others need no escape in any format, and a
# "name" may stand anywhere in a local name, also at its beginning and end.
PLAIN: dict[HoleKind, re.Pattern[str]] = {
    "name": re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"),
    "number": re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[Ee][+-]?[0-9]+)?"),
    "time": _DATETIME,
}
_MARKER = re.compile(r"[A-Za-z][A-Za-z0-9]*")


@dataclass(frozen=True, slots=True)
class Hole:
    """A place that each row of a batch fills. `marker` stands there in the template: letters and digits, found nowhere else in it.

    Raises:
        FormatError: the marker is anything else.
    """

    marker: str
    kind: HoleKind

    def __post_init__(self) -> None:
        if not _MARKER.fullmatch(self.marker):
            raise FormatError(f"{self.marker!r} is no marker", hint="letters and digits, beginning with a letter")
        object.__setattr__(self, "marker", Marker(self.marker))


@dataclass(frozen=True, slots=True)
class Batch:
    """`template` once for each row, with the row's values where the markers of `holes` stand.

    A hole of kind "name" may stand in identifiers and literals, a "time" as a time and in literals, "number" and "text" in literals only.
    The rows of one batch never name the same element twice: PROV-JSON is streamed on that promise.
    `rows` is read once for each time the batch is written; a caller who writes twice gives a sequence or a re-iterable.

    Raises:
        FormatError: a hole stands where its kind may not, or its marker is part of another.
    """

    template: tuple[Statement, ...]
    holes: tuple[Hole, ...]
    rows: Iterable[Sequence[str]]

    def __post_init__(self) -> None:
        for hole in self.holes:
            if any(hole.marker in other.marker for other in self.holes if other is not hole):
                raise FormatError(f"the marker {hole.marker!r} is part of another")
        for one in self.template:
            for text, allowed in _places(one):
                for hole in self.holes:
                    if hole.marker in text and hole.kind not in allowed:
                        raise FormatError(f"a hole for a {hole.kind} cannot stand here", at=f"{one.term.name}: {text}")

    def expand(self) -> Iterator[Statement]:
        """The statements themselves, one by one: what every fast path of a format must equal."""
        put = _Put(self.holes)
        for row in self.rows:
            put.values = {hole.marker: check(hole.kind, value) for hole, value in zip(self.holes, row, strict=True)}
            for one in self.template:
                yield put.statement(one)


def _places(one: Statement) -> Iterator[tuple[str, tuple[HoleKind, ...]]]:
    """Every text of a statement, and the kinds of hole that may stand in it."""
    for named in (one.id, *one.args, *(name for name, _ in one.attributes)):
        if named is not None:
            yield named, ("name",) if isinstance(named, Name) else ("time",)
    for _, value in one.attributes:
        if isinstance(value, Name):
            yield value, ("name",)
        else:
            yield value.lexical, ("name", "number", "time", "text")
            yield f"{value.datatype} {value.language}", ()


def check(kind: HoleKind, value: str) -> str:
    """*value*, if a hole of *kind* may hold it. Raises FormatError otherwise."""
    if kind != "text" and not PLAIN[kind].fullmatch(value):
        raise FormatError(f"a hole for a {kind} cannot hold {value!r:.80}")
    return value


class _Put:
    """Fills a template with the values of a row, all at once: what one row brings is never taken for another's marker."""

    def __init__(self, holes: Iterable[Hole]) -> None:
        self._markers = re.compile("|".join(re.escape(hole.marker) for hole in holes) or "(?!)")
        self.values: Mapping[str, str] = {}

    def text(self, text: str) -> str:
        return self._markers.sub(lambda found: self.values[found[0]], text)

    def arg(self, arg: Arg) -> Arg:
        return None if arg is None else Name(self.text(arg)) if isinstance(arg, Name) else self.text(arg)

    def value(self, value: Value) -> Value:
        return Name(self.text(value)) if isinstance(value, Name) else value._replace(lexical=self.text(value.lexical))

    def statement(self, one: Statement) -> Statement:
        attributes = ((Name(self.text(name)), self.value(value)) for name, value in one.attributes)
        id = Name(self.text(one.id)) if one.id is not None else None
        return statement(one.term, id, *map(self.arg, one.args), attributes=attributes)


def expanded(statements: Iterable[Statement | Batch]) -> Iterator[Statement]:
    """*statements* with every batch written out."""
    for one in statements:
        if isinstance(one, Batch):
            yield from one.expand()
        else:
            yield one
