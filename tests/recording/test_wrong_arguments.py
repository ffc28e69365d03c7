"""Arguments that name no input: outputs, folders, titles, kinds, own parameters, and what `recorded` wraps."""

import re
from pathlib import Path

import pytest

import lineage
from lineage.errors import PathError
from lineage.models.hooks import recorded

NO_PATH = {"int": 5, "bytes": b"out.jsonl", "list": ["out.jsonl"], "dict": {}, "class": Path, "object": object()}
OUTPUTS = {
    "records": lambda run, value: run.records(value),
    "report": lambda run, value: run.report(value, summary={}, results=[]),
}


@pytest.fixture
def session(tmp_path):
    with lineage.session(tmp_path / "artifacts", export=False) as opened:
        yield opened


@pytest.fixture
def run(session):
    with session.evaluation() as run:
        yield run


@pytest.mark.parametrize("call", OUTPUTS.values(), ids=OUTPUTS)
@pytest.mark.parametrize("value", [*NO_PATH.values(), None], ids=[*NO_PATH, "None"])
def test_an_output_is_one_path(run, call, value):
    with pytest.raises(TypeError, match=r'^path: expected a path, got \w+; pass one path, as "out.jsonl"$'):
        call(run, value)
    assert not list(run.session.folder.glob("out*"))


@pytest.mark.parametrize("call", OUTPUTS.values(), ids=OUTPUTS)
@pytest.mark.parametrize("value", ["", "a\0.jsonl"])
def test_an_output_has_a_name_that_a_file_can_have(run, call, value):
    with pytest.raises(PathError, match="path: "):
        call(run, value)


@pytest.mark.parametrize("argument", ["folder", "graphs", "script"])
@pytest.mark.parametrize("value", [5, b"x", ["x"]], ids=["int", "bytes", "list"])
def test_places_of_a_session_are_paths(argument, value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TypeError, match=rf'^{argument}: expected a path, got \w+; pass one path, as "artifacts"$'):
        lineage.session(**{argument: value})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", ["", "a\0b"])
def test_the_folder_of_a_session_has_a_name(value):
    with pytest.raises(PathError, match="folder: "):
        lineage.session(value)


@pytest.mark.parametrize("value", [5, b"stage", ["stage"], Path("stage")], ids=["int", "bytes", "list", "path"])
def test_a_title_is_a_text(value):
    with pytest.raises(TypeError, match=r'^title: expected a text, got \w+; pass title="stage 1"$'):
        lineage.session(title=value)


@pytest.mark.parametrize("value", [None, 5, b"filter"], ids=["None", "int", "bytes"])
def test_a_kind_is_a_text(session, value):
    with pytest.raises(TypeError, match=r'^kind: expected a text, got \w+; pass kind="filter"$'):
        session.transformation(value)


@pytest.mark.parametrize("value", [5, "seed", [1], {1}], ids=["int", "text", "list", "set"])
def test_parameters_of_a_record_are_a_mapping(run, value):
    with run.records("out.jsonl") as out:
        message = re.escape("generation_params: expected a mapping, got ") + r'\w+; pass \{"seed": 42\}$'
        with pytest.raises(TypeError, match=message):
            out.write({"n": 1}, generation_params=value)
    assert out.path.read_bytes() == b""


def test_recorded_takes_a_function_and_a_run(session, run):
    for function in (None, 5, "generate"):
        with pytest.raises(TypeError, match=r"^generate: expected a function, got \w+; pass model.generate"):
            recorded(function, run)
    for other in (None, session, "run", run.records("out.jsonl")):
        with pytest.raises(TypeError, match=r"^run: expected a run, got \w+; pass what `with session"):
            recorded(len, other)
