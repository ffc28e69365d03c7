"""Compare a file or folder with its record, where links that lead out of a folder are not followed.

Such a link may be a stranger's. What it leads to is taken to be what was recorded, and the caller
says that it was not checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from lineage.capture.folders import folder_digest
from lineage.facts import Artifact

SHOWN = 5  # files of a folder that one difference names


def difference(recorded: Artifact, now: Artifact) -> str | None:
    """Return how an artifact differs from its record; None where it does not, as far as it was read.

    Args:
        recorded: As the manifest has it.
        now: As it is, looked at without following links that lead out.
    """
    known = {part.path: part for part in recorded.parts}
    present = _taken_as_recorded(now, known)
    if recorded.sha256 is None:
        return _in_words(_changes(known, present))
    is_readable = all(part.sha256 for part in present.values())
    if not (known or present):
        digest = now.sha256 or (None if now.gaps else recorded.sha256)
    else:
        digest = folder_digest(now.path, present.values()) if is_readable else None
    if digest is None:
        return _in_words([*_changes(known, present), *_additions(known, present)])
    if digest == recorded.sha256:
        return None
    return f"recorded as {recorded.sha256[:16]}…, now {digest[:16]}…"


def unfollowed(now: Artifact) -> tuple[str, ...]:
    """Return the paths in a folder that are links which were not followed."""
    return tuple(part.path for part in now.parts if part.link and part.sha256 is None)


def _taken_as_recorded(now: Artifact, known: Mapping[str, Artifact]) -> dict[str, Artifact]:
    """Return the files of a folder by path, links that were not followed with their recorded digest.

    A link that nobody recorded is left out: it was not there, or the record does not cover links.
    """
    present: dict[str, Artifact] = {}
    for part in now.parts:
        recorded = known.get(part.path)
        if not (part.link and part.sha256 is None):
            present[part.path] = part
        elif recorded:
            sha256 = recorded.sha256 if recorded.link else None
            present[part.path] = replace(part, sha256=sha256)
    return present


def _changes(known: Mapping[str, Artifact], present: Mapping[str, Artifact]) -> Iterator[str]:
    """Yield what happened to each file that was recorded with a digest."""
    for path, part in known.items():
        now = present.get(path)
        if part.sha256 is None:
            continue
        if now is None:
            yield f"{path} is gone"
        elif now.sha256 is None and now.link and not part.link:
            yield f"{path} is a link now"
        elif now.sha256 is not None and now.sha256 != part.sha256:
            yield f"{path} is another file"


def _additions(known: Mapping[str, Artifact], present: Mapping[str, Artifact]) -> Iterator[str]:
    yield from (f"{path} was added" for path in present if path not in known)


def _in_words(changes: Iterator[str] | list[str]) -> str | None:
    found = list(changes)
    others = f" and {len(found) - SHOWN:,} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + others if found else None
