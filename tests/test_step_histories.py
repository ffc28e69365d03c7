"""Random histories of up to eight steps: every answer is held against the truth, and against the others."""

import random
from pathlib import Path

import pytest
from step_histories import Line, RecordsFile, StepHistory

import lineage

FEW, MANY = 60, 2000


def check(history: StepHistory) -> None:
    """Hold the answers about every node of a history against the truth."""
    library = lineage.open_library(history.folders)
    for file in history.files:
        _impact_of_file(history, library, file)
        _paths_to(history, library, file)
        for line in file.lines:
            _impact_of_line(history, library, line)
        _steps_of_lines(history, file)


def _impact_of_file(history: StepHistory, library: object, file: RecordsFile) -> None:
    least = history.holders(file.lines)
    most = history.holders_by_slice(file.lines)
    answer = lineage.impact(file.path, where=library)
    files = {affected.file.name for affected in answer.files if affected.records}
    assert {one.path.name for one in least} <= files | {one.path.name for one in least if not one.lines}
    assert files <= _names(most)
    models = {model.name for model in answer.models}
    assert {one.path.name for one in history.adapters_of(least)} <= models
    assert models <= {one.path.name for one in history.adapters_of(most)}
    scores = {score.metric.label for score in answer.scores}
    assert {one.metric for one in history.scores_of(history.adapters_of(least))} <= scores
    assert scores <= {one.metric for one in history.scores_of(history.adapters_of(most))}


def _names(files: dict[RecordsFile, set[Line]]) -> set[str]:
    return {name for file in files for name in (file.path.name, *(alias.name for alias in file.aliases))}


def _impact_of_line(history: StepHistory, library: object, line: Line) -> None:
    assert line.file
    truth = history.holders([line])
    answer = lineage.impact(f"{line.file.path}:{line.number}", where=library)
    counts = {affected.file.name: affected.records for affected in answer.files if affected.records}
    assert counts.keys() == {file.path.name for file in truth}
    models = {model.name for model in answer.models}
    assert models == {one.path.name for one in history.adapters_of(truth)}


def _paths_to(history: StepHistory, library: object, older: RecordsFile) -> None:
    reached = history.used_by(older)
    for newer in history.files:
        found = lineage.path(newer.path, older.path, where=library)
        is_newer = bool(found) and found.older[0].name == older.path.name
        assert is_newer == (newer in reached), (newer.path.name, older.path.name)


def _steps_of_lines(history: StepHistory, file: RecordsFile) -> None:
    """Every step back is one of the true ones, and only the step that edited the record is named for it."""
    with lineage.RecordFile(file.path) as records:
        for line in file.lines:
            here = line
            for step in records.why(line.number).steps:
                if history.file_at(step.file) is here.file:  # a copy with the same bytes
                    continue
                places = {(history.file_at(step.file), step.line), *((history.file_at(path), number) for path, number in step.also)}
                truth = {(parent.file, parent.number) for parent in here.parents}
                assert places <= truth
                if len(history.folders) == 1:
                    assert {file for file, _ in places} == {file for file, _ in truth}
                assert step.edited == here.edited
                here = history.file_at(step.file).lines[step.line - 1]
            if len(history.folders) == 1:
                assert not here.parents


def build(seed: int, folder: Path) -> StepHistory:
    return StepHistory(seed, folder).build(random.Random(seed).randrange(2, 9))


@pytest.mark.parametrize("seed", range(FEW))
def test_every_answer_about_a_history_is_true(seed: int, tmp_path: Path) -> None:
    check(build(seed, tmp_path))
