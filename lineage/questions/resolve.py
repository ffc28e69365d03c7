"""What a user gives -> terms of the graph: a path, a digest's beginning, FILE:LINE, a model's name, a session's or commit's beginning.

All is looked up before the question is asked, in queries of their own whose parameters are terms as well. A path that stands for several
files (the same name in other sessions) is all of them, and a note says so.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import Literal, NamedNode

from lineage.capture import files
from lineage.errors import LineageError, NotFoundError, UsageError
from lineage.mapping.names import ID_BASE, Ids
from lineage.prov.statement import Name
from lineage.store.results import Answer
from lineage.store.targets import Target
from lineage.store.terms import PREFIXES, Term, iri, of_kind
from lineage.trace.record import RecordFile

Value = NamedNode | Literal

LARGE = 1 << 30  # bytes; more is not read to find what it is
SHOWN = 5  # of several things that fit, so many are named
KNOWN = "SELECT ?x { ?x ?p ?o } LIMIT 1"
LOCATED = "SELECT DISTINCT ?file ?path { ?file prov:atLocation ?path }"
DIGESTED = "SELECT DISTINCT ?file { ?file lin:sha256 ?digest FILTER(STRSTARTS(?digest, ?start)) }"
SLICES = "SELECT DISTINCT ?slice ?lines { ?file prov:hadMember ?slice . ?slice a lin:Slice ; lin:lines ?lines }"
NAMED = "SELECT DISTINCT ?model ?name { ?load a lin:ModelLoad ; prov:used ?model . ?model lin:model_name ?name }"
# What a load used as its model: the thing itself, a collection that it is part of, or one that has a part that only it was made with.
LOADED = """SELECT DISTINCT ?model { ?load a lin:ModelLoad ; prov:used ?model . ?model a lin:Model .
    { ?model prov:hadMember ?thing } UNION {
      ?thing prov:hadMember ?part . ?model prov:hadMember ?part .
      FILTER NOT EXISTS { ?other prov:hadMember ?part ; prov:wasGeneratedBy ?run FILTER(?other != ?thing) } } }"""
SESSIONS = "SELECT DISTINCT ?session { ?session a lin:Session ; dcterms:identifier ?id FILTER(STRSTARTS(?id, ?start)) }"
COMMITS = """SELECT DISTINCT ?sha { { ?code lin:gitSha ?sha } UNION { ?loader a lin:Loader ; schema:softwareVersion ?sha }
    FILTER(STRSTARTS(?sha, ?start)) }"""

_DIGEST = re.compile(r"[0-9a-f]{6,64}")
_LINE = re.compile(r"(?P<file>.+):(?P<line>[1-9][0-9]{0,17})", re.DOTALL)
_RANGE = re.compile(r"\b([0-9]{1,18})(?:-([0-9]{1,18}))?\b")


@dataclass(frozen=True, slots=True)
class Found:
    """The terms that a value stands for, at least one, and what its user should know of that."""

    terms: tuple[Value, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolver:
    """Looks values up in a graph; *folders* are those that paths in it may be told from. Without *reads_disk* a path is only what was recorded:
    whoever asks over a network is told nothing of the files that are here."""

    target: Target
    folders: Sequence[Path] = ()
    timeout: float | None = None
    reads_disk: bool = True

    def __call__(self, kind: str, value: str) -> Found:
        """The terms for *value*. Raises NotFoundError where nothing fits, and UsageError where it cannot be meant."""
        return _KINDS[kind](self, value) if kind in _KINDS else Found((of_kind(kind, value),))

    def file(self, value: str) -> Found:
        """A file or folder."""
        found = self._as_thing(value)
        if found:
            return found
        if (split := _LINE.fullmatch(value)) and self._as_thing(split["file"]):
            raise UsageError(
                "the question is about a file, not one of its lines", at=value, hint=f"say {split['file']}, or ask lineage why {value}"
            )
        raise self._no_file(value)

    def record(self, value: str) -> Found:
        """A file, or the slice that a line of it is in."""
        found = self._as_thing(value)
        split = _LINE.fullmatch(value)
        if found or not split:
            return found or self._nothing(value)
        return self._slice(self.file(split["file"]), Path(split["file"]), int(split["line"]), value)

    def model(self, value: str) -> Found:
        """Everything that loads used as this model, by its name, its file or its folder."""
        named = {row["model"] for row in self._rows(NAMED, name=[Literal(value)])}
        if named:
            return Found(_terms(named))
        thing = self._as_thing(value)
        if thing is None:
            raise self._unlike(value, "no such model", (row["name"] for row in self._rows(NAMED)))
        loaded = {row["model"] for row in self._rows(LOADED, thing=thing.terms)}
        return Found(_terms({*thing.terms, *loaded}), thing.notes)

    def session(self, value: str) -> Found:
        """The session whose id begins so."""
        found = _terms(row["session"] for row in self._rows(SESSIONS, start=[Literal(value)]))
        return self._one(found, value, "session")

    def commit(self, value: str) -> Found:
        """The git SHA that begins so, as a string."""
        found = _terms(row["sha"] for row in self._rows(COMMITS, start=[Literal(value)]))
        return self._one(found, value, "commit")

    def _one(self, found: tuple[Value, ...], value: str, what: str) -> Found:
        if not found:
            raise NotFoundError(f"no {what} begins so", at=value[:80], hint="lineage ask sessions, loaders and scripts name them")
        if len(found) > 1:
            raise UsageError(f"{len(found)} {what}s begin so", at=value[:80], hint=", ".join(one.value for one in found[:SHOWN]))
        return Found(found)

    def _as_thing(self, value: str) -> Found | None:
        """The file by its bytes, its identifier, its digest's beginning, its path: the first that the graph knows."""
        for way in (self._by_bytes, self._by_name, self._by_digest, self._by_path):
            found = way(value)
            if found:
                return found
        return None

    def _by_bytes(self, value: str) -> Found | None:
        path = Path(value)
        if not self._there(path) or _is_large(path):
            return None
        now = files.artifact(path, folder=path.parent, type="file")
        name = f"{ID_BASE}{'folder' if now.parts else 'file'}-sha256-{now.sha256}"
        return self._known(NamedNode(name)) if now.sha256 else None

    def _by_name(self, value: str) -> Found | None:
        prefix = value.partition(":")[0]
        if prefix not in PREFIXES and prefix not in ("http", "https", "urn") and not re.fullmatch(r"[a-z]+-[A-Za-z0-9_-]+", value):
            return None
        try:
            return self._known(iri(value if ":" in value else f"{ID_BASE}{value}"))
        except UsageError:  # it only looked like an identifier
            return None

    def _known(self, name: NamedNode) -> Found | None:
        return Found((name,)) if self._rows(KNOWN, x=[name]) else None

    def _by_digest(self, value: str) -> Found | None:
        if not _DIGEST.fullmatch(value):
            return None
        found = _terms(row["file"] for row in self._rows(DIGESTED, start=[Literal(value)]))
        return Found(found, _several(value, found)) if found else None

    def _by_path(self, value: str) -> Found | None:
        """By the longest end of the path that a file was recorded under."""
        ends = self._ends(value)
        rows = self._rows(LOCATED, path=[Literal(end) for end in ends])
        for end in ends:
            found = _terms(row["file"] for row in rows if row["path"] == Literal(end))
            if found:
                return Found(found, (*self._unlike_disk(value), *_several(value, found)))
        return None

    def _ends(self, value: str) -> list[str]:
        text = value.encode("utf-8", "replace").decode()
        parts = Path(text).parts
        told = [os.path.relpath(Path(text).absolute(), folder.absolute()) for folder in self.folders if folder.is_dir()]
        ends = [text, *told, *("/".join(parts[n:]) for n in range(len(parts)))]
        return list(dict.fromkeys(end for end in ends if end and end != "/"))

    def _slice(self, file: Found, path: Path, line: int, value: str) -> Found:
        rows = self._rows(SLICES, file=file.terms)
        if not rows:
            return Found(file.terms, (*file.notes, "the graph has no slices of this file: the answer is about all of it"))
        found = _terms(row["slice"] for row in rows if _holds(row["lines"], line))
        if not found:
            raise NotFoundError("no record is on this line", at=value, hint="lines count from 1")
        if len(found) == 1:
            return Found(found, file.notes)
        named = tuple(one for one in found if self._there(path) and one.value in _slices_named(file.terms, path, line))
        return Found(named or found, file.notes if named else (*file.notes, f"{len(found)} slices fit {value}: asked of all"))

    def _nothing(self, value: str) -> Found:
        raise self._no_file(value)

    def _no_file(self, value: str) -> LineageError:
        return self._unlike(value, "the graph knows no such file", (row["path"] for row in self._rows(LOCATED)))

    def _unlike(self, value: str, problem: str, known: Iterable[Term]) -> LineageError:
        names = {one.value for one in known if isinstance(one, Literal)}
        close = difflib.get_close_matches(value, names, 1) or difflib.get_close_matches(Path(value).name, names, 1)
        hint = f"did you mean {close[0]!r}?" if close else "give a path, the beginning of a sha256, or an id:… name"
        return NotFoundError(problem, at=value[:200], hint=hint)

    def _unlike_disk(self, value: str) -> tuple[str, ...]:
        """What to say of something that was found by its path although it is on disk."""
        if not self._there(Path(value)):
            return ()
        if _is_large(Path(value)):
            return (f"{value} is larger than {LARGE} bytes and was found by its path alone; lineage verify reads it",)
        return (f"{value}: its bytes are not those in the graph; asked of what was recorded",)

    def _there(self, path: Path) -> bool:
        try:
            return self.reads_disk and path.exists()
        except (OSError, ValueError):  # longer than a path can be, or with a NUL: no path on this disk, perhaps one in the graph
            return False

    def _rows(self, query: str, **bindings: Sequence[Value]) -> list[dict[str, Term]]:
        with self.target.asked(query, bindings, self.timeout) as found:
            return _plain(found)


