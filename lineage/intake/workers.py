"""Other processes that read parts. They are Python programs of their own, which know nothing of the program that asks, and are told tasks as JSON.

with Workers(2) as workers:
    size = workers.submit(task, 3).result()    # bytes that were read; OSError
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any

from lineage.intake import part
from lineage.intake.part import Task

DIGEST = -1  # instead of the number of a part: the digest of the whole file
PROGRAM = "from lineage.intake.workers import serve; serve()"


class Workers:
    """Some processes. A context manager: at its end none of them is left, whatever they were doing."""

    def __init__(self, count: int) -> None:
        self._threads = ThreadPoolExecutor(count)
        self._is_over = False
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        self._all = [_started() for _ in range(count)]
        for process in self._all:
            self._idle.put(process)

    def submit(self, task: Task, number: int) -> Future[int]:
        """Have part *number* read, or DIGEST found, when a process is idle. Its result is the bytes that were read, or OSError."""
        return self._threads.submit(self._ask, task, number)

    def _ask(self, task: Task, number: int) -> int:
        process = self._idle.get()
        answer = b""
        try:
            answer = _answer(process, [_json(task), number])
        finally:  # a process that has ended costs its own task alone
            self._idle.put(process if answer.endswith(b"\n") or self._is_over else self._another(process))
        if not answer.endswith(b"\n"):
            raise OSError("a process that read it has ended; what it had read is kept")
        code, said = json.loads(answer)
        if code:
            raise OSError(code, said, str(task.path))
        return int(said)

    def _another(self, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        self._all.remove(process)
        _end(process)
        self._all.append(_started())
        return self._all[-1]

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._is_over = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in list(self._all):
            process.kill()
        self._threads.shutdown(wait=True)
        for process in self._all:
            _end(process)


def _answer(process: subprocess.Popen[bytes], question: object) -> bytes:
    """One line for one line; what is no whole line when the process has ended."""
    assert process.stdin and process.stdout
    try:
        process.stdin.write(json.dumps(question).encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        return b""
    return process.stdout.readline()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with suppress(BrokenPipeError):  # it was told something that it did not live to read
                pipe.close()


def _started() -> subprocess.Popen[bytes]:
    """A process that finds this very package, and nothing of the folder it is started in."""
    package = str(Path(__file__).parent.parent.parent)
    path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-P", "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,  # an interrupt from the keyboard is for the program that asked
    )


def _json(task: Task) -> dict[str, Any]:
    return {**asdict(task), "path": os.fsdecode(task.path), "folder": os.fsdecode(task.folder)}


def serve() -> None:
    """Do what stdin asks, a line a task, until it ends."""
    for line in sys.stdin.buffer:
        said, number = json.loads(line)
        task = Task(**{**said, "path": Path(said["path"]), "folder": Path(said["folder"])})
        try:
            answer: list[object] = [0, part.digest(task) if number == DIGEST else part.take(task, number)]
        except OSError as error:
            answer = [error.errno or 1, error.strerror or str(error)]
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
