"""An audit under a key, and without one: what does not hold is found and named with what rests on it, and the report says what nobody can see."""

import hashlib
import json
import os
import shutil
import subprocess
import sys

import pytest

import lineage
from lineage.auditing import signatures
from lineage.auditing.config import Config
from lineage.cli import main
from lineage.errors import UsageError
from lineage.signing import envelope, keys
from lineage.signing.sign import sign

ID = "20251004T120000Z-5a3b1e5a3b1e"
MANIFEST, ENVELOPE = f"session_manifest_{ID}.json", f"session_{ID}.dsse.json"
RECORDS = "sft_training_data.jsonl"
OURS = set(signatures.RULE_OF.values())


@pytest.fixture
def signed(folder, key):
    """The head of the folder, which is signed."""
    return sign(folder, key)[-1].sha256


def found(report):
    return [(one.finding.code, one.finding.file) for one in report.open if one.finding.code in OURS]


def under(folder, key, **more):
    return lineage.audit(folder, key=f"{key}.pub", **more)


def edit(path, before, after):
    data = path.read_bytes()
    assert before in data
    path.write_bytes(data.replace(before, after))


def unchecked(report):
    return {what: why for what, _, why in report.unchecked if "signature" in what}


# --- what is said of a folder as it was signed


def test_a_folder_as_it_was_signed_holds_and_its_files_are_counted(folder, key, signed):
    report = under(folder, key, head=signed)
    assert report.code() == 0 and found(report) == [] and unchecked(report) == {}
    assert dict(report.checked)["signatures"] == 1 and dict(report.checked)["files as they were signed"] == 9


def test_without_a_head_the_report_says_that_the_end_may_be_gone(folder, key, signed):
    assert set(unchecked(under(folder, key))) == {"the end of the chain of signatures"}


def test_without_a_key_the_report_says_that_nobody_knows_whose_the_signatures_are(folder, signed):
    report = lineage.audit(folder)
    assert report.code() == 0 and "without --key" in unchecked(report)["signatures"] and dict(report.checked)["signatures"] == 1


def test_without_signatures_the_report_says_so(folder):
    report = lineage.audit(folder)
    assert "no session is signed" in unchecked(report)["signatures"] and "signatures" not in dict(report.checked)


def test_an_unsigned_session_is_counted_without_a_key_and_found_under_one(folder, key, signed):
    (folder / "session_manifest_x.json").write_text('{"session_id": "x", "status": "completed", "title": "forged"}')
    report = lineage.audit(folder)
    assert found(report) == [] and "only with --key" in unchecked(report)["sessions without a signature"]
    assert found(under(folder, key)) == [("unsigned-session", "session_manifest_x.json")]


# --- faults


def test_a_forger_who_rewrites_the_manifest_too_is_found_by_the_signature_alone(folder, key, signed):
    edit(folder / "evaluation_sft.json", b"0.75", b"0.95")
    before = next(one["sha256"] for one in json.loads((folder / MANIFEST).read_bytes())["artifacts_generated"] if one["file"] == "evaluation_sft.json")  # fmt: skip
    after = hashlib.sha256((folder / "evaluation_sft.json").read_bytes()).hexdigest()
    edit(folder / MANIFEST, before.encode(), after.encode())
    edit(folder / MANIFEST, b"0.75", b"0.95")
    for report in (lineage.audit(folder), under(folder, key)):
        assert "altered-file" not in {one.code for one in report.findings}
        assert ("not-as-signed", "evaluation_sft.json") in found(report) and report.code() == 4
    one = next(one for one in report.open if one.finding.file == "evaluation_sft.json" and one.finding.code == "not-as-signed")
    assert one.session == ID and "signed as" in one.finding.message
    assert one.consequences.scores == ("sft_accuracy 0.95 (evaluation_sft.json)",)  # though the manifest no longer knows what was signed


def test_what_rests_on_it_is_told_as_for_other_findings(folder, key, signed):
    edit(folder / RECORDS, b"answer 2", b"answer 9")
    (one,) = [one for one in under(folder, key).open if one.finding.code == "not-as-signed"]
    assert "line 3 changed" in one.finding.message and one.consequences.records == 6
    assert one.consequences.models == ("adapter/adapter.safetensors",) and one.consequences.scores == ("sft_accuracy 0.75 (evaluation_sft.json)",)  # fmt: skip


def test_a_wrong_key_a_broken_chain_and_a_missing_signature_are_three_findings(folder, key, signed, tmp_path):
    keys.new_key(tmp_path / "other.pem")
    assert found(under(folder, tmp_path / "other.pem")) == [("broken-signature", ENVELOPE)]
    assert found(under(folder, key, head="0" * 64)) == [("broken-chain", ".")]
    (folder / ENVELOPE).unlink()
    assert ("unsigned-session", MANIFEST) in found(under(folder, key))
    assert ("broken-chain", ".") in found(lineage.audit(folder, head=signed))


