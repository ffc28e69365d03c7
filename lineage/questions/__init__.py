"""Named questions: one .rq file each, its purpose, parameters and example in a comment on top.

    # What made a file or a record: the run, its script, the model and its loader, the session.
    #
    # @param thing record  the file, or FILE:LINE for one of its records
    # @example lineage ask made-by artifacts/sft_training_data.jsonl
    SELECT …

To add one, put a file in this folder; users put theirs in `./questions/` or in a folder that `LINEAGE_QUESTIONS` names. A parameter is
a variable of the query: `KIND` says how what the user gives becomes a term (`resolve.KINDS`), `KIND?` that it may be left out.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage.core import limits
from lineage.core.reading import read_whole
from lineage.errors import FormatError, LateError, LineageError, NotFoundError, UsageError
from lineage.store.embedded import check
from lineage.store.sparql import checked, tokens
from lineage.store.terms import KINDS as VALUES

OURS = Path(__file__).parent
THEIRS = Path("questions")  # in the working folder
VARIABLE = "LINEAGE_QUESTIONS"
SUFFIX = ".rq"
LOOKED_UP = ("file", "record", "model", "session", "commit")  # kinds whose values are found in the graph
KINDS = (*LOOKED_UP, *VALUES)
PATIENCE = 10.0  # seconds for the engine to read a user's question, where nothing is said

PAGE = """# The named questions

`lineage ask NAME` asks them, `lineage ask NAME --show-sparql` shows the query. How to ask, and how to add your own:
[ask the graph](../how-to/ask-the-graph.md). This page is made from the files in `lineage/questions/`: `scripts/questions`.

"""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_PARAM = re.compile(r"@param\s+(?P<name>[A-Za-z_]\w*)\s+(?P<kind>\w+)(?P<optional>\??)\s+(?P<text>\S.*)")


@dataclass(frozen=True, slots=True)
class Param:
    """What a question asks its user for."""

    name: str
    kind: str  # one of `KINDS`
    text: str
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A named query."""

    name: str
    path: Path
    purpose: str  # one sentence
    remarks: str  # what else its header says
    params: tuple[Param, ...]
    example: str
    sparql: str  # the whole file: a comment is a comment in SPARQL too

    def given(self, arguments: Sequence[str]) -> dict[str, str]:
        """Arguments `NAME=VALUE` or VALUE, by parameter; a bare value is the next parameter's. Raises UsageError."""
        found: dict[str, str] = {}
        names = [param.name for param in self.params]
        for argument in arguments:
            name, equals, value = argument.partition("=")
            if not (equals and name in names):
                name, value = next((free for free in names if free not in found), ""), argument
            if not name or name in found:
                raise self._usage("too many arguments" if not name else f"{name} is given twice")
            found[name] = value
        return self.complete(found)

    def complete(self, given: Mapping[str, str]) -> dict[str, str]:
        """*given*, if it has every parameter that is needed and no other. Raises UsageError."""
        names = [param.name for param in self.params]
        for name in given:
            if name not in names:
                raise self._usage(f"it has no parameter {name!r:.40}")
        missing = [param for param in self.params if param.name not in given and not param.optional]
        if missing:
            raise self._usage(f"it needs {' and '.join(f'{one.name} ({one.text})' for one in missing)}")
        return dict(given)

    def _usage(self, problem: str) -> UsageError:
        return UsageError(problem, at=f"ask {self.name}", hint=f"say: {self.example}" if self.example else None)


def load(name: str, timeout: float | None = None) -> Question:
    """The question called *name*. Raises NotFoundError that lists what there is, FormatError where its file is wrong, LateError."""
    paths = _paths()
    if name in paths:
        return read(paths[name], timeout)
    close = difflib.get_close_matches(name, paths, 1)
    raise NotFoundError(
        f"no question is called {name!r:.60}", at="ask", hint=f"did you mean {close[0]!r}?" if close else "lineage ask --list names them"
    )


def every(timeout: float | None = None) -> tuple[tuple[Question, ...], tuple[LineageError, ...]]:
    """All questions by name, ours and the user's, and what is wrong with those that cannot be read, in *timeout* seconds each."""
    good: list[Question] = []
    wrong: list[LineageError] = []
    for path in _paths().values():
        try:
            good.append(read(path, timeout))
        except LineageError as error:
            wrong.append(error)
    return tuple(good), tuple(wrong)


