"""What a loaded model is: every fact read off the loaded objects and their files, none off what was asked for."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lineage.capture import files, git, program

DTYPES = {"torch.float32": "fp32", "torch.float16": "fp16", "torch.bfloat16": "bf16"}
INT8_COMPUTE = "float16"  # bitsandbytes casts the inputs of its 8-bit products to it, whatever the number type of the model
RUNTIME = ("torch", "transformers", "tokenizers", "accelerate", "bitsandbytes")
SOURCES = ("loader.py", "encoding.py", "sentinels.py", "behaviour.py", "identity.py")  # the loader's code

Facts = dict[str, Any]


def quantization(model: Any) -> Facts:
    """`quantization` (nf4, fp4, int8, fp32, fp16, bf16), and the settings of a quantized model as they are in force."""
    config: Any = getattr(model.config, "quantization_config", None)
    asked: Facts = config.to_dict() if hasattr(config, "to_dict") else dict(config or {})
    if getattr(model, "is_loaded_in_4bit", False):
        compute, double = asked.get("bnb_4bit_compute_dtype"), asked.get("bnb_4bit_use_double_quant")
        own = {"compute_dtype": str(compute).removeprefix("torch."), "double_quant": double}
        return {"quantization": asked.get("bnb_4bit_quant_type"), **own, **_version("bitsandbytes")}
    if getattr(model, "is_loaded_in_8bit", False):
        return {"quantization": "int8", "compute_dtype": INT8_COMPUTE, **_version("bitsandbytes")}
    return {"quantization": DTYPES.get(str(model.dtype), str(model.dtype))}


def _version(package: str) -> Facts:
    return {f"{package}_version": importlib.metadata.version(package)}


def placement(model: Any) -> Facts:
    """Number type, device and attention."""
    device = str(model.device)
    return {
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": device,
        "device_map": {name or "model": str(place) for name, place in (getattr(model, "hf_device_map", None) or {"": device}).items()},
        "attention_implementation": model.config._attn_implementation,
    }


def runtime() -> Facts:
    """What decides the last bits: versions, threads, the instructions of the processor, and the GPU."""
    import torch

    versions = {name: _installed(name) for name in RUNTIME}
    processor = {"threads": torch.get_num_threads(), "cpu_capability": torch.backends.cpu.get_cpu_capability()}
    return {**versions, **processor, **_graphics()}


def _graphics() -> Facts:
    """The first GPU, where there is one: none is null, and the loader's gaps say why."""
    import torch

    if not torch.cuda.is_available():
        return {"gpu": None}
    seen = torch.cuda.get_device_properties(0)
    capability = ".".join(map(str, torch.cuda.get_device_capability(0)))
    found = {"gpu": seen.name, "gpus": torch.cuda.device_count(), "gpu_memory": seen.total_memory, "capability": capability}
    return {**found, "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def tokenizer_sha256(tokenizer: Any) -> str | None:
    """SHA-256 of the tokenizer as it is in memory; None for one that is not of the fast kind."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return hashlib.sha256(backend.to_str().encode()).hexdigest() if backend else None


def template_sha256(template: object) -> str | None:
    """SHA-256 of a chat template; where there are several, of their JSON with sorted keys."""
    if template is None:
        return None
    text = template if isinstance(template, str) else json.dumps(template, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def folder_of(name: str, revision: str | None) -> tuple[Path, str | None]:
    """Where the model's files lie, and the commit of the hub that they are of; None for a folder of the user's own."""
    from transformers.utils.hub import cached_file, extract_commit_hash

    if Path(name).is_dir():
        return Path(name), None
    config = cached_file(name, "config.json", revision=revision)
    return Path(config).parent, extract_commit_hash(config, None)


def model_files(folder: Path) -> list[Path]:
    """The files of a model, sorted; pickles among them, which are digested and never loaded."""
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each file, by its path in the folder."""
    return {path.relative_to(folder).as_posix(): files.digest(path)[0] for path in model_files(folder)}


def loader_version() -> tuple[str | None, dict[str, str]]:
    """The commit of the loader's code, and why there is none: installed from a package, it has no commit."""
    here = Path(__file__)
    if program.is_installed(here):
        return None, {"loader_version": "the loader is installed from a package; loader_sha256 names its code"}
    version, reason = git.script_version(here, seconds=git.BRIEF)
    return version, {} if version else {"loader_version": f"{reason}; loader_sha256 names the loader's code"}


def loader_sha256() -> str:
    """SHA-256 of the loader's source files, one after the other: it names the code where no commit does, or where it was changed."""
    return hashlib.sha256(b"".join(_sources())).hexdigest()


def _sources() -> Iterator[bytes]:
    return (Path(__file__).with_name(name).read_bytes() for name in SOURCES)
