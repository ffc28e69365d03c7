"""PROV-JSON (W3C submission of 2013-04-24): written in sections, read strictly.

The format groups statements by kind, and puts all that share an identifier under one key. So plain statements are held until the
end, while the rows of a batch, which promises distinct identifiers, stream through one temporary file a section.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from itertools import count
from typing import IO, Any, BinaryIO

import orjson

from lineage.contract.strict import loads
from lineage.core import limits
from lineage.errors import FormatError
from lineage.formats.batches import Rows, Template, chunks, free_marker
from lineage.prov.document import Bundle, Document, Prefixes, Statements
from lineage.prov.statement import Arg, Batch, Literal, Name, Statement, Value, literal, statement, tagged
from lineage.prov.terms import BY_NAME, PROV, TERMS, TIMES, XSD, Term

QNAME = "xsd:QName"  # the type by which the submission says that a value is a name
_COPY = 1 << 20  # bytes copied at once


def _dumps(value: object) -> str:
    return orjson.dumps(value).decode()


def _quoted(text: str) -> str:
    """*text* inside a JSON string; a lone surrogate, which no UTF-8 holds, as U+FFFD."""
    return _dumps(text.encode("utf-8", "replace").decode())[1:-1]


def write(document: Document, out: BinaryIO) -> None:
    """Write *document*; equal documents in equal order give equal bytes."""
    names = _Names(document.namespaces)
    whole = _Sections(names, document.statements)
    bundles = [(names.short(bundle.id), _Sections(names, bundle.statements)) for bundle in document.bundles]
    prefixes = {prefix: iri for prefix, iri in names.used() if prefix != "xsd"} | {"xsd": XSD}
    out.write(b'{\n"prefix": ' + orjson.dumps(dict(sorted(prefixes.items()))))
    whole.write(out, first=False)
    for n, (name, sections) in enumerate(_joined(bundles)):
        out.write(b',\n"bundle": {\n' if n == 0 else b",\n")
        out.write(f"{_dumps(name)}: {{".encode())
        sections.write(out, first=True)
        out.write(b"\n}")
    out.write(b"\n}" if bundles else b"")
    out.write(b"\n}\n")


def _joined(bundles: list[tuple[str, _Sections]]) -> list[tuple[str, _Sections]]:
    if len({name for name, _ in bundles}) < len(bundles):
        raise FormatError("two bundles have one name", hint="PROV-CONSTRAINTS wants their names distinct")
    return bundles


class _Names:
    """Every name as `prefix:local`; an IRI under no declared namespace gets a prefix `ns1`, `ns2`, …"""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self._prefixes = Prefixes({key: iri for key, iri in namespaces.items() if key not in ("", "default")})
        self._count = count(1)

    def short(self, name: Name) -> str:
        split = self._prefixes.split(name)
        if split is None or not split[1]:
            cut = max(name.rfind(mark, 0, -1) for mark in "#/:") + 1
            free = next(prefix for n in self._count if (prefix := f"ns{n}") not in self._prefixes.namespaces)
            self._prefixes = Prefixes({**self._prefixes.namespaces, free: name[:cut]})
            split = (free, name[cut:])
        return f"{split[0]}:{split[1]}"

    def used(self) -> list[tuple[str, str]]:
        return [(prefix, str(iri)) for prefix, iri in self._prefixes.namespaces.items()]


class _Sections:
    """The statements of a document or bundle, by kind."""

    def __init__(self, names: _Names, statements: Statements) -> None:
        self._names, self._anonymous = names, count(1)
        self._plain: dict[Term, dict[str, list[str]]] = {}
        self._streams: dict[Term, IO[bytes]] = {}
        for one in statements:
            if isinstance(one, Batch):
                self._batch(one)
            else:
                key = names.short(one.id) if one.id is not None else f"_:id{next(self._anonymous)}"
                self._plain.setdefault(one.term, {}).setdefault(key, []).append(self._body(one))

    def _batch(self, batch: Batch) -> None:
        """The rows are read once; each statement of the template writes to the stream of its section."""
        written = [(self._stream(one.term), self._template(one, batch)) for one in batch.template]
        for number, chunk in chunks(batch.rows):
            rows = Rows(batch.holes, chunk, number, _quoted)
            for stream, template in written:
                stream.write(template.text(rows))

    def _stream(self, term: Term) -> IO[bytes]:
        if term not in self._streams:
            self._streams[term] = tempfile.TemporaryFile()  # noqa: SIM115  # closed when it has been copied
        return self._streams[term]

    def _template(self, one: Statement, batch: Batch) -> Template:
        body = self._body(one)
        marker = free_marker(body)
        key = self._names.short(one.id) if one.id is not None else f"_:id{next(self._anonymous)}r{marker}"
        return Template(f",\n{_dumps(key)}: {body}", batch, _quoted, marker)

    def _body(self, one: Statement) -> str:
        body: dict[str, Any] = {}
        for name, value in zip(one.term.args, one.args, strict=True):
            if value is not None:
                body[f"prov:{name}"] = self._names.short(value) if isinstance(value, Name) else str(value)
        for attribute, said in one.attributes:
            body.setdefault(self._names.short(attribute), []).append(self._value(said))
        return _dumps({key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in body.items()})

    def _value(self, value: Value) -> object:
        if isinstance(value, Name):
            return {"$": self._names.short(value), "type": QNAME}
        text = value.lexical.encode("utf-8", "replace").decode()
        if value.language:
            return {"$": text, "lang": value.language}
        return text if value.datatype == XSD + "string" else {"$": text, "type": self._names.short(Name(value.datatype))}

    def write(self, out: BinaryIO, *, first: bool) -> None:
        for term in TERMS:
            if term in self._plain or term in self._streams:
                out.write(f'{"" if first else ","}\n"{term.name}": {{'.encode())
                first = False
                entries = (f"\n{_dumps(key)}: {_one_or_all(bodies)}" for key, bodies in self._plain.get(term, {}).items())
                self._entries(out, term, ",".join(entries))
                out.write(b"\n}")

    def _entries(self, out: BinaryIO, term: Term, plain: str) -> None:
        out.write(plain.encode())
        stream = self._streams.pop(term, None)
        if stream:
            with stream:
                stream.seek(0 if plain else 1)  # each streamed entry begins with the comma after the one before
                while part := stream.read(_COPY):
                    out.write(part)


def _one_or_all(bodies: list[str]) -> str:
    return bodies[0] if len(bodies) == 1 else f"[{', '.join(bodies)}]"


# --- reading


def read(data: BinaryIO) -> Document:
    """Read a document. Raises FormatError, with the path to it, for what is no PROV-JSON."""
    content = data.read(limits.JSON + 1)
    if len(content) > limits.JSON:
        raise FormatError(f"larger than {limits.JSON} bytes", hint="write it as TriG or N-Quads")
    value, problems = loads(content)
    if problems or not isinstance(value, dict):
        raise FormatError(": ".join(problems[0]) if problems else "expected a JSON object", hint="is this PROV-JSON?")
    scope = _Scope(_object(value.get("prefix", {}), "prefix"))
    bundles = tuple(_bundle(scope, key, body) for key, body in _object(value.get("bundle", {}), "bundle").items())
    namespaces = {key: iri for key, iri in scope.prefixes.items() if key not in ("prov", "xsd", "default")}
    return Document(namespaces, tuple(_statements(scope, value, "")), bundles)


class _Scope:
    """The prefixes that are in force."""

    def __init__(self, declared: Mapping[str, Any], outer: Mapping[str, str] | None = None) -> None:
        for key, iri in declared.items():
            if not isinstance(iri, str):
                raise FormatError("expected an IRI", at=f"prefix.{key}")
        self.prefixes: dict[str, str] = {"prov": PROV, "xsd": XSD, **(outer or {}), **declared}

    def name(self, text: object, at: str) -> Name:
        if not isinstance(text, str):
            raise FormatError(f"expected a name, got {text!r:.40}", at=at)
        prefix, colon, local = text.partition(":")
        if not colon:
            prefix, local = "default", text
        if prefix not in self.prefixes:
            raise FormatError(f"the prefix {prefix!r:.40} is not declared", at=at, hint='declare it under "prefix"')
        return Name(self.prefixes[prefix] + local)


def _object(value: object, at: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FormatError("expected an object", at=at)
    return value


def _bundle(outer: _Scope, key: str, body: object) -> Bundle:
    inside = _object(body, f"bundle.{key}")
    scope = _Scope(_object(inside.get("prefix", {}), f"bundle.{key}.prefix"), outer.prefixes)
    if "bundle" in inside:
        raise FormatError("a bundle cannot hold a bundle", at=f"bundle.{key}")
    return Bundle(scope.name(key, f"bundle.{key}"), tuple(_statements(scope, inside, f"bundle.{key}.")))


def _statements(scope: _Scope, body: Mapping[str, Any], at: str) -> Iterator[Statement]:
    for kind, entries in body.items():
        if kind in ("prefix", "bundle"):
            continue
        if kind not in BY_NAME:
            raise FormatError("not a kind of PROV statement", at=f"{at}{kind}", hint=f"one of {', '.join(BY_NAME)}")
        for key, found in _object(entries, f"{at}{kind}").items():
            for one in found if isinstance(found, list) else [found]:
                yield from _statement(scope, BY_NAME[kind], key, _object(one, f"{at}{kind}.{key}"), f"{at}{kind}.{key}")


def _statement(scope: _Scope, term: Term, key: str, body: Mapping[str, Any], at: str) -> Iterator[Statement]:
    id_ = None if key.startswith("_:") else scope.name(key, at)
    attributes = [
        (scope.name(name, at), _value(scope, value, f"{at}.{name}"))
        for name, values in body.items()
        if name.removeprefix("prov:") not in term.args or not name.startswith("prov:")
        for value in (values if isinstance(values, list) else [values])
    ]
    args = [_arguments(scope, name, body.get(f"prov:{name}"), at) for name in term.args]
    for last in args[1] if term.name == "hadMember" else [None]:  # the submission lets one membership name many members
        chosen = [arg[0] for arg in args] if last is None else [args[0][0], last]
        yield statement(term, id_, *chosen, attributes=attributes)


def _arguments(scope: _Scope, name: str, value: object, at: str) -> list[Arg]:
    values = value if isinstance(value, list) else [value]
    if len(values) != 1 and name != "entity":
        raise FormatError("expected one value", at=f"{at}.prov:{name}")
    return [None if one is None else str(one) if name in TIMES else scope.name(one, f"{at}.prov:{name}") for one in values]


def _value(scope: _Scope, value: object, at: str) -> Value:
    if isinstance(value, str | bool | int | float):
        return literal(value)
    body = _object(value, at)
    text = body.get("$")
    if not isinstance(text, str | bool | int | float):
        raise FormatError('expected a value under "$"', at=at)
    lexical = text if isinstance(text, str) else literal(text).lexical
    if isinstance(body.get("lang"), str):
        return tagged(lexical, body["lang"])
    type_ = body.get("type", "xsd:string")
    if type_ in (QNAME, "prov:QUALIFIED_NAME"):
        return scope.name(lexical, at)
    return Literal(lexical, str(scope.name(type_, at)))
