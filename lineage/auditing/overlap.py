"""Records that two files share: the same line, the same record of the same run, or the same question in other words of its file.

A line of one file counts once, however often the other holds it. What two files share is remembered by their digests.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from lineage.capture import files
from lineage.contract.lines import UnpackingError, numbered, text_of
from lineage.contract.metadata import ours

VERSION = "overlap 1"  # of what is remembered
ASKED = ("instruction", "prompt", "question", "input", "text")  # keys of what a record asks, the first that is there


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many of the *total* records of one file another holds too."""

    total: int
    lines: int  # as the same line
    records: int  # as the same record: run_id and record_index
    asked: int  # with the same question: NFKC, case folded, spaces as one
    any: int  # in one way or another


def overlap(one: Path, sha256: str, other: Path, other_sha256: str) -> Overlap:
    """How many records of *one* the file *other* holds. Raises OSError."""
    kept = files.Kept.of_bytes(other, VERSION, sha256, other_sha256)
    data = kept.read()
    if data is not None:
        return Overlap(**json.loads(data))
    found = _compared(one, other)
    kept.write(json.dumps(asdict(found)).encode())
    return found


def _compared(one: Path, other: Path) -> Overlap:
    asked: dict[tuple[str, bytes], set[int]] = defaultdict(set)
    total = 0
    for number, line in _lines(one):
        total += 1
        for key in _keys(line):
            asked[key].add(number)
    shared: dict[str, set[int]] = {"line": set(), "record": set(), "asked": set()}
    for _, line in _lines(other):
        for key in _keys(line):
            if key in asked:
                shared[key[0]] |= asked[key]
    lines, records, questions = shared.values()
    return Overlap(total, len(lines), len(records), len(questions), len(lines | records | questions))


def _keys(line: bytes) -> Iterator[tuple[str, bytes]]:
    """What a record may be known by: the way, and a digest of 16 bytes."""
    yield "line", _short(line)
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return
    if not isinstance(record, dict):
        return
    metadata = ours(record.get("metadata"))
    if isinstance(metadata.get("run_id"), str) and type(metadata.get("record_index")) is int:
        yield "record", _short(f"{metadata['run_id']} {metadata['record_index']}".encode("utf-8", "surrogatepass"))
    text = next((record[key] for key in ASKED if isinstance(record.get(key), str)), None)
    if text and text.strip():
        yield "asked", _short(" ".join(unicodedata.normalize("NFKC", text).casefold().split()).encode("utf-8", "surrogatepass"))


def _short(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with text_of(path) as file:
            for number, line in numbered(file):
                if line is not None and line.strip():
                    yield number, line.strip()
    except UnpackingError:  # the scan of the file tells of it
        return
