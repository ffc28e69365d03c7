"""What was signed is checked against the disk: whatever was done to it is found, named, and what rests on it told."""

import base64
import gzip
import json
import os
import random
import shutil
import stat
import subprocess
import sys
from dataclasses import replace

import pytest
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement as InTotoStatement
from securesystemslib.dsse import Envelope as IndependentEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

import lineage
from lineage.cli import main
from lineage.consequences.changed import Weighing
from lineage.errors import FormatError, NotFoundError, UsageError
from lineage.folder import read_folder
from lineage.integrity import index
from lineage.signing import envelope, keys, statement
from lineage.signing.check import checked
from lineage.signing.sign import sign

MANIFEST = "session_manifest_20251004T120000Z-5a3b1e5a3b1e.json"
ENVELOPE = "session_20251004T120000Z-5a3b1e5a3b1e.dsse.json"
JOURNAL = "session_journal_20251004T120000Z-5a3b1e5a3b1e_9-abc.jsonl"
PROV = "session_20251004T120000Z-5a3b1e5a3b1e.ttl"
RECORDS = "sft_training_data.jsonl"


def found(where, public, **more):
    return [(one.what, one.file) for one in checked(where, public, **more).faults]


def edit(path, before, after):
    data = path.read_bytes()
    assert before in data
    path.write_bytes(data.replace(before, after))


def written(path, whole):
    """An envelope as we write it, whatever it says."""
    path.write_text(json.dumps(whole, indent=2) + "\n")


def rewritten(path, change):
    """The payload of an envelope changed, the signature left as it is."""
    whole = json.loads(path.read_bytes())
    said = json.loads(base64.b64decode(whole["payload"]))
    change(said)
    written(path, whole | {"payload": base64.b64encode(json.dumps(said).encode()).decode()})


def another_session(sample, folder, number):
    """One more session in the folder, with files of its own."""
    artifact = sample.put(folder, f"more_{number}.json", b"{}%d" % number, type="output", timestamp=sample.time(20 + number))
    told = sample.Session(id=f"20251004T12{20 + number}00Z-{number:012x}", status="completed", started_at=sample.time(20 + number), ended_at=sample.time(21 + number), artifacts=(artifact,))  # fmt: skip
    path = sample.manifest.path_of(folder, told.id)
    path.write_bytes(sample.writing.dumps(told))
    return path


# --- that it is DSSE and in-toto, by the word of others


def test_a_signature_of_ours_verifies_with_another_implementation_of_dsse(folder, key, public):
    sign(folder, key)
    theirs = IndependentEnvelope.from_dict(json.loads((folder / ENVELOPE).read_bytes()))
    name = keys.key_id(public)
    assert list(theirs.verify([SSlibKey.from_crypto(public, keyid=name)], 1)) == [name]
    ours = envelope.read(folder / ENVELOPE)
    assert envelope.pae(ours.payload_type, ours.payload) == theirs.pae()
    theirs.payload += b" "
    with pytest.raises(VerificationError):
        theirs.verify([SSlibKey.from_crypto(public, keyid=name)], 1)


def test_a_signature_of_another_implementation_verifies_with_ours(key, public):
    from securesystemslib.signer import CryptoSigner

    theirs = IndependentEnvelope(b"{}", envelope.IN_TOTO, {})
    theirs.sign(CryptoSigner(keys.private_key(key)))
    data = json.dumps(theirs.to_dict()).encode()
    assert envelope.wrong(envelope.parsed(data, "theirs"), public) is None


def co_signed(whole):
    whole["signatures"].append({"keyid": "", "sig": base64.b64encode(b"x" * 64).decode()})
    return whole


REWRITTEN = {
    "a space at the end": lambda data: data + b" ",
    "no newline at the end": lambda data: data[:-1],
    "without spaces": lambda data: json.dumps(json.loads(data), separators=(",", ":")).encode(),
    "keys in another order": lambda data: json.dumps(dict(reversed(json.loads(data).items())), indent=2).encode() + b"\n",
    "a key more": lambda data: json.dumps(json.loads(data) | {"note": 1}, indent=2).encode() + b"\n",
    "a signature more": lambda data: json.dumps(co_signed(json.loads(data)), indent=2).encode() + b"\n",
    "the key called otherwise": lambda data: data.replace(json.loads(data)["signatures"][0]["keyid"].encode(), b"f" * 64),
    "the key not called": lambda data: data.replace(json.loads(data)["signatures"][0]["keyid"].encode(), b""),
    "escaped letters": lambda data: data.replace(b"vnd.in", b"vnd\\u002ein"),
}


