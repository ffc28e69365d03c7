"""The code version of a session: what was seen when it opened, and what was imported since."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lineage.capture.code_text import keep, keep_text
from lineage.capture.git import declared
from lineage.capture.git.command import LATER, SESSION, Deadline, Git, GitError
from lineage.capture.git.look import SOURCES, Look, few, look_at, script_digest, untracked_among
from lineage.capture.git.patch import MAX_PATCH, addition
from lineage.capture.git.repository import Repository, opened
from lineage.capture.git.tree import Tree
from lineage.capture.program import Program, executed, imported
from lineage.core import secrets
from lineage.facts import Artifact, CodeVersion, Gap, Script

SWITCH = "LINEAGE_PATCH"  # "0": no patch is kept
NOT_OWNER = "the process that began the session keeps it"


@dataclass(frozen=True, slots=True)
class Seen:
    """The code as it was seen, and what a second look needs.

    Attributes:
        code: The facts.
        program: What Python was started with.
        root: The repository's folder; None where git told nothing.
        imported: Files of modules that were looked at.
        keep_in: Folder that patches go to; None: nothing is kept.
        sums: SHA-256 of the patch, to be continued; None where the patch is not whole.
        artifacts: Files that this look wrote.
    """

    code: CodeVersion
    program: Program
    root: Path | None = None
    imported: frozenset[Path] = frozenset()
    keep_in: Path | None = None
    sums: hashlib._Hash | None = None
    artifacts: tuple[Artifact, ...] = ()


def look(program: Program, *, folder: Path, keep_in: Path | None, seconds: float = SESSION) -> Seen:
    """Look at the code of *program*: at its repository, or at that of *folder* where no script is known.

    The changes are kept as `code_<digest>.patch` in *keep_in*, unless that is None or `LINEAGE_PATCH=0`.
    """
    own = program.path if not program.is_installed else None
    try:
        repository = opened((own.parent if own else folder).absolute(), Deadline(seconds))
    except GitError as error:
        return _with_text(_untold(program, str(error), keep_in), program.text, ".txt")
    return _with_text(_told(repository, look_at(repository, program), program, keep_in), program.text, ".txt")


def _untold(program: Program, reason: str, keep_in: Path | None) -> Seen:
    """Return what is known where git tells nothing: the digest of the script, and a commit that a variable declares."""
    commit, wrong = declared.declared(), declared.problem()
    gaps = [Gap("git_sha_declared", wrong)] if wrong else []
    if commit:
        gaps.append(Gap("git_dirty", f"git could not tell: {reason}"))
        gaps.append(Gap("script_version", f"{commit.variable} declares {commit.sha}; git could not confirm it: {reason}"))
    else:
        gaps.append(Gap("git_sha", reason))
        gaps += [Gap("script_version", program.reason)] if program.reason else []
    script = Script(path=program.path.name, version=None, sha256=script_digest(program)) if program.path else None
    code = CodeVersion(
        git_sha=commit.sha if commit else None, sha_variable=commit.variable if commit else None, script=script, gaps=tuple(gaps)
    )
    return Seen(code, program, keep_in=keep_in)


def _told(repository: Repository, seen: Look, program: Program, keep_in: Path | None) -> Seen:
    """Return the facts that *seen* gives, and keep the patch."""
    script, gaps = _script(repository, seen, program)
    code = CodeVersion(
        git_sha=repository.sha,
        branch=repository.branch,
        dirty=True if seen.is_dirty else None if seen.doubts else False,
        diff_sha256=seen.patch.sums.hexdigest() if seen.patch.sums and seen.is_dirty else None,
        uncovered=seen.uncovered,
        untracked=seen.programs,
        script=script,
        gaps=(*gaps, *_disagreement(repository), *seen.gaps),
    )
    first = Seen(code, program, repository.root, seen.imported, keep_in, seen.patch.sums)
    return _with_patch(first, seen.patch.data)


def _script(repository: Repository, seen: Look, program: Program) -> tuple[Script | None, tuple[Gap, ...]]:
    """Return the script at the commit; one that git does not track has no version, wherever it lies."""
    if program.path is None:
        return None, (Gap("script_version", program.reason or "no script is known"),)
    digest = script_digest(program)
    if program.is_installed:
        return Script(path=program.path.name, version=None, sha256=digest), (Gap("script_version", str(program.reason)),)
    path = seen.name_of(program.path)
    reason = seen.why_untracked(path)
    gaps = (Gap("script_version", reason),) if reason else ()
    return Script(path=path, version=None if reason else repository.sha, sha256=digest), gaps


def _disagreement(repository: Repository) -> tuple[Gap, ...]:
    own, wrong = declared.own(), declared.problem()
    if own and own.sha != repository.sha:
        wrong = f"{declared.OWN} names {own.sha}; git names another commit, and that is recorded"
    return (Gap("git_sha_declared", wrong),) if wrong else ()


def _with_patch(seen: Seen, data: bytes) -> Seen:
    """Keep *data* as the patch, or say why it is not kept."""
    if not data:
        return seen
    reason = "LINEAGE_PATCH=0" if os.environ.get(SWITCH) == "0" else None if seen.keep_in else NOT_OWNER
    if reason is None and (found := secrets.kinds(data)):
        reason = f"it looks as if it holds a secret, and is not kept ({', '.join(found)})"
    if reason is None and seen.keep_in is not None:
        try:
            patch = keep(data, seen.keep_in, ".patch", type="patch")
            return replace(seen, code=replace(seen.code, patch=patch), artifacts=(*seen.artifacts, patch))
        except OSError as error:
            reason = error.strerror or "it cannot be written"
    others = tuple(gap for gap in seen.code.gaps if gap.about != "git_patch")
    return replace(seen, code=replace(seen.code, gaps=(*others, Gap("git_patch", str(reason)))))


def _with_text(seen: Seen, text: str | None, suffix: str) -> Seen:
    """Keep executed code that no file has."""
    if not text or seen.keep_in is None:
        return seen
    kept, gaps = keep_text(text, seen.keep_in, suffix)
    code = replace(seen.code, text=kept, gaps=(*seen.code.gaps, *gaps))
    return replace(seen, code=code, artifacts=(*seen.artifacts, kept) if kept else seen.artifacts)


def look_again(seen: Seen) -> Seen:
    """Look once more, when the session ends: at modules that were imported since, and at the cells of a notebook.

    The result's *artifacts* are the files that this second look wrote. Nothing is asked of git where nothing was imported.
    """
    later = _with_imports(replace(seen, artifacts=()))
    return _with_text(later, executed(seen.program), ".cells.py") if seen.program.cells else later


def _with_imports(seen: Seen) -> Seen:
    fresh = sorted(set(imported(seen.root)) - seen.imported) if seen.root else []
    if not fresh or seen.root is None:
        return seen
    try:
        names = untracked_among(seen.root, fresh, Deadline(LATER))
    except GitError as error:
        gap = Gap("git_untracked", f"modules that were imported later are not looked at: {error}")
        return replace(seen, code=replace(seen.code, gaps=(*seen.code.gaps, gap)))
    return _extended(seen, seen.root, names) if names else seen


def _extended(seen: Seen, root: Path, names: Iterable[str]) -> Seen:
    """Add files that git does not track to the facts and to the patch."""
    tree, code = Tree(root), seen.code
    listed = {file.path for file in code.untracked}
    files = [tree.artifact(name, type="script") for name in names]
    code = replace(code, untracked=(*code.untracked, *(file for file in files if file.path not in listed)))
    parts = {name: addition(tree, name, str(code.git_sha)) for name in names if name.endswith(SOURCES)}
    if not parts:
        return replace(seen, code=code)
    missing = [name for name, part in parts.items() if part is None]
    data = b"".join(part for part in parts.values() if part)
    sums = None if missing or seen.sums is None else seen.sums.copy()
    if sums:
        sums.update(data)
    gaps = (Gap("git_patch", f"not in the patch: {few(missing)}"), Gap("git_diff_sha256", f"not whole: {few(missing)}")) if missing else ()
    code = replace(code, dirty=True, diff_sha256=sums.hexdigest() if sums else None, gaps=(*_settled(code.gaps), *gaps))
    return _with_patch(replace(seen, code=code, sums=sums), _before(seen) + data)


def _settled(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Return the gaps without a doubt whether the code was changed: it was."""
    return tuple(gap for gap in gaps if gap.about != "git_dirty")


