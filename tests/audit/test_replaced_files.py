"""A file that a later session wrote again is replaced, and not altered: in the audit, in `verify` and under signatures."""

import json
import shutil

import pytest

import lineage
from lineage.integrity.verify import verify
from lineage.signing.check import checked
from lineage.signing.keys import new_key, public_key
from lineage.signing.sign import sign

REPLACED = "replaced-file"
FALSE = {"altered-file", "count-differs", "listed-twice", "metric-differs", "provenance-differs", "params-differ", "not-as-signed"}
GREEDY = {"seed": 1, "do_sample": False, "max_new_tokens": 5, "num_beams": 1, "repetition_penalty": 1.0}


def generate(folder, records=4):
    with lineage.session(folder, export=False) as session, session.generation(params=GREEDY) as run, run.records("data.jsonl") as out:
        for number in range(records):
            out.write({"instruction": f"q{number}", "response": f"a{number}"})


def rewrite(folder, *, keep, uses=True):
    """Leave the first records of the file, in a session of its own."""
    path = folder / "data.jsonl"
    with lineage.session(folder, export=False) as session:
        with session.transformation("filter", inputs=[path] if uses else []) as run:
            path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:keep]))
            run.output("data.jsonl", type="training_data")


def evaluate(folder, correct):
    with lineage.session(folder, export=False) as session, session.evaluation(params=GREEDY) as run:
        results = [{"correct": number < correct} for number in range(4)]
        path = folder / "evaluation_m.json"
        path.unlink(missing_ok=True)
        path.write_text(json.dumps({"summary": {"accuracy": correct / 4}, "metadata": {}, "results": results}))
        run.output("evaluation_m.json", type="evaluation", role="report")


def codes(folder, **options):
    return {one.code for one in lineage.audit(folder, **options).findings}


@pytest.mark.parametrize("uses", [True, False], ids=["used", "overwritten"])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_file_that_later_sessions_wrote_again_is_replaced_and_not_altered(times, uses, tmp_path):
    generate(tmp_path, 6)
    for number in range(times):
        rewrite(tmp_path, keep=5 - number, uses=uses)
    found = [one for one in lineage.audit(tmp_path).findings if one.code == REPLACED]
    assert FALSE & codes(tmp_path) == set()
    assert len({one.message for one in found}) == times
    assert verify(tmp_path / "data.jsonl").status == "intact"


def test_a_report_that_was_made_again_is_held_against_its_last_session(tmp_path):
    evaluate(tmp_path, 1)
    evaluate(tmp_path, 3)
    assert FALSE & codes(tmp_path) == set()
    assert REPLACED in codes(tmp_path)


def test_bytes_of_no_session_are_altered_although_the_file_was_replaced(tmp_path):
    generate(tmp_path)
    rewrite(tmp_path, keep=3)
    (tmp_path / "data.jsonl").write_bytes((tmp_path / "data.jsonl").read_bytes().replace(b"a1", b"b1"))
    (last,) = [one for one in lineage.audit(tmp_path).findings if one.code == "altered-file"]
    assert last.file == "data.jsonl"
    assert verify(tmp_path / "data.jsonl").status == "altered"


def test_an_earlier_version_that_was_put_back_is_altered(tmp_path):
    generate(tmp_path)
    before = (tmp_path / "data.jsonl").read_bytes()
    rewrite(tmp_path, keep=3)
    (tmp_path / "data.jsonl").write_bytes(before)
    assert "altered-file" in codes(tmp_path)
    assert verify(tmp_path / "data.jsonl").status == "altered"


def test_a_run_that_used_the_old_bytes_after_the_new_ones_were_written_is_told(tmp_path):
    generate(tmp_path)
    old = (tmp_path / "data.jsonl").read_bytes()
    rewrite(tmp_path, keep=3)
    new = (tmp_path / "data.jsonl").read_bytes()
    (tmp_path / "data.jsonl").write_bytes(old)
    with lineage.session(tmp_path, export=False) as session, session.training(datasets=tmp_path / "data.jsonl", params={"seed": 1}):
        pass
    (tmp_path / "data.jsonl").write_bytes(new)
    assert "altered-file" in codes(tmp_path)


@pytest.fixture
def key(tmp_path):
    new_key(tmp_path / "key.pem")
    return tmp_path / "key.pem"


@pytest.mark.parametrize("signed_first", [True, False], ids=["signed before and after", "signed after both"])
def test_a_replaced_file_is_as_signed_where_both_sessions_are_signed(signed_first, key, tmp_path):
    folder = tmp_path / "artifacts"
    generate(folder)
    if signed_first:
        sign(folder, key)
    rewrite(folder, keep=3)
    sign(folder, key)
    public = public_key(key.with_name("key.pem.pub"))
    assert checked(folder, public).faults == ()
    sign(folder, key)  # signing again changes nothing
    assert checked(folder, public).faults == ()
    assert FALSE & codes(folder, key=public) == set()


def test_a_signed_file_that_an_unsigned_session_wrote_again_is_not_as_signed(key, tmp_path):
    folder = tmp_path / "artifacts"
    generate(folder)
    sign(folder, key)
    rewrite(folder, keep=3)
    assert {"not-as-signed", "unsigned-session"} <= codes(folder, key=public_key(key.with_name("key.pem.pub")))


def test_a_replaced_file_that_is_altered_is_not_as_signed(key, tmp_path):
    folder = tmp_path / "artifacts"
    generate(folder)
    sign(folder, key)
    old = shutil.copy(folder / "data.jsonl", tmp_path / "old.jsonl")
    rewrite(folder, keep=3)
    sign(folder, key)
    public = public_key(key.with_name("key.pem.pub"))
    shutil.copy(old, folder / "data.jsonl")
    assert [one.what for one in checked(folder, public).faults] == ["altered"]
