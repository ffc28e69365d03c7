"""Rules about loaded models: was each clean, and can it be loaded again?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lineage.auditing.world import Found, World, called
from lineage.facts import ModelLoad, Session

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def sentinels_not_passed(world: World) -> Iterator[Found]:
    """Every load says that its sentinels passed; that they were not run is no pass."""
    yield from _unless(world, "sentinels-not-passed", "sentinel_tests_passed", True, "they failed")


def template_not_disabled(world: World) -> Iterator[Found]:
    """Every load says that the chat template was off."""
    yield from _unless(world, "template-not-disabled", "template_disabled", True, "it was on")


def special_tokens_added(world: World) -> Iterator[Found]:
    """Every load says that no special tokens were added."""
    yield from _unless(world, "special-tokens-added", "add_special_tokens", False, "")


def unpinned_revision(world: World) -> Iterator[Found]:
    """The model is named by a commit, or by the digest of each of its files."""
    for place, session, load in world.loads():
        revision = load.provenance.get("revision")
        by_commit = isinstance(revision, str) and bool(COMMIT.fullmatch(revision))
        by_content = bool(load.used) and all(one.sha256 for one in load.used)
        if not by_commit and not by_content and not isinstance(load.provenance.get("files"), dict):
            yield _told(world, "unpinned-revision", place, session, load, f"revision {revision}" if revision else "no revision")


def _unless(world: World, code: str, key: str, good: bool, bad: str) -> Iterator[Found]:
    for place, session, load in world.loads():
        value = load.provenance.get(key)
        if value is not good:
            yield _told(world, code, place, session, load, bad if isinstance(value, bool) else f"{key} was not recorded")


def _told(world: World, code: str, place: Path, session: Session, load: ModelLoad, detail: str) -> Found:
    model = load.provenance.get("model_name") or "a model"
    said = f"{called(load)} of {model}{f': {detail}' if detail else ''}"
    return world.found(code, place, session, world.home(session, load), detail=said, about=(world.ids.run(load.id),))
