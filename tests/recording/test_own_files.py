"""What a session and its export write is no artifact of the session: its bytes change afterwards."""

import os
from pathlib import Path

import pytest

import lineage
from lineage.errors import UsageError

OWN = [
    "graphs/lineage.svg", "graphs/lineage.ttl", "./graphs/../graphs/lineage.prov.json", "graphs", ".", "sub/..", "{manifest}", "{journal}", "{prov}",
    "session_20251004T120000Z-5a3b1e5a3b1e.ttl", "session_20251004T120000Z-5a3b1e5a3b1e.prov.json", "session_20251004T120000Z-5a3b1e5a3b1e.dsse.json",
    "session_manifest_other.json", ".lineage/data.jsonl.index", ".lineage", "sub/.lineage/x.index",
]  # fmt: skip


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with lineage.session("out") as opened:
        (opened.folder / "sub").mkdir()
        yield opened


def spelled(session, name):
    journal = next(session.folder.glob("session_journal_*")).name
    return name.format(manifest=session.manifest.name, journal=journal, prov=f"session_{session.id}.ttl")


@pytest.mark.parametrize("name", OWN)
def test_a_file_that_the_session_writes_is_refused(session, name):
    with pytest.raises(UsageError, match=r"own folder|writes"):
        session.artifact(spelled(session, name))
    with session.transformation("x") as run, pytest.raises(UsageError):
        run.output(spelled(session, name))


@pytest.mark.parametrize(
    "name", ["graphs/lineage.ttl", "session_manifest_x.json", ".lineage/x.jsonl", "session_20251004T120000Z-5a3b1e5a3b1e.prov.json"]
)
def test_no_records_and_no_report_are_written_there(session, name):
    with session.evaluation() as run:
        with pytest.raises(UsageError):
            run.records(name)
        with pytest.raises(UsageError):
            run.report(name, summary={}, results=[])
    assert not (session.folder / name).exists()


def test_a_link_to_such_a_file_is_refused_too(session):
    os.symlink("graphs/lineage.svg", session.folder / "picture.svg")
    with pytest.raises(UsageError):
        session.artifact("picture.svg")


def test_graphs_go_where_the_session_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with lineage.session("artifacts", graphs="artifacts/drawn") as session:
        with pytest.raises(UsageError):
            session.artifact("drawn/lineage.svg")


@pytest.mark.parametrize("name", ["session_notes.txt", "lineage.svg", "graphs/loss.png", "sub/graphs/lineage.svg", "manifest.json", "sub"])
def test_files_of_the_user_are_kept_and_hold_afterwards(session, name):
    path = session.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (path / "x" if path.is_dir() else path).write_text("the user's")
    assert session.artifact(name).sha256
    session.close()
    assert "altered-file" not in {one.code for one in lineage.audit(session.folder).findings}
    assert Path(session.folder).is_dir()


def test_an_export_leaves_every_artifact_as_it_was(session):
    (session.folder / "graphs").mkdir()
    (session.folder / "graphs/loss.png").write_bytes(b"png")
    made = session.artifact("graphs/loss.png")
    session.close()
    assert (session.folder / "graphs/lineage.svg").exists()
    assert made.sha256
    assert not {"altered-file", "missing-file"} & {one.code for one in lineage.audit(session.folder).findings}
