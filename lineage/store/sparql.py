"""What a query may say, and how parameters get into it.

Everything here works on tokens (SPARQL 1.1 Query, 19.8), so that a word in a string, a comment or an IRI is not taken for a keyword.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Literal as OneOf

from pyoxigraph import Literal, NamedNode, QueryBoolean, QuerySolutions, Store

from lineage.errors import ForbiddenError, LineageError, UsageError
from lineage.store.terms import PREFIXES, rendered

Form = OneOf["select", "ask", "graph"]
Bindings = Mapping[str, Sequence[NamedNode | Literal]]  # a parameter and the terms that it may be


@dataclass(frozen=True, slots=True)
class Dataset:
    """The graphs that a query is about, named outside of it; they take the place of its own FROM (SPARQL 1.1 Protocol, 2.1.4)."""

    default: NamedNode | None = None  # None: the default graph is empty
    named: tuple[NamedNode, ...] = ()


_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n\r]*)
    | (?P<iri><(?:[^\x00-\x20<>"{}|^`\\]|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})*>)
    | (?P<string>\"\"\"(?:\"{0,2}(?:[^"\\]|\\.))*\"\"\" | '''(?:'{0,2}(?:[^'\\]|\\.))*''' | "(?:[^"\\\n\r]|\\.)*" | '(?:[^'\\\n\r]|\\.)*')
    | (?P<variable>[?$]\w+)
    | (?P<tag>@[A-Za-z]+(?:-[A-Za-z0-9]+)*)
    | (?P<prefixed>(?:[^\W\d_][\w.-]{0,100})?:(?:[\w:](?:[\w.:-]*[\w:-])?)?)
    | (?P<word>[A-Za-z_]+)
    | (?P<escape>\\.)
    | (?P<space>\s+)
    | (?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_CODEPOINT = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
_UPDATES = frozenset(["INSERT", "DELETE", "LOAD", "CLEAR", "CREATE", "DROP", "COPY", "MOVE", "ADD", "WITH"])
_FORMS: Mapping[str, Form] = {"SELECT": "select", "ASK": "ask", "CONSTRUCT": "graph", "DESCRIBE": "graph"}
OPENING, CLOSING = ("{", "(", "["), ("}", ")", "]")
DEEPEST = 200  # the parser's stack is gone at about 2,000 groups inside each other
LONGEST = 10_000  # tokens; it is gone at about 20,000, in a row of BIND or OPTIONAL
_AT = re.compile(r"error at (\d+):(\d+): (?:expected )?(.*)", re.DOTALL)
_CLASSES = re.compile(r"\[(?:[^\[\]']|'[^']*'|'\]'|'\[')*\]", re.DOTALL)  # what a parser says of letters, which helps nobody


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a query: what it is, its text, and where it ends."""

    kind: str
    text: str
    end: int

    @property
    def word(self) -> str:
        """The keyword that it is, in capitals; empty for all else."""
        return self.text.upper() if self.kind == "word" else ""


def tokens(query: str) -> Iterator[Token]:
    """The tokens of *query* without comments and space; every character is part of one."""
    for found in _TOKEN.finditer(query):
        kind = found.lastgroup or "mark"
        if kind not in ("comment", "space"):
            yield Token(kind, found[0], found.end())


def form(query: str) -> Form:
    """What kind of answer *query* asks for. Raises UsageError for an update, for SERVICE, and for what is no query or too much of one."""
    _no_giant(query)
    _no_service(query)
    for token in tokens(query):
        if token.word in _UPDATES:
            raise ForbiddenError(
                f"{token.word} would change the graph", at="query", hint="lineage query only reads; change the artifacts and ask again"
            )
        if token.word in _FORMS:
            return _FORMS[token.word]
    raise UsageError(
        "this is no SPARQL query", at="query", hint="begin with SELECT, ASK, CONSTRUCT or DESCRIBE: SELECT * { ?s ?p ?o } LIMIT 10"
    )


