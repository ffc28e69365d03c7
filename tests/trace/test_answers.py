"""`why`, `impact` and `path` as functions: right counts, and an end in chains, diamonds and circles."""

import itertools
from dataclasses import replace

import pytest
from histories import BAD, history
from oracles import Facts, adapters_affected_by_loader, records_affected_by_loader, scores_affected_by_loader
from prov_names import Names

import lineage
from lineage import formats
from lineage.errors import NotFoundError, UsageError
from lineage.facts import Artifact, Evaluation, Generation, ModelLoad, Session, Slice, Training, Transformation
from lineage.mapping.names import ID_BASE, LIN, PROV
from lineage.prov.document import Document
from lineage.prov.statement import Name, literal, statement
from lineage.prov.terms import DERIVATION, ENTITY, MEMBERSHIP
from lineage.trace import answers
from lineage.trace.graph import read
from lineage.trace.reading import open_library

EX = "http://example.org/"


@pytest.mark.parametrize("seed", range(10))
def test_a_bad_loader_taints_exactly_the_records_adapters_and_scores_that_it_had_a_part_in(seed):
    told = history(seed, 60)
    found, name = lineage.impact(f"loader:{BAD}", told), Names(told).of
    slices = records_affected_by_loader(told, BAD)
    held = {}
    for (_, digest, _), count in slices.items():
        held[name(("file", digest))] = held.get(name(("file", digest)), 0) + count
    assert {one.file.id: one.records for one in found.files if one.records} == held
    carried = Facts(told).carried
    assert found.records == sum(count for key, count in slices.items() if key not in carried)
    assert found.records + found.copies == sum(slices.values()) > 0
    scores = scores_affected_by_loader(told, BAD)
    assert {one.metric.id: one.value for one in found.scores} == {name(key): value for key, value in scores.items()}
    assert {one.id for one in found.models} == {name(("file", digest)) for digest in adapters_affected_by_loader(told, BAD)}


def test_some_history_has_a_file_of_which_only_a_part_is_tainted():
    parts = [one for seed in range(10) for one in lineage.impact(f"loader:{BAD}", history(seed, 60)).files if 0 < one.records < one.total]
    assert parts


def test_a_loader_that_loaded_nothing_is_not_found():
    with pytest.raises(NotFoundError):
        lineage.impact("loader:" + "0" * 40, history(1, 10))


def chain(length):
    pairs = itertools.pairwise(Name(f"{EX}e{n}") for n in range(length + 1))
    return read([("chain", Document({}, tuple(statement(DERIVATION, None, newer, older) for newer, older in pairs)))])


def test_a_chain_of_ten_thousand_is_walked_and_shown_to_its_end():
    graph = chain(10_000)
    found = answers.why(graph, (graph.index[Name(f"{EX}e0")],), "e0")
    assert len(found.things) == 10_000 and found.things[-1].id == f"{EX}e10000"
    lines = str(found).splitlines()
    assert len(lines) == 10_001 and max(map(len, lines)) < 200 and lines[-1].endswith("e10000 (entity)")
    (way,) = answers.path(graph, (graph.index[Name(f"{EX}e10000")],), (graph.index[Name(f"{EX}e0")],)).ways
    assert len(way) == 10_000 and way[0].newer == f"{EX}e0"


def test_forty_diamonds_in_a_row_are_shown_once_each():
    told = []
    for n in range(40):
        top, left, right, bottom = (Name(f"{EX}{part}{number}") for part, number in (("m", n), ("l", n), ("r", n), ("m", n + 1)))
        told += [statement(DERIVATION, None, *pair) for pair in ((top, left), (top, right), (left, bottom), (right, bottom))]
    graph = read([("diamonds", Document({}, tuple(told)))])
    found = answers.why(graph, (graph.index[Name(f"{EX}m0")],), "m0")
    assert len(found.things) == 120 and len(str(found).splitlines()) == 1 + 160
    assert len(answers.path(graph, (graph.index[Name(f"{EX}m0")],), (graph.index[Name(f"{EX}m40")],)).ways) == 16


def test_circles_in_hostile_input_end_and_hide_nothing():
    names = [Name(f"{EX}c{n}") for n in range(5)]
    told = [statement(DERIVATION, None, one, other) for one in names for other in names]
    graph = read([("circle", Document({}, (*told, statement(ENTITY, names[0]))))])
    found = answers.why(graph, (graph.index[names[0]],), "c0")
    assert {one.id for one in found.things} == set(names[1:])
    shown = str(found)
    assert all(f"c{n} (entity)" in shown for n in range(5))
    assert answers.path(graph, (graph.index[names[0]],), (graph.index[names[4]],))


