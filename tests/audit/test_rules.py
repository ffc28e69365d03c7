"""Every rule finds its fault wherever chance puts it, tells a near miss from it, and raises nothing on folders in which nothing went wrong."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from faults import FAULTS, GOOD, Disk, asked, sign_all
from histories import history

import lineage
from lineage import findings
from lineage.auditing.rules import CODES, ELSEWHERE, RULES

SLOW = {"line-too-long"}  # once, and not at random
NOW_AND_THEN = 6  # folders for each rule; in all 250 and more


def folders(path, *, sessions=7, start=0):
    """Clean folders, one after the other, each with what chance needs."""
    for seed in range(start, start + 400):
        folder = path / str(seed)
        folder.mkdir()
        history(seed, sessions, folder=folder, clean=True)
        yield seed, folder


def codes(folder):
    return {one.code for one in lineage.audit(folder, **asked(folder)).findings}


def injected(code, table, path, many):
    """*many* folders that had a place for the fault, which then was put there."""
    found = 0
    for seed, folder in folders(path, start=sum(map(ord, code))):
        if table[code](random.Random(seed), folder):
            found += 1
            yield folder
        if found == many:
            return


@pytest.mark.parametrize("code", sorted(FAULTS))
def test_a_fault_is_found_wherever_it_is(code, tmp_path):
    caught = [code in codes(folder) for folder in injected(code, FAULTS, tmp_path, 1 if code in SLOW else NOW_AND_THEN)]
    assert len(caught) == (1 if code in SLOW else NOW_AND_THEN) and all(caught)


@pytest.mark.parametrize("code", sorted(GOOD))
def test_a_near_miss_is_no_fault(code, tmp_path):
    found = [codes(folder) for folder in injected(code, GOOD, tmp_path, 2)]
    assert len(found) == 2 and not any(code in one for one in found)


def test_every_rule_has_a_good_and_a_bad_fixture():
    every = {check.code for check in RULES}
    by_replay = {"replay-differs"}  # needs a model: tests/models/test_replay_sample.py
    assert every - by_replay <= set(FAULTS)
    assert set(FAULTS) == set(GOOD)
    assert set(FAULTS) - every == {"prov-22"}


def test_there_is_one_table_of_codes():
    assert {check.code for check in RULES} | set(ELSEWHERE) == set(findings.RULES) and set(FAULTS) <= CODES
    assert all(rule.title and rule.hint and rule.why for rule in findings.RULES.values())
    assert len({check.code for check in RULES}) == len(RULES)


@pytest.mark.slow
def test_five_hundred_clean_folders_raise_nothing(tmp_path):
    for seed in range(500):
        folder = tmp_path / str(seed)
        folder.mkdir()
        history(seed, 4, folder=folder, clean=True)
        envelopes = sign_all(Disk(random.Random(seed), folder)) if seed % 4 == 0 else ()
        report = lineage.audit(folder, **asked(folder))
        assert not envelopes or dict(report.checked)["signatures"] == len(envelopes)
        assert report.remarks == () and report.code() == 0 and dict(report.checked)["records"] > 0


def test_the_page_of_the_rules_is_made_from_the_rows():
    root = Path(__file__).parent.parent.parent
    made = subprocess.run([sys.executable, str(root / "scripts" / "audit-rules")], capture_output=True, text=True, check=True).stdout
    assert made == (root / "docs" / "reference" / "audit-rules.md").read_text()


def spelled(manifest, code):
    """The manifest with something that is no commit, or with a file twice under two spellings."""
    if code == "unknown-commit":
        manifest["environment"]["git_sha"] = "unknown"
    else:
        first = manifest["artifacts_generated"][0]
        manifest["artifacts_generated"].append({**first, "file": f"./{first['file']}"})
    return manifest


@pytest.mark.parametrize("code", ["unknown-commit", "listed-twice"])
def test_what_is_only_spelled_otherwise_is_found(tmp_path, code):
    history(3, 6, folder=tmp_path, clean=True)
    assert code not in codes(tmp_path)
    path = next(path for path in sorted(tmp_path.glob("session_manifest_*.json")) if json.loads(path.read_text())["artifacts_generated"])
    path.write_text(json.dumps(spelled(json.loads(path.read_text()), code)))
    assert code in {one.code for one in lineage.audit(tmp_path).findings}
