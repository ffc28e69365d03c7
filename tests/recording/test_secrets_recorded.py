"""No byte that a session writes holds a secret: every kind, in every place, in one session."""

import json
import subprocess
import sys
from typing import NamedTuple

import pytest
from leaky import COMMANDS, NAMES, SHAPES, Maker

import lineage
from lineage.core import secrets
from lineage.models.hooks import recorded

HIDES = secrets.WHOLE
PROVENANCE = {
    "loader_version": "0" * 40,
    "template_disabled": True,
    "model_name": "org/m",
    "quantization": "bf16",
    "sentinel_tests_passed": True,
    "add_special_tokens": False,
}


@pytest.fixture
def maker():
    return Maker(16)


def every_shape(maker):
    """A list of a secret of each kind."""
    return [make(maker) for make in SHAPES.values()]


def every_name(maker):
    """A secret under each name."""
    return {name: maker.text() for name in NAMES}


def files(folder):
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def leaks(folder, maker):
    """(file, secret) of each secret that a file of the folder holds, also as JSON, Turtle and XML escape it."""
    assert len(maker.made) > 40
    return [(path.name, secret) for path in files(folder) for secret in maker.made if secret.encode() in path.read_bytes()]


def manifest(session):
    return json.loads(session.manifest.read_bytes())


