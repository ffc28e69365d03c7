"""Read the journals of a folder that may come from a stranger: line by line, in bounded memory, each as it is now.

A journal is opened without following a link, so that a pipe or a device neither blocks nor answers. It is opened anew for each
block, so that a session of thousands of processes needs no thousands of descriptors.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge
from pathlib import Path
from typing import Any

from lineage.contract.strict import loads
from lineage.core.reading import open_plain
from lineage.findings import Finding, finding

Event = Mapping[str, Any]
BLOCK = 1 << 16  # bytes; thousands of journals are merged at once
MAX_LINE = 64 << 20  # bytes; no event of ours is as long
LIMIT = 20  # findings of one journal that are named
KEYS = {"activity": "id", "artifact": "file"}  # what an event must name to be folded
KINDS = (*KEYS, "session", "process", "left")


@dataclass(slots=True, eq=False)
class JournalStream:
    """A journal as it was when it was looked at; what is appended later is not read.

    Attributes:
        identity: Device and inode.
        size: Bytes that are read.
        mark: The process that wrote it; None if it does not say.
        has_left: Whether that process said that it had ended.
        last_order: The highest order of its events.
        findings: Lines that cannot be folded.
    """

    path: Path
    identity: tuple[int, int]
    size: int
    mark: dict[str, Any] | None = None
    has_left: bool = False
    last_order: int = 0
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def look(cls, path: Path) -> JournalStream:
        """Read a journal once, for what it says of its process.

        Raises:
            OSError: It is no regular file, or cannot be read.
        """
        descriptor = open_plain(path)
        try:
            seen = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        stream = cls(path, (seen.st_dev, seen.st_ino), seen.st_size)
        for number, problem, event in stream._lines():
            if problem and len(stream.findings) < LIMIT:
                stream.findings.append(finding("torn-journal", path.name, number, problem))
            if event:
                stream._hear(event)
        return stream

    def events(self) -> Iterator[Event]:
        """Return the events again, each with an order that is not below the one before it."""
        order = 0
        for _, _, event in self._lines():
            if event:
                own = event.get("order")
                order = max(order, own) if type(own) is int else order
                yield {**event, "order": order}

    def is_unchanged(self) -> bool:
        """Return whether the journal is still the file that was read, and nothing was appended."""
        try:
            seen = self.path.lstat()
        except OSError:
            return False
        return (seen.st_dev, seen.st_ino, seen.st_size) == (*self.identity, self.size)

    def _hear(self, event: Event) -> None:
        own = event.get("order")
        self.last_order = max(self.last_order, own) if type(own) is int else self.last_order
        self.has_left = self.has_left or event["event"] == "left"
        body = event.get("process")
        if event["event"] == "session" and isinstance(event.get("session"), dict):
            body = event["session"].get("process")  # how owners told it before journals began with it
        if self.mark is None and isinstance(body, dict):
            self.mark = body

    def _lines(self) -> Iterator[tuple[int, str, Event | None]]:
        """Number, problem and event of each line that is not blank."""
        for number, line in enumerate(self._texts(), 1):
            if line is None:
                yield number, f"longer than {MAX_LINE} bytes", None
            elif line.strip():
                value, problems = loads(line)
                problem = _problem(value)
                yield number, problems[0][1] if problems else problem, None if problem else value

    def _texts(self) -> Iterator[bytes | None]:
        """Each line without its newline; None for one that is too long."""
        rest: list[bytes] = []
        length = 0
        for block in self._blocks():
            *lines, last = block.split(b"\n")
            for text in lines:
                yield b"".join((*rest, text)) if length + len(text) <= MAX_LINE else None
                rest, length = [], 0
            length += len(last)
            rest = [*rest, last] if length <= MAX_LINE else []
        yield b"".join(rest) if length <= MAX_LINE else None

    def _blocks(self) -> Iterator[bytes]:
        at = 0
        while at < self.size:
            descriptor = open_plain(self.path)
            try:
                seen = os.fstat(descriptor)
                if (seen.st_dev, seen.st_ino) != self.identity:
                    raise OSError(0, "it was replaced while it was read", str(self.path))
                block = os.pread(descriptor, min(BLOCK, self.size - at), at)
            finally:
                os.close(descriptor)
            if not block:
                raise OSError(0, "it was cut while it was read", str(self.path))
            at += len(block)
            yield block


def in_order(streams: Iterable[JournalStream], owner: object) -> Iterator[tuple[JournalStream, Event]]:
    """Return the events of several journals in the order in which they happened, each with its journal.

    The clocks of two machines cannot be compared: the machine of *owner*, the mark of the process that opened the session, comes
    last, and the others in the order of their journals.
    """
    machines: dict[str, list[JournalStream]] = {}
    for stream in streams:
        machines.setdefault(boot_of(stream.mark), []).append(stream)
    for boot in sorted(machines, key=lambda boot: boot == boot_of(owner)):
        yield from merge(*map(_paired, machines[boot]), key=lambda pair: int(pair[1]["order"]))


def boot_of(mark: object) -> str:
    """Return which start of which machine a process ran under; a mark of a stranger may be anything."""
    return str(mark.get("boot")) if isinstance(mark, dict) else ""


def _paired(stream: JournalStream) -> Iterator[tuple[JournalStream, Event]]:
    return ((stream, event) for event in stream.events())


def _problem(event: object) -> str:
    """Return why the value of a line cannot be folded; "" if it can."""
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        return "not an event"
    kind = event["event"]
    if kind not in KINDS:
        return f"an event of no known kind: {kind[:40]!r}"
    body, key = event.get(kind), KEYS.get(kind)
    is_described = isinstance(body, dict) and (key is None or isinstance(body.get(key), str))
    return "" if kind == "left" or is_described else f"the {kind} is not described"
