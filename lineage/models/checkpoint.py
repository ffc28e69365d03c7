"""Checks of a checkpoint's files before it is loaded, and of what this environment can load."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lineage.contract.strict import loads
from lineage.core import limits
from lineage.core.reading import open_plain, read_whole
from lineage.errors import FormatError, ModelError

PLAIN = frozenset(["F64", "F32", "F16", "BF16", "I64", "BOOL"])  # number types of weights that are not quantized
METHODS = ("bitsandbytes", "gptq", "awq")  # their weights are always of integers
HINT = "delete quantization_config from config.json, or save the quantized weights again"


def need(*packages: str) -> None:
    """Check that the packages of the extra `models` are installed.

    Raises:
        ModelError: One is not.
    """
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise ModelError(f"not installed: {', '.join(missing)}", hint="pip install 'lineage-prov[models]'")


def check(folder: Path) -> None:
    """Check that config.json and the weights agree on whether the checkpoint is quantized.

    Raises:
        ModelError: config.json names a quantization, and the weights hold no quantization state.
    """
    said = quantization(folder)
    if said is None:
        return
    files = sorted(folder.glob("*.safetensors"))
    types = {dtype for file in files for dtype in dtypes(file)}
    if types and types <= PLAIN:
        weights = files[0].name if len(files) == 1 else f"{len(files)} files of weights"
        raise ModelError(f"config.json says {said}, and {weights} hold no quantization state", at=str(folder), hint=HINT)


def quantization(folder: Path) -> str | None:
    """Return the quantization that config.json names, in words: `4-bit (bitsandbytes)`. None where it names none."""
    try:
        config, _ = loads(read_whole(folder / "config.json", limits.CONFIGURATION))
    except (OSError, FormatError):  # whoever loads it says what is wrong
        return None
    said = config.get("quantization_config") if isinstance(config, dict) else None
    if not isinstance(said, dict):
        return None
    is_bitsandbytes = bool(said.get("load_in_4bit") or said.get("load_in_8bit") or said.get("_load_in_4bit") or said.get("_load_in_8bit"))
    method = said.get("quant_method") or ("bitsandbytes" if is_bitsandbytes else None)
    return f"{_bits(said)} ({method})" if method in METHODS else None


def _bits(said: dict[str, Any]) -> str:
    if said.get("load_in_4bit") or said.get("_load_in_4bit"):
        return "4-bit"
    if said.get("load_in_8bit") or said.get("_load_in_8bit"):
        return "8-bit"
    return f"{said['bits']}-bit" if isinstance(said.get("bits"), int) else "quantized weights"


def dtypes(file: Path) -> Iterator[str]:
    """Return the number types of the tensors in a file of safetensors; nothing where it is none. Only the header is read."""
    with os.fdopen(open_plain(file, follow=True), "rb") as data:
        size = int.from_bytes(data.read(8), "little")
        if not 2 <= size <= limits.MODEL_HEADER:
            return
        header, _ = loads(data.read(size))
    if isinstance(header, dict):
        yield from (str(entry.get("dtype")) for name, entry in header.items() if name != "__metadata__" and isinstance(entry, dict))
