"""Run a command, pass signals on to it, and wait until it has ended.

The command gets each signal once, as if it had been started without us:

    from the terminal (Ctrl-C)   The terminal signals its whole foreground process group. The command is in that
                                 group and has the signal already, so it is not passed on.
    otherwise                    The command has a process group of its own. A signal to us, or to our group, reaches
                                 us alone, and is passed on to the command's group.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lineage.facts import Status

ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT})
PASSED_ON = ENDING | {signal.SIGUSR1, signal.SIGUSR2}  # Slurm sends SIGUSR1 ahead of a time limit
TYPED = frozenset({signal.SIGINT, signal.SIGQUIT})  # what a terminal sends for a key
TWICE = 0.2  # seconds; `timeout` signals a process and then its group, and means one signal
NOT_FOUND, NOT_EXECUTABLE, SIGNALLED = 127, 126, 128  # the exit codes of shells


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    Attributes:
        code: Its exit code; 128 + N if signal N ended it; 127 or 126 if it could not be started.
        is_interrupted: Whether it was told to end by a signal that came through us, or from the terminal.
        problem: Why it could not be started; None if it was.
    """

    code: int
    is_interrupted: bool = False
    problem: str | None = None

    @property
    def status(self) -> Status:
        """The status of a session around the command."""
        return "interrupted" if self.is_interrupted else "failed" if self.code else "completed"


def not_startable(name: str) -> Ended | None:
    """Return why the command called *name* cannot be started, as far as its file tells; None if it can."""
    if shutil.which(name):
        return None
    places = [Path(name)] if os.sep in name else [Path(place) / name for place in os.get_exec_path()]
    if name and any(os.path.lexists(place) for place in places):
        return Ended(NOT_EXECUTABLE, problem="cannot be executed")
    return Ended(NOT_FOUND, problem="no such command")


@contextmanager
def held_signals() -> Iterator[set[int]]:
    """Hold back the signals that `run` passes on, so that they do not end this process while it records.

    Signals that are still waiting at the end are dropped: they were meant for the command.

    Yields:
        The signals that were held back before: the mask that the command gets.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _handled() | {signal.SIGCHLD})
    try:
        yield {*before}
    finally:
        while pending := signal.sigpending() & (_handled() | {signal.SIGCHLD}):
            signal.sigwait(pending)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run(argv: Sequence[str], mask: Iterable[int]) -> Ended:
    """Run *argv* with our standard streams, environment and working directory, and wait for it, however long it takes.

    To be called within `held_signals`, which gives the *mask*.
    """
    shares_group = _is_in_foreground()
    try:
        pid = _spawn(argv, mask, shares_group)
    except OSError as error:
        code = NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE
        return Ended(code, problem=error.strerror or "cannot be executed")
    return _Waiting(pid, shares_group).ended()


def _handled() -> frozenset[signal.Signals]:
    """The signals that are passed on; one that we were started to ignore (nohup) is ignored by the command too."""
    return frozenset(one for one in PASSED_ON if signal.getsignal(one) is not signal.SIG_IGN)


def _is_in_foreground() -> bool:
    """Return whether the keys of a terminal signal our process group."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _spawn(argv: Sequence[str], mask: Iterable[int], shares_group: bool) -> int:
    usual = [signal.SIGPIPE, signal.SIGXFSZ]  # Python ignores them, and a command does not expect that
    group = {} if shares_group else {"setpgroup": 0}
    return os.posix_spawnp(argv[0], list(argv), os.environ, setsigmask=mask, setsigdef=usual, **group)  # type: ignore[arg-type]


class _Waiting:
    """The wait for a command, with the signals that arrive meanwhile."""

    def __init__(self, pid: int, shares_group: bool) -> None:
        self._pid, self._shares_group = pid, shares_group
        self._is_interrupted = False
        self._passed: dict[int, float] = {}  # when each signal was passed on

    def ended(self) -> Ended:
        """Wait, and return how the command ended."""
        done = threading.Event()
        threading.Thread(target=self._watch, args=(threading.get_ident(), done), daemon=True).start()
        while not done.is_set():
            self._take(*_next_signal())
        code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return Ended(SIGNALLED - code if code < 0 else code, self._is_interrupted)

    def _watch(self, waiter: int, done: threading.Event) -> None:
        """Wake *waiter* when the command has ended. A SIGCHLD of the kernel may go to any thread, and be lost."""
        os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT)
        done.set()
        signal.pthread_kill(waiter, signal.SIGCHLD)

    def _take(self, number: int, is_of_kernel: bool) -> None:
        """Pass a signal on, unless the command has it already."""
        if number == signal.SIGCHLD:
            return
        self._is_interrupted = self._is_interrupted or number in ENDING
        if self._shares_group and is_of_kernel:
            return
        now = time.monotonic()
        if not self._shares_group and now - self._passed.get(number, -TWICE) < TWICE:
            return
        self._passed[number] = now
        (os.kill if self._shares_group else os.killpg)(self._pid, number)


def _next_signal() -> tuple[int, bool]:
    """Wait for a signal; returns it, and whether the kernel sent it, as it does for the keys of a terminal."""
    wanted = _handled() | {signal.SIGCHLD}
    if hasattr(signal, "sigwaitinfo"):
        found = signal.sigwaitinfo(wanted)
        return found.si_signo, found.si_code > 0  # sigaction(2): what a process sent has 0 or less
    number = signal.sigwait(wanted)  # macOS does not tell the sender
    return number, number in TYPED
