"""A redacted copy holds no secret, and its digests, proofs and PROV still do."""

import copy
import hashlib
import json
import re
import socket
from pathlib import Path

import pytest
from histories import history

import lineage
from lineage import formats
from lineage.cli import main
from lineage.constraints import validate
from lineage.errors import NotFoundError, UsageError
from lineage.evidence import report as evidence
from lineage.findings import serious
from lineage.integrity import proof
from lineage.redaction import check, copies
from lineage.redaction.redact import redact
from lineage.signing.check import checked
from lineage.signing.sign import sign

SECRET = "Zq7secretZq7"
MANIFEST = "session_manifest_20251004T120000Z-5a3b1e5a3b1e.json"
RECORDS = "sft_training_data.jsonl"


def bytes_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def leaks(folder):
    """The files of a copy in whose name or bytes the secret stands, in any case."""
    found = bytes_of(folder)
    return [name for name, data in found.items() if SECRET.lower() in name.lower() or SECRET.lower().encode() in data.lower()]


def copied(folder, out):
    redact(folder, out)
    return next(out.glob("training_data-*.jsonl"))


@pytest.fixture
def full(tmp_path, monkeypatch):
    """A folder that a real session wrote, with a secret wherever one may stand."""
    place = tmp_path / f"home-{SECRET}"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("HF_HOME", f"/home/{SECRET}")
    for name in (f"prompts_{SECRET}.jsonl", f"held_out_{SECRET}.jsonl", "weights.safetensors"):
        Path(name).write_text(json.dumps({"instruction": SECRET}) + "\n")
    provenance = {"loader_version": None, "template_disabled": True, "model_name": f"/home/{SECRET}/model", "quantization": "fp32"}
    provenance |= {
        "sentinel_tests_passed": None,
        "add_special_tokens": False,
        "files": {f"{SECRET}.bin": "0" * 64},
        "gaps": {"revision": SECRET},
    }
    with lineage.session("artifacts", title=f"for {SECRET}", operator=True, host=True) as session:
        load = session.model_load(provenance, files=["weights.safetensors"])
        with session.generation(model=load, prompts=[f"prompts_{SECRET}.jsonl"], params={"seed": 1, "stop": SECRET, SECRET: 3}) as run:
            with run.records(f"sft_{SECRET}.jsonl") as out:
                for n in range(5):
                    out.write({"instruction": f"{SECRET} {n}", "response": SECRET, SECRET: SECRET, "metadata": {"annotator": SECRET}})
        with session.evaluation(model=load, dataset=f"held_out_{SECRET}.jsonl", params={"seed": 1}) as run:
            run.report(f"evaluation_{SECRET}.json", summary={"accuracy": 0.5, f"with {SECRET}": 1.0}, results=[{"response": SECRET}])
    Path("artifacts", f"notes_{SECRET}.json").write_text(json.dumps(SECRET))
    assert len(leaks(Path("artifacts"))) > 4
    return Path("artifacts")


def test_no_secret_of_a_recorded_session_survives_in_any_byte_or_name(full, tmp_path):
    made = redact(full, tmp_path / "out")
    assert socket.gethostname().encode() not in b"".join(bytes_of(tmp_path / "out").values())
    assert leaks(tmp_path / "out") == [] and sorted(made.files.values()).count("report") == 1 and "records" in made.files.values()
    assert str(tmp_path).encode() not in b"".join(bytes_of(tmp_path / "out").values())


