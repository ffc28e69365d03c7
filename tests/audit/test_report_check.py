"""A report of an audit names what it is about, and is held against the folder as it is now."""

import base64
import html
import json
import shutil

import pytest
from faults import digest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lineage
from lineage.auditing import machines, page
from lineage.auditing.audited import digest_of
from lineage.auditing.report_check import check_report
from lineage.cli import main
from lineage.errors import FormatError, LineageError, NotFoundError
from lineage.signing.keys import key_id, new_key, public_key
from lineage.signing.sign import sign

FORMATS = ("json", "html")


@pytest.fixture
def signed(folder, key):
    (folder / "notes.txt").write_text("not named by a session")
    sign(folder, key)
    return folder


@pytest.fixture
def pub(key):
    return key.with_name("key.pem.pub")


def written(folder, path, *options):
    main(["audit", str(folder), "--format", path.suffix[1:], "--output", str(path), "--fail-on", "never", *map(str, options)])
    return path


def code_of(path, folder, *options):
    return main(["audit", str(folder), "--verify-report", str(path), *map(str, options)])


# --- what a report names


def test_a_report_names_every_manifest_key_head_option_and_file(signed, pub):
    told = machines.as_json(lineage.audit(signed, key=pub))["audited"]
    manifests = {path.name: digest(path.read_bytes()) for path in signed.glob("session_manifest_*")}
    assert {one["file"]: one["sha256"] for one in told["manifests"]} == manifests
    assert told["key"]["fingerprint"] == key_id(public_key(pub))
    assert list(told["heads"].values()) == [digest(path.read_bytes()) for path in signed.glob("*.dsse.json")]
    assert all(digest((signed / one["file"]).read_bytes()) == one["sha256"] for one in told["files_checked"] if "../" not in one["file"])
    assert {"file": "notes.txt", "why": "no session names it"} in told["files_not_checked"]
    named = {one["file"] for key in ("manifests", "files_checked", "files_not_checked", "signatures") for one in told[key]}
    there = {path.relative_to(signed).as_posix() for path in signed.rglob("*") if path.is_file() and ".lineage" not in path.parts}
    assert there <= named


def test_every_format_names_the_subject_and_what_is_claimed(signed, pub, tmp_path):
    fingerprint = key_id(public_key(pub))
    for name in ("text", "markdown", "html", "json"):
        text = written(signed, tmp_path / f"r.{name}", "--key", pub, "--format", name).read_text()
        manifest = digest(next(signed.glob("session_manifest_*")).read_bytes())
        assert fingerprint in text, name
        assert manifest in text, name
        assert "laimed" in text, name


def test_two_audits_of_a_folder_have_equal_subjects_wherever_it_lies(signed, pub, tmp_path):
    copy = shutil.copytree(signed, tmp_path / "elsewhere")
    subjects = [lineage.audit(place, key=pub).audited for place in (signed, signed, copy)]
    assert subjects[0] == subjects[1] == subjects[2]


def test_what_is_claimed_follows_from_what_the_folder_has(signed, tmp_path):
    claimed = {what: count for what, count, _ in lineage.audit(signed).claimed}
    assert claimed["parameters (claimed)"] == 4
    assert claimed["trainings"] == 1
    assert claimed["metrics of evaluations (claimed)"] == 2
    with lineage.session(tmp_path / "other", title="empty"):
        pass
    claimed = {what for what, _, _ in lineage.audit(tmp_path / "other").claimed}
    assert not {"parameters (claimed)", "trainings", "metrics of evaluations (claimed)"} & claimed
    assert "runs that were never recorded" in claimed


# --- held against the folder


@pytest.mark.parametrize("name", FORMATS)
def test_a_report_is_about_its_folder_wherever_both_lie(signed, pub, tmp_path, name):
    path = written(signed, tmp_path / f"r.{name}", "--key", pub)
    assert code_of(path, signed) == 0
    assert code_of(path, signed, "--key", pub) == 0
    moved = shutil.move(signed, tmp_path / "moved")
    assert code_of(path, moved) == 0


@pytest.mark.parametrize("name", FORMATS)
def test_a_report_that_lies_in_its_folder_is_no_change_of_it(folder, name):
    path = written(folder, folder / f"audit.{name}")
    again = written(folder, folder / f"again.{name}")
    assert code_of(path, folder) == 0
    assert code_of(again, folder) == 0