def _plain(found: Answer) -> list[dict[str, Term]]:
    return [{name: term for name, term in zip(found.columns, row, strict=True) if term is not None} for row in found.rows]


def _terms(found: Iterable[Term]) -> tuple[Value, ...]:
    """Each once, in order."""
    return tuple(sorted({one for one in found if isinstance(one, NamedNode | Literal)}, key=str))


def _several(value: str, found: Sequence[Value]) -> tuple[str, ...]:
    if len(found) == 1:
        return ()
    names = ", ".join(one.value.removeprefix(ID_BASE)[:28] + "…" for one in found[:SHOWN])
    return (f"{value} is {len(found)} files in this graph ({names}{', …' if len(found) > SHOWN else ''}): asked of all",)


def _is_large(path: Path) -> bool:
    """Would it take long to read?"""
    every = path.rglob("*") if path.is_dir() else [path]
    return sum(one.stat().st_size for one in every if one.is_file()) > LARGE


def _slices_named(files: Iterable[Value], path: Path, line: int) -> set[str]:
    """The slice of the files that the record on this line belongs to by what it says of itself, if the file is there and a manifest tells of it."""
    if not path.is_file():
        return set()
    try:
        with RecordFile(path) as file:
            part = file.why(line).slice
    except UsageError:  # the line holds no record
        return set()
    return {Ids().slice(Name(one.value), part) for one in files} if part and part.lines else set()


def _holds(lines: Term, line: int) -> bool:
    """Is *line* one of `1-3, 7`?"""
    text = lines.value if isinstance(lines, Literal) else ""
    return any(int(first) <= line <= int(last or first) for first, last in _RANGE.findall(text))


_KINDS: Mapping[str, Callable[[Resolver, str], Found]] = {
    "file": Resolver.file,
    "record": Resolver.record,
    "model": Resolver.model,
    "session": Resolver.session,
    "commit": Resolver.commit,
}
