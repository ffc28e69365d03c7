"""Run git with limits: one deadline for all calls, bounded output, no command of the repository, no connection.

git is called directly, never through a shell. Variables that git reads are not inherited: an answer depends on the folder alone.
"""

from __future__ import annotations

import os
import re
import selectors
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

SESSION = 3.5  # seconds for all calls when a session opens; with LATER and BRIEF they make 5
LATER = 0.5  # seconds for all calls when a session ends
BRIEF = 1.0  # seconds for all calls about code beside the session's
OUTPUT = 64 << 20  # bytes; the listing of 500,000 files
MESSAGES = 1 << 14  # bytes of standard error that are kept
CHUNK = 1 << 16  # bytes; what a pipe holds
POLL = 0.05  # seconds between two looks whether git has ended while its pipes are silent
CHARACTERS = 300  # of a reason

# Which configuration is the user's own, and git's own test switch, which can only make git refuse. Everything else that begins
# with GIT_ names another repository, index, command or transport.
INHERITED = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_TEST_ASSUME_DIFFERENT_OWNER")
FIXED = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",  # since git 2.45; older ones are stopped by the protocol
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
SETTINGS = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.quotePath=false",
    "core.pager=cat",
    "core.splitIndex=false",
    "core.untrackedCache=false",
    "core.alternateRefsCommand=",
    "credential.helper=",
    "diff.external=",
    "protocol.allow=never",
    "submodule.recurse=false",
)


class GitError(Exception):
    """git gave no answer; the message is the reason."""


class OutputError(GitError):
    """git printed more than was asked for, and was stopped."""


class Deadline:
    """The end of the time that all calls together may take."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left; 0 when none are."""
        return max(0.0, self._end - time.monotonic())


@dataclass(frozen=True, slots=True)
class Git:
    """git in one folder, until one deadline."""

    folder: Path
    deadline: Deadline
    settings: tuple[str, ...] = ()  # `name=value` beside SETTINGS

    def within(self, seconds: float) -> Git:
        """Return the same git with at most *seconds* of the time that is left."""
        return replace(self, deadline=Deadline(min(seconds, self.deadline.left)))

    def run(self, *arguments: str, limit: int = OUTPUT, stdin: IO[bytes] | None = None, index: Path | None = None) -> bytes:
        """Return what git prints.

        Raises:
            OutputError: git printed more than *limit* bytes.
            GitError: git is missing, failed or did not answer in time.
        """
        if not self.deadline.left:
            raise GitError(_late(self.deadline))
        settings = [part for setting in (*SETTINGS, *_trusted(), *self.settings) for part in ("-c", setting)]
        process = _started([_program(), *settings, "-C", str(self.folder), *arguments], stdin, _variables(index))
        try:
            output, messages = _read(process, limit, self.deadline)
            code = _code(process, self.deadline)
        finally:
            _end(process)
        if code:
            raise GitError(_reason(messages.decode(errors="replace")) or f"git ended with {code}")
        return output


def _program() -> str:
    """Return git's path. A relative entry of PATH is passed over: it could name a program of the repository."""
    places = os.pathsep.join(place for place in os.get_exec_path() if Path(place).is_absolute())
    found = shutil.which("git", path=places) if places else None
    if found is None:
        raise GitError("git is not installed")
    return found


def _variables(index: Path | None) -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in INHERITED}
    return variables | FIXED | ({"GIT_INDEX_FILE": str(index)} if index else {})


def _trusted() -> list[str]:
    """Return the `safe.directory` entries that the user hands over in variables: containers have no other place for them."""
    count = os.environ.get("GIT_CONFIG_COUNT", "")
    keys = range(int(count)) if count.isdecimal() and len(count) < 3 else ()
    names = [number for number in keys if os.environ.get(f"GIT_CONFIG_KEY_{number}", "").lower() == "safe.directory"]
    return [f"safe.directory={os.environ.get(f'GIT_CONFIG_VALUE_{number}', '')}" for number in names]


def _started(command: list[str], stdin: IO[bytes] | None, variables: dict[str, str]) -> subprocess.Popen[bytes]:
    source = stdin or subprocess.DEVNULL
    try:
        return subprocess.Popen(
            command, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=variables, start_new_session=True
        )
    except (OSError, ValueError) as error:
        raise GitError(f"git cannot be started: {getattr(error, 'strerror', None) or error}") from error


def _read(process: subprocess.Popen[bytes], limit: int, deadline: Deadline) -> tuple[bytes, bytes]:
    output, messages = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for stream, buffer in ((process.stdout, output), (process.stderr, messages)):
            assert stream is not None
            selector.register(stream, selectors.EVENT_READ, buffer)
        while selector.get_map():
            if not deadline.left:
                raise GitError(_late(deadline))
            ready = selector.select(min(POLL, deadline.left))
            if not ready and process.poll() is not None:
                _kill(process)  # a child of git keeps the pipes open
                break
            for key, _ in ready:
                _take(selector, key, limit if key.data is output else MESSAGES)
            if len(output) > limit:
                raise OutputError(f"git printed more than {limit} bytes")
    return bytes(output), bytes(messages)


def _take(selector: selectors.BaseSelector, key: selectors.SelectorKey, limit: int) -> None:
    data = os.read(key.fd, CHUNK)
    if not data:
        selector.unregister(key.fileobj)
    elif len(key.data) <= limit:
        key.data.extend(data)


def _code(process: subprocess.Popen[bytes], deadline: Deadline) -> int:
    try:
        return process.wait(deadline.left)
    except subprocess.TimeoutExpired as error:
        raise GitError(_late(deadline)) from error


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of git and its children, and close its pipes."""
    if process.returncode is None:
        _kill(process)
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)


def _late(deadline: Deadline) -> str:
    return f"git did not answer within {deadline.seconds:.1f} s"


def _reason(messages: str) -> str:
    """Return git's own reason: its first fatal line, else its first error, else its first line."""
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith("fatal:")]
    errors = [line for line in lines if line.startswith("error:")]
    first = next(iter([*fatal, *errors, *lines]), "")
    return re.sub(r"^(fatal|error): ", "", first)[:CHARACTERS]
