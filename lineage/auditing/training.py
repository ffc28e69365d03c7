"""The rule about test sets: was a model evaluated on what it, or a model that it came from, was trained on?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lineage.auditing.overlap import overlap
from lineage.auditing.world import Found, World, called
from lineage.contract.lines import holds_records
from lineage.contract.weights import digests, own_weights, told_of
from lineage.core.words import share
from lineage.facts import Activity, Artifact, Evaluation, ModelLoad, Session, Training, trained_on


@dataclass(frozen=True, slots=True)
class Data:
    """A file that was used, and where it lies."""

    place: Path
    artifact: Artifact

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.place / self.artifact.path


@dataclass(frozen=True, slots=True)
class Pair:
    """A test set, and a file that a model which was measured on it was trained on."""

    place: Path
    session: Session
    run: Evaluation
    test: Data
    data: Data


def trained_on_test(world: World) -> Iterator[Found]:
    """No file of the test set, and no record of it, is among what the evaluated models were trained on."""
    for pair in pairs(world):
        said = _shared(world, pair)
        if said:
            about = (world.ids.run(pair.run.id),)
            yield world.found("trained-on-test", pair.place, pair.session, world.home(pair.session, pair.run), detail=said, about=about)


def _shared(world: World, pair: Pair) -> str:
    test, data = pair.test.artifact, pair.data.artifact
    told = f"{called(pair.run)} on {test.path}"
    if test.sha256 and test.sha256 == data.sha256:
        return f"{told}, which is the training data itself ({data.path})"
    if not comparable(world, pair):
        return ""
    found = overlap(pair.test.path, test.sha256 or "", pair.data.path, data.sha256 or "")
    ways = (
        (found.lines, "as the same line"),
        (found.records, "as the same record of the same run"),
        (found.asked, "with the same question"),
    )
    said = ", ".join(f"{count:,} {way}" for count, way in ways if count)
    return f"{told}: {share(found.any, found.total, 'record')} also in {data.path} ({said})" if found.any else ""


def comparable(world: World, pair: Pair) -> bool:
    """Are both files there, as they were recorded?"""
    return all(
        holds_records(one.path) and one.artifact.sha256 and world.digest(one.path) == one.artifact.sha256 for one in (pair.test, pair.data)
    )


def pairs(world: World) -> Iterator[Pair]:
    """Every test set with every file that a model which was measured on it was trained on, each pair once a run."""
    trained = _Trained(world)
    for place, session in world.placed:
        for run in session.activities:
            if isinstance(run, Evaluation):
                data = {(one.artifact.sha256, one.path): one for load in world.loads_of(run) for one in trained.data(load)}
                tests = [Data(place, one) for one in _tests(run)]
                yield from (Pair(place, session, run, test, one) for test in tests for one in data.values())


def _tests(run: Evaluation) -> tuple[Artifact, ...]:
    """The files that it used; where nobody recorded any, the one whose digest stands as the version of its data set."""
    version = run.dataset.get("version")
    if run.used or not isinstance(version, str) or not re.fullmatch("[0-9a-f]{64}", version):
        return run.used
    return (Artifact(path=str(run.dataset.get("name") or "the data set"), type="test_set", sha256=version),)


class _Trained:
    """What each model was trained on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._made = [(_own(world, one.artifact, one.run), one.folder, one.run) for one in world.made if isinstance(one.run, Training)]

    def data(self, load: ModelLoad) -> Iterator[Data]:
        """What the loaded model was trained on, and the models that it came from."""
        waiting, seen = [load], set()
        while waiting:
            load = waiting.pop()
            used = digests(load.used) | told_of(load)
            for made, place, run in self._made:
                if run.id not in seen and _is_loaded(made, used):
                    seen.add(run.id)
                    yield from (Data(place, one) for one in _data(run))
                    waiting += self._world.loads_of(run)


@dataclass(frozen=True, slots=True)
class _Own:
    """What a training made, by digest: the weights that it did not get from elsewhere, and all of its files."""

    weights: frozenset[str]
    files: frozenset[str]


def _own(world: World, made: Artifact, run: Activity) -> _Own:
    files = frozenset(one.sha256 for one in made.parts or (made,) if one.sha256)
    return _Own(own_weights(made, run, world.loads_of(run)), files)


def _is_loaded(made: _Own, used: frozenset[str]) -> bool:
    """Were the weights that the training made among the files *used*?  Where no file is called as weights are, all that it made must be: a
    configuration may stand in other models too.
    """
    return not used.isdisjoint(made.weights) if made.weights else bool(made.files) and made.files <= used


def _data(run: Activity) -> Iterator[Artifact]:
    yield from (one for one in trained_on(run) if one.role != "modelFile" and one.type != "model_file")
