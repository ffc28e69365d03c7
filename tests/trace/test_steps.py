"""Records are followed step by step, and every verb says the same of them."""

from pathlib import Path
from random import Random

import pytest
from carried_histories import history

import lineage
from lineage import formats
from lineage.folder import gathered


def texts(path, number):
    """The bytes of a line, by which equal records cannot be told apart."""
    return path.read_text().splitlines()[number - 1]


def is_step(step, expected):
    """Is it the step that took place, or one that no one can tell from it: an equal line of another file that the run used?"""
    places = [(step.file, step.line), *step.also]
    path, number, _ = expected
    return any((file.resolve(), line) == (path.resolve(), number) or texts(file, line) == texts(path, number) for file, line in places)


def is_double(made, path):
    """Did a step before use two files with the same bytes?"""
    files = {path, *made.sources(path)}
    return any(len({digest_of(one) for one in made.inputs[file]}) < len(made.inputs[file]) for file in files)


@pytest.mark.parametrize("seed", range(12))
def test_every_step_back_is_named_with_what_it_edited(seed, tmp_path):
    made = history(Random(seed), tmp_path, steps=8)
    for path, lines in made.lines.items():
        with lineage.RecordFile(path) as file:
            for number in range(1, len(lines) + 1):
                found, expected = file.why(number), made.steps(path, number)
                if any(step.also for step in found.steps) or is_double(made, path):
                    assert found.steps, "of equal lines of two files each is named, and one is followed"
                    continue
                assert [step.edited for step in found.steps] == [edited for _, _, edited in expected], (path, number)
                assert all(map(is_step, found.steps, expected)), (path, number)
                assert all(step.run and step.session for step in found.steps)
                assert found.notes == ()


@pytest.mark.parametrize("seed", range(12))
def test_slices_come_from_files_that_their_own_run_used_and_from_no_other(seed, tmp_path):
    made = history(Random(seed), tmp_path, steps=8)
    placed, findings = gathered(tmp_path, recursive=True)
    assert {one.code for one in findings} <= {"edited-record"}
    digests = {path: digest_of(path) for path in made.lines}
    for folder, session in placed:
        for artifact in session.artifacts:
            path = folder / artifact.path
            if path in made.lines:
                named = {origin.sha256 for part in artifact.slices for origin in part.origins}
                assert named <= {digests[one] for one in made.inputs[path]}
                used = {digests[line.before[0]] for line in made.lines[path] if line.before}
                assert used - {artifact.sha256} <= named or artifact.sha256 in used


def digest_of(path):
    return lineage.capture.files.digest(path)[0]


@pytest.mark.parametrize("seed", range(12))
def test_consequences_and_ways_are_the_same_and_miss_nothing(seed, tmp_path):
    made = history(Random(seed), tmp_path, steps=7, folders=1 + seed % 3)
    library = lineage.open_library(tmp_path, recursive=True)
    document = tmp_path / "all.trig"
    document.write_bytes(formats.dumps(library.document(), "trig"))
    exported = lineage.open_library(document)
    for path in made.lines:
        found = lineage.impact(path, library)
        reached = {thing.id for thing in (*found.start, *found.things)}
        for other in made.lines:
            (node,) = library.find(str(other))
            name = str(library.graph.names[node])
            assert path not in made.sources(other) or name in reached, f"{other.name} came from {path.name}"
            assert bool(lineage.path(other, path, library)) == (name in reached or path in reached_back(library, path, other))
        for adapter, data in made.adapters.items():
            expected = path in made.sources(data) or data == path
            assert not expected or adapter.name in {Path(model.name).name for model in found.models}
        again = {thing.id for thing in (*found.start, *lineage.impact(found.start[0].id, exported).things)}
        assert again == reached


def reached_back(library, path, other):
    """`path` answers in both directions."""
    found = lineage.impact(other, library)
    names = {thing.id for thing in (*found.start, *found.things)}
    (node,) = library.find(str(path))
    return {path} if str(library.graph.names[node]) in names else set()


@pytest.mark.parametrize("seed", range(8))
def test_a_record_is_followed_into_every_copy(seed, tmp_path):
    made = history(Random(seed), tmp_path, steps=6)
    library = lineage.open_library(tmp_path, recursive=True)
    for path, lines in made.lines.items():
        for number in range(1, len(lines) + 1):
            found = lineage.impact(f"{path}:{number}", library)
            held = {one.file.id: one.records for one in found.files}
            for other, others in made.lines.items():
                back = [made.steps(other, n) for n in range(1, len(others) + 1)]
                count = sum(any((file, line) == (path, number) for file, line, _ in steps) for steps in back)
                is_circle = digest_of(other) in {digest_of(one) for one in made.sources(path)}  # decision 0002: A to B to A
                if count and other != path and not is_circle:
                    (node,) = library.find(str(other))
                    assert held.get(str(library.graph.names[node]), 0) >= count, (path.name, number, other.name)
