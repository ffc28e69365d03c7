"""Folders that every version of the format wrote: each loads, verifies, is audited and can be signed; a newer one is a finding."""

import json
import shutil
from pathlib import Path

import pytest

import lineage
from lineage.cli import main
from lineage.folder import read_folder
from lineage.integrity import index
from lineage.signing import keys
from lineage.signing.check import checked
from lineage.signing.sign import sign

CORPUS = Path(__file__).parent / "corpus"
KEY = CORPUS / "key.pub"
FOLDERS = sorted(path.name for path in CORPUS.iterdir() if path.is_dir())
SIGNED = [name for name in FOLDERS if list((CORPUS / name).glob("*.dsse.json"))]


@pytest.fixture
def copy(tmp_path):
    def copied(name):
        shutil.copytree(CORPUS / name, tmp_path / name)
        return tmp_path / name

    return copied


def test_the_corpus_has_every_version():
    assert FOLDERS == ["0-fixed-keys", "1-first", "2-merkle-roots", "3-first-signatures", "4-strict-envelopes", "5-links", "6-files-beside"]
    assert len(SIGNED) == 4


@pytest.mark.parametrize("name", FOLDERS)
def test_every_version_loads(copy, name):
    sessions, findings = read_folder(copy(name))
    (session,) = [one for one in sessions if one.manifest]
    assert {one.path for one in session.artifacts} >= {"training.jsonl", "evaluation_sft.json"}
    assert [one for one in findings if one.rule.level == "error"] == []


@pytest.mark.parametrize("name", FOLDERS)
def test_every_version_is_audited_without_an_error(copy, name, capsys):
    main(["audit", str(copy(name)), "--json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert [one["code"] for one in findings if one["level"] == "error"] == []


@pytest.mark.parametrize("name", FOLDERS)
def test_a_record_of_every_version_is_explained_and_proved(copy, name, capsys):
    folder = copy(name)
    assert lineage.RecordFile(folder / "training.jsonl").why(2).record["instruction"]
    assert main(["prove", str(folder / "training.jsonl:2"), "-o", str(folder.parent / "p.json")]) == 0
    (folder.parent / "r").write_bytes((folder / "training.jsonl").read_bytes().splitlines(keepends=True)[1])
    root = json.loads((folder.parent / "p.json").read_text())["merkle_root"]
    assert main(["verify", "--proof", str(folder.parent / "p.json"), "--root", root, str(folder.parent / "r")]) == 0


@pytest.mark.parametrize("name", SIGNED)
def test_every_signature_holds(copy, name):
    folder = copy(name)
    found = checked(folder, keys.public_key(KEY))
    assert found.faults == ()
    assert sum(found.good.values()) == 5
    assert main(["audit", str(folder), "--key", str(KEY)]) in (0, 1)


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("file", ["training.jsonl", "evaluation_sft.json"])
def test_a_change_to_every_version_is_found(copy, name, file):
    folder = copy(name)
    (folder / file).write_bytes((folder / file).read_bytes().replace(b"e", b"E", 1))
    assert ("altered", file) in [(one.what, one.file) for one in checked(folder, keys.public_key(KEY)).faults]


@pytest.mark.parametrize("name", SIGNED)
def test_a_forged_index_of_every_version_is_found(copy, name):
    folder = copy(name)
    path = index.path_of(folder / "training.jsonl")
    path.write_bytes(path.read_bytes()[:-8] + b"\0" * 8)
    assert [one.what for one in checked(folder, keys.public_key(KEY)).faults] == ["index"]


@pytest.mark.parametrize("name", FOLDERS)
def test_every_version_can_be_signed_anew(copy, name, key, public):
    folder = copy(name)
    sign(folder, key, replace_signature=True)
    assert checked(folder, public).faults == ()
    assert {"training.jsonl", "evaluation_sft.json"} <= checked(folder, public).signed[0].statement.subjects.keys()


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("schema", ["2", "99", 2])
def test_a_newer_version_is_a_finding_and_read_as_far_as_it_is_understood(copy, name, schema):
    folder = copy(name)
    path = next(folder.glob("session_manifest_*"))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": schema, "a_new_key": 1}))
    sessions, findings = read_folder(folder)
    assert "newer-schema" in {one.code for one in findings} or isinstance(schema, int)
    assert any(one.manifest for one in sessions)
    if isinstance(schema, int):
        assert findings
