"""Metadata of other tools are not ours: rows of theirs are legacy records, with and without the kernel."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.cli import main
from lineage.contract import records, report
from lineage.contract.lines import Stretch
from lineage.contract.metadata import CONFIRMING, PROVENANCE, is_ours
from lineage.contract.records import Reading
from lineage.folder import gathered
from lineage.kernel import kernel

GIVEN = {"loader_version": "a" * 40, "template_disabled": True, "model_name": "m", "quantization": "nf4", "sentinel_tests_passed": True, "add_special_tokens": False}  # fmt: skip
RUN, UUID = "0123456789abcdef" * 2, "01234567-89ab-cdef-0123-456789abcdef"
SESSION = "20260101T000000Z-0123456789ab"

FOREIGN = {
    "empty": {},
    "a crawl": {"url": "http://x", "licence": "cc", "dump": "CC-MAIN-2024-10", "token_count": 7},
    "nested": {"source": {"url": "http://x", "spans": [[0, 7], {"label": None}]}},
    "a text": "http://x",
    "a list": ["http://x"],
    "a number": 7,
    "MLflow": {"run_id": RUN, "experiment_id": "0"},
    "MLflow, short": {"run_id": "abc", "user_id": "ada"},
    "LangChain": {"run_id": UUID, "session_id": UUID, "ls_model_name": "gpt"},
    "LangSmith": {"run_id": UUID, "session_id": "default", "thread_id": "7", "revision_id": "ab12cd3-dirty"},
    "a number of a run": {"run_id": 7},
    "dolma": {"provenance": "cc_en_head-0001.json.gz:12", "length": 5},
    "a provenance of another kind": {"provenance": {"source": "wikipedia", "created": {"by": "x"}}},
    "a provenance as a list": {"provenance": [{"model_name": "gpt"}]},
    "distilabel": {"distilabel_metadata": {"raw_output_0": "x"}, "model_name": "gpt", "generation_params": {"temperature": 1}},
    "Argilla": {"provenance": None, "metadata_id": "x", "script_name": "load.py"},
    "OpenAI": {"user": "ada", "timestamp": "2026-01-01T00:00:00", "session_id": "s"},
    "our words without a run": {"script_name": "x.py", "script_version": None, "generation_params": {}, "record_index": 1},
}
OURS = {
    "ours": {"provenance": GIVEN, "run_id": RUN, "session_id": SESSION, "record_index": 0},
    "the contract's four keys": {"provenance": GIVEN, "script_version": "b" * 40, "generation_params": {}, "timestamp": "2026-01-01T00:00:00+00:00"},
    "one key of the provenance": {"provenance": {"loader_version": None}},
    "run and index alone": {"run_id": RUN, "record_index": 3},
    "provenance lost": {"session_id": SESSION, "run_id": RUN, "record_index": 0, "generation_params": {"seed": 1}},
    "provenance a text": {"provenance": "mine", "run_id": RUN, "record_index": 0},
    "provenance a text, run spelled anew": {"provenance": "mine", "run_id": UUID, "record_index": 0, "script_name": "x.py"},
    "run a number": {"run_id": 7, "session_id": SESSION, "record_index": 0},
}  # fmt: skip


@pytest.mark.parametrize("metadata", FOREIGN.values(), ids=FOREIGN.keys())
def test_metadata_of_another_tool_are_not_ours(metadata):
    assert not is_ours(metadata)


@pytest.mark.parametrize("metadata", OURS.values(), ids=OURS.keys())
def test_metadata_of_ours_are_ours_even_when_they_are_damaged(metadata):
    assert is_ours(metadata)


def row(metadata, n=0):
    return json.dumps({"text": f"row {n}", "metadata": metadata}) + "\n"


@pytest.fixture(params=["kernel", "python"])
def scan(request, monkeypatch, tmp_path):
    if request.param == "python":
        monkeypatch.setattr(records, "kernel", None)
    elif kernel is None:
        pytest.skip("the kernel is not there")

    def scanned(text, **options):
        path = tmp_path / "x.jsonl"
        path.write_text(text)
        return records.scan(path, "x.jsonl", **options)

    return scanned


@pytest.mark.parametrize("metadata", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_file_of_such_rows_is_legacy_with_one_finding(scan, metadata):
    found = scan("".join(row(metadata, n) for n in range(250)))
    assert (found.count, found.recorded, found.slices) == (250, 0, ())
    assert [(one.code, one.line) for one in found.findings] == [("no-metadata", None)]
    assert "of ours" in found.findings[0].message
    assert scan(row(metadata), legacy=True).findings == ()


@pytest.mark.parametrize("metadata", FOREIGN.values(), ids=FOREIGN.keys())
def test_among_records_of_ours_each_such_row_is_named(scan, metadata):
    ours, theirs = row(OURS["ours"]), row(metadata)
    found = scan(ours * 3 + theirs * 2 + ours + theirs + ours)
    assert (found.count, found.recorded) == (8, 5)
    assert [(one.code, one.line) for one in found.findings] == [("no-metadata", 4), ("no-metadata", 5), ("no-metadata", 7)]
    assert {bool(one.metadata): one.lines for one in found.slices} == {True: ((1, 3), (6, 6), (8, 8)), False: ((4, 5), (7, 7))}


def test_rows_without_metadata_are_not_said_to_be_of_another_tool(scan):
    assert "of ours" not in scan('{"a": 1}\n{"a": 1, "metadata": null}\n').findings[0].message


def test_records_that_lost_their_provenance_are_a_finding_of_their_own(scan):
    assert {one.code for one in scan(row(OURS["provenance lost"])).findings} == {"bad-metadata"}


keys = st.sampled_from(["provenance", "run_id", *CONFIRMING, "timestamp", "tokens", "previous", "url", *PROVENANCE])
leaves = st.sampled_from([None, True, 3, 0.5, "x", RUN, UUID, SESSION, "2026-01-01T00:00:00+00:00", [], [1], {}, GIVEN, {"model_name": 1}, {"seed": 1}, {"source": {"model_name": "x"}}])  # fmt: skip
metadata = st.dictionaries(keys, leaves, max_size=6) | leaves


@pytest.mark.skipif(kernel is None, reason="the kernel is not there")
@given(st.lists(metadata, min_size=1, max_size=8))
def test_the_kernel_and_python_agree_on_whose_metadata_they_are(every):
    data = "".join(row(one) for one in every for _ in range(2)).encode()
    with_kernel = Reading()
    with_kernel.take(Stretch(data, 0))
    without = Reading(_matcher=None)
    without.take(Stretch(data, 0))
    assert with_kernel.part.dumps() == without.part.dumps()


@pytest.mark.skipif(kernel is None, reason="the kernel is not there")
def test_rows_of_other_tools_are_not_parsed_one_by_one(monkeypatch):
    reading = Reading()
    monkeypatch.setattr(Reading, "_parsed", lambda *_: pytest.fail("a line was parsed"))
    rows = [
        row({**dict(list(one.items())[n % 2 :]), "n": n})
        for n in range(50)
        for one in FOREIGN.values()
        if isinstance(one, dict) and len(one) < 4
    ]
    reading.take(Stretch("".join(rows).encode(), 0))
    assert reading.part.foreign == reading.part.count == len(rows)


def test_a_folder_of_them_has_no_activity_and_no_status(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "crawl"
    folder.mkdir()
    for n, one in enumerate(FOREIGN.values()):
        (folder / f"{n}.jsonl").write_text(row(one) * 3)
    (folder / "evaluation_x.json").write_text('{"summary": {"acc": 0.5}, "metadata": {"run_id": "abc"}, "results": []}')
    ((_, session),), findings = gathered(folder)
    assert session.activities == ()
    assert session.status is None
    assert {one.type for one in session.artifacts} == {"legacy"}
    assert {one.code for one in findings} == {"no-metadata"}
    assert len(findings) == len(FOREIGN) + 1
    main(["session", "list", "crawl"])
    assert "running" not in capsys.readouterr().out
    main(["export", "crawl"])
    text = (folder / "session_unrecorded.ttl").read_text()
    assert "lin:Generation" not in text
    assert "lin:Evaluation" not in text
    assert main(["report", "--in", "crawl", "--profile", "methods"]) in (0, 1)
    assert "generated" not in capsys.readouterr().out


def test_a_report_of_another_tool_is_read_without_its_metadata():
    read, wrong = report.read(b'{"summary": {"acc": 0.5}, "metadata": {"provenance": "x", "timestamp": "noon"}, "results": []}', "r.json")
    assert read.metadata == {}
    assert wrong == []
