"""An export writes nothing outside of its folder, and replaces nothing that was recorded."""

import hashlib
import json
import os
from pathlib import Path

import pytest

import lineage
from lineage import formats
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


@pytest.mark.parametrize("target", ["../outside", "/tmp", "../nothing", "inner"])
@pytest.mark.parametrize("is_called_artifacts", [False, True])
def test_a_folder_of_graphs_that_is_a_link_is_refused(folder, capsys, target, is_called_artifacts):
    if is_called_artifacts:
        Path("in").mkdir()
        folder = folder.rename("in/artifacts")
    graphs = folder.parent / "graphs" if is_called_artifacts else folder / "graphs"
    graphs.with_name("inner").mkdir()
    graphs.symlink_to(target)
    before = tree(Path())
    assert main(["export", str(folder)]) == 2
    assert "is a link; nothing was written" in capsys.readouterr().err
    assert tree(Path()) == before
    export_folder(folder, graphs=Path("own"))
    assert Path("own/lineage.ttl").exists()


@pytest.mark.parametrize("kind", ["link", "pipe"])
@pytest.mark.parametrize("name", ["graphs/lineage.ttl", "session_{id}.ttl"])
def test_a_document_is_not_written_through_what_has_its_name(folder, capsys, kind, name):
    id_ = next(folder.glob("session_manifest_*")).stem.removeprefix("session_manifest_")
    target = folder / name.format(id=id_)
    target.parent.mkdir(exist_ok=True)
    target.symlink_to(Path("outside/x.ttl").absolute()) if kind == "link" else os.mkfifo(target)
    before = tree(folder)
    assert main(["export", str(folder)]) == 1
    assert "not a regular file" in capsys.readouterr().err
    assert [name for name in tree(folder) if name not in before] in ([], [".lineage"], [".lineage", ".lineage/records.jsonl.index"])


@pytest.mark.parametrize("name", ["graphs/lineage.svg", "graphs/lineage.ttl", "graphs/lineage.prov.json", "session_{id}.ttl"])
def test_an_export_over_a_file_that_a_session_recorded_is_refused(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    with lineage.session("own", export=False) as session:
        pass
    name = name.format(id=session.id)
    Path("own/graphs").mkdir()
    Path("own", name).write_text("recorded")
    written = json.loads(session.manifest.read_text())
    entry = {"file": name, "type": "picture", "sha256": hashlib.sha256(b"recorded").hexdigest(), "bytes": 8}
    written["artifacts_generated"].append(entry)  # as a version that refused no such name recorded it
    session.manifest.write_text(json.dumps(written))
    before = tree(Path())
    assert main(["export", "own"]) == 2
    assert f"own/{name}: a session recorded a file of this name; nothing was written" in capsys.readouterr().err
    assert tree(Path()) == before
    assert main(["export", "own", "-o", "out"]) == 0
    assert Path("own", name).read_text() == "recorded"


def bag(folder):
    """A BagIt bag whose payload is a folder of records."""
    (folder / "data").mkdir(parents=True)
    (folder / "data/in.jsonl").write_text('{"b":1}\n')
    (folder / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    digest = hashlib.sha256(b'{"b":1}\n').hexdigest()
    (folder / "manifest-sha256.txt").write_text(f"{digest}  data/in.jsonl\n")
    return folder


@pytest.mark.parametrize(
    "arguments", [["bag", "-r"], ["bag/data"], ["bag", "-r", "-o", "bag/out"], ["bag/data", "-o", "bag"]], ids=" ".join
)
def test_an_export_into_a_bag_is_refused(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    before = tree(bag(Path("bag")))
    assert main(["export", "--legacy", *arguments]) == 2
    assert "BagIt bag" in capsys.readouterr().err
    assert tree(Path("bag")) == before


@pytest.mark.parametrize(
    "verb", [["export", "-r", "--legacy", "-o", "out"], ["audit", "-r"], ["draw", "-r", "-o", "x.svg"], ["verify"]], ids=" ".join
)
def test_a_bag_that_is_read_stays_as_it_is(tmp_path, monkeypatch, verb):
    monkeypatch.chdir(tmp_path)
    before = tree(bag(Path("bag")))
    main([verb[0], "bag" if verb[0] != "verify" else "bag/data/in.jsonl", *verb[1:]])
    assert tree(Path("bag")) == before
    if verb[0] == "export":
        assert Path("out/data/session_unrecorded.ttl").is_file()
        assert Path("out/lineage.trig").is_file()


def test_folders_inside_the_folder_are_only_read(folder, tmp_path):
    bag(folder / "sent")
    (folder / "deeper/still").mkdir(parents=True)
    (folder / "deeper/still/in.jsonl").write_text('{"b":1}\n')
    before = tree(folder / "sent"), tree(folder / "deeper")
    export_folder(folder, recursive=True, legacy=True)
    assert (tree(folder / "sent"), tree(folder / "deeper")) == before
    assert (folder / "graphs/sent/data/session_unrecorded.ttl").is_file()
    assert (folder / "graphs/deeper/still/session_unrecorded.ttl").is_file()


def test_folders_that_hold_the_same_unrecorded_file_are_exported(tmp_path):
    for name in ("a", "b", "c/d"):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "data.jsonl").write_text('{"b":1}\n')
    done = export_folder(tmp_path / "in", recursive=True, legacy=True)
    assert done.findings == ()
    document = formats.load_file(tmp_path / "in/graphs/lineage.trig")
    assert len({bundle.id for bundle in document.bundles}) == 3


def test_a_folder_on_the_way_that_is_a_link_is_not_followed(folder):
    (folder / "sub").mkdir()
    (folder / "sub/in.jsonl").write_text('{"b":1}\n')
    (folder / "graphs").mkdir()
    (folder / "graphs/sub").symlink_to("../../outside")
    with pytest.raises(OSError, match="is a link or a file"):
        export_folder(folder, recursive=True, legacy=True)
    assert len(list(Path("outside").iterdir())) == 3


def tree(folder):
    """The names below *folder* with what they hold."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}
