"""What `nvidia-smi` says of the GPUs; torch is not needed for it."""

from __future__ import annotations

import subprocess

TIMEOUT = 10  # seconds; a driver that hangs must not hold the session up
_FIELDS = ("name", "uuid", "driver_version", "memory.total")


def gpus() -> tuple[list[dict[str, str]], str | None]:
    """A row for each GPU (name, uuid, driver, memory_total as nvidia-smi writes it), or the reason why there is none."""
    query = ["nvidia-smi", f"--query-gpu={','.join(_FIELDS)}", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL, check=False)
    except FileNotFoundError:
        return [], "nvidia-smi is not installed"
    except (OSError, subprocess.TimeoutExpired) as error:
        return [], f"nvidia-smi did not answer: {type(error).__name__}"
    rows = [_row(line) for line in done.stdout.decode(errors="replace").splitlines() if line.count(",") == len(_FIELDS) - 1]
    if done.returncode or not rows:
        return [], f"nvidia-smi found no GPU (it ended with {done.returncode})"
    return rows, None


def _row(line: str) -> dict[str, str]:
    name, uuid, driver, memory = (part.strip() for part in line.split(","))
    return {"name": name, "uuid": uuid, "driver": driver, "memory_total": memory}
