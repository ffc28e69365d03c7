"""What was changed in a file of records is found, and the line is named; one line is proved without the file."""

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import lineage
from lineage.cli import cli, main
from lineage.errors import FormatError, NotFoundError
from lineage.integrity import index, proof
from lineage.integrity.differences import Change, differences
from lineage.integrity.index import fingerprints
from lineage.integrity.verify import verify


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """A file of 100 records with its manifest and sidecar."""
    monkeypatch.chdir(tmp_path)
    with (
        lineage.session("artifacts", export=False) as session,
        session.generation(params={"seed": 1}) as run,
        run.records("x.jsonl") as out,
    ):
        for number in range(100):
            out.write({"n": number})
    return Path("artifacts/x.jsonl")


def rewrite(path, change):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(change(lines)))


def named(verdict):
    return [(one.what, one.before, one.now) for one in verdict.changes]


def test_a_file_as_recorded_is_intact_and_the_manifest_holds_its_root(recorded):
    verdict = verify(recorded)
    entry = json.loads(next(Path("artifacts").glob("session_manifest_*")).read_text())["artifacts_generated"][-1]
    assert (verdict.status, entry["merkle_root"], entry["lines"]) == ("intact", verdict.found.merkle_root, 100)


FORGERIES = {
    "a byte": (lambda lines: [*lines[:4], lines[4].replace(b'"n":4', b'"n":5'), *lines[5:]], [("changed", 5, 5)]),
    "a line gone": (lambda lines: lines[:8] + lines[9:], [("missing", 9, None)]),
    "a line more": (lambda lines: [*lines[:8], b"{}\n", *lines[8:]], [("added", None, 9)]),
    "two swapped": (lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]], [("moved", 7, 6)]),
    "the last newline": (lambda lines: [*lines[:-1], lines[-1].rstrip(b"\n")], [("changed", 100, 100)]),
    "all gone": (lambda lines: [], [("missing", n, None) for n in range(1, 101)]),
}


@pytest.mark.parametrize(("change", "expected"), FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_line_is_named(recorded, change, expected):
    rewrite(recorded, change)
    verdict = verify(recorded)
    moved = [("moved", 6, 7)] if expected[0][0] == "moved" else None
    assert verdict.status == "altered" and named(verdict) in (expected, moved)


def test_a_forged_sidecar_hides_nothing(recorded):
    rewrite(recorded, lambda lines: lines[1:])
    index.build(recorded)
    verdict = verify(recorded)
    assert verdict.status == "altered" and not verdict.changes and "another file" in verdict.note


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"lineage-index 1\n{}"])
def test_a_damaged_sidecar_is_told_and_the_verdict_stands(recorded, damage):
    index.path_of(recorded).write_bytes(damage)
    assert verify(recorded).status == "intact"
    rewrite(recorded, lambda lines: lines[1:])
    assert verify(recorded).status == "altered" and "damaged" in verify(recorded).note


def test_an_export_of_the_altered_file_keeps_the_sidecar_that_names_the_line(recorded):
    rewrite(recorded, lambda lines: lines[1:])
    lineage.export_folder(Path("artifacts"))
    assert named(verify(recorded)) == [("missing", 1, None)]


def test_a_file_that_nothing_tells_of_is_no_success(tmp_path):
    file = tmp_path / "x.jsonl"
    file.write_bytes(b"{}\n")
    assert verify(file).status == "unrecorded" and main(["verify", str(file)]) == 1
    index.build(file)
    file.write_bytes(b"[]\n")
    assert named(verify(file)) == [("changed", 1, 1)] and main(["verify", str(file)]) == 4


def mutated(lines, random):
    """One change at random, and the line, counted before or now, that has to be named."""
    at = random.randrange(len(lines))
    match random.choice(["flip", "swap", "insert", "delete"]):
        case "flip":
            line = bytearray(lines[at])
            line[random.randrange(len(line))] ^= 1 << random.randrange(8)
            return [*lines[:at], bytes(line), *lines[at + 1 :]], {at + 1}
        case "swap":
            other = random.randrange(len(lines))
            swapped = list(lines)
            swapped[at], swapped[other] = lines[other], lines[at]
            return swapped, {at + 1, other + 1}
        case "insert":
            return [*lines[:at], b"new\n", *lines[at:]], {at + 1}
    return lines[:at] + lines[at + 1 :], {at + 1}


def test_ten_thousand_changes_at_random_are_all_found_and_named(tmp_path):
    rng, file = random.Random(5), tmp_path / "x.jsonl"
    original = None
    for round in range(10_000):
        if round % 100 == 0:
            original = [b'{"n":%d,"x":"%s"}\n' % (n, rng.randbytes(rng.randrange(6)).hex().encode()) for n in range(rng.randint(1, 40))]
            file.write_bytes(b"".join(original))
            before, seal = fingerprints(file), index.build(file, keep=False)
        lines, expected = mutated(original, rng)
        if lines == original:
            continue
        file.write_bytes(b"".join(lines))
        found = differences(before, fingerprints(file))
        assert index.build(file, keep=False).merkle_root != seal.merkle_root
        assert expected & {number for one in found for number in (one.before, one.now)}, (round, found, expected)
        assert len(found) <= 3


