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
        self._processes = [_started() for _ in range(count)]
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        for process in self._processes:
            self._idle.put(process)

    def submit(self, task: Task, number: int) -> Future[int]:
        """Have part *number* read, or DIGEST found, when a process is idle. Its result is the bytes that were read, or OSError."""
        return self._threads.submit(self._ask, task, number)

    def _ask(self, task: Task, number: int) -> int:
        process = self._idle.get()
        try:
            assert process.stdin and process.stdout
            process.stdin.write(json.dumps([_json(task), number]).encode() + b"\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        finally:
            self._idle.put(process)
        if not answer:
            raise OSError("a process that read it has ended; what it had read is kept")
        code, said = json.loads(answer)
        if code:
            raise OSError(code, said, str(task.path))
        return int(said)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in self._processes:
            process.kill()
            process.wait()
        self._threads.shutdown(wait=True)
        for process in self._processes:
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    _closed(pipe)


def _started() -> subprocess.Popen[bytes]:
    """A process that finds this very package, and nothing of the folder it is started in."""
    package = str(Path(__file__).parent.parent.parent)
    path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-P", "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
    )


def _closed(pipe: Any) -> None:
    try:
        pipe.close()
    except BrokenPipeError:  # it was told something that it did not live to read
        return


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
