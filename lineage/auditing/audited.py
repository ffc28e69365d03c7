"""What an audit looked at, so that its report speaks of one folder in one state: every manifest by its digest, every file that was checked,
every file that was not and why, the signatures and their key, and the options. Two audits of one folder give the same.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage.auditing.config import Config
from lineage.auditing.graphs import combined_files, graph_name, uncompared
from lineage.auditing.replayed import Replayed
from lineage.auditing.world import World
from lineage.capture import files
from lineage.capture.places import leads_out
from lineage.contract.below import folders_below, tells_of_a_session
from lineage.contract.redacted import FILE, is_redacted
from lineage.contract.unnamed import AUDIT, MORE, OWN, UNKNOWN, WITH_SESSIONS, is_of_another_tool, unnamed
from lineage.core import limits
from lineage.facts import Artifact
from lineage.signing.check import envelopes
from lineage.signing.keys import key_id

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NOT_OURS = "lineage does not read this format, and no session names it"
NOT_NAMED = "no session names it"
EXPORTED = "lineage export writes it; its content was not compared"
OF_REDACTION = "lineage redact wrote it: the list of what it replaced; lineage verify compares it with the original"


def audited(world: World, config: Config, shapes: bool, again: Replayed | None) -> dict[str, Any]:
    """Return what was audited as JSON; `sha256` is the digest of the rest."""
    told = {
        "manifests": list(_manifests(world)),
        "files_checked": sorted(_checked(world), key=_file),
        "files_not_checked": sorted(_not_checked(world), key=_file),
        "signatures": list(_signatures(world)),
        "heads": {_way(world, place): one.head for place, one in world.signed},
        "key": _key(world.key),
        "options": _options(world, config, shapes, again),
    }
    return told | {"sha256": digest_of(told)}


def digest_of(told: Any) -> str:
    """Return the SHA-256 of a JSON value in one way of writing it."""
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _file(row: dict[str, Any]) -> str:
    return str(row["file"])


def _way(world: World, place: Path) -> str:
    return place.relative_to(world.folder).as_posix()


def places(world: World) -> list[Path]:
    """Return the folders whose sessions are audited."""
    below = folders_below(world.folder) if world.recursive else []
    return list(dict.fromkeys([world.folder, *below, *(place for place, _ in world.placed)]))


def _manifests(world: World) -> Iterator[dict[str, Any]]:
    """Each manifest and journal, also one that cannot be read as such."""
    sessions = {world.name(place, session.manifest): session.id for place, session in world.placed if session.manifest}
    for place in places(world):
        for path in sorted(place.iterdir()):
            if tells_of_a_session(path.name):
                name = world.called(path)
                yield {"file": name, "session": sessions.get(name), "sha256": _digest_of_small(world, path)}


def _digest_of_small(world: World, path: Path) -> str | None:
    """Return the digest of a manifest, journal or envelope; None of one that no reader takes, as a sparse file of a terabyte."""
    try:
        is_small = path.stat().st_size <= limits.PROV
    except OSError:
        return None
    return world.digest(path) if is_small else None


def _signatures(world: World) -> Iterator[dict[str, Any]]:
    """Each envelope, also one that does not hold."""
    for place in places(world):
        for path in envelopes(place):
            yield {"file": world.called(path), "sha256": _digest_of_small(world, path)}


def _key(key: Ed25519PublicKey | None) -> dict[str, str] | None:
    """The key: its fingerprint, and the key itself, so that the report can be checked without it."""
    if key is None:
        return None
    return {"fingerprint": key_id(key), "ed25519": base64.b64encode(key.public_bytes_raw()).decode()}


def _options(world: World, config: Config, shapes: bool, again: Replayed | None) -> dict[str, Any]:
    return {
        "recursive": world.recursive,
        "head": world.head,
        "graphs": None if world.graphs is None else Path(os.path.relpath(world.graphs, world.folder)).as_posix(),
        "shacl": shapes,
        "replay": {"records": again.asked, "seed": again.seed} if again else None,
        "select": list(config.select),
        "ignore": list(config.ignore),
        "fail_on": config.fail_on,
        "suppress": [asdict(one) for one in config.suppress],
    }


# --- files


def _checked(world: World) -> Iterator[dict[str, Any]]:
    """Each file that was held against what was recorded of it."""
    recorded = _recorded(world)
    for name, path in _named(world).items():
        now = world.digest(path)
        if now is not None:
            known = recorded.get(name, set())
            result = "as recorded" if now in known else "altered" if known else "no digest recorded"
            yield {"file": name, "sha256": now, "result": result}
    for name, path in _prov(world).items():
        result = "as an export writes it" if path in world.as_exported else "not as an export writes it"
        yield {"file": name, "sha256": digest_at(path), "result": result}


def _prov(world: World) -> dict[str, Path]:
    """The PROV files that were compared: beside the manifests, and of all sessions together."""
    beside = {world.called(path): path for files in world.prov.values() for _, path in files}
    return beside | {graph_name(world, path.name): path for _, path in combined_files(world)}


def digest_at(path: Path) -> str | None:
    """Return the digest of a file; None where it cannot be read."""
    try:
        return files.digest(path)[0]
    except OSError:
        return None


def _recorded(world: World) -> dict[str, set[str]]:
    """The digests of each file that manifests and journals hold; of the parts of a folder too."""
    found: dict[str, set[str]] = {}
    undigested = {
        (place, str(row.get("file"))) for place, session in world.placed for row in world.entries(session) if not row.get("sha256")
    }
    for name, told in world.files.items():
        for place, session, artifact in told:
            is_known = session.manifest is not None and (place, artifact.path) not in undigested
            for path, one in _parts(name, artifact) if is_known else ():
                found.setdefault(path, set()).update([one.sha256] if one.sha256 else [])
    return found


def _parts(name: str, artifact: Artifact) -> Iterator[tuple[str, Artifact]]:
    """The file, or the files of a folder, by their names."""
    if not artifact.parts:
        yield name, artifact
    prefix = name.removesuffix(artifact.path)
    yield from ((f"{prefix}{part.path}", part) for part in artifact.parts)


def _named(world: World) -> dict[str, Path]:
    """The files that sessions name and that lie in the folder, by their names."""
    named: dict[str, Path] = {}
    for name, told in world.files.items():
        for place, _, artifact in told:
            if _reason(world, place, artifact) is None:
                named |= {path: place / one.path for path, one in _parts(name, artifact)}
    return named


def _reason(world: World, place: Path, artifact: Artifact) -> str | None:
    """Why a file that a session names was not checked; None where it was."""
    if artifact.dataset:
        return "a data set in memory or on a hub: it is no file"
    if leads_out(artifact.path) or not world.is_inside(place / artifact.path):
        return "it lies outside the folder: nothing outside is read"
    if is_redacted(artifact):
        return "redacted: it is not here as it was recorded"
    if not os.path.lexists(place / artifact.path):
        return "it is gone"
    return None


def _not_checked(world: World) -> Iterator[dict[str, Any]]:
    for name, told in world.files.items():
        reasons = [_reason(world, place, artifact) for place, _, artifact in told]
        if None not in reasons:
            yield {"file": name, "why": reasons[0]}
    for name, path in _named(world).items():
        if world.digest(path) is None and not path.is_dir():
            yield {"file": name, "why": "it cannot be read as a file of the folder"}
    yield from ({"file": file, "why": why} for file, why in others(world))


def others(world: World) -> Iterator[tuple[str, str]]:
    """Yield each file that no session names, and why it was not checked."""
    prov = _prov(world)
    signatures = {world.called(path) for place in places(world) for path in envelopes(place)}
    apart = {_way(world, place) for place in places(world)} if world.recursive else set()
    for file, kind in unnamed(world.folder, {*world.files, *_named(world)}, apart):
        last = file.rpartition("/")[2]
        if kind == AUDIT or (kind == OWN and (file in prov or file in signatures or tells_of_a_session(last))):
            continue
        if kind == OWN:
            yield file, OF_REDACTION if last == FILE else EXPORTED
        elif kind in (MORE, WITH_SESSIONS):
            yield file, kind
        else:
            yield file, f"{kind}: {NOT_OURS if is_of_another_tool(kind) else NOT_NAMED}" if kind != UNKNOWN else NOT_NAMED


def is_counted(world: World, file: str, why: str) -> bool:
    """Return whether the lines about PROV count the file already: in the folder of graphs, or PROV of single records."""
    return why == EXPORTED and (world.folder / file in uncompared(world))
