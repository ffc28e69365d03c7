"""A folder becomes PROV: the same bytes each time, valid names, nothing invented, and bad input only costs itself."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import prov
import pytest
import rdflib
from lxml import etree
from prov.model import ProvDocument

import lineage
import lineage.export
from lineage import formats, mapping
from lineage.capture import files
from lineage.cli import main
from lineage.export import combined_document, export_folder, session_document, written_as
from lineage.facts import Artifact, Session, Transformation
from lineage.folder import gathered, read_folder
from lineage.mapping.cycles import without_cycles
from lineage.mapping.names import Ids
from lineage.prov.document import flattened, same
from lineage.prov.statement import Name, statement
from lineage.prov.terms import ACTIVITY, ENTITY, PROV, RELATIONS, TIMES

PROVENANCE = {
    "loader_version": "a" * 40, "template_disabled": True, "model_name": "tiny", "quantization": "nf4", "sentinel_tests_passed": True, "add_special_tokens": False,
}  # fmt: skip
ROOT = Path(__file__).parent.parent.parent
SCHEMAS = Path(prov.__file__).parent / "tests" / "schemas"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with two sessions that use one data set."""
    base = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(base)
        Path("prompts.jsonl").write_text('{"instruction": "a"}\n')
        Path("model.safetensors").write_bytes(b"weights")
        Path("train.py").write_text("pass")
        for n in range(2):
            with lineage.session("artifacts", title=f"stage {n}", script="train.py", operator=True) as session:
                load = session.model_load(PROVENANCE, files=["model.safetensors"])
                with session.generation(model=load, prompts=["prompts.jsonl"], params={"seed": 42, "odd key %>": [1, 2]}) as run:
                    with run.records(f"sft_{n}.jsonl") as out:
                        out.write({"response": f"{n}"})
                with session.transformation("filter", inputs=[f"sft_{n}.jsonl"]) as run, run.records(f"filtered_{n}.jsonl") as out:
                    out.write(json.loads(Path(f"artifacts/sft_{n}.jsonl").read_text()))
                with session.training(model=load, datasets=[f"filtered_{n}.jsonl"], params={"lr": 1e-3}) as run:
                    Path(f"artifacts/adapter_{n}").mkdir()
                    Path(f"artifacts/adapter_{n}/adapter.safetensors").write_text(f"{n}")
                    run.output(f"adapter_{n}", type="model")
                with session.evaluation(model=load, dataset="prompts.jsonl", params={"seed": 1}) as run:
                    run.report(f"evaluation_{n}.json", summary={"accuracy": 0.5 + n / 10}, results=[])
    return base


@pytest.fixture
def folder(made, tmp_path):
    """A copy of it that a test may spoil."""
    shutil.copytree(made / "artifacts", tmp_path / "artifacts")
    return tmp_path / "artifacts"


