"""Values of any kind, from the user's call to every file that tells of them."""

import decimal
import json
import math
from pathlib import Path

import numpy as np
import prov.model
import pytest
import rdflib
from hypothesis import given
from hypothesis import strategies as st

import lineage
from lineage.auditing.reports import by_name
from lineage.cli import main
from lineage.contract import manifest, report
from lineage.contract.plain import NOT_FINITE
from lineage.contract.strict import loads

GIVEN = {"loader_version": "a" * 40, "template_disabled": True, "model_name": "tiny", "quantization": "fp32", "sentinel_tests_passed": True, "add_special_tokens": False}  # fmt: skip
NAN, INF = float("nan"), float("inf")


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("held_out.jsonl").write_text('{"q": 1}\n')
    return tmp_path


def evaluated(summary, results=({"answer": "x"},)):
    """The folder of a session that measured this; the evaluation as its manifest tells it, and its report."""
    with lineage.session("artifacts") as session:
        load = session.model_load(GIVEN)
        with session.evaluation(model=load, dataset="held_out.jsonl", params={"seed": 1, "do_sample": False}) as run:
            path = run.report("evaluation_x.json", summary=summary, results=list(results))
    read, findings = manifest.read(session.manifest)
    assert findings == []
    (run,) = (one for one in read.activities if one.id == run.id)
    return run, json.loads(path.read_text())


SUMMARIES = {
    "numbers": ({"acc": 0.5, "n": 3}, {"acc": 0.5, "n": 3}, {}),
    "not finite": (
        {"acc": 0.5, "loss": NAN, "ppl": INF, "least": -INF},
        {"acc": 0.5, "loss": None, "ppl": None, "least": None},
        {"loss": NOT_FINITE, "ppl": NOT_FINITE, "least": NOT_FINITE},
    ),
    "not finite, of numpy": ({"a": np.float32("nan"), "b": np.float64("inf"), "c": decimal.Decimal("NaN")}, {"a": None, "b": None, "c": None}, {"a": NOT_FINITE, "b": NOT_FINITE, "c": NOT_FINITE}),
    "nested": ({"gsm8k": {"exact_match": 0.6, "by": {"level": 1}}}, {"gsm8k.exact_match": 0.6, "gsm8k.by.level": 1}, {}),
    "nested, not finite": ({"gsm8k": {"exact_match": NAN}}, {"gsm8k.exact_match": None}, {"gsm8k.exact_match": NOT_FINITE}),
    "numbers of numpy": ({"a": np.float32(0.5), "b": np.int64(3), "c": np.array(0.25)}, {"a": 0.5, "b": 3, "c": 0.25}, {}),
    "no numbers": (
        {"a": "N/A", "b": None, "c": True, "d": [0.1, 0.2], "e": {"alias": "x"}, "f": 1j},
        {},
        {"a": "not a number", "b": "no value was given", "c": "not a number", "d": "not a number", "e.alias": "not a number", "f": "JSON cannot hold a complex"},
    ),
    "one name twice": ({"a": {"b": 1}, "a.b": 2}, {"a.b": 1}, {"a.b": "two values have this name; the first is kept"}),
    "nothing": ({}, {}, {}),
}  # fmt: skip


@pytest.mark.parametrize(("summary", "metrics", "reasons"), SUMMARIES.values(), ids=SUMMARIES.keys())
def test_a_metric_is_kept_or_its_gap_says_why(work, summary, metrics, reasons):
    run, told = evaluated(summary)
    assert run.metrics == metrics
    assert {gap.about: gap.reason for gap in run.gaps} == {f"summary.{name}": reason for name, reason in reasons.items()}
    assert told["summary"].keys() == summary.keys()


@pytest.mark.parametrize("summary", [one[0] for one in SUMMARIES.values()], ids=SUMMARIES.keys())
def test_our_own_report_is_never_a_finding(work, summary, capsys):
    evaluated(summary)
    main(["audit", "artifacts", "--json"])
    found = {one["code"] for one in json.loads(capsys.readouterr().out)["findings"]}
    assert not found & {"bad-report", "metric-differs", "altered-file", "prov-malformed"}


def test_a_metric_without_a_value_is_in_the_graph_with_its_reason(work, capsys):
    evaluated({"acc": 0.5, "loss": NAN})
    (path,) = Path("artifacts").glob("session_2*.ttl")
    graph = rdflib.Graph().parse(path)
    lin = rdflib.Namespace(next(iri for prefix, iri in graph.namespaces() if prefix == "lin"))
    told = {str(graph.value(metric, lin.measure)): metric for metric in graph.subjects(rdflib.RDF.type, lin.Metric)}
    value = rdflib.PROV.value
    assert graph.value(told["acc"], value).toPython() == 0.5
    assert graph.value(told["loss"], value) is None
    assert str(graph.value(told["loss"], lin.gap)) == f"summary.loss: {NOT_FINITE}"
    assert main(["validate", str(path)]) == 0
    capsys.readouterr()
    main(["ask", "reports", "--in", "artifacts"])
    out = capsys.readouterr().out
    assert "loss" in out
    assert "acc" in out


def test_a_number_of_the_report_that_was_changed_is_still_found(work, capsys):
    evaluated({"gsm8k": {"exact_match": 0.6}, "loss": NAN})
    path = Path("artifacts/evaluation_x.json")
    for old, new in (("0.6", "0.9"), ('"loss": null', '"loss": 0.1')):
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        main(["audit", "artifacts"])
        assert "metric-differs" in capsys.readouterr().out
        path.write_text(text)


