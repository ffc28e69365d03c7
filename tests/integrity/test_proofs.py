"""A proof claims a line number only with the number of lines from somewhere else; its inputs are read up to a bound."""

import json
import os
import resource
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lineage
from lineage.cli import main
from lineage.errors import FormatError, NotFoundError, UsageError
from lineage.integrity import index, proof
from lineage.merkle import Tree, leaf_hash
from lineage.signing import keys
from lineage.signing.sign import sign

MEGA = 1 << 20


def proof_of(lines, number):
    tree = Tree(target=number - 1)
    for line in lines:
        tree.add(leaf_hash(line))
    root, path = tree.finish()
    facts = {"file": "x", "line": number, "lines": len(lines), "leaf": leaf_hash(lines[number - 1]).hex()}
    return proof.Proof(merkle_root=root.hex(), path=tuple(node.hex() for node in path), **facts)


@given(st.integers(1, 70), st.data())
def test_with_the_number_of_lines_no_other_line_is_claimed(size, data):
    lines = [b"%d\n" % n for n in range(size)]
    number = data.draw(st.integers(1, size))
    true = proof_of(lines, number)
    record = lines[number - 1]
    assert proof.holds(true, record, true.merkle_root, size) is None
    for line in range(-1, 2 * size + 2):
        for claimed in {size, data.draw(st.integers(1, 200))}:
            forged = proof.Proof(
                **{name: getattr(true, name) for name in ("file", "merkle_root", "leaf", "path")}, line=line, lines=claimed
            )
            holds = proof.holds(forged, record, true.merkle_root, size) is None
            assert holds == ((line, claimed) == (number, size))


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with lineage.session("artifacts") as session, session.generation(params={"seed": 1}) as run, run.records("data.jsonl") as out:
        for n in range(6):
            out.write({"instruction": f"q {n}"})
    assert main(["prove", "artifacts/data.jsonl:5", "-o", "p.json"]) == 0
    (tmp_path / "record").write_bytes((tmp_path / "artifacts/data.jsonl").read_bytes().splitlines(keepends=True)[4])
    return tmp_path


def verify(*args, capsys):
    capsys.readouterr()
    code = main(["verify", "--proof", *map(str, args)])
    return code, "".join(capsys.readouterr())


def forged(work, line, lines):
    whole = json.loads((work / "p.json").read_text())
    (work / "f.json").write_text(json.dumps(whole | {"line": line, "lines": lines}))
    return whole["merkle_root"]


@pytest.mark.parametrize(("line", "lines"), [(3, 4), (5, 6), (9, 10)])
def test_by_the_root_alone_no_number_is_claimed(work, capsys, line, lines):
    root = forged(work, line, lines)
    code, text = verify("f.json", "--root", root, "record", capsys=capsys)
    assert code == 0
    assert "its line number is not proved" in text
    assert f"line {line} of" not in text


def test_the_number_of_lines_makes_the_claim(work, capsys):
    root = forged(work, 5, 6)
    assert verify("f.json", "--root", root, "--lines", 6, "record", capsys=capsys) == (0, "f.json: proved: line 5 of 6\n")
    code, text = verify("f.json", "--root", root, "--lines", 7, "record", capsys=capsys)
    assert code == 4
    assert "a file of 6 lines, not 7" in text
    forged(work, 3, 4)
    assert verify("f.json", "--root", root, "--lines", 6, "record", capsys=capsys)[0] == 4