@pytest.mark.parametrize("seed", range(4))
def test_a_tree_shows_every_thing_once_and_only_refers_to_it_otherwise(seed):
    told = history(seed, 40)
    library = open_library(told)
    for thing in [library.graph.thing(n) for n in range(0, len(library.graph.names), 29)]:
        for found in (lineage.why(thing.id, library), lineage.impact(thing.id, library)):
            full = [line for line in str(found).splitlines() if not line.endswith("see above")]
            assert len(full) == len(found.things) + len(found.start)


def test_a_depth_is_kept_and_what_is_shown_is_near():
    told = history(2, 40)
    library = open_library(told)
    run = next(run for one in told for run in one.activities if isinstance(run, Generation))
    near = lineage.why(run.id, library, depth=1)
    assert {one.id for one in near.things} < {one.id for one in lineage.why(run.id, library).things}
    assert all(line.count("─") == 1 for line in str(near).splitlines()[1:]) and "see above" not in str(near)


def session(number, *activities, **facts):
    return Session(id=f"s{number}", manifest=f"session_manifest_s{number}.json", activities=activities, **facts)


def part(run, first, last, loader="a" * 40):
    return Slice(metadata={"run_id": run, "provenance": {"loader_version": loader}}, lines=((first, last),), count=last - first + 1)


def file(name, run, *slices):
    return Artifact(
        path=name,
        type="training_data",
        sha256=(name[0] * 64),
        count=sum(one.count for one in slices),
        activity=run,
        slices=slices,
        role="records",
    )


def merging():
    """Two loaders, a file of each, both merged; the bad loader's is the first."""
    loads = [ModelLoad(id=f"load{n}", provenance={"loader_version": str(n) * 40, "model_name": "m"}) for n in (1, 2)]
    makes = [
        Generation(id=f"make{n}", models=(f"load{n}",), made=(file(f"{letter}.jsonl", f"make{n}", part(f"make{n}", 1, 9)),))
        for n, letter in ((1, "a"), (2, "b"))
    ]
    used = tuple(replace(run.made[0], slices=None, activity=None, role="input") for run in makes)
    merged = file("c.jsonl", "merge", part("make1", 1, 9), part("make2", 10, 18))
    merge = Transformation(id="merge", kind="merge", used=used, made=(merged,))
    return [session(1, loads[0], makes[0]), session(2, loads[1], makes[1]), session(3, merge)]


def test_a_merged_file_counts_only_the_records_that_are_concerned():
    found = lineage.impact("loader:" + "1" * 40, merging())
    assert [(one.file.name, one.records, one.made, one.total) for one in found.files] == [("a.jsonl", 9, 9, 9), ("c.jsonl", 9, 0, 18)]
    assert found.records == 9 and found.copies == 9


def test_a_merge_whose_inputs_fit_no_record_is_tainted_as_a_whole():
    one, two, three = merging()
    unknown = file("c.jsonl", "merge", part("elsewhere", 1, 9), part("make2", 10, 18))
    three = replace(three, activities=(replace(three.activities[0], made=(unknown,)),))
    assert {one.file.name: one.records for one in lineage.impact("loader:" + "1" * 40, [one, two, three]).files} == {
        "a.jsonl": 9,
        "c.jsonl": 9,
    }
    named = lineage.impact("loader:" + "a" * 40, [one, two, three])  # what the records of an unknown run say of themselves
    assert [(one.file.name, one.records) for one in named.files] == [("c.jsonl", 9)]


@pytest.mark.parametrize("last", ["make1", "make2"])
def test_records_of_two_runs_that_wrote_one_file_are_each_of_their_own_run(last):
    loads = [ModelLoad(id=f"load{n}", provenance={"loader_version": str(n) * 40, "model_name": "m"}) for n in (1, 2)]
    shared = file("d.jsonl", last, part("make1", 1, 9), part("make2", 10, 12))
    makes = [Generation(id=f"make{n}", models=(f"load{n}",), made=(shared,)) for n in (1, 2)]
    told = [session(1, *loads, *makes)]
    counted = [[(one.records, one.made, one.total) for one in lineage.impact(f"loader:{str(n) * 40}", told).files] for n in (1, 2)]
    assert counted == [[(9, 9, 12)], [(3, 3, 12)]]


