"""Files of records, read once: digest, Merkle root, slices, findings and sidecar, all from one pass.

A large file is read in parts, by as many processes as are asked for. The parts are the same whatever the number of processes, so the
results are the same bytes; what was found in a part is kept until the file is done, so a pass that was cut off goes on where it was.
What a file held is remembered as long as the file is the same.

    work      one file that is being read
    part      one part of it
    workers   other processes that read parts
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from lineage.intake.part import Step
from lineage.intake.work import Progress, Sidecars, Taken, Wanted, Work
from lineage.intake.workers import Workers

__all__ = ["Progress", "Sidecars", "Taken", "Wanted", "take_in"]


WORTH = 1 << 28  # bytes; less is read faster than other processes are started


def take_in(
    wanted: Sequence[Wanted], *, jobs: int = 1, recheck: bool = False, sidecars: Sidecars = "missing", progress: Progress | None = None
) -> Iterator[tuple[Wanted, Taken | OSError]]:
    """Read files of records, and give each with what was found, in order; one that cannot be read comes with its error.

    Args:
        jobs: processes. recheck: read what is remembered too. sidecars: which to write; one that is "missing" if nothing is said.
        progress: is told of bytes that were read, now and then.
    """
    works = [Work(one, recheck=recheck, sidecars=sidecars) for one in wanted]
    told = _Told(progress, sum(work.size for work in works))
    with ExitStack() as stack:
        for work in works:
            stack.enter_context(work)
        if jobs > 1 and sum(work.size for work in works if work.is_waiting) >= WORTH:
            workers = stack.enter_context(Workers(jobs - 1))
            for work in works:
                work.submit(workers, told.add)
        for one, work in zip(wanted, works, strict=True):
            yield one, work.taken(told.add)


@dataclass(slots=True)
class _Told:
    """Counts the bytes that were read."""

    progress: Progress | None
    total: int
    done: int = field(default=0)

    @property
    def add(self) -> Step:
        """What is told of bytes that were read."""
        return self._add if self.progress else lambda size: None

    def _add(self, size: int) -> None:
        self.done += size
        if self.progress:
            self.progress(min(self.done, self.total), self.total)