def paths_of(value, at=()):
    """The way to every string of a JSON value, and to every key."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*at, key)
        yield from paths_of(inner, (*at, key))


def planted(value, way, at_key, secret=SECRET):
    """The value with the secret put where *way* leads: into the key, or in place of the value."""
    made = copy.deepcopy(value)
    inner = made
    for step in way[:-1]:
        inner = inner[step]
    if at_key:
        inner[f"{way[-1]}{secret}"] = inner[way[-1]]
    else:
        inner[way[-1]] = secret
    return made


def places(value):
    """One way of each kind: an index stands for all of its list."""
    seen = {}
    for way in paths_of(value):
        seen.setdefault(tuple("[]" if isinstance(step, int) else step for step in way), way)
    return list(seen.values())


def test_a_secret_in_any_place_of_a_manifest_does_not_reach_the_copy(sample, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("lineage.redaction.redact.export_folder", lambda *a, **k: None)  # what it writes is derived from what is looked at
    told = json.loads((folder / MANIFEST).read_bytes())
    tried = 0
    for number, way in enumerate(places(told)):
        for at_key in (False, True) if isinstance(way[-1], str) else (False,):
            (folder / MANIFEST).write_text(json.dumps(planted(told, way, at_key)))
            out = tmp_path / f"out-{number}-{at_key}"
            redact(folder, out)
            assert leaks(out) == [], way
            tried += 1
    assert tried > 150


def test_a_secret_in_any_place_of_a_record_or_report_does_not_reach_the_copy(folder, tmp_path):
    from lineage.redaction.facts import Redactor

    record = json.loads((folder / RECORDS).read_bytes().splitlines()[0]) | {"metadata": json.loads((folder / RECORDS).read_bytes().splitlines()[0])["metadata"] | {"tokens": {"prompt_ids": [1]}, "previous": {"x": 1}}}  # fmt: skip
    for way in places(record):
        line = json.dumps(planted(record, way, False)).encode() + b"\n"
        assert SECRET.encode() not in json.dumps(copies._line(b"", line, Redactor())).encode(), way
    assert '"tokens"' not in json.dumps(copies._line(b"", json.dumps(record).encode(), Redactor()))
    told = json.loads((folder / "evaluation_sft.json").read_bytes())
    for way in places(told):
        (tmp_path / "r.json").write_text(json.dumps(planted(told, way, False)))
        assert SECRET.encode() not in (copies.report_of(tmp_path / "r.json", Redactor()) or b""), way


def test_the_same_folder_gives_the_same_bytes_twice(full, tmp_path):
    redact(full, tmp_path / "one")
    redact(full, tmp_path / "two")
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two") != {}


def test_the_prov_of_the_copy_is_valid_and_names_the_same_files_by_digest(folder, tmp_path):
    redact(folder, tmp_path / "out")
    before, after = (formats.loads((place / name).read_bytes(), "turtle") for place, name in ((folder, "session_20251004T120000Z-5a3b1e5a3b1e.ttl"), (tmp_path / "out", "session_20251004T120000Z-5a3b1e5a3b1e.ttl")))  # fmt: skip
    assert not [one for one in validate(after) if one.rule.level == "error"]
    files = [
        {one.id for one in document.read().statements if one.id and re.search("file-sha256-[0-9a-f]{64}$", one.id)}
        for document in (before, after)
    ]
    assert files[0] == files[1] and len(files[0]) == 6


def test_an_export_of_the_copy_finds_nothing_wrong(folder, tmp_path):
    redact(folder, tmp_path / "out")
    assert not serious(lineage.export_folder(tmp_path / "out").findings)


def test_an_audit_of_the_copy_finds_nothing_and_counts_what_nobody_compared(folder, tmp_path, capsys):
    redact(folder, tmp_path / "out")
    report = lineage.audit(tmp_path / "out")
    assert report.open == () and ("redacted files", 6) in [one[:2] for one in report.unchecked]
    assert "redacted files" not in [what for what, _, _ in lineage.audit(folder).unchecked]


def test_a_report_of_the_copy_says_whose_the_digests_are_and_names_no_secret(full, tmp_path):
    redact(full, tmp_path / "out")
    for profile in ("annex-iv", "data-card", "methods"):
        told = str(evidence.report(profile, where=tmp_path / "out")).replace("\\", "")
        assert SECRET not in told and "model-1" in told
        assert "redacted: the digest is that of the original" in told or profile == "methods"


# --- proofs


def test_a_holder_of_an_original_record_proves_it_with_the_copy_alone(folder, tmp_path, capsys):
    copied(folder, tmp_path / "out")
    original = (folder / RECORDS).read_bytes().splitlines(keepends=True)
    root = json.loads((folder / MANIFEST).read_bytes())["artifacts_generated"][0]["merkle_root"]
    file = next((tmp_path / "out").glob("training_data-*.jsonl"))
    assert main(["prove", f"{file}:3", "-o", str(tmp_path / "p.json")]) == 0
    (tmp_path / "record").write_bytes(original[2])
    check = ["verify", "--proof", str(tmp_path / "p.json"), "--root", root, "--lines", "6", str(tmp_path / "record")]
    assert main(check) == 0
    (tmp_path / "record").write_bytes(original[2].replace(b"answer 2", b"answer 9"))
    assert main(check) == 4
    assert "line 3 of 6" in capsys.readouterr().out


def test_a_proof_of_the_copy_is_the_proof_of_the_original(folder, tmp_path):
    from dataclasses import replace

    file = copied(folder, tmp_path / "out")
    for line in range(1, 7):
        assert replace(copies.prove(file, line), file="x") == replace(proof.prove(folder / RECORDS, line), file="x")


def test_a_copy_says_what_is_redacted_and_what_still_holds(folder, tmp_path, capsys):
    copied(folder, tmp_path / "out")
    assert main(["verify", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert "redacted: its 6 commitments have the root of the original's lines" in told and told.count("withheld") == 3


TAMPERING = {
    "a commitment": lambda text: text.replace('{"redacted":"5', '{"redacted":"6', 1),
    "a line gone": lambda text: "".join(text.splitlines(keepends=True)[1:]),
    "what stands beside a commitment": lambda text: text.replace('"seed":42', '"seed":43', 1),
    "a line that keeps none": lambda text: "{}\n" + text,
}


@pytest.mark.parametrize("tamper", TAMPERING.values(), ids=TAMPERING.keys())
def test_a_copy_whose_commitments_were_altered_is_refused(folder, tmp_path, tamper):
    file = copied(folder, tmp_path / "out")
    before = file.read_text()
    file.write_text(tamper(before))
    assert file.read_text() != before
    assert [one.status for one in check.held(tmp_path / "out") if one.file == file.name] == ["altered"]
    assert main(["verify", str(tmp_path / "out")]) == 4


def test_a_report_that_was_altered_in_the_copy_is_refused(folder, tmp_path):
    copied(folder, tmp_path / "out")
    report = next(path for path in (tmp_path / "out").glob("evaluation-*.json") if b"0.75" in path.read_bytes())
    report.write_bytes(report.read_bytes().replace(b"0.75", b"0.95"))
    assert [one.status for one in check.held(tmp_path / "out") if one.file == report.name] == ["altered"]
    report.unlink()
    assert [one.status for one in check.held(tmp_path / "out") if one.file == report.name] == ["missing"]


def test_a_copy_is_signed_and_checked_like_any_folder(folder, key, public, tmp_path):
    file = copied(folder, tmp_path / "out")
    sign(tmp_path / "out", key)
    assert checked(tmp_path / "out", public).faults == ()
    file.write_text(file.read_text().replace('"seed":42', '"seed":43'))  # which no root covers
    told = json.loads((tmp_path / "out" / "redaction.json").read_bytes())
    next(one for one in told["files"] if one["file"] == file.name)["copy_sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    (tmp_path / "out" / "redaction.json").write_text(json.dumps(told))  # so that only the signature tells
    assert "altered" not in [one.status for one in check.held(tmp_path / "out")]
    faults = {(one.what, one.file) for one in checked(tmp_path / "out", public).faults}
    assert faults == {("altered", file.name), ("altered", "redaction.json")}


def test_who_holds_the_originals_knows_the_copy_for_theirs_by_digest(folder, key, tmp_path):
    sign(folder, key)
    redact(folder, tmp_path / "out")
    told = json.loads((tmp_path / "out" / "redaction.json").read_bytes())
    digests = {hashlib.sha256(data).hexdigest(): name for name, data in bytes_of(folder).items()}
    assert {digests.get(one["sha256"]) for one in told["files"]} >= {RECORDS, "evaluation_sft.json", "evaluation_base.json"}
    assert digests[told["sessions"][0]["manifest_sha256"]] == MANIFEST
    assert digests[told["sessions"][0]["signature_sha256"]].endswith(".dsse.json")


def test_without_leaves_no_commitment_to_a_record_is_in_the_copy(folder, tmp_path):
    made = redact(folder, tmp_path / "out", leaves=False)
    everything = b"".join(bytes_of(tmp_path / "out").values())
    leaves = [proof.prove(folder / RECORDS, line).leaf.encode() for line in range(1, 7)]
    assert not any(leaf in everything for leaf in leaves) and "records" in made.files.values()
    assert main(["verify", str(tmp_path / "out")]) == 0
    file = next((tmp_path / "out").glob("training_data-*.jsonl"))
    file.write_bytes(file.read_bytes().replace(b'"seed":42', b'"seed":43'))
    assert main(["verify", str(tmp_path / "out")]) == 4


# --- edges


def test_a_file_that_is_not_as_recorded_is_left_out_and_told(folder, tmp_path):
    (folder / RECORDS).write_bytes(b"{}\n")
    made = redact(folder, tmp_path / "out")
    assert "records" not in made.files.values() and any("not as it was recorded" in note for note in made.notes)


def test_nothing_is_written_over_and_nothing_half(folder, tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError, match="already"):
        redact(folder, tmp_path / "there")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError):
        redact(tmp_path / "empty", tmp_path / "out")
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".out*"))


def test_a_packed_file_is_copied_by_the_lines_of_its_text(tmp_path, monkeypatch):
    import gzip

    monkeypatch.chdir(tmp_path)
    with lineage.session("artifacts", export=False) as session, session.transformation(kind="filter") as run:
        Path("artifacts/x.jsonl.gz").write_bytes(gzip.compress(b'{"a": 1}\n{"a": 2}\n'))
        run.output("x.jsonl.gz", type="training_data")
    made = redact(Path("artifacts"), tmp_path / "out")
    (name,) = [name for name, what in made.files.items() if what == "records"]
    assert name.endswith(".jsonl") and len((tmp_path / "out" / name).read_text().splitlines()) == 2


def test_the_command_lists_the_files_under_their_new_names(folder, tmp_path, capsys):
    assert main(["redact", str(folder), "-o", str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["files"].values()) == {"records", "report", "withheld"}


@pytest.mark.parametrize("seed", range(3))
def test_a_history_of_many_sessions_is_redacted_whole(seed, tmp_path):
    told = history(seed, sessions=20, folder=tmp_path / "a")
    made = redact(tmp_path / "a", tmp_path / "out")
    assert {one.status for one in check.held(tmp_path / "out")} <= {"redacted", "withheld"} and "records" in made.files.values()
    exported = lineage.export_folder(tmp_path / "out", graphs=tmp_path / "graphs")
    assert exported.findings == () and len(exported.sessions) == sum(one.manifest is not None for one in told)
    everything = b"".join(bytes_of(tmp_path / "out").values())
    assert b'"model-1"' in everything
    for word in (
        b"Qwen",
        b"gemma",
        b"Llama",
        b'"ada"',
        b'"grace"',
        b"machine-",
        b"question",
        b"models/",
        b"prompts_",
        b"held_out_",
        b"generate_stage1",
    ):
        assert word not in everything, word
