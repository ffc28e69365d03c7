"""Compressed files of records hold the same records; damage costs the rest of the file, and is told."""

import gzip
import hashlib
import json

import pytest
import zstandard

import lineage
from lineage.cli import main
from lineage.contract import lines, records

LINE = json.dumps({"a": 1, "metadata": {"provenance": None, "generation_params": {"seed": 3}, "timestamp": "2026-01-01T00:00:00+00:00"}})
DATA = (LINE + "\n").encode() * 5000
PACKED = {".gz": gzip.compress(DATA), ".zst": zstandard.compress(DATA[:40000]) + zstandard.compress(DATA[40000:])}


@pytest.mark.parametrize("suffix", PACKED)
def test_a_compressed_file_holds_the_same_slices_under_the_digest_of_its_own_bytes(tmp_path, suffix):
    plain, packed = tmp_path / "x.jsonl", tmp_path / f"x.jsonl{suffix}"
    plain.write_bytes(DATA)
    packed.write_bytes(PACKED[suffix])
    one, other = records.scan(plain, "x"), records.scan(packed, "x")
    assert (one.count, one.slices, one.findings) == (other.count, other.slices, other.findings) == (5000, one.slices, one.findings)
    assert (other.sha256, other.bytes) == (hashlib.sha256(PACKED[suffix]).hexdigest(), len(PACKED[suffix]))


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"nonsense" + data, lambda data: data[:60] + b"\xff" * 40 + data[100:]]
)
def test_a_damaged_one_is_a_finding_and_its_digest_is_that_of_the_whole(tmp_path, suffix, damage):
    data = damage(PACKED[suffix])
    path = tmp_path / f"x.jsonl{suffix}"
    path.write_bytes(data)
    found = records.scan(path, "x")
    assert "bad-compression" in {one.code for one in found.findings} or (found.count < 5000 and found.findings)
    assert found.sha256 == hashlib.sha256(data).hexdigest()


def test_a_bomb_is_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr(lines.limits, "UNPACKED", 1 << 20)
    monkeypatch.setattr(lines.limits, "RATIO", 10)
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(b"{}\n" * (1 << 20)))
    assert [one.code for one in records.scan(path, "x").findings] == ["bad-compression", "no-metadata"]
    assert records.scan(path, "x").count < 1 << 20


@pytest.mark.parametrize("suffix", PACKED)
def test_a_compressed_file_is_exported(tmp_path, monkeypatch, suffix):
    monkeypatch.chdir(tmp_path)
    with (
        lineage.session("artifacts", export=False) as session,
        session.generation(params={"seed": 1}) as run,
        run.records("x.jsonl") as out,
    ):
        out.write({"a": 1})
    data = (tmp_path / "artifacts/x.jsonl").read_bytes()
    (tmp_path / "sent").mkdir()
    (tmp_path / f"sent/x.jsonl{suffix}").write_bytes(gzip.compress(data) if suffix == ".gz" else zstandard.compress(data))
    main(["export", "sent"])
    assert '"lin:Slice"' in (tmp_path / "sent/session_unrecorded.prov.json").read_text()
    main(["why", f"sent/x.jsonl{suffix}:1"])
    assert lineage.RecordFile(f"sent/x.jsonl{suffix}").why(1).record["a"] == 1
    assert main(["why", f"sent/x.jsonl{suffix}:2"]) == 3


def test_a_line_that_is_too_long_is_passed_over_and_not_held(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MAX_LINE", 10)
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"x" * 10 + b"\n" + b"y" * 5000 + b"\n{}\n" + b"z" * 11)
    with lines.text_of(path) as file:
        assert list(lines.numbered(file)) == [(1, None), (2, None), (3, b"{}\n"), (4, None)]


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize("left", [1, 3, 10, 0.3, 0.6, 0.99])
def test_a_packed_file_that_is_cut_off_anywhere_is_told_and_proves_nothing(tmp_path, suffix, left, capsys):
    data = PACKED[suffix]
    path = tmp_path / f"x.jsonl{suffix}"
    path.write_bytes(data[: left if left >= 1 else int(len(data) * left)])
    assert "bad-compression" in {one.code for one in records.scan(path, "x").findings}
    assert main(["prove", f"{path}:1"]) == 1 and "Traceback" not in capsys.readouterr().err