def _before(seen: Seen) -> bytes:
    """Return the patch that was kept when the session opened; empty where it is gone."""
    if seen.code.patch is None or seen.keep_in is None:
        return b""
    return Tree(seen.keep_in).data(seen.code.patch.path, MAX_PATCH * 2) or b""


def why_no_version(code: CodeVersion) -> str:
    """Return why the script has no version."""
    reasons = {gap.about: gap.reason for gap in reversed(code.gaps)}
    return reasons.get("script_version") or reasons.get("git_sha") or "no script is known"


def script_version(script: Path, *, seconds: float) -> tuple[str | None, str | None]:
    """Return the commit of a script that git tracks, or None and the reason. Changes are not looked for."""
    try:
        repository = opened(script.absolute().parent, Deadline(seconds))
        untracked = untracked_among(repository.root, [script.absolute()], repository.git.deadline)
    except GitError as error:
        return None, str(error)
    return (None, f"git does not track {untracked[0]}") if untracked else (repository.sha, None)


def git_sha(folder: Path, short: bool = False) -> str | None:
    """Return the commit that is checked out in *folder*: 40 hex digits, or the first 8; None where there is none."""
    try:
        sha = Git(folder, Deadline(SESSION)).run("rev-parse", "--verify", "HEAD").decode().strip()
    except GitError:
        return None
    return sha[:8] if short else sha
