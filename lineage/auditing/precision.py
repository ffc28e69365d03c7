"""The rule about adapters: each is used on the base that it was trained on, at the precision of its training."""

from __future__ import annotations

from collections.abc import Iterator

from lineage.auditing.world import Found, World, called
from lineage.comparison.precision import adapter_uses
from lineage.facts import Evaluation


def other_base(world: World) -> Iterator[Found]:
    """Every evaluation and generation with an adapter uses the base of its training, as that was loaded."""
    places = {session.id: place for place, session in world.placed}
    for use in adapter_uses(session for _, session in world.placed):
        if use.differing:
            scores = ", ".join(use.run.metrics) if isinstance(use.run, Evaluation) else ""
            concerned = f"; concerns score {scores}" if scores else ""
            detail = f"{called(use.run)}: {use}{concerned}"
            home = world.home(use.session, use.run)
            about = (world.ids.run(use.run.id),)
            yield world.found("other-base", places[use.session.id], use.session, home, detail=detail, about=about)
