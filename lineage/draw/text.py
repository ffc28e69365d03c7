"""Texts of a picture: how wide they are, cut to fit, and free of what could turn the text around them.

Widths are DejaVu Sans's, the widest of the fonts that are asked for: what fits in it fits in the others.
"""

from __future__ import annotations

import re

# Thousandths of the font size, for the characters from space to tilde.
_ASCII = (
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337,
    838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989,
    685, 611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521,
    392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
)  # fmt: skip
_OTHER, _WIDE = 700, 1000  # any other character; one of the East Asian scripts, or a picture
LONGEST = 4000  # characters of a text that are looked at: no label is longer when it is measured
_ILLEGAL = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")  # a terminal obeys C1
# Marks that turn the text around them, and letters that take no place; \u200c and \u200d shape words.
_NO_PLACE = "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
_UNSEEN = re.compile(f"[{_NO_PLACE}]")
NOT_PLAIN = re.compile(f"[\x7f-\x9f\u2028\u2029{_NO_PLACE}]")  # what JSON may hold as it is, and a reader of the file cannot see


def clean(value: str) -> str:
    """*value* on one line: what XML 1.0 forbids and control characters as U+FFFD, unseen letters away."""
    return " ".join(_UNSEEN.sub("", _ILLEGAL.sub("\ufffd", value[:LONGEST])).split())


def width(value: str, size: float) -> float:
    """Pixels of *value* at a font size of *size* pixels."""
    return sum(map(_thousandths, value)) * size / 1000


def _thousandths(letter: str) -> int:
    code = ord(letter)
    if 32 <= code < 127:
        return _ASCII[code - 32]
    return _WIDE if 0x1100 <= code <= 0x115F or 0x2E80 <= code <= 0xA4CF or 0xAC00 <= code <= 0xD7A3 or code >= 0xF900 else _OTHER


def fitted(value: str, size: float, longest: float) -> str:
    """*value* if it is at most *longest* pixels wide; else its beginning and its end, which tell files apart."""
    if width(value, size) <= longest:
        return value
    head, tail = "", ""
    room = longest - width("…", size)
    for front, back in zip(value, reversed(value), strict=True):
        if width(head + front + tail, size) > room:
            break
        head += front
        if width(head + back + tail, size) > room:
            break
        tail = back + tail
    return f"{head.rstrip()}…{tail.lstrip()}"
