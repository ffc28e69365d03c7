"""`lineage.why`, `lineage.impact`, `lineage.path`: the questions as functions. What is asked for is found by search.py, where it is looked
for by reading.py.

    lineage.why("artifacts/evaluation.json")
    lineage.impact("loader:3f2a9c1e", where=["machine-a/artifacts", "machine-b/artifacts"])
    library = lineage.open_library("artifacts")       # read once, asked often
    lineage.why("sft_accuracy", where=library)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from lineage.capture.files import digest
from lineage.contract.around import sessions_around
from lineage.core.reading import is_file
from lineage.errors import NotFoundError
from lineage.mapping.names import LIN, Ids
from lineage.trace import answers, unrecorded
from lineage.trace.answers import Direction, Impact, Lineage, Paths
from lineage.trace.committed import Committed, committed, in_words
from lineage.trace.copies import impact_of_record, slices_of
from lineage.trace.reading import DEFAULT, Library, Where, open_library
from lineage.trace.search import on_disk
from lineage.trace.things import texts

SHOWN = 3  # of things that a note names
_Answer = TypeVar("_Answer", bound=Lineage)
Asked = Where | Library


def why(x: str | Path, where: Asked = None, *, depth: int | None = None, direction: Direction = "past", recursive: bool = False) -> Lineage:
    """All that *x* came from: a path, FILE:LINE, digest, id, commit, model, script, metric or PROV id, or a unique beginning of one.

    Args:
        where: folders, PROV files, sessions, or what `lineage.open_library` returned; by default the folder around the file *x*, else `artifacts`.
        depth: steps that are followed; all by default. direction: "future" for all that came from it.
        recursive: sessions in folders inside the folders too.

    Raises:
        NotFoundError: nothing is called so. UsageError: several things begin so.
    """
    library, (path, line) = library_of(x, where, recursive), place(str(x))
    numbers = find(library, str(x)) if line is None else slices_of(library, path, line)
    return _noted(answers.why(library.graph, numbers, str(x), depth, direction), library, path, line)


def impact(x: str | Path, where: Asked = None, *, depth: int | None = None, recursive: bool = False) -> Impact:
    """All that came from *x*, with the numbers of records and the scores concerned. Arguments and errors are those of `why`.

    Of FILE:LINE, the record itself is followed: into the files that hold a copy of it, which are read for it, and to what used those files.
    """
    library, (path, line) = library_of(x, where, recursive), place(str(x))
    if line is not None:
        return _noted(impact_of_record(library, path, line, str(x), depth), library, path, line)
    try:
        found = answers.impact(library.graph, find(library, str(x)), str(x), depth)
    except NotFoundError:
        in_commits = committed(library, path)
        if not any(one.is_certain for one in in_commits):
            raise
        return _of_commits(library, path, in_commits, depth)
    return _deeper_too(_noted(found, library, path, None), library)


def find(library: Library, text: str) -> tuple[int, ...]:
    """The nodes that *text* means.

    Raises:
        NotFoundError: Nothing is recorded of it; the message says what is there instead: sessions that lie deeper, commits that hold it.
        UsageError: A beginning that fits several.
    """
    try:
        numbers = library.find(text)
    except NotFoundError as error:
        raise unrecorded.explained(library, text, error) from None
    if library.sessions and unrecorded.is_unrecorded(library, numbers):
        raise unrecorded.nothing(library, text)
    return numbers


def _of_commits(library: Library, path: Path, in_commits: Sequence[Committed], depth: int | None) -> Impact:
    """All that the sessions made whose commit or patch holds a file that no session recorded."""
    ids, graph = library.ids or Ids(), library.graph
    sessions = tuple(ids.session(one.session) for one in in_commits)
    numbers = tuple(graph.index[name] for name in sessions if name in graph.index)
    settle = f"whether the run used {path}: no session recorded which modules it imported; read the script at its commit"
    found = answers.impact(graph, numbers, str(path), depth)
    return replace(found, settle=settle, notes=tuple(in_words(path, in_commits)))


def _deeper_too(found: Impact, library: Library) -> Impact:
    """The answer, with a note where sessions lie deeper that were not read."""
    deeper = unrecorded.below(library)
    return replace(found, notes=(*found.notes, f"{deeper}; they were not read: -r")) if deeper else found


def _noted(found: _Answer, library: Library, path: Path, line: int | None) -> _Answer:
    """The answer, with what its reader should know of how the file was found."""
    unmade = [one.name for one in answers.unmade_data(found)] if isinstance(found, Impact) else []
    notes = [f"several slices of {path} fit its line {line}: asked of all"] if line is not None and len(found.numbers) > 1 else []
    if _is_altered(library, found.numbers, path):
        notes.append(f"{path}: its bytes are not those that were recorded; asked of what was recorded")
    if unmade:
        more = f" and {len(unmade) - SHOWN:,} more" if len(unmade) > SHOWN else ""
        notes.append(
            f"no session tells how training data was made, so what it holds of this is not known: {', '.join(unmade[:SHOWN])}{more}"
        )
    return replace(found, notes=(*notes, *found.notes)) if notes else found


def _is_altered(library: Library, numbers: Iterable[int], path: Path) -> bool:
    """Was a file that is on disk found by its place or name alone?"""
    graph = library.graph
    holders = [graph.holder.get(number, number) for number in numbers]
    digests = {one for number in holders for one in texts(graph.told[number], LIN["sha256"])}
    placed = any(graph.thing(number).places for number in holders)
    return placed and bool(digests) and bool(on_disk(path)) and is_file(path) and digest(path)[0] not in digests


def path(one: str | Path, other: str | Path, where: Asked = None, *, recursive: bool = False) -> Paths:
    """The shortest ways from the newer of the two things to the older; there are none where neither came from the other."""
    library = library_of(one if on_disk(one) else other, where, recursive)
    found = []
    for name in (str(one), str(other)):
        file, line = place(name)
        found.append(find(library, name) if line is None else slices_of(library, file, line))
    return answers.path(library.graph, *found)


def place(text: str) -> tuple[Path, int | None]:
    """`FILE:LINE`, or a name as a whole; a file that is really called so goes before."""
    name, _, number = text.rpartition(":")
    file = on_disk(name) if number.isdecimal() and name and not on_disk(text) else None
    return (file, int(number)) if file and is_file(file) else (Path(text), None)


def library_of(x: str | Path, where: Asked, recursive: bool = False) -> Library:
    """Where *x* is looked for."""
    if isinstance(where, Library):
        return where
    if where is not None:
        return open_library(where, recursive=recursive)
    file, _ = place(str(x))
    if on_disk(file):
        folder, sessions = sessions_around(file)
        return open_library(folder if sessions or not DEFAULT.is_dir() else DEFAULT, recursive=recursive)
    if not DEFAULT.is_dir():
        raise NotFoundError("no such folder", at=str(DEFAULT), hint="say --in PATH: the folder that holds the session manifests")
    return open_library(DEFAULT, recursive=recursive)
