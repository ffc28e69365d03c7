"""The audit finds secrets in folders that were written before, and repeats none in any of its reports."""

import json
import random

import pytest
from faults import Disk
from histories import history
from leaky import SHAPES, Maker

import lineage
from lineage.auditing import machines, page, plain
from lineage.export import export_folder


def found(report):
    return {(one.file, one.message) for one in report.findings if one.code == "secret-recorded"}


def every_format(report):
    yield "\n".join(plain.text(report))
    yield "\n".join(plain.markdown(report))
    yield page.html(report)
    yield json.dumps(machines.as_json(report))
    yield json.dumps(machines.sarif(report))
    yield machines.junit(report)
    yield repr(report)


@pytest.fixture
def leaky(tmp_path):
    """A folder in which a manifest, its PROV, records and a report hold secrets, and records another one than their manifest."""
    maker, folder = Maker(7), tmp_path / "artifacts"
    folder.mkdir()
    history(4, 7, folder=folder, clean=True)
    disk = Disk(random.Random(1), folder)
    file, run = disk.records("generation")[0]
    path, manifest, _ = next(one for one in disk.activities("generation") if one[2]["id"] == run["id"])
    for one in manifest["activities"]:
        if one["id"] == run["id"]:
            one["params"] = {"api_key": maker.text(), "temperature": f"{SHAPES['openai'](maker)}", **one["params"]}
    manifest["title"] = f"stage 1 {SHAPES['curl'](maker)}"
    manifest["environment"]["command_line"] = ["prog", "--token", "a", maker.text(), "-p", maker.text()]
    disk.save(path, manifest)
    disk.edit(
        file, lambda record: record["metadata"]["generation_params"].update(api_key=maker.text(), temperature=SHAPES["jwt"](maker)), 0
    )
    for name, report in disk.reports()[:1]:
        report["metadata"]["decoding_params"]["password"] = maker.text()
        disk.write(name, [json.dumps(report).encode()])
    export_folder(folder)
    return folder, maker, file, path.name


def test_a_finding_names_the_file_and_the_place(leaky):
    folder, _, file, manifest = leaky
    messages = dict(found(lineage.audit(folder)))
    assert "title" in messages[manifest] or "params.api_key" in messages[manifest]
    assert "metadata.generation_params.api_key" in messages[file]
    assert any("metadata.decoding_params.password" in message for message in messages.values())


def test_no_report_repeats_a_secret(leaky):
    folder, maker, _, _ = leaky
    report = lineage.audit(folder)
    assert {"params-differ", "secret-recorded"} <= {one.code for one in report.findings}
    for text in every_format(report):
        assert [secret for secret in maker.made if secret in text or secret[:10] in text] == []


def test_only_what_is_selected_is_told_and_no_secret_with_it(leaky):
    from lineage.auditing.config import Config

    folder, maker, _, _ = leaky
    report = lineage.audit(folder, config=Config(select=("params-differ",)))
    assert {one.code for one in report.findings} == {"params-differ"}
    assert [secret for text in every_format(report) for secret in maker.made if secret[:10] in text] == []


@pytest.mark.parametrize("suffix", [".ttl", ".trig", ".json"])
def test_a_graph_of_before_is_searched_although_the_manifests_are_clean(tmp_path, suffix):
    folder, maker = tmp_path / "f", Maker(8)
    folder.mkdir()
    history(5, 3, folder=folder, clean=True)
    export_folder(folder)
    assert found(lineage.audit(folder)) == set()
    for path in [path for path in folder.rglob(f"*{suffix}") if "prov" in path.name or suffix != ".json"]:
        text, secret = path.read_text(), maker.text()
        path.write_text(text.replace("{", f'{{"param:token": "{secret}",', 1) if suffix == ".json" else f'{text}# password="{secret}"\n')
        assert path.name in {file.rpartition("/")[2] for file, _ in found(lineage.audit(folder))}


def test_a_patch_that_was_kept_before_is_searched(tmp_path):
    maker, folder = Maker(9), tmp_path
    with lineage.session(folder, export=False) as session:
        (folder / "code.patch").write_text(f"+password = '{maker.text()}'\n")
        session.artifact("code.patch", type="patch")
    assert [file for file, _ in found(lineage.audit(folder))] == ["code.patch"]
