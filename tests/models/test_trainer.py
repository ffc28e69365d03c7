"""What a training leaves behind: parameters in force, metrics, a curve, checkpoints, and where it went on from."""

import csv
import json
import logging
import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="pip install 'lineage-prov[models]'")
pytest.importorskip("transformers", reason="pip install 'lineage-prov[models]'")

from transformers import AutoModelForCausalLM, EarlyStoppingCallback, PrinterCallback, Trainer, TrainerCallback, TrainingArguments

import lineage
from lineage.auditing.audit import audit
from lineage.contract import manifest
from lineage.facts import Training
from lineage.models import tiny
from lineage.models.hooks import callback
from lineage.redaction.redact import redact
from lineage.signing import keys, sign

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore")]
ROWS = [{"input_ids": [2, 3, 4], "labels": [2, 3, 4]} for _ in range(16)]
MARKER = "a-token-that-must-not-be-written"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.build(tmp_path_factory.mktemp("tiny") / "m", ["Name a colour."])


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.jsonl").write_text("{}\n")


def arguments(output="artifacts/ck", **more):
    usual = {"use_cpu": True, "max_steps": 6, "save_steps": 2, "logging_steps": 1, "per_device_train_batch_size": 4}
    return TrainingArguments(output_dir=output, report_to=[], disable_tqdm=True, **{**usual, **more})


def trainer(folder, run, args, *others, model=None, data=ROWS):
    model = model or AutoModelForCausalLM.from_pretrained(folder)
    made = Trainer(model=model, args=args, train_dataset=data, eval_dataset=data, callbacks=[callback(run), *others])
    made.remove_callback(PrinterCallback)
    return made


def trained(folder, args, *others, train=lambda one: one.train(), model=None, export=False):
    with lineage.session("artifacts", export=export) as session, session.training(datasets=["train.jsonl"]) as run:
        train(trainer(folder, run, args, *others, model=model))
    return read(session)


def read(session):
    told = manifest.read(session.manifest)[0]
    return told, next(run for run in told.activities if isinstance(run, Training))


def codes(**more):
    return {remark.finding.code for remark in audit("artifacts", **more).remarks}


def test_results_are_metrics_and_stand_apart_from_the_parameters(folder):
    _, fact = trained(folder, arguments(eval_strategy="steps", eval_steps=3))
    assert {"loss", "learning_rate", "grad_norm", "eval_loss", "train_loss", "flos", "steps", "epochs"} <= fact.metrics.keys()
    assert fact.metrics["steps"] == 6
    assert fact.metrics["epochs"] == 1.5
    assert fact.params.keys().isdisjoint({"steps", "flos", "train_loss", "loss"})


def test_the_whole_curve_is_a_file_of_the_session(folder):
    _, fact = trained(folder, arguments(eval_strategy="steps", eval_steps=3), export=True)
    history = next(made for made in fact.made if made.type == "training_history")
    rows = list(csv.DictReader(Path("artifacts", history.path).read_text().splitlines()))
    assert [row["step"] for row in rows if row["metric"] == "loss"] == ["1", "2", "3", "4", "5", "6"]
    assert [row["step"] for row in rows if row["metric"] == "eval_loss"] == ["3", "6"]
    assert float(rows[-1]["value"]) > 0
    turtle = next(Path("artifacts").glob("session_2*.ttl")).read_text()
    assert "eval_loss" in turtle
    assert "TrainingHistory" in turtle


def test_the_parameters_are_those_in_force(folder):
    args = arguments(
        adam_beta2=0.95, label_smoothing_factor=0.1, num_train_epochs=3, gradient_accumulation_steps=2, hub_token=MARKER, run_name="mine"
    )
    told, fact = trained(folder, args)
    expected = {
        "adam_beta2": 0.95,
        "label_smoothing_factor": 0.1,
        "max_steps": 6,
        "world_size": 1,
        "effective_batch_size": 8,
        "train_examples": 16,
    }
    assert fact.params.items() >= expected.items()
    assert fact.params["num_train_epochs"] == 3.0  # 6 steps of 8 examples: as it was run
    assert fact.params["model_name"] == folder.name
    assert fact.params.keys().isdisjoint({"hub_token", "output_dir", "run_name", "report_to", "accelerator_config"})
    assert MARKER not in json.dumps(json.loads(Path("artifacts", told.manifest).read_text()))


