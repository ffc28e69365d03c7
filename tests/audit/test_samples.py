"""An audit of the samples finds what was forged in them, and nothing else; what is recorded in them can be checked out."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import lineage
from lineage.cli import main

ROOT = Path(__file__).parent.parent.parent
SAMPLE, AUDIT = ROOT / "artifacts" / "sample", ROOT / "artifacts" / "sample-audit"
FORGED = {
    ("altered-file", "evaluation_sft.json"),
    ("altered-file", "sft_training_data.jsonl"),
    ("metric-differs", "evaluation_sft.json"),
    ("missing-file", "evaluation_base.json"),
    ("not-as-signed", "evaluation_base.json"),
    ("not-as-signed", "evaluation_sft.json"),
    ("not-as-signed", "sft_training_data.jsonl"),
}


def places(folder, **options):
    return {(one.code, one.file) for one in lineage.audit(folder, **options).findings}


@pytest.mark.parametrize("graphs", [None, ROOT / "graphs" / "sample"], ids=["folder", "with its graphs"])
def test_nothing_is_wrong_with_the_sample(graphs):
    assert places(SAMPLE, graphs=graphs) == set()


def test_nothing_is_wrong_with_the_signed_sample():
    assert places(AUDIT / "intact", key=AUDIT / "sample.pub") == set()


def test_exactly_what_was_forged_is_found():
    told = places(AUDIT / "forged", key=AUDIT / "sample.pub")
    assert {one for one in told if one[0] != "prov-stale"} == FORGED
    assert {file for code, file in told if code == "prov-stale"} <= {path.name for path in (AUDIT / "forged").glob("session_2*")}


def test_the_signatures_of_the_sample_hold(capsys):
    assert main(["verify", str(AUDIT / "intact"), "--key", str(AUDIT / "sample.pub")]) == 0
    assert main(["verify", str(AUDIT / "forged"), "--key", str(AUDIT / "sample.pub")]) == 4
    printed = "".join(capsys.readouterr())
    assert "sft_accuracy: 0.75 was recorded, 0.95 stands in the file" in printed
    heads = set(re.findall(r"head: ([0-9a-f]{64})", printed))
    page = (ROOT / "docs" / "how-to" / "sign-and-verify.md").read_text()
    assert heads == set(re.findall(r"head: ([0-9a-f]{64})", page.partition("## What was forged here?")[2]))


def test_the_files_of_the_sample_are_intact_after_a_copy(tmp_path):
    folder = shutil.copytree(SAMPLE, tmp_path / "copy")
    assert main(["verify", *map(str, sorted(folder.glob("*.jsonl")))]) == 0


def test_the_commit_of_the_sample_is_in_the_history_of_a_full_clone():
    (manifest,) = SAMPLE.glob("session_manifest_*.json")
    code = json.loads(manifest.read_text())["environment"]
    known = subprocess.run(["git", "cat-file", "-t", code["git_sha"]], cwd=ROOT, capture_output=True, text=True, check=False)
    if known.returncode and _is_partial():
        pytest.skip("the history is not here")
    assert known.stdout.strip() == "commit"
    assert code["git_dirty"] is False


def _is_partial():
    """Return whether this is no clone, or one without its history."""
    shallow = subprocess.run(["git", "rev-parse", "--is-shallow-repository"], cwd=ROOT, capture_output=True, text=True, check=False)
    return shallow.stdout.strip() != "false"
