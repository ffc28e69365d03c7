"""How a session or run ended, read off the exception that left its `with` statement, or a signal."""

from __future__ import annotations

import os
import signal
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from traceback import TracebackException
from types import FrameType, TracebackType
from typing import Any, Self

from lineage.core import secrets
from lineage.facts import Status
from lineage.recording.workers import is_ending

MAX_MESSAGE = 2000  # characters of an exception's text that are kept
MAX_READ = 10 * MAX_MESSAGE  # characters that are searched for secrets, so that the cut goes through none that is kept
TERMINATED = 128 + signal.SIGTERM  # the exit code that shells give a process which SIGTERM ended


class Terminated(SystemExit):
    """SIGTERM arrived: `with` statements and `finally` blocks run, then the process exits with code 143."""

    def __init__(self) -> None:
        super().__init__(TERMINATED)

    def __str__(self) -> str:
        return "SIGTERM"


@dataclass(frozen=True, slots=True)
class Ending:
    """A status, and for one that is not `completed` the error: its type, and its message without secrets."""

    status: Status
    error: Mapping[str, Any] | None = None


COMPLETED = Ending("completed")


def ending(error: BaseException | None) -> Ending:
    """Return how a block ended that *error* left; None is a block that ran to its end.

    `sys.exit()` and `sys.exit(0)` are a good end. A keyboard interrupt, SIGTERM and a task that was cancelled are
    interruptions; every other exception is a failure.
    """
    if error is None or (isinstance(error, SystemExit) and not isinstance(error, Terminated) and not error.code):
        return COMPLETED
    status: Status = "interrupted" if _is_interruption(error) else "failed"
    return Ending(status, {"type": _name(type(error)), "message": _message(error)})


def close_all(calls: Iterable[Callable[[], object]]) -> None:
    """Make every call, also where one before it could not write. Raises the first OSError."""
    problem: OSError | None = None
    for call in calls:
        try:
            call()
        except OSError as error:
            problem = problem or error
    if problem:
        raise problem


def _is_interruption(error: BaseException) -> bool:
    asyncio = sys.modules.get("asyncio")  # who cancels a task has imported it
    kinds: tuple[type[BaseException], ...] = (KeyboardInterrupt, Terminated, GeneratorExit)
    return isinstance(error, (*kinds, asyncio.CancelledError) if asyncio else kinds)


def _name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"


def _message(error: BaseException) -> str:
    """Return the text of an exception without secrets; an exception that cannot say one gets Python's own words for that."""
    text = str(TracebackException(type(error), error, None, lookup_lines=False))
    clean = secrets.redact(text[:MAX_READ].encode("utf-8", "backslashreplace").decode())
    return clean if len(clean) <= MAX_MESSAGE else clean[:MAX_MESSAGE] + "…"


class Block(ABC):
    """What `with` and `async with` open and end."""

    @abstractmethod
    def open(self) -> Self:
        """Open it and return it."""

    @abstractmethod
    def _close(self, how: Ending) -> None:
        """End it in the way that its block ended."""

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close(ending(error))

    async def __aenter__(self) -> Self:
        return self.open()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close(ending(error))


class Termination:
    """Turn SIGTERM into an exception while a session is open, unless the program handles the signal itself."""

    def __init__(self) -> None:
        self._pid: int | None = None
        self._is_deferring = self._is_pending = False

    def watch(self) -> None:
        """Handle SIGTERM, if this is the main thread and nobody else does."""
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and _is_free(signal.getsignal(signal.SIGTERM)):
            self._pid = os.getpid()
            signal.signal(signal.SIGTERM, self._handle)

    def defer(self) -> None:
        """Let a signal wait until `unwatch`, so that it does not cut off what is being written."""
        self._is_deferring = True

    def unwatch(self) -> None:
        """Give the signal back its default; a handler that the program set since then stays.

        Raises:
            Terminated: The signal arrived after `defer`.
        """
        is_main = threading.current_thread() is threading.main_thread()
        if self._pid is not None and is_main and signal.getsignal(signal.SIGTERM) == self._handle:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        is_pending, self._is_pending, self._pid = self._is_pending, False, None
        if is_pending:
            raise Terminated

    def is_inherited(self) -> bool:
        """Return whether the process that watches is the one that this one was forked off."""
        return self._pid not in (None, os.getpid())

    def _handle(self, number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second signal ends the process at once
        if os.getpid() != self._pid:
            os.kill(os.getpid(), signal.SIGTERM)  # a forked child ends as it would have ended without us
        elif self._is_deferring:
            self._is_pending = True
        elif not is_ending(frame):  # else a pool signals a worker that ends already
            raise Terminated


def _is_free(handler: Any) -> bool:
    """Return whether no program handles the signal: it has its default, or the handler of the process that this one was forked off."""
    owner = getattr(handler, "__self__", None)
    return handler is signal.SIG_DFL or (isinstance(owner, Termination) and owner.is_inherited())
