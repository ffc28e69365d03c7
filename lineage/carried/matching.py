"""Find the line of an input from which a record was carried over.

A record is found by the same bytes, else by `run_id` and `record_index`, else by `run_id` and time, else by its content
without metadata. The lines of a file are known by arrays of numbers, so a million of them take some ten MB; a line itself
is read when it is compared.
"""

from __future__ import annotations

import os
import random
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from lineage.carried.originals import Source
from lineage.contract.lines import UnpackingError, is_compressed, opened, stretches
from lineage.contract.slices import Slices, key_of
from lineage.facts import Json
from lineage.integrity.index import Leaves
from lineage.integrity.lines import HELD, metadata_of, record_in
from lineage.merkle import FINGERPRINT, leaf_hash

MOST = 64  # lines with one identity that are compared; more are hostile, and none of them is chosen
SCANNED = 16  # lookups by a scan of the array, before a table is built
_MASK = (1 << 64) - 1
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Original:
    """The line that holds a record in a file that the run used."""

    source: Source
    line: int
    data: bytes  # without its line ending
    record: Json


@dataclass(frozen=True, slots=True)
class Match:
    """The result for one record.

    Attributes:
        originals: One line for each file that holds the record equally well; the first in the order of use.
        is_ambiguous: True if several lines fit, and nothing tells which it was.
    """

    originals: tuple[Original, ...] = ()
    is_ambiguous: bool = False


class Table:
    """The places of 64-bit keys in an array: a chained hash table made of arrays."""

    def __init__(self, keys: array[int]) -> None:
        self._keys = keys
        bits = max(len(keys), 2).bit_length()
        self._shift, self._factor = 64 - bits, random.getrandbits(64) | 1  # against chosen keys
        self._heads, self._nexts = array("q", [-1]) * (1 << bits), array("q", [-1]) * len(keys)
        heads, nexts, factor, shift = self._heads, self._nexts, self._factor, self._shift
        for place in range(len(keys) - 1, -1, -1):
            slot = (keys[place] * factor & _MASK) >> shift
            nexts[place], heads[slot] = heads[slot], place

    def places(self, key: int) -> Iterator[int]:
        """Yield each place of *key*, in order."""
        place = self._heads[(key * self._factor & _MASK) >> self._shift]
        while place >= 0:
            if self._keys[place] == key:
                yield place
            place = self._nexts[place]


