"""What lineage writes into a signed folder later is listed as not signed, and never called a change by somebody."""

import shutil

import pytest

from lineage.cli import main
from lineage.signing import keys
from lineage.signing.check import checked
from lineage.signing.products import product
from lineage.signing.sign import sign

OUTPUTS = {
    "explorer.html": ["draw", "{at}", "-o", "{at}/explorer.html"],
    "lineage.svg": ["draw", "{at}", "-o", "{at}/lineage.svg"],
    "lineage.dot": ["draw", "{at}", "-o", "{at}/lineage.dot"],
    "audit.html": ["audit", "{at}", "-f", "html", "-o", "{at}/audit.html"],
    "audit.json": ["audit", "{at}", "-f", "json", "-o", "{at}/audit.json"],
    "audit.md": ["audit", "{at}", "-f", "markdown", "-o", "{at}/audit.md"],
    "audit.txt": ["audit", "{at}", "-f", "text", "-o", "{at}/audit.txt"],
    "audit.sarif": ["audit", "{at}", "-f", "sarif", "-o", "{at}/audit.sarif"],
    "audit.xml": ["audit", "{at}", "-f", "junit", "-o", "{at}/audit.xml"],
    "annex.md": ["report", "--in", "{at}", "--profile", "annex-iv", "-o", "{at}/annex.md"],
    "card.md": ["report", "--in", "{at}", "--profile", "data-card", "-o", "{at}/card.md"],
    "model.md": ["report", "--in", "{at}", "--profile", "model-card", "-o", "{at}/model.md"],
    "methods.md": ["report", "--in", "{at}", "--profile", "methods", "-o", "{at}/methods.md"],
}


def write(name, folder):
    main([part.format(at=folder) for part in OUTPUTS[name]])
    assert (folder / name).is_file()


def result(folder, key):
    found = checked(folder, keys.public_key(key.with_name("key.pem.pub")))
    return [(one.what, one.file) for one in found.faults], {one.file: one.reason for one in found.listed}


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_saved_in_a_signed_folder_is_listed_and_no_fault(folder, key, name, capsys):
    sign(folder, key)
    write(name, folder)
    faults, listed = result(folder, key)
    assert faults == []
    assert "of lineage does, and is not checked" in listed[name]
    assert main(["verify", str(folder), "--key", f"{key}.pub"]) == 0
    assert f"{name}: not signed" in capsys.readouterr().err


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_that_was_there_is_not_signed_so_it_may_be_written_again(folder, key, name):
    write(name, folder)
    sign(folder, key)
    (folder / name).write_bytes((folder / name).read_bytes() + b"\n")
    assert result(folder, key)[0] == []


@pytest.mark.parametrize(
    "place", ["pytorch_model.bin", "evaluation_new.json", "new.jsonl", "adapter/config.json", "adapter/adapter_config.json"]
)
def test_data_that_begins_as_an_output_is_still_an_addition(folder, key, place):
    sign(folder, key)
    write("audit.json", folder)
    shutil.move(folder / "audit.json", folder / place)
    assert result(folder, key)[0] == [("added", place)]


def test_an_output_in_place_of_a_signed_file_is_a_change(folder, key):
    sign(folder, key)
    write("audit.json", folder)
    shutil.move(folder / "audit.json", folder / "evaluation_sft.json")
    assert result(folder, key)[0] == [("altered", "evaluation_sft.json")]


@pytest.mark.parametrize("text", [b"", b"<html>", b"<!doctype html>\n<title>x \xc2\xb7 lineage</title>", b"{}", b"# Audit of the books"])
@pytest.mark.parametrize("suffix", [".html", ".json", ".md", ".svg"])
def test_files_of_others_are_none_of_ours(tmp_path, text, suffix):
    (tmp_path / f"x{suffix}").write_bytes(text)
    assert product(tmp_path, f"x{suffix}") is None


@pytest.fixture
def legacy(folder):
    (folder / "old.jsonl").write_text('{"instruction": "a", "response": "b"}\n')
    return folder


def exported(folder, *more):
    main(["export", str(folder), "--legacy", *more])


def test_exports_after_the_signature_are_listed(legacy, key):
    for path in legacy.glob("session_2*.ttl"):
        path.unlink()
    sign(legacy, key)
    exported(legacy)
    faults, listed = result(legacy, key)
    assert faults == []
    assert {"session_unrecorded.prov.json", "session_unrecorded.ttl", "session_20251004T120000Z-5a3b1e5a3b1e.ttl"} <= listed.keys()


def test_an_export_of_single_records_is_listed(legacy, key):
    sign(legacy, key)
    exported(legacy, "--records")
    assert list(legacy.glob("session_*.records.*"))
    assert result(legacy, key)[0] == []


def test_prov_that_no_export_writes_is_a_fault(legacy, key):
    sign(legacy, key)
    exported(legacy)
    path = legacy / "session_unrecorded.ttl"
    path.write_bytes(path.read_bytes() + b"# more\n")
    assert result(legacy, key)[0] == [("added", path.name)]


def test_signed_prov_that_an_export_writes_anew_is_listed(folder, key):
    path = folder / "session_20251004T120000Z-5a3b1e5a3b1e.ttl"
    whole = path.read_bytes()
    path.write_bytes(whole + b"# as an older version wrote it\n")
    sign(folder, key)
    assert result(folder, key)[0] == []
    path.write_bytes(whole)
    faults, listed = result(folder, key)
    assert faults == []
    assert path.name in listed


def test_a_redacted_copy_verifies_once_signed(folder, key, tmp_path):
    sign(folder, key)
    assert main(["redact", str(folder), "-o", str(tmp_path / "copy")]) == 0
    assert main(["sign", str(tmp_path / "copy"), "--key", str(key)]) == 0
    assert result(tmp_path / "copy", key)[0] == []


def test_hidden_files_and_graphs_are_listed_by_their_folders(folder, key):
    sign(folder, key)
    for name in (".git/objects/a", ".git/objects/b", "adapter/.cache", "graphs/x.bin", ".lineage/gone.jsonl.index"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    faults, listed = result(folder, key)
    assert faults == []
    assert {".git/", "adapter/.cache", "graphs/", ".lineage/"} <= listed.keys()
