"""Rows of other tools that a transformation of ours filtered: their origin is recorded for the file."""

import json
from pathlib import Path

import pytest

import lineage

ROWS = {
    "crawl": lambda n: {"text": f"{n}", "metadata": {"url": f"http://example.org/{n}", "dump": "CC-MAIN"}},
    "tracking": lambda n: {"text": f"{n}", "metadata": {"run_id": f"{n:032x}", "experiment": "1"}},
    "text": lambda n: {"text": f"{n}", "metadata": "from a book"},
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_rows_of_others_pass_through_a_filter_and_the_audit(tmp_path, monkeypatch, rows):
    monkeypatch.chdir(tmp_path)
    Path("crawl.jsonl").write_text("".join(json.dumps(rows(n)) + "\n" for n in range(4)))
    with lineage.session("artifacts") as session:
        with session.transformation("filter", inputs="crawl.jsonl") as run, run.records("kept.jsonl") as out:
            for line in Path("crawl.jsonl").read_text().splitlines()[::2]:
                out.write(json.loads(line))
    assert [json.loads(line) for line in Path("artifacts/kept.jsonl").read_text().splitlines()] == [rows(0), rows(2)]
    codes = {one.code for one in lineage.audit("artifacts").findings}
    assert "no-metadata" not in codes
    assert "bad-metadata" not in codes


def test_a_record_without_metadata_among_ours_is_still_an_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with lineage.session("artifacts") as session:
        with session.generation(params={"seed": 1}) as run, run.records("made.jsonl") as out:
            out.write({"n": 1})
        made = json.loads(Path("artifacts/made.jsonl").read_text())
        with session.transformation("merge", inputs="artifacts/made.jsonl") as run, run.records("merged.jsonl") as out:
            out.write(made)
            out.write({"n": 2, "metadata": {"url": "http://example.org"}})
    assert "no-metadata" in {one.code for one in lineage.audit("artifacts").findings}


def test_rows_of_ours_and_of_others_are_merged_without_an_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("crawl.jsonl").write_text(json.dumps(ROWS["crawl"](1)) + "\n")
    with lineage.session("artifacts") as session:
        with session.generation(params={"seed": 1}) as run, run.records("made.jsonl") as out:
            out.write({"n": 1})
        with session.transformation("merge", inputs=["artifacts/made.jsonl", "crawl.jsonl"]) as run, run.records("merged.jsonl") as out:
            for name in ("artifacts/made.jsonl", "crawl.jsonl"):
                for line in Path(name).read_text().splitlines():
                    out.write(json.loads(line))
    codes = {one.code for one in lineage.audit("artifacts").findings}
    assert "no-metadata" not in codes
    assert "bad-metadata" not in codes
