"""Which process this is, so that another can later ask whether it still lives; who runs it, only when asked for."""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK")


def process_mark() -> dict[str, Any]:
    """pid, the kernel's start time of the process, a digest of the machine's boot (no name of it), and the rank if there is one."""
    mark: dict[str, Any] = {"pid": os.getpid(), "started": _started(os.getpid()), "boot": _boot()}
    rank = next((os.environ[name] for name in _RANKS if os.environ.get(name, "").isdigit()), None)
    return mark if rank is None else mark | {"rank": int(rank)}


def is_alive(mark: Mapping[str, Any]) -> bool | None:
    """Does the process of *mark* still run?  None: it was on another machine or before a restart of this one, or nothing tells."""
    pid = mark.get("pid")
    if _boot() is None or mark.get("boot") != _boot() or not isinstance(pid, int) or mark.get("started") is None:
        return None
    return _started(pid) == mark.get("started")


def _boot() -> str | None:
    try:
        return hashlib.sha256(_BOOT.read_bytes().strip()).hexdigest()[:16]
    except OSError:
        return None


def _started(pid: int) -> int | None:
    """Field 22 of /proc/<pid>/stat (proc(5)): the start in clock ticks since boot; a zombie has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[19]) if fields[0] not in "ZX" else None


def operator() -> str | None:
    """The login name; None where the system has none for us."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # by Python's version and system: no passwd entry
        return None


def host() -> str | None:
    """The machine's name."""
    return platform.node() or None
