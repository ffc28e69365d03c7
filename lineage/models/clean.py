"""A base model with its chat template off, and its provenance, every fact of it read off the loaded objects."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from lineage.capture.git import git_sha

NAMES = {"torch.float32": "fp32", "torch.float16": "fp16", "torch.bfloat16": "bf16"}
_MARKUP = re.compile(r"im_start|im_end|start_of_turn|end_of_turn|start_header_id|end_header_id|eot_id|\bUser\b|\bAssistant\b|\[/?INST\]")
_PROBES = ("The capital of France is", "def f(x):\n\treturn x", " leading space", "naïve café ☃ 語", "1 + 1 = 2", "one\n\ntwo")


def load(folder: Path, *, dtype: str = "float32") -> tuple[Any, Any, dict[str, Any]]:
    """(model, tokenizer, provenance) of the model in *folder*; no code of the folder is run and no network is asked.

    The model's own generation defaults are replaced, so that what a run records is what was in force. Three structural sentinels
    are run: `sentinel_tests_passed` is true only when all of them passed, and `sentinels` tells each result.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    original = tokenizer.chat_template
    tokenizer.chat_template = None
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, trust_remote_code=False, dtype=dtype)
    model.eval()
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    return model, tokenizer, _provenance(folder, model, tokenizer, original)


def _provenance(folder: Path, model: Any, tokenizer: Any, template: str | None) -> dict[str, Any]:
    sentinels, version = run_sentinels(tokenizer), git_sha(Path(__file__).parent)
    facts = {
        "loader_version": version,
        "template_disabled": tokenizer.chat_template is None,
        "model_name": folder.name,
        "quantization": NAMES.get(str(model.dtype), str(model.dtype)),
        "sentinel_tests_passed": all(sentinels.values()),
        "add_special_tokens": False,
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": str(model.device),
        "attention_implementation": model.config._attn_implementation,
        "tokenizer_sha256": hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest(),
        "chat_template_sha256": hashlib.sha256(template.encode()).hexdigest() if template else None,
        "prefix_policy": "none",
        "sentinels": sentinels,
    }
    return facts if version else facts | {"gaps": {"loader_version": "the loader is in no git repository"}}


def run_sentinels(tokenizer: Any) -> dict[str, bool]:
    """Is the template off, do plain texts encode to no control token, and does every text come back whole?"""
    encoded = [tokenizer.encode(text, add_special_tokens=False) for text in _PROBES]
    control = control_ids(tokenizer)
    decoded = [tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False) for ids in encoded]
    return {
        "template_off": _template_is_off(tokenizer),
        "no_control_ids": not any(control & set(ids) for ids in encoded),
        "round_trip": decoded == list(_PROBES),
    }


def control_ids(tokenizer: Any) -> set[int]:
    """The ids that are no text: special tokens, and what looks like chat markup although it is not marked special."""
    added = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special or _MARKUP.search(token.content)}
    return added | set(tokenizer.all_special_ids)


def _template_is_off(tokenizer: Any) -> bool:
    try:
        tokenizer.apply_chat_template([{"role": "user", "content": "x"}], tokenize=False)
    except ValueError:
        return tokenizer.chat_template is None
    return False