@pytest.mark.parametrize("rewrite", REWRITTEN.values(), ids=REWRITTEN)
def test_an_envelope_that_was_written_anew_is_refused_though_dsse_allows_it(folder, key, public, rewrite):
    sign(folder, key)
    data = rewrite((folder / ENVELOPE).read_bytes())
    assert envelope.wrong(envelope.parsed(data, "x"), public) is None  # it is a good envelope, and not the one that the next one would name
    (folder / ENVELOPE).write_bytes(data)
    assert found(folder, public) == [("bad-signature", ENVELOPE)]
    with pytest.raises((FormatError, UsageError)):
        sign(folder, key)


def test_the_encoding_that_is_signed_is_the_one_of_the_specification():
    # the example of protocol.md in github.com/secure-systems-lab/dsse
    assert envelope.pae("http://example.com/HelloWorld", b"hello world") == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_the_statement_passes_the_validation_of_in_toto(folder, key):
    sign(folder, key)
    payload = envelope.read(folder / ENVELOPE).payload
    proto = json_format.Parse(payload, statement_pb2.Statement())
    InTotoStatement.copy_from_pb(proto).validate()
    assert proto.type == statement.TYPE and {one.name for one in proto.subject} >= {MANIFEST, RECORDS, PROV}


def test_a_statement_is_read_as_it_was_written(folder, key):
    sign(folder, key)
    payload = envelope.read(folder / ENVELOPE).payload
    assert statement.read(payload, "x").dumps() == payload


# --- tampering


def test_a_folder_as_it_was_signed_holds(folder, key, public):
    (signed,) = sign(folder, key)
    answer = checked(folder, public)
    assert answer.faults == () and answer.good == {signed.session_id: signed.files} and answer.head == signed.sha256
    assert found(folder / MANIFEST, public) == []


TAMPERING = {
    "manifest": (lambda at: edit(at / MANIFEST, b'"sample for an audit"', b'"another"'), ("altered", MANIFEST)),
    "a report": (lambda at: edit(at / "evaluation_sft.json", b"0.75", b"0.95"), ("altered", "evaluation_sft.json")),
    "PROV": (lambda at: edit(at / PROV, b"Training", b"Trainjng"), ("altered", PROV)),
    "a record": (lambda at: edit(at / RECORDS, b"answer 2", b"answer 9"), ("altered", RECORDS)),
    "a file of records cut": (lambda at: (at / RECORDS).write_bytes((at / RECORDS).read_bytes()[:-9]), ("altered", RECORDS)),
    "a file deleted": (lambda at: (at / "adapter/adapter.safetensors").unlink(), ("missing", "adapter/adapter.safetensors")),
    "an input": (lambda at: edit(at / "inputs/held_out.jsonl", b"colour", b"number"), ("altered", "inputs/held_out.jsonl")),
    "a file renamed": (lambda at: (at / "evaluation_base.json").rename(at / "x.json"), ("moved", "evaluation_base.json")),
    "a file exchanged": (
        lambda at: shutil.copy(at / "evaluation_base.json", at / "evaluation_sft.json"),
        ("replaced", "evaluation_sft.json"),
    ),
    "a file added": (lambda at: (at / "evaluation_best.json").write_text("{}"), ("added", "evaluation_best.json")),
    "PROV added": (lambda at: (at / PROV.replace(".ttl", ".provn")).write_text("x"), ("added", PROV.replace(".ttl", ".provn"))),
    "a journal added": (lambda at: (at / JOURNAL).write_text('{"event": "session", "session": {"title": "x"}}\n'), ("added", JOURNAL)),
    "the payload": (lambda at: rewritten(at / ENVELOPE, lambda said: said["subject"].pop()), ("bad-signature", ENVELOPE)),
    "the type of the payload": (lambda at: edit(at / ENVELOPE, b"vnd.in-toto+json", b"json"), ("bad-signature", ENVELOPE)),
    "an envelope that is none": (lambda at: (at / ENVELOPE).write_text("[]"), ("bad-signature", ENVELOPE)),
    "the signature gone": (lambda at: (at / ENVELOPE).unlink(), ("unsigned", MANIFEST)),
    "a session gone": (lambda at: (at / MANIFEST).unlink(), ("missing", MANIFEST)),
}


