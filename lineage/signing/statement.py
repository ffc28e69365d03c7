"""A session as an in-toto Statement v1 (https://in-toto.io/Statement/v1): what is signed of it.

The subjects are the files of the session by their digests; the predicate says which session it is, the Merkle root over the lines of each
file of records, and which signature came before. Reading is strict: what has not this shape proves nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from lineage.capture import files
from lineage.capture.places import leads_out, links_to, own
from lineage.contract import journal, manifest
from lineage.contract.lines import holds_records
from lineage.contract.redacted import FILE, is_redacted
from lineage.contract.strict import loads
from lineage.contract.writing import as_bytes
from lineage.errors import FormatError, UsageError
from lineage.facts import Artifact, Session, removals
from lineage.integrity.index import path_of, sealed
from lineage.integrity.verify import rows_problem
from lineage.mapping import CODE
from lineage.mapping.names import safe

TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "https://w3id.org/lineage-prov/session/v1"
SUFFIX = ".dsse.json"
BESIDE = "beside"  # the kind of a file that belongs to no session
REPLACED = "a later session wrote the file again"  # why a file of a session is not signed with it
NOT_TOLD = ("manifest", "journal", "prov", "redaction", BESIDE)  # kinds of files that no manifest names
_HASH = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The lines of a file of records under their root."""

    lines: int
    merkle_root: str
    index_sha256: str | None = None  # of the rows of the file's index; signatures of before have none

    def json(self) -> dict[str, Any]:
        """As it is written."""
        told = {"lines": self.lines, "merkle_root": self.merkle_root}
        return told | ({"index_sha256": self.index_sha256} if self.index_sha256 else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The signature that came before."""

    session_id: str
    sha256: str  # of its envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a signature says of a session."""

    session_id: str
    manifest: str
    subjects: Mapping[str, str]  # file: SHA-256, 64 hex digits
    kinds: Mapping[str, str]  # file: "manifest", "journal", "prov", "input", "beside", or the type of the artifact
    trees: Mapping[str, Tree]
    before: Before | None
    position: int  # in the chain, from 1
    signed_at: str | None
    links: Mapping[str, str] = field(default_factory=dict)  # link: the path that it holds; what it leads to is not signed here
    not_signed: Mapping[str, str] = field(default_factory=dict)  # file or folder that was there and is not signed: why
    excluded: tuple[str, ...] = ()  # patterns of the files that the signer left out

    def dumps(self) -> bytes:
        """As in-toto writes it; equal statements give equal bytes."""
        subjects = [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(self.subjects.items())]
        return as_bytes({"_type": TYPE, "subject": subjects, "predicateType": PREDICATE, "predicate": self._predicate()})

    def _predicate(self) -> dict[str, Any]:
        before = {"session_id": self.before.session_id, "digest": {"sha256": self.before.sha256}} if self.before else None
        trees = {name: tree.json() for name, tree in sorted(self.trees.items())}
        facts = {"session_id": self.session_id, "manifest": self.manifest, "signed_at": self.signed_at}
        kinds = dict(sorted(self.kinds.items()))
        told = {
            "links": dict(sorted(self.links.items())),
            "not_signed": dict(sorted(self.not_signed.items())),
            "excluded": [*self.excluded],
        }
        optional = {key: value for key, value in told.items() if value}
        return facts | {"kinds": kinds, "trees": trees, "position": self.position, "previous": before} | optional


def envelope_path(folder: Path, session_id: str) -> Path:
    """Where the signature of a session lies."""
    return folder / f"session_{safe(session_id)}{SUFFIX}"


def manifests(folder: Path) -> list[Path]:
    """The manifests of *folder*; a link that leads out is none."""
    return [path for path in sorted(folder.glob(f"{manifest.PREFIX}*{manifest.SUFFIX}")) if own(folder, path.name)]


@dataclass(frozen=True, slots=True)
class Beside:
    """What is in a folder and belongs to none of its sessions: it is signed with one of them."""

    files: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    not_signed: Mapping[str, str] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Return whether a pattern of the shell fits a file, its name alone, or a folder above it."""
    ways = [name, name.rpartition("/")[2], *above(name)]
    return any(fnmatchcase(way, pattern.rstrip("/")) for way in ways for pattern in patterns)


def above(name: str) -> Iterator[str]:
    """Yield the folders over a file, the nearest first."""
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def of_session(
    folder: Path,
    session: Session,
    *,
    before: Before | None,
    position: int,
    signed_at: str | None,
    beside: Beside = Beside(),  # it is frozen
    replaced: Collection[str] = (),
) -> Statement:
    """The statement of *session* with its files as they are now, each read from end to end, and with what is *beside* it.

    Files that were *replaced* are named as not signed: the signature of the session that wrote them again covers them.

    Raises UsageError when a file is gone, or is not what its manifest records: what does not hold is not signed.
    """
    name, excluded = session.manifest or "", beside.excluded
    _whole(folder, session, excluded)
    kinds = {name: "manifest"}
    kinds |= {path.name: "journal" for path in journal.journals(folder, manifest.session_id_of(folder / name))}
    kinds |= {FILE: "redaction"} if own(folder, FILE) else {}
    kinds |= {path.name: "prov" for path in prov_files(folder, session.id) if not matches(path.name, excluded)}
    kinds |= dict.fromkeys((file for file in beside.files if file not in kinds), BESIDE)
    subjects = {one: files.digest(folder / one, recheck=True)[0] for one in kinds}
    trees: dict[str, Tree] = {}
    for artifact in (*recorded(session), *_unread(session)):
        path = own(folder, artifact.path)
        if (
            path is None or artifact.path in subjects or artifact.path in replaced or matches(artifact.path, excluded)
        ):  # what is elsewhere, or is withheld
            continue
        subjects[artifact.path], kinds[artifact.path] = _digest(path, artifact, trees), artifact.type
    links = {way: told for one in linked(session) for way, told in links_to(folder, one.path).items()}
    links |= {way: told for one in subjects for way, told in links_to(folder, one).items()}
    facts: dict[str, Any] = {"before": before, "position": position, "signed_at": signed_at, "links": {**beside.links, **links}}
    facts |= {"not_signed": {**beside.not_signed, **dict.fromkeys(replaced, REPLACED)}, "excluded": excluded}
    return Statement(session_id=session.id, manifest=name, subjects=subjects, kinds=kinds, trees=trees, **facts)


def _whole(folder: Path, session: Session, excluded: Sequence[str]) -> None:
    """Raises UsageError where a recorded file is not here: anything could be laid in its place once the session is signed."""
    elsewhere = {one.path for one in linked(session) if links_to(folder, one.path)}
    here = (one for one in recorded(session) if one.path not in elsewhere)
    asked = (one for one in here if not matches(one.path, excluded))
    gone = {one.path for one in asked if not (is_redacted(one) or leads_out(one.path) or own(folder, one.path))}
    gone |= {FILE} if os.path.lexists(folder / FILE) and not own(folder, FILE) else set()
    if gone:
        names = ", ".join(name[:100] for name in sorted(gone)[:5])
        more = f" and {len(gone) - 5} more" if len(gone) > 5 else ""
        raise UsageError(f"not here as a file of the folder: {names}{more}", at=session.manifest or session.id, hint="put them back: a session is signed with all its files")  # fmt: skip


def _unread(session: Session) -> Iterator[Artifact]:
    """The files without a digest of a manifest that has the fixed keys alone: no version of lineage will ever add one."""
    if session.status is None:
        yield from (one for one in session.artifacts if not one.sha256 and not one.parts and not is_redacted(one))


def undigested(folder: Path, session: Session, excluded: Sequence[str] = ()) -> list[str]:
    """The files that the session made, and of which it recorded no digest: a signature would not cover them.

    The files of a manifest with the fixed keys alone are signed as they are.
    """
    if session.status is None:
        return []
    every = (one for artifact in session.artifacts for one in artifact.parts or (artifact,))
    asked = (one for one in every if not one.sha256 and not is_redacted(one) and not matches(one.path, excluded))
    return sorted(one.path for one in asked if own(folder, one.path))


def prov_files(folder: Path, session_id: str) -> list[Path]:
    """The PROV that lies beside the manifest."""
    names = folder.glob(f"session_{safe(session_id)}.*")
    return sorted(path for path in names if is_prov(path.name) and path.is_file() and not path.is_symlink())


def is_prov(name: str) -> bool:
    """Is a file that is called `session_<id>.…` PROV, and no signature?"""
    return not name.endswith((SUFFIX, ".tmp"))


def linked(session: Session) -> Iterator[Artifact]:
    """Every file that was recorded at a link which leads out of the folder, or to nothing that is read."""
    yield from (one for one in named(session) if one.link)


def named(session: Session) -> Iterator[Artifact]:
    """Every file that the manifest names with a digest, or with the reason why it has none.

    An output that was announced and never finished has neither, and nothing is known of it.
    """
    for artifact in (*session.artifacts, *(used for run in session.activities for used in run.used)):
        yield from artifact.parts or ((artifact,) if artifact.sha256 or artifact.gaps else ())


def recorded(session: Session) -> Iterator[Artifact]:
    """Every single file of which the manifest knows a digest: what the session made and used, without what it removed itself."""
    removed = removals([session])
    for artifact in (*session.artifacts, *(used for run in session.activities for used in run.used)):
        if artifact.path in removed:
            continue
        yield from (one for one in artifact.parts or (artifact,) if one.sha256)


def made(session: Session) -> Iterator[str]:
    """Return the digest of every file that the session made: not what it used, nor the code that it ran."""
    removed = removals([session])
    own = (one for one in session.artifacts if one.activity or one.type not in CODE)
    artifacts = (*own, *(one for run in session.activities for one in run.made))
    digests = (part.sha256 for one in artifacts if one.path not in removed for part in (one, *one.parts))
    yield from dict.fromkeys(digest for digest in digests if digest)


def _digest(path: Path, artifact: Artifact, trees: dict[str, Tree]) -> str:
    if is_redacted(artifact):  # what is signed is the copy; the digest in the manifest is that of its original
        return files.digest(path, recheck=True)[0]
    if holds_records(path):
        seal, rows = sealed(path)
        trees[artifact.path], found = Tree(lines=seal.lines, merkle_root=seal.merkle_root, index_sha256=rows), seal.sha256
        problem = rows_problem(path, found, rows)
        if problem:
            raise UsageError(f"its index was altered: {problem}", at=str(path), hint=f"rm {path_of(path)}")
    else:
        found = files.digest(path, recheck=True)[0]
    if artifact.sha256 and found != artifact.sha256:
        raise UsageError("the file is not the one that was recorded", at=str(path), hint="what does not hold is not signed: lineage verify")
    return found


def read(payload: bytes, at: str) -> Statement:
    """The statement in *payload*. Raises FormatError where it is none of ours."""
    said, problems = loads(payload)
    if problems or not isinstance(said, dict) or said.get("_type") != TYPE or said.get("predicateType") != PREDICATE:
        raise FormatError("the payload is no statement of a session", at=at, hint=f"{TYPE} with the predicate {PREDICATE}")
    try:
        return _statement(said, said["predicate"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise FormatError(f"the statement has not the shape that is promised: {error}", at=at, hint="docs/reference/files.md") from None


def _statement(said: dict[str, Any], predicate: dict[str, Any]) -> Statement:
    subjects = {_text(one["name"]): _hash(one["digest"]["sha256"]) for one in said["subject"]}
    if len(subjects) != len(said["subject"]):
        raise ValueError("a subject stands twice")
    if predicate["manifest"] not in subjects:
        raise ValueError("the manifest is none of its subjects")
    trees = {_text(name): _tree(one) for name, one in predicate["trees"].items()}
    previous = predicate["previous"]
    before = Before(session_id=_text(previous["session_id"]), sha256=_hash(previous["digest"]["sha256"])) if previous else None
    signed_at = predicate["signed_at"]
    return Statement(
        session_id=_text(predicate["session_id"]),
        manifest=_text(predicate["manifest"]),
        subjects=subjects,
        kinds={_text(name): _text(kind) for name, kind in predicate["kinds"].items()},
        trees=trees,
        before=before,
        position=_count(predicate["position"]),
        signed_at=None if signed_at is None else _text(signed_at),
        links={_text(name): _text(told) for name, told in predicate.get("links", {}).items()},
        not_signed={_text(name): _text(reason) for name, reason in predicate.get("not_signed", {}).items()},
        excluded=tuple(_text(pattern) for pattern in predicate.get("excluded", [])),
    )


def _tree(one: dict[str, Any]) -> Tree:
    rows = one.get("index_sha256")
    return Tree(lines=_count(one["lines"]), merkle_root=_hash(one["merkle_root"]), index_sha256=None if rows is None else _hash(rows))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected a string, got {value!r}")
    return value


def _count(value: object) -> int:
    """A number as JSON has it; neither a text that looks like one, nor a fraction that would be cut."""
    if type(value) is not int or value < 0:
        raise ValueError("expected a whole number")
    return value


def _hash(value: object) -> str:
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise ValueError("expected 64 hex digits")
    return value
