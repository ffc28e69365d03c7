"""What a process may not do any more, for good: a query that somebody else wrote runs only under a seal."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import struct
import sys
from pathlib import Path

_SOCKET = {"x86_64": 41, "aarch64": 198}  # the number of the system call socket(2)
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2  # prctl(2)
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # seccomp(2): of BPF
_REFUSE, _ALLOW = 0x00050000 | errno.EACCES, 0x7FFF0000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def seal(*, opens_files: bool = False, memory: int | None = None) -> None:
    """Let this process open nothing any more: no file and no socket. What is open goes on. For a child, never for its parent.

    Args:
        opens_files: it still needs files, so sockets alone are refused (Linux, seccomp). Where that cannot be had, files are refused too.
        memory: bytes that it may take from now on; None does not limit them.
    """
    if memory is not None:
        _limit(memory)
    if not (opens_files and _without_sockets()):
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def _limit(memory: int) -> None:
    """Refuse memory beyond what is taken now and *memory* bytes. The engine ends its process then, and says so on stderr, as nobody should hear.

    Only Linux tells how much is taken, and only there the limit holds for all ways to take more.
    """
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError):
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = pages * resource.getpagesize() + memory
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")  # for a traceback of ours
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    os.close(silence)


def _without_sockets() -> bool:
    number = _SOCKET.get(platform.machine()) if sys.platform == "linux" else None
    if number is None:
        return False
    steps = ((_LOAD, 0, 0, 0), (_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW))
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    program = _Program(len(steps), code)
    prctl = ctypes.CDLL(None).prctl
    done = prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0 and prctl(_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) == 0
    return bool(done)
