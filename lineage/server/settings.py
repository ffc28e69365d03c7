"""What is served, where, and within which limits."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

from lineage.errors import UsageError

WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # addresses that mean all, and the one of them by which this machine reaches itself
TIMEOUT = 30.0  # seconds that a query may take
LARGEST = 64 << 20  # bytes of an answer; it is held in memory until it is whole
REQUEST = 1 << 20  # bytes of a query


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """*place*: a folder or a PROV file. *store*: the graph is kept there, and brought up to date from *place*; without one it is served as it is."""

    place: Path | None = None
    store: Path | None = None
    recursive: bool = False
    host: str = "127.0.0.1"
    port: int = 0  # 0: any that is free; else that one, or the next that is free
    timeout: float = TIMEOUT
    largest: int = LARGEST
    at_once: int = 4  # queries that are computed at the same time; others wait, within their own time
    cors: tuple[str, ...] = ()  # origins whose pages may ask /sparql; "*" is any

    def __post_init__(self) -> None:
        if not self.host.strip():  # the system would take it for every address that there is
            raise UsageError(
                "the address to listen on is empty", at="--host", hint="127.0.0.1 is this machine alone, 0.0.0.0 every address that it has"
            )

    @property
    def taken(self) -> tuple[int, ...]:
        """The errors that say that another program has the port, or that it is not ours to have."""
        return errno.EADDRINUSE, errno.EACCES
