"""SARIF as code scanning reads it: paths from the root of the repository, and a fingerprint for each result that a moved line keeps."""

import json
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest

import lineage
from lineage.auditing import machines

SCHEMA = json.loads((Path(__file__).parent / "sarif" / "sarif-2.1.0.json").read_text())
LINES = ('{"a": 1}\n', "[]\n", "[]\n", "oops\n", '{"b": 1, "b": 2}\n')


def folder_in(place, lines=LINES):
    place.mkdir(parents=True)
    (place / "a b.jsonl").write_text("".join(lines))
    return place


def log_of(folder):
    log = machines.sarif(lineage.audit(folder))
    jsonschema.Draft202012Validator(SCHEMA).validate(log)
    return log["runs"][0]


def marks(folder):
    return [one["partialFingerprints"]["lineage/v2"] for one in log_of(folder)["results"]]


@pytest.mark.parametrize("where", ["", "exp/artifacts", "a b/ü"])
@pytest.mark.parametrize("kind", ["repository", "work tree", "no repository"])
def test_every_path_leads_from_its_base_to_the_file(tmp_path, where, kind):
    root = tmp_path / "root"
    root.mkdir()
    folder = folder_in(root / where / "f")
    if kind == "repository":
        subprocess.run(["git", "init", "-q", str(root)], check=True)
    if kind == "work tree":
        (root / ".git").write_text("gitdir: /elsewhere\n")
    run = log_of(folder)
    assert run["results"]
    for one in run["results"]:
        location = one["locations"][0]["physicalLocation"]["artifactLocation"]
        base = run["originalUriBaseIds"][location["uriBaseId"]]["uri"]
        assert base.endswith("/")
        assert location["uriBaseId"] == ("FOLDER" if kind == "no repository" else "%SRCROOT%")
        assert Path(unquote(urlsplit(base + location["uri"]).path)) == folder / "a b.jsonl"
        assert kind == "no repository" or unquote(location["uri"]) == f"{where}/f/a b.jsonl".lstrip("/")


def test_fingerprints_are_distinct_and_the_same_in_every_run(tmp_path):
    folder = folder_in(tmp_path / "f")
    assert len(set(marks(folder))) == len(marks(folder)) >= 4
    assert marks(folder) == marks(folder)
    assert marks(folder) == marks(folder_in(tmp_path / "g"))


def test_a_line_that_moves_keeps_its_fingerprint(tmp_path):
    before = folder_in(tmp_path / "f")
    after = folder_in(tmp_path / "g", ('{"new": 1}\n', *LINES))
    of_lines = {
        one
        for one, row in zip(marks(before), log_of(before)["results"], strict=True)
        if "region" in row["locations"][0]["physicalLocation"]
    }
    assert of_lines
    assert of_lines <= set(marks(after))
