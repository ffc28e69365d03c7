"""The demo runs a real model; what the metadata says of it is what it is."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lineage

pytest.importorskip("torch", reason="pip install 'lineage-prov[models]'")
pytest.importorskip("transformers", reason="pip install 'lineage-prov[models]'")

from lineage.cli import main
from lineage.folder import gathered
from lineage.models import demo, tiny

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


TEXTS = ["What is 2 + 3?", "Name the capital of France."]


def test_two_builds_are_the_same_bytes(tmp_path):
    first = tiny.build(tmp_path / "a", TEXTS)
    code = f"from pathlib import Path; from lineage.models import tiny; tiny.build(Path({str(tmp_path / 'b')!r}), {TEXTS!r})"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert {path.name: path.read_bytes() for path in first.iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "b").iterdir()
    }


@pytest.mark.skipif(not shutil.which("jq"), reason="install jq")
def test_the_commands_of_the_contract_print_what_they_should(tmp_path):
    session = demo.run(tmp_path / "artifacts", None, records=3)
    shell = [
        "jq '.metadata.provenance' artifacts/sft_training_data_*.jsonl | head -1",
        "jq '.metadata.provenance' artifacts/evaluation_*.json | head -1",
        "ls artifacts/session_manifest_*.json",
    ]
    shown = [subprocess.run(["bash", "-c", line], cwd=tmp_path, check=True, capture_output=True, text=True).stdout for line in shell]
    assert shown == ["{\n", "{\n", f"artifacts/session_manifest_{session.id}.json\n"]
    record = json.loads(next((tmp_path / "artifacts").glob("sft_*.jsonl")).read_text().splitlines()[0])
    assert record["completion"] == f" {record['response']}\nEND" and record["metadata"]["generation_params"]["seed"] == 42
    report = json.loads(next((tmp_path / "artifacts").glob("evaluation_*.json")).read_text())
    assert report["metadata"]["dataset"]["size"] == 12 and len(report["results"]) == 12
    assert not gathered(tmp_path / "artifacts")[1] and (tmp_path / "graphs" / "lineage.svg").is_file()


def test_the_tiny_model_never_overwrites_another_folder(tmp_path):
    (tmp_path / "x").write_text("mine")
    with pytest.raises(tiny.UsageError, match="something else"):
        tiny.build(Path(tmp_path), [])


def test_the_demo_names_each_forgery_with_what_rests_on_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--records", "3"]) == 0
    said = capsys.readouterr().out
    report = next(Path("artifacts").glob("evaluation_*.json")).name
    records = next(Path("artifacts").glob("sft_training_data_*.jsonl")).name
    assert re.search(rf"^{records}: .*line 2 changed$", said, re.MULTILINE) and f"records of {records}" in said
    assert re.search(rf"^{report}: a number differs .*0\.99", said, re.MULTILINE)
    assert re.search(
        r"^inputs/held_out\.jsonl: the manifest names a file that is gone.* inputs/held_out_easier\.jsonl$", said, re.MULTILINE
    )
    assert not list(Path("artifacts").rglob("*easier*")), "the demo forges a copy"
    of_the_checkout = {"dirty-code", "unknown-commit"}  # where the tests run in a tree with changes, or in none
    assert {one.code for one in lineage.audit("artifacts").findings} - of_the_checkout == set()
