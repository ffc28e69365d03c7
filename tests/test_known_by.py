"""How each fact is known: every field has a row, the recorder says what differs from it, and no file can claim a check."""

import dataclasses
import inspect
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lineage
from lineage import facts, known_by
from lineage.contract import manifest, writing
from lineage.known_by import CHECKS, RECORDED, KnownBy, source, sources

FACTS = sorted(
    (one for one in vars(facts).values() if inspect.isclass(one) and dataclasses.is_dataclass(one)),
    key=lambda one: one.__name__,
)
FIELDS = [(kind, field.name) for kind in FACTS for field in dataclasses.fields(kind)]
PROVENANCE = {"loader_version": "a" * 40, "template_disabled": True, "model_name": "org/m", "quantization": "fp32", "sentinel_tests_passed": True, "add_special_tokens": False}  # fmt: skip
PLANS = ("given", "called", "both", "neither")


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=[f"{kind.__name__}-{name}" for kind, name in FIELDS])
def test_every_field_of_every_fact_has_a_row(kind, name):
    row = known_by.row_of(kind, name)
    assert row is None or row.known_by in RECORDED
    assert row is None or row.known_by is KnownBy.OBSERVED or row.settle


def test_the_table_has_no_row_without_a_field():
    named = {(kind.__name__, field.name) for kind in FACTS for field in dataclasses.fields(kind)}
    assert {(kind, name) for kind, rows in known_by.SOURCES.items() for name in rows} <= named


def read(folder):
    path = next(folder.glob("session_manifest_*.json"))
    session, findings = manifest.read(path)
    assert not findings
    return session, json.loads(path.read_text())


def a_session(folder, use):
    with lineage.session(folder, export=False) as opened:
        use(opened)
    return read(folder)


@pytest.mark.parametrize("plan", PLANS)
def test_a_parameter_is_observed_where_a_wrapped_call_had_it(tmp_path, plan):
    given_, called = {"temperature": 0.5, "note": "mine"}, {"temperature": 0.5, "top_k": 3}

    def use(opened):
        with opened.generation(params=given_ if plan in ("given", "both") else {}) as run, run.records("a.jsonl") as out:
            if plan in ("called", "both"):
                run.called(called, {})
            out.write({"instruction": "x", "response": "y"})

    session, _ = a_session(tmp_path, use)
    run = session.activities[0]
    expected = {key: "observed" if plan in ("called", "both") and key in called else "claimed" for key in run.params}
    assert {key: source(run, f"params.{key}") for key in run.params} == expected


def test_what_the_recorder_saw_and_what_it_was_told(tmp_path):
    (tmp_path / "held.jsonl").write_text('{"instruction": "2+2", "answer": "4"}\n')

    def use(opened):
        load = opened.model_load(PROVENANCE)
        with opened.evaluation(model=load, dataset=tmp_path / "held.jsonl", dataset_size=1) as run:
            run.report("evaluation.json", summary={"accuracy": 1.0}, results=[])
            (tmp_path / "extra.txt").write_text("x")
            run.output("extra.txt")

    session, raw = a_session(tmp_path, use)
    load, run = session.activities
    made = {one.path: one for one in session.artifacts}
    assert sources(load)["provenance"] == "claimed"
    assert sources(load)["status"] == "claimed"
    assert sources(run)["metrics"] == "claimed"
    assert sources(run)["started_at"] == "observed"
    assert sources(run)["used"] == "claimed"
    assert sources(made["evaluation.json"])["activity"] == "observed"
    assert sources(made["evaluation.json"])["sha256"] == "observed"
    assert sources(made["extra.txt"])["activity"] == "claimed"
    assert "known" not in raw["activities"][0]


def test_a_provenance_is_observed_only_as_the_loader_measured_it(tmp_path):
    from lineage.recording import measured

    measured.remember(PROVENANCE)
    for number, provenance in enumerate(({**PROVENANCE}, {**PROVENANCE, "quantization": "nf4"}, {**PROVENANCE, "more": 1})):
        folder = tmp_path / str(number)
        folder.mkdir()
        session, _ = a_session(folder, lambda opened, told=provenance: opened.model_load(told))
        assert source(session.activities[0], "provenance") == ("observed" if number == 0 else "claimed")


