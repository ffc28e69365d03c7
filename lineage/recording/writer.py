"""Write records as lines of JSON, each with its metadata, each line whole.

A record reaches the kernel before `write` returns (in a compressed file within a second), or the call
raises. What is recorded about the file never stands in the way of the records.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from threading import RLock
from time import gmtime, strftime, time_ns
from types import NoneType, TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

import orjson

from lineage.contract.lines import is_compressed
from lineage.contract.plain import not_finite
from lineage.errors import ClosedError, RecordError, UsageError
from lineage.recording.appending import LineFile
from lineage.recording.batch import AnyBatch, Batch
from lineage.recording.frames import FrameFile
from lineage.recording.inputs import mapping_of
from lineage.recording.outputs import Output
from lineage.recording.prepared import OPTION, Preparation, Prepared, dump, dump_kindly
from lineage.recording.tally import BATCH, Facts, Tally

if TYPE_CHECKING:
    from lineage.recording.run import Run

Record = Mapping[str, Any]
SECOND = 1_000_000  # microseconds


MAX_PLACES = 100  # places of records that the run names a gap for
LONG = 1000  # bytes of a record from which on looking at its values costs less than looking for a null in its text
SIMPLE = {str, int, bool, NoneType}  # types of which no value becomes null
DIGITS = tuple(b"%03d" % number for number in range(1000))
NEVER = -(1 << 63)  # microseconds since 1970
CLOSED = -1  # instead of a number of forks

_forks = 0  # how often this process was forked off; asking the system for the pid costs a tenth of a record
_fork_lock = RLock()  # one thread goes on with a writer


def _forked() -> None:
    global _forks, _fork_lock
    _forks += 1
    _fork_lock = RLock()


os.register_at_fork(after_in_child=_forked)


class Numbering:
    """The index of the next record of a run in one file, and the lock under which it is given.

    Attributes:
        is_mine: Return whether this thread has the lock: a signal handler interrupted the call that took it.
    """

    __slots__ = ("is_mine", "lock", "next")

    def __init__(self) -> None:
        self.lock, self.next = RLock(), 0
        self.is_mine: Callable[[], bool] = self.lock._is_owned  # type: ignore[attr-defined]  # `Condition` uses it, too


class RecordWriter:
    """Writes the records of one run to one file. A context manager.

    Attributes:
        path: Where the file is; not the name that was asked for when `exists="number"` took another.
    """

    def __init__(self, run: Run, output: Output, *, type: str) -> None:
        self._run, self._type, self.path = run, type, output.path
        self._begin(output)

    def _begin(self, output: Output) -> None:
        """Start counting: at the opening, and again in a process that was forked off."""
        self._forks = _forks
        self._numbering = self._run.numbering(self.path)
        self._lock, self._is_mine = self._numbering.lock, self._numbering.is_mine
        is_packed = is_compressed(self.path)
        self._file: LineFile | FrameFile
        self._batch: AnyBatch = Batch()
        try:
            if is_packed:
                self._file = FrameFile(self.path, output.descriptor, self._lock)
            else:
                self._file = LineFile(output.descriptor, is_shared=output.is_shared)
                self._batch = self._file.batch
        except OSError:
            os.close(output.descriptor)
            raise
        self._compiled = None if isinstance(self._batch, Batch) else self._batch
        self._second, self._second_text = NEVER, b""  # of the last record: its second in microseconds, and as text
        self._seed: int | None = None  # of the last record
        self._seed_text = b""
        self._prepared: Preparation | None = None
        self._not_finite: set[str] = set()  # places of records whose values became null
        if self._run.session.recording:
            self._tally = Tally(self._batch, is_whole=self._file.is_alone, is_packed=is_packed)
            self._prepared = Preparation(self._run, self._tally)

    def write(self, record: Record, *, generation_params: Record | None = None, tokens: Record | None = None) -> None:
        """Append one record with its metadata.

        When the call returns, the record was handed to the kernel: it survives the end of this process,
        and `flush` makes it survive a power cut. In a compressed file it is handed over within one second.

        Args:
            record: The content. A `metadata` of its own is kept: under a transformation untouched, else as `metadata.previous`.
            generation_params: The parameters of this record, over those of the run; a seed, say.
            tokens: The ids that the model got and gave (`prompt_ids`, `completion_ids`): `lineage replay` makes the record again from them.

        Raises:
            RecordError: JSON cannot hold the record; nothing was written.
            TypeError: *generation_params* is no mapping; nothing was written.
            OSError: The record is not in the file.
            ClosedError: The writer was closed.
            UsageError: A signal handler called, and it interrupted a call of this writer; nothing was written.
        """
        if self._forks != _forks:
            self._again()
        if self._is_mine():
            raise self._reentry()
        if type(record) is not dict and not isinstance(record, Mapping):
            raise RecordError(f"a record is an object, not a {type(record).__name__}", at=self.path.name, hint="write a dict")
        if generation_params and type(generation_params) is not dict:
            mapping_of(generation_params, "generation_params", '{"seed": 42}')
        with self._lock:  # `acquire` leaves a moment in which a signal would leave it locked for ever
            prepared, run = self._prepared, self._run
            if prepared is None or tokens or run._calls.common is not None or "metadata" in record:  # `run.calls` costs more
                self._write_unusual(record, generation_params, tokens)
                return
            if run._fact.params is not prepared.params:  # `run.params` while there are no calls
                prepared.learn()
            around, seed = (
                prepared.of_own(generation_params) if generation_params else (prepared.usual or prepared.usual_now(), prepared.seed)
            )
            self._put(record, around, seed)

    def _put(self, record: Record, around: Prepared, seed: int | None, extra: bytes = b"") -> None:
        """Write one record between the parts of its metadata, and count it."""
        try:
            body = orjson.dumps(record, option=OPTION)
        except TypeError as refused:
            body = dump_kindly(record, "record", refused)
            self._tally.give_up()  # readers disagree about such values: the file is read at the end
        time = time_ns() // 1000
        compiled = self._compiled
        if compiled is None:
            self._put_line(record, body, around, seed, extra, time)
        else:
            index = self._numbering.next
            self._numbering.next = index + 1
            try:
                unusual = compiled.put(record, body, around.before, seed, around.after, time, index, extra, around.part.waiting)
            except BaseException:
                if compiled.last != index:  # nothing of the line is in the file
                    self._numbering.next = index
                raise
            if unusual is False:  # nothing was written: values of the record may have become null
                self._numbering.next = index
                self._put_line(record, body, around, seed, extra, time)
            elif unusual is not None:
                self._settle(*unusual, index)
                self._tally.add(unusual[0], around.part, time, seed)
        if self._batch.size >= BATCH:
            self._tally.fold()

    def _put_line(self, record: Record, body: bytes, around: Prepared, seed: int | None, extra: bytes, time: int) -> None:
        """Write one record step by step."""
        if (len(body) > LONG or body.rfind(b"null") > 0) and not SIMPLE.issuperset(map(type, record.values())) and b"null" in body:
            self._lost(record)
        micros = time - self._second
        if not 0 <= micros < SECOND:
            micros = self._turn(time)
        if seed is not self._seed:
            self._seed, self._seed_text = seed, b"" if seed is None else b"%d" % seed
        index = self._numbering.next
        line = b"".join((
            body[:-1],
            around.before if len(body) > 2 else around.before[1:],
            self._seed_text,
            around.after,
            self._second_text,
            DIGITS[micros // 1000],
            DIGITS[micros % 1000],
            b'+00:00","record_index":%d' % index,
            extra,
            b"}}\n",
        ))  # fmt: skip
        self._numbering.next = index + 1
        try:
            self._file.append(line)
        except BaseException:
            if self._file.is_undone:
                self._numbering.next = index
            raise
        self._tally.add(line, around.part, time, seed)

    def _settle(self, line: bytes, done: int, end: int, index: int) -> None:
        """Make sure of the line of record *index*, which was not written as usual."""
        assert isinstance(self._file, LineFile)  # a compressed file has no compiled batch
        try:
            self._file.settle(line, done, end)
        except OSError:
            if self._file.is_undone:
                self._numbering.next = index
            raise

    def _lost(self, record: Record) -> None:
        """Have the run say which values of records became null because JSON has no such numbers; each place once."""
        fresh = [gap for gap in not_finite(record, "records") if gap.about not in self._not_finite]
        for gap in fresh[: MAX_PLACES - len(self._not_finite)]:
            self._not_finite.add(gap.about)
            self._run.gap(gap.about, f"{gap.reason}; it is null in the record")

    def _write_unusual(self, record: Record, own: Record | None, tokens: Record | None) -> None:
        """Write a record that is not made of its content and parameters alone."""
        prepared, run = self._prepared, self._run
        if prepared is None or ("metadata" in record and run.keeps_metadata):
            self._write_bare(record)
            return
        if run.params is not prepared.params:
            prepared.learn()
        record, extra, gaps = self._extra(record, tokens)
        call = run.calls.in_force() if run.calls is not None else None
        around, seed = prepared.of(own, call, gaps)
        self._put(record, around, seed, extra)

    def _write_bare(self, record: Record) -> None:
        """Write a record as it is."""
        self._file.append(dump(record) + b"\n")
        if self._prepared is not None:
            self._tally.give_up()

    def _extra(self, record: Record, tokens: Record | None) -> tuple[Record, bytes, Mapping[str, str]]:
        """The record without its own metadata, what its metadata has besides, and why it has not all."""
        extra, gaps = b"", {}
        if tokens:
            try:
                extra = b',"tokens":' + dump(tokens, at="tokens")
            except RecordError as error:
                gaps["tokens"] = error.message
        if "metadata" in record:
            extra += b',"previous":' + dump(record["metadata"])
            record = {key: value for key, value in record.items() if key != "metadata"}
        return record, extra, gaps

    def _turn(self, time: int) -> int:
        """Begin the second of *time*; the microseconds in it."""
        seconds, micros = divmod(time, SECOND)
        text = strftime("%Y-%m-%dT%H:%M:%S.", gmtime(seconds)).encode()
        self._second, self._second_text = seconds * SECOND, text  # both or none, should a signal raise here
        return micros

    def _again(self) -> None:
        """Go on in a process that was forked off, with a run of its own; a closed writer does not go on."""
        if self._forks == CLOSED:
            raise ClosedError("the writer is closed", at=self.path.name, hint="write inside its `with` block, or open it again")
        if _fork_lock._is_owned():  # type: ignore[attr-defined]
            raise self._reentry()
        with _fork_lock:
            if self._forks != _forks:
                output = self._run.session.outputs.reopen(self.path)
                self._file.abandon()
                self._run = self._run.forked()
                self._begin(output)
                self._run.continued(self, self._type)

    def _reentry(self) -> UsageError:
        """Return the error of a signal handler that would wait for ever for the call that it interrupted."""
        return UsageError(
            "a signal handler interrupted a call of this writer, and cannot use it",
            at=self.path.name,
            hint="set a flag in the handler, and write when the call has returned",
        )

    def __enter__(self) -> RecordWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{self.path.name}: a writer cannot be sent to another process "
            "(open the session in the worker: it joins this one; then open the file there)"
        )

    def flush(self) -> None:
        """Wait until every record so far is on the disk, so that it survives a power cut.

        Raises:
            OSError: Some records are not.
            ClosedError: The writer was closed.
            UsageError: A signal handler called, and it interrupted a call of this writer.
        """
        if self._forks != _forks:
            self._again()
        if self._is_mine():
            raise self._reentry()
        with self._lock:
            self._file.flush()

    def close(self) -> None:
        """Wait until all records are on the disk, and record the file's digest, size and count. A second call does nothing.

        Raises:
            OSError: Some records are not on the disk.
            UsageError: A signal handler called, and it interrupted a call of this writer: it stays open.
        """
        if self._forks == CLOSED:
            return
        if self._forks == _forks and self._is_mine():
            raise self._reentry()
        forks, self._forks = self._forks, CLOSED
        if forks != _forks:  # the records are those of the process that this one was forked off
            self._file.abandon()
            return
        with self._lock:
            try:
                self._file.flush()
            finally:
                facts = self._facts()
                self._file.close()
        self._record(facts)

    def _facts(self) -> Facts | None:
        """What is known of the file without reading it; None where others wrote to it, or it is another by now."""
        if self._prepared is None:
            return None
        with self._run.session.guard(f"records of {self.path.name}", ours=True):
            file = self._file
            size = file.size()
            if not file.is_alone or size != file.end or self.path.lstat().st_ino != file.inode():
                self._tally.give_up()
                return None
            return self._tally.facts(self.path, size=size, text=file.text, packed=file.packed_digest)
        return None

    def _record(self, facts: Facts | None) -> None:
        if self._prepared is not None:
            with self._run.session.guard(f"records of {self.path.name}", ours=True):
                self._run.wrote(self.path, self._type, facts)
