"""Who made a file, and which runs, loads and files of two sides belong together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

from lineage.comparison.subjects import Run, Subject
from lineage.facts import ACTIVITIES, Activity, Artifact, ModelLoad
from lineage.trace.reading import Library

T = TypeVar("T")
_NAMES = {kind: name.replace("_", " ") for name, kind in ACTIVITIES.items()}


def kind_of(run: Activity) -> str:
    """Return the kind of a run in words: "model load"."""
    return _NAMES[type(run)]


class Makers:
    """The runs of a library by what they made."""

    def __init__(self, library: Library) -> None:
        self._places = {id_: place for place, ids in library.places.items() for id_ in ids}
        self._loads = {run.id: (one, run) for one in library.sessions for run in one.activities if isinstance(run, ModelLoad)}
        self._by_path: dict[tuple[Path | None, str], list[tuple[Run, Artifact]]] = defaultdict(list)
        self._by_digest: dict[str, list[tuple[Run, Artifact]]] = defaultdict(list)
        for session in library.sessions:
            for run in session.activities:
                for made in () if isinstance(run, ModelLoad) else run.made:
                    for file in (made, *made.parts):
                        self._by_path[(self._places.get(session.id), file.path)].append(((session, run), file))
                        if file.sha256:
                            self._by_digest[file.sha256].append(((session, run), file))

    def loads(self, run: Run) -> list[Run]:
        """The loads of the models that a run used."""
        return [self._loads[one] for one in run[1].models if one in self._loads]

    def wrote(self, subject: Subject) -> list[Run]:
        """The runs that wrote the files of *subject*; its records may have been made by other runs before."""
        found = [self._by_path[(self._places.get(session), path)] for session, path in subject.files]
        return [run for made in found for run, _ in made[-1:]]

    def of(self, user: Run, file: Artifact) -> Run | None:
        """The run that made a file before *user* used it: at its path with its digest, else anywhere with its digest."""
        place = self._places.get(user[0].id)
        at_path = [run for run, made in self._by_path[(place, file.path)] if made.sha256 == file.sha256]
        by_digest = [run for run, _ in self._by_digest.get(file.sha256 or "", ())]
        for candidates in (at_path, by_digest):
            others = [run for run in candidates if run[1].id != user[1].id]
            if others:
                return max(others, key=lambda run: (self._places.get(run[0].id) == place, _is_before(run, user), run[1].started_at or ""))
        return None


def _is_before(run: Run, user: Run) -> bool:
    return (run[1].started_at or "") <= (user[1].started_at or "")


def run_pairs(one: Sequence[Run], other: Sequence[Run]) -> Iterator[tuple[Run, Run]]:
    """Pair the runs of two sides: those of a kind, in their order."""
    by_kind: dict[str, tuple[list[Run], list[Run]]] = defaultdict(lambda: ([], []))
    for number, side in enumerate((one, other)):
        for run in side:
            by_kind[kind_of(run[1])][number].append(run)
    pairs = [pair for left, right in by_kind.values() for pair in zip(left, right, strict=False)]
    yield from pairs or (zip(one, other, strict=True) if len(one) == len(other) == 1 else ())


def load_pairs(one: Sequence[Run], other: Sequence[Run]) -> Iterator[tuple[Run, Run]]:
    """Pair the loads of two runs: those of one model, then the others in their order."""
    for left, right in _by_key(one, other, _model):
        if left is not None and right is not None:
            yield left, right


def _model(run: Run) -> str:
    return str(run[1].provenance.get("model_name")) if isinstance(run[1], ModelLoad) else ""


def file_pairs(one: Iterable[Artifact], other: Iterable[Artifact]) -> Iterator[tuple[Artifact | None, Artifact | None]]:
    """Pair the files of two runs: those of one role and name, then those of one role in their order; None where a side has no more."""
    roles: dict[str, tuple[list[Artifact], list[Artifact]]] = defaultdict(lambda: ([], []))
    for number, side in enumerate((one, other)):
        for file in side:
            roles[file.role or file.type][number].append(file)
    for left, right in roles.values():
        yield from _by_key(left, right, _name)


def _name(file: Artifact) -> str:
    return file.path.rpartition("/")[2]


def _by_key(one: Sequence[T], other: Sequence[T], key: Callable[[T], str]) -> Iterator[tuple[T | None, T | None]]:
    """Pair the items of two sides: those of one key in their order, then all that are left; None where a side has no more."""
    waiting: dict[str, list[T]] = defaultdict(list)
    for item in reversed(other):
        waiting[key(item)].append(item)
    alone = []
    for item in one:
        same = waiting.get(key(item))
        if same:
            yield item, same.pop()
        else:
            alone.append(item)
    unpaired = {id(item) for items in waiting.values() for item in items}
    yield from zip_longest(alone, [item for item in other if id(item) in unpaired])
