"""`lineage.audit`: a folder -> a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from lineage.auditing import reports, shacl, training
from lineage.auditing.artifacts import changed_lines, renamed
from lineage.auditing.config import Config
from lineage.auditing.graphs import prov_files
from lineage.auditing.impact import Downstream
from lineage.auditing.report import Audit, Remark
from lineage.auditing.rules import RULES
from lineage.auditing.world import Found, World
from lineage.contract.redacted import is_redacted
from lineage.facts import Artifact, Session
from lineage.folder import How
from lineage.intake import Progress
from lineage.unrecorded import orphans

_AS_FILES = ("altered-file", "missing-file", "unreadable")  # found in reading; what came from the file is doubtful


def audit(
    folder: Path | str = "artifacts",
    *,
    config: Config = Config(),  # noqa: B008  # it is frozen
    recursive: bool = False,
    recheck: bool = False,
    jobs: int = 1,
    shapes: bool = False,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> Audit:
    """Hold the records of *folder* against the world, and say what does not hold, what that makes doubtful, and what was not checked.

    Args:
        config: what is selected, ignored and suppressed; everything by default. recursive: sessions in folders inside *folder* too.
        recheck: read every file, even one that did not change since it was read last. jobs: processes that read files of records.
        shapes: check the graph by SHACL too (needs the extra `audit`). now: what counts as the present; the clock's time by default.

    Raises:
        NotFoundError: no such folder. UsageError: *shapes* without pySHACL.
    """
    at = now or datetime.now(UTC)
    world = World.of(Path(folder), How(recheck=recheck, jobs=jobs, progress=progress), at, recursive=recursive)
    every = [*_read(world), *_asked(world, config)]
    known = {one.finding.code for one in every}
    every += [one for one in shacl.findings(world) if one.finding.code not in known] if shapes else []
    wanted = [one for one in every if config.wants(one.finding.code)]
    ignored = Counter(one.finding.code for one in every if not config.wants(one.finding.code))
    return Audit(
        folder=str(folder),
        at=at.isoformat(timespec="seconds"),
        config=config,
        remarks=tuple(_remarks(world, wanted, config)),
        ignored=tuple(sorted(ignored.items())),
        checked=tuple(_checked(world, shapes)),
        unchecked=tuple(_unchecked(world)),
        world=world,
    )


def _read(world: World) -> Iterator[Found]:
    """What whoever read the files found, with the things it is about. A file from before there was metadata has a rule of its own, and the sidecar of
    an altered file is no fault: it names the lines."""
    named = _files(world)
    altered = {one.file for one in world.read if one.code == "altered-file"}
    scanned = (one for taken in world.taken.values() for one in taken.scan.findings)
    for one in dict.fromkeys((*world.read, *scanned)):
        there = named.get(one.file, ())
        if one.code == "no-metadata" and any(artifact.type == "legacy" for _, _, artifact in there):
            continue
        if one.code == "other-sidecar" and one.file in altered:
            continue
        session = next((session for _, session, _ in there), None)
        about = tuple(name for _, told, artifact in there for name in world.about(told, artifact)) if one.code in _AS_FILES else ()
        more = next(filter(None, (_detail(world, one.code, place, artifact) for place, _, artifact in there)), "")
        found = replace(one, message=f"{one.message}; {more}") if more else one
        yield Found(found, session.id if session else None, tuple(dict.fromkeys(about)))


def _detail(world: World, code: str, place: Path, artifact: Artifact) -> str:
    """Which lines of an altered file changed; what a file that is gone is called now."""
    if code == "altered-file":
        return changed_lines(world, place, artifact)
    return renamed(world, artifact) if code == "missing-file" and artifact.sha256 else ""


def _files(world: World) -> dict[str, list[tuple[Path, Session, Artifact]]]:
    """Every file that a session speaks of, by the name that findings call it."""
    named: dict[str, list[tuple[Path, Session, Artifact]]] = {}
    for place, session in world.placed:
        for artifact in (*session.artifacts, *(used for run in session.activities for used in run.used)):
            named.setdefault(world.name(place, artifact.path), []).append((place, session, artifact))
    return named


def _asked(world: World, config: Config) -> Iterator[Found]:
    """What the rules find; one of which no code is wanted is not asked, unless it can find what other codes name."""
    shared = ("naive-time", "derivation-cycle", "prov-stale")
    for check in RULES:
        if check.find and (config.wants(check.code) or check.code in shared):
            yield from check.find(world)


def _remarks(world: World, found: Sequence[Found], config: Config) -> list[Remark]:
    """Each finding once, in a fixed order, with its consequences and the reason why it is accepted."""
    downstream, told = Downstream(world), {}
    for one in found:
        key = (one.finding.file, one.finding.line or 0, one.finding.code, one.finding.message)
        if key not in told:
            told[key] = Remark(one.finding, one.session, downstream.of(one.about), config.reason(one.finding))
    return [told[key] for key in sorted(told)]


def _checked(world: World, shapes: bool) -> Iterator[tuple[str, int]]:
    yield "sessions", len(world.manifests)
    yield "activities", sum(len(session.activities) for _, session in world.placed)
    yield "files that sessions speak of", len(_files(world))
    yield "files of records, by their lines", len(world.taken)
    yield "records", sum(one.scan.count for one in world.taken.values())
    yield "reports", len(world.reports)
    yield "PROV files", sum(1 for place, session in world.placed for _ in prov_files(world, place, session))
    if shapes:
        yield "SHACL shapes", len(shacl.codes())


def _unchecked(world: World) -> Iterator[tuple[str, int | None, str]]:
    """What the audit does not vouch for, and why."""
    yield from (
        (what, count, why)
        for what, count, why in (
            ("numbers of reports", reports.unclaimed(world), "their results carry no verdict that they could be computed from"),
            (
                "pairs of test set and training data",
                _unlooked(world),
                "one of the two is not in the folder as it was recorded, or holds no records",
            ),
            (
                "redacted files",
                _redacted(world),
                "their manifest says that they are not here as they were recorded, so nobody compared them",
            ),
            ("files outside the folder", len(_outside(world)), "sessions used them; nothing outside the folder is read"),
            ("files beside the sessions", len(_others(world)), "no manifest names them, and they are neither records nor reports"),
            ("sessions without PROV files", _unexported(world), "they were not exported"),
        )
        if count
    )
    yield "signatures", None, "an audit holds the files against the manifests that it finds, and takes these for what they say"
    yield "commits", None, "whether they exist in a repository is not asked"


def _unlooked(world: World) -> int:
    every = training.pairs(world)
    return sum(one.test.artifact.sha256 != one.data.artifact.sha256 and not training.comparable(world, one) for one in every)


def _others(world: World) -> list[Path]:
    named = _files(world)
    places = dict.fromkeys([world.folder, *(place for place, _ in world.placed)])
    return [path for place in places for path in orphans(place, ()) if world.name(place, path.name) not in named]


def _redacted(world: World) -> int:
    return sum(any(is_redacted(artifact) for _, _, artifact in named) for named in _files(world).values())


def _outside(world: World) -> set[str]:
    used = {(place, one.path) for place, session in world.placed for run in session.activities for one in run.used}
    return {world.name(place, path) for place, path in used if not world.is_inside(place / path)}


def _unexported(world: World) -> int:
    return sum(not any(True for _ in prov_files(world, place, session)) for place, session in world.placed)
