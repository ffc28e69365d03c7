"""JSONL, one record a line, each with its metadata, each line whole.

A line is one `write` to a file opened for appending, so many processes may share a file and a kill leaves whole lines before it.
The parts of the metadata that do not change are serialised once (a record costs less than `json.dumps` of it without metadata).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from threading import Lock
from time import sleep
from types import TracebackType
from typing import TYPE_CHECKING, Any

import orjson

from lineage.contract.times import now
from lineage.contract.writing import kindly
from lineage.errors import RecordError
from lineage.facts import Slice

if TYPE_CHECKING:
    from lineage.recording.runs import Run

Record = Mapping[str, Any]
VARIED = "records say values of their own"
SETTLED = 0.1  # seconds; a line appears page by page (ext4), and a file that stood still so long has no writer


class _Forks:
    """How often this process was forked off: told by the system, for asking it for the pid costs a tenth of a record."""

    count = 0

    @classmethod
    def add(cls) -> None:
        cls.count += 1


os.register_at_fork(after_in_child=_Forks.add)


def _is_torn(descriptor: int) -> bool:
    """Does the file end inside a line, and for good? A line that another process is just writing is looked at again."""
    while (size := os.fstat(descriptor).st_size) and os.pread(descriptor, 1, size - 1) != b"\n":
        sleep(SETTLED)
        if os.fstat(descriptor).st_size == size:
            return True
    return False


def dump(value: object, at: str = "record") -> bytes:
    """*value* as one line of JSON. NaN and infinities become null; what JSON cannot hold raises RecordError."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError as refused:  # orjson is stricter than JSON: integers over 64 bits, lone surrogates, keys that are numbers
        try:
            return kindly(value)
        except (TypeError, ValueError) as error:
            raise RecordError(f"JSON cannot hold it: {error}", at=at, hint="write strings, numbers, lists and dicts") from refused