def edit(path):
    path.write_bytes(path.read_bytes()[:-2] + b" \n")


CHANGES = {
    "manifest": lambda folder: edit(next(folder.glob("session_manifest_*"))),
    "record": lambda folder: edit(next(folder.glob("*.jsonl"))),
    "signature": lambda folder: next(folder.glob("*.dsse.json")).unlink(),
    "model": lambda folder: edit(next(path for path in folder.rglob("*.safetensors"))),
    "removed": lambda folder: next(folder.glob("evaluation_*.json")).unlink(),
    "added": lambda folder: (folder / "new.jsonl").write_text('{"a": 1}\n'),
    "added beside": lambda folder: (folder / "deep").mkdir() or (folder / "deep" / "x.bin").write_text("x"),
    "journal": lambda folder: (folder / "session_journal_x_1.jsonl").write_text(""),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_folder_is_named(signed, pub, tmp_path, change, name, capsys):
    path = written(signed, tmp_path / f"r.{name}", "--key", pub)
    CHANGES[change](signed)
    capsys.readouterr()
    assert code_of(path, signed) == 4
    assert capsys.readouterr().out.strip()


def test_a_report_under_another_key_is_not_taken_for_one_under_this(signed, pub, tmp_path, capsys):
    path = written(signed, tmp_path / "r.json", "--key", pub)
    new_key(tmp_path / "other.pem")
    capsys.readouterr()
    assert code_of(path, signed, "--key", tmp_path / "other.pem.pub") == 4
    assert "key" in capsys.readouterr().out.splitlines()[0]


EDITS = {
    "counts": lambda told: told["counts"].update(error=99),
    "exit code": lambda told: told.update(exit_code=99),
    "finding removed": lambda told: told["findings"].pop(),
    "finding softened": lambda told: told["findings"][0].update(message="fine"),
    "finding made up": lambda told: told["findings"].append({"code": "x", "file": "y", "message": "z"}),
    "digest": lambda told: told["audited"]["files_checked"][0].update(sha256="0" * 64),
    "file left out": lambda told: told["audited"]["files_checked"].pop(),
    "file added": lambda told: told["audited"]["files_not_checked"].append({"file": "a", "why": "b"}),
    "option": lambda told: told["audited"]["options"].update(ignore=["altered-file"]),
    "claims": lambda told: told.update(claimed_not_checked=[]),
    "not checked": lambda told: told.update(not_checked=[]),
    "key": lambda told: told["audited"].update(key=None),
    "head": lambda told: told["audited"].update(heads={}),
}


@pytest.mark.parametrize("resealed", [False, True], ids=["as it is", "with its digest made anew"])
@pytest.mark.parametrize("change", EDITS)
def test_an_edited_report_does_not_pass(signed, pub, tmp_path, change, resealed):
    CHANGES["record"](signed)  # there is something to be found
    path = written(signed, tmp_path / "r.json", "--key", pub)
    told = json.loads(path.read_text())
    EDITS[change](told)
    if resealed:
        for part in (told["audited"], told):
            part["sha256"] = digest_of({key: value for key, value in part.items() if key != "sha256"})
    path.write_text(json.dumps(told))
    assert check_report(path, signed).differences


def test_a_page_whose_text_was_edited_beside_its_report_does_not_pass(signed, pub, tmp_path):
    CHANGES["record"](signed)
    path = written(signed, tmp_path / "r.html", "--key", pub)
    assert "errors" in path.read_text()
    path.write_text(path.read_text().replace(" errors", " notes"))
    assert check_report(path, signed).differences


# --- hostile reports


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_report_that_is_cut_off_or_damaged_is_refused_or_differs(tmp_path_factory, data):
    place = tmp_path_factory.getbasetemp() / "damaged"
    if not place.exists():
        with lineage.session(place / "f", title="a"):
            pass
        written(place / "f", place / "r.json")
    whole = (place / "r.json").read_bytes()
    at = data.draw(st.integers(0, len(whole) - 2))
    damaged = data.draw(st.sampled_from([whole[:at], whole[:at] + b"\xff" + whole[at + 1 :], whole[:at] + whole[at + 9 :]]))
    path = place / "damaged.json"
    path.write_bytes(damaged)
    try:
        different = check_report(path, place / "f").differences
    except LineageError as error:
        assert str(error)
    else:
        assert different or json.loads(damaged) == json.loads(whole)


SHAPES = (
    b"",
    b"{}",
    b"[]",
    b"null",
    b'{"report": "lineage audit"}',
    b"<html></html>",
    b"\x00" * 100,
    b'<template id="lineage-audit-report">',
    b"[" * 5000,
)


@pytest.mark.parametrize("data", SHAPES, ids=range(len(SHAPES)))
def test_what_is_no_report_is_refused_with_a_reason(folder, tmp_path, data):
    (tmp_path / "r.json").write_bytes(data)
    with pytest.raises(FormatError):
        check_report(tmp_path / "r.json", folder)


def test_a_device_or_a_folder_is_no_report(folder):
    for path in ("/dev/zero", str(folder)):
        assert code_of(path, folder) == 3
    with pytest.raises(NotFoundError):
        check_report(folder / "nothing.json", folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told["audited"]["options"].update(graphs="/etc"),
        lambda told: told["audited"]["options"].update(graphs="../../.."),
        lambda told: told["audited"]["options"].update(head="x"),
        lambda told: told["audited"]["options"].update(select=["no-such-rule"]),
        lambda told: told["audited"]["options"].update(suppress=[{"code": 1}]),
        lambda told: told.update(at="9999-12-31T23:59:59+00:00"),
        lambda told: told.update(at="2026-01-01T00:00:00"),
        lambda told: told["audited"].update(key={"fingerprint": "0" * 64, "ed25519": base64.b64encode(b"0" * 32).decode()}),
        lambda told: told["audited"].update(manifests=[{"file": 1}]),
    ],
    ids=range(9),
)
def test_a_report_opens_nothing_outside_and_breaks_nothing(folder, tmp_path, change):
    path = written(folder, tmp_path / "r.json")
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))
    with pytest.raises(FormatError):
        check_report(path, folder)


