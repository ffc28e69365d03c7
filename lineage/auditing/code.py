"""Rules about code and sessions: what ran, and did it end?"""

from __future__ import annotations

from collections.abc import Iterator

from lineage.auditing.loads import COMMIT
from lineage.auditing.words import in_words
from lineage.auditing.world import Found, World
from lineage.facts import CodeVersion

NAMED = 3  # files that a finding names


def dirty_code(world: World) -> Iterator[Found]:
    """The code that ran was committed."""
    for place, session in world.placed:
        code = session.code
        if code and (code.dirty or code.diff_sha256):  # a diff of clean code is none
            detail = f"commit {in_words(code.git_sha)[:12]}, {_changes(code)}"
            yield world.found("dirty-code", place, session, world.home(session), detail=detail, about=world.of_session(session))


def _changes(code: CodeVersion) -> str:
    """Return what is known of the changes: the digest of the diff, files that are not in it, untracked programs."""
    parts = [f"its diff is {code.diff_sha256[:16]}…" if code.diff_sha256 else "its diff was not recorded"]
    for title, files in (("not in the patch", code.uncovered), ("untracked", code.untracked)):
        more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
        parts += [f"{title}: {', '.join(file.path for file in files[:NAMED])}{more}"] if files else []
    return ", ".join(parts)


def unknown_commit(world: World) -> Iterator[Found]:
    """A session says which commit ran."""
    for place, session in world.placed:
        sha = session.code.git_sha if session.code else None
        if session.manifest and not COMMIT.fullmatch(sha or ""):
            reason = next((gap.reason for gap in session.gaps if gap.about in ("git_sha", "git", "environment.git_sha")), in_words(sha))
            yield world.found("unknown-commit", place, session, session.manifest, detail=reason, about=world.of_session(session))


def never_closed(world: World) -> Iterator[Found]:
    """A session says how it ended."""
    for place, session in world.placed:
        said = session.status == "completed" and session.started_at and not session.ended_at  # who closes a session says when
        if session.manifest and (session.status == "running" or said):
            detail = f"started {session.started_at or 'at an unknown time'}{', completed at none' if said else ''}"
            yield world.found("never-closed", place, session, session.manifest, detail=detail, about=world.of_session(session))
