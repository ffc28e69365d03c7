"""Each record holds the settings with which `generate` really made it, as the library itself merges them."""

import json
import random
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="pip install 'lineage-prov[models]'")
pytest.importorskip("transformers", reason="pip install 'lineage-prov[models]'")

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, LogitsProcessorList, pipeline
from transformers.generation import MinLengthLogitsProcessor, StoppingCriteriaList

import lineage
from lineage.auditing.audit import audit
from lineage.models import tiny
from lineage.models.hooks import recorded
from lineage.models.loader import CleanModelLoader
from lineage.models.replay import BIT, IMPOSSIBLE, Replayer, records
from lineage.models.seeds import drawn_by
from lineage.models.settings import settings

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.build(tmp_path_factory.mktemp("tiny") / "m", ["Name a colour."])


@pytest.fixture(scope="module")
def tokenizer(folder):
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture
def model(folder):
    return AutoModelForCausalLM.from_pretrained(folder)


@pytest.fixture
def ids():
    return torch.tensor([[5, 6, 7]])


def of(function, *args, **kwargs):
    return settings(function, args, kwargs)


DEFAULTS = {"num_beams": 1, "repetition_penalty": 1.0, "eos_token_id": 0, "pad_token_id": 1, "batch_size": 1}


def test_defaults_of_the_library_are_filled_in(model, ids):
    assert of(model.generate, ids).params == {**DEFAULTS, "do_sample": False, "max_new_tokens": 20}
    torch.manual_seed(3)
    sampled = of(model.generate, ids, do_sample=True, max_new_tokens=4)
    own = {"do_sample": True, "max_new_tokens": 4, "temperature": 1.0, "top_k": 50, "top_p": 1.0, "seed": 3}
    assert sampled.params == {**DEFAULTS, **own}
    assert sampled.gaps == {}


def test_the_models_own_configuration_is_under_that_of_the_call(model, ids):
    model.generation_config = GenerationConfig(
        temperature=0.1, top_p=0.3, do_sample=True, eos_token_id=[0, 3], stop_strings=["END"], max_new_tokens=9
    )
    found = of(model.generate, ids, temperature=0.9).params
    assert (found["temperature"], found["top_p"], found["eos_token_id"], found["stop_strings"]) == (0.9, 0.3, [0, 3], ["END"])
    greedy = of(model.generate, ids, generation_config=GenerationConfig(do_sample=False, max_new_tokens=5)).params
    assert greedy["do_sample"] is False
    assert greedy["max_new_tokens"] == 5
    assert greedy["eos_token_id"] == [0, 3]
    assert greedy.keys().isdisjoint({"temperature", "top_p", "top_k", "seed"})


def test_a_configuration_by_position_counts(model, ids):
    assert (
        of(model.generate, ids, GenerationConfig(max_new_tokens=3, num_beams=4)).params.items()
        >= {
            "max_new_tokens": 3,
            "num_beams": 4,
            "length_penalty": 1.0,
            "early_stopping": False,
        }.items()
    )


@pytest.mark.parametrize(
    "name, value",
    [
        ("eos_token_id", [0, 7]),
        ("bad_words_ids", [[5, 6], [7]]),
        ("suppress_tokens", [3]),
        ("stop_strings", ["a", "b"]),
        ("min_new_tokens", 2),
        ("no_repeat_ngram_size", 2),
        ("max_length", 12),
        ("sequence_bias", [[[5], 1.0]]),
    ],
)
def test_settings_of_every_type_are_kept(model, ids, name, value):
    assert of(model.generate, ids, **{name: value}).params[name] == value


def test_what_the_library_does_is_what_is_recorded(model, ids):
    """For random calls, each recorded value is the one of the library's own merge, and what is left out is unused or at its default."""
    chance = random.Random(3)
    pool = {
        "temperature": 0.3,
        "top_k": 7,
        "top_p": 0.4,
        "num_beams": 3,
        "repetition_penalty": 1.7,
        "max_new_tokens": 3,
        "do_sample": True,
        "min_p": 0.1,
    }
    pool |= {"length_penalty": 0.5, "eos_token_id": [0, 4], "no_repeat_ngram_size": 2, "renormalize_logits": True}
    pick = lambda: {key: pool[key] for key in chance.sample(sorted(pool), chance.randrange(5))}  # noqa: E731
    for _ in range(60):
        model.generation_config = GenerationConfig(**pick(), pad_token_id=1)
        config, kwargs = chance.choice([None, GenerationConfig(**pick())]), pick()
        merged = model._prepare_generation_config(config, **kwargs)[0].to_dict()
        found = of(model.generate, ids, generation_config=config, **kwargs).params
        own = {key: value for key, value in found.items() if key not in ("batch_size", "seed") and key in merged}
        assert {key: merged[key] for key in own} == own | ({} if merged["max_new_tokens"] else {"max_new_tokens": None})
        defaults = GenerationConfig._get_default_generation_params()
        for key in {*pool} - found.keys():
            is_unused = (not merged["do_sample"] and key in ("temperature", "top_k", "top_p", "min_p")) or (
                merged["num_beams"] == 1 and key == "length_penalty"
            )
            assert is_unused or merged[key] in (None, defaults.get(key)), key


def test_objects_are_null_with_their_class_and_arrays_are_never_recorded(model, ids):
    processors = LogitsProcessorList([MinLengthLogitsProcessor(3, eos_token_id=0)])
    found = of(
        model.generate,
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        logits_processor=processors,
        stopping_criteria=StoppingCriteriaList(),
    )
    assert found.params["logits_processor"] is None
    assert "MinLengthLogitsProcessor" in found.gaps["logits_processor"]
    assert found.params.keys().isdisjoint({"stopping_criteria", "input_ids", "attention_mask"})