class Lines:
    """The lines of one input, found by their bytes, their identity or their content."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.is_ready = False  # False: the file cannot be looked through
        self._offsets, self._prints = array("Q"), array("Q")
        self._held: bytes | None = None
        self._descriptor: int | None = None
        self._end = 0
        self._scans = 0
        self._by_print: Table | None = None
        self._by_key: dict[bool, tuple[Table, array[int]]] = {}
        with suppress(OSError, UnpackingError):
            self._read(source.path)

    def __del__(self) -> None:
        if getattr(self, "_descriptor", None) is not None:
            os.close(self._descriptor or 0)

    def _read(self, path: Path) -> None:
        packed = bytearray() if is_compressed(path) else None
        with opened(path) as (file, digested):
            leaves = Leaves(self._put)
            for stretch in stretches(file):
                leaves.take(stretch)
                self._end = stretch.offset + len(stretch.data)
                if packed is not None:
                    if self._end > HELD:
                        return
                    packed += stretch.data
            leaves.finish()
        if digested.digest.hexdigest() == self.source.sha256:
            self._held = None if packed is None else bytes(packed)
            self._descriptor = os.open(path, os.O_RDONLY) if packed is None else None
            self.is_ready = True

    def _put(self, rows: bytes) -> None:
        size = 8 + 32
        for at in range(0, len(rows), size):
            self._offsets.append(int.from_bytes(rows[at : at + 8], "little"))
            self._prints.append(int.from_bytes(rows[at + 8 : at + 8 + FINGERPRINT], "little"))

    def line(self, number: int) -> bytes:
        """Return a line, counted from 1, without its ending."""
        start = self._offsets[number - 1]
        end = self._offsets[number] if number < len(self._offsets) else self._end
        if self._held is not None:
            data = self._held[start:end]
        else:
            data = os.pread(self._descriptor or 0, end - start, start) if self._descriptor is not None else b""
        text = data.rstrip(b"\r\n")
        return text.removeprefix(BOM) if number == 1 else text

    def same(self, data: bytes) -> int:
        """Return the first line with these bytes, whatever its ending; 0 for none."""
        for ending in (b"\n", b"\r\n", b""):
            for number in self._printed(int.from_bytes(leaf_hash(data + ending)[:FINGERPRINT], "little")):
                if self.line(number) == data:
                    return number
        return 0

    def _printed(self, value: int) -> Iterator[int]:
        if self._by_print is None and self._scans < SCANNED:
            self._scans += 1
            with suppress(ValueError):
                yield self._prints.index(value) + 1
            return
        self._by_print = self._by_print or Table(self._prints)
        yield from (place + 1 for place in self._by_print.places(value))

    def identified(self, key: int, *, by_content: bool) -> Iterator[Original]:
        """Yield the records with this identity or content, in order; at most MOST + 1."""
        table, numbers = self._table(by_content=by_content)
        for count, place in enumerate(table.places(key)):
            data = self.line(numbers[place])
            record = record_in(data)
            if record is not None:
                yield Original(self.source, numbers[place], data, record)
            if count == MOST:
                return

    def _table(self, *, by_content: bool) -> tuple[Table, array[int]]:
        if by_content not in self._by_key:
            keys, numbers = array("Q"), array("Q")
            for number in range(1, len(self._offsets) + 1):
                record = record_in(self.line(number))
                key = None if record is None else content_key(record) if by_content else identity_key(record)
                if key is not None:
                    keys.append(key)
                    numbers.append(number)
            self._by_key[by_content] = Table(keys), numbers
        return self._by_key[by_content]


def identity(record: Json) -> tuple[object, ...] | None:
    """Return what tells a record from others: its run with its number, else with its time; None where it has neither."""
    metadata = metadata_of(record)
    run_id, number, time = metadata.get("run_id"), metadata.get("record_index"), metadata.get("timestamp")
    if isinstance(run_id, str) and type(number) is int and number >= 0:
        return ("number", run_id, number)
    return ("time", run_id if isinstance(run_id, str) else None, time) if isinstance(time, str) else None


def identity_key(record: Json) -> int | None:
    """Return the identity as a number of 64 bits."""
    found = identity(record)
    return None if found is None else hash(found) & _MASK


def body(record: Json) -> bytes:
    """Return the content without the metadata, equal for equal JSON."""
    return key_of({key: value for key, value in record.items() if key != "metadata" or not metadata_of(record)})


def content_key(record: Json) -> int:
    """Return the content without the metadata, as a number of 64 bits."""
    return hash(body(record)) & _MASK


def edited(record: Json, origin: Json) -> tuple[str, ...]:
    """The keys whose values are not those of the origin as JSON (1 is not true), those that are new or gone too."""
    told, before = ({key: key_of({key: value}) for key, value in one.items()} for one in (record, origin))
    return tuple(sorted(key for key in told | before if told.get(key) != before.get(key)))


def edited_by_run(data: bytes, record: Json, original: Original, *, is_own: bool) -> tuple[str, ...]:
    """Return the keys that a run changed; the metadata that its writer added to a record of its own are no change."""
    if original.data == data:
        return ()
    return tuple(name for name in edited(record, original.record) if not (is_own and name == "metadata"))


@dataclass(slots=True)
class Matcher:
    """Finds records in the files that a run used.

    Attributes:
        sources: The files, in the order of use.
        own: Ids of the runs that wrote the file: their records were made there.
        has_all: False if the run used other files of records, which cannot be read.
    """

    sources: Sequence[Source]
    own: frozenset[str] = frozenset()
    has_all: bool = True
    _lines: list[Lines] | None = field(default=None)
    _slices: dict[str, Slices] = field(default_factory=dict)

    @property
    def lines(self) -> list[Lines]:
        """The inputs that could be read."""
        if self._lines is None:
            self._lines = [one for one in map(Lines, self.sources) if one.is_ready]
        return self._lines

    @property
    def is_complete(self) -> bool:
        """Whether every input could be read."""
        return len(self.lines) == len(self.sources)

    def is_own(self, record: Json) -> bool:
        """Return whether the record names a run that wrote this file."""
        return metadata_of(record).get("run_id") in self.own

    def slice_line(self, original: Original) -> int | None:
        """Return the first line of the slice that holds a record in its file; None where no slice of the file is known."""
        slices = [one for one in original.source.artifact.slices or () if one.lines]
        if original.source.sha256 not in self._slices:
            self._slices[original.source.sha256] = Slices(slices)
        lookup = self._slices[original.source.sha256]
        number = lookup.number(metadata_of(original.record), original.line)
        return None if number is None else slices[number].lines[0][0]

    @property
    def is_certain(self) -> bool:
        """Whether the record of a line can only be in an input that was read."""
        return self.has_all and self.is_complete

    def match(self, data: bytes, record: Json) -> Match:
        """Find the record of a line; *data* is the line without its ending.

        An input that cannot be read may hold the very record, so an edited one is no match then.
        """
        found = self._match(data, record)
        if self.is_certain:
            return found
        own = self.is_own(record)
        return replace(found, originals=tuple(one for one in found.originals if not edited_by_run(data, record, one, is_own=own)))

    def _match(self, data: bytes, record: Json) -> Match:
        same = [Original(one.source, number, data, record) for one in self.lines if (number := one.same(data))]
        if len(same) == len(self.lines):
            return Match(tuple(same))
        found = self._by_content(data, record)
        if not same:
            return found
        there, mine = {one.source.sha256: one for one in (*found.originals, *same)}, key_of(record)
        ordered = (there[one.source.sha256] for one in self.lines if one.source.sha256 in there)
        return Match(tuple(one for one in ordered if one.data == data or key_of(one.record) == mine))

    def _by_content(self, data: bytes, record: Json) -> Match:
        """Find the record by its identity, else by its content."""
        named = None if self.is_own(record) else identity(record)
        if named is not None:
            found = _chosen(self._candidates(hash(named) & _MASK, named), data, record)
            if found.originals or found.is_ambiguous or named[0] == "number":
                return found
        content = body(record)
        alike = (one for one in self._candidates(hash(content) & _MASK, None) if body(one.record) == content)
        return _chosen([one for one in alike if _may_be(one.record, record)], data, record)

    def _candidates(self, key: int, named: tuple[object, ...] | None) -> list[Original]:
        found = [one for lines in self.lines for one in lines.identified(key, by_content=named is None)]
        return found if named is None else [one for one in found if identity(one.record) == named]


def _may_be(origin: Json, record: Json) -> bool:
    """Return whether records of equal content may be one record: not where both say that they are two."""
    return not (metadata_of(origin) and metadata_of(record)) or identity(origin) is None or identity(record) is None


def _chosen(found: list[Original], data: bytes, record: Json) -> Match:
    """Choose among lines with one identity: the same bytes, the same JSON, all alike, one alone, the same time."""
    if not found:
        return Match()
    if len(found) > MOST:
        return Match(is_ambiguous=True)
    mine = key_of(record)
    same = [one for one in found if one.data == data or key_of(one.record) == mine]
    if same or len({key_of(one.record) for one in found}) == 1:
        return Match(_first_of_each(same or found))
    time = metadata_of(record).get("timestamp")
    then = [one for one in found if time is not None and metadata_of(one.record).get("timestamp") == time]
    if then and len({key_of(one.record) for one in then}) == 1:
        return Match(_first_of_each(then))
    return Match(is_ambiguous=True)


def _first_of_each(found: Iterable[Original]) -> tuple[Original, ...]:
    first: dict[str, Original] = {}
    for one in found:
        first.setdefault(one.source.sha256, one)
    return tuple(first.values())
