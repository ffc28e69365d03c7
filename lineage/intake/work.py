"""One file of records that is being read: what is remembered of it, else its parts, put together when they are done."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Literal

from lineage.capture import files
from lineage.contract.lines import is_compressed
from lineage.contract.records import Scan, merged, scanned
from lineage.contract.slices import Part
from lineage.core.writing import make_folder, open_lock
from lineage.errors import FormatError
from lineage.findings import Finding, finding
from lineage.intake import part
from lineage.intake.part import PART, Step, Task
from lineage.intake.workers import DIGEST, Workers
from lineage.integrity import index
from lineage.integrity.index import Seal, Sealing
from lineage.kernel import ROW

VERSION = 4  # of what is remembered: goes up when the same file would be told otherwise
READ = (1 << 20) // ROW * ROW  # bytes of rows at a time
KEPT = 7 * 24 * 3600  # seconds that the parts of a pass which was cut off are kept
Sidecars = Literal["none", "missing", "replace"]  # which to write; only who wrote the file may replace one
Progress = Callable[[int, int], object]  # (bytes read, bytes to be read)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file of records that is to be read. Findings call it `name`; with `legacy`, records without metadata are no finding."""

    path: Path
    name: str
    legacy: bool = False
    sha256: str | None = None  # what was recorded: a file that is another gets no sidecar
    hashed: bool = False  # only its bytes are asked about, not its records


@dataclass(frozen=True, slots=True)
class Taken:
    """What was found: what the records say, and what stands for the bytes."""

    scan: Scan
    seal: Seal


