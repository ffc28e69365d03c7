"""Name the kinds of secrets in a file: a patch, a PROV document, a page."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lineage.core.secrets.text import places

CHUNK = 1 << 20  # bytes that are looked at together
OVERLAP = 1 << 13  # bytes of the chunk before that are looked at again: a secret may lie across the border
MAX_BYTES = 16 << 20  # bytes; more is not searched, for it would take seconds
TOO_LARGE = f"not searched: larger than {MAX_BYTES} bytes"
# A file in a patch as base 85 (git-diff, --binary): no secret can be read there, and chance makes shapes.
_BINARY = re.compile(rb"^(?:literal|delta) [0-9]+\n(?:[A-Za-z][!-~]{5,}\n)+", re.MULTILINE)


def kinds(data: bytes | str) -> tuple[str, ...]:
    """Return the kinds of secrets that *data* holds, sorted.

    Values count by their names only where they are literals, as in code most are not.

    Args:
        data: UTF-8 text, a patch say; time and memory are bounded. Over 16 MiB nothing is searched,
            and the answer says that.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > MAX_BYTES:
        return (TOO_LARGE,)
    text = _BINARY.sub(b"", raw) if b"GIT binary patch" in raw else raw
    return tuple(sorted({kind for part in _parts(text) for kind, _, _ in places(part, is_code=True)}))


def _parts(raw: bytes) -> Iterator[str]:
    for start in range(0, len(raw), CHUNK):
        yield raw[max(0, start - OVERLAP) : start + CHUNK].decode("utf-8", "replace")
