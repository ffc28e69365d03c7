"""`CleanModelLoader`: a base model without its chat template, tested, and with the provenance that every record will carry.

model, tokenizer, provenance = CleanModelLoader("Qwen/Qwen2.5-32B", quantization="nf4").load()
"""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import Any

from lineage.errors import ContaminationError, ModelError, UsageError
from lineage.models import behaviour, checkpoint, identity, sentinels
from lineage.models.encoding import natural_policy, prefix_ids
from lineage.recording import measured

logger = logging.getLogger("lineage")
NF4, INT8 = "nf4", "int8"
PLAIN = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}


class CleanModelLoader:
    """Loads a base model for experiments in which no chat format may leak.

    Args:
        model_name_or_path: a folder, or a name of the hub (downloaded only if it is not in the cache).
        quantization: "nf4", "int8" (both by bitsandbytes), "fp16", "bf16" or "fp32".
        revision: branch, tag or commit of a model of the hub.
        compute_dtype, double_quant: of nf4.
        prefix_policy: "none" or "bos": what stands before each prompt; by default what the tokenizer itself would put there.
        trust_remote_code: run code that comes with the model. Off unless asked for, and recorded.
        allow_contaminated: return the model although a hard sentinel failed. Recorded.
        probe_sentence: plain text in the model's language, for the advisory sentinels.
    """

    def __init__(
        self,
        model_name_or_path: str | os.PathLike[str],
        quantization: str = NF4,
        *,
        revision: str | None = None,
        compute_dtype: str = "bfloat16",
        double_quant: bool = True,
        device_map: Any = None,
        attn_implementation: str | None = None,
        prefix_policy: str | None = None,
        trust_remote_code: bool = False,
        allow_contaminated: bool = False,
        probe_sentence: str = behaviour.SENTENCE,
    ) -> None:
        if quantization not in (NF4, INT8, *PLAIN):
            raise UsageError("no such quantization", at=quantization, hint=f"use one of {', '.join((NF4, INT8, *PLAIN))}")
        if not os.fspath(model_name_or_path).strip():
            raise UsageError("the name of the model is empty", hint="name a folder, or a model of the hub")
        self.name, self.quantization, self.revision = os.fspath(model_name_or_path), quantization, revision
        self._compute, self._double, self._policy = compute_dtype, double_quant, prefix_policy
        self._places = {
            key: value for key, value in (("device_map", device_map), ("attn_implementation", attn_implementation)) if value is not None
        }
        self._trust, self._allow, self._probe = trust_remote_code, allow_contaminated, probe_sentence

    def load(self) -> tuple[Any, Any, dict[str, Any]]:
        """(model, tokenizer, provenance).

        The model's own generation defaults are replaced, so that the parameters that a run records are those in force.

        Raises:
            ContaminationError: a hard sentinel failed; it names which, and what was found.
            ModelError: the model cannot be loaded, its files contradict each other, or a package is not installed.
        """
        checkpoint.need("torch", "transformers", *(("bitsandbytes",) if self.quantization in (NF4, INT8) else ()))
        tokenizer, template, model = self._loaded()
        _own_sampling(model, tokenizer)
        policy = self._policy or natural_policy(tokenizer)
        provenance = self._provenance(model, tokenizer, template, policy)
        failed = provenance["sentinels"]["found"]
        if failed and not self._allow:
            told = "; ".join(f"{name}: {found}" for name, found in failed.items())
            raise ContaminationError(
                f"not a clean base model: {told}", at=self.name, hint="allow_contaminated=True loads it, and is recorded"
            )
        measured.remember(provenance)
        return model, tokenizer, provenance

    def _loaded(self) -> tuple[Any, Any, Any]:
        """The tokenizer, its chat template, and the model."""
        from safetensors import SafetensorError

        try:
            folder, _ = identity.folder_of(self.name, self.revision)
            checkpoint.check(folder)
            return (*self._tokenizer(), self._model())
        except (OSError, ValueError, KeyError, RuntimeError, ImportError, AssertionError, SafetensorError) as error:
            reason = str(error).strip() or f"{type(error).__name__} while the weights were loaded"
            hint = "check its name and files" if isinstance(error, OSError | SafetensorError) else None
            raise ModelError(f"the model cannot be loaded: {reason}", at=shown(self.name), hint=hint) from error

    def _tokenizer(self) -> tuple[Any, Any]:
        """The tokenizer with its chat template off, and that template."""
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(self.name, revision=self.revision, trust_remote_code=self._trust)
        template, tokenizer.chat_template = tokenizer.chat_template, None
        return tokenizer, template

    def _model(self) -> Any:
        from transformers import AutoModelForCausalLM

        how = {**self._numbers(), **self._places, "revision": self.revision, "trust_remote_code": self._trust}
        model = AutoModelForCausalLM.from_pretrained(self.name, use_safetensors=True, **how)  # a pickle is never loaded
        return model.eval()

    def _numbers(self) -> dict[str, Any]:
        import torch

        if self.quantization in PLAIN:
            return {"dtype": PLAIN[self.quantization]}
        from transformers import BitsAndBytesConfig

        compute = getattr(torch, self._compute)
        if self.quantization == INT8:
            return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True), "dtype": compute}
        four = {"bnb_4bit_quant_type": NF4, "bnb_4bit_compute_dtype": compute, "bnb_4bit_use_double_quant": self._double}
        return {"quantization_config": BitsAndBytesConfig(load_in_4bit=True, **four), "dtype": compute}

    def _provenance(self, model: Any, tokenizer: Any, template: Any, policy: str) -> dict[str, Any]:
        folder, commit = identity.folder_of(self.name, self.revision)
        version, gaps = identity.loader_version()
        tests = _tested(model, tokenizer, policy, template, self._probe)
        found = identity.quantization(model)
        if found["quantization"] != self.quantization:
            gaps |= {"quantization": f"{self.quantization} was asked for, and the checkpoint is {found['quantization']}"}
            logger.warning("lineage: %s: %s", shown(self.name), gaps["quantization"])
        if commit is None:
            gaps |= {"revision": "a folder, of no hub; `files` names what is in it"}
        runtime = identity.runtime()
        if runtime["gpu"] is None:
            gaps |= {"runtime.gpu": "no CUDA device"}
        facts = {
            "loader_version": version,
            "template_disabled": tokenizer.chat_template is None,
            "model_name": shown(self.name),
            **found,
            "sentinel_tests_passed": all(tests["hard"].values()),
            "add_special_tokens": bool(prefix_ids(tokenizer, policy)),
            "loader_sha256": identity.loader_sha256(),
            "revision": commit,
            "files": identity.digests(folder),
            "tokenizer_sha256": identity.tokenizer_sha256(tokenizer),
            "chat_template_sha256": identity.template_sha256(template),
            **identity.placement(model),
            "prefix_policy": policy,
            "prefix_ids": prefix_ids(tokenizer, policy),
            "trust_remote_code": self._trust,
            "allow_contaminated": self._allow,
            "runtime": runtime,
            "sentinels": tests,
        }
        return facts | ({"gaps": gaps} if gaps else {})

    @property
    def files(self) -> list[Path]:
        """The files of the model: what `session.model_load(provenance, files=loader.files)` digests."""
        return identity.model_files(identity.folder_of(self.name, self.revision)[0])


def shown(name: str) -> str:
    """The model's name as it is recorded: a folder by its path from the working directory, or by its own name; never a home folder."""
    path = Path(name)
    if not path.is_absolute():
        return name
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.name


def _own_sampling(model: Any, tokenizer: Any) -> None:
    from transformers import GenerationConfig

    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)


def _tested(model: Any, tokenizer: Any, policy: str, template: Any, probe: str) -> dict[str, Any]:
    single = template if isinstance(template, str) else None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="MatMul8bitLt")  # once for each product of matrices; `compute_dtype` says it
        found = sentinels.structural(model, tokenizer, policy)
        advisory = behaviour.behavioural(model, tokenizer, policy, single, sentence=probe)
    return {
        "prompt_set": sentinels.PROMPT_SET,
        "hard": {name: reason is None for name, reason in found.items()},
        "found": {name: reason for name, reason in found.items() if reason is not None},
        "advisory": advisory,
    }