def digests(place):
    return {path.name: path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


def test_exporting_twice_gives_the_same_bytes(folder):
    export_folder(folder)
    first = digests(folder.parent)
    for path in folder.glob("*.ttl"):
        path.unlink()
    export_folder(folder)
    assert digests(folder.parent) == first


def test_the_order_of_sessions_does_not_matter(folder):
    sessions = [one for _, one in gathered(folder)[0]]
    forward, backward = combined_document(sessions)[0], combined_document(sessions[::-1])[0]
    assert all(formats.dumps(forward, name) == formats.dumps(backward, name) for name in ("json", "trig", "nquads"))


def test_one_data_set_in_two_sessions_is_one_node(folder):
    export_folder(folder)
    graph = rdflib.Graph().parse(folder.parent / "graphs" / "lineage.ttl")
    found = set(graph.subjects(rdflib.URIRef(PROV + "atLocation"), rdflib.Literal("../prompts.jsonl")))
    assert len(found) == 1 and "file-sha256-" in str(found.pop())


def test_all_formats_are_written_on_request_and_prov_reads_each(folder):
    done = export_folder(folder, only=tuple(formats.FORMATS))
    documents = combined_document([one for _, one in gathered(folder)[0]])[0]
    for path in done.files:
        if path.parent.name == "graphs":
            name = "json" if path.suffix == ".json" else formats.by_path(path).name
            expected = flattened(documents) if name == "turtle" else documents
            assert same(formats.loads(path.read_bytes(), name), expected), name


def test_prov_json_and_json_ld_and_xml_pass_the_schemas_that_prov_ships(folder):
    document = combined_document([one for _, one in gathered(folder)[0]])[0]
    schema = json.loads((SCHEMAS / "prov-json.schema.json").read_text())
    jsonschema.Draft4Validator(schema).validate(json.loads(formats.dumps(document, "json")))
    ld = json.loads((SCHEMAS / "prov-jsonld.schema.json").read_text())
    linked = json.loads(formats.dumps(document, "jsonld"))
    # The schema knows the submission's context by its URL only; ours stands in the file, to be read offline.
    linked["@context"] = [
        part if all(isinstance(iri, str) for iri in part.values()) else "https://openprovenance.org/prov-jsonld/context.jsonld"
        for part in linked["@context"]
    ]
    jsonschema.Draft7Validator(ld).validate(linked)
    etree.XMLSchema(etree.parse(SCHEMAS / "prov.xsd")).assertValid(etree.fromstring(formats.dumps(document, "xml")))


def all_statements(folder):
    document = combined_document([one for _, one in gathered(folder)[0]])[0].read()
    return [*document.statements, *(one for bundle in document.bundles for one in bundle.statements)]


def test_every_id_in_a_relation_is_defined(folder):
    said = all_statements(folder)
    defined = {one.id for one in said if one.term.is_element}
    named = {
        arg
        for one in said
        if not one.term.is_element
        for name, arg in zip(one.term.args, one.args, strict=True)
        if arg and name not in TIMES
    }
    assert named and named <= defined


def test_roles_stand_on_relations_only_and_only_reserved_attributes_of_prov_are_used(folder):
    for one in all_statements(folder):
        own = {name.removeprefix(PROV) for name, _ in one.attributes if name.startswith(PROV)}
        assert own <= ({"type", "label", "location", "value"} if one.term.is_element else {"type", "role"})


def test_activities_have_formal_times_with_offsets(folder):
    activities = [one for one in all_statements(folder) if one.term.name == "activity"]
    timed = [time for one in activities for time in one.args if time]
    assert timed and all(time.endswith("+00:00") for time in timed)


def test_types_are_names_and_numbers_are_typed(folder):
    for one in all_statements(folder):
        for name, value in one.attributes:
            if name == PROV + "type":
                assert type(value).__name__ == "Name"
            elif name.endswith(("#count", "#bytes", "seed", "#value")) and name != PROV + "value":
                assert value.datatype.endswith(("integer", "double"))


def test_one_activity_a_call_and_an_exchange_behind_every_communication(folder):
    said = all_statements(folder)
    assert len([one for one in said if (PROV + "type", "https://w3id.org/lineage-prov/ns#Generation") in one.attributes]) == 2
    used = {(one.args[0], one.args[1]) for one in said if one.term.name == "used"}
    generated = {(one.args[1], one.args[0]) for one in said if one.term.name == "wasGeneratedBy"}
    for one in (one for one in said if one.term.name == "wasInformedBy"):
        assert any((one.args[0], entity) in used for run, entity in generated if run == one.args[1])


def test_the_record_file_knows_its_run_its_model_and_its_script(folder):
    export_folder(folder)
    graph = rdflib.Graph().parse(folder.parent / "graphs" / "lineage.ttl")
    rows = graph.query(
        """PREFIX prov: <http://www.w3.org/ns/prov#> PREFIX lin: <https://w3id.org/lineage-prov/ns#>
        SELECT DISTINCT ?file ?quantization ?script { ?file a lin:RecordFile ; prov:wasGeneratedBy ?run . ?run prov:used ?model ; prov:wasAssociatedWith ?agent .
        ?model lin:quantization ?quantization . ?agent a lin:Script ; <http://www.w3.org/2000/01/rdf-schema#label> ?script }"""
    )
    assert {(str(row.quantization), str(row.script)) for row in rows} == {("nf4", "train.py")} and len(list(rows)) == 2


def broken(folder, name):
    first = sorted(folder.glob("session_manifest_*.json"))[0]
    match name:
        case "truncated-line":
            (folder / "x.jsonl").write_text('{"a": 1, "metadata": {"provenance": {}}}\n{"a": 1, "meta')
        case "not-json":
            (folder / "x.jsonl").write_text("{'a': 1}\n")
        case "no-metadata":
            (folder / "x.jsonl").write_text('{"a": 1}\n')
        case "missing-file":
            (folder / "sft_0.jsonl").unlink()
        case "altered-file":
            (folder / "sft_0.jsonl").write_text("{}\n")
        case "duplicate-key":
            (folder / "x.jsonl").write_text('{"a": 1, "a": 2}\n')
        case "not-finite":
            (folder / "x.jsonl").write_text('{"a": NaN}\n')
        case "not-utf8":
            (folder / "x.jsonl").write_bytes(b'{"a": "\xff"}\n')
        case "outside-folder":
            first.write_text(
                first.read_text()
                .replace('"file": "sft_0.jsonl"', '"file": "../../etc/passwd"')
                .replace('"file": "sft_1.jsonl"', '"file": "../../etc/passwd"')
            )
        case "bad-manifest":
            first.write_text(first.read_text().replace('"count": 1', '"count": "one"'))
        case "line-too-long":
            (folder / "x.jsonl").write_text('{"a": "' + "x" * 5000 + '"}\n')


@pytest.mark.parametrize("code", ["truncated-line", "not-json", "no-metadata", "missing-file", "altered-file", "duplicate-key", "not-finite", "not-utf8", "outside-folder", "bad-manifest", "line-too-long"])  # fmt: skip
def test_bad_input_is_a_finding_and_the_rest_is_exported(folder, code, capsys, monkeypatch):
    monkeypatch.setattr("lineage.contract.lines.MAX_LINE", 4000)
    monkeypatch.setattr("lineage.contract.lines.STRETCH", 4000)
    broken(folder, code)
    before = {name: data for name, data in digests(folder).items() if not name.endswith((".ttl", ".prov.json", ".index"))}
    assert main(["export", str(folder)]) == 1
    shown = capsys.readouterr()
    assert code in {one.code for one in gathered(folder)[1]} and "Traceback" not in shown.err
    assert (folder.parent / "graphs" / "lineage.trig").stat().st_size > 10_000
    assert {name: data for name, data in digests(folder).items() if not name.endswith((".ttl", ".prov.json", ".index"))} == before


def test_a_finding_names_file_line_and_what_to_do(folder, capsys):
    (folder / "x.jsonl").write_text('{"a": 1, "metadata": {"provenance": {"model_name": "m"}}}\n{"a": 1}\n')
    main(["export", str(folder)])
    assert "x.jsonl:2: the record has no metadata (run with --legacy to accept it as unrecorded)" in capsys.readouterr().err


def test_inline_metadata_alone_is_inferred_and_a_file_without_is_legacy(folder, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(folder / "sft_0.jsonl", alone)
    shutil.copy(folder / "evaluation_0.json", alone)
    (alone / "old.jsonl").write_text('{"a": 1}\n')
    done = export_folder(alone, legacy=True)
    text = next(path for path in done.files if path.suffix == ".ttl").read_text()
    assert not done.findings and "lin:Inferred" in text and "lin:Legacy" in text and "lin:Session" not in text
    assert "startedAtTime" not in text, "nobody recorded when it began"


def cycle():
    """A became B, and B became A again."""
    one, other = (Artifact(path=f"{name}.jsonl", type="dataset", sha256=name * 64) for name in "ab")
    runs = (Transformation(id="1", used=(one,), made=(other,)), Transformation(id="2", used=(other,), made=(one,)))
    return Session(id="s", manifest="m", activities=runs)


def test_a_circle_of_derivations_is_left_out_and_told():
    document, findings = without_cycles(mapping.document(cycle()))
    left = [one for one in document.read().statements if one.term.name == "wasDerivedFrom"]
    assert [one.code for one in findings] == ["derivation-cycle"] and not left


def test_a_circle_of_derivations_costs_the_exit_code(folder, capsys):
    manifest = sorted(folder.glob("session_manifest_*.json"))[0]
    written = json.loads(manifest.read_text())
    files = {"file": "../a", "sha256": "a" * 64}, {"file": "../b", "sha256": "b" * 64}
    for run, (used, other) in zip("xy", (files, files[::-1]), strict=True):
        written["activities"].append({"id": run, "type": "transformation", "used": [used], "generated": [{"file": other["file"]}]})
    written["artifacts_generated"] += [dict(one, type="dataset") for one in files]
    manifest.write_text(json.dumps(written))
    assert main(["export", str(folder)]) == 1
    assert "circle" in capsys.readouterr().err


def test_the_base_of_identifiers_can_be_chosen(folder):
    export_folder(folder, ids=Ids(mapping.names.Namespace("https://lab.example/id/")))
    assert "@prefix id: <https://lab.example/id/>" in (folder.parent / "graphs" / "lineage.trig").read_text()


def test_one_document_goes_to_stdout(folder, capfdbinary):
    assert main(["export", str(folder), "--format", "json", "--output", "-"]) == 0
    assert ProvDocument.deserialize(content=capfdbinary.readouterr().out.decode(), format="json").bundles


@pytest.mark.parametrize(("argv", "code"), [(["export", "no such folder"], 3), (["exprt"], 2), (["export", "--format", "rdf", "."], 2), (["export", ".", "--session", "x"], 3)])  # fmt: skip
def test_exit_codes_say_what_is_wrong(argv, code, capsys):
    assert main(argv) == code and "Traceback" not in capsys.readouterr().err


def test_run_wraps_a_script_that_knows_nothing_of_us(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    Path("in.txt").write_text("x")
    Path("s.py").write_text(
        "import pathlib; pathlib.Path('artifacts/out.txt').write_text(pathlib.Path('in.txt').read_text()); raise SystemExit(7)"
    )
    assert main(["run", "--input", "in.txt", "--output", "artifacts/out.txt", "--", sys.executable, "s.py"]) == 7
    written = json.loads(next(Path("artifacts").glob("session_manifest_*.json")).read_text())
    (run,) = written["activities"]
    assert run["exit_code"] == 7 and run["used"][0]["sha256"] and run["generated"][0]["file"] == "out.txt" and written["status"] == "failed"


def test_the_relations_of_prov_dm_are_fourteen_and_a_note():
    assert len(RELATIONS) == 15


def test_import_is_light():
    code = "import sys, lineage; lineage.session; print(sorted({'torch','transformers','rdflib','networkx','pyoxigraph','prov','lxml'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_the_committed_sample_is_what_export_makes_today(tmp_path):
    for name in ("artifacts", "graphs"):
        shutil.copytree(
            ROOT / name / "sample", tmp_path / name / "sample", ignore=shutil.ignore_patterns("*.prov.json", "*.ttl", "*.svg", "*.trig")
        )
    export_folder(tmp_path / "artifacts" / "sample", graphs=tmp_path / "graphs" / "sample")
    made = [
        path
        for name in ("artifacts", "graphs")
        for path in (tmp_path / name).rglob("*")
        if path.suffix in (".json", ".ttl", ".trig", ".svg")
    ]
    assert len(made) > 6 and [path.name for path in made if path.read_bytes() != (ROOT / path.relative_to(tmp_path)).read_bytes()] == []


def test_a_manifest_without_a_status_is_given_none(tmp_path, capsys):
    fixed = {"session_id": "s1", "environment": {}, "loader_config": {}, "artifacts_generated": []}
    (tmp_path / "session_manifest_s1.json").write_text(json.dumps(fixed))
    (session,) = (one for _, one in gathered(tmp_path)[0])
    assert session.status is None and b"lin:status" not in formats.dumps(mapping.document(session), "turtle")
    assert main(["session", "list", str(tmp_path)]) == 0 and "-" in capsys.readouterr().out


def test_a_hostile_name_reaches_no_terminal(tmp_path, capsys):
    for n, name in enumerate(("\x1b[31mred\nnext", "\ud800", "nu\x00l")):
        (tmp_path / f"session_manifest_{n}.json").write_text(json.dumps({"session_id": name, "title": name}))
    assert main(["session", "list", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert shown.count("\n") == 3 and all(letter.isprintable() for letter in shown.replace("\n", ""))


def test_each_session_is_written_as_it_is_alone_also_where_two_folders_hold_one_id(made, tmp_path):
    for place in ("a", "b"):
        shutil.copytree(made / "artifacts", tmp_path / place, ignore=shutil.ignore_patterns("*.ttl", "*.prov.json"))
    told = json.loads((manifest := min((tmp_path / "b").glob("session_manifest_*.json"))).read_text())
    manifest.write_text(json.dumps(told | {"title": "the same id, another session"}))
    export_folder(tmp_path, recursive=True)
    for place in ("a", "b"):
        for one in read_folder(tmp_path / place)[0]:
            expected = formats.dumps(session_document(one), "turtle")
            assert (tmp_path / "graphs" / place / written_as(one)["turtle"]).read_bytes() == expected


def test_an_invalid_session_is_not_written_and_the_rest_is(made, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "artifacts"
    shutil.copytree(made / "artifacts", folder, ignore=shutil.ignore_patterns("*.ttl", "*.prov.json"))
    (folder / "session_manifest_bad.json").write_text(json.dumps({"session_id": "bad"}))
    real, thing = lineage.mapping.statements, Name("http://example.org/x")

    def told(session, ids=None):
        """A bug of ours, for one session: something is both an entity and an activity."""
        both = (statement(ENTITY, thing), statement(ACTIVITY, thing)) if session.id == "bad" else ()
        return real(session, ids) + both

    monkeypatch.setattr(lineage.mapping, "statements", told)
    assert main(["export", str(folder)]) == 5
    shown = capsys.readouterr().err
    assert "constraint 55 (entity-activity-disjoint)" in shown and "--allow-invalid" in shown and not list(folder.glob("session_bad*"))
    assert len(list(folder.glob("session_*.ttl"))) == 2 and (tmp_path / "graphs" / "lineage.trig").is_file()
    one = ["export", str(folder), "--session", "bad", "--format", "turtle", "--output", str(tmp_path / "x.ttl")]
    assert main(one) == 5 and not (tmp_path / "x.ttl").exists()
    assert main(["export", str(folder), "--allow-invalid"]) == 5 and list(folder.glob("session_bad*.ttl"))


def test_an_unknown_format_is_a_wrong_call(made, capsys):
    assert main(["export", str(made / "artifacts"), "--format", "nope"]) == 2 and "turtle" in capsys.readouterr().err


def test_an_export_rechecks_when_asked(tmp_path, monkeypatch):
    """A cache that lies is believed until --recheck; then the altered file is found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINEAGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(files, "SETTLED", -1.0)
    with lineage.session("artifacts", export=False) as session:
        Path("artifacts/weights").write_bytes(b"x" * files.CACHED_FROM)
        made = session.artifact("weights")
    Path("artifacts/weights").write_bytes(b"y" * files.CACHED_FROM)
    files.digest(Path("artifacts/weights"))
    files.Kept.of(Path("artifacts/weights"), "digest").write(f"{made.sha256} {files.CACHED_FROM}".encode())
    assert main(["export", "artifacts"]) == 0 and main(["export", "artifacts", "--recheck"]) == 1


def test_records_of_a_file_that_a_later_session_only_used_still_say_who_made_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with lineage.session("first", export=False) as session, session.generation(params={"seed": 1}) as run, run.records("x.jsonl") as out:
        out.write({"a": 1})
    Path("artifacts").mkdir()
    Path("artifacts/x.jsonl").write_bytes(Path("first/x.jsonl").read_bytes())
    Path("artifacts/plain.jsonl").write_text('{"a": 1}\n')
    with lineage.session("artifacts", export=False) as session:
        with session.training(datasets=["artifacts/x.jsonl", "artifacts/plain.jsonl"]):
            pass
    placed, findings = gathered(Path("artifacts"))
    (inferred,) = [one for _, one in placed if one.manifest is None]
    assert [one.path for one in inferred.artifacts] == ["x.jsonl"] and inferred.artifacts[0].slices[0].run_id and not findings
