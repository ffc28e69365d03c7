"""What a picture shows and what it leaves out: sessions, rows of sessions, hubs, parts, findings."""

import json
from pathlib import Path

import pytest
from documents import documents
from histories import history
from hypothesis import given, settings

import lineage
from lineage.draw import model
from lineage.draw.compose import compose
from lineage.draw.page import page
from lineage.draw.picture import find
from lineage.draw.rows import SHOWN
from lineage.draw.view import HUB, LEGIBLE, Around, Wish, view
from lineage.errors import NotFoundError, UsageError
from lineage.export import combined_document
from lineage.findings import Finding
from lineage.folder import gathered
from lineage.prov.document import Bundle, Document
from lineage.prov.statement import Name, literal, statement
from lineage.prov.terms import ACTIVITY, ASSOCIATION, DERIVATION, ENTITY, GENERATION, PROV, USAGE

PROVENANCE = {"loader_version": "a" * 40, "template_disabled": True, "model_name": "tiny", "quantization": "nf4"}
EX = "http://example.org/"


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Records, an adapter trained on them, and a report on the adapter: three sessions that only files tie together."""
    base = tmp_path_factory.mktemp("chain")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(base)
        Path("prompts.jsonl").write_text('{"instruction": "a"}\n')
        Path("held_out.jsonl").write_text('{"instruction": "b"}\n')
        Path("model.safetensors").write_bytes(b"weights")
        with lineage.session("artifacts", title="generate") as session:
            load = session.model_load(PROVENANCE, files=["model.safetensors"])
            with session.generation(model=load, prompts=["prompts.jsonl"]) as run, run.records("data.jsonl") as out:
                out.write({"response": "x"})
        with lineage.session("artifacts", title="train") as session:
            load = session.model_load(PROVENANCE, files=["model.safetensors"])
            with session.training(model=load, datasets=["data.jsonl"]) as run:
                Path("artifacts/adapter").mkdir()
                Path("artifacts/adapter/adapter.safetensors").write_text("tuned")
                run.output("adapter", type="model")
        with lineage.session("artifacts", title="evaluate") as session:
            load = session.model_load(PROVENANCE, files=["artifacts/adapter/adapter.safetensors"])
            with session.evaluation(model=load, dataset="held_out.jsonl") as run:
                run.report("evaluation.json", summary={"accuracy": 0.5}, results=[])
        return model(combined_document(one for _, one in gathered(Path("artifacts"))[0])[0].read())


def labels(made, items):
    count = len(made.nodes)
    return {made.nodes[item].label if item < count else made.groups[item - count].label for item in items}


def test_a_report_leads_back_to_the_prompts_through_a_file_of_the_adapter(chain):
    seen = view(chain, Wish(around=Around(find(chain, "evaluation.json"))))
    assert {"evaluation.json", "adapter", "train", "data.jsonl", "generate", "prompts.jsonl"} <= labels(chain, seen.items)
    assert "evaluation.json" in labels(chain, view(chain, Wish(around=Around(find(chain, "prompts.jsonl"), direction="future"))).items)


def test_a_depth_of_two_is_what_is_two_relations_away(chain):
    seen = view(chain, Wish(around=Around(find(chain, "evaluation.json"), depth=1)))
    assert labels(chain, seen.items) == {"evaluation.json", "evaluate held_out"}


def test_sessions_have_frames_and_hold_what_they_made(chain):
    placed = compose(chain, view(chain, Wish()))
    assert {chain.groups[n].label for n in placed.frames} == {"generate", "train", "evaluate"}
    for item, (x, y) in placed.centres.items():
        group = chain.nodes[item].group
        if group is not None:
            left, top, width, height = placed.frames[group]
            assert left < x < left + width and top < y < top + height


def test_a_closed_session_is_one_box_that_tells_what_it_did(chain):
    seen = view(chain, Wish(sessions="none"))
    boxes = [chain.groups[item - len(chain.nodes)].box for item in seen.items if item >= len(chain.nodes)]
    assert sorted((box.label, box.lines[0]) for box in boxes) == [
        ("evaluate", "evaluation"),
        ("generate", "generation"),
        ("train", "training"),
    ]


def test_the_usage_of_a_part_is_not_drawn_where_the_whole_is_used(chain):
    weights = {n for n, node in enumerate(chain.nodes) if node.label == "model.safetensors"}
    told = [one.is_told for one in chain.relations if one.term == "used" and one.target in weights]
    assert told and all(told)


def many(sessions, most=5):
    return model(combined_document(history(3, sessions=sessions, most=most))[0].read())


def test_sessions_are_open_while_all_is_legible_and_closed_beyond():
    few, several = many(5), many(40)
    assert view(few, Wish()).open and not view(several, Wish()).open
    assert len(view(few, Wish()).items) <= LEGIBLE < len(view(several, Wish(sessions="all", limit=10_000)).items)


def test_earlier_sessions_stand_in_rows_and_the_latest_on_their_own():
    made = many(260)
    rows = [n for n, one in enumerate(made.groups) if one.kind == "sessions"]
    assert rows and all(made.groups[n].parent is None or made.groups[n].parent > n for n in range(len(made.groups)))
    alone = [one for one in made.groups if one.kind in ("session", "bundle") and one.parent is None]
    assert len(alone) == SHOWN and max(one.time for one in made.groups if one.parent is not None) <= min(one.time for one in alone)


def test_what_many_sessions_use_has_no_lines_and_says_how_many_use_it():
    made = many(30)
    seen = view(made, Wish())
    assert seen.quiet and min(seen.quiet.values()) > HUB
    assert not [edge for edge in seen.edges if edge[0] in seen.quiet or edge[1] in seen.quiet]


def test_files_without_a_manifest_have_a_frame_of_their_own():
    groups = [one for one in many(30).groups if one.kind == "bundle"]
    assert groups and all(one.label == "files without a manifest" for one in groups)


def test_a_bundle_of_somebody_else_is_a_frame():
    inside = (statement(ENTITY, Name(EX + "e")), statement(GENERATION, None, Name(EX + "e"), Name(EX + "a")))
    other = (statement(ENTITY, Name(EX + "f")), statement(DERIVATION, None, Name(EX + "f"), Name(EX + "e")))
    made = model(Document({}, (), [Bundle(Name(EX + "one"), inside), Bundle(Name(EX + "two"), other)]))
    assert [one.kind for one in made.groups] == ["bundle", "bundle"] and len(compose(made, view(made, Wish())).frames) == 2


def test_a_derivation_that_a_run_tells_is_not_drawn_twice():
    e, f, a = (Name(EX + name) for name in "efa")
    told = [statement(GENERATION, None, f, a), statement(USAGE, None, a, e), statement(DERIVATION, None, f, e)]
    made = model(Document({}, told))
    assert sorted(one.term for one in made.relations if not one.is_told) == ["used", "wasGeneratedBy"]
    assert [one.term for one in model(Document({}, told[2:])).relations if not one.is_told] == ["wasDerivedFrom"]


def test_a_plan_is_a_configuration_that_is_drawn_when_it_is_asked_for():
    a, g, p = (Name(EX + name) for name in "agp")
    plan = statement(ENTITY, p, attributes=[(Name(PROV + "type"), Name(PROV + "Plan"))])
    made = model(Document({}, [statement(ACTIVITY, a), plan, statement(ASSOCIATION, None, a, g, p)]))
    assert [len(view(made, wish).items) for wish in (Wish(), Wish(configurations=True), Wish(agents=True, configurations=True))] == [
        1,
        2,
        3,
    ]
    assert {one.term for one in made.relations} == {"wasAssociatedWith", "hadPlan"}


def test_a_finding_belongs_to_the_file_or_the_ids_that_it_names():
    e = statement(ENTITY, Name(EX + "e"), attributes=[(Name(PROV + "location"), literal("data.jsonl"))])
    found = [Finding("data.jsonl", 3, "not-json", "x"), Finding("nowhere", None, "not-json", "y")]
    assert [one.nodes for one in model(Document({}, [e]), findings=found).problems] == [(0,), ()]


def test_a_name_that_none_has_is_not_found_and_one_that_many_have_is_refused(chain):
    assert chain.nodes[find(chain, "data.jsonl")].label == "data.jsonl" == chain.nodes[find(chain, "data")].label
    with pytest.raises(NotFoundError, match="no such thing"):
        find(chain, "nothing at all")
    with pytest.raises(UsageError, match="things are called so"):
        find(chain, "file-")


@given(documents())
@settings(max_examples=40)
def test_no_document_breaks_out_of_its_page(document):
    made = page(model(document)).decode()
    assert made.count("<script") == 2 == made.count("</script>") and made.count("<!--") == 0


def test_a_slice_that_was_carried_over_is_told_by_its_run_and_what_that_used(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with (
        lineage.session("artifacts", export=False) as session,
        session.generation(params={"seed": 1}) as run,
        run.records("a.jsonl") as out,
    ):
        out.write({"n": 1})
        out.write({"n": 2})
    with lineage.session("artifacts", export=False) as session:
        with session.transformation("filter", inputs=["artifacts/a.jsonl"]) as run, run.records("b.jsonl") as out:
            out.write(json.loads(Path("artifacts/a.jsonl").read_text().splitlines()[0]))
    made = model(combined_document(one for _, one in gathered(Path("artifacts"))[0])[0].read())
    derived = [one for one in made.relations if one.term == "wasDerivedFrom" and "-slice-" in made.nodes[one.source].id]
    assert derived and all(one.is_told for one in derived)