@pytest.mark.parametrize(("tamper", "expected"), TAMPERING.values(), ids=TAMPERING.keys())
def test_what_was_done_to_a_signed_folder_is_found_and_named(folder, key, public, tamper, expected):
    sign(folder, key)
    tamper(folder)
    assert found(folder, public) == [expected]
    assert main(["verify", str(folder), "--key", f"{key}.pub"]) == 4


def test_a_signature_with_a_bit_flipped_is_refused(folder, key, public):
    sign(folder, key)
    whole = json.loads((folder / ENVELOPE).read_bytes())
    signature = bytearray(base64.b64decode(whole["signatures"][0]["sig"]))
    signature[7] ^= 1
    whole["signatures"][0]["sig"] = base64.b64encode(signature).decode()
    written(folder / ENVELOPE, whole)
    (fault,) = checked(folder, public).faults
    assert fault.what == "bad-signature" and "altered" in fault.message and fault.rests_on


def test_a_journal_that_was_signed_is_guarded_too(folder, key, public):
    (folder / JOURNAL).write_text('{"event": "session", "session": {"title": "sample"}}\n')
    sign(folder, key)
    assert found(folder, public) == []
    edit(folder / JOURNAL, b"sample", b"forged")
    assert found(folder, public) == [("altered", JOURNAL)]


def test_another_key_is_told_from_a_forged_signature(folder, key, public, tmp_path):
    keys.new_key(tmp_path / "other.pem")
    sign(folder, tmp_path / "other.pem")
    (fault,) = checked(folder, public).faults
    assert (fault.what, fault.file) == ("bad-signature", ENVELOPE) and "another key" in fault.message


def test_an_old_signature_put_back_is_found(sample, folder, key, public):
    sign(folder, key)
    old = (folder / ENVELOPE).read_bytes()
    edit(folder / MANIFEST, b'"sample for an audit"', b'"corrected"')
    sign(folder, key, replace_signature=True)
    another_session(sample, folder, 1)
    sign(folder, key)
    assert found(folder, public) == []
    (folder / ENVELOPE).write_bytes(old)
    assert {what for what, _ in found(folder, public)} == {"altered", "replayed"}
    edit(folder / MANIFEST, b'"corrected"', b'"sample for an audit"')  # the old files with it: only the chain can tell
    assert [what for what, _ in found(folder, public)] == ["replayed"]


def test_a_signature_of_one_session_does_not_pass_for_another(sample, folder, key, public):
    other = another_session(sample, folder, 1)
    sign(folder, key)
    theirs = folder / f"session_{other.name.removeprefix('session_manifest_').removesuffix('.json')}.dsse.json"
    shutil.copy(folder / ENVELOPE, theirs)
    assert ("misplaced", theirs.name) in found(folder, public)


@pytest.fixture
def chain(sample, folder, key):
    """Four sessions, signed one after the other."""
    for number in range(1, 4):
        another_session(sample, folder, number)
    return sign(folder, key)


def take_away(folder, signed):
    for path in (signed.path, folder / f"session_manifest_{signed.session_id}.json", folder / f"more_{int(signed.session_id[-1])}.json"):
        path.unlink()


def test_a_session_that_is_taken_away_leaves_a_gap(chain, folder, public):
    assert found(folder, public) == []
    take_away(folder, chain[2])
    (fault,) = checked(folder, public).faults
    assert fault.what == "gap" and chain[2].session_id in fault.message


def test_a_chain_whose_end_is_gone_is_told_by_its_head(chain, folder, public):
    take_away(folder, chain[3])
    assert found(folder, public) == []  # nobody can see it from the folder alone; docs/explanation says so
    assert found(folder, public, head=chain[3].sha256) == [("truncated", ".")]
    assert found(folder, public, head=chain[2].sha256) == []


def test_a_folder_without_sessions_is_not_verified(tmp_path, key, public):
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError):
        checked(tmp_path / "empty", public)
    assert main(["verify", str(tmp_path / "empty"), "--key", f"{key}.pub"]) == 6


def test_a_head_is_asked_of_a_folder_and_has_its_shape(chain, folder, key, public):
    with pytest.raises(UsageError, match="of a folder"):
        checked(folder / MANIFEST, public, head=chain[3].sha256)
    assert main(["verify", str(folder), "--key", f"{key}.pub", "--head", "abc"]) == 2
    assert main(["verify", str(folder), "--head", chain[3].sha256]) == 2


