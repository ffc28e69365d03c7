"""Files of other tools are named with their format; times that the graph cannot hold are a finding and a gap; one fault is one finding."""

import json

import handmade
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lineage
from lineage.cli import main
from lineage.contract.records import scan
from lineage.contract.times import check_time, time_gaps, xsd_time
from lineage.contract.unnamed import MOST_FILES, is_of_another_tool, kind_of, unnamed

FOREIGN = {
    "results_2025-10-04T12-00-00.json": ("{}", "lm-evaluation-harness results"),
    "out.json": ('{"results": {}, "lm_eval_version": "0.4"}', "lm-evaluation-harness results"),
    "log.json": ('{"version": 2, "eval": {}, "plan": {}}', "Inspect log"),
    "log.eval": ("PK", "Inspect log"),
    "mlruns/0/meta.yaml": ("a: 1", "MLflow"),
    "wandb/run-1/files/wandb-summary.json": ("{}", "Weights & Biases"),
    "run-1.wandb": ("x", "Weights & Biases"),
    "adapter_config.json": ("{}", "PEFT adapter"),
    "model/adapter_model.safetensors": ("x", "PEFT adapter"),
    "README.md": ("# card", "card"),
    "ro-crate-metadata.json": ("{}", "RO-Crate"),
    "croissant.json": ("{}", "Croissant"),
    "anything.json": ('{"a": 1}', "JSON of an unknown kind"),
    "broken.json": ("{", "JSON of an unknown kind"),
}