def test_what_was_trained_on_a_merge_is_concerned_only_if_records_of_it_are(tmp_path):
    one, two, three = merging()
    only = file("c.jsonl", "merge", part("make2", 1, 9))
    adapter = Artifact(path="adapter", type="model", sha256="f" * 64, activity="train")
    for merged, models in ((three.activities[0].made[0], ["adapter"]), (only, [])):
        merge = session(3, replace(three.activities[0], made=(merged,)))
        train = session(4, Training(id="train", used=(replace(merged, slices=None, activity=None),), made=(adapter,)))
        told = open_library([one, two, merge, train])
        (tmp_path / "all.trig").write_bytes(formats.dumps(told.document(), "trig"))
        for where in (told, open_library(tmp_path / "all.trig")):
            assert [thing.name for thing in lineage.impact("loader:" + "1" * 40, where).models] == models
            assert [thing.name for thing in lineage.impact("run:merge", where).models] == ["adapter"]


def test_a_merge_that_left_a_file_as_it_was_adds_nothing_to_its_records():
    one, two, three = merging()
    copy = replace(two.activities[1].made[0], path="c.jsonl", activity="merge")
    three = replace(three, activities=(replace(three.activities[0], made=(copy,)),))
    tainted = lineage.impact("loader:" + "1" * 40, [one, two, three]).files
    assert [(one.file.name, one.records) for one in tainted] == [("a.jsonl", 9), ("b.jsonl", 0)]


def test_files_that_two_folders_share_stand_for_the_one_that_is_loaded_whole():
    config, tokens, weights = (Artifact(path=name, type="model_file", sha256=name * 64) for name in "ctw")
    small = Artifact(path="small", type="model", sha256="5" * 64, parts=(config, tokens))
    large = Artifact(path="large", type="model", sha256="6" * 64, parts=(config, tokens, weights))
    trainings = [Training(id=f"train{n}", made=(replace(one, activity=f"train{n}"),)) for n, one in enumerate((small, large))]
    loads = [
        ModelLoad(id=f"load{n}", used=files, provenance={"model_name": "m"})
        for n, files in enumerate(((config, tokens), (config,), (weights,)))
    ]
    library = open_library([session(1, *trainings), session(2, *loads)])
    loaded = [{f"train{n}" for n in (0, 1) if lineage.path(f"run:load{load}", f"run:train{n}", library)} for load in range(3)]
    assert loaded == [{"train0"}, set(), {"train1"}]


@pytest.mark.parametrize("whole", [True, False])
def test_a_folder_that_gained_a_file_and_was_loaded_whole_takes_no_score_from_the_folder_that_was_made(whole):
    weights, config, more = (Artifact(path=f"ad/{name}", type="model_file", sha256=name * 64) for name in "wcr")
    made = Artifact(path="ad", type="model", sha256="5" * 64, parts=(weights, config), activity="train")
    grown = Artifact(path="ad", type="model", sha256="6" * 64, parts=(weights, config, more))
    said = {"loader_version": BAD, "model_name": "m", "revision": "main", "sentinel_tests_passed": True}
    train = Training(id="train", models=("load0",), made=(made,))
    given = [(weights,), (grown,) if whole else (weights, config, more), (weights,)]
    told = [session(0, ModelLoad(id="load0", provenance=said), train)]
    for number, used in enumerate(given, 1):
        load = ModelLoad(id=f"load{number}", used=used, provenance={**said, "loader_version": "a" * 40})
        report = Artifact(path=f"{number}.json", type="evaluation", sha256=f"{number}" * 64, activity=f"eval{number}")
        told.append(session(number, load, Evaluation(id=f"eval{number}", models=(load.id,), metrics={"acc": 0.5}, made=(report,))))
    scores = scores_affected_by_loader(told, BAD)
    assert len(scores) >= 2
    assert {one.metric.id for one in lineage.impact(f"loader:{BAD}", told).scores} == {
        f"{ID_BASE}file-sha256-{str(number) * 64}-metric-acc" for number in (1, 2, 3)
    }


def test_the_script_that_carried_records_over_taints_all_of_them():
    found = lineage.impact("run:merge", merging())
    assert [(one.file.name, one.records) for one in found.files] == [("c.jsonl", 18)]


