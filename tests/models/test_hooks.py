"""Two lines in a script of one's own record what was in force."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="pip install 'lineage-prov[models]'")
pytest.importorskip("transformers", reason="pip install 'lineage-prov[models]'")

import torch
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

import lineage
from lineage.contract import manifest
from lineage.models.hooks import callback, recorded
from lineage.models.practice import padded

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore")]


def test_a_trainer_tells_its_arguments_its_loss_and_its_checkpoints(pair, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = AutoModelForCausalLM.from_pretrained(pair[0], dtype="float32")
    with lineage.session("artifacts", export=False) as session, session.training(params={"why": "a test"}) as run:
        arguments = TrainingArguments(
            "artifacts/out",
            max_steps=2,
            learning_rate=1e-4,
            save_steps=2,
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
            remove_unused_columns=False,
        )
        collate = lambda rows: padded([row["ids"] for row in rows], 1)  # noqa: E731
        trainer = Trainer(model, arguments, train_dataset=[{"ids": [5, 6, 7]}] * 8, data_collator=collate, callbacks=[callback(run)])
        done = trainer.train()
    (fact,) = manifest.read(session.manifest)[0].activities
    assert (
        fact.params["why"] == "a test" and fact.params["learning_rate"] == 1e-4 and fact.metrics["steps"] == 2 == fact.params["max_steps"]
    )
    assert fact.metrics["train_loss"] == done.training_loss and fact.metrics["flos"] == trainer.state.total_flos
    (checkpoint,) = (made for made in fact.made if made.role == "checkpoint")
    assert checkpoint.path == "out/checkpoint-2" and "training_args.bin" in {Path(part.path).name for part in checkpoint.parts}


def test_generate_tells_the_settings_in_force_and_when_they_change(pair, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = AutoModelForCausalLM.from_pretrained(pair[0], dtype="float32")
    model.generation_config.repetition_penalty = 1.3
    with lineage.session("artifacts", export=False) as session, session.generation() as run:
        generate = recorded(model.generate, run)
        ids = torch.tensor([[5, 6]])
        made = generate(input_ids=ids, max_new_tokens=2, do_sample=False)
        generate(input_ids=ids, max_new_tokens=3, do_sample=False)
    (fact,) = manifest.read(session.manifest)[0].activities
    assert made.shape == (1, 4) and "max_new_tokens" not in fact.params and fact.params["repetition_penalty"] == 1.3
    assert "params.max_new_tokens" in {gap.about for gap in fact.gaps}
