"""The machine and the software: the manifest's `environment`.  torch is asked only when the experiment has loaded it itself."""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

from lineage.capture import gpu
from lineage.capture import packages as installed
from lineage.core import secrets
from lineage.facts import Gap

# The only variables that are ever written. None of them holds a secret, each can change what a model does.
VARIABLES = (
    "CUBLAS_WORKSPACE_CONFIG", "CUDA_VISIBLE_DEVICES", "HF_HUB_OFFLINE", "LOCAL_RANK", "OMP_NUM_THREADS", "PYTHONHASHSEED", "RANK",
    "SLURM_JOB_ID", "SLURM_PROCID", "SOURCE_DATE_EPOCH", "TOKENIZERS_PARALLELISM", "TRANSFORMERS_OFFLINE", "WORLD_SIZE",
)  # fmt: skip
ALWAYS = ("torch", "transformers")  # null with a gap where they are not installed
IF_INSTALLED = ("accelerate", "bitsandbytes", "peft", "tokenizers")
RECORDER = "lineage-prov"

Seen = tuple[dict[str, Any], tuple[Gap, ...]]


def environment() -> Seen:
    """What can be known without torch, and what could not be learnt."""
    packages = installed.packages()
    seen: dict[str, Any] = {
        "python_version": platform.python_version(),
        "python_implementation": platform.python_implementation(),
        "platform": f"{platform.system()}-{platform.release()}-{platform.machine()}",
        **{f"{name}_version": packages.get(name) for name in ALWAYS},
        **{f"{name}_version": packages[name] for name in IF_INSTALLED if name in packages},
        "lineage_version": packages.get(RECORDER),
        "packages": packages,
        "command_line": secrets.command_line(sys.argv),
    }
    seen["variables"], hidden = _variables()
    gaps = hidden + tuple(Gap(f"{name}_version", "not installed") for name in ALWAYS if name not in packages)
    graphics, missing = _graphics()
    return seen | graphics, gaps + missing


def _variables() -> tuple[dict[str, Any], tuple[Gap, ...]]:
    present = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    shown, hidden = secrets.hide(present, "variables")
    return shown, tuple(Gap(about, reason) for about, reason in hidden)


def _graphics() -> Seen:
    rows, reason = gpu.gpus()
    if reason:
        return {"gpu": None, "gpus": [], "driver": None}, (Gap("gpu", reason), Gap("driver", reason))
    return {"gpu": ", ".join(row["name"] for row in rows), "gpus": rows, "driver": rows[0]["driver"]}, ()


def runtime() -> Seen:
    """What only torch knows; nothing at all while it is not loaded. CUDA is never initialised by asking."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "version"):
        return {}, ()
    seen: dict[str, Any] = {
        "torch_git_version": getattr(torch.version, "git_version", None),
        "cuda": torch.version.cuda,
        "threads": torch.get_num_threads(),
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }
    if torch.version.cuda is None:
        return seen | {"cudnn": None}, (Gap("cuda", "this torch is built without CUDA"), Gap("cudnn", "this torch is built without CUDA"))
    return seen | {"cudnn": torch.backends.cudnn.version()}, ()