def test_a_manifest_or_a_signature_has_root_and_number(work, capsys):
    manifest = next(work.glob("artifacts/session_manifest_*"))
    keys.new_key(work / "k.pem")
    keys.new_key(work / "other.pem")
    (signed,) = sign(work / "artifacts", work / "k.pem")
    for recorded in ([manifest], [signed.path], [signed.path, "--key", "k.pem.pub"]):
        assert verify("p.json", "--recorded", *recorded, "record", capsys=capsys) == (0, "p.json: proved: line 5 of 6\n")
        forged(work, 3, 4)
        assert verify("f.json", "--recorded", *recorded, "record", capsys=capsys)[0] == 4
    assert verify("p.json", "--recorded", signed.path, "--key", "other.pem.pub", "record", capsys=capsys)[0] == 1
    assert verify("p.json", "--recorded", manifest, "--key", "k.pem.pub", "record", capsys=capsys)[0] == 2
    (work / "other.jsonl").write_text("{}\n")
    assert main(["prove", "other.jsonl:1", "-o", "o.json"]) == 0
    code, text = verify("o.json", "--recorded", manifest, "other.jsonl", capsys=capsys)
    assert code == 4
    assert "no file of the manifest or signature has this root" in text


@pytest.mark.parametrize("flags", [["--lines", "3"], ["--recorded", "x"], ["--root", "0" * 64]])
def test_what_is_trusted_goes_with_a_proof(work, flags):
    assert main(["verify", *flags, "record"]) == 2


def test_a_proof_needs_one_thing_to_trust(work):
    root = forged(work, 5, 6)
    assert main(["verify", "--proof", "p.json", "record"]) == 2
    assert main(["verify", "--proof", "p.json", "--root", root, "--recorded", "x", "record"]) == 2
    assert main(["verify", "--proof", "p.json", "--recorded", "x", "--lines", "3", "record"]) == 2


# --- bounds


def limited(*args, stdin=None):
    """Run the command with 2 CPU seconds and little memory above what the imports take."""

    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (3, 3))
        resource.setrlimit(resource.RLIMIT_AS, (900 * MEGA, 900 * MEGA))

    argv = [sys.executable, "-m", "lineage", *map(str, args)]
    return subprocess.run(argv, capture_output=True, text=True, preexec_fn=limit, stdin=stdin, timeout=60)


def sparse(path, size):
    with path.open("wb") as file:
        file.truncate(size)
    return path


@pytest.mark.parametrize("what", ["device", "large file", "stdin"])
def test_an_endless_record_is_one_error(work, what):
    record = {"device": "/dev/zero", "large file": sparse(work / "large", 10 << 30), "stdin": "-"}[what]
    with open("/dev/zero", "rb") as zero:
        done = limited("verify", "--proof", "p.json", "--root", "0" * 64, record, stdin=zero)
    assert done.returncode == 2
    assert "longer than a line may be" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("what", ["device", "large file", "deep", "numbers"])