def test_epochs_that_were_asked_for_are_in_force_where_no_limit_on_steps_is(folder):
    _, fact = trained(folder, arguments(max_steps=-1, num_train_epochs=2, save_strategy="no"))
    assert fact.params["num_train_epochs"] == 2
    assert fact.params["max_steps"] == 8


def test_the_epochs_of_a_limit_on_steps_are_those_that_ran(folder):
    _, fact = trained(folder, arguments(num_train_epochs=3))
    assert fact.params["num_train_epochs"] == 1.5


def test_arguments_that_a_subclass_adds_are_recorded(folder):
    import dataclasses

    Own = dataclasses.make_dataclass("OwnConfig", [("packing", bool, False), ("beta", float, 0.1)], bases=(TrainingArguments,))
    _, fact = trained(
        folder, Own(output_dir="artifacts/ck", use_cpu=True, max_steps=1, report_to=[], disable_tqdm=True, save_strategy="no")
    )
    assert fact.params["packing"] is False
    assert fact.params["beta"] == 0.1


def test_an_adapter_is_recorded(folder):
    peft = pytest.importorskip("peft", reason="pip install 'lineage-prov[models]'")
    config = peft.LoraConfig(r=3, lora_alpha=5, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(folder), config)
    _, fact = trained(folder, arguments(max_steps=1, save_strategy="no"), model=model)
    adapter = fact.params["adapters"]["default"]
    assert (adapter["r"], adapter["lora_alpha"], sorted(adapter["target_modules"])) == (3, 5, ["q_proj", "v_proj"])


def test_an_evaluation_after_the_training_is_recorded(folder):
    _, fact = trained(folder, arguments(save_strategy="no"), train=lambda one: (one.train(), one.evaluate(metric_key_prefix="test")))
    assert fact.metrics["test_loss"] > 0


def test_a_value_that_is_no_number_is_null_with_the_reason(folder):
    class Broken(TrainerCallback):
        def on_step_end(self, args, state, control, model, **_):
            model.lm_head.weight.data.fill_(float("nan"))

    _, fact = trained(folder, arguments(max_steps=2, save_strategy="no", logging_nan_inf_filter=False), Broken())
    assert fact.metrics["loss"] is None
    assert {gap.about: gap.reason for gap in fact.gaps}["metrics.loss"] == "not a finite number"


def test_a_training_that_stopped_early_says_so(folder):
    def bad(_):
        return {"score": 0.5}

    def train(one):
        one.compute_metrics = bad
        one.train()

    args = arguments(
        max_steps=10, eval_strategy="steps", eval_steps=1, save_steps=1, load_best_model_at_end=True, metric_for_best_model="score"
    )
    _, fact = trained(folder, args, EarlyStoppingCallback(early_stopping_patience=2), train=train)
    assert fact.metrics["steps"] < 10
    assert "of 10" in {gap.about: gap.reason for gap in fact.gaps}["steps"]
    assert fact.metrics["best_metric"] == 0.5


# --- checkpoints


@pytest.mark.parametrize("limit", [1, 2])
def test_checkpoints_that_the_limit_removed_are_no_loss(folder, tmp_path, limit):
    told, _ = trained(folder, arguments(save_total_limit=limit), export=True)
    checkpoints = {made.path: made for made in told.artifacts if made.role == "checkpoint" or "checkpoint-" in made.path}
    assert [path for path, made in checkpoints.items() if not made.removed_at] == [f"ck/checkpoint-{n}" for n in (2, 4, 6)][-limit:]
    assert all(made.sha256 for made in checkpoints.values())
    assert codes().isdisjoint({"missing-file", "altered-file", "bad-manifest", "outside-folder", "prov-stale"})
    keys.new_key(tmp_path / "key.pem")
    assert len(sign.sign(Path("artifacts"), tmp_path / "key.pem")) == 1


def test_a_checkpoint_that_somebody_deleted_later_is_missing(folder):
    trained(folder, arguments(save_total_limit=2), export=True)
    shutil.rmtree("artifacts/ck/checkpoint-4")
    assert "missing-file" in codes()


