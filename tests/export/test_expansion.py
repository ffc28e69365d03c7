"""Single records as PROV: a stream that says what the records say, valid, and the same in every format."""

import io
import json
from pathlib import Path

import prov
import pytest
import rdflib
from hypothesis import given
from hypothesis import strategies as st
from prov.model import ProvDocument

import lineage
from lineage import expansion, formats
from lineage.cli import main
from lineage.constraints import validate
from lineage.contract.metadata import ours
from lineage.contract.strict import loads
from lineage.contract.times import xsd_time
from lineage.expansion import Expansion
from lineage.expansion.rows import record_of, seed_of, time_of
from lineage.export import export_records, records_document
from lineage.folder import gathered
from lineage.integrity.lines import metadata_of
from lineage.prov.document import same
from lineage.prov.terms import DERIVATION, ENTITY, GENERATION

PROVENANCE = {"loader_version": "a" * 40, "template_disabled": True, "model_name": "tiny", "quantization": "nf4"}


@pytest.fixture
def work(tmp_path, monkeypatch):
    """30 records with and without seeds and two temperatures; then a filter that carries each third on and adds one of its own."""
    monkeypatch.chdir(tmp_path)
    with lineage.session("artifacts", title="generate", export=False) as session:
        load = session.model_load(PROVENANCE)
        with session.generation(model=load, params={"temperature": 0.7}) as run, run.records("all.jsonl") as out:
            for n in range(30):
                own = {"seed": n} if n % 2 else None
                out.write({"n": n}, generation_params={"temperature": 0.1, **(own or {})} if n % 5 == 0 else own)
    with lineage.session("artifacts", title="filter", export=False) as session:
        with session.transformation("filter", inputs=["artifacts/all.jsonl"]) as run, run.records("kept.jsonl") as out:
            for line in Path("artifacts/all.jsonl").read_text().splitlines()[::3]:
                out.write(json.loads(line))
            out.write({"n": "new"})
    return Path("artifacts")


def expansions(folder, **more):
    return {one.title: Expansion(place, one, **more) for place, one in gathered(folder)[0]}


def records_of(document):
    whole = document.read()
    return [one for one in whole.statements if one.term is ENTITY and "-L" in one.id and "-slice-" not in one.id], whole


def test_each_record_is_an_entity_with_its_line_and_seed_generated_by_its_run(work):
    document = records_document(expansions(work)["generate"])
    records, whole = records_of(document)
    seeds = {}
    for one in records:
        about = {name.rpartition("#")[2]: value for name, value in one.attributes}
        seeds[int(about["line"].lexical)] = about["seed"].lexical if "seed" in about else None
    assert seeds == {n + 1: str(n) if n % 2 else None for n in range(30)}
    times = {json.loads(line)["metadata"]["timestamp"] for line in (work / "all.jsonl").read_text().splitlines()}
    told = {one.args[2] for one in whole.statements if one.term is GENERATION and one.args[0] in {r.id for r in records}}
    assert told == times


def test_a_carried_record_is_derived_from_its_origin_and_not_dated_by_the_run_that_carried_it(work):
    document = records_document(expansions(work)["filter"])
    records, whole = records_of(document)
    derived = {one.args[0].rpartition("-L")[2]: one.args[1].rpartition("-L")[2] for one in whole.statements if one.term is DERIVATION and one.args[0] in {r.id for r in records}}  # fmt: skip
    assert derived == {str(n + 1): str(3 * n + 1) for n in range(10)}
    generated = {one.args[0]: one.args[2] for one in whole.statements if one.term is GENERATION}
    assert len(records) == 11
    assert all(generated[one.id] is None for one in records if one.id.rpartition("-L")[2] in derived)


@pytest.mark.parametrize("title", ["generate", "filter"])
def test_every_format_holds_the_stream_and_it_is_valid(work, title):
    one = expansions(work)[title]
    assert not list(validate(records_document(one).read(), "x"))
    for name in ("json", "turtle", "nquads", "trig"):
        out = io.BytesIO()
        formats.dump(records_document(one), out, name)
        assert same(formats.loads(out.getvalue(), name), records_document(one).read()), name


def test_what_prov_and_rdflib_read_of_the_files_is_what_we_wrote(work):
    done = export_records(work)
    assert len(done.files) == 4 and not done.findings
    for path in done.files:
        if path.suffix == ".json":
            document = ProvDocument.deserialize(path, format="json")
            found = [
                one
                for one in document.get_records(prov.model.ProvEntity)
                if "-L" in str(one.identifier) and "slice" not in str(one.identifier)
            ]
        else:
            graph = rdflib.Graph().parse(path)
            kind = rdflib.URIRef("https://w3id.org/lineage-prov/ns#Record")
            found = list(graph.subjects(rdflib.RDF.type, kind))
        expected = 30 if len(found) > 11 else 11
        assert len(found) == expected


def test_a_range_of_one_file_is_expanded(work, capsysbinary):
    assert main(["export", str(work / "all.jsonl"), "--records", "5-7", "--format", "json", "--output", "-"]) == 0
    said = json.loads(capsysbinary.readouterr().out)
    lines = sorted(name.rpartition("-L")[2] for name in said["entity"] if "-L" in name and "slice" not in name)
    assert lines == ["5", "6", "7"]
    for wrong in ("0", "x", "3-x", "-3"):
        assert main(["export", str(work / "all.jsonl"), f"--records={wrong}", "--format", "json", "--output", "-"]) == 2


def test_an_altered_file_is_not_expanded(work):
    path = work / "all.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"n":7', b'"n":8'))
    done = export_records(work)
    assert {one.code for one in done.findings} == {"altered-file"}
    assert main(["export", str(work), "--records"]) == 1


def test_many_batches_of_many_shapes_say_the_same(work, monkeypatch):
    whole = records_document(expansions(work)["generate"]).read()
    monkeypatch.setattr(expansion, "ROWS", 2)
    assert same(records_document(expansions(work)["generate"]).read(), whole)
    monkeypatch.setattr(expansion, "HELD", 3)
    assert same(records_document(expansions(work)["generate"]).read(), whole)


@given(st.one_of(st.text(max_size=40), st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(\+00:00|Z|-05:30)?", fullmatch=True)))
def test_the_fast_look_at_a_time_never_disagrees_with_the_slow_one(text):
    assert time_of(text) == xsd_time(text)


@given(st.text(max_size=60) | st.recursive(st.none() | st.integers() | st.floats() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.sampled_from(["metadata", "provenance", "model_name", "generation_params", "seed", "a"]), v), max_leaves=8).map(json.dumps))  # fmt: skip
def test_the_fast_look_at_a_line_never_disagrees_with_the_full_parse(text):
    data = text.encode("utf-8", "surrogatepass")
    value, _ = loads(data)
    metadata = value.get("metadata") if isinstance(value, dict) else None
    found = metadata_of(record_of(data, 2) or {})
    expected = ours(metadata)
    assert seed_of(found) == seed_of(expected) and found.keys() == expected.keys()
