"""An export writes nothing outside of its folder, and replaces nothing that was recorded."""

import hashlib
import json
import os
from pathlib import Path

import pytest

import lineage
from lineage.cli import main
from lineage.export import export_folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with one session, not exported, beside a folder that is not ours."""
    monkeypatch.chdir(tmp_path)
    with lineage.session("sent", export=False) as session, session.generation(params={"seed": 1}) as run, run.records("a.jsonl") as out:
        out.write({"n": 1})
    Path("outside").mkdir()
    for name in ("lineage.ttl", "lineage.svg", "x.ttl"):
        Path("outside", name).write_text("precious")
    yield Path("sent")
    assert {path.read_text() for path in Path("outside").iterdir()} == {"precious"}
    assert len(list(Path("outside").iterdir())) == 3


@pytest.mark.parametrize("target", ["../outside", "/tmp", "../nothing"])
@pytest.mark.parametrize("is_called_artifacts", [False, True])
def test_a_folder_of_graphs_that_is_a_link_elsewhere_is_refused(folder, capsys, target, is_called_artifacts):
    if is_called_artifacts:
        Path("in").mkdir()
        folder = folder.rename("in/artifacts")
    graphs = folder.parent / "graphs" if is_called_artifacts else folder / "graphs"
    graphs.symlink_to(target)
    assert main(["export", str(folder)]) == 2
    assert "leads elsewhere" in capsys.readouterr().err
    export_folder(folder, graphs=Path("own"))
    assert Path("own/lineage.ttl").exists()


@pytest.mark.parametrize("kind", ["link", "pipe"])
@pytest.mark.parametrize("name", ["graphs/lineage.ttl", "session_{id}.ttl"])
def test_a_document_is_not_written_through_what_has_its_name(folder, capsys, kind, name):
    id_ = next(folder.glob("session_manifest_*")).stem.removeprefix("session_manifest_")
    target = folder / name.format(id=id_)
    target.parent.mkdir(exist_ok=True)
    target.symlink_to(Path("outside/x.ttl").absolute()) if kind == "link" else os.mkfifo(target)
    assert main(["export", str(folder)]) == 1
    assert "not a regular file" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["lineage.svg", "lineage.ttl", "lineage.trig", "lineage.prov.json"])
def test_a_file_that_a_session_recorded_is_not_replaced(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with lineage.session("own", export=False) as session:
        pass
    Path("own/graphs").mkdir()
    Path("own/graphs", name).write_text("recorded")
    written = json.loads(session.manifest.read_text())
    entry = {"file": f"graphs/{name}", "type": "picture", "sha256": hashlib.sha256(b"recorded").hexdigest(), "bytes": 8}
    written["artifacts_generated"].append(entry)  # as a version that refused no such name recorded it
    session.manifest.write_text(json.dumps(written))
    export_folder(Path("own"))
    assert Path("own/graphs", name).read_text() == "recorded"
    assert len(list(Path("own/graphs").iterdir())) == 4, "the others are written"
    done = export_folder(Path("own"))
    assert any(f"{name} is a file that a session recorded" in note for note in done.notes)
    assert "altered-file" not in {one.code for one in done.findings}
