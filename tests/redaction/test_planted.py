"""A text that is planted in any place of a folder, in any dress, does not reach what is published of it."""

import base64
import json
import re

import pytest
from test_redaction import MANIFEST, RECORDS, SECRET, bytes_of, paths_of, places, planted

import lineage
from lineage.contract import manifest, writing
from lineage.redaction import check, copies
from lineage.redaction.allowed import is_hash, is_measure, is_run_id, time_or_none
from lineage.redaction.facts import Redactor
from lineage.redaction.redact import redact

HEX = SECRET.encode().hex()
NUMBER = int.from_bytes(SECRET.encode())
DRESSES = {
    "a text": SECRET,
    "a text with underlines": "What_is_the_password_of_Zq7secretZq7",
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "the digits of a SHA-256": (HEX * 3)[:64],
    "the digits of a commit": (HEX * 2)[:40],
    "the digits of a run": (HEX * 2)[:32],
    "a digest filled up with zeros": HEX.ljust(64, "0"),
    "a large integer": NUMBER,
    "a text of digits": str(NUMBER),
    "a version": f"1.{NUMBER}",
    "a time that is none": "5550-99-88T77:66:55Z",
    "a time in other digits": "２０２５-10-04T12:00:00+00:00",
    "a name in other letters": "ａlice/Zq7ѕecret",
    "a list of numbers": list(SECRET.encode()),
    "an object": {SECRET: {SECRET: [SECRET]}},
    "a name of a hub": f"{SECRET}/{SECRET}",
}
TRACES = [
    SECRET,
    HEX,
    base64.b64encode(SECRET.encode()).decode(),
    str(NUMBER),
    "5550-99",
    "２０２５",
    "ѕecret",
    "What_is",
    str(list(SECRET.encode()))[1:-1],
]


def traces(data):
    """Which of the planted things stand in the bytes, as text or as JSON writes it."""
    text = re.sub(r",\s*", ", ", data.decode("utf-8", "replace")).lower()
    return [one for one in TRACES if one.lower() in text or json.dumps(one)[1:-1].lower() in text]


def rich(folder):
    """The sample's manifest with every field that the contract knows of, and some that nobody does."""
    told = json.loads((folder / MANIFEST).read_bytes())
    file = {
        "file": "x",
        "sha256": "0" * 64,
        "bytes": 1,
        "type": "t",
        "count": 1,
        "timestamp": "t",
        "activity": "a",
        "role": "r",
        "gaps": {"a": "b"},
    }
    told |= {"title": "t", "operator": "o", "host": "h", "gaps": {"a": "b"}, "notes": [{"a": "b"}], "tags": ["a"], "status": "completed"}
    told["environment"] |= {"git_branch": "b", "git_remote": "r", "git_author": "a", "git_message": "m", "git_dirty": True, "git_diff_sha256": "0" * 64, "git_patch": dict(file), "git_untracked": [dict(file)], "command_line": ["a"], "platform": "p", "device": "d", "driver": "d", "cuda": "12.4", "gpu": "NVIDIA H100 80GB", "threads": 1, "packages": {"a": "1"}, "seeds": {"python": 1}, "variables": {"HF_HOME": "/x"}, "torch_version": "2.6.0", "script": {"path": "s", "version": "v", "sha256": "0" * 64}}  # fmt: skip
    for made in told["artifacts_generated"]:
        made |= {
            "gaps": {"a": "b"},
            "role": "r",
            "files": [file | {"files": [dict(file)]}],
            "notes": "n",
        }
        part = {
            "lines": [[1, 2]],
            "count": 1,
            "scattered": True,
            "mixed": False,
            "first_timestamp": "t",
            "last_timestamp": "t",
            "seeds": [1, 2],
        }
        made["slices"] = [part | {"metadata": {"script_version": "v", "script_name": "s", "session_id": "s", "run_id": "r", "record_index": 1, "eval_seed": 1, "timestamp": "t", "provenance": {"model_name": "m", "revision": "0" * 40}, "dataset": {"name": "n", "size": 1, "version": "v"}, "generation_params": {"seed": 1, "stop": ["s"]}}}]  # fmt: skip
    for run in told["activities"]:
        run |= {"gaps": {"a": "b"}, "kind": "filter", "command": ["c"], "exit_code": 1, "notes": "n", "error": "e", "status": "failed", "script": {"path": "s", "version": "v", "sha256": "0" * 64}}  # fmt: skip
        run["used"] = [*run.get("used", []), file]
        run["dataset"], run["metrics"] = {"name": "n", "size": 1, "version": "v", "path": "p"}, {"accuracy": 0.5, "m": 1}
        run["provenance"] = {"model_name": "o/n", "revision": None, "files": {"f": "0" * 64}, "gaps": {"a": "b"}, "device_map": {"a": "b"}, "sentinels": [{"name": "n", "output": "o"}], **run.get("provenance", {})}  # fmt: skip
    return told


@pytest.mark.parametrize("dress", DRESSES)
def test_what_is_planted_in_a_manifest_is_in_no_fact_that_is_published(dress, folder, tmp_path):
    told, path, tried = rich(folder), tmp_path / MANIFEST, 0
    for way in places(told):
        for at_key in (False, True):
            if (at_key and not isinstance(way[-1], str)) or (dress == "a name of a hub" and way[-1] == "model_name"):
                continue  # a model of a hub at a commit keeps its name
            made = planted(told, way, at_key, f" {DRESSES[dress]}" if at_key else DRESSES[dress])
            path.write_text(json.dumps(made))
            session, _ = manifest.read(path)
            redactor = Redactor()
            published = writing.dumps(redactor.session(session)) + " ".join(map(redactor.names.file, session.artifacts)).encode()
            assert traces(published) == [], (way, at_key)
            tried += 1
    assert tried > 400