def put(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_another_tool_is_named_by_audit_export_and_why(tmp_path, name, capsys):
    folder = tmp_path / "f"
    with lineage.session(folder, title="one"):
        pass
    text, kind = FOREIGN[name]
    path = put(folder, name, text)
    assert kind_of(folder, name) == kind
    rows = lineage.audit(folder).audited["files_not_checked"]
    assert {"file": name, "why": f"{kind}: lineage does not read this format, and no session names it"} in rows
    main(["export", str(folder), "--json"])
    told = capsys.readouterr()
    assert {"file": name, "format": kind} in json.loads(told.out)["not_read"]
    assert f"not read: {name}: {kind}" in told.err
    assert main(["why", str(path), "--in", str(folder)]) == 3
    assert f"the file is there ({kind}), and none of 1 session" in capsys.readouterr().err


def test_what_a_session_names_is_not_among_them(tmp_path):
    folder = tmp_path / "f"
    with (
        lineage.session(folder) as session,
        session.generation(params={"seed": 1}) as run,
        run.records("samples_2025-10-04T12-00-00.jsonl") as out,
    ):
        out.write({"instruction": "a"})
    assert not [file for file, kind in unnamed(folder, {"samples_2025-10-04T12-00-00.jsonl"}) if is_of_another_tool(kind)]
    assert not [row for row in lineage.audit(folder).audited["files_not_checked"] if row["file"].startswith("samples")]


def test_a_folder_of_any_number_of_files_is_listed_within_a_bound(tmp_path, monkeypatch):
    monkeypatch.setattr("lineage.contract.unnamed.MOST_FILES", 10)
    for number in range(30):
        put(tmp_path, f"d{number % 3}/{number}.txt", "")
    assert len(list(unnamed(tmp_path, ()))) == 11
    assert MOST_FILES >= 1000


# --- times


@given(st.datetimes())
def test_the_basic_form_is_the_same_time_as_the_extended(when):
    basic, extended = when.strftime("%Y%m%dT%H%M%SZ"), when.strftime("%Y-%m-%dT%H:%M:%SZ")
    if when.year >= 1000:
        assert xsd_time(basic) == xsd_time(extended)
        assert check_time(basic) == check_time(extended)
        assert check_time(basic[:-1]) == "naive-time"


@pytest.mark.parametrize("text", ["20251304T120000Z", "20251004T250000Z", "2025100T120000Z", "20251004120000Z", "20251004T12Z"])
def test_what_only_looks_like_the_basic_form_is_none(text):
    assert check_time(text) == "bad-time"


def test_a_time_that_the_graph_cannot_hold_is_a_gap():
    told = list(time_gaps(started_at="2025-10-04T12:00:00", ended_at="2025-10-04T12:00:00Z", other=None, wrong="noon"))
    assert [(one.about, one.reason) for one in told] == [
        ("started_at", "2025-10-04T12:00:00 has no UTC offset"),
        ("wrong", "noon is not ISO 8601"),
    ]


def test_naive_times_are_a_finding_of_an_export_and_a_gap_in_the_graph(tmp_path, capsys):
    times = {"started_at": "2025-10-04T12:00:00", "ended_at": "2025-10-04T13:00:00"}
    entry = {"file": "a.txt", "type": "other", "count": None, "timestamp": "2025-10-04T12:30:00"}
    run = {"id": "a" * 32, "type": "generation", **times, "params": {"seed": 1}}
    manifest = {"session_id": "s1", **times, "status": "completed", "activities": [run], "artifacts_generated": [entry]}
    put(tmp_path, "a.txt", "x")
    put(tmp_path, "session_manifest_s1.json", json.dumps(manifest))
    assert main(["export", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("the time has no UTC offset") == 5
    turtle = (tmp_path / "session_s1.ttl").read_text()
    assert turtle.count("12:00:00 has no UTC offset") == 2
    assert "12:30:00 has no UTC offset" in turtle
    report = lineage.audit(tmp_path)
    assert sum(one.code == "naive-time" for one in report.findings) == 5
    assert {one.session for one in report.open if one.finding.code == "naive-time"} == {"s1"}


@pytest.mark.parametrize("value", [1759579200, 1.5, True, [], {}], ids=repr)
def test_a_time_of_a_record_that_is_no_text_is_a_finding_for_each_line(tmp_path, value):
    row = handmade.files()["sft.jsonl"][0]
    row["metadata"]["timestamp"] = value
    path = put(tmp_path, "a.jsonl", f"{json.dumps(row)}\n" * 5)
    found = [one.line for one in scan(path, "a.jsonl").findings if one.code == "bad-time"]
    assert found == [1, 2, 3, 4, 5]


# --- shapes of files


ROWS = [{"instruction": f"q{n}", "nested": {"a": [1, 2]}, "text": "a ] } {"} for n in range(40)]
ONE_VALUE = {
    "indented": json.dumps(ROWS, indent=2),
    "indented by tabs": json.dumps(ROWS, indent="\t"),
    "a row a line": "[" + ",\n".join(map(json.dumps, ROWS)) + "]\n",
    "a row a line, opened alone": "[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n",
    "one object": json.dumps({"rows": ROWS}, indent=2),
    "blank in front": "[ \n" + ",\n".join(map(json.dumps, ROWS)) + "\n]",
}


@pytest.mark.parametrize("name", ONE_VALUE)
def test_one_json_value_over_many_lines_is_one_finding_with_the_cure(tmp_path, name):
    path = put(tmp_path, "a b.jsonl", ONE_VALUE[name])
    found = scan(path, "a b.jsonl").findings
    assert [one.code for one in found] == ["not-json"]
    assert "jq -c" in found[0].message
    assert "'a b.jsonl'" in found[0].message


def test_lines_that_end_with_a_carriage_return_alone_are_one_finding(tmp_path):
    path = put(tmp_path, "a.jsonl", "")
    path.write_bytes("\r".join(map(json.dumps, ROWS)).encode())
    found = scan(path, "a.jsonl").findings
    assert [one.code for one in found] == ["not-json"]
    assert "carriage return" in found[0].message


@pytest.mark.parametrize("text", ['[1, 2]\n{"a": 1}\n{"b": 2}\n', '{"a": 1}\n[\n{"b": 1}\n', '{"a"\n{"b": 1}\n{"c": 1}\n'])
def test_a_broken_line_among_records_is_told_as_a_line(tmp_path, text):
    found = scan(put(tmp_path, "a.jsonl", text), "a.jsonl", legacy=True).findings
    assert found
    assert all(one.line for one in found)