def test_a_beginning_that_fits_several_is_refused_and_one_that_fits_one_is_taken():
    library = open_library(history(2, 20))
    sessions = sorted(one.id for one in library.sessions if one.manifest)
    with pytest.raises(UsageError, match="several things begin so"):
        lineage.why("session-2025", library)
    assert lineage.why(sessions[0][:-4], library).start[0].id.endswith(sessions[0])
    with pytest.raises(NotFoundError, match="did you mean sft_accuracy"):
        lineage.why("sft_acuracy", library)


def test_a_script_is_meant_in_all_its_versions_and_with_a_commit_in_one(tmp_path, monkeypatch):
    told = history(2, 40)
    library = open_library(told)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "merge.py").write_text("print()")
    versions = {run.script.version for one in told for run in one.activities if run.script and run.script.path == "scripts/merge.py"}
    for name in ("scripts/merge.py", "merge.py", "script:merge.py"):
        assert len(lineage.impact(name, library).start) == len(versions) > 1
    commit = min(versions)
    kinds = {one.type for one in lineage.impact(commit[:12], library).start}
    assert kinds == {"script", "code version"} and {one.type for one in lineage.impact(f"code:{commit[:12]}", library).start} == {
        "code version"
    }


def test_a_path_goes_either_way_and_is_empty_where_there_is_none():
    library = open_library(merging())
    forth, back = lineage.path("c.jsonl", "loader:" + "1" * 40, library), lineage.path("loader:" + "1" * 40, "c.jsonl", library)
    assert forth.ways == back.ways and forth and forth.ways[0][-1].older.endswith("1" * 40)
    assert not lineage.path("a.jsonl", "b.jsonl", library)


def test_files_of_two_runs_that_were_merged_later_do_not_share_their_past():
    found = lineage.why("a.jsonl", merging())
    assert not any("make2" in one.id or "load2" in one.id for one in found.things)


def test_a_notebook_gets_the_tree_and_the_picture():
    bundle = lineage.why("c.jsonl", merging())._repr_mimebundle_()
    assert bundle["text/plain"].startswith("c.jsonl") and bundle["image/svg+xml"].startswith("<svg")
    assert "a.jsonl" in bundle["image/svg+xml"]


@pytest.mark.parametrize("seed", range(8))
def test_the_exported_graph_taints_the_records_that_name_their_run_as_the_facts_do(seed, tmp_path):
    told = history(seed, 40)
    library = open_library(told)
    (tmp_path / "all.trig").write_bytes(formats.dumps(library.document(), "trig"))
    facts, prov = (lineage.impact(f"loader:{BAD}", where) for where in (library, tmp_path / "all.trig"))
    named = {
        n
        for one in told
        for file in one.artifacts
        for part in file.slices or ()
        if part.run_id
        for n in [f"file-sha256-{file.sha256}-slice-L{part.lines[0][0]}"]
    }
    tainted = [{one.id.rpartition("/")[2] for one in found.things if one.lines} for found in (facts, prov)]
    assert tainted[0] & named == tainted[1] & named and tainted[0] <= tainted[1]
    assert {one.metric.id for one in facts.scores} == {one.metric.id for one in prov.scores}
    assert {one.id for one in facts.models} == {one.id for one in prov.models}


def test_slices_within_each_other_in_hostile_input_end():
    one, other = Name(f"{EX}one"), Name(f"{EX}other")
    kinds = [statement(ENTITY, name, attributes=[(PROV["type"], LIN["Slice"])]) for name in (one, other)]
    members = [statement(MEMBERSHIP, None, *pair) for pair in ((one, other), (other, one))]
    graph = read([("hostile", Document({}, (*kinds, *members)))])
    assert len(str(answers.why(graph, (graph.index[one],), "one")).splitlines()) == 3


@pytest.mark.parametrize("value", ["high", "NaN", "INF", "-inf", "1e999"])
def test_a_score_that_is_no_number_is_none(value):
    metric = statement(ENTITY, Name(f"{EX}m"), attributes=[(PROV["type"], LIN["Metric"]), (PROV["value"], literal(value))])
    graph = read([("hostile", Document({}, (metric,)))])
    assert [one.value for one in answers.impact(graph, (0,), "m").scores] == [None]


def test_a_library_shows_its_sessions():
    told = history(2, 5)
    library = open_library(told)
    shown = library._repr_mimebundle_()
    assert all(one.id in shown["text/plain"] for one in told) and shown["image/svg+xml"].startswith("<svg")