def test_a_name_is_observed_where_the_system_was_asked(tmp_path):
    with lineage.session(tmp_path, export=False, operator=True, host="mine"):
        pass
    session, _ = read(tmp_path)
    assert source(session, "operator") == "observed"
    assert source(session, "host") == "claimed"


def test_a_commit_of_a_variable_is_declared():
    assert source(facts.CodeVersion(git_sha="a" * 40, sha_variable="CI_COMMIT"), "git_sha") == "declared"
    assert source(facts.CodeVersion(git_sha="a" * 40), "git_sha") == "observed"


def test_what_is_inferred_is_so_in_every_field():
    run = facts.Generation(id="a" * 32, inferred=True, params={"seed": 1}, known={"params": KnownBy.OBSERVED})
    assert set(sources(run).values()) == {"inferred"}


def written(folder, body):
    path = folder / "session_manifest_s.json"
    path.write_text(json.dumps({"session_id": "s", **body}))
    return manifest.read(path)


BODY = {
    "environment": {"python_version": "3.12", "git_sha": "a" * 40},
    "artifacts_generated": [{"file": "a.jsonl", "type": "training_data", "sha256": "b" * 64}],
    "activities": [{"id": "c" * 32, "type": "generation", "status": "completed", "params": {"seed": 1}, "used": [{"file": "p", "sha256": "d" * 64}]}],
}  # fmt: skip


def test_a_manifest_that_our_recorder_did_not_write_observed_nothing(tmp_path):
    session, _ = written(tmp_path, BODY)
    every = [session, session.code, *session.artifacts, *session.activities, *session.activities[0].used]
    assert {word for one in every for word in sources(one).values()} == {"declared"}
    again, _ = written(tmp_path, writing.session_json(session))
    assert [sources(one) for one in (again, again.code, *again.artifacts, *again.activities)] == [
        sources(one) for one in (session, session.code, *session.artifacts, *session.activities)
    ]


def test_a_manifest_of_an_earlier_version_claims_what_was_not_always_observed(tmp_path):
    session, findings = written(tmp_path, {"schema": "1", **BODY})
    assert not findings
    assert sources(session.activities[0])["params"] == "claimed"
    assert sources(session.artifacts[0])["sha256"] == "observed"
    assert sources(session.code)["git_sha"] == "observed"


@pytest.mark.parametrize("word", [*(one.value for one in CHECKS), "true", "", 1, None, ["observed"]], ids=repr)
def test_no_file_says_that_something_was_checked(tmp_path, word):
    run = {**BODY["activities"][0], "known": {"params": word, "status": "claimed"}}
    session, findings = written(tmp_path, {"schema": "1", **BODY, "activities": [run]})
    assert source(session.activities[0], "params") == "claimed"
    assert source(session.activities[0], "status") == "claimed"
    assert [one.code for one in findings] == ([] if word is None else ["bad-manifest"])


WORDS = st.sampled_from(RECORDED)
NAMES = st.sampled_from(["temperature", "seed", "top_k", "a.b", "*"])


@given(st.dictionaries(NAMES, WORDS, min_size=1))
def test_values_keep_their_sources_through_a_manifest(tmp_path_factory, words):
    run = facts.Generation(id="c" * 32, params=dict.fromkeys(words, 1), known=known_by.with_values({}, "params", words))
    before = facts.Session(id="s", activities=(run,))
    after, _ = written(tmp_path_factory.mktemp("m"), writing.session_json(before))
    assert {key: source(after.activities[0], f"params.{key}") for key in words} == words


@given(st.dictionaries(st.sampled_from(["params", "params.x", "params.y", "status", "*"]), WORDS))
def test_a_coarse_statement_names_no_value_and_says_no_more(words):
    run = facts.Generation(id="c" * 32, params={"x": 1, "y": 2}, known=words)
    copy = dataclasses.replace(run, known=known_by.coarse(words, facts.Generation))
    assert not any("." in name for name in copy.known)
    for name in ("params.x", "params.y", "status", "started_at"):
        assert RECORDED.index(source(copy, name)) >= RECORDED.index(source(run, name))
