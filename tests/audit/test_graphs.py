"""The graph of all sessions: compared where an export writes it into the folder or where somebody says it lies, and else named as not checked."""

import io
import json
import os
import shutil

import pytest
from histories import history

import lineage
from lineage import formats, mapping
from lineage.cli import main
from lineage.export import COMBINED_FORMATS, combined_document, export_folder
from lineage.formats import same
from lineage.prov.statement import Name, statement
from lineage.prov.terms import ACTIVITY, ENTITY


@pytest.fixture
def exported(tmp_path):
    """A folder with its graphs inside."""
    return written(tmp_path / "results")


@pytest.fixture
def artifacts(tmp_path):
    """A folder called `artifacts`, with its graphs beside it."""
    return written(tmp_path / "artifacts")


def written(folder):
    """A history and its export."""
    folder.mkdir()
    history(3, 6, folder=folder, clean=True)
    export_folder(folder)
    return folder


def found(report):
    return sorted((one.finding.code, one.finding.file) for one in report.open)


def unchecked(report):
    return {what: count for what, count, _ in report.unchecked}


def spoil(path):
    path.write_bytes(path.read_bytes().replace(b"Generation", b"Degeneration", 1))


def test_graphs_in_the_folder_are_compared_and_their_picture_is_named_as_not_compared(exported):
    report = lineage.audit(exported)
    assert found(report) == [] and dict(report.checked)["PROV files of all sessions"] == len(COMBINED_FORMATS)
    assert unchecked(report)["pictures and other files in graphs"] == 1


@pytest.mark.parametrize("name", ["lineage.ttl", "lineage.trig", "lineage.prov.json"])
def test_an_edited_graph_is_stale_by_its_name(exported, name):
    spoil(exported / "graphs" / name)
    assert ("prov-stale", f"graphs/{name}") in found(lineage.audit(exported))


@pytest.mark.parametrize("name", list(formats.FORMATS))
def test_every_format_that_an_export_can_write_is_compared(tmp_path, name):
    history(3, 3, folder=tmp_path, clean=True)
    export_folder(tmp_path, only=(name,))
    report = lineage.audit(tmp_path)
    assert found(report) == [] and dict(report.checked)["PROV files of all sessions"] == 1
    (path,) = [path for path in (tmp_path / "graphs").iterdir() if path.suffix != ".svg"]
    path.write_bytes(path.read_bytes() + b"\n")
    assert ("prov-stale", f"graphs/{path.name}") in found(lineage.audit(tmp_path))


def test_a_graph_that_is_no_graph_and_one_that_is_invalid_are_told_besides(exported):
    (exported / "graphs/lineage.ttl").write_text("nothing of the kind")
    text = '{"prefix": {"e": "http://e/"}, "wasGeneratedBy": {"_:a": {"prov:entity": "e:x", "prov:activity": "e:x"}}, "entity": {"e:x": {}}, "activity": {"e:x": {}}}'  # fmt: skip
    (exported / "graphs/lineage.prov.json").write_text(text)
    report = lineage.audit(exported)
    assert ("prov-malformed", "graphs/lineage.ttl") in found(report)
    assert any(code.startswith("prov-5") and file == "graphs/lineage.prov.json" for code, file in found(report)) and report.code() == 5