@pytest.mark.parametrize("name", ["text", "markdown", "html", "json", "sarif", "junit"])
def test_every_format_tells_of_them(folder, key, signed, name, capsys):
    edit(folder / RECORDS, b"answer 2", b"answer 9")
    assert main(["audit", str(folder), "--key", f"{key}.pub", "--format", name]) == 4
    shown = capsys.readouterr().out
    shown = shown.replace("\\", "") if name == "markdown" else shown  # its escapes
    assert "not-as-signed" in shown and "altered: signed as" in shown and "adapter/adapter.safetensors" in shown


def test_what_is_ignored_is_counted_all_the_same(folder, key, signed):
    edit(folder / RECORDS, b"answer 2", b"answer 9")
    report = under(folder, key, config=Config(select=("metric-differs",)))
    assert dict(report.ignored)["not-as-signed"] == 1 and report.code() == 0


# --- how it is asked


def test_a_folder_with_nothing_to_verify_is_not_verified(tmp_path, key):
    (tmp_path / "empty").mkdir()
    assert under(tmp_path / "empty", key).code() == 6
    assert main(["audit", str(tmp_path / "empty"), "--key", f"{key}.pub"]) == 6
    assert main(["audit", str(tmp_path / "empty"), "--key", str(tmp_path / "gone.pub")]) == 3
    (tmp_path / "empty" / "x.jsonl").write_text("{}\n")
    assert main(["audit", str(tmp_path / "empty"), "--key", f"{key}.pub"]) == 1


def test_a_head_that_is_none_is_refused(folder, key, signed):
    with pytest.raises(UsageError, match="64 hex digits"):
        under(folder, key, head="abc")
    assert main(["audit", str(folder), "--head", "abc"]) == 2


def test_journals_alone_are_an_unsigned_session(tmp_path, key):
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "session_journal_x_1.jsonl").write_text('{"event": "session", "session": {"session_id": "x"}}\n')
    assert found(under(tmp_path / "alone", key)) == [("unsigned-session", "session_journal_x_1.jsonl")]


@pytest.fixture
def nested(folder, key, tmp_path):
    """A folder with two folders inside, each signed for itself."""
    root = tmp_path / "root"
    for name in ("one", "two"):
        shutil.copytree(folder, root / name)
        sign(root / name, key)
    return root


def test_folders_inside_are_checked_each_with_its_own_chain(nested, key):
    report = under(nested, key, recursive=True)
    assert found(report) == [] and dict(report.checked)["signatures"] == 2
    edit(nested / "two" / RECORDS, b"answer 2", b"answer 9")
    assert found(under(nested, key, recursive=True)) == [("not-as-signed", f"two/{RECORDS}")]


def test_a_folder_inside_whose_sessions_are_gone_is_looked_at_for_its_signatures(nested, key):
    (nested / "two" / MANIFEST).unlink()
    assert ("not-as-signed", f"two/{MANIFEST}") in found(under(nested, key, recursive=True))
    assert ("not-as-signed", f"two/{MANIFEST}") in found(lineage.audit(nested, recursive=True))


def test_a_folder_inside_that_nobody_asked_for_is_an_unsigned_session_and_is_none_where_it_is_checked_by_itself(folder, key, signed):
    shutil.copytree(folder, folder / "runs")
    assert found(under(folder, key)) == [("unsigned-session", "runs")]
    assert found(under(folder, key, recursive=True)) == []
    (folder / "runs" / ENVELOPE).unlink()
    assert ("unsigned-session", f"runs/{MANIFEST}") in found(under(folder, key, recursive=True))


def test_a_file_that_was_not_read_again_is_read_again_when_it_is_asked_for(folder, key, signed, monkeypatch):
    read = []
    monkeypatch.setattr("lineage.auditing.world.files.digest", lambda path, recheck=False: read.append(recheck) or ("0" * 64, 0))
    under(folder, key)
    under(folder, key, recheck=True)
    assert set(read) == {False, True}


def test_without_the_library_an_audit_without_a_key_looks_at_signatures_all_the_same(folder, signed):
    code = "import sys; sys.modules['cryptography'] = None; from lineage.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", code, "audit", str(folder)], capture_output=True, text=True)
    assert done.returncode == 0 and "1 signature" in done.stdout and not done.stderr


# --- what a forger does


@pytest.fixture
def chain(sample, folder, key):
    """Four sessions under a chain of signatures: (their envelopes, the head)."""
    for number in range(1, 4):
        artifact = sample.put(folder, f"more_{number}.json", b"{}%d" % number, type="output", timestamp=sample.time(20 + number))
        told = sample.Session(id=f"20251004T12{20 + number}00Z-{number:012x}", status="completed", started_at=sample.time(20 + number), ended_at=sample.time(21 + number), artifacts=(artifact,))  # fmt: skip
        sample.manifest.path_of(folder, told.id).write_bytes(sample.writing.dumps(told))
    signed = sign(folder, key)
    return [one.path for one in signed], signed[-1].sha256


