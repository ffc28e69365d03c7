"""A causal language model small enough to be made on the spot: real tokenizer, real safetensors, untrained weights.

Two builds with one seed are the same bytes. It answers nonsense; what it is for is everything around the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lineage.core.writing import make_folder
from lineage.errors import UsageError
from lineage.models import checkpoint

SPECIAL = ("<|endoftext|>", "<|pad|>", "<|im_start|>", "<|im_end|>")
VOCABULARY = 512
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
FILES = ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def build(folder: Path, texts: Sequence[str], *, seed: int = 0) -> Path:
    """Make the model in *folder*, its tokenizer trained on *texts*; a folder that holds such a model already is left as it is.

    Raises:
        UsageError: *folder* holds something else. ModelError: a package is not installed.
    """
    checkpoint.need("torch", "transformers", "tokenizers")
    if folder.exists() and any(folder.iterdir()):
        if all((folder / name).is_file() for name in FILES):
            return folder
        raise UsageError("the folder holds something else than the tiny model", at=str(folder), hint="name an empty one")
    make_folder(folder)
    tokenizer = _tokenizer(texts)
    tokenizer.save_pretrained(folder)
    _model(len(tokenizer), seed).save_pretrained(folder)
    return folder


def _tokenizer(texts: Sequence[str]) -> Any:
    """Byte-level BPE over every byte, so that any text survives encoding and decoding."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, show_progress=False, initial_alphabet=alphabet, special_tokens=list(SPECIAL))
    core.train_from_iterator(texts, trainer)
    end, pad, *markup = SPECIAL
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token=end, pad_token=pad, additional_special_tokens=markup, clean_up_tokenization_spaces=False
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _model(vocabulary: int, seed: int) -> Any:
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=vocabulary, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=512, tie_word_embeddings=True, bos_token_id=None, eos_token_id=0, pad_token_id=1, initializer_range=0.2,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay what they were
        torch.manual_seed(seed)
        return Qwen2ForCausalLM(config)