@pytest.mark.parametrize("dress", DRESSES)
def test_what_is_planted_in_a_record_or_report_is_in_no_copy(dress, folder, tmp_path):
    record = json.loads((folder / RECORDS).read_bytes().splitlines()[0])
    record["metadata"] |= {
        "eval_seed": 1,
        "record_index": 1,
        "decoding_params": {"seed": 1, "stop": ["a"]},
        "dataset": {"name": "n", "size": 1, "version": "v"},
    }
    report = json.loads((folder / "evaluation_sft.json").read_bytes())
    hub = dress == "a name of a hub"  # a model of a hub at a commit keeps its name
    for way in (way for way in paths_of(record) if not (hub and way[-1] == "model_name")):
        line = json.dumps(planted(record, way, False, DRESSES[dress])).encode()
        assert traces(json.dumps(copies._line(b"", line, Redactor())).encode()) == [], way
    for way in (way for way in paths_of(report) if not (hub and way[-1] == "model_name")):
        for at_key in (False, True):
            (tmp_path / "r.json").write_text(json.dumps(planted(report, way, at_key, DRESSES[dress])))
            assert traces(copies.report_of(tmp_path / "r.json", Redactor()) or b"") == [], way


@pytest.mark.parametrize("dress", DRESSES)
def test_what_is_planted_in_every_place_at_once_is_in_no_byte_of_the_published_folder(dress, folder, tmp_path):
    told = rich(folder)
    fixed = {"file", "sha256", "merkle_root", "lines", "type", "activity", "id", "session_id"}  # by which the files are found
    for way in places(told):
        if not fixed & set(way) and not isinstance(at(told, way), dict | list):
            told = planted(told, way, False, DRESSES[dress])
    (folder / MANIFEST).write_text(json.dumps(told))
    (folder / f"{SECRET}.ttl").write_text(SECRET)
    redact(folder, tmp_path / "out")
    published = bytes_of(tmp_path / "out")
    assert len(published) > 6 and [name for name, data in published.items() if traces(name.encode() + data)] == []


def at(value, way):
    for step in way:
        value = value[step]
    return value


# --- what is kept, and what is not


@pytest.mark.parametrize(
    "name", ["What_is_the_capital", "patient_anna", "alice", "accuracy_of_anna", "loss " * 9, "accuracy@99999", "ａccuracy"]
)
def test_a_measure_that_is_not_made_of_known_words_is_called_by_a_number(name):
    assert Redactor().metrics({name: 0.5}) == {"metric-1": 0.5} and not is_measure(name)


@pytest.mark.parametrize(
    "name", ["sft_accuracy", "pass@10", "F1", "rougeL", "exact_match,strict-match", "prompt_level_strict_acc", "acc_norm_stderr"]
)
def test_a_measure_that_everybody_knows_keeps_its_name(name):
    assert Redactor().metrics({name: 0.5}) == {name: 0.5}


@pytest.mark.parametrize("revision", [None, "main", "0" * 64, HEX[:24] + HEX[:16], {}, 7])
def test_a_model_without_the_commit_of_a_hub_is_called_by_a_number(revision):
    told = {"model_name": "Alice/patient-notes", "revision": revision}
    assert Redactor().provenance(told)["model_name"] == "model-1"
    assert Redactor().provenance({"model_name": "Alice/patient-notes"}) == {"model_name": "model-1"}


def test_a_model_of_a_hub_at_a_commit_keeps_its_name():
    told = {"model_name": "Qwen/Qwen2.5-32B", "revision": "5a3b1e" * 6 + "5a3b"}
    assert Redactor().provenance(told) == told


def test_digits_that_spell_a_text_are_no_digest_and_those_of_a_digest_are():
    import hashlib

    assert all(
        is_hash(hashlib.sha256(str(n).encode()).hexdigest()) and is_run_id(hashlib.md5(str(n).encode()).hexdigest()) for n in range(20_000)
    )
    assert not any(map(is_hash, (DRESSES["the digits of a SHA-256"], DRESSES["the digits of a commit"], HEX.ljust(64, "0"))))


@pytest.mark.parametrize(
    ("time", "told"),
    [
        ("2025-10-04T12:00:00+05:30", "2025-10-04T06:30:00+00:00"),
        ("2025-10-04T12:00:00.5Z", "2025-10-04T12:00:00.5Z"),
        ("2025-10-04T12:00:00", "2025-10-04T12:00:00"),
        ("2025-02-30T12:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("２０２５-10-04T12:00:00Z", None),
    ],
)
def test_a_time_tells_the_instant_and_not_the_place(time, told):
    assert time_or_none(time) == told


# --- links


def test_a_link_out_of_the_copy_makes_it_no_copy(folder, tmp_path):
    redact(folder, tmp_path / "out")
    told = tmp_path / "out" / "redaction.json"
    told.rename(tmp_path / "elsewhere.json")
    told.symlink_to(tmp_path / "elsewhere.json")
    assert not check.is_copy(tmp_path / "out")
    with pytest.raises(lineage.errors.FormatError):
        check.held(tmp_path / "out")


def test_the_digest_of_a_file_outside_is_not_published(folder, tmp_path):
    (tmp_path / "outside").write_text(SECRET)
    (folder / "session_20251004T120000Z-5a3b1e5a3b1e.dsse.json").symlink_to(tmp_path / "outside")
    redact(folder, tmp_path / "out")
    (told,) = json.loads((tmp_path / "out" / "redaction.json").read_bytes())["sessions"]
    assert told["signature_sha256"] is None and re.fullmatch("[0-9a-f]{64}", told["manifest_sha256"])
