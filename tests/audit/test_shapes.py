"""Rules and shapes are one profile: they find the same on the fixtures, and neither finds anything where nothing went wrong."""

import random

import pytest
from faults import FAULTS, GOOD
from histories import history

import lineage
from lineage.auditing import shacl
from lineage.auditing.rules import RULES
from lineage.auditing.world import World
from lineage.errors import UsageError
from lineage.export import combined_document
from lineage.mapping.names import LIN
from lineage.prov.document import flattened

SHAPED = sorted(check.code for check in RULES if check.shape)


def document(folder):
    report = lineage.audit(folder)
    return report, flattened(combined_document([session for _, session in report.world.placed])[0])


def both(code, table, folder, seed):
    """(what the rules find, what the shapes find) of the codes that have a shape."""
    history(seed, 7, folder=folder, clean=True)
    if not table[code](random.Random(seed), folder):
        return None
    report, told = document(folder)
    return {one.code for one in report.findings} & set(SHAPED), {found for found, _ in shacl.broken(told)}


# What a rule sees in a place that the graph does not show, as the page of the rules says of these.
PARTIAL = {"trained-on-test", "time-order", "params-incomplete"}


def test_the_table_says_which_rules_have_a_shape():
    assert tuple(SHAPED) == shacl.codes()


@pytest.mark.parametrize("code", SHAPED)
def test_rules_and_shapes_agree_on_the_faults(code, tmp_path):
    looked = 0
    for seed in range(60):
        folder = tmp_path / str(seed)
        folder.mkdir()
        found = both(code, FAULTS, folder, seed)
        if found:
            rules, shapes = found
            assert code in rules and shapes <= rules and rules - shapes <= PARTIAL
            looked += code in shapes
        if looked == 2:
            return
    pytest.fail("no folder in which a shape found it")


@pytest.mark.parametrize("code", SHAPED)
def test_rules_and_shapes_agree_on_the_near_misses(code, tmp_path):
    found = next(found for seed in range(60) if (found := both(code, GOOD, _made(tmp_path / str(seed)), seed)))
    assert found[0] == found[1] and code not in found[1]


def _made(folder):
    folder.mkdir()
    return folder


def test_the_shapes_pass_on_clean_histories():
    for seed in range(5):
        told = flattened(combined_document(history(seed, 8, clean=True))[0])
        assert shacl.broken(told) == []


def test_the_shapes_look_at_something():
    told = flattened(combined_document(history(3, 8))[0])
    assert {code for code, _ in shacl.broken(told)} >= {"dirty-code", "params-incomplete"}
    assert all(str(node).startswith("https://w3id.org/lineage-prov/id/") for _, node in shacl.broken(told)) and LIN["Session"]


def test_a_finding_of_a_shape_is_not_told_twice(tmp_path):
    history(1, 7, folder=tmp_path, clean=True)
    FAULTS["dirty-code"](random.Random(1), tmp_path)
    assert len(lineage.audit(tmp_path, shapes=True).findings) == 1


def test_without_pyshacl_the_flag_says_what_to_install(tmp_path, monkeypatch):
    history(1, 2, folder=tmp_path, clean=True)
    monkeypatch.setitem(__import__("sys").modules, "pyshacl", None)
    with pytest.raises(UsageError, match=r"lineage-prov\[audit\]"):
        list(shacl.findings(World.of(tmp_path, lineage.audit(tmp_path).world.how, lineage.audit(tmp_path).world.now)))
