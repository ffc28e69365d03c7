"""Arguments that name inputs: one path or several; anything else is refused before a file is read or a thing recorded."""

import io
import json
import os
from collections import OrderedDict, deque
from pathlib import Path, PurePosixPath

import pytest

import lineage
from lineage.errors import PathError
from lineage.recording import inputs

CALLS = {
    "prompts": lambda session, value: session.generation(prompts=value),
    "datasets": lambda session, value: session.training(datasets=value),
    "validation": lambda session, value: session.training(validation=value),
    "dataset": lambda session, value: session.evaluation(dataset=value),
    "inputs": lambda session, value: session.transformation("filter", inputs=value),
    "files": lambda session, value: session.model_load({"model_name": "m"}, files=value),
    "path": lambda session, value: used(session, value),
}


def used(session, value):
    with session.transformation("filter") as run:
        run.use(value)
    return run


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A session in a folder with a few files, one of a single letter among them: a text must not be read letter by letter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("work"))
        for name in ("a.jsonl", "b.jsonl", "p"):
            Path(name).write_text(f'{{"instruction": "{name}"}}\n')
        Path("artifacts").mkdir()
        Path("artifacts/c.jsonl").write_text("{}\n")
        with lineage.session("artifacts", export=False) as opened:
            yield opened


class Named:
    """A path of one's own class."""

    def __init__(self, path):
        self._path = path

    def __fspath__(self):
        return self._path


def fact(made):
    """What is recorded of a run or a load."""
    return getattr(made, "_fact", made)


def names(made):
    return [one.path for one in fact(made).used]


ONE = {"text": "a.jsonl", "Path": Path("a.jsonl"), "PurePath": PurePosixPath("a.jsonl"), "own class": Named("a.jsonl")}
SEVERAL = {
    "list": lambda: ["a.jsonl", Path("b.jsonl")],
    "tuple": lambda: ("a.jsonl", "b.jsonl"),
    "set": lambda: {"b.jsonl", "a.jsonl"},
    "frozenset": lambda: frozenset({"b.jsonl", "a.jsonl"}),
    "generator": lambda: (one for one in ("a.jsonl", "b.jsonl")),
    "iterator": lambda: iter(["a.jsonl", "b.jsonl"]),
    "map": lambda: map(str, ["a.jsonl", "b.jsonl"]),
    "keys": lambda: {"a.jsonl": 1, "b.jsonl": 2}.keys(),
    "values": lambda: {1: "a.jsonl", 2: "b.jsonl"}.values(),
    "deque": lambda: deque(["a.jsonl", "b.jsonl"]),
    "glob": lambda: sorted(Path().glob("*.jsonl")),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("value", ONE.values(), ids=ONE)
def test_one_path_is_one_input(session, call, value):
    assert names(call(session, value)) == ["../a.jsonl"]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("value", SEVERAL.values(), ids=SEVERAL)
def test_several_paths_are_several_inputs(session, call, value):
    assert names(call(session, value())) == ["../a.jsonl", "../b.jsonl"]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("value", [(), [], None], ids=["tuple", "list", "None"])
def test_nothing_is_no_input(session, call, value):
    assert names(call(session, value)) == []


WRONG = {
    "int": 5,
    "float": 1.5,
    "bool": True,
    "bytes": b"a.jsonl",
    "bytearray": bytearray(b"a.jsonl"),
    "class": Path,
    "function": len,
    "object": object(),
    "file": io.StringIO("a.jsonl\n"),
    "binary file": io.BytesIO(b"a.jsonl\n"),
    "dict": {"a.jsonl": 1},
    "OrderedDict": OrderedDict(train="a.jsonl"),
    "list of None": ["a.jsonl", None],
    "list of int": [1],
    "range": range(3),
    "list of bytes": [b"a.jsonl"],
    "list of lists": [["a.jsonl"]],
    "list of tuples": [("a.jsonl", "b.jsonl")],
    "list of dicts": [{"text": "x"}],
    "generator of int": (one for one in [1]),
    "path of bytes": Named(b"a.jsonl"),
    "list of paths of bytes": [Named(b"a.jsonl")],
}


@pytest.mark.parametrize("argument", CALLS)
@pytest.mark.parametrize("value", WRONG, ids=WRONG)
def test_anything_else_is_a_type_error_that_says_what_to_pass(session, argument, value, monkeypatch):
    value = WRONG[value] if value != "generator of int" else (one for one in [1])
    monkeypatch.setattr(inputs, "_looked_up", lambda *asked: pytest.fail("a file was read"))
    message = rf'^{argument}(\[\d\])?: expected a path.*, got \w+; pass "prompts.jsonl" or \["a.jsonl"'
    if argument != "path":  # its run was recorded before
        monkeypatch.setattr(session, "add", lambda *events: pytest.fail("something was recorded"))
    with pytest.raises(TypeError, match=message):
        CALLS[argument](session, value)


def test_the_type_error_comes_when_recording_is_off_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINEAGE_DISABLED", "1")
    with lineage.session("artifacts") as session, pytest.raises(TypeError):
        session.generation(prompts=5)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    "value",
    ["", [""], ["a.jsonl", ""], "a\0b", Named(""), [Named("\0")]],
    ids=["empty", "in a list", "second", "null", "own class", "null in own class"],
)
def test_what_no_file_can_be_called_is_refused(session, call, value):
    with pytest.raises(PathError) as raised:
        call(session, value)
    assert isinstance(raised.value, ValueError)
    assert isinstance(raised.value, lineage.LineageError)