class Work:
    """A file while it is read. A context manager: at its end the parts of a file that is done are gone."""

    def __init__(self, wanted: Wanted, *, recheck: bool, sidecars: Sidecars) -> None:
        self._wanted, self._sidecars, self._recheck = wanted, sidecars, recheck or wanted.hashed
        self._task: Task | None = None
        self._futures: dict[int, Future[int]] = {}  # by the number of the part
        self._lock: int | None = None
        self._problem: OSError | None = None
        self._known: Taken | None = None
        try:
            self._kept = files.Kept.of(wanted.path, f"intake {VERSION} {PART} {wanted.legacy}")
            self.size = wanted.path.stat().st_size
            self._known = None if self._recheck else self._remembered()
        except OSError as error:
            self._problem, self.size = error, 0

    @property
    def is_waiting(self) -> bool:
        """Is there anything to be read?"""
        return self._known is None and self._problem is None

    def submit(self, workers: Workers, step: Step) -> None:
        """Have other processes read it."""
        if self.is_waiting and not is_compressed(self._wanted.path):
            task = self._begun()
            numbers = [number for number in range(task.parts) if not task.is_done(number)]
            if task.parts > 1 and not task.sha256.exists():
                numbers.insert(0, DIGEST)
            for number in numbers:
                self._futures[number] = workers.submit(task, number)
                if number != DIGEST:
                    self._futures[number].add_done_callback(lambda done: step(0 if done.cancelled() or done.exception() else done.result()))

    def taken(self, step: Step) -> Taken | OSError:
        """What was found, when it is; read here, where no other process does."""
        if self.is_waiting:
            try:
                self._known = self._read(self._begun(), step)
            except OSError as error:
                self._problem = error
        self.close()
        return self._known or self._problem or OSError("it cannot be read")

    def __enter__(self) -> Work:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give up what is held; the parts of a file that is not done are kept, if they can be used again."""
        if self._task and (self._known or self._lock is None):
            shutil.rmtree(self._task.folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
        self._task = self._lock = None

    def _remembered(self) -> Taken | None:
        """What is known of the file; None where nothing is, or where a sidecar is wanted that could be made."""
        data = self._kept.read()
        if data is None:
            return None
        seal, whole, was_tried = json.loads(data)
        if self._makes_sidecar() and self._is_expected(seal["sha256"]) and not was_tried:
            return None
        return self._scanned(Part.loads(whole.encode()), Seal(**seal), ())

    def _makes_sidecar(self) -> bool:
        """Should a sidecar be written?"""
        return self._sidecars == "replace" or (self._sidecars == "missing" and index.can_be_made(self._wanted.path))

    def _is_expected(self, sha256: str) -> bool:
        return self._wanted.sha256 in (None, sha256)

    def _begun(self) -> Task:
        if self._task is None:
            parts = 1 if is_compressed(self._wanted.path) else max(1, -(-self.size // PART))
            folder = (self._again() if parts > 1 and self._kept.entry and not self._recheck else None) or Path(
                tempfile.mkdtemp(prefix="lineage-")
            )
            self._task = Task(
                path=self._wanted.path, size=self.size, parts=parts, folder=folder, legacy=self._wanted.legacy, hashed=self._wanted.hashed
            )
        return self._task

    def _again(self) -> Path | None:
        """The folder that a pass over the same file used before, or will use after this one; None where another process uses it."""
        assert self._kept.entry is not None
        folder = self._kept.entry.parent / "parts" / self._kept.entry.name
        try:
            make_folder(folder)
            _sweep(folder.parent)
            lock = open_lock(folder / "lock")
        except OSError:  # there is nowhere to keep parts
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.sameopenfile(lock, other := os.open(folder / "lock", os.O_RDONLY)):
                self._lock = lock
            os.close(other)
        except OSError:  # another process has it, or has just removed it
            pass
        if self._lock is None:
            os.close(lock)
            return None
        return folder

    def _read(self, task: Task, step: Step) -> Taken:
        """Read it, or wait for those who do, and put the parts together."""
        with Sealing(self._wanted.path) as sealing:
            is_tried = self._makes_sidecar()
            if is_tried:
                with suppress(OSError):  # nowhere to write it: all else is found all the same
                    sealing.open()
            found = self._whole(task, sealing, step) if task.parts == 1 and not self._futures else self._parts(task, sealing, step)
            sha256, size = task.sha256.read_text().split()
            return self._finished(sealing, sealing.seal(sha256, int(size)), merged(found), is_tried)

    def _whole(self, task: Task, sealing: Sealing, step: Step) -> list[Part]:
        return [part.read(task, 0, sealing.add, step)[0]]

    def _parts(self, task: Task, sealing: Sealing, step: Step) -> list[Part]:
        """Each part as soon as it is done; the digest on the way, where this process reads all of them."""
        undone = [number for number in range(task.parts) if number not in self._futures and not task.is_done(number)]
        digest = hashlib.sha256() if len(undone) == task.parts else None
        found = []
        for number in range(task.parts):
            if number in self._futures:
                self._wait(number, task, step)
            elif number in undone:
                part.take(task, number, step, digest)
            for rows in _rows(task.rows(number)):
                sealing.add(rows)
            found.append(task.found(number))
        if digest:
            part.put(task.sha256, f"{digest.hexdigest()} {task.size}".encode())
        elif DIGEST in self._futures:
            self._futures[DIGEST].result()
        elif not task.sha256.exists():
            part.digest(task)
        return found

    def _wait(self, number: int, task: Task, step: Step) -> None:
        """Until a part is done, if another process has begun with it; meanwhile this one reads what no other has begun with."""
        while number in self._futures and not self._futures[number].done():
            mine = self._not_begun(number, task)
            if mine is None:
                break
            del self._futures[mine]
            part.take(task, mine, step)
        if number in self._futures:
            self._futures[number].result()

    def _not_begun(self, number: int, task: Task) -> int | None:
        """This part, else the last, that no process has begun with; none will from now on."""
        return next((n for n in (number, *reversed(range(task.parts))) if n in self._futures and self._futures[n].cancel()), None)

    def _finished(self, sealing: Sealing, seal: Seal, whole: Part, is_tried: bool) -> Taken:
        if not self._kept.is_same():
            return self._scanned(whole, seal, [finding("unreadable", self._wanted.name, None, "it changed while it was read")])
        if self._is_expected(seal.sha256):
            with suppress(OSError):
                sealing.keep(seal)
        if not self._wanted.hashed:
            tried = is_tried and self._is_expected(seal.sha256)
            self._kept.write(json.dumps([asdict(seal), whole.dumps().decode(), tried and not index.exists(self._wanted.path)]).encode())
        files.remember(files.Kept.of(self._wanted.path, "digest"), seal.sha256, seal.bytes)
        return self._scanned(whole, seal, ())

    def _scanned(self, whole: Part, seal: Seal, found: Sequence[Finding]) -> Taken:
        scan = scanned(whole, self._wanted.name, sha256=seal.sha256, size=seal.bytes)
        return Taken(replace(scan, findings=(*scan.findings, *found, *self._other_sidecar(seal))), seal)

    def _other_sidecar(self, seal: Seal) -> Iterator[Finding]:
        """A sidecar that was made from something else is left alone: it alone can name the lines that changed."""
        try:
            there = index.read(self._wanted.path)
        except FormatError as error:
            yield finding("other-sidecar", self._wanted.name, None, error.message)
            return
        except OSError:  # it cannot be looked at, so nothing is said of it
            return
        if there is not None and there.seal != seal:
            yield finding("other-sidecar", self._wanted.name, None, f"it is of a file with the digest {there.seal.sha256[:16]}…")
        elif there is not None:
            yield from self._forged_sidecar()

    def _forged_sidecar(self) -> Iterator[Finding]:
        try:
            index.of_file(self._wanted.path)
        except (FormatError, OSError) as error:
            yield finding(
                "other-sidecar", self._wanted.name, None, error.message if isinstance(error, FormatError) else str(error.strerror)
            )


def _rows(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while rows := file.read(READ):
            yield rows


def _sweep(folder: Path) -> None:
    """Remove the parts that nobody came back for."""
    for old in folder.iterdir():
        if time.time() - old.stat().st_mtime > KEPT:
            shutil.rmtree(old, ignore_errors=True)
