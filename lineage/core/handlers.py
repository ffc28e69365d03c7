"""Tell an exception that a signal handler of the program raised from one of our own."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from traceback import walk_tb
from types import CodeType
from typing import Any


def is_of_handler(error: BaseException) -> bool:
    """Return whether a signal handler raised *error*, as one that limits the time of a program does.

    It ends what the program does, so nobody between the handler and the program keeps it.
    """
    handlers = {_code(signal.getsignal(number)) for number in signal.valid_signals()} - {None}
    return any(frame.f_code in handlers for frame, _ in walk_tb(error.__traceback__))


def _code(handler: Callable[..., Any] | int | None) -> CodeType | None:
    """Return the code of a handler; None for one that is not written in Python."""
    while isinstance(handler, partial):
        handler = handler.func
    handler = getattr(handler, "__func__", handler)
    code = getattr(handler, "__code__", None) or getattr(type(handler).__call__, "__code__", None)
    return code if isinstance(code, CodeType) else None