def test_sessions_that_came_after_a_head_are_no_fault(chain, folder, public):
    assert found(folder, public, head=chain[1].sha256) == []


def test_a_second_chain_beside_the_first_is_found(sample, folder, key, public, tmp_path):
    another_session(sample, folder, 1)
    sign(folder, key, session="20251004T122100Z")
    aside = tmp_path / "aside"
    shutil.copytree(folder, aside)
    (aside / next(folder.glob("session_20251004T1221*.dsse.json")).name).unlink()
    sign(aside, key, session="20251004T120000Z")
    shutil.copy(aside / ENVELOPE, folder / ENVELOPE)
    assert [what for what, _ in found(folder, public)] == ["fork"]


def test_a_name_that_leads_out_of_the_folder_is_not_opened(folder, key, public, tmp_path):
    sign(folder, key)
    (tmp_path / "secret").write_text("secret")
    said = statement.read(envelope.read(folder / ENVELOPE).payload, "x")
    forged = replace(said, subjects={**said.subjects, "../secret": "0" * 64})
    (folder / ENVELOPE).write_bytes(envelope.signed(forged.dumps(), keys.private_key(key)))
    (folder / "adapter/adapter.safetensors").unlink()
    (folder / "adapter/adapter.safetensors").symlink_to(tmp_path / "secret")
    assert found(folder, public) == [("outside", "../secret"), ("outside", "adapter/adapter.safetensors")]


def test_a_file_that_came_to_the_folder_of_a_model_is_found_and_the_model_falls(folder, key, public):
    sign(folder, key)
    (folder / "adapter/adapter_config.json").write_text("{}")
    (fault,) = checked(folder, public).faults
    assert (fault.what, fault.file) == ("added", "adapter/adapter_config.json")
    assert Weighing(folder).of(fault.rests_on).models == ("adapter/adapter.safetensors",)


def test_a_pipe_or_a_link_in_place_of_a_signature_is_refused_and_not_read(folder, key, public, tmp_path):
    sign(folder, key)
    shutil.move(folder / ENVELOPE, tmp_path / "elsewhere")
    (folder / ENVELOPE).symlink_to(tmp_path / "elsewhere")
    assert found(folder, public) == [("bad-signature", ENVELOPE)]
    (folder / ENVELOPE).unlink()
    os.mkfifo(folder / ENVELOPE)
    assert found(folder, public) == [("bad-signature", ENVELOPE)]


def test_a_name_with_escapes_reaches_the_terminal_as_text(folder, key, capsys):
    sign(folder, key)
    (folder / "x\n\x1b[2Jy.json").write_text("{}")
    assert main(["verify", str(folder), "--key", f"{key}.pub"]) == 4
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and len(shown.splitlines()) == 1


@pytest.mark.parametrize(
    "name",
    ["session_x.json", "session_x.ttl", "session_manifest_x.json.bak", "adapter/sub/config.json", "runs/session_manifest_x.json", "runs/a/b", ".hidden/session_manifest_x.json", "graphs/session_journal_x_1.jsonl"],
)  # fmt: skip
def test_a_file_that_came_is_found_wherever_it_lies_and_whatever_it_is_called(folder, key, public, name):
    sign(folder, key)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("{}")
    is_session = "/session_" in name
    assert found(folder, public) == [("unsigned" if is_session else "added", name)]


def test_a_folder_that_came_is_one_fault_that_names_some_of_its_files_and_counts_them(folder, key, public):
    sign(folder, key)
    for name in ("runs/session_manifest_x.json", "runs/session_journal_x_1.jsonl", *(f"runs/deep/{n}.jsonl" for n in range(9)), "logs/a", "logs/b", "adapter/more/a", "adapter/more/b"):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    faults = {one.file: one for one in checked(folder, public).faults}
    assert {name: one.what for name, one in faults.items()} == {"runs": "unsigned", "logs": "added", "adapter/more": "added"}
    assert "11 files: runs/deep/0.jsonl" in faults["runs"].message and "6 more" in faults["runs"].message
    assert "verify their folder by itself" in faults["runs"].message
    assert faults["adapter/more"].rests_on and not faults["logs"].rests_on


