"""The forgery campaign: each forgery of a signed folder is found, or is of a documented kind that nobody can see."""

import random
import re
import shutil
from pathlib import Path

import pytest
from forgeries import KINDS, NOT_SEEN
from sampled import ROOT

import lineage
from lineage.cli import main
from lineage.signing import keys
from lineage.signing.check import checked
from lineage.signing.sign import sign

PROVENANCE = {
    "loader_version": "a" * 40, "template_disabled": True, "model_name": "org/m", "quantization": "bf16",
    "sentinel_tests_passed": True, "add_special_tokens": False, "revision": "a" * 40,
}  # fmt: skip
RANDOM = 500


def session(folder, number):
    with lineage.session(folder) as one:
        load = one.model_load(PROVENANCE)
        with one.generation(model=load, params={"seed": 1}) as run, run.records(f"data-{number}.jsonl") as out:
            for n in range(4):
                out.write({"instruction": f"q {number} {n}", "response": f"r {n}"})
        with one.training(model=load, params={"seed": 1}) as run:
            model = folder / f"model-{number}"
            model.mkdir()
            (model / "weights.bin").write_bytes(b"weights %d" % number)
            run.output(model.name, type="model")
        with one.evaluation(model=load, dataset_name="h", dataset_size=2) as run:
            run.report(f"evaluation_{number}.json", summary={"accuracy": 0.5 + number / 100}, results=[])


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A folder of three sessions, with files of nobody and a link, exported and signed."""
    work = tmp_path_factory.mktemp("campaign")
    folder = work / "bundle"
    for number in range(3):
        session(folder, number)
    (folder / "README.md").write_text("# Data\n")
    (folder / "caf\u00e9.txt").write_text("x")
    (folder / "latest").symlink_to("model-2")
    assert main(["export", str(folder), "--format", "turtle"]) in (0, 1)
    keys.new_key(work / "k.pem")
    head = sign(folder, work / "k.pem")[-1].sha256
    return folder, work / "k.pem.pub", head


def faults(folder, public, head=None):
    return checked(folder, public and keys.public_key(public), head=head).faults


@pytest.fixture
def copy(original, tmp_path):
    folder, public, head = original
    shutil.copytree(folder, tmp_path / "bundle", symlinks=True)
    assert faults(tmp_path / "bundle", public, head) == ()
    return tmp_path / "bundle", public, head


def test_there_are_many_kinds():
    assert len(KINDS) >= 60
    assert set(KINDS).isdisjoint(NOT_SEEN)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_forgery_is_found(copy, kind):
    folder, public, head = copy
    assert KINDS[kind](random.Random(kind), folder)
    assert faults(folder, public)
    assert faults(folder, public, head)
    assert main(["verify", str(folder), "--key", str(public)]) == 4


@pytest.mark.parametrize("kind", sorted(NOT_SEEN))
def test_what_nobody_can_see_is_documented(copy, kind):
    folder, public, head = copy
    forge, reason, by_head = NOT_SEEN[kind]
    assert forge(random.Random(kind), folder)
    assert faults(folder, public) == ()
    assert bool(faults(folder, public, head)) == by_head
    page = (ROOT / "docs/explanation/what-a-record-proves.md").read_text()
    assert reason in re.sub(r"\s+", " ", page)


def test_a_forged_index_blames_no_other_line(copy):
    folder, public, _ = copy
    assert KINDS["line changed and another blamed"](random.Random(1), folder)
    found = faults(folder, public)
    assert {one.what for one in found} == {"altered", "index"}
    assert all(one.changes == () for one in found)


WITHOUT_A_KEY = (
    "change a line", "insert a line", "reorder lines", "delete a file", "edit a manifest", "edit a digest", "swap two manifests",
    "swap two envelopes", "garbage behind an envelope", "cut an envelope", "drop the first session", "rows of an index swapped",
    "a signed link leads elsewhere", "another payload type", "change the readme",
)  # fmt: skip


@pytest.mark.parametrize("kind", WITHOUT_A_KEY)
def test_without_a_key_files_and_envelopes_are_still_compared(copy, kind):
    folder, _, _ = copy
    assert KINDS[kind](random.Random(kind), folder)
    assert faults(folder, None)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_random_forgeries_are_found(original, tmp_path, block):
    folder, public, head = original
    rng = random.Random(f"campaign {block}")
    for number in range(RANDOM // 10):
        place = tmp_path / str(number)
        shutil.copytree(folder, place, symlinks=True)
        done = _forged(rng, place)
        with_head = bool(rng.randrange(2))
        assert faults(place, public, head if with_head else None), done
        shutil.rmtree(place)


def _forged(rng: random.Random, place: Path) -> list[str]:
    """One forgery that is found, and up to three of any kind before it, which must not hide it."""
    done = []
    everything = {**KINDS, **{name: forge for name, (forge, _, _) in NOT_SEEN.items()}}
    for name in rng.sample(sorted(everything), rng.randrange(4)):
        if _done(everything[name], rng, place):
            done.append(name)
    while True:
        name = rng.choice(sorted(KINDS))
        if _done(KINDS[name], rng, place):
            return [*done, name]


def _done(forge, rng, place):
    """Was it done?  After another forgery there may be nothing to forge."""
    try:
        return forge(rng, place)
    except (OSError, AttributeError, ValueError, KeyError, IndexError, TypeError):
        return False
