"""A line on the terminal while something takes longer than a second: `reading 43 %, 1.2 GB of 2.8 GB`.  Nothing where stderr is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lineage.intake import Progress

PATIENCE = 1.0  # seconds before the line is shown
EACH = 0.1  # seconds between two


@contextmanager
def progress() -> Iterator[Progress | None]:
    """What is told of the bytes that were read; None where nobody would see it. The line is wiped at the end."""
    if not sys.stderr.isatty():
        yield None
        return
    line = _Line()
    try:
        yield line.show
    finally:
        line.wipe()


class _Line:
    """The line, and when it was shown last."""

    def __init__(self) -> None:
        self._next, self._is_shown = time.monotonic() + PATIENCE, False

    def show(self, done: int, total: int) -> None:
        """Show how far it is, if it is time to."""
        now = time.monotonic()
        if now >= self._next and total:
            self._next, self._is_shown = now + EACH, True
            sys.stderr.write(f"\r\x1b[Kreading {100 * done // total} %, {_size(done)} of {_size(total)}")
            sys.stderr.flush()

    def wipe(self) -> None:
        """Leave the terminal as it was."""
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
