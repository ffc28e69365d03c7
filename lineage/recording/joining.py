"""Which session this process takes part in: its own, the one of a parent process, or the one of its job.

A child process finds its parent's session in `LINEAGE_SESSION`. The ranks of a distributed job are started by a launcher
that opens no session, so they agree on one: the first rank that opens a session creates `.lineage/job-<key>.json` in the
folder, and the others read the session's id there. Rank 0 owns the session, whichever rank came first.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lineage.capture import process
from lineage.contract import manifest
from lineage.contract.strict import loads
from lineage.core import limits
from lineage.core.reading import open_plain
from lineage.core.writing import make_folder, write_new

VARIABLE = "LINEAGE_SESSION"  # the manifest's path, for child processes
OWNER = "LINEAGE_SESSION_PID"  # the process that set it, which does not join itself
MAX_BYTES = 1 << 12  # of a job's file
_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{12}", re.ASCII)
_ATTEMPTS = 3  # at creating a job's file while other ranks remove a stale one

# Variables that all ranks of a job share, and that two jobs do not.
_SHARED = (
    "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_ADDR", "MASTER_PORT", "SLURM_JOB_ID", "SLURM_STEP_ID",
    "SLURM_RESTART_COUNT", "OMPI_MCA_ess_base_jobid", "PMIX_NAMESPACE",
)  # fmt: skip
_NAMING = ("SLURM_STEP_ID", "OMPI_MCA_ess_base_jobid", "PMIX_NAMESPACE")  # each names a job on all its machines

_opened = 0  # sessions that this process opened in a job: each rank's first is the same session, and so on


@dataclass(frozen=True, slots=True)
class Membership:
    """The session that a process takes part in.

    Attributes:
        session_id: The session.
        owner: Whether this process opens and closes it.
        rank: Rank within a job of several processes; None outside of one.
        world_size: Processes of the job; 1 outside of one.
        file: The file that tells other ranks of the session, to be removed at its end.
    """

    session_id: str
    owner: bool = True
    rank: int | None = None
    world_size: int = 1
    file: Path | None = None

    @property
    def is_main(self) -> bool:
        """Whether this process records what all ranks of a job do together."""
        return not self.rank


def new_session_id() -> str:
    """Return the time in UTC, readable, and 12 random hex digits: two sessions in one second differ."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:12]}"


def joined_folder() -> Path | None:
    """Return the folder of the session that another process handed to this one."""
    path = os.environ.get(VARIABLE)
    return Path(path).parent if path and os.environ.get(OWNER) != str(os.getpid()) else None


def membership(folder: Path) -> Membership:
    """Return the session that a process which records into *folder* takes part in.

    Raises:
        OSError: The folder cannot be written to by a rank of a job.
    """
    ranked = process.rank()
    rank, size = ranked or (None, 1)
    joined = _parents_session(folder)
    if joined:
        return Membership(joined, owner=False, rank=rank, world_size=size)
    if ranked is None:
        return Membership(new_session_id())
    return _jobs_session(folder, ranked[0], size)


def alone() -> Membership:
    """Return a session of this process alone."""
    return Membership(new_session_id())


def _parents_session(folder: Path) -> str | None:
    """Return the id of the session that `LINEAGE_SESSION` names, if it is open and records into *folder*."""
    joined = joined_folder()
    if joined is None or os.path.realpath(joined) != os.path.realpath(folder):
        return None
    path = Path(os.environ[VARIABLE])
    session_id = manifest.session_id_of(path)
    is_manifest = path == manifest.path_of(path.parent, session_id) and _ID.fullmatch(session_id)
    said = _manifest(path) if is_manifest else {}
    return session_id if said.get("status") == "running" and said.get("session_id") == session_id else None


def _jobs_session(folder: Path, rank: int, size: int) -> Membership:
    global _opened
    key = _job_key(size, _opened)
    if key is None:
        return Membership(new_session_id(), rank=rank, world_size=size)
    _opened += 1
    path = folder / ".lineage" / f"job-{key}.json"
    session_id = _agreed(path, folder)
    if session_id is None:
        return Membership(new_session_id(), rank=rank, world_size=size)
    return Membership(session_id, owner=rank == 0, rank=rank, world_size=size, file=path)


def _job_key(size: int, number: int) -> str | None:
    """Return a name for the job and the *number* of the session in it; None where nothing tells jobs apart."""
    environ = os.environ
    told = {name: environ[name] for name in _SHARED if name in environ}
    one_machine = environ.get("LOCAL_WORLD_SIZE", str(size)) == str(size)
    if not any(name in told for name in _NAMING):
        if one_machine:
            told["launcher"] = json.dumps(process.parent_mark(), sort_keys=True)
        elif "TORCHELASTIC_RUN_ID" not in told:
            return None
    text = json.dumps([told, size, number], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _agreed(path: Path, folder: Path) -> str | None:
    """Return the session's id in the job's file, which is created where there is none, or only a stale one.

    None where the ranks cannot agree: each then has a session of its own.
    """
    make_folder(folder)
    try:
        make_folder(path.parent, within=folder)
    except NotADirectoryError:
        return None
    session_id = new_session_id()
    for _ in range(_ATTEMPTS):
        if write_new(path, _said(session_id)):
            return session_id
        said = _read(path)
        if said and not _is_stale(said, folder):
            return str(said["session_id"])
        path.unlink(missing_ok=True)
    return None


def _said(session_id: str) -> bytes:
    """Return the content of a job's file."""
    return json.dumps({"session_id": session_id, "process": process.process_mark()}).encode()


def _read(path: Path) -> Mapping[str, Any] | None:
    """Return what the job's file says; None where it is no file of ours, or gone."""
    try:
        descriptor = open_plain(path)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        said, _ = loads(file.read(MAX_BYTES))
    has_id = isinstance(said, dict) and isinstance(said.get("session_id"), str) and _ID.fullmatch(said["session_id"])
    return said if has_id and isinstance(said.get("process"), dict) else None


def _is_stale(said: Mapping[str, Any], folder: Path) -> bool:
    """Whether the session has ended, or the process that opened it is gone: an earlier job with the same key."""
    path = manifest.path_of(folder, said["session_id"])
    status = _status(path)
    if status is None:
        return process.is_alive(said["process"]) is False
    return status != "running" or process.is_alive(_owner(path)) is False


def _status(path: Path) -> str | None:
    status = _manifest(path).get("status")
    return status if isinstance(status, str) else None


def _owner(path: Path) -> Mapping[str, Any]:
    mark = _manifest(path).get("process")
    return mark if isinstance(mark, dict) else {}


def _manifest(path: Path) -> Mapping[str, Any]:
    try:
        with os.fdopen(open_plain(path), "rb") as file:
            value, _ = loads(file.read(limits.JSON))
    except OSError:
        return {}
    return value if isinstance(value, dict) else {}