def test_an_endless_proof_is_one_error(work, what):
    (work / "deep").write_text("[" * 100_000)
    (work / "numbers").write_text('{"format": "lineage-inclusion-proof 1", "line": 1' + "0" * 500_000 + "}")
    path = {"device": "/dev/zero", "large file": sparse(work / "large", 10 << 30), "deep": "deep", "numbers": "numbers"}[what]
    done = limited("verify", "--proof", path, "--root", "0" * 64, "record")
    assert done.returncode in (1, 2)
    assert "this is no inclusion proof" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pipe_is_read_and_one_without_a_writer_is_empty(work):
    os.mkfifo(work / "pipe")
    assert proof.read_record(work / "pipe") == b""
    reading = os.open(work / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    writer = threading.Thread(target=lambda: (work / "pipe").write_bytes(b"{}\n"))
    writer.start()
    writer.join()
    assert os.read(reading, 9) == b"{}\n"
    os.close(reading)
    with pytest.raises(NotFoundError):
        proof.read_record(work / "gone")
    with pytest.raises(IsADirectoryError, match="artifacts"):
        proof.read_record(work / "artifacts")


# --- the index


def rows(file, change):
    path = index.path_of(file)
    data = path.read_bytes()
    every = [data[at : at + index.ROW] for at in range(index.MAX_HEADER, len(data), index.ROW)]
    path.write_bytes(data[: index.MAX_HEADER] + b"".join(change(every)))


FORGED = {
    "swapped": lambda every: [every[1], every[0], *every[2:]],
    "reversed": lambda every: every[::-1],
    "one line twice": lambda every: [every[0], every[0], *every[2:]],
    "offset in a line": lambda every: [every[0], (7).to_bytes(8, "little") + every[1][8:], *every[2:]],
    "offset behind the end": lambda every: [*every[:-1], (1 << 62).to_bytes(8, "little") + every[-1][8:]],
    "fingerprint": lambda every: [*every[:-1], every[-1][:8] + b"\0" * 8],
    "moved by one": lambda every: [*every[1:], every[0]],
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_index_shows_no_other_record_and_is_found(work, capsys, forge):
    file = work / "artifacts/data.jsonl"
    main(["export", "artifacts"])
    assert index.exists(file)
    rows(file, forge)
    records = lineage.RecordFile(file)
    for number in range(1, 7):
        assert records.why(number).record["instruction"] == f"q {number - 1}"
        capsys.readouterr()
        assert main(["show", f"{file}:{number}"]) == 0
        assert f'"q {number - 1}"' in capsys.readouterr().out
    assert main(["verify", str(file)]) == 1
    assert "its index is not used" in capsys.readouterr().out
    main(["audit", "artifacts", "--recheck", "--json"])
    assert "other-sidecar" in {one["code"] for one in json.loads(capsys.readouterr().out)["findings"]}


def test_a_true_index_is_used(work):
    file = work / "artifacts/data.jsonl"
    index.build(file)
    known = index.of_file(file)
    assert known is not None
    assert len(known) == 6
    assert main(["verify", str(file)]) == 0


def test_a_line_of_many_megabytes_is_remembered_as_compared(tmp_path, monkeypatch):
    monkeypatch.setenv("LINEAGE_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "data.jsonl"
    file.write_bytes(b'{"a": "%s"}\n' % (b"x" * 1000) * 3000)
    index.build(file)
    past = file.stat().st_mtime - 100
    monkeypatch.setattr("time.time", lambda: past + 1000)
    assert index.of_file(file) is not None
    monkeypatch.setattr(index.Index, "fits", lambda *_: pytest.fail("it was read again"))
    assert index.of_file(file) is not None
    monkeypatch.undo()
    monkeypatch.setenv("LINEAGE_CACHE", str(tmp_path / "cache"))
    rows(file, lambda every: [every[1], every[0], *every[2:]])
    with pytest.raises(FormatError):
        index.of_file(file)


@pytest.mark.parametrize("lines", [200_000, 20_000_000])
@pytest.mark.parametrize("is_recorded", [True, False])
def test_an_index_that_promises_many_lines_costs_nothing(work, lines, is_recorded):
    file = work / "artifacts/data.jsonl"
    seal = index.build(file)
    header = {"sha256": seal.sha256, "bytes": seal.bytes, "lines": lines, "merkle_root": seal.merkle_root}
    text = index.MAGIC + json.dumps(header).encode()
    with index.path_of(file).open("wb") as out:
        out.write(text + b" " * (index.MAX_HEADER - 1 - len(text)) + b"\n")
        out.truncate(index.MAX_HEADER + index.ROW * lines)
    if not is_recorded:
        next(work.glob("artifacts/session_manifest_*")).unlink()
    file.write_bytes(file.read_bytes().replace(b"q 3", b"q 9"))
    for args in (["verify", file], ["show", f"{file}:4"], ["why", f"{file}:4"], ["audit", "artifacts"]):
        done = limited(*args)
        assert done.returncode in (0, 1, 4), done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stdout) < 20_000


def test_a_record_that_is_too_long_is_a_usage_error(tmp_path, monkeypatch):
    monkeypatch.setattr(proof, "MAX_LINE", 10)
    (tmp_path / "record").write_bytes(b"x" * 11)
    with pytest.raises(UsageError, match="longer than a line"):
        proof.read_record(tmp_path / "record")
