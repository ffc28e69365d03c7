"""`lineage.audit`: a folder -> a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lineage.auditing import graphs as prov
from lineage.auditing import reports, shacl, signatures, training
from lineage.auditing.artifacts import changed_lines, in_words, renamed
from lineage.auditing.audited import audited, others
from lineage.auditing.claims import claims
from lineage.auditing.concerns import Concerns
from lineage.auditing.config import Config
from lineage.auditing.leaks import masked
from lineage.auditing.report import Audit, Remark
from lineage.auditing.rules import RULES
from lineage.auditing.signatures import RULE_OF
from lineage.auditing.world import Found, World
from lineage.carried.originals import Made
from lineage.contract.around import is_superseded, rewritten
from lineage.contract.redacted import is_redacted
from lineage.facts import Artifact, Session, Transformation
from lineage.folder import How
from lineage.intake import Progress
from lineage.integrity.differences import Change
from lineage.signing.keys import public_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SHOWN = 5  # files that a sentence names
_HARMLESS = ("other-sidecar", "prov-stale")  # found in reading; the file itself is what was recorded
_OF_LINES = ("edited-record", "unknown-origin")  # found in reading; they concern the record of their line alone


def audit(
    folder: Path | str = "artifacts",
    *,
    config: Config = Config(),  # noqa: B008  # it is frozen
    recursive: bool = False,
    key: Path | str | Ed25519PublicKey | None = None,
    head: str | None = None,
    graphs: Path | str | None = None,
    recheck: bool = False,
    jobs: int = 1,
    shapes: bool = False,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> Audit:
    """Hold the records of *folder* against the world, and say what does not hold, what that makes doubtful, and what was not checked.

    Args:
        config: what is selected, ignored and suppressed; everything by default. recursive: sessions in folders inside *folder* too.
        key: the public key (a file in PEM or OpenSSH, or the key itself) that sessions should be signed with; without it, what can be checked of signatures is.
        head: the digest of a signature of *folder* that was the last once; without it nobody can see that the sessions at the end are gone.
        graphs: where the PROV of all sessions lies; by default it is compared only where an export writes it into *folder*.
        recheck: read every file, even one that did not change since it was read last. jobs: processes that read files of records.
        shapes: check the graph by SHACL too (needs the extra `audit`). now: what counts as the present; the clock's time by default.

    Raises:
        NotFoundError: no such folder or key; a key or head, and neither session nor signature. FormatError: the key is none. UsageError: *shapes* without
        pySHACL, a key without the extra `signing`, a head that is none.
    """
    at = (now or datetime.now(UTC)).replace(microsecond=0)  # a report that is checked is made again for the time that it names
    signer = public_key(Path(key)) if isinstance(key, str | Path) else key
    how = How(recheck=recheck, jobs=jobs, progress=progress)
    world = World.of(Path(folder), how, at, recursive=recursive, key=signer, head=head, graphs=None if graphs is None else Path(graphs))
    every = [_without_secrets(world, one) for one in [*_read(world), *_asked(world, config)]]
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
        claimed=tuple(claims(world)),
        audited=audited(world, config, shapes),
        world=world,
    )


def _read(world: World) -> Iterator[Found]:
    """What whoever read the files found, with the things it is about. A file from before there was metadata has a rule of its own. What a wrapped
    command made has its origin in the manifest. The sidecar of an altered file is no fault: it names the lines."""
    named = world.files
    manifests = {world.name(place, session.manifest): session for place, session in world.placed if session.manifest}
    altered = {one.file for one in world.read if one.code == "altered-file"}
    made = frozenset((one.folder, one.artifact.path) for one in world.made)
    wrapped = {world.name(one.folder, one.artifact.path) for one in world.made if _is_recorded_as_a_file(one, made)}
    scanned = (one for taken in world.taken.values() for one in taken.scan.findings)
    for one in dict.fromkeys((*world.read, *scanned)):
        there = named.get(one.file, ())
        if one.code == "altered-file":
            there = _without_superseded(there)
        if one.code == "no-metadata" and (one.file in wrapped or any(artifact.type == "legacy" for _, _, artifact in there)):
            continue
        if one.code == "other-sidecar" and one.file in altered:
            continue
        session = next((session for _, session, _ in there), None)
        session = session or manifests.get(one.file)
        about = [name for _, told, artifact in there for name in world.about(told, artifact)] if one.code not in _HARMLESS else []
        about += world.of_session(session) if session and one.file in manifests else ()
        changes = next(filter(None, (_changes(world, one.code, place, artifact) for place, _, artifact in there)), ())
        more = in_words(changes) or next(filter(None, (_detail(world, one.code, place, artifact) for place, _, artifact in there)), "")
        found = replace(one, message=f"{one.message}; {more}") if more else one
        id_ = session.id if session else None
        yield Found(found, id_, tuple(dict.fromkeys(about)), None, changes, one.code in _OF_LINES)


def _without_superseded(entries: Sequence[tuple[Path, Session, Artifact]]) -> list[tuple[Path, Session, Artifact]]:
    """The entries of a file, but for those of bytes that a later session replaced: these did not change unnoticed."""
    written = rewritten(session for _, session, _ in entries)
    return [entry for entry in entries if not is_superseded(entry[2], written.get(entry[2].path, ()))]


def _is_recorded_as_a_file(made: Made, recorded: frozenset[tuple[Path, str]]) -> bool:
    """Return whether the origin of a file is recorded, and its records need not name theirs.

    A wrapped command knows nothing of metadata. A transformation leaves records as they came: those of a file that no
    run made, one of its inputs, have none of ours.
    """
    if made.artifact.sha256 is None:
        return False
    if made.run.is_wrapped or not isinstance(made.run, Transformation):
        return made.run.is_wrapped
    has_foreign_input = any((made.folder, used.path) not in recorded for used in made.run.used)
    return has_foreign_input or made.artifact.slices == ()


def _changes(world: World, code: str, place: Path, artifact: Artifact) -> tuple[Change, ...]:
    """The lines of an altered file that changed."""
    return changed_lines(world, place, artifact) if code == "altered-file" else ()


def _detail(world: World, code: str, place: Path, artifact: Artifact) -> str:
    """The present name of a file that is gone."""
    return renamed(world, place, artifact) if code == "missing-file" and artifact.sha256 else ""


def _asked(world: World, config: Config) -> Iterator[Found]:
    """What the rules find; one of which no code is wanted is not asked, unless it can find what other codes name, or is told of as checked."""
    shared = ("naive-time", "derivation-cycle", "prov-stale", "secret-recorded", *RULE_OF.values())
    for check in RULES:
        if check.find and (config.wants(check.code) or check.code in shared):
            yield from check.find(world)


def _without_secrets(world: World, found: Found) -> Found:
    """The finding as it may be printed."""
    if found.finding.code == "secret-recorded":  # it names places
        return found
    message = masked(found.finding.message, world.secrets)
    return found if message == found.finding.message else replace(found, finding=replace(found.finding, message=message))


def _remarks(world: World, found: Sequence[Found], config: Config) -> list[Remark]:
    """Each finding once, in a fixed order, with its consequences and the reason why it is accepted."""
    concerns, told = Concerns(world), {}
    for one in found:
        key = (one.finding.file, one.finding.line or 0, one.finding.code, one.finding.message)
        if key not in told:
            told[key] = Remark(one.finding, one.session, concerns.of(one), config.reason(one.finding))
    return [told[key] for key in sorted(told)]


def _checked(world: World, shapes: bool) -> Iterator[tuple[str, int]]:
    yield "sessions", len(world.manifests)
    yield "activities", sum(len(session.activities) for _, session in world.placed)
    yield "files that sessions speak of", len(world.files)
    yield "files of records, by their lines", len(world.taken)
    yield "records", sum(one.scan.count for one in world.taken.values())
    yield "reports", len(world.reports)
    yield from prov.looked_at(world)
    yield from signatures.looked_at(world)
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
            ("files without a digest", _undigested(world), "their manifest has none, so whether they were altered cannot be told"),
            (
                "redacted files",
                _redacted(world),
                "their manifest says that they are not here as they were recorded, so nobody compared them",
            ),
            (
                "files outside the folder",
                len(_outside(world)),
                f"{_named(_outside(world))}: sessions used them; nothing outside the folder is read",
            ),
            *prov.unchecked(world),
        )
        if count
    )
    yield from _others(world)
    yield from signatures.unchecked(world)
    yield "reports of audits", None, "they are passed over wherever they lie"
    yield "commits", None, "whether they exist in a repository is not asked"


def _unlooked(world: World) -> int:
    every = training.pairs(world)
    return sum(one.test.artifact.sha256 != one.data.artifact.sha256 and not training.comparable(world, one) for one in every)


def _undigested(world: World) -> int:
    return sum(type(row.get("sha256")) is not str for _, session in world.placed for row in world.entries(session) if row.get("timestamp"))


def _others(world: World) -> Iterator[tuple[str, int, str]]:
    """The files that no session names, those of one kind together."""
    kinds: dict[str, list[str]] = {}
    for file, why in others(world):
        kinds.setdefault(why, []).append(file)
    for why, files in sorted(kinds.items()):
        yield "files beside the sessions", len(files), f"{_named(files)}: {why}"


def _named(files: Collection[str]) -> str:
    """The first few files; the report's JSON has all."""
    more = f" and {len(files) - SHOWN:,} more" if len(files) > SHOWN else ""
    return f"{', '.join(sorted(files)[:SHOWN])}{more}"


def _redacted(world: World) -> int:
    return sum(any(is_redacted(artifact) for _, _, artifact in named) for named in world.files.values())


def _outside(world: World) -> set[str]:
    used = {(place, one.path) for place, session in world.placed for run in session.activities for one in run.used}
    return {world.name(place, path) for place, path in used if not world.is_inside(place / path)}
