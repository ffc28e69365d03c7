"""A JSON text as few letters of a page: digests aside, the rest compressed, and all of it written in 85 letters.

Hexadecimal digits do not compress: each run of `LENGTHS` digits is taken out of the text, once, as bytes; a letter of `MARKS` stands for it, and a list
says which one each letter means (0: the next new one; n: the one that was met n different ones ago). viewer/press.js is the way back: change both.
"""

from __future__ import annotations

import re
import zlib

LENGTHS = (64, 40, 32, 12)  # digits of a SHA-256, a commit, an id of a run, the end of a session's id
MARKS = "\ue000\ue001\ue002\ue003"  # private letters; where a text has them, it is not taken apart
# Letters that are safe in a script block, and need no escape: none of them means anything to HTML.
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%()*+-;=?@^_{|}~,.:["
RECENT = 4096  # digests that are looked back through; one from before is stored again
_RUNS = re.compile("|".join(rf"(?<![0-9a-f])[0-9a-f]{{{length}}}(?![0-9a-f])" for length in LENGTHS))


def pressed(text: str) -> str:
    """*text* in `LETTERS`: how long each part is, then the parts."""
    marked, refs, digests = _taken_apart(text)
    parts = [
        _compressed(marked.encode("utf-8", "surrogatepass")),
        _compressed(" ".join(map(str, refs)).encode()),
        digests,
    ]
    head = b"".join(len(part).to_bytes(4, "big") for part in parts)
    return in_letters(head + b"".join(parts))


def _compressed(data: bytes) -> bytes:
    """As gzip. Columns of numbers change every few thousand letters: short blocks, and no matches of three letters, make them 4 % smaller."""
    made = zlib.compressobj(9, zlib.DEFLATED, wbits=31, memLevel=6, strategy=zlib.Z_FILTERED)
    return made.compress(data) + made.flush()


def _taken_apart(text: str) -> tuple[str, list[int], bytes]:
    if any(mark in text for mark in MARKS):
        return text, [], b""
    refs: list[int] = []
    found: list[bytes] = []
    recent: dict[str, None] = {}  # the newest last

    def mark(run: re.Match[str]) -> str:
        digits = run[0]
        if digits in recent:
            refs.append(_ago(recent, digits))
            del recent[digits]
        else:
            refs.append(0)
            found.append(bytes.fromhex(digits))
        recent[digits] = None
        if len(recent) > RECENT:
            del recent[next(iter(recent))]
        return MARKS[LENGTHS.index(len(digits))]

    return _RUNS.sub(mark, text), refs, b"".join(found)


def _ago(recent: dict[str, None], digits: str) -> int:
    return next(n for n, one in enumerate(reversed(recent), 1) if one == digits)


def in_letters(data: bytes) -> str:
    """Each four bytes as five letters; the end is filled with zeros, and the number of them comes first."""
    fill = -len(data) % 4
    padded = data + b"\0" * fill
    made = [LETTERS[fill]]
    for at in range(0, len(padded), 4):
        value = int.from_bytes(padded[at : at + 4], "big")
        five = []
        for _ in range(5):
            value, digit = divmod(value, 85)
            five.append(LETTERS[digit])
        made.append("".join(reversed(five)))
    return "".join(made)
