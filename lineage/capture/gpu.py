"""What `nvidia-smi` says of the GPUs; torch is not needed for it."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache

TIMEOUT = 10  # seconds; a driver that hangs must not hold the session up
_FIELDS = ("name", "uuid", "driver_version", "memory.total")


def gpus() -> tuple[list[dict[str, str]], str | None]:
    """Return a row for each GPU (name, uuid, driver, memory_total as nvidia-smi writes it), or the reason why there is none.

    The driver is asked once in a process: each answer takes it up to a second.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        return [], "nvidia-smi is not installed"
    rows, reason = _asked(program)
    return [dict(row) for row in rows], reason


@cache
def _asked(program: str) -> tuple[tuple[dict[str, str], ...], str | None]:
    query = [program, f"--query-gpu={','.join(_FIELDS)}", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return (), f"nvidia-smi did not answer: {type(error).__name__}"
    rows = [_row(line) for line in done.stdout.decode(errors="replace").splitlines() if line.count(",") == len(_FIELDS) - 1]
    if done.returncode or not rows:
        return (), f"nvidia-smi found no GPU (it ended with {done.returncode})"
    return tuple(rows), None


def _row(line: str) -> dict[str, str]:
    name, uuid, driver, memory = (part.strip() for part in line.split(","))
    return {"name": name, "uuid": uuid, "driver": driver, "memory_total": memory}