def test_a_forged_session_in_a_folder_of_files_that_were_signed_is_told_by_its_name(folder, key, public):
    sign(folder, key)
    (folder / "adapter/session_manifest_x.json").write_text("{}")
    assert found(folder, public) == [("added", "adapter/session_manifest_x.json")]


def test_one_manifest_says_that_it_does_not_vouch_for_the_folder(folder, key, capsys):
    sign(folder, key)
    (folder / "evaluation_best.json").write_text("{}")
    assert main(["verify", str(folder / MANIFEST), "--key", f"{key}.pub"]) == 0
    assert "not the others, nor the chain" in capsys.readouterr().err
    assert main(["verify", str(folder / MANIFEST), "--key", f"{key}.pub", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scope"] == "manifest"
    assert main(["verify", str(folder), "--key", f"{key}.pub"]) == 4
    assert "not the others" not in capsys.readouterr().err


@pytest.mark.parametrize("damage", [lambda data: data[:-12], lambda data: data + b"more", lambda data: b"no gzip", lambda data: b""])
def test_a_packed_file_that_no_longer_unpacks_is_a_fault_and_no_traceback(sample, folder, key, public, damage):
    packed = gzip.compress(b'{"instruction": "a"}\n' * 50, mtime=0)
    artifact = sample.put(folder, "more.jsonl.gz", packed, type="output", timestamp=sample.time(20))
    told = sample.Session(id="20251004T122100Z-0123456789ab", status="completed", started_at=sample.time(20), ended_at=sample.time(21), artifacts=(artifact,))  # fmt: skip
    sample.manifest.path_of(folder, told.id).write_bytes(sample.writing.dumps(told))
    sign(folder, key)
    assert found(folder, public) == []
    (folder / "more.jsonl.gz").write_bytes(damage(packed))
    assert found(folder, public) == [("altered", "more.jsonl.gz")]
    assert main(["verify", str(folder), "--key", f"{key}.pub"]) == 4


def test_a_fault_of_an_envelope_does_not_tell_where_the_folder_lies(folder, key, public):
    sign(folder, key)
    (folder / ENVELOPE).write_text("[]")
    (fault,) = checked(folder, public).faults
    assert str(folder) not in fault.message and "this is no DSSE envelope" in fault.message


def test_links_in_a_circle_in_place_of_a_signed_file_are_a_fault(folder, key, public):
    sign(folder, key)
    (folder / "evaluation_sft.json").unlink()
    (folder / "evaluation_sft.json").symlink_to("evaluation_sft.json")
    assert found(folder, public) == [("missing", "evaluation_sft.json")]


def test_sidecars_pictures_and_hidden_files_are_no_additions(folder, key, public):
    sign(folder, key)
    for name in (".lineage/x.index", "graphs/x.svg", ".DS_Store", "adapter/.cache"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}")
    assert found(folder, public) == []


def test_a_signed_file_that_moved_to_another_folder_is_told_once(folder, key, public):
    sign(folder, key)
    (folder / "runs").mkdir()
    (folder / "evaluation_base.json").rename(folder / "runs/x.json")
    assert found(folder, public) == [("moved", "evaluation_base.json")]


def test_a_link_to_a_folder_elsewhere_is_an_addition(folder, key, public, tmp_path):
    sign(folder, key)
    (tmp_path / "elsewhere").mkdir()
    (folder / "adapter/more").symlink_to(tmp_path / "elsewhere")
    assert found(folder, public) == [("added", "adapter/more")]


def test_files_over_a_link_within_the_folder_are_no_additions(folder, key, public):
    (folder / "adapter").rename(folder / "adapter-2")
    (folder / "adapter").symlink_to("adapter-2")
    sign(folder, key)
    assert found(folder, public) == []
    (folder / "adapter-2/adapter_config.json").write_text("{}")
    assert found(folder, public) == [("added", "adapter-2/adapter_config.json")]


@pytest.mark.parametrize("name", ["session_manifest_zz.json", "redaction.json"])
def test_a_manifest_or_account_that_is_a_link_out_of_the_folder_is_an_addition_and_not_opened(folder, key, public, tmp_path, name):
    sign(folder, key)
    (tmp_path / "elsewhere.json").write_text(json.dumps({"session_id": "secret", "status": "completed"}))
    (folder / name).symlink_to(tmp_path / "elsewhere.json")
    assert found(folder, public) == [("added", name)]
    assert "secret" not in repr(checked(folder, public).faults)


def test_a_link_out_of_the_folder_is_not_signed(folder, key, tmp_path):
    (tmp_path / "elsewhere.json").write_text(json.dumps({"session_id": "secret", "status": "completed"}))
    (folder / "session_manifest_zz.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(UsageError, match="regular file"):
        sign(folder / "session_manifest_zz.json", key)
    assert [one.session_id for one in sign(folder, key)] == [SIGNED]
    (folder / "redaction.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(UsageError, match=r"redaction\.json"):
        sign(folder, key, replace_signature=True)


def laid_journal(folder, name, session_id, title="forged"):
    (folder / name).write_text(json.dumps({"event": "session", "session": {"session_id": session_id, "title": title}}) + "\n")


SIGNED = MANIFEST.removeprefix("session_manifest_").removesuffix(".json")


@pytest.mark.parametrize("name", ["session_journal_0_x.jsonl", "session_journal_zz_x.jsonl", "session_journal_x"])
def test_a_journal_of_another_name_that_claims_a_signed_session_is_a_fault_and_no_reader_takes_it(folder, key, public, name):
    sign(folder, key)
    laid_journal(folder, name, SIGNED)
    assert ("unsigned", name) in found(folder, public)
    assert main(["verify", str(folder), "--key", f"{key}.pub"]) == 4
    assert [one.title for one in read_folder(folder)[0] if one.id == SIGNED] == ["sample for an audit"]


def test_journals_alone_tell_of_no_session_but_the_one_in_their_name(folder):
    laid_journal(folder, "session_journal_0_x.jsonl", "other")
    laid_journal(folder, "session_journal_own_x.jsonl", "own")
    sessions, findings = read_folder(folder)
    assert {one.id for one in sessions} == {SIGNED, "own"}
    assert [(one.code, one.file) for one in findings if one.code == "bad-manifest"] == [("bad-manifest", "session_manifest_0.json")]


def test_a_manifest_of_another_name_that_claims_a_signed_session_is_a_fault_and_no_reader_takes_it(folder, key, public):
    sign(folder, key)
    (folder / "session_manifest_0.json").write_text(json.dumps({"session_id": SIGNED, "title": "forged", "status": "completed"}))
    assert {("unsigned", "session_manifest_0.json"), ("added", "session_manifest_0.json")} <= set(found(folder, public))
    assert ("added", "session_manifest_0.json") in found(folder / MANIFEST, public)
    sessions, findings = read_folder(folder)
    assert [one.title for one in sessions] == ["sample for an audit"]
    assert [one.file for one in findings if one.code == "bad-manifest"] == ["session_manifest_0.json"]


# --- what rests on it


def test_a_forged_record_invalidates_the_model_and_the_score_that_came_of_it(folder, key, public):
    sign(folder, key)
    edit(folder / RECORDS, b"answer 2", b"answer 9")
    (fault,) = checked(folder, public).faults
    told = Weighing(folder).of(fault.rests_on, fault.changes)
    assert [(one.what, one.now) for one in fault.changes] == [("changed", 3)]
    (file,) = told.of_kind("file")
    assert (file.name, file.records, file.of) == (RECORDS, 1, 6)
    assert told.models == ("adapter/adapter.safetensors",)
    assert told.scores == ("sft_accuracy 0.75 (evaluation_sft.json)",)


def test_forged_prov_invalidates_nothing_for_it_is_derived(folder, key, public):
    sign(folder, key)
    edit(folder / PROV, b"Training", b"Trainjng")
    (fault,) = checked(folder, public).faults
    assert fault.rests_on == ()


def test_a_forged_name_in_a_manifest_is_named_and_all_scores_of_the_session_with_it(folder, key, public):
    sign(folder, key)
    edit(folder / MANIFEST, b'"evaluation_base.json"', b'"evaluation_bass.json"')
    fault = next(one for one in checked(folder, public).faults if one.file == MANIFEST)
    assert "evaluation_base.json evaluation_bass.json now" in fault.message
    assert {one.name for one in Weighing(folder).of(fault.rests_on).of_kind("score")} == {"base_accuracy", "sft_accuracy"}


def test_the_answer_is_one_json_document_with_the_consequences(folder, key, capsys):
    sign(folder, key)
    edit(folder / "evaluation_sft.json", b"0.75", b"0.95")
    assert main(["verify", str(folder), "--key", f"{key}.pub", "--json"]) == 4
    told = json.loads(capsys.readouterr().out)
    (fault,) = told["faults"]
    assert told["verified"] is False and "0.75 was recorded, 0.95 stands in the file" in fault["message"]
    assert fault["invalidates"]["scores"] == [{"measure": "sft_accuracy", "value": 0.75, "report": "evaluation_sft.json"}]


def test_a_file_alone_tells_its_consequences_too(folder, capsys):
    edit(folder / RECORDS, b"answer 2", b"answer 9")
    assert main(["verify", str(folder / RECORDS)]) == 4
    assert "invalidates model adapter/adapter.safetensors" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["\ud800.json", "a" * 5000, "\0", "x/" * 3000], ids=["half a letter", "long", "null", "deep"])
def test_a_name_that_no_file_can_have_ends_no_command(folder, key, name, capsys):
    told = json.loads((folder / MANIFEST).read_bytes())
    told["artifacts_generated"].append({"file": name, "type": "x", "count": 2**70, "timestamp": None, "sha256": "0" * 64})
    (folder / MANIFEST).write_text(json.dumps(told))
    assert main(["sign", str(folder), "--key", str(key)]) == 2
    assert "not here as a file of the folder" in capsys.readouterr().err and not (folder / ENVELOPE).exists()


# --- signing


def test_signing_twice_changes_nothing_and_an_altered_session_is_not_signed_over_silently(folder, key):
    (first,) = sign(folder, key)
    before = first.path.read_bytes()
    (second,) = sign(folder, key)
    assert not second.is_new and second.path.read_bytes() == before
    edit(folder / MANIFEST, b'"sample for an audit"', b'"another"')
    with pytest.raises(UsageError, match="another signature already"):
        sign(folder, key)
    assert first.path.read_bytes() == before


def test_what_is_not_as_recorded_is_not_signed(folder, key):
    edit(folder / RECORDS, b"answer 2", b"answer 9")
    index.build(folder / RECORDS)
    with pytest.raises(UsageError, match="not the one that was recorded"):
        sign(folder, key)
    assert not (folder / ENVELOPE).exists()


def test_a_session_whose_files_are_gone_is_not_signed_and_they_are_named(folder, key):
    (folder / "evaluation_sft.json").unlink()
    with pytest.raises(UsageError, match=r"evaluation_sft\.json"):
        sign(folder, key)
    assert not (folder / ENVELOPE).exists()


def test_a_file_that_was_not_here_at_signing_is_held_against_the_manifest_when_it_comes(folder, key, public, monkeypatch):
    report = (folder / "evaluation_sft.json").read_bytes()
    (folder / "evaluation_sft.json").unlink()
    monkeypatch.setattr(statement, "_whole", lambda *_: None)  # as it was signed before files that are gone were refused
    sign(folder, key)
    assert found(folder, public) == []
    (folder / "evaluation_sft.json").write_bytes(report)
    assert found(folder, public) == []
    edit(folder / "evaluation_sft.json", b"0.75", b"0.95")
    assert found(folder, public) == found(folder / MANIFEST, public) == [("altered", "evaluation_sft.json")]


def test_a_session_that_runs_is_not_signed(folder, key):
    edit(
        folder / MANIFEST,
        b'"status": "completed",\n  "started_at": "2025-10-04T12:00',
        b'"status": "running",\n  "started_at": "2025-10-04T12:00',
    )
    with pytest.raises(UsageError, match="still runs"):
        sign(folder / MANIFEST, key)
    with pytest.raises(NotFoundError):
        sign(folder, key)


def test_all_sessions_signed_anew_are_a_chain_again(chain, folder, key, public):
    again = sign(folder, key, replace_signature=True)
    assert len(again) == 4 and all(one.is_new for one in again) and found(folder, public) == []


def test_one_session_signed_anew_is_told_by_those_that_came_after(chain, folder, key, public):
    sign(folder, key, session=chain[1].session_id, replace_signature=True)
    assert {what for what, _ in found(folder, public)} == {"replayed"}


def test_nobody_signs_after_a_signature_of_another_key_unasked(sample, folder, key, public, tmp_path):
    keys.new_key(tmp_path / "other.pem")
    another_session(sample, folder, 1)
    sign(folder, tmp_path / "other.pem", session="20251004T120000Z")
    with pytest.raises(UsageError, match="another key"):
        sign(folder, key, session="20251004T122100Z")
    assert sign(folder, key, session="20251004T122100Z", after=folder / ENVELOPE)


# --- keys


def test_a_new_key_is_readable_by_its_owner_alone_and_never_overwritten(tmp_path):
    public = keys.new_key(tmp_path / "key.pem")
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600 and public.name == "key.pem.pub"
    with pytest.raises(UsageError, match="already"):
        keys.new_key(tmp_path / "key.pem")


def test_a_passphrase_is_taken_from_the_environment_alone(tmp_path, monkeypatch):
    monkeypatch.setenv(keys.PASSPHRASE, "correct horse")
    keys.new_key(tmp_path / "key.pem")
    assert b"ENCRYPTED" in (tmp_path / "key.pem").read_bytes() and keys.private_key(tmp_path / "key.pem")
    for wrong in ("", "battery"):
        monkeypatch.setenv(keys.PASSPHRASE, wrong)
        with pytest.raises(FormatError) as raised:
            keys.private_key(tmp_path / "key.pem")
        assert "battery" not in str(raised.value) and raised.value.__cause__ is None


def test_an_openssh_key_signs_and_verifies(folder, tmp_path):
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    (tmp_path / "id").write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption()))
    line = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH) + b" someone@somewhere\n"
    (tmp_path / "id.pub").write_bytes(line)
    sign(folder, tmp_path / "id")
    assert found(folder, keys.public_key(tmp_path / "id.pub")) == []


