"""The scripts from end to end on the trained base, and records that are made again in new processes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="pip install 'lineage-prov[models]'")
pytest.importorskip("peft", reason="pip install 'lineage-prov[models]'")

from lineage.contract import manifest
from lineage.export import export_folder
from lineage.facts import Evaluation, Generation, Training
from lineage.folder import gathered
from lineage.models import practice

ROOT = Path(__file__).parent.parent.parent
pytestmark = [pytest.mark.models, pytest.mark.slow]
STOP = ["--stop", ".", "--max-new-tokens", "12"]


def script(name, *argv, code=0, cwd):
    """What a script of the experiment prints on stdout, and on stderr."""
    surroundings = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    argv = [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *map(str, argv)]
    done = subprocess.run(argv, cwd=cwd, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout.strip(), done.stderr


def replay(*argv, cwd):
    """(exit code, lines) of `lineage replay` in a new process."""
    argv = [sys.executable, "-m", "lineage.cli", "replay", *map(str, argv)]
    done = subprocess.run(argv, cwd=cwd, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout.splitlines()


@pytest.fixture(scope="module")
def work(pair, tmp_path_factory):
    """A working directory with the base and its prompts, and 236 records."""
    base = tmp_path_factory.mktemp("experiment")
    shutil.copytree(pair[0], base / "models" / "base")
    for name, rows in zip(("prompts.jsonl", "held_out.jsonl"), practice.split(), strict=True):
        (base / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    shown, _ = script("generate_stage1_sft_data", *options("fp32"), "--prompts", "prompts.jsonl", "--count", 236, *STOP, cwd=base)
    (base / shown).rename(base / "artifacts" / "kept.jsonl")
    (base / shown).symlink_to("kept.jsonl")
    return base, base / shown


def options(quantization):
    return ["--model", "models/base", "--quantization", quantization]


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_chain_teaches_the_base_to_follow_instructions(work):
    base, data = work
    made = rows(data)
    assert len(made) == 236 and sum(row["response"] == row["answer"] for row in made) > 220
    assert all(
        row["completion"] == f" {row['response']}\nEND" and row["formatted_text"] == row["prompt"] + row["completion"] for row in made
    )
    adapter, _ = script("train_stage1_sft", *options("fp32"), "--data", data, "--max-steps", 400, cwd=base)
    report, _ = script("evaluate_instruction_following", *options("fp32"), "--dataset", "held_out.jsonl", "--adapter", adapter, cwd=base)
    summary = json.loads((base / report).read_text())["summary"]
    assert summary["base_accuracy"] == 0 and summary["sft_accuracy"] >= 10 / 12
    other, _ = script("evaluate_capability", *options("fp32"), "--dataset", "held_out.jsonl", "--adapter", adapter, cwd=base)
    assert json.loads((base / other).read_text())["summary"]["base_accuracy"] > 0.8
    kinds = [type(run) for path in (base / "artifacts").glob("session_manifest_*.json") for run in manifest.read(path)[0].activities]
    assert {Generation, Training, Evaluation} <= set(kinds)
    facts = [
        run
        for path in (base / "artifacts").glob("session_manifest_*.json")
        for run in manifest.read(path)[0].activities
        if type(run) is Training
    ]
    assert facts[0].params["max_steps"] == 400 == facts[0].metrics["steps"] and facts[0].metrics["train_loss"] > 0
    assert export_folder(base / "artifacts").sessions


def test_236_records_are_made_again_in_a_new_process(work):
    base, data = work
    code, lines = replay(data, cwd=base)
    assert code == 0 and len(lines) == 236 and all(line.endswith("bit-exact") for line in lines)


@pytest.mark.parametrize("quantization", ["bf16", "nf4"])
def test_40_records_are_made_again_in_other_number_types(work, quantization):
    base, _ = work
    shown, _ = script("generate_stage1_sft_data", *options(quantization), "--prompts", "prompts.jsonl", "--count", 40, *STOP, cwd=base)
    code, lines = replay(shown, cwd=base)
    assert code == 0 and len(lines) == 40 and all(line.endswith("-exact") for line in lines)


def altered(work, tmp_path, change):
    """The first record, changed, beside the same models."""
    base, data = work
    row = rows(data)[0]
    change(row)
    (tmp_path / "one.jsonl").write_text(json.dumps(row) + "\n")
    return replay(tmp_path / "one.jsonl:1", cwd=base)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda row: row["metadata"]["tokens"]["completion_ids"].__setitem__(1, 5), "differs: from token 1"),
        (lambda row: row.update(response="Rome"), "differs: the tokens are the same, the response is not"),
        (lambda row: row["metadata"]["provenance"]["files"].update({"model.safetensors": "0" * 64}), "impossible: the model's files are not those of the record: model.safetensors is another"),
        (lambda row: row["metadata"]["generation_params"].update(batch_size=4), "impossible: it was generated in a batch"),
        (lambda row: row["metadata"]["provenance"].update(device="cuda:0"), "impossible: it was made on cuda"),
        (lambda row: row["metadata"]["provenance"].update(model_name="elsewhere"), "impossible: the model elsewhere is not here"),
        (lambda row: row["metadata"].pop("tokens"), "impossible: its metadata has no tokens"),
        (lambda row: row.pop("metadata"), "impossible: it has no metadata"),
    ],
)  # fmt: skip
def test_replay_says_what_did_not_hold(work, tmp_path, change, says):
    code, lines = altered(work, tmp_path, change)
    assert code == 4 and says in lines[0]


def test_another_runtime_is_told(work, tmp_path):
    code, lines = altered(work, tmp_path, lambda row: row["metadata"]["provenance"]["runtime"].update(torch="1.0"))
    assert code == 0 and "token-exact: torch 1.0 then" in lines[0]


def test_replay_of_what_is_not_there(work):
    base, data = work
    assert replay("no.jsonl", cwd=base)[0] == 3 and replay(f"{data}:999", cwd=base)[0] == 3


def test_an_interrupted_file_is_gone_on_with_and_nothing_is_made_twice(work):
    base, data = work
    whole = data.read_text().splitlines(keepends=True)[:8]
    cut = base / "artifacts" / "cut.jsonl"
    cut.write_text("".join(whole[:3]) + whole[3][:100])  # killed in the middle of the fourth record
    again = [*options("fp32"), "--prompts", "prompts.jsonl", "--count", 8, *STOP, "--resume", "cut.jsonl"]
    script("generate_stage1_sft_data", *again, cwd=base)
    good = [json.loads(line) for line in cut.read_text().splitlines() if line.endswith("}")]
    assert [row["metadata"]["generation_params"]["seed"] for row in good] == [42, 43, 44, 45, 46, 47, 48, 49]
    assert [row["response"] for row in good] == [json.loads(line)["response"] for line in whole]
    before = cut.read_bytes()
    script("generate_stage1_sft_data", *again, cwd=base)
    assert cut.read_bytes() == before


def test_configurations_are_not_mixed_unless_that_is_said(work):
    base, data = work
    (base / "artifacts" / "mix.jsonl").write_text(data.read_text().splitlines(keepends=True)[0])
    again = [*options("fp32"), "--prompts", "prompts.jsonl", "--count", 2, *STOP, "--temperature", "0.9", "--resume", "mix.jsonl"]
    _, told = script("generate_stage1_sft_data", *again, code=2, cwd=base)
    assert "another configuration: temperature" in told and len(rows(base / "artifacts" / "mix.jsonl")) == 1
    script("generate_stage1_sft_data", *again, "--mix", cwd=base)
    assert [row["metadata"]["generation_params"]["temperature"] for row in rows(base / "artifacts" / "mix.jsonl")] == [0.7, 0.9, 0.9]


def test_a_batch_is_recorded_as_one_and_not_replayed(work):
    base, _ = work
    argv = [*options("fp32"), "--prompts", "prompts.jsonl", "--count", 6, *STOP, "--batch-size", 3]
    shown, _ = script("generate_stage1_sft_data", *argv, cwd=base)
    assert {row["metadata"]["generation_params"]["batch_size"] for row in rows(base / shown)} == {3}
    code, lines = replay(shown, "--sample", 2, cwd=base)
    assert code == 4 and len(lines) == 2 and all("in a batch" in line for line in lines)


def test_bad_calls_of_scripts_say_where_and_what(work):
    base = work[0]
    (base / "bad.jsonl").write_text('{"instruction": "a"}\n[]\n')
    assert "bad.jsonl:2" in script("generate_stage1_sft_data", *options("fp32"), "--prompts", "bad.jsonl", code=2, cwd=base)[1]
    assert "bad.jsonl:1" in script("train_stage1_sft", *options("fp32"), "--data", "bad.jsonl", code=2, cwd=base)[1]
    assert (
        "no adapter"
        in script("evaluate_capability", *options("fp32"), "--dataset", "held_out.jsonl", "--adapter", "models", code=2, cwd=base)[1]
    )
    for name in ("generate_stage1_sft_data", "train_stage1_sft", "evaluate_instruction_following", "evaluate_capability"):
        assert f"python scripts/{name}.py" in script(name, "--help", cwd=base)[0]


def test_the_records_of_one_configuration_are_one_slice(work):
    sessions, _ = gathered(work[0] / "artifacts")
    found = [
        one.slices
        for _, session in sessions
        for run in session.activities
        if isinstance(run, Generation)
        for one in run.made
        if one.count == 236
    ]
    assert found and all(len(slices) == 1 and slices[0].count == 236 for slices in found)
