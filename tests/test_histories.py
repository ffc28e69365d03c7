"""The made-up histories are what they say: deterministic, valid, and on disk what they are in memory."""

from collections import Counter

import pytest
from histories import BAD, history
from oracles import adapters_affected_by_loader, ancestors_of, descendants_of, records_affected_by_loader, scores_affected_by_loader

from lineage import mapping
from lineage.constraints import validate
from lineage.export import combined_document, gathered
from lineage.facts import Evaluation, ModelLoad, Training
from lineage.prov.document import flattened


def test_the_same_seed_gives_the_same_history_and_another_seed_another():
    assert history(3, 15) == history(3, 15) != history(4, 15)


@pytest.mark.parametrize("seed", range(6))
def test_a_history_is_valid_together_and_without_bundles(seed):
    document, circles = combined_document(history(seed, 40))
    assert not circles and not validate(document, "history") and not validate(flattened(document), "flat")


def test_a_history_holds_every_case_that_real_ones_have():
    told = history(1, 120)
    loads = [run for one in told for run in one.activities if isinstance(run, ModelLoad)]
    kinds = Counter(type(run) for one in told for run in one.activities)
    assert kinds[Training] > 3 and kinds[Evaluation] > 5
    assert {run.provenance["sentinel_tests_passed"] for run in loads} == {True, False, None}
    assert BAD in {run.provenance["loader_version"] for run in loads} and {run.provenance["revision"] for run in loads} == {None, "main"}
    assert {one.status for one in told} >= {"completed", "failed", "interrupted", "running"} and {one.manifest is None for one in told} == {
        True,
        False,
    }
    assert {one.code.dirty for one in told if one.code} == {True, False} and {one.operator for one in told} == {"ada", "grace", None}
    slices = [(file, part) for one in told for file in one.artifacts for part in file.slices or ()]
    assert any(part.run_id not in (None, file.activity) for file, part in slices) and any(not part.metadata for _, part in slices)
    prompts = Counter(used.sha256 for one in told for run in one.activities for used in run.used if used.type == "prompts")
    assert max(prompts.values()) > 5


@pytest.mark.parametrize("seed", range(4))
def test_a_history_in_a_folder_is_read_back_as_it_was_told(seed, tmp_path):
    told = history(seed, 14, folder=tmp_path)
    placed, findings = gathered(tmp_path, recheck=True, legacy=True)
    found = {one.id: one for _, one in placed}
    recorded = [one for one in told if one.manifest]
    assert {one.code for one in findings} <= {"outside-folder"} and len(recorded) > 5
    for one in recorded:
        assert mapping.statements(found[one.id]) == mapping.statements(one)


def test_the_oracles_agree_with_what_can_be_seen_without_a_walk():
    told = history(2, 60)
    hit = records_affected_by_loader(told, BAD)
    direct = {
        ("slice", file.sha256, part.lines[0][0])
        for one in told
        for run in one.activities
        for file in run.made
        for part in file.slices or ()
        if part.metadata.get("provenance", {}).get("loader_version") == BAD
    }
    assert direct <= set(hit) and len(direct) > 3
    assert scores_affected_by_loader(told, BAD) and adapters_affected_by_loader(told, BAD)
    assert not records_affected_by_loader(told, "0" * 40)
    for key in list(hit)[:5]:
        assert ("loader", BAD) in ancestors_of(told, key) and key in descendants_of(told, ("loader", BAD))