def test_the_size_of_the_batch_is_recorded(model):
    assert of(model.generate, torch.ones((3, 2), dtype=torch.long)).params["batch_size"] == 3


def test_a_pipeline_records_what_it_passes_to_its_model(folder):
    pipe = pipeline("text-generation", model=str(folder), device="cpu")
    seen = {}
    inner = pipe.model.generate
    pipe.model.generate = lambda **kwargs: seen.update(settings(inner, (), kwargs).params) or inner(**kwargs)
    found = of(pipe, "Name", max_new_tokens=3, temperature=0.6)
    pipe("Name", max_new_tokens=3, temperature=0.6)
    assert found.params == seen
    assert found.params["do_sample"] is True
    assert found.params["temperature"] == 0.6


# --- seeds


def test_a_seed_counts_only_while_nothing_was_drawn_since(model, ids):
    torch.manual_seed(5)
    assert of(model.generate, ids, do_sample=True).params["seed"] == 5
    torch.rand(1)
    found = of(model.generate, ids, do_sample=True)
    assert "seed" not in found.params
    assert found.gaps["seed"] == "the generator was seeded with 5 and used since"


@pytest.mark.parametrize("seed", [0, 42, -1, 2**63, 2**64 - 1])
def test_the_recorded_seed_makes_the_same_draws(seed):
    torch.manual_seed(seed)
    known, _ = drawn_by()
    first = torch.rand(4)
    torch.manual_seed(known)
    assert torch.equal(torch.rand(4), first)


def test_reading_the_seed_changes_no_draw():
    torch.manual_seed(8)
    expected = torch.rand(2)
    torch.manual_seed(8)
    drawn_by()
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_generator_of_the_device_is_read():
    torch.cuda.manual_seed(9)
    assert drawn_by("cuda") == (9, None)
    torch.rand(1, device="cuda")
    assert drawn_by("cuda")[1] == "the generator was seeded with 9 and used since"


# --- in a session


def test_records_hold_their_calls_and_why_show_and_replay_find_them(folder, tmp_path, monkeypatch, capsys):
    from lineage.cli import main

    monkeypatch.chdir(tmp_path)
    loader = CleanModelLoader(folder, "fp32", allow_contaminated=True)
    model, tokenizer, provenance = loader.load()
    prompt = tokenizer("Name a colour.", return_tensors="pt")
    with lineage.session("artifacts") as session:
        load = session.model_load(provenance, files=loader.files)
        with session.generation(model=load) as run, run.records("out.jsonl") as out:
            generate = recorded(model.generate, run)
            for seed, temperature in ((42, 0.9), (43, 0.5)):
                torch.manual_seed(seed)
                made = generate(**prompt, do_sample=True, max_new_tokens=4, temperature=temperature)[
                    0, prompt["input_ids"].shape[1] :
                ].tolist()
                text = tokenizer.decode([token for token in made if token != 0]).strip()
                out.write(
                    {"instruction": "x", "response": text}, tokens={"prompt_ids": prompt["input_ids"][0].tolist(), "completion_ids": made}
                )
            generate(**prompt, max_new_tokens=3)
            out.write({"instruction": "x", "response": "y"})
    told = [json.loads(line)["metadata"]["generation_params"] for line in out.path.read_text().splitlines()]
    assert [(row.get("seed"), row.get("temperature"), row["do_sample"], row["max_new_tokens"]) for row in told] == [
        (42, 0.9, True, 4),
        (43, 0.5, True, 4),
        (None, None, False, 3),
    ]
    for line in (1, 2):
        assert main(["why", f"artifacts/out.jsonl:{line}"]) == 0
        assert f"temperature {told[line - 1]['temperature']}" in capsys.readouterr().out.replace('"', "").replace(": ", " ")
    assert main(["show", "artifacts/out.jsonl:2"]) == 0
    assert "0.5" in capsys.readouterr().out
    replayer = Replayer(out.path, folder)
    levels = {line: replayer.replay(line, record).level for line, record in records(out.path, [1, 2]).items()}
    assert levels == {1: BIT, 2: BIT}
    codes = {remark.finding.code for remark in audit("artifacts").remarks}
    assert codes.isdisjoint({"params-incomplete", "params-differ", "seed-missing", "duplicate-key"})


def test_a_record_made_with_an_object_cannot_be_replayed_and_says_so():
    metadata = {
        "provenance": {"files": {}},
        "run_id": "0" * 32,
        "generation_params": {"batch_size": 1, "seed": 1, "logits_processor": None},
    }
    record = {"metadata": {**metadata, "tokens": {"prompt_ids": [1], "completion_ids": [1]}}}
    verdict = Replayer(Path()).replay(1, record)
    assert verdict.level == IMPOSSIBLE
    assert "logits_processor" in verdict.detail


def test_an_evaluation_reports_what_its_calls_had_in_common(model, ids, tmp_path):
    with lineage.session(tmp_path / "artifacts", export=False) as session, session.evaluation() as run:
        generate = recorded(model.generate, run)
        generate(ids, max_new_tokens=2)
        generate(ids, max_new_tokens=3)
        report = run.report("evaluation_x.json", summary={"acc": 1.0}, results=[{"a": 1}])
    told = json.loads(report.read_text())["metadata"]["decoding_params"]
    assert told["do_sample"] is False
    assert "max_new_tokens" not in told


def test_an_adapter_is_looked_through(model, ids):
    peft = pytest.importorskip("peft", reason="pip install 'lineage-prov[models]'")
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"))
    found = of(adapted.generate, input_ids=ids, max_new_tokens=2, repetition_penalty=1.4).params
    assert found["repetition_penalty"] == 1.4
    assert found["max_new_tokens"] == 2