class RecordWriter:
    """Writes the records of one run to one file. A context manager; `path` is where the file really is.

    The file exists already? It is appended to when this session (in whichever process) made it, or with `append=True`;
    otherwise the next free name is taken (`out-2.jsonl`), so that nothing recorded is ever altered.
    """

    def __init__(self, run: Run, name: str | os.PathLike[str], *, type: str, append: bool) -> None:
        self._run, self._type, self._guard = run, type, run.session.guard
        self.path = run.session.claim(name, append=append)
        self._descriptor: int | None = None
        self._begin()

    def _begin(self) -> None:
        """Start counting: at the opening, and again in a process that was forked off."""
        self._forks, self._index, self._bytes, self._lost, self._torn = _Forks.count, 0, 0, 0, False
        self._lock = Lock()  # a new one after a fork: the old one may be held by a thread that is not here
        self._numbers = self._run.numbers(self.path)
        self._hash = hashlib.sha256()
        self._first_time: str | None = None
        self._last_time: str | None = None
        self._seeds: tuple[int, int] | None = None
        self._uniform = True  # every record so far has the run's own parameters, the seed aside
        self._varied = {"seed"}  # the parameters of which records had values of their own; of seeds that goes without saying
        self._alone = self._open()
        self._head, self._params, self._seed = self._run.metadata_head(), self._run.params_json(), self._run.params.get("seed")
        self._shared = self._run.shared_metadata()  # now: what the run learns later is not in the records
        rest = dump({key: value for key, value in self._run.params.items() if key != "seed"})
        self._seedless = rest[1:] if rest == b"{}" else b"," + rest[1:]

    def _open(self) -> bool:
        """Open the file; is it empty, so that it will hold our lines only?"""
        with self._guard(f"records of {self.path.name}"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            self._torn = _is_torn(self._descriptor)
            return os.fstat(self._descriptor).st_size == 0
        return False

    def write(self, record: Record, *, generation_params: Record | None = None, tokens: Record | None = None) -> None:
        """Append *record* with its metadata. `generation_params` are this record's own, over those of the run (a seed, say).

        `tokens` are the ids that the model got and gave (`prompt_ids`, `completion_ids`): what `lineage replay` makes it again from.

        A record that brings `metadata` of its own keeps it: under a transformation untouched, else as `metadata.previous`.

        Raises:
            RecordError: JSON cannot hold the record.
        """
        if self._forks != _Forks.count:
            self._run = self._run.forked()
            self._begin()
        if type(record) is not dict and not isinstance(record, Mapping):
            raise RecordError(f"a record is an object, not a {type(record).__name__}", at=self.path.name, hint="write a dict")
        with self._lock:
            time = now()
            line = self._line(record, generation_params, tokens, time)
            if generation_params and not self._varied.issuperset(generation_params):
                self._varies(generation_params)
            if self._append(line):
                self._seen(line, time, generation_params)

    def _line(self, record: Record, own: Record | None, tokens: Record | None, time: str) -> bytes:
        if self._head is None:  # recording is off: the record as it is
            return dump(record) + b"\n"
        more = b',"tokens":' + dump(tokens, at="tokens") if tokens else b""
        if "metadata" in record:
            if self._run.keeps_metadata:
                return dump(record) + b"\n"
            more += b',"previous":' + dump(record["metadata"])
            record = {key: value for key, value in record.items() if key != "metadata"}
        params = self._params_of(own) if own else self._params
        head, call = self._head, self._run.calls.in_force() if self._run.calls else None
        if call is not None:
            self._uniform = False
            params = dump({**self._run.params, **call.params, **(own or {})})
            head = self._head_with({f"generation_params.{key}": reason for key, reason in call.gaps.items() if key not in (own or {})})
        body = dump(record)
        start = b',"metadata":{' if len(body) > 2 else b'"metadata":{'
        end = b',"timestamp":"%s","record_index":%d%s}}\n' % (time.encode(), next(self._numbers), more)
        return b"".join((body[:-1], start, head, b'"generation_params":', params, end))

    def _head_with(self, gaps: Mapping[str, str]) -> bytes:
        """The part of the metadata before the parameters, with more gaps."""
        if not gaps or self._shared is None:
            return self._head or b""
        head = {key: value for key, value in self._shared.items() if key != "generation_params"}
        return dump({**head, "gaps": {**head.get("gaps", {}), **gaps}})[1:-1] + b","

    def _params_of(self, own: Record) -> bytes:
        """The parameters of one record; a seed of its own is the common case, and is put in front of what all have in common."""
        seed = own.get("seed")
        if len(own) == 1 and type(seed) is int:
            return b'{"seed":%d%s' % (seed, self._seedless)
        return dump({**self._run.params, **own})

    def _varies(self, own: Record) -> None:
        """Have the run say which of its parameters are not those of every record."""
        shared = self._run.params
        for key in sorted(key for key in own if key not in self._varied and (key not in shared or own[key] != shared[key])):
            self._varied.add(key)
            self._run.gap(f"params.{key}", VARIED)

    def _append(self, line: bytes) -> bool:
        if self._descriptor is None:
            self._lost += 1
            return False
        whole = b"\n" + line if self._torn else line
        try:
            done = os.write(self._descriptor, whole)
        except OSError as error:
            return self._failed(error.strerror or "cannot write")
        self._alone = self._alone and not self._torn
        self._torn = False
        if done == len(whole):
            return True
        self._torn = True
        return self._failed(f"only {done} of {len(whole)} bytes written")

    def _failed(self, reason: str) -> bool:
        self._lost += 1
        self._alone = False
        self._guard.tell(f"records of {self.path.name}", reason)
        return False

    def _seen(self, line: bytes, time: str, own: Record | None) -> None:
        self._hash.update(line)
        self._bytes += len(line)
        self._index += 1
        self._first_time, self._last_time = self._first_time or time, time
        seed = self._seed
        if own:
            self._uniform = self._uniform and own.keys() <= {"seed"}
            seed = own.get("seed", seed)
        if isinstance(seed, int):
            first, last = self._seeds or (seed, seed)
            self._seeds = (seed if seed < first else first, seed if seed > last else last)

    def __enter__(self) -> RecordWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Make the lines last, and record the file's digest, size and count."""
        if self._descriptor is not None:
            with self._guard(f"records of {self.path.name}"):
                os.fsync(self._descriptor)
            mine = self._alone and os.fstat(self._descriptor).st_size == self._bytes
            os.close(self._descriptor)
            self._descriptor = None
            self._run.wrote(self.path, self._type, *(self._own_facts() if mine else (None, None, None, None)))
        if self._lost:
            self._run.gap(f"records of {self.path.name}", f"{self._lost} could not be written")

    def _own_facts(self) -> tuple[str, int, int, tuple[Slice, ...] | None]:
        """Digest, bytes, records and slices, where this process wrote every byte of the file."""
        return self._hash.hexdigest(), self._bytes, self._index, self._slices()

    def _slices(self) -> tuple[Slice, ...] | None:
        """All records as one slice; None where they differ in more than their seeds, which a scan will tell apart."""
        shared = self._shared
        if shared is None or not self._uniform or self._run.keeps_metadata:
            return None
        if not self._index:
            return ()
        lines = ((1, self._index),)
        first, last = self._first_time, self._last_time
        return (Slice(metadata=shared, lines=lines, count=self._index, seeds=self._seeds, first_time=first, last_time=last),)