def test_a_graph_of_another_folder_is_stale(exported, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    history(4, 6, folder=other, clean=True)
    export_folder(other)
    shutil.copy(other / "graphs/lineage.trig", exported / "graphs/lineage.trig")
    assert found(lineage.audit(exported)) == [("prov-stale", "graphs/lineage.trig")]


def test_graphs_beside_the_folder_are_read_only_where_somebody_names_them(artifacts):
    spoil(artifacts.parent / "graphs/lineage.ttl")
    report = lineage.audit(artifacts)
    assert found(report) == [] and unchecked(report)["PROV files of all sessions"] == len(COMBINED_FORMATS)
    report = lineage.audit(artifacts, graphs=artifacts.parent / "graphs")
    assert found(report) == [("prov-stale", "../graphs/lineage.ttl")] and "PROV files of all sessions" not in unchecked(report)
    assert main(["audit", str(artifacts), "--graphs", str(artifacts.parent / "graphs")]) == 1
    assert main(["audit", str(artifacts), "--graphs", str(artifacts.parent / "gone")]) == 2


def test_a_link_among_the_graphs_that_leads_out_is_not_opened(exported, tmp_path):
    (tmp_path / "secret").write_text("secret")
    for name, target in (("lineage.ttl", tmp_path / "secret"), ("lineage.trig", "/dev/zero")):
        (exported / "graphs" / name).unlink()
        (exported / "graphs" / name).symlink_to(target)
    os.mkfifo(exported / "graphs/lineage.nq")
    for more in ({}, {"graphs": exported / "graphs"}):
        report = lineage.audit(exported, **more)
        assert found(report) == [] and unchecked(report)["pictures and other files in graphs"] == 4
    shutil.move(exported / "graphs", tmp_path / "elsewhere")
    (exported / "graphs").symlink_to(tmp_path / "elsewhere")
    assert "PROV files of all sessions" not in dict(lineage.audit(exported).checked)


def test_a_giant_in_place_of_a_graph_is_not_read(exported):
    with (exported / "graphs/lineage.ttl").open("wb") as file:
        file.truncate(1 << 30)
    assert {("prov-stale", "graphs/lineage.ttl"), ("unreadable", "graphs/lineage.ttl")} <= set(found(lineage.audit(exported)))


@pytest.mark.parametrize("allow_invalid", [False, True])
def test_a_graph_without_the_sessions_that_are_invalid_is_what_an_export_writes(exported, monkeypatch, allow_invalid):
    real, thing, bad = mapping.statements, Name("http://example.org/x"), sorted(exported.glob("session_manifest_*"))[1].name[17:-5]

    def told(session, ids=None):
        """A bug of ours, for one session: something is both an entity and an activity."""
        both = (statement(ENTITY, thing), statement(ACTIVITY, thing)) if session.id == bad else ()
        return (*real(session, ids), *both)

    monkeypatch.setattr(mapping, "statements", told)
    done = export_folder(exported, allow_invalid=allow_invalid)
    assert {one.code for one in done.findings} >= {"prov-55"} and (exported / "graphs/lineage.ttl") in done.files
    report = lineage.audit(exported)
    assert "prov-55" in {one.code for one in report.findings}
    assert not [file for code, file in found(report) if code == "prov-stale" and file.startswith("graphs/")]


def test_single_records_in_prov_are_named_as_not_compared(exported):
    assert main(["export", str(exported), "--records", "1-2"]) == 0
    assert unchecked(lineage.audit(exported))["PROV files of single records"] == 12


def test_the_comparison_ends_at_the_first_difference_and_never_holds_the_file(exported):
    read = []

    class Watched(io.BytesIO):
        def read(self, size=-1):
            read.append(size)
            return super().read(size)

    world = lineage.audit(exported).world
    data = formats.dumps(combined_document([one for _, one in world.placed], world.ids)[0], "trig")
    formats.dump(world.combined[0], same._Comparing(Watched(data)), "trig")
    assert max(read) < len(data) and sum(read) == len(data)
    whole = len(read)
    read.clear()
    with pytest.raises(same._DiffersError):
        formats.dump(world.combined[0], same._Comparing(Watched(b"x" + data)), "trig")
    assert len(read) == 1 < whole


def test_a_recursive_audit_compares_the_graph_of_all_folders(exported, tmp_path):
    (exported / "more").mkdir()
    (exported / "more/session_manifest_x.json").write_text(json.dumps({"session_id": "x", "status": "completed", "title": "one"}))
    export_folder(exported, recursive=True)
    assert ("prov-stale", "graphs/lineage.ttl") not in found(lineage.audit(exported, recursive=True))
    assert ("prov-stale", "graphs/lineage.ttl") in found(lineage.audit(exported))  # of fewer sessions: the audit was asked of fewer
    (exported / "more/session_manifest_x.json").write_text(json.dumps({"session_id": "x", "status": "completed", "title": "two"}))
    assert ("prov-stale", "graphs/lineage.ttl") in found(lineage.audit(exported, recursive=True))
