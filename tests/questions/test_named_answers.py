"""Every named question answers what a plain loop over the facts answers, on histories from several seeds."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest
from expected import EXPECTED, when
from histories import history
from rdflib import Dataset, URIRef

from lineage.facts import Evaluation, Generation, Training
from lineage.questions import every, load
from lineage.questions.asking import bindings_of
from lineage.questions.resolve import Resolver
from lineage.store.embedded import Memory, in_memory
from lineage.store.sources import of_session
from lineage.store.sparql import declared
from lineage.store.terms import to_python

SEEDS = (1, 2, 3, 4)
ID = "https://w3id.org/lineage-prov/id/"
ASKED = [name for name in EXPECTED if not [param for param in load(name).params if not param.optional]]


def changed(told):
    """The history with what the generator leaves out: a file that changes at its path, runs and models of which too little is known."""
    told = list(told)
    at = next(n for n, one in enumerate(told) if one.manifest and any(isinstance(run, Generation) for run in one.activities))
    last = max(n for n, one in enumerate(told) if one.manifest and any(isinstance(run, Generation) for run in one.activities))
    told[last] = replace(told[last], activities=tuple(_other_prompts(run) if at != last else run for run in told[last].activities))
    told[at] = replace(told[at], activities=tuple(_seedless(run) for run in told[at].activities))
    return tuple(told)


def _other_prompts(run):
    if not isinstance(run, Generation):
        return run
    return replace(run, used=tuple(replace(one, sha256="0" * 64, path="data/prompts_0.jsonl") for one in run.used))


def _seedless(run):
    if not isinstance(run, Generation):
        return run
    made = tuple(replace(one, slices=tuple(replace(part, seeds=None) for part in one.slices)) for one in run.made)
    return replace(run, params={key: value for key, value in run.params.items() if key != "seed"}, made=made)


@cache
def world(seed):
    told = changed(history(seed, 45, most=1000))
    return told, Memory(in_memory(of_session(one) for one in told))


def asked(target, name, **given):
    """The rows of the compared columns."""
    question = load(name)
    bindings, _ = bindings_of(question, given, Resolver(target))
    with target.asked(question.sparql, bindings) as found:
        return [{column: plain(term) for column, term in zip(found.columns, row, strict=True)} for row in found.rows]


def plain(term):
    value = to_python(term)
    if term is not None and "dateTime" in str(getattr(term, "datatype", "")):
        return when(value)
    return value.removeprefix(ID).removeprefix("run-") if isinstance(value, str) and value.startswith(ID) else value


def agree(target, name, expected, **given):
    columns, rows = expected
    answered = Counter(tuple(row.get(column) for column in columns) for row in asked(target, name, **given))
    assert set(answered) - {(None,)} == set(rows)  # a model in memory has no path
    return rows


def test_every_question_has_an_answer_computed_without_it():
    assert {question.name for question in every()[0]} == set(EXPECTED)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ASKED)
def test_a_question_about_everything(name, seed):
    told, target = world(seed)
    agree(target, name, EXPECTED[name](told))


def test_no_such_answer_is_empty_on_every_history():
    assert [name for name in ASKED if not any(EXPECTED[name](world(seed)[0])[1] for seed in SEEDS)] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_the_sessions_of_a_span_of_time(seed):
    told, target = world(seed)
    middle = sorted(when(one.started_at) for one in told if one.started_at)[len(told) // 2]
    assert agree(target, "between", EXPECTED["between"](told, middle), **{"from": middle.isoformat()})
    assert agree(target, "between", EXPECTED["between"](told, None, middle), to=middle.isoformat())
    day = datetime(2025, 9, 25, tzinfo=UTC)
    agree(target, "between", EXPECTED["between"](told, day, middle), **{"from": "2025-09-25", "to": middle.isoformat()})


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["made-by", "who", "derived-from", "data-behind"])
def test_a_question_about_each_file(name, seed):
    told, target = world(seed)
    made = {one.sha256 for session in told for run in session.activities for one in run.made}
    param = load(name).params[0].name
    answers = [agree(target, name, EXPECTED[name](told, digest), **{param: digest}) for digest in sorted(made)[:25]]
    assert any(answers)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_made_a_line_is_what_made_its_slice(seed):
    told, target = world(seed)
    carried = [one for session in told for run in session.activities for one in run.made if len(one.slices or ()) > 1]
    assert carried
    for file in carried[:6]:
        for part in file.slices:
            for line in (part.lines[0][0], part.lines[-1][1]):
                agree(target, "made-by", EXPECTED["made-by"](told, file.sha256, part.lines[0][0]), thing=f"{file.path}:{line}")


@pytest.mark.parametrize("seed", SEEDS)
def test_questions_about_data_and_models(seed):
    told, target = world(seed)
    evaluations = [run for session in told for run in session.activities if isinstance(run, Evaluation)]
    for digest in {one.sha256 for run in evaluations for one in run.used}:
        assert agree(target, "scores-on", EXPECTED["scores-on"](told, digest), dataset=digest)
        assert agree(target, "used-by", EXPECTED["used-by"](told, digest), file=digest)
    for report in [run.made[0].sha256 for run in evaluations]:
        agree(target, "same-dataset", EXPECTED["same-dataset"](told, report), report=report)
    trained = [one for session in told for run in session.activities if isinstance(run, Training) for one in run.made]
    for adapter in trained:
        assert agree(target, "trained-on", EXPECTED["trained-on"](told, adapter.sha256), model=adapter.path)
        weights = [part.sha256 for part in adapter.parts if part.path.endswith(".safetensors")]
        agree(target, "evaluations-of", EXPECTED["evaluations-of"](told, weights), model=adapter.path)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["Qwen/Qwen2.5-32B", "google/gemma-2-9b"])
def test_the_scores_of_a_model_by_its_name(seed, name):
    import expected

    told, target = world(seed)
    assert agree(target, "evaluations-of", expected.evaluations_of_named(told, name), model=name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ASKED)
def test_another_engine_answers_the_same(name):
    graphs = [of_session(one) for one in changed(history(2, 14, most=50))]
    dataset = Dataset(default_union=True)
    for graph in graphs:
        dataset.graph(URIRef(graph.name)).parse(data=graph.texts[0], format="nt")
    question = load(name)
    answered = dataset.query(declared(question.sparql))
    theirs = [tuple(str(value).replace("+00:00", "Z") if value is not None else "" for value in row) for row in answered]
    with Memory(in_memory(graphs)).asked(question.sparql) as found:
        ours = [tuple(term.value if term is not None else "" for term in row) for row in found.rows]
    assert sorted(ours) == sorted(theirs)