def again(path, change, key):
    """The envelope signed anew by a key, with what *change* makes of its statement as text."""
    payload = envelope.read(path).payload
    path.write_bytes(envelope.signed(change(payload), keys.private_key(key)))


def said(**more):
    """The predicate with other values."""
    return lambda payload: json.dumps((told := json.loads(payload)) | {"predicate": told["predicate"] | more}).encode()


def to_link(path):
    path.rename(path.with_name("kept"))
    path.symlink_to("kept")


def exchange(one, other):
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


FORGED = {
    "1 GB": (lambda at, key: os.truncate(at[1], 1 << 30), "broken-signature"),
    "deep JSON": (lambda at, key: at[1].write_bytes(b"[" * 200_000), "broken-signature"),
    "a deep statement": (lambda at, key: again(at[1], lambda _: b'{"a":' * 5000 + b"1" + b"}" * 5000, key), "broken-signature"),
    "a key twice": (lambda at, key: again(at[1], lambda data: data.replace(b'"position"', b'"position": 9, "position"'), key), "broken-signature"),
    "a position that is a fraction": (lambda at, key: again(at[1], said(position=2.7), key), "broken-signature"),
    "a position that is a text": (lambda at, key: again(at[1], said(position="2"), key), "broken-signature"),
    "no file but in name": (lambda at, key: again(at[1], lambda data: json.dumps(json.loads(data) | {"subject": []}).encode(), key), "broken-signature"),
    "a manifest elsewhere": (lambda at, key: again(at[1], said(manifest="/etc/passwd"), key), "broken-signature"),
    "half a letter": (lambda at, key: again(at[1], said(session_id="\ud800"), key), "broken-signature"),
    "a link": (lambda at, key: to_link(at[1]), "broken-signature"),
    "a pipe": (lambda at, key: at[1].unlink() or os.mkfifo(at[1]), "broken-signature"),
    "a folder called so": (lambda at, key: at[1].with_name("session_d.dsse.json").mkdir(), "broken-signature"),
    "a file called so": (lambda at, key: at[1].with_name("session_x.dsse.json").write_text("{}"), "broken-signature"),
    "two exchanged": (lambda at, key: exchange(at[1], at[2]), "broken-signature"),
    "the last written anew": (lambda at, key: at[3].write_bytes(at[3].read_bytes() + b" "), "broken-signature"),
    "one from between dropped": (lambda at, key: at[2].unlink() or at[2].with_name(at[2].name.replace("session_", "session_manifest_").replace(".dsse", "")).unlink(), "broken-chain"),
    "an escape in a name": (lambda at, key: again(at[1], said(previous={"session_id": "x\x1b[2J", "digest": {"sha256": "0" * 64}}), key), "broken-chain"),
    "a manifest altered": (lambda at, key: edit(at[1].with_name(at[1].name.replace("session_", "session_manifest_").replace(".dsse", "")), b"completed", b"failed"), "not-as-signed"),
    "a file renamed": (lambda at, key: at[1].with_name("more_2.json").rename(at[1].with_name("x.json")), "not-as-signed"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_what_a_forger_does_is_found_with_and_without_a_key(chain, folder, key, name, capsys):
    forge, code = FORGED[name]
    forge(chain[0], key)
    for more in ([], ["--key", f"{key}.pub"]):
        assert main(["audit", str(folder), *more]) == 4
        shown = capsys.readouterr()
        assert f"[{code}]" in shown.out and "\x1b" not in shown.out and not shown.err
    assert main(["verify", str(folder), "--key", f"{key}.pub"]) == 4


@pytest.mark.parametrize("last", [True, False])
def test_a_session_signed_anew_by_another_key_shows_under_the_key(chain, folder, key, last, tmp_path):
    keys.new_key(tmp_path / "other.pem")
    path = chain[0][3 if last else 1]
    sign(folder, tmp_path / "other.pem", session=path.name.removeprefix("session_").removesuffix(".dsse.json"), replace_signature=True)
    assert ("broken-signature", path.name) in found(under(folder, key))
    assert [code for code, _ in found(lineage.audit(folder))] == ([] if last else ["broken-chain"])


def test_the_newest_session_dropped_with_its_envelope_shows_by_the_head_alone(chain, folder, key):
    for path in (chain[0][3], chain[0][3].with_name(chain[0][3].name.replace("session_", "session_manifest_").replace(".dsse", "")), folder / "more_3.json"):  # fmt: skip
        path.unlink()
    assert found(under(folder, key)) == found(lineage.audit(folder)) == []
    assert found(under(folder, key, head=chain[1])) == found(lineage.audit(folder, head=chain[1])) == [("broken-chain", ".")]


def test_all_envelopes_gone_shows_under_the_key_or_by_the_head(chain, folder, key):
    for path in chain[0]:
        path.unlink()
    assert {code for code, _ in found(under(folder, key))} == {"unsigned-session"}
    assert found(lineage.audit(folder)) == [] and found(lineage.audit(folder, head=chain[1])) == [("broken-chain", ".")]