def test_a_large_argument_is_not_read_when_another_is_wrong(session, monkeypatch):
    monkeypatch.setattr(inputs, "_looked_up", lambda *asked: pytest.fail("a file was read"))
    for wrong in (
        lambda: session.generation(model="gpt-x", prompts="a.jsonl"),
        lambda: session.generation(params=5, prompts="a.jsonl"),
        lambda: session.training(datasets="a.jsonl", validation=5),
        lambda: session.evaluation(dataset="a.jsonl", params=[1]),
        lambda: session.evaluation(dataset="a.jsonl", model=5),
        lambda: session.transformation("filter", inputs="a.jsonl", command="python x.py"),
        lambda: session.model_load("gpt", files="a.jsonl"),
    ):
        with pytest.raises(TypeError):
            wrong()


# --- other arguments


@pytest.mark.parametrize(
    "value",
    ["gpt-x", b"gpt-x", 5, {"model_name": "m"}, ["gpt-x"], [None], object()],
    ids=["text", "bytes", "number", "mapping", "list", "none", "object"],
)
@pytest.mark.parametrize("kind", ["generation", "training", "evaluation"])
def test_a_model_is_what_model_load_returned(session, kind, value):
    with pytest.raises(TypeError, match=r"^model(\[0\])?: expected a loaded model, got .*session\.model_load"):
        getattr(session, kind)(model=value)


def test_models_are_one_or_several(session):
    loads = [session.model_load({"model_name": name}) for name in "ab"]
    for value in (loads, tuple(loads), iter(loads)):
        with session.evaluation(model=value) as run:
            pass
        assert run._fact.models == (loads[0].id, loads[1].id)


@pytest.mark.parametrize("value", ["gpt", b"gpt", 5, ["model_name"], None, [("model_name", "m")]], ids=repr)
def test_a_provenance_is_a_mapping(session, value):
    if value is None:
        session.model_load(value)
    else:
        with pytest.raises(TypeError, match=r'^provenance: expected a mapping, got .*pass \{"model_name"'):
            session.model_load(value)


@pytest.mark.parametrize("kind", ["generation", "training", "evaluation"])
@pytest.mark.parametrize("value", ["seed=1", 5, [("seed", 1)]], ids=repr)
def test_parameters_are_a_mapping(session, kind, value):
    with pytest.raises(TypeError, match=r'^params: expected a mapping, got .*pass \{"seed": 42\}'):
        getattr(session, kind)(params=value)


@pytest.mark.parametrize("value", ["python train.py", b"python", 5, [b"python"], [Path("x")]], ids=repr)
def test_a_command_is_a_list_of_words(session, value):
    with pytest.raises(TypeError, match=r"^command"):
        session.transformation("command", command=value)


@pytest.mark.parametrize("name", ["", " ", "\n\t"], ids=repr)
def test_an_empty_model_name_is_null_with_its_reason(session, name):
    load = session.model_load({"model_name": name, "quantization": "bf16", "gaps": {"other": "kept"}})
    assert load.provenance["model_name"] is None
    assert load.provenance["gaps"]["model_name"] == "the name was empty"
    assert load.provenance["gaps"]["other"] == "kept"


@pytest.mark.parametrize("value", [5, None, b"x", ["x"], {"x": 1}], ids=repr)
def test_an_artifact_of_the_session_is_one_path(session, value):
    with pytest.raises(TypeError, match=r"^path: expected a path"):
        session.artifact(value)


def test_a_run_may_name_several_outputs_at_once(session):
    with session.transformation("split") as run:
        for name in ("x.txt", "y.txt"):
            (session.folder / name).write_text(name)
        run.output(["x.txt", Path("y.txt")])
    assert [(one.path, bool(one.sha256)) for one in fact(run).made] == [("x.txt", True), ("y.txt", True)]


# --- where they are


def test_an_input_is_looked_for_here_and_then_in_the_sessions_folder(session):
    assert names(CALLS["inputs"](session, ["a.jsonl", "c.jsonl"])) == ["../a.jsonl", "c.jsonl"]


@pytest.mark.parametrize("name", ["gone.jsonl", "data/gone.jsonl", "a.jsonl/x", "x" * 5000, "/no/such", "caf\udce9.jsonl"])
def test_a_missing_input_is_a_gap_and_the_run_goes_on(session, name):
    with session.generation(prompts=name) as run:
        pass
    (told,) = fact(run).used
    assert told.sha256 is None
    assert told.gaps[0].reason


@pytest.mark.parametrize("name", [".", "..", "artifacts", "/"])
def test_a_folder_that_the_session_writes_to_is_not_digested(session, name):
    with session.generation(prompts=name) as run:
        pass
    (told,) = fact(run).used
    assert told.sha256 is None
    assert told.parts == ()
    assert told.gaps[0].reason == inputs.OWN_FOLDER


def test_a_working_directory_that_is_gone_does_not_end_the_run(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    with lineage.session(tmp_path / "artifacts", export=False) as session:
        gone.rmdir()
        with session.generation(prompts="prompts.jsonl"):
            pass
        os.chdir(tmp_path)
    told = json.loads(session.manifest.read_text())["activities"][-1]["used"][-1]
    assert told["sha256"] is None
