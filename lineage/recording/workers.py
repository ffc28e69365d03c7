"""Processes of multiprocessing: they end by os._exit, which runs no `with` statement and no function of atexit."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def before_exit(call: Callable[[], None], *, order: int) -> None:
    """Have multiprocessing call *call* before it ends this process; in any other process nothing happens.

    Args:
        call: What is called.
        order: Calls of a higher number come first.
    """
    util = _util()
    if util:
        util.Finalize(None, call, exitpriority=order)


def is_ending(frame: FrameType | None) -> bool:
    """Return whether *frame* belongs to the end of a process of multiprocessing: an exception would skip calls that are still to come."""
    util = _util()
    end = util._exit_function.__code__ if util else None
    while frame and frame.f_code is not end:
        frame = frame.f_back
    return frame is not None


def _util() -> Any:
    """Return what ends this process, if multiprocessing started it; else None."""
    multiprocessing = sys.modules.get("multiprocessing")
    is_worker = multiprocessing is not None and multiprocessing.parent_process() is not None
    return sys.modules.get("multiprocessing.util") if is_worker else None
