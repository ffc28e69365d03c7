"""Recording never breaks the run: what goes wrong in our own writing is told once, kept as a gap, and the experiment goes on.

A wrong call by the user (a `LineageError`) still raises: it shows at once, and no disk is to blame for it.
"""

from __future__ import annotations

import logging
from types import TracebackType

from lineage.errors import LineageError
from lineage.facts import Gap

logger = logging.getLogger("lineage")


class Guard:
    """`with guard("the manifest"):` swallows no error: it logs the first about each thing, and keeps it in `gaps`."""

    def __init__(self) -> None:
        self._gaps: dict[str, str] = {}
        self._about: list[str] = []

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be recorded, and why."""
        return tuple(Gap(about, reason) for about, reason in self._gaps.items())

    def tell(self, about: str, reason: str) -> None:
        """Say once, by `logging`, that something is not recorded."""
        if about not in self._gaps:
            self._gaps[about] = reason
            logger.warning("lineage: %s not recorded: %s; the run goes on", about, reason)

    def __call__(self, about: str) -> Guard:
        self._about.append(about)
        return self

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        about = self._about.pop()
        if not isinstance(error, Exception) or isinstance(error, LineageError):
            return False
        self.tell(about, _reason(error))
        return True


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return f"{type(error).__name__}: {error}"
