"""Work in a process of its own, which ends when its time is over or nobody reads it any more.

pyoxigraph answers no signal while it computes, so a query could neither be timed out nor interrupted in our own process. A fork costs
a few milliseconds and shares the loaded graph. What a user or a file wrote runs only here, after `seal.seal`: no letters in a query can open a connection.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import BinaryIO

from lineage import errors
from lineage.errors import UsageError
from lineage.store.results import Answer, answer

_KINDS: dict[str, type[errors.LineageError]] = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.LineageError)
}


LONGEST = 1e7  # seconds, about four months
LOOK = 0.5  # seconds between two looks at whether the parent, or who asked, is still there
Left = Callable[[], bool]
# A fork that falls between another thread's pipe() and close() would hold that pipe open, and its reader would wait for both children. A thread that is
# inside of the engine in our own process holds it too: a child would inherit the engine's locks as that thread left them.
FORKING = threading.Lock()


class Child:
    """A forked process and the bytes that it writes. Reading raises what its work raised, and LateError when its time is over.

    `with Child(work, 5.0) as child: child.read()`. Leaving the block ends the process, and so does *left*, once it says that who asked is gone.
    """

    def __init__(
        self, work: Callable[[BinaryIO], object], timeout: float | None = None, left: Left | None = None, memory: int | None = None
    ) -> None:
        """Fork. *memory* is the limit under which *work* seals itself, for the message about it."""
        self._timeout, self._left, self._memory = seconds(timeout), left, memory
        timeout = self._timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout
        parent = os.getpid()
        with FORKING:
            data, told = os.pipe(), os.pipe()
            self._pid: int | None = os.fork()
            if self._pid == 0:
                os.close(data[0])
                os.close(told[0])
                _work(work, data[1], told[1], parent)
            os.close(data[1])
            os.close(told[1])
        self._data, self._told = data[0], told[0]
        self.error: errors.LineageError | None = None

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def read(self, size: int = -1) -> bytes:
        """At most *size* bytes, b"" at the end; all that is left without one."""
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 16), b""))
        self._wait()
        chunk = os.read(self._data, size) if size else b""
        if not chunk and size:
            self._ended()
        return chunk

    def _wait(self) -> None:
        while not _is_readable(self._data, self._pause()):
            if self._left is not None and self._left():
                self.close()
                self.error = errors.LateError("nobody waits for the answer", at="query")
                raise self.error
            if self._deadline is None or time.monotonic() < self._deadline:
                continue
            self.close()
            hint = "say --timeout with more seconds, or ask for less: add LIMIT, name a subject"
            self.error = errors.LateError(f"stopped after {self._timeout:g} seconds", at="query", hint=hint)
            raise self.error

    def _pause(self) -> float | None:
        """How long nothing needs to be looked at."""
        rest = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        return rest if self._left is None else min(LOOK, LOOK if rest is None else rest)

    def _ended(self) -> None:
        """Nothing more comes: tell what went wrong, if anything did."""
        with os.fdopen(os.dup(self._told), "rb") as told:
            said = told.read()
        if said:
            kind, message, at, hint = json.loads(said)
            self.error = _KINDS[kind](message, at=at, hint=hint)
        elif self._pid is not None:
            code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
            self._pid = None
            if code in (-signal.SIGABRT, -signal.SIGSEGV) and self._memory is not None:
                self.error = _too_large(self._memory)
            elif code:
                self.error = errors.LineageError(
                    f"the process that asked ended with {code}", at="query", hint="it may have run out of memory"
                )
        if self.error:
            raise self.error

    def close(self) -> None:
        """End the process, if it is still there. Nothing is read after that."""
        if self._pid is not None:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = None
        for descriptor in (self._data, self._told):
            if descriptor >= 0:
                os.close(descriptor)
        self._data = self._told = -1


def _too_large(memory: int) -> errors.LateError:
    hint = "say --memory with more MiB, or ask for less: add LIMIT, leave out ORDER BY and DISTINCT"
    return errors.LateError(f"stopped at {memory >> 20} MiB of memory", at="query", hint=hint)


def seconds(timeout: float | None) -> float | None:
    """*timeout*, if it is a span that can be waited for. Raises UsageError."""
    if timeout is None or 0 < timeout <= LONGEST:  # which NaN is not
        return timeout
    raise UsageError(f"{timeout:g} seconds cannot be waited for", at="timeout", hint=f"more than 0 and at most {LONGEST:g}")


def _is_readable(descriptor: int, timeout: float | None) -> bool:
    """Wait at most *timeout* seconds for bytes or the end. `select.select` takes no descriptor above 1023, which a server may have."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if timeout is None else timeout * 1000))


@contextmanager
def reading(child: Child) -> Iterator[Answer]:
    """The answer that *child* writes, while the block lasts; what ended the child is told in place of what its reader makes of it."""
    try:
        head = b"".join(iter(lambda: child.read(1), b"\n"))
        yield answer(json.loads(head)["form"], child)
    except (OSError, SyntaxError, ValueError, errors.FormatError) as error:
        if child.error is None:
            raise
        raise child.error from error


def _work(work: Callable[[BinaryIO], object], data: int, told: int, parent: int) -> None:
    """What the child does; it never returns. No handler and no buffer of its parent's is run or written twice."""
    code = 1
    try:
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, signal.SIG_DFL)
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
        with os.fdopen(data, "wb", buffering=1 << 16) as out:
            work(out)
        code = 0
    except errors.LineageError as error:
        os.write(told, json.dumps([type(error).__name__, error.message, error.at, error.hint]).encode())
        code = 0
    except MemoryError:
        code = -signal.SIGABRT
        os.kill(os.getpid(), signal.SIGABRT)  # as the engine ends itself
    except BrokenPipeError:  # the reader has what it wanted
        code = 0
    finally:
        if code and sys.exc_info()[0]:  # a mistake of ours: nobody up the stack would show it
            traceback.print_exc()
        os._exit(code)


def _end_with(parent: int) -> None:
    """A parent that was killed closed nothing: do not compute for nobody."""
    while os.getppid() == parent:
        time.sleep(LOOK)
    os._exit(1)