@given(st.lists(st.sampled_from([b"a", b"b", b"c", b"d"]), max_size=12), st.lists(st.sampled_from([b"a", b"b", b"c", b"d"]), max_size=12))
def test_the_changes_lead_from_one_list_to_the_other(before, now):
    found = differences(before, now)
    gone = {one.before for one in found if one.before}
    come = {one.now for one in found if one.now}
    assert [x for n, x in enumerate(before, 1) if n not in gone] == [x for n, x in enumerate(now, 1) if n not in come]
    assert all(before[one.before - 1] == now[one.now - 1] for one in found if one.what == "moved")
    assert (not found) == (before == now)


def test_moving_one_line_is_one_change():
    assert differences([b"a", b"b", b"c", b"d"], [b"b", b"c", b"d", b"a"]) == [Change(1, 4, "moved")]


def test_a_line_is_proved_with_the_record_and_the_root_alone(recorded):
    root = verify(recorded).found.merkle_root
    lines = recorded.read_bytes().splitlines(keepends=True)
    proofs = [proof.prove(recorded, number) for number in range(1, 101)]
    recorded.unlink()
    for number, one in enumerate(proofs):
        assert proof.holds(one, lines[number], root) is None
        assert "not the line" in proof.holds(one, lines[number - 1], root)
        assert "lacks the newline" in proof.holds(one, lines[number].rstrip(), root)
        assert "not " in proof.holds(one, lines[number], "0" * 64)


@pytest.mark.parametrize("key", ["line", "lines", "path"])
def test_a_forged_proof_proves_nothing(recorded, tmp_path, key):
    said = proof.prove(recorded, 7).json()
    said[key] = said[key][1:] if key == "path" else said[key] + 1000
    path = tmp_path / "p.json"
    path.write_text(json.dumps(said))
    line = recorded.read_bytes().splitlines(keepends=True)[6]
    assert "does not lead" in proof.holds(proof.read(path), line, said["merkle_root"])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "lineage-inclusion-proof 1", "path": [1]}'])
def test_what_is_no_proof_is_refused(tmp_path, text):
    path = tmp_path / "p.json"
    path.write_text(text)
    with pytest.raises(FormatError, match="no inclusion proof"):
        proof.read(path)


def test_a_line_that_is_not_there_is_not_found(recorded):
    for number in (0, 101):
        with pytest.raises(NotFoundError, match="100"):
            proof.prove(recorded, number)


def test_the_command_line_proves_and_verifies(recorded):
    runner = CliRunner()
    said = json.loads(runner.invoke(cli, ["prove", f"{recorded}:3"]).output)
    Path("p.json").write_text(json.dumps(said))
    Path("record").write_bytes(recorded.read_bytes().splitlines(keepends=True)[2])
    check = ["verify", "--proof", "p.json", "--root", said["merkle_root"]]
    assert main([*check, "record"]) == 0 and main([*check, "p.json"]) == 4
    assert main(["verify", str(recorded)]) == 0 and main(["verify", "gone.jsonl"]) == 3 and main(["verify", "--root", "x", "p.json"]) == 2
    rewrite(recorded, lambda lines: lines[2:])
    result = runner.invoke(cli, ["verify", "--json", str(recorded)], standalone_mode=False)
    assert result.return_value == 4 and [one["before"] for one in json.loads(result.stdout)[0]["changes"]] == [1, 2]


def test_lines_that_were_changed_where_they_stand_are_named_without_an_alignment():
    before = [b"%d" % n for n in range(1000)]
    now = [b"x" if n in (0, 500, 999) else line for n, line in enumerate(before)]
    assert [(one.before, one.now, one.what) for one in differences(before, now)] == [(n, n, "changed") for n in (1, 501, 1000)]


def test_a_sidecar_whose_rows_lie_is_believed_of_no_line(recorded, capsys):
    lines = recorded.read_bytes().splitlines(keepends=True)
    path = index.path_of(recorded)
    good = path.read_bytes()
    for offset in (len(lines[0]), 0, 2**64 - 1, 2**63 - 1, len(b"".join(lines))):
        forged = bytearray(good)
        forged[4096 + 3 * 16 : 4096 + 3 * 16 + 8] = offset.to_bytes(8, "little")
        path.write_bytes(forged)
        assert lineage.RecordFile(recorded).read(4) == lines[3] and lineage.RecordFile(recorded).read(3) == lines[2]
        capsys.readouterr()
        assert main(["export", str(recorded), "--records", "4", "--format", "json", "--output", "-"]) == 0
        (told,) = [one for name, one in json.loads(capsys.readouterr().out)["entity"].items() if name.endswith("-L4")]
        assert told["lin:seed"]["$"] == str(json.loads(lines[3])["metadata"]["generation_params"]["seed"])
