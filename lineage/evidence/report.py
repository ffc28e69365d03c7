"""A profile by its name, as Markdown or as data.  To add one, write its table and name it in PROFILES."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from lineage.contract.below import nothing_recorded
from lineage.evidence import annex_iv, data_card, methods, model_card
from lineage.evidence.checks import Checks, Problem, check
from lineage.evidence.found import Evidence, Row
from lineage.evidence.scope import Scope, scope_of
from lineage.evidence.text import code, markdown, yaml
from lineage.trace.asking import Asked, library_of
from lineage.trace.reading import DEFAULT, Library

NOT_RECORDED = "not recorded"
DISCLAIMER = "This is an index of what was recorded. It does not say that anything complies with any law or standard, nor that what was recorded is true."


@dataclass(frozen=True, slots=True)
class Profile:
    """How a report is made: its title, its rows, and its front matter if it has any."""

    title: Callable[[Scope], str]
    rows: Callable[[Scope], tuple[Row, ...]]
    front: Callable[[Scope], dict[str, Any]] | None = None
    absent: Callable[[Scope], Iterable[tuple[str, str]]] = lambda scope: ()  # keys that the front matter has not, and why


PROFILES = {
    "annex-iv": Profile(lambda scope: "Evidence for Annex IV", lambda scope: annex_iv.ROWS),
    "model-card": Profile(model_card.title, model_card.rows_of, model_card.front, model_card.absent),
    "data-card": Profile(data_card.title, data_card.rows_of, data_card.front, data_card.absent),
}
NAMES = (*PROFILES, "methods")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a profile says of a scope. `str` of it is Markdown."""

    profile: str
    title: str
    front: dict[str, Any]
    absent: tuple[tuple[str, str], ...] = ()
    rows: tuple[tuple[Row, tuple[Evidence, ...]], ...] = ()
    sentences: tuple[tuple[str, tuple[str, ...]], ...] = ()
    problems: tuple[Problem, ...] = ()  # what does not hold, the gravest first
    checked: bool = True  # False: sessions were given without a folder, so no file was checked
    code: int = 0  # the exit code of an audit with these problems

    def json(self) -> dict[str, Any]:
        """With stable keys; `found` is empty where nothing was recorded."""
        rows = [{"clause": row.clause, "asks": row.asks, "found": [_evidence(one) for one in found]} for row, found in self.rows]
        told = [{"heading": heading, "sentences": list(sentences)} for heading, sentences in self.sentences]
        return {
            "profile": self.profile,
            "title": self.title,
            "problems": [asdict(one) for one in self.problems],
            "checked": self.checked,
            "exit_code": self.code,
            "disclaimer": DISCLAIMER,
            "front": self.front,
            "absent": dict(self.absent),
            "rows": rows,
            "paragraphs": told,
        }

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in _lines(self))


def report(profile: str, x: str | None = None, where: Asked = None, *, recursive: bool = False) -> Report:
    """What was recorded of *x*, or of all, under the headings of a profile: one of NAMES.

    The files are checked first, as an audit does. What does not hold is at the top of the page, and no number, count or
    digest is given that a file does not support.

    Raises NothingRecordedError for a folder without a session; NotFoundError and UsageError where *x* cannot be found, or is not what the profile is about.
    """
    library = library_of(x or DEFAULT, where, recursive)
    if not library.sessions and not library.documents:
        raise nothing_recorded(library.folders[0] if library.folders else DEFAULT, recursive="" if recursive else "-r")
    checks = check(library)
    scope = _narrowed(profile, x, library, checks)
    problems = checks.problems(_concerned(profile, scope))
    about = {"problems": problems, "checked": bool(checks.audits), "code": checks.code(problems)}
    if profile == "methods":
        told = tuple((heading, tuple(sentences)) for heading, sentences in methods.paragraphs(scope))
        return Report(profile=profile, title="Methods", front={}, sentences=told, **about)  # type: ignore[arg-type]
    made = PROFILES[profile]
    rows = tuple((row, tuple(dict.fromkeys(row.find(scope))) if row.find else ()) for row in made.rows(scope))
    front, absent = made.front(scope) if made.front else {}, tuple(made.absent(scope))
    return Report(profile=profile, title=made.title(scope), front=front, absent=absent, rows=rows, **about)  # type: ignore[arg-type]


def _concerned(profile: str, scope: Scope) -> frozenset[tuple[str, str]] | None:
    """The files that the report is about; a model card is about the reports on its model too."""
    files = scope.files()
    if files is None or profile != "model-card":
        return files
    _, run, model = model_card.model_of(scope)
    measured = scope.measured(model, run)
    return files | {(session.id, one.path) for session, evaluation in measured for one in (*evaluation.made, *evaluation.used)}


def _narrowed(profile: str, x: str | None, library: Library, checks: Checks) -> Scope:
    """A card is of one thing: of the model by its digest, for its name is that of its loads too; of a file of records where there is but one."""
    scope = scope_of(x, library, checks)
    if profile == "model-card":
        model = model_card.model_of(scope)[2]
        return scope_of(model.sha256 or model.path, library, checks)
    if x is None and profile == "data-card":
        digests = {one.sha256 for one in data_card.files_of(scope) if one.sha256}
        return scope_of(digests.pop(), library, checks) if len(digests) == 1 else scope
    return scope


def _lines(told: Report) -> Iterator[str]:
    if told.front:
        yield from ("---", yaml(told.front).rstrip("\n"), "---", "")
    yield from (f"# {markdown(told.title)}", "")
    yield from _problems(told)
    yield from (DISCLAIMER, "")
    if told.absent:
        yield from (f"The front matter has no {', no '.join(f'{code(key)} ({markdown(why)})' for key, why in told.absent)}.", "")
    for row, found in told.rows:
        yield from (f"## {row.clause}", "", f"*{row.asks}*", "")
        yield from ([_item(one) for one in found] or [f"- {NOT_RECORDED}"])
        yield ""
    for heading, sentences in told.sentences:
        yield from (" ".join(map(markdown, sentences)) or f"{heading}: {NOT_RECORDED}.", "")


def _problems(told: Report) -> Iterator[str]:
    """What does not hold, before anything else."""
    if told.problems:
        yield from ("**These records do not hold.** Numbers, counts and digests that depend on them are withheld.", "")
        yield from (f"- {markdown(str(one))}" for one in told.problems)
        yield ""
    elif not told.checked:
        yield from ("**No file was checked**: the sessions were given without a folder.", "")


def _item(one: Evidence) -> str:
    where = [f"file {code(one.file)}"] if one.file else []
    where += [f"SHA-256 {code(one.sha256)}"] if one.sha256 else []
    where += [f"node {code(one.node)}"] if one.node else []
    known = f" ({one.known_by})" if one.known_by else ""
    return f"- {markdown(one.says)}{known}{': ' if where else ''}{', '.join(where)}"


def _evidence(one: Evidence) -> dict[str, Any]:
    return {"says": one.says, "node": one.node, "file": one.file, "sha256": one.sha256, "known_by": one.known_by or None}
