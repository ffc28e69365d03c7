"""Rules about loaded models: was each clean, and can it be loaded again?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lineage.auditing.provenance import is_told, loads_in, provenance_of
from lineage.auditing.world import Found, World, called
from lineage.consequences.policy import cause_of
from lineage.facts import Artifact, Json, ModelLoad, Session
from lineage.prov.statement import Name

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # SHA-1, or SHA-256 where a repository has it
DIGEST = re.compile(r"[0-9a-f]{64}")


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
    for one in configurations(world):
        revision = one.provenance.get("revision")
        by_commit = isinstance(revision, str) and bool(COMMIT.fullmatch(revision))
        by_content = bool(one.used) and all(file.sha256 for file in one.used)
        if not by_commit and not by_content and not _are_digests(one.provenance.get("files")):
            yield _told(world, "unpinned-revision", one, f"revision {revision}" if revision else "no revision")


def _are_digests(files: object) -> bool:
    return isinstance(files, dict) and bool(files) and all(isinstance(one, str) and DIGEST.fullmatch(one) for one in files.values())


def _unless(world: World, code: str, key: str, good: bool, bad: str) -> Iterator[Found]:
    for one in configurations(world):
        value = one.provenance.get(key)
        if value is not good:
            detail = bad if isinstance(value, bool) else f"{key} was not recorded"
            yield replace(_told(world, code, one, detail), cause=cause_of(code, is_recorded=isinstance(value, bool)))


def _told(world: World, code: str, one: Configuration, detail: str) -> Found:
    model = one.provenance.get("model_name") or "a model"
    said = f"{one.who} of {model}{f': {detail}' if detail else ''}"
    return world.found(code, one.folder, one.session, one.file, line=one.line, detail=said, about=one.about)


# --- what was loaded, by whomever says it


@dataclass(frozen=True, slots=True)
class Configuration:
    """What somebody says of a loaded model."""

    folder: Path
    session: Session
    file: str  # that says it
    line: int | None
    who: str  # says it
    provenance: Json
    about: tuple[Name, ...]  # what is doubtful if it is bad
    used: tuple[Artifact, ...] = ()


def configurations(world: World) -> Iterator[Configuration]:
    """Every load; and what records, reports and manifests say of models that no load tells of."""
    for folder, session, load in world.loads():
        about = (world.ids.run(load.id),)
        yield Configuration(folder, session, world.home(session, load), None, called(load), load.provenance, about, load.used)
    yield from _of_records(world)
    yield from _of_reports(world)
    yield from _of_manifests(world)


def _of_records(world: World) -> Iterator[Configuration]:
    for one in world.held:
        for part in world.slices(one):
            run = world.runs.get(part.run_id, (None, None))[1] if part.run_id else next(iter(one.makers), None)
            said = provenance_of(part.metadata)
            if is_told(said) and not (run and world.loads_of(run)):
                line, about = (part.lines[0][0] if part.lines else None), world.about(one.session, one.artifact)
                yield Configuration(one.folder, one.session, one.artifact.path, line, f"{part.count:,} records", said, about)


def _of_reports(world: World) -> Iterator[Configuration]:
    for one, report in world.reports:
        metadata = report.get("metadata")
        said = provenance_of(metadata) if isinstance(metadata, dict) else {}
        if is_told(said) and not world.loads_of(one.run):
            about = world.about(one.session, one.artifact)
            yield Configuration(one.folder, one.session, one.artifact.path, None, "an evaluation", said, about)


def _of_manifests(world: World) -> Iterator[Configuration]:
    """The `loader_config` of a session without a load that says the same."""
    for folder, session in world.placed:
        said = provenance_of(session.loader_config)
        loads = [run.provenance for run in session.activities if isinstance(run, ModelLoad)]
        if session.manifest and is_told(said) and not loads_in(session) and said not in loads:
            yield Configuration(folder, session, session.manifest, None, "loader_config", said, world.of_session(session))
