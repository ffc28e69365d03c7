"""Files that only a commit or a recorded patch holds: which sessions ran a commit that contains them.

git is asked as at recording: with limits, without the repository's commands, and only where a repository is at hand.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha1, sha256
from pathlib import Path

from lineage.capture.git.command import BRIEF, Deadline, GitError
from lineage.capture.git.repository import Repository, opened
from lineage.capture.places import own
from lineage.facts import CodeVersion, Session
from lineage.trace.reading import Library
from lineage.trace.search import on_disk

MOST_COMMITS = 50  # commits that git is asked about in one question
LARGEST = 8 << 20  # bytes of a patch, or of the file as it is now, that are read
SOURCES = frozenset({".py", ".ipynb", ".sh", ".r", ".R", ".jl", ".toml", ".yaml", ".yml", ".cfg", ".ini"})
_SHA = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Committed:
    """A session that may have run a file.

    Attributes:
        session: The session.
        sha: The commit that it recorded.
        how: "commit" that holds the file, "patch" that changes it, "untracked" program; "unknown": git could not be asked.
        is_same: Whether the file has the bytes that it has now; None where that is not known.
    """

    session: Session
    sha: str
    how: str
    is_same: bool | None = None

    @property
    def is_certain(self) -> bool:
        """Whether the session's code is known to contain the file."""
        return self.how != "unknown"


def committed(library: Library, path: Path) -> tuple[Committed, ...]:
    """Return the sessions whose commit, patch or untracked programs contain *path*; where git cannot be asked, those with a commit.

    A name without a suffix is looked for in no commit. Where git cannot tell, only names of source files are answered.
    """
    sessions = [session for session in library.sessions if session.code and _SHA.fullmatch(session.code.git_sha or "")]
    if not sessions or not (path.suffix and path.name) or "\0" in str(path):
        return ()
    repository = _repository(library, path)
    name = _name_in(repository, path)
    blobs = _Blobs(repository, path, name)
    found = [one for session in sessions for one in [_of_session(library, session, name, blobs)] if one]
    return tuple(found) if path.suffix in SOURCES or any(one.is_certain for one in found) else ()


def _of_session(library: Library, session: Session, name: str, blobs: _Blobs) -> Committed | None:
    code = session.code
    assert code is not None
    sha = code.git_sha or ""
    listed = {one.path: one.sha256 for one in (*code.untracked, *code.uncovered)}
    if name in listed:
        return Committed(session, sha, "untracked", None if listed[name] is None else listed[name] == blobs.now_sha256)
    if _is_patched(library, session, code, name):
        return Committed(session, sha, "patch")
    is_there = blobs.holds(sha)
    if is_there is None:
        return Committed(session, sha, "unknown")
    return Committed(session, sha, "commit", blobs.is_same(sha)) if is_there else None


def _repository(library: Library, path: Path) -> Repository | None:
    """The repository of the file, of the working directory, or of a folder that is read."""
    places = [path.absolute().parent if on_disk(path) else Path.cwd(), *library.folders]
    for place in places:
        try:
            return opened(place, Deadline(BRIEF))
        except GitError:  # the next place is tried; without any, the answer says that git was not asked
            continue
    return None


def _name_in(repository: Repository | None, path: Path) -> str:
    """The path from the root of the repository."""
    if repository is None:
        return path.as_posix()
    inside = Path(os.path.relpath(path.absolute(), repository.root))
    return path.as_posix() if inside.parts[:1] == ("..",) else inside.as_posix()


class _Blobs:
    """What commits hold at one path. Each commit is asked about once."""

    def __init__(self, repository: Repository | None, path: Path, name: str) -> None:
        self._repository, self._name = repository, name
        self._known: dict[str, str | None] = {}  # commit: id of the blob; "" where it holds none, None where git could not tell
        data = path.read_bytes() if on_disk(path) and path.is_file() and path.stat().st_size <= LARGEST else None
        self.now_sha256 = sha256(data).hexdigest() if data is not None else None
        head = f"blob {len(data)}\0".encode() if data is not None else b""
        self._ids = {hash_(head + data, usedforsecurity=False).hexdigest() for hash_ in (sha1, sha256)} if data is not None else set()

    def holds(self, sha: str) -> bool | None:
        """Does the commit hold a file at the path? None where git cannot tell."""
        if sha not in self._known:
            self._known[sha] = self._asked(sha) if len(self._known) < MOST_COMMITS else None
        blob = self._known[sha]
        return None if blob is None else bool(blob)

    def is_same(self, sha: str) -> bool | None:
        """Has the file in the commit the bytes that it has now?"""
        return self._known[sha] in self._ids if self._ids else None

    def _asked(self, sha: str) -> str | None:
        if self._repository is None:
            return None
        git = self._repository.git.within(BRIEF)
        try:
            told = git.run("--literal-pathspecs", "ls-tree", "-z", sha, "--", self._name, limit=1 << 16)
        except GitError:  # the commit is not in this repository
            return None
        kind = told.partition(b"\t")[0].split()
        return kind[2].decode() if len(kind) == 3 and kind[1] == b"blob" else ""


def _is_patched(library: Library, session: Session, code: CodeVersion, name: str) -> bool:
    """Does the recorded patch, if it is there as it was recorded, change the file?"""
    if code.patch is None:
        return False
    for folder, ids in library.places.items():
        path = own(folder, code.patch.path) if session.id in ids else None
        if path and path.stat().st_size <= LARGEST:
            data = path.read_bytes()
            mark = b"+++ b/" + os.fsencode(name)
            if sha256(data).hexdigest() == code.patch.sha256 and any(line.rstrip(b"\t\r") == mark for line in data.split(b"\n")):
                return True
    return False


def in_words(path: Path, found: Sequence[Committed]) -> Iterator[str]:
    """Yield a sentence for each commit: which sessions ran it, and how to see the file."""
    groups: dict[tuple[str, str, bool | None], list[Session]] = {}
    for one in found:
        groups.setdefault((one.sha, one.how, one.is_same), []).append(one.session)
    for (sha, how, is_same), sessions in groups.items():
        ran = f"{len(sessions):,} session{'s' if len(sessions) > 1 else ''} ran commit {sha[:8]}"
        show = f"git show {sha[:8]}:{path.as_posix()}"
        now = {True: ", with the bytes that it has now", False: ", with other bytes than it has now", None: ""}[is_same]
        yield {
            "commit": f"{ran}, which holds it{now} ({show})",
            "patch": f"{ran} with uncommitted changes to it (the recorded patch has them)",
            "untracked": f"{ran} with it as a file that git does not track{now}",
            "unknown": f"{ran}; git could not tell here whether it holds it ({show} in its repository tells)",
        }[how]