def _paths() -> dict[str, Path]:
    """Every question's file by its name. Raises UsageError where a user's is called as one of ours, which would hide what is asked."""
    found = {path.stem: path for path in OURS.glob(f"*{SUFFIX}")}
    for folder in _folders():
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            if path.stem in found and found[path.stem].parent == OURS:
                raise UsageError("a question of lineage has the same name", at=str(path), hint="rename the file")
            found.setdefault(path.stem, path)
    return {name: found[name] for name in sorted(found)}


def _folders() -> Iterator[Path]:
    yield from (Path(one) for one in os.environ.get(VARIABLE, "").split(os.pathsep) if one)
    if THEIRS.is_dir():
        yield THEIRS


def read(path: Path, timeout: float | None = None) -> Question:
    """A question from its file. Raises FormatError that says what its header or query lacks, LateError where that takes too long."""
    try:
        text = read_whole(path, limits.QUERY_FILE).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"the question cannot be read: {error}", at=str(path)) from error
    if not _NAME.fullmatch(path.stem):
        raise FormatError("a question's name is small letters, digits and -", at=str(path), hint="rename the file")
    question = _parsed(path, text, list(_header(text)))
    _agree(question, timeout)
    return question


def _header(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("#"):
            return
        yield line.removeprefix("#").strip()


def _parsed(path: Path, text: str, header: list[str]) -> Question:
    told = [line for line in header if not line.startswith("@")]
    purpose, _, remarks = "\n".join(told).strip().partition("\n\n")
    if not purpose:
        raise FormatError("the question has no purpose", at=f"{path}:1", hint="begin the file with a comment: # What it finds.")
    example = next((line.removeprefix("@example").strip() for line in header if line.startswith("@example")), "")
    params = tuple(_param(f"{path}:{number}", line) for number, line in enumerate(header, 1) if line.startswith("@param"))
    return Question(
        name=path.stem,
        path=path,
        purpose=" ".join(purpose.split()),
        remarks=" ".join(remarks.split()),
        params=params,
        example=example,
        sparql=text,
    )


def _param(at: str, line: str) -> Param:
    found = _PARAM.fullmatch(line)
    if not found:
        raise FormatError("a parameter is: # @param NAME KIND what it is", at=at, hint=f"kinds are {', '.join(KINDS)}")
    if found["kind"] not in KINDS:
        raise FormatError(f"no kind of parameter is called {found['kind']!r:.40}", at=at, hint=f"use one of {', '.join(KINDS)}")
    return Param(found["name"], found["kind"], found["text"], bool(found["optional"]))


def _agree(question: Question, timeout: float | None) -> None:
    """Do header and query fit each other?"""
    try:
        _read_by_the_engine(question, timeout)
    except LateError as error:
        raise LateError(f"the question cannot be read: {error.message}", at=str(question.path), hint=error.hint) from error
    except UsageError as error:
        raise FormatError(error.message, at=f"{question.path}{(error.at or '').removeprefix('query')}", hint=error.hint) from error
    used = {token.text[1:] for token in tokens(question.sparql) if token.kind == "variable"}
    for param in question.params:
        if param.name not in used:
            raise FormatError(
                f"the query has no variable ?{param.name}", at=str(question.path), hint="a parameter is a variable of the query"
            )


def _read_by_the_engine(question: Question, timeout: float | None) -> None:
    """Reading runs a part of the query: in our own process only what is ours, a file of this package."""
    if question.path.parent == OURS:
        checked(question.sparql)
    else:
        check(question.sparql, PATIENCE if timeout is None else timeout)


def as_markdown(questions: Iterable[Question]) -> str:
    """The questions as a page of the documentation."""
    parts = []
    for one in questions:
        rows = "".join(
            f"- `{param.name}` ({param.kind}{', may be left out' if param.optional else ''}): {param.text}\n" for param in one.params
        )
        remarks = f"\n{one.remarks}\n" if one.remarks else ""
        parts.append(f"## {one.name}\n\n{one.purpose}\n{remarks}{chr(10) if rows else ''}{rows}\n    {one.example}\n")
    return PAGE + "\n".join(parts)
