"""The files of a session as they are now, against what was signed of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lineage.capture.places import inside, links_to, own
from lineage.contract.lines import holds_records
from lineage.errors import FormatError
from lineage.facts import Artifact
from lineage.integrity import index
from lineage.integrity.differences import Change
from lineage.integrity.index import Seal
from lineage.integrity.verify import changes_of, index_problem, rows_problem
from lineage.signing.reports import metrics_changed
from lineage.signing.seen import Fault, Seen
from lineage.signing.statement import NOT_TOLD, Statement, Tree, is_prov, linked, recorded


def held(seen: Seen, said: Statement) -> Iterator[Fault | None]:
    """A fault, or None where it holds, for each file that was signed: the manifest first. Of a file that a later signed session wrote again, that one tells."""
    for name, expected in sorted(said.subjects.items(), key=lambda subject: (subject[0] != said.manifest, subject[0])):
        if not seen.is_replaced(name, said):
            yield _file(seen, name, expected, said)


def links(seen: Seen, said: Statement) -> Iterator[Fault]:
    """A fault for each link that was signed and leads elsewhere now. What it leads to is not opened."""
    rests = [one for one in linked(seen.sessions[said.manifest]) if one.sha256] if said.manifest in seen.sessions else []
    for way, signed in sorted(said.links.items()):
        now = links_to(seen.folder, way).get(way)
        if now == signed:
            continue
        digests = tuple(sorted({one.sha256 or "" for one in rests if one.path == way or one.path.startswith(f"{way}/")}))
        message = (
            f"a link that was signed leads elsewhere: to {now!r} instead of {signed!r}"
            if now
            else "it was signed as a link, and is none now"
        )
        yield Fault(what="altered", file=way, message=message, session_id=said.session_id, rests_on=digests)
    yield from _new_links(seen, said)


def _new_links(seen: Seen, said: Statement) -> Iterator[Fault]:
    """A fault for each link on the way to a signed file that no signature names: what else it leads to was not signed."""
    behind: dict[str, list[str]] = {}
    for name in (one for one in said.subjects if own(seen.folder, one)):  # others have a fault of their own
        for way in links_to(seen.folder, name).keys() - seen.signed_links:
            behind.setdefault(way, []).append(name)
    for way, names in sorted(behind.items()):
        digests = tuple(sorted({digest for name in names for digest in rests_on(name, said, seen)}))
        message = "it is a link now, and was signed as none: put the file or folder back in its place"
        yield Fault(what="replaced", file=way, message=message, session_id=said.session_id, rests_on=digests)


def rests_on(name: str, said: Statement, seen: Seen) -> tuple[str, ...]:
    """Return the digests that a file decides: its own; of a manifest or journal, those of all that its session made; of PROV, none."""
    kind = said.kinds.get(name)
    if kind in ("manifest", "journal"):
        used = seen.used_by(said.manifest)
        subjects = ((file, digest) for file, digest in said.subjects.items() if said.kinds.get(file) not in NOT_TOLD)
        return tuple(digest for _, digest in subjects if digest not in used)
    return () if kind == "prov" else (said.subjects[name],)


def _file(seen: Seen, name: str, expected: str, said: Statement) -> Fault | None:
    path, tree = inside(seen.folder, name), said.trees.get(name)
    facts: dict[str, Any] = {"file": name, "session_id": said.session_id, "rests_on": rests_on(name, said, seen)}
    if path is None:
        return Fault(what="outside", message="the name leads out of the folder", **facts)
    if not os.path.isfile(path):  # noqa: PTH113  # never raises, whatever the name
        return _gone(seen, expected, facts)
    try:
        sha256, found = _bytes(seen, path, tree)
    except OSError as error:
        return Fault(what="missing", message=f"it cannot be read: {error.strerror}", **facts)
    if (sha256 == expected and _is_same(found, tree)) or _is_written_anew(seen, name):
        return None
    return _altered(seen, path, name, sha256, said, facts)


def _is_same(found: Tree | None, signed: Tree | None) -> bool:
    if found is None or signed is None:
        return found is signed
    return (found.lines, found.merkle_root) == (signed.lines, signed.merkle_root)


def _is_written_anew(seen: Seen, name: str) -> bool:
    """Is it PROV that is another than was signed, and what an export writes of the folder now?"""
    if "/" in name or not name.startswith("session_") or not is_prov(name) or not seen.exports.writes(name):
        return False
    seen.written_anew.add(name)
    return True


def indexes(seen: Seen, said: Statement) -> Iterator[Fault]:
    """A fault for each index that says it is of a file that was signed, and has other rows than the file gives."""
    for name, tree in sorted(said.trees.items()):
        path = own(seen.folder, name)
        problem = _index_problem(seen, path, said.subjects[name], tree) if path else ""
        if path and problem:
            file = index.path_of(path).relative_to(seen.folder).as_posix()
            yield Fault(what="index", file=file, message=f"it was altered, and is not used: {problem}", session_id=said.session_id)


def _index_problem(seen: Seen, path: Path, sha256: str, tree: Tree) -> str:
    try:
        if tree.index_sha256:
            return rows_problem(path, sha256, tree.index_sha256)
        return index_problem(path, seen.reader.seal(path)) if index.exists(path) else ""
    except (FormatError, OSError):  # the file cannot be read, which is a fault of its own
        return ""


def _bytes(seen: Seen, path: Path, tree: Tree | None) -> tuple[str, Tree | None]:
    """The digest, and the root of the lines where one was signed; one of a file that cannot be unpacked is none."""
    try:
        seal: Seal | None = seen.reader.seal(path) if tree else None
    except FormatError:
        seal = None
    return (seal.sha256, Tree(lines=seal.lines, merkle_root=seal.merkle_root)) if seal else (seen.reader.digest(path), None)


def _gone(seen: Seen, expected: str, facts: dict[str, Any]) -> Fault:
    """Missing; or there under another name, as its digest tells."""
    for name in seen.strange:
        if seen.digest(name) == expected:
            return Fault(what="moved", message=f"it is called {name} now", **facts)
    return Fault(what="missing", message="it was signed, and is gone", **facts)


def _altered(seen: Seen, path: Path, name: str, sha256: str, said: Statement, facts: dict[str, Any]) -> Fault:
    same = (file for one in seen.signed for file, known in one.statement.subjects.items() if known == sha256 and file != name)
    other = next(same, None)
    if other:
        return Fault(what="replaced", message=f"what lies there is {other}", **facts)
    changes, detail = _changed(seen, path, name, said)
    message = f"signed as {said.subjects[name][:16]}…, now {sha256[:16]}…{'; ' + detail if detail else ''}"
    return Fault(what="altered", message=message, changes=changes, **facts)


def _changed(seen: Seen, path: Path, name: str, said: Statement) -> tuple[tuple[Change, ...], str]:
    """What of the file is another: lines of records, names in a manifest, numbers in a report."""
    if holds_records(path):
        tree = said.trees.get(name)
        if tree and tree.index_sha256 and rows_problem(path, said.subjects[name], tree.index_sha256):
            return (), "the lines cannot be named: the index is not the one that was signed"
        signed = Artifact(path=name, type="", sha256=said.subjects[name], merkle_root=tree.merkle_root if tree else None)
        return changes_of(path, signed)
    if name == said.manifest:
        return (), "; ".join(_names_changed(seen, said))
    return (), "; ".join(metrics_changed(path, name, seen.sessions.get(said.manifest))) if path.suffix == ".json" else ""


def _names_changed(seen: Seen, said: Statement) -> Iterator[str]:
    """File names in a manifest that are not those that were signed."""
    told = seen.sessions.get(said.manifest)
    if told is None:
        yield "it can no longer be read"
        return
    if told.id != said.session_id:
        yield f"session_id was {said.session_id}"
    named = {one.path: one.sha256 for one in recorded(told)}
    signed = {name: one for name, one in said.subjects.items() if said.kinds.get(name) not in NOT_TOLD}
    for name in sorted(signed.keys() - named.keys()):
        now = next((other for other, one in named.items() if one == signed[name] and other not in signed), None)
        yield f"it calls {name} {now} now" if now else f"it no longer names {name}"
    yield from (f"it records another digest for {name}" for name in sorted(signed.keys() & named.keys()) if named[name] != signed[name])