def test_what_is_null_in_the_results_is_told_once_for_each_reason(work):
    rows = [{"p": NAN, "o": None}, {"p": INF, "o": object()}, {"p": 0.5, "o": object()}]
    run, told = evaluated({"acc": 1}, rows)
    assert told["results"] == [{"p": None, "o": None}, {"p": None, "o": None}, {"p": 0.5, "o": None}]
    assert {gap.about: gap.reason for gap in run.gaps} == {
        "results[0].p": f"{NOT_FINITE}, and 1 more values",
        "results[1].o": "JSON cannot hold a object, and 1 more values",
    }


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters() | st.characters(categories=["Cs"]), max_size=5)
summaries = st.dictionaries(st.text(max_size=3), st.recursive(values, lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3) | st.lists(inner, max_size=3), max_leaves=8), max_size=4)  # fmt: skip


@given(summaries)
def test_every_value_of_a_summary_is_a_metric_or_a_gap_and_a_reader_of_the_report_finds_the_same(summary):
    metrics, gaps = report.metrics_of(summary)
    text = report.build(summary, [], {})
    read, findings = report.read(text, "r.json")
    assert findings == []
    assert report.problems(loads(text)[0]) == []
    numbers = {name: value for name, value in read.summary.items() if value is not None}
    assert {name: value for name, value in metrics.items() if value is not None} == numbers
    without = {name for name, value in metrics.items() if value is None}
    assert without <= read.summary.keys()
    reasons = {gap.about for gap in gaps}
    for name, value in by_name(json.loads(text)["summary"]).items():
        assert name in metrics or any(about.startswith(f"summary.{name}") for about in reasons), (name, value)
    for value in metrics.values():
        assert value is None or math.isfinite(value)


# --- text that has no UTF-8

LONE = "\udcff"
PLACES = {
    "a parameter": {"params": {"stop": LONE}},
    "a list among the parameters": {"params": {"stop": [LONE, {"a": LONE}]}},
    "the name of a parameter": {"params": {LONE: 1}},
    "the provenance": {"provenance": {**GIVEN, "model_name": LONE}},
    "a key of the provenance": {"provenance": {**GIVEN, f"k{LONE}": {LONE: LONE}}},
    "the title": {"title": LONE},
    "a metric": {"summary": {LONE: 0.5, "a": {LONE: NAN}}},
    "a text of the summary": {"summary": {"a": LONE}},
    "a result": {"results": [{LONE: LONE, "p": NAN}]},
    "the name of a data set": {"dataset_name": LONE},
    "the kind of a transformation": {"kind": LONE, "command": ("cat", LONE)},
    "a record": {"record": {LONE: LONE, "text": "a"}},
    "everywhere": {"params": {LONE: LONE}, "provenance": {**GIVEN, "model_name": LONE}, "title": LONE, "summary": {LONE: 1}, "record": {"a": LONE}},
}  # fmt: skip


def recorded(provenance=GIVEN, params=None, title=None, summary=None, results=(), dataset_name="d", kind="filter", command=(), record=None):
    with lineage.session("artifacts", title=title) as session:
        load = session.model_load(provenance)
        with session.generation(model=load, params={"seed": 1, **(params or {})}) as run, run.records("out.jsonl") as out:
            for seed in (1, 2):
                out.write(record or {"text": "a"}, generation_params={"seed": seed})
        with session.transformation(kind, inputs=["artifacts/out.jsonl"], command=command) as run, run.records("kept.jsonl") as out:
            for line in Path("artifacts/out.jsonl").read_text().splitlines():
                out.write(json.loads(line))
        with session.evaluation(model=load, dataset="held_out.jsonl", dataset_name=dataset_name, params={"seed": 1}) as run:
            run.report("evaluation_x.json", summary=summary or {"acc": 1}, results=results)
    return session


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_a_lone_surrogate_ends_no_run_and_every_file_is_well_formed(work, place, capsys):
    session = recorded(**place)
    assert main(["export", "artifacts"]) == 0
    assert len(Path("artifacts/out.jsonl").read_text().splitlines()) == 2
    for path in [path for path in Path().rglob("*") if path.is_file() and path.suffix != ".index"]:
        text = path.read_bytes().decode("utf-8")
        if path.suffix == ".json":
            json.loads(text)
        if path.suffix in (".ttl", ".trig"):
            rdflib.Dataset().parse(data=text, format=path.suffix[1:])
        if path.name.endswith(".prov.json"):
            prov.model.ProvDocument.deserialize(content=text, format="json")
    read, findings = manifest.read(session.manifest)
    assert findings == []
    (run,) = (one for one in read.activities if one.id in Path("artifacts/out.jsonl").read_text() and one.made)
    assert run.params == {"seed": 1, **place.get("params", {})}
    assert read.title == place.get("title")
    capsys.readouterr()
    for command in (["audit", "artifacts", "--json"], ["why", "artifacts/out.jsonl:1"], ["ask", "reports", "--in", "artifacts"], ["session", "list", "artifacts"]):  # fmt: skip
        main(command)
        assert "Traceback" not in capsys.readouterr().err


def test_integers_of_any_size_are_the_same_in_record_slice_and_manifest(work):
    session = recorded(params={"big": 10**30})
    (line, _) = Path("artifacts/out.jsonl").read_text().splitlines()
    assert json.loads(line)["metadata"]["generation_params"]["big"] == 10**30
    entry = next(one for one in json.loads(session.manifest.read_text())["artifacts_generated"] if one["file"] == "out.jsonl")
    assert entry["slices"][0]["metadata"]["generation_params"] == {"big": 10**30}