def _no_giant(query: str) -> None:
    """Refuse what would overflow the stack of the engine's parser, which would end the process that asks."""
    if any(0xD800 <= ord(letter) < 0xE000 for letter in query):
        raise UsageError("the query is no UTF-8", at="query", hint="write it in UTF-8")
    depth = deepest = count = 0
    for count, token in enumerate(tokens(query), 1):  # noqa: B007  # how many there are is asked for below
        depth += (token.text in OPENING) - (token.text in CLOSING) if token.kind == "mark" else 0
        deepest = max(deepest, depth)
    if deepest > DEEPEST or count > LONGEST:
        raise UsageError(
            f"{count} words and signs, {deepest} deep, are too much for a query", at="query",
            hint=f"keep it under {LONGEST} and {DEEPEST} deep; --param binds many values to a variable",
        )  # fmt: skip


def _no_service(query: str) -> None:
    """Refuse SERVICE (SPARQL 1.1 Federated Query), which would open a connection.

    The engine's parser needs no space around a keyword and resolves codepoint escapes (SPARQL 1.1 Query, 19.2), so the letters
    alone are refused, wherever they are not part of a string, a comment, an IRI, a variable or a language. The engine takes some `<` for
    less-than where the grammar has an IRI, so this is for the message: what holds is that a query runs in a process that can open nothing.
    """
    for text in (query, _CODEPOINT.sub(_letter, query)):
        for token in tokens(text):
            if token.kind in ("prefixed", "word") and "service" in token.text.lower():
                raise _federation(f"{token.text[:60]}: ")


def _federation(said: str = "") -> ForbiddenError:
    hint = "ask the other endpoint with --endpoint; a name with a prefix that has these letters can be written as <IRI>"
    return ForbiddenError(f"{said}SERVICE (federation) is off: a query opens no connection", at="query", hint=hint)


def failed(query: str, error: Exception) -> LineageError:
    """What ended a query that runs in a sealed process: most likely a SERVICE, where it has these letters."""
    if "service" in _CODEPOINT.sub(_letter, query).lower():
        return _federation()
    return LineageError(f"the query failed: {error}", at="query")


