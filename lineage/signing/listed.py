"""List files that are not signed and are no fault, each with the reason. Nothing depends on them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from lineage.contract import journal
from lineage.signing.products import is_prov_of_records, product
from lineage.signing.seen import APART, Seen
from lineage.signing.statement import is_prov, matches
from lineage.signing.strangers import is_manifest

IRREGULAR, UNREADABLE = "not a regular file", "it cannot be read"
HIDDEN, GRAPHS = "hidden", "derived by lineage export, and not checked"
EXPORTED = "written by lineage: what lineage export writes now"


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A file or folder that no signature covers, and why that is no fault."""

    file: str
    reason: str


def listed(seen: Seen) -> tuple[Unsigned, ...]:
    """Return what is not signed and is no fault, sorted. Folders stand for what is in them."""
    return tuple(sorted(set(_listed(seen)), key=lambda one: one.file))


def _listed(seen: Seen) -> Iterator[Unsigned]:
    apart = seen.set_apart - set(seen.apart)
    yield from (Unsigned(place, APART) for place in apart if (seen.folder / place).is_dir())
    sessions = [one.statement.session_id for one in seen.signed]
    prov = {name for id_ in sessions for name in seen.prov(id_)} - seen.covered
    for name in (*seen.strangers, *prov, *seen.written_anew):
        if seen.is_set_aside(name):
            yield _set_aside(name)
        else:
            why = EXPORTED if name in seen.written_anew else reason(seen, name)
            yield from (Unsigned(name, text) for text in [why] if text)


def _set_aside(name: str) -> Unsigned:
    parts = name.split("/")
    hidden = next((number for number, part in enumerate(parts) if part.startswith(".")), None)
    if hidden is None:
        return Unsigned("graphs/", GRAPHS)
    way = "/".join(parts[: hidden + 1])
    return Unsigned(way if hidden == len(parts) - 1 else f"{way}/", HIDDEN)


def reason(seen: Seen, name: str) -> str | None:
    """Return why it is no fault that the file is not signed; None where nothing explains it."""
    if is_session(name):
        return None
    if any(matches(name, one.statement.excluded) for one in seen.signed):
        return "excluded when it was signed"
    return _recorded(seen, name) or _written(seen, name)


def _recorded(seen: Seen, name: str) -> str | None:
    """The reason that was signed, where it is still so."""
    reasons = (one.statement.not_signed.get(name) for one in seen.signed)
    why = next((one for one in reasons if one), None)
    return why if why is None or why == obstacle(seen, name) else None


def _written(seen: Seen, name: str) -> str | None:
    """What lineage wrote: known by its beginning, or because an export writes the same now."""
    kind = product(seen.folder, name)
    if kind and (kind.is_page or not seen.holds_artifacts(name.rpartition("/")[0])):
        return f"begins as a {kind.name} of lineage does, and is not checked"
    if "/" in name or not name.startswith("session_") or not is_prov(name):
        return None
    if is_prov_of_records(seen.folder, name):
        return "begins as PROV of single records does, and is not checked"
    return EXPORTED if seen.exports.writes(name) else None


def obstacle(seen: Seen, name: str) -> str | None:
    """Return why a file cannot be signed, whatever is in it; None where it can."""
    path = seen.folder / name
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            return None
        if not stat.S_ISREG(mode):
            return UNREADABLE if stat.S_ISDIR(mode) else IRREGULAR
        os.close(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC))
    except OSError:
        return UNREADABLE
    return None


def is_session(name: str) -> bool:
    """Return whether a reader would take the file for a manifest or a journal."""
    last = name.rpartition("/")[2]
    return is_manifest(last) or journal.is_called(last)