HOSTILE_EDITS = {
    "a-row-twice": lambda told: told["audited"]["files_checked"].insert(0, told["audited"]["files_checked"][0] | {"sha256": "0" * 64}),
    "a-row-repeated": lambda told: told["audited"]["files_checked"].append(told["audited"]["files_checked"][0]),
    "a-further-key": lambda told: told.update(approved_by="a laboratory"),
    "a-further-key-of-the-subject": lambda told: told["audited"].update(approved="yes"),
    "a-code-of-another-type": lambda told: told.update(exit_code=float(told["exit_code"])),
    "a-time-to-come": lambda told: told.update(at="2190-01-01T00:00:00+00:00"),
}


@pytest.mark.parametrize("name", HOSTILE_EDITS)
def test_what_no_audit_writes_is_no_report_about_the_folder(signed, tmp_path, name, capsys):
    path = written(signed, tmp_path / "r.json")
    assert code_of(path, signed) == 0
    told = json.loads(path.read_bytes())
    HOSTILE_EDITS[name](told)
    for part in (told["audited"], told):
        part["sha256"] = digest_of({key: value for key, value in part.items() if key != "sha256"})
    path.write_text(json.dumps(told))
    assert code_of(path, signed) != 0
    shown = capsys.readouterr()
    assert ("not about" in shown.out + shown.err) == (name != "a-time-to-come")


def test_the_text_of_a_page_of_another_version_is_not_believed(signed, tmp_path, capsys):
    path = written(signed, tmp_path / "r.html")
    text = path.read_text()
    before, _, rest = text.partition(page.BEFORE)
    block, _, after = rest.partition(page.AFTER)
    told = json.loads(html.unescape(block)) | {"version": "99.0"}
    told["sha256"] = digest_of({key: value for key, value in told.items() if key != "sha256"})
    forged = before.replace("sha256", "approved") + page.BEFORE + html.escape(json.dumps(told)) + page.AFTER + after
    path.write_text(forged)
    assert code_of(path, signed) == 4
    shown = capsys.readouterr()
    assert "cannot be compared" in shown.out + shown.err