def _letter(found: re.Match[str]) -> str:
    code = int(found[1] or found[2], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def checked(query: str) -> tuple[Form, tuple[str, ...]]:
    """The form of *query* and the variables it selects, read by the engine's own parser. Raises UsageError that says where it is wrong.

    The engine answers an ASK at once, on an empty graph: what is not ours is checked in a sealed child (`embedded.check`).
    """
    form(query)
    try:
        found = Store().query(query, prefixes=dict(PREFIXES))
    except SyntaxError as error:
        raise _wrong(query, str(error)) from error
    except (RuntimeError, OSError) as error:
        raise failed(query, error) from error
    if isinstance(found, QuerySolutions):
        return "select", tuple(variable.value for variable in found.variables)
    return ("ask" if isinstance(found, QueryBoolean) else "graph"), ()


def has_dataset(query: str) -> bool:
    """Does *query* say itself which graphs it is about (SPARQL 1.1 Query, 13.2)?"""
    return any(token.word == "FROM" for token in tokens(query))


def _wrong(query: str, message: str) -> UsageError:
    found = _AT.match(message)
    if not found:
        return UsageError(message, at="query", hint="see https://www.w3.org/TR/sparql11-query/")
    line, column, expected = int(found[1]), int(found[2]), found[3]
    shown = [*query.splitlines(), ""][min(line - 1, len(query.splitlines()))]
    said, hint = _reason(expected)
    return UsageError(f"{said}\n    {shown}\n    {' ' * (column - 1)}^", at=f"query:{line}:{column}", hint=hint)


def _reason(expected: str) -> tuple[str, str]:
    """What the parser says, without its classes of letters, and what to do."""
    if "Prefix not found" in expected:
        return "a prefix that is not declared", f"write PREFIX, or use one that is known: {', '.join(sorted(PREFIXES))}"
    if "contains a variable that is unbound" in expected:
        return "SELECT names a variable that is neither grouped nor counted", "name it in GROUP BY, or put it in COUNT, SUM, MIN, SAMPLE …"
    wanted = _CLASSES.sub("", expected.removeprefix("one of "))
    listed = [one for one in re.split(r",\s+", wanted) if one.strip() and "|" not in one]
    return (
        f"SPARQL does not go on like this{': expected ' + ', '.join(dict.fromkeys(listed)) if listed else ''}",
        "see https://www.w3.org/TR/sparql11-query/",
    )


def bound(query: str, bindings: Bindings) -> str:
    """*query* with each parameter bound to its terms.

    A `VALUES` block (SPARQL 1.1 Query, 10.2) is put at the beginning of the outermost group, and of every group inside that names
    the variable: so the parameter holds in sub-queries, `OPTIONAL`, `UNION` and `EXISTS` too. The terms are written by the engine's
    own serialiser and stand where the grammar has a term; no text of a user's becomes part of the query.

    Raises:
        UsageError: the query has no such variable, or no group to bind it in.
    """
    if not bindings:
        return query
    groups = _Groups(query)
    for name in bindings:
        if name not in groups.variables:
            close = difflib.get_close_matches(name, groups.variables, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(sorted(groups.variables)) or 'none'}"
            raise UsageError(f"the query has no variable ?{name[:60]}", at="--param", hint=hint)
    blocks = {name: _block(name, terms) for name, terms in bindings.items()}
    if groups.is_short:
        return f"{query}\n{_table(bindings)}"
    if not groups.found:  # DESCRIBE ?x
        return f"{query}\n{{ {' '.join(blocks.values())} }}"
    return _inserted(query, groups, blocks)


def _block(name: str, terms: Sequence[NamedNode | Literal]) -> str:
    return f"VALUES ?{name} {{ {' '.join(rendered(term) for term in terms)} }}"


def _table(bindings: Bindings) -> str:
    """All parameters in one block, as the end of a query takes (SPARQL 1.1 Query, 19.8, rule 28)."""
    rows = " ".join(f"({' '.join(map(rendered, row))})" for row in product(*bindings.values()))
    return f"VALUES ({' '.join(f'?{name}' for name in bindings)}) {{ {rows} }}"


def _inserted(query: str, groups: _Groups, blocks: Mapping[str, str]) -> str:
    parts, last = [], 0
    for group in sorted(groups.found, key=lambda one: one.start):
        wanted = [block for name, block in blocks.items() if group.is_outermost or name in group.names]
        parts += [query[last : group.start], " ", " ".join(wanted), " "] if wanted else [query[last : group.start]]
        last = group.start
    return "".join([*parts, query[last:]])


@dataclass(slots=True)
class _Group:
    """A group graph pattern: where its content begins, and the variables in it."""

    start: int
    takes: bool  # False: a block of data, a template, or the braces around a sub-query, which hold no VALUES
    is_outermost: bool
    names: set[str] = field(default_factory=set)


class _Groups:
    """The groups of a query in which a variable can be bound."""

    def __init__(self, query: str) -> None:
        self.found: list[_Group] = []
        self.variables: set[str] = set()
        self.is_short = False  # CONSTRUCT WHERE { … }, whose braces are a template (SPARQL 1.1 Query, 16.2.4)
        self._open: list[_Group] = []
        self._before = self._last = ""  # the keyword that says what the next brace is; the last token
        for token in tokens(query):
            self._take(token)

    def _take(self, token: Token) -> None:
        if token.kind == "variable":
            self.variables.add(token.text[1:])
            for group in self._open:
                group.names.add(token.text[1:])
        elif token.text == "{" and token.kind == "mark":
            self._begin(token)
        elif token.text == "}" and token.kind == "mark" and self._open:
            self._end()
        elif token.word in ("VALUES", "CONSTRUCT"):
            self._before = token.word
        elif token.word == "WHERE" and self._before == "CONSTRUCT":
            self.is_short = True
        elif token.word == "SELECT" and self._last == "{" and self._open:
            self._open[-1].takes = False
        self._last = token.text

    def _begin(self, token: Token) -> None:
        outermost = not any(group.takes for group in self._open)
        self._open.append(_Group(token.end, not self._before, outermost))
        self._before = ""

    def _end(self) -> None:
        group = self._open.pop()
        if group.takes:
            self.found.append(group)


def declared(query: str) -> str:
    """*query* with the known prefixes that it uses and does not declare in front, on its first line: for an engine that does not know them."""
    seen = list(tokens(query))
    own = {after.text for token, after in pairwise(seen) if token.word == "PREFIX"}
    used = {token.text.partition(":")[0] for token in seen if token.kind == "prefixed"}
    missing = sorted(prefix for prefix in used if prefix in PREFIXES and f"{prefix}:" not in own)
    return "".join(f"PREFIX {prefix}: <{PREFIXES[prefix]}> " for prefix in missing) + query
