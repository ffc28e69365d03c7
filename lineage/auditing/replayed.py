"""A sample of records and results that a model made again: what came of it, in the report of an audit.

Who replays is above the audit, for it loads models (lineage/models/replay_sample.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lineage.auditing.world import Found, World

BIT, TOKEN, DIFFERS, IMPOSSIBLE = "bit-exact", "token-exact", "differs", "impossible"
LEVELS = (BIT, TOKEN, DIFFERS, IMPOSSIBLE)
LONGEST = 200  # letters of a reason


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one record, or of one result of a report.

    Attributes:
        file: Its file, by its path from the folder that is audited.
        line: The line of a record, from 1; of a result its number, from 1.
        is_result: It is a result of a report, and no record.
        level: One of LEVELS.
        detail: What differs, or why it cannot be made again.
    """

    file: str
    line: int
    is_result: bool
    level: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A sample, chosen by a seed among all records and results that name their run."""

    asked: int
    seed: int
    of: int
    outcomes: tuple[Outcome, ...]

    def json(self) -> dict[str, Any]:
        """With stable keys."""
        return {"asked": self.asked, "seed": self.seed, "of": self.of, "outcomes": [asdict(one) for one in self.outcomes]}


Replay = Callable[[World], Replayed]


def read(value: Mapping[str, Any]) -> Replayed:
    """Return what a report says that was replayed.

    Raises:
        KeyError, TypeError, ValueError: It has another shape.
    """
    outcomes = tuple(Outcome(str(one["file"]), int(one["line"]), bool(one["is_result"]), str(one["level"]), str(one["detail"])) for one in value["outcomes"])  # fmt: skip
    unknown = {one.level for one in outcomes} - set(LEVELS)
    if unknown:
        raise ValueError(f"levels of a replay: {', '.join(sorted(unknown))[:80]}")
    return Replayed(int(value["asked"]), int(value["seed"]), int(value["of"]), outcomes)


def findings(world: World, replayed: Replayed) -> Iterator[Found]:
    """Yield a finding for each record and result that came out otherwise."""
    made = {world.name(one.folder, one.artifact.path): one for one in world.made}
    for one in replayed.outcomes:
        if one.level == DIFFERS and one.file in made:
            place = f"results[{one.line - 1}]: " if one.is_result else ""
            yield world.told("replay-differs", made[one.file], f"{place}{one.detail}", line=None if one.is_result else one.line)


def checked(replayed: Replayed) -> Iterator[tuple[str, int]]:
    """Yield how many were made again, by what came of it."""
    counts = Counter(one.level for one in replayed.outcomes)
    sample = f"of a sample of {replayed.asked:,} of {replayed.of:,}, seed {replayed.seed}"
    yield from ((f"replayed {level} ({sample})", counts[level]) for level in LEVELS[:3] if counts[level])


def unchecked(replayed: Replayed) -> Iterator[tuple[str, int, str]]:
    """Yield how many could not be made again, by the reason."""
    reasons = Counter(one.detail[:LONGEST] for one in replayed.outcomes if one.level == IMPOSSIBLE)
    yield from (("records and results that could not be replayed", count, why) for why, count in sorted(reasons.items()))