def test_no_byte_of_a_session_holds_a_secret(tmp_path, maker, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", SHAPES["query"](maker))
    monkeypatch.setattr(sys, "argv", ["train.py", *[part.replace("§", maker.text()) for argv in COMMANDS for part in argv]])
    with lineage.session(tmp_path, title=f"run {SHAPES['option'](maker)}") as session:
        load = session.model_load({**PROVENANCE, "hub": {"token": maker.text()}, "notes": every_shape(maker), **every_name(maker)})
        params = {"seed": 1, "shapes": every_shape(maker), "client": {"headers": every_name(maker)}, **every_name(maker)}
        with session.generation(model=load, params=params) as run, run.records("records.jsonl") as out:
            for shape in every_shape(maker):
                out.write({"instruction": "a"}, generation_params={"seed": 2, "base_url": shape})
            out.write({"instruction": "b"}, generation_params=every_name(maker))
            run.learned(late=every_shape(maker), **every_name(maker))
            recorded(lambda **settings: None, run)(model="x", api_key=maker.text(), extra=SHAPES["bearer"](maker))
            for shape in every_shape(maker):
                run.gap("model", f"the server said: {shape}")
        with session.evaluation(params=every_name(maker), dataset_name=SHAPES["url user"](maker)) as run:
            run.report("evaluation.json", summary={"accuracy": 0.5}, results=[])
        for argv in COMMANDS:
            with session.transformation("command", command=["prog", *[part.replace("§", maker.text()) for part in argv]]):
                pass
        for n, shape in enumerate(every_shape(maker)):
            with session.guard(f"thing {n}"):
                raise ValueError(f"cannot connect: {shape}")
    assert {path.suffix for path in files(tmp_path)} >= {".json", ".jsonl", ".ttl", ".trig", ".svg"}
    assert leaks(tmp_path, maker) == []
    found = [f"{one.file}: {one.message}" for one in lineage.audit(tmp_path).findings if one.code == "secret-recorded"]
    assert found == []


class Account(NamedTuple):
    user: str
    password: str


def test_no_secret_of_a_value_with_names_or_of_an_argument_is_recorded(tmp_path, maker):
    params = {
        "account": Account("me", maker.text()),
        "accounts": [Account("you", maker.text())],
        "argv": ["curl", "-u", f"me:{maker.text()}", "https://host"],
        "openai": {"keys": [maker.text()]},
    }
    with lineage.session(tmp_path, operator=f"ada --password {maker.text()}", host=SHAPES["url user"](maker)) as session:
        with session.transformation("call", params=params) as run:
            run.wraps(["prog", "--password", maker.text()])
    assert [(path.name, secret) for path in files(tmp_path) for secret in maker.made if secret.encode() in path.read_bytes()] == []
    (activity,) = manifest(session)["activities"]
    assert activity["params"] == {
        "account": ["me", None],
        "accounts": [["you", None]],
        "argv": ["curl", "-u", "me:***", "https://host"],
        "openai": {"keys": None},
    }
    assert set(activity["gaps"]) >= {"params.account.password", "params.accounts[0].password", "params.argv[2]", "params.openai.keys"}


def test_each_removal_shows_and_has_a_gap(tmp_path, maker):
    with lineage.session(tmp_path, export=False) as session:
        with session.generation(params={"api_key": maker.text(), "url": f"https://me:{maker.text()}@host/v1"}) as run:
            with run.records("r.jsonl") as out:
                out.write({"instruction": "a"}, generation_params={"seed": 1, "hf_token": maker.text()})
                out.write({"instruction": "b"}, generation_params={"seed": 2, "hf_token": maker.text()})
    (activity,) = manifest(session)["activities"]
    assert activity["params"] == {"api_key": None, "url": "https://***@host/v1"}
    assert activity["gaps"] == {"params.api_key": HIDES, "params.url": secrets.PART, "params.hf_token": HIDES}
    said = [json.loads(line)["metadata"]["generation_params"] for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert said == [{"api_key": None, "url": "https://***@host/v1", "seed": seed, "hf_token": None} for seed in (1, 2)]


def test_the_records_themselves_are_never_changed(tmp_path, maker):
    rows = [{"instruction": shape, "password": maker.text()} for shape in every_shape(maker)]
    with lineage.session(tmp_path, export=False) as session, session.generation() as run, run.records("r.jsonl") as out:
        for row in rows:
            out.write(row)
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [{key: line[key] for key in ("instruction", "password")} for line in lines] == rows
    assert [path for path, _ in leaks(tmp_path, maker) if path != "r.jsonl"] == []
    found = [f"{one.file}: {one.message}" for one in lineage.audit(tmp_path).findings if one.code == "secret-recorded"]
    assert found == []


def test_the_helpers_write_no_secret(tmp_path, maker):
    block = lineage.create_artifact_metadata(
        {**PROVENANCE, "token": maker.text()}, "x.py", client={"api_key": maker.text()}, note=SHAPES["jwt"](maker)
    )
    assert [secret for secret in maker.made if secret in json.dumps(block)] == []
    assert {"provenance.token": HIDES, "client.api_key": HIDES, "note": secrets.PART}.items() <= block["gaps"].items()
    path = lineage.create_session_manifest({**PROVENANCE, "hub": every_name(maker), "notes": every_shape(maker)}, tmp_path)
    assert leaks(path.parent, maker) == []


def git(folder, *arguments):
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("kind", ["openai", "assignment", "json", "url user", "pem", "aws id", "jwt", "slack webhook"])
def test_a_patch_with_a_secret_is_withheld_with_a_gap(tmp_path, maker, monkeypatch, kind):
    git(tmp_path, "init", "-q")
    (tmp_path / "work.py").write_text("x = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "start")
    monkeypatch.chdir(tmp_path)
    for text, is_kept in ((f"x = 2\n{SHAPES[kind](maker)}\n", False), ("x = 2\napi_key = os.environ['API_KEY']\n", True)):
        (tmp_path / "work.py").write_text(text)
        with lineage.session(tmp_path / f"kept_{is_kept}", script=tmp_path / "work.py") as session:
            pass
        written = manifest(session)
        assert (written["environment"]["git_patch"] is not None) is is_kept
        assert ("git_patch" in written["gaps"]) is not is_kept
        assert written["environment"]["git_diff_sha256"]
        assert [secret for path in files(session.folder) for secret in maker.made if secret.encode() in path.read_bytes()] == []


def test_a_command_that_is_wrapped_shows_no_secret(tmp_path, maker):
    argv = [part.replace("§", maker.text()) for shape in COMMANDS for part in shape]
    done = subprocess.run(
        [sys.executable, "-m", "lineage.cli", "run", "--folder", str(tmp_path / "artifacts"), "--", "true", *argv],
        capture_output=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0
    assert leaks(tmp_path, maker) == []
    assert [secret for secret in maker.made if secret.encode() in done.stdout + done.stderr] == []
