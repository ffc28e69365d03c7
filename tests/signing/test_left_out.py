"""Sessions that a signature of the folder does not cover are named, and none is signed in part."""

import json

import pytest

from lineage.cli import main
from lineage.errors import UsageError
from lineage.signing.check import checked
from lineage.signing.sign import left_out, sign

RUNNING = {"session_id": "r", "status": "running", "started_at": "2026-01-01T00:00:00+00:00", "artifacts_generated": [], "activities": []}
ENTRY = {"file": "new.jsonl", "type": "training_data", "count": None, "timestamp": None, "sha256": None}


def put(folder, id_, **changes):
    top = {**RUNNING, "session_id": id_, **changes}
    (folder / f"session_manifest_{id_}.json").write_text(json.dumps(top))


CASES = {
    "runs": ({}, "the session still runs"),
    "has a file without a digest": ({"status": "interrupted", "artifacts_generated": [ENTRY]}, "no digest was recorded of new.jsonl"),
    "has a part without a digest": (
        {"status": "completed", "artifacts_generated": [{**ENTRY, "file": "model", "files": [{**ENTRY}]}]}, "no digest was recorded of new.jsonl",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "reason"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_session_that_is_left_out_is_named_and_costs_the_exit_code(folder, key, capsys, changes, reason, flags):
    (folder / "new.jsonl").write_text("{}\n")
    put(folder, "r", **changes)
    assert main(["sign", str(folder), "--key", str(key), *flags]) == 1
    said = capsys.readouterr()
    assert f"not signed: r: {reason}" in said.err
    assert "lineage session close" in said.err
    assert [one.session_id for one in left_out(folder)] == ["r"]
    assert not (folder / "session_r.dsse.json").exists()
    if flags:
        assert len(json.loads(said.out)) == 1


@pytest.mark.parametrize(("changes", "reason"), CASES.values(), ids=CASES)
def test_a_session_that_is_asked_for_and_cannot_be_signed_is_an_error(folder, key, changes, reason):
    (folder / "new.jsonl").write_text("{}\n")
    put(folder, "r", **changes)
    with pytest.raises(UsageError, match=reason):
        sign(folder, key, session="r")
    with pytest.raises(UsageError, match=reason):
        sign(folder / "session_manifest_r.json", key)


def test_a_folder_of_which_all_is_signed_costs_nothing(folder, key, capsys):
    put(folder, "r", status="completed", artifacts_generated=[ENTRY])  # announced, and never made
    assert main(["sign", str(folder), "--key", str(key)]) == 0
    assert "not signed" not in capsys.readouterr().err
    assert left_out(folder) == ()
    assert left_out(folder / "session_manifest_r.json") == ()


def test_verify_says_of_a_file_without_a_digest_that_a_manifest_names_it(folder, key, capsys):
    sign(folder, key)
    (folder / "new.jsonl").write_text("{}\n")
    put(folder, "r", artifacts_generated=[ENTRY])
    assert main(["verify", str(folder), "--key", f"{key}.pub"]) == 4
    said = capsys.readouterr().out
    assert "new.jsonl: added: no signature covers it: its manifest records no digest" in said


def test_the_outputs_of_a_session_that_runs_are_not_signed_with_another(folder, key):
    (folder / "new.jsonl").write_text("{}\n")
    (folder / "model").mkdir()
    (folder / "model/w.bin").write_bytes(b"w")
    put(folder, "r", artifacts_generated=[ENTRY, {**ENTRY, "file": "model"}])
    (signed,) = sign(folder, key)
    subjects = checked(folder, None).signed[0].statement.subjects
    assert signed.is_new
    assert not {"new.jsonl", "model/w.bin"} & subjects.keys()
