"""Which process this is, so that another can later ask whether it still lives; who runs it, only when asked for."""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_RANKS = (  # of torchrun, Slurm, Open MPI and MPICH: the rank, and the number of processes
    ("RANK", "WORLD_SIZE"), ("SLURM_PROCID", "SLURM_NTASKS"), ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"),
)  # fmt: skip


def process_mark() -> dict[str, Any]:
    """Return pid, the kernel's start time of the process, digests of the machine's boot and of the pid namespace, and the rank.

    None of them names the machine. `rank` is there only if a launcher of distributed work set one.
    """
    mark: dict[str, Any] = {"pid": os.getpid(), "started": _started(os.getpid()), "boot": _boot(), "namespace": _namespace()}
    number = next(filter(None, (_digits(name) for name, _ in _RANKS)), None)
    return mark if number is None else mark | {"rank": int(number)}


def rank() -> tuple[int, int] | None:
    """Return the rank of this process and the number of processes of its job; None where it is the only one."""
    for name, size_name in _RANKS:
        number, size = _digits(name), _digits(size_name)
        if number and size and int(number) < int(size) != 1:
            return int(number), int(size)
    return None


def _digits(name: str) -> str | None:
    """Return the value of a variable that is a number of at most nine digits."""
    value = os.environ.get(name, "")
    return value if re.fullmatch(r"\d{1,9}", value, re.ASCII) else None


def parent_mark() -> dict[str, Any]:
    """Return the mark of the process that started this one."""
    pid = os.getppid()
    return {"pid": pid, "started": _started(pid), "boot": _boot(), "namespace": _namespace()}


def is_alive(mark: Mapping[str, Any]) -> bool | None:
    """Does the process of *mark* still run?  None: it was on another machine or before a restart of this one, or nothing tells."""
    pid = mark.get("pid")
    if _boot() is None or mark.get("boot") != _boot() or not isinstance(pid, int) or mark.get("started") is None:
        return None
    if mark.get("namespace", _namespace()) != _namespace():
        return None  # a container of the same machine numbers its processes anew
    return _started(pid) == mark.get("started")


def _boot() -> str | None:
    try:
        return hashlib.sha256(_BOOT.read_bytes().strip()).hexdigest()[:16]
    except OSError:
        return None


def _namespace() -> str | None:
    """Return the pid namespace (pid_namespaces(7)): the same pid in two of them is not the same process."""
    try:
        return hashlib.sha256(os.readlink("/proc/self/ns/pid").encode()).hexdigest()[:16]  # noqa: PTH115  # the link leads to no file
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
    except (KeyError, OSError):
        return None


def host() -> str | None:
    """The machine's name."""
    return platform.node() or None