def test_a_checkpoint_that_vanished_without_a_limit_is_missing(folder):
    class Thief(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            if state.global_step == 3:
                shutil.rmtree("artifacts/ck/checkpoint-2")

    trained(folder, arguments(), Thief(), export=True)
    assert "missing-file" in codes()


def test_a_training_that_removes_a_checkpoint_of_another_session_says_so(folder):
    trained(folder, arguments(max_steps=2))
    _, fact = trained(
        folder, arguments(max_steps=4, save_total_limit=1), train=lambda one: one.train(resume_from_checkpoint=True), export=True
    )
    assert [one.path for one in fact.removed] == ["ck/checkpoint-2"]
    assert codes().isdisjoint({"missing-file", "altered-file"})


def test_a_checkpoint_outside_of_the_folder_is_recorded_with_a_warning(folder, caplog):
    with caplog.at_level(logging.WARNING, logger="lineage"):
        _, fact = trained(folder, arguments("elsewhere", max_steps=2), export=True)
    checkpoint = next(made for made in fact.made if made.path == "../elsewhere/checkpoint-2")
    assert checkpoint.sha256
    assert checkpoint.parts
    assert "elsewhere/checkpoint-2 lies outside of" in caplog.text
    assert codes().isdisjoint({"missing-file", "outside-folder", "bad-manifest"})
    assert checkpoint.sha256 in next(Path("artifacts").glob("session_2*.ttl")).read_text()


# --- going on


class Stop(TrainerCallback):
    def on_step_end(self, args, state, control, **_):
        if state.global_step == 3:
            raise KeyboardInterrupt


def test_a_resumed_training_used_its_checkpoint(folder):
    with pytest.raises(KeyboardInterrupt):
        trained(folder, arguments(), Stop())
    _, fact = trained(folder, arguments(), train=lambda one: one.train(resume_from_checkpoint=True), export=True)
    assert [(one.path, one.role) for one in fact.used] == [("../train.jsonl", "trainingData"), ("ck/checkpoint-2", "checkpoint")]
    assert fact.params["resume_from_checkpoint"] == "ck/checkpoint-2"
    assert fact.params["resume_step"] == 2
    from lineage.cli import main

    assert main(["path", "ck/checkpoint-6", "ck/checkpoint-2", "--in", "artifacts"]) == 0


def test_a_checkpoint_of_another_folder_with_the_same_step_is_not_mixed_up(folder):
    with pytest.raises(KeyboardInterrupt):
        trained(folder, arguments("artifacts/first"), Stop())
    with pytest.raises(KeyboardInterrupt):
        trained(folder, arguments("artifacts/second", seed=7), Stop())
    _, fact = trained(
        folder, arguments("artifacts/second"), train=lambda one: one.train(resume_from_checkpoint="artifacts/first/checkpoint-2")
    )
    assert fact.params["resume_from_checkpoint"] == "first/checkpoint-2"


def test_an_interrupted_training_keeps_its_curve_and_its_metrics(folder):
    with pytest.raises(KeyboardInterrupt), lineage.session("artifacts", export=False) as session, session.training() as run:
        trainer(folder, run, arguments(), Stop()).train()
    _, fact = read(session)
    assert fact.status == "interrupted"
    assert fact.metrics["loss"] > 0
    assert any(made.type == "training_history" and made.sha256 for made in fact.made)


def test_only_the_main_process_records(folder):
    class Other(TrainerCallback):
        def on_train_begin(self, args, state, control, **_):
            state.is_world_process_zero = False

    with lineage.session("artifacts", export=False) as session, session.training() as run:
        one = trainer(folder, run, arguments(max_steps=2))
        one.callback_handler.callbacks.insert(0, Other())
        one.train()
    _, fact = read(session)
    assert fact.made == ()
    assert fact.metrics == {}


def test_an_error_in_recording_does_not_end_the_training(folder, monkeypatch):
    with lineage.session("artifacts", export=False) as session, session.training() as run:
        monkeypatch.setattr(run, "checkpoint", lambda path: 1 / 0)
        done = trainer(folder, run, arguments(max_steps=2)).train()
    assert done.global_step == 2
    told, _ = read(session)
    assert any("ZeroDivisionError" in gap.reason for gap in told.gaps)


def test_a_redacted_copy_has_the_metrics_and_names_no_file_outside(folder, tmp_path):
    trained(folder, arguments("elsewhere", max_steps=2), export=True)
    redact(Path("artifacts"), tmp_path / "copy")
    path = next((tmp_path / "copy").glob("session_manifest_*.json"))
    told, problems = manifest.read(path)
    assert problems == []
    fact = next(run for run in told.activities if isinstance(run, Training))
    assert 2 in fact.metrics.values()  # steps, under whatever name
    assert "elsewhere" not in path.read_text()
