"""Recording never breaks the run: what goes wrong in our own writing is told once, kept as a gap, and the experiment goes on.

A wrong call by the user (a `LineageError`) still raises: it shows at once, and no disk is to blame for it.
So does what a signal handler of the program raises, whatever it interrupts.
"""

from __future__ import annotations

import logging
from types import TracebackType

from lineage.core import secrets
from lineage.core.handlers import is_of_handler
from lineage.errors import LineageError
from lineage.facts import Gap

logger = logging.getLogger("lineage")


class Guard:
    """`with guard("the manifest"):` swallows no error: it keeps each in `gaps`, and tells the user of the first (of the rest at INFO)."""

    def __init__(self) -> None:
        self._gaps: dict[str, str] = {}

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be recorded, and why."""
        return tuple(Gap(about, reason) for about, reason in self._gaps.items())

    def tell(self, about: str, reason: str) -> None:
        """Say, by `logging`, that something is not recorded: a full disk is told once, not once for each file on it."""
        if about not in self._gaps:
            reason = secrets.redact(reason)
            level = logging.INFO if self._gaps else logging.WARNING
            self._gaps[about] = reason
            logger.log(
                level, "lineage: %s not recorded: %s; the run goes on, and what more is not recorded stands in its gaps", about, reason
            )

    def __call__(self, about: str, *, ours: bool = False) -> Attempt:
        """What is being recorded; *ours*: a LineageError inside is no fault of the user's call either."""
        return Attempt(self, about, ours)


class Attempt:
    """One thing that is being recorded, by whichever thread."""

    def __init__(self, guard: Guard, about: str, ours: bool) -> None:
        self._guard, self._about, self._ours = guard, about, ours

    def __enter__(self) -> Attempt:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if not isinstance(error, Exception) or (isinstance(error, LineageError) and not self._ours) or is_of_handler(error):
            return False
        self._guard.tell(self._about, _reason(error))
        return True


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return f"{type(error).__name__}: {error}"
