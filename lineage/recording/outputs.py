"""Open the outputs of a session: never over a file that exists, and never one file for two sessions.

A name belongs to whoever creates it: creation is exclusive, and the claim is written to the journal
after it. Who comes second reads the journals of its session: a file that the session made is appended
to, whichever process made it. For any other file the caller says what to do: append, number or replace.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from time import monotonic, sleep, time
from typing import TYPE_CHECKING, Literal, get_args

from lineage.contract import manifest
from lineage.contract.lines import RECORDS
from lineage.core.writing import create, make_folder, open_again, refuse_special, replace_file, write_new
from lineage.errors import OutputExistsError, UsageError
from lineage.facts import Artifact
from lineage.integrity import index
from lineage.recording.guard import logger
from lineage.recording.inputs import PathLike, one_path
from lineage.recording.own_files import refuse_own

if TYPE_CHECKING:
    from lineage.recording.session import Session

Exists = Literal["append", "number", "replace"]
ReportExists = Literal["number", "replace", "error"]
CHOICES = '`exists="append"` adds to it, `exists="number"` takes the next free name, `exists="replace"` deletes it first'
REPORT_CHOICES = '`exists="number"` takes the next free name, `exists="replace"` replaces it'
READ_WRITE = os.O_RDWR | os.O_APPEND
PATIENCE = 2.0  # seconds; a claim follows the creation of its file by milliseconds
PAUSE = 0.01  # seconds between two looks at the journals
TRIES = 100  # a name that others create and delete at the same time is given up


@dataclass(frozen=True, slots=True)
class Output:
    """A file of records that is open for appending."""

    path: Path
    descriptor: int
    is_shared: bool  # other processes may be writing to it


class Outputs:
    """The outputs of one session, as this process sees them."""

    def __init__(self, session: Session, graphs: Path | None) -> None:
        self._session, self._graphs = session, graphs
        self._made: set[Path] = set()  # by this process, or by the one that it was forked from

    def inside(self, path: PathLike) -> Path:
        """Return where an output called *path* goes.

        Raises:
            TypeError: It is no path.
            UsageError: The path leads out of the session's folder, or names a file that the session or its export writes.
        """
        folder = self._session.folder
        target = folder / one_path(path, "path", "out.jsonl")
        name = Path(self._session.relative(target))
        if ".." in name.parts or name.is_absolute():
            raise UsageError("an output must lie in the session's folder", at=str(path), hint=f"name a path under {folder}")
        refuse_own(target, folder, self._graphs)
        return target

    def open(self, name: PathLike, exists: Exists | None = None) -> Output:
        """Create the file of records called *name*, or open it when this session made it.

        Args:
            name: Relative to the session's folder; its suffix says whether the records are compressed.
            exists: What to do with a file that another session made; None raises.

        Raises:
            UsageError: The name or *exists* cannot be meant.
            OutputExistsError: The file exists, and *exists* is None.
            OSError: The file cannot be created or opened.
        """
        if exists is not None and exists not in get_args(Exists):
            raise UsageError(f"no such choice: exists={exists!r}", at=str(name), hint=CHOICES)
        target = self.inside(name)
        if not target.name.endswith(RECORDS) or target.name in RECORDS:
            raise UsageError("no name of a file of records", at=str(name), hint=f"end it in one of {' '.join(RECORDS)}")
        with self._session.exclusive():
            _make_folder(target.parent)
            with _folder_locked(target.parent) as is_locked:
                return self._opened(target, exists, is_locked)

    def reopen(self, path: Path) -> Output:
        """Open a file that the session has open already: in a process that was forked off."""
        return Output(path, _existing(path), is_shared=True)

    def report(self, name: PathLike, data: bytes, exists: ReportExists) -> Path:
        """Write a whole report, and return where it is. It appears whole or not at all.

        Raises:
            UsageError: The name or *exists* cannot be meant.
            OutputExistsError: The file exists, and *exists* is "error".
            OSError: The report cannot be written.
        """
        target = self.inside(name)
        self.check_report(name, exists)
        _make_folder(target.parent)
        if exists == "replace":
            replace_file(target, data)
            self._claim(target)
            return target
        for path in _candidates(target) if exists == "number" else [target]:
            if write_new(path, data):
                self._taken(path, target)
                return path
        raise OutputExistsError("exists already", at=str(target), hint=REPORT_CHOICES)

    def check_report(self, name: PathLike, exists: str) -> None:
        """Raise UsageError when *exists* cannot be meant."""
        if exists not in get_args(ReportExists):
            raise UsageError(f"no such choice: exists={exists!r}", at=str(name), hint=REPORT_CHOICES)

    def scanned(self, path: Path, *, type: str, role: str, activity: str) -> Artifact:
        """Read a file of records from end to end: its digest, slices and root; its sidecar is written."""
        from lineage.intake import Taken, Wanted, take_in

        session = self._session
        made = session.output(session.relative(path), type=type, role=role, activity=activity)
        if not session.recording:
            return made
        with session.guard(f"records of {path.name}", ours=True):
            for _, found in take_in([Wanted(path, path.name)], recheck=True, sidecars="replace"):
                if not isinstance(found, Taken):
                    raise found
                facts = {"count": found.scan.count, "slices": found.scan.slices, **asdict(found.seal)}
                made = replace(made, **facts)
        return made

    # --- which name

    def _opened(self, target: Path, exists: Exists | None, is_locked: bool) -> Output:
        for path in _candidates(target) if exists == "number" else [target] * TRIES:
            output = self._created(path) or self._again(path, exists, is_locked)
            if output is not None:
                self._taken(path, target)
                return output
            if exists is None:
                raise OutputExistsError("exists already, and this session did not make it", at=str(path), hint=CHOICES)
            if exists == "replace":
                _remove(path)
        raise OSError(errno.EEXIST, "other processes create it again and again", str(target))

    def _created(self, path: Path) -> Output | None:
        """Create the file; None when the name is taken."""
        try:
            descriptor = create(path, READ_WRITE)
        except FileExistsError:
            return None
        return Output(path, descriptor, is_shared=False)

    def _again(self, path: Path, exists: Exists | None, is_locked: bool) -> Output | None:
        """Open a file that this session made, or that is to be appended to; None when it is neither, or gone by now."""
        is_ours = self._is_ours(path, is_locked)
        if not is_ours and exists != "append":
            return None
        try:
            return Output(path, _existing(path), is_shared=self._has_others())
        except FileNotFoundError:
            return None

    def _is_ours(self, path: Path, is_locked: bool) -> bool:
        """Did a process of this session make the file?

        A process creates a file under the lock of its folder and journals the claim before the lock is free.
        Where there is no such lock, the claim of a young file may still be on its way.
        """
        if path in self._made:
            return True
        while self._session.recording:
            if self._session.claimed(path):
                return True
            if is_locked or not self._has_others() or _age(path) > PATIENCE:
                return False
            sleep(PAUSE)
        return False

    def _has_others(self) -> bool:
        """Do other processes take part in the session?"""
        return self._session.recording and self._session.has_others()

    def _taken(self, path: Path, target: Path) -> None:
        """Note that the session writes *path*, and warn when *target* was asked for."""
        self._claim(path)
        if path != target:
            logger.warning("lineage: %s exists; %s is written instead", target.name, path.name)

    def _claim(self, path: Path) -> None:
        self._made.add(path)
        claimed = Artifact(path=self._session.relative(path), type="output")
        with self._session.guard("the journal"):
            self._session.add({"event": "artifact", "artifact": manifest.artifact_json(claimed)})


def _candidates(target: Path) -> Iterator[Path]:
    """The name itself, then `out-2.jsonl`, `out-3.jsonl`, …"""
    yield target
    suffix = next((suffix for suffix in RECORDS if target.name.endswith(suffix)), target.suffix)
    stem = target.name.removesuffix(suffix)
    yield from (target.with_name(f"{stem}-{number}{suffix}") for number in count(2))


def _make_folder(folder: Path) -> None:
    """Make the folder of an output. Raises OSError."""
    try:
        make_folder(folder)
    except FileExistsError as error:  # an OutputExistsError is one too, and means the output
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from error


def _existing(path: Path) -> int:
    """Open a regular file for appending. A link is none: records would go where nobody named."""
    return open_again(path, READ_WRITE)


def _remove(path: Path) -> None:
    """Delete a regular file of records and its sidecar; nothing is truncated through a link."""
    refuse_special(path)
    path.unlink(missing_ok=True)
    with suppress(OSError):  # a sidecar is a cache
        index.path_of(path).unlink(missing_ok=True)


def _age(path: Path) -> float:
    """Seconds since the file was created or renamed, at most; a file that is gone is old."""
    try:
        return abs(time() - path.lstat().st_ctime)
    except OSError:
        return PATIENCE + 1


@contextmanager
def _folder_locked(folder: Path) -> Iterator[bool]:
    """Keep other openers of outputs out of *folder*; False where the file system has no locks, or one is not freed."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        yield _locked(descriptor)
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    end = monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError as error:
            if error.errno != errno.EWOULDBLOCK or monotonic() > end:
                return False
        sleep(PAUSE)