def test_a_key_of_another_kind_is_refused(tmp_path, key):
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

    other = generate_private_key(SECP256R1())
    (tmp_path / "ec").write_bytes(other.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()))
    (tmp_path / "ec.pub").write_bytes(other.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo))
    for read, name in ((keys.private_key, "ec"), (keys.public_key, "ec.pub")):
        with pytest.raises(FormatError, match="not Ed25519"):
            read(tmp_path / name)
    with pytest.raises(UsageError, match="private key"):
        keys.public_key(key)


def test_no_byte_of_a_key_reaches_output_or_envelope(folder, key, capfd):
    secret = b"".join(key.read_bytes().splitlines()[1:-1])
    assert main(["sign", str(folder), "--key", str(key), "--json"]) == 0
    shown = "".join(capfd.readouterr()).encode()
    assert secret not in shown and all(secret not in path.read_bytes() for path in folder.iterdir() if path.is_file())


def test_without_the_library_the_command_says_what_to_install(folder, key):
    code = "import sys; sys.modules['cryptography'] = None; from lineage.cli import main; sys.exit(main(sys.argv[1:]))"
    argv = [sys.executable, "-c", code, "sign", str(folder), "--key", str(key)]
    done = subprocess.run(argv, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 2 and "lineage-prov[signing]" in done.stderr and "Traceback" not in done.stderr


# --- the committed sample


def test_the_committed_sample_is_what_its_script_makes_and_each_forgery_in_the_copy_is_named(sample, folder):
    home = sample.HOME
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        assert (home / "intact" / path.relative_to(folder)).read_bytes() == path.read_bytes(), path
    public = keys.public_key(home / "sample.pub")
    assert found(home / "intact", public) == []
    expected = [("moved", "evaluation_base.json"), ("altered", "evaluation_sft.json"), ("altered", RECORDS)]
    assert found(home / "forged", public) == expected
    assert sum(path.stat().st_size for path in home.rglob("*") if path.is_file()) < 200_000


def test_signing_is_a_function_of_the_package(folder, key):
    assert [one.is_new for one in lineage.sign(folder, key)] == [True]


def test_no_change_at_random_to_a_signed_folder_is_missed(folder, key, public, tmp_path):
    sign(folder, key)
    rng = random.Random(8)
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and ".lineage" not in path.parts)
    kept = {one: (folder / one).read_bytes() for one in files}
    for _ in range(400):
        one = rng.choice(files)
        data = bytearray(kept[one])
        match rng.choice(["flip", "cut", "grow", "delete"]):
            case "flip":
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            case "cut":
                del data[rng.randrange(len(data)) :]
            case "grow":
                data.insert(rng.randrange(len(data)), rng.randrange(256))
            case "delete":
                data = None
        if data is None:
            (folder / one).unlink()
        else:
            (folder / one).write_bytes(data)
        faults = found(folder, public)
        assert faults, (one, data)
        (folder / one).write_bytes(kept[one])
    assert found(folder, public) == []
