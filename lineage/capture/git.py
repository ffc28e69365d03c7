"""The code that runs: commit, branch, changes (with the patch itself), and scripts that git does not know.

git is asked, never a shell; what a repository's own configuration could make git run (hooks, monitors, external diffs) is off, and
the user's settings do not change the digest of a diff.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from lineage.capture import files
from lineage.core import secrets
from lineage.facts import Artifact, CodeVersion, Gap, Script

TIMEOUT = 30  # seconds for one call of git; a slow network file system, not a hung one
MAX_PATCH = 64 << 20  # bytes; a larger diff is digested and not kept
MAX_SCRIPTS = 200  # untracked scripts; a folder with more is no folder of scripts
MAX_SCRIPT = 10 << 20  # bytes
SCRIPTS = (".py", ".sh", ".ipynb", ".yaml", ".yml", ".toml", ".json", ".jinja", ".cfg")
_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false", "-c", "diff.external=")
_DIFF = (
    "diff",
    "HEAD",
    "--binary",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--no-renames",
    "--unified=3",
)
_QUIET = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


class _GitError(Exception):
    """git gave no answer; the message is its reason."""


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(
            ["git", *_SAFE, "-C", str(folder), *arguments], capture_output=True, timeout=TIMEOUT, env={**os.environ, **_QUIET}, stdin=subprocess.DEVNULL, check=False
        )  # fmt: skip
    except FileNotFoundError as error:
        raise _GitError("git is not installed") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _GitError(f"git did not answer: {type(error).__name__}") from error
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise _GitError(secrets.redact(reason)[:200] or f"git ended with {done.returncode}")
    return done.stdout


def git_sha(folder: Path, short: bool = False) -> str | None:
    """The commit that is checked out in *folder*: 40 hex digits, or the first 8; None without git, repository or commit."""
    try:
        sha = _git(folder, "rev-parse", "--verify", "HEAD").decode().strip()
    except _GitError:
        return None
    return sha[:8] if short else sha


@dataclass(frozen=True, slots=True)
class _Repository:
    root: Path
    sha: str
    branch: str | None


def code_version(script: Path | None, *, folder: Path, patch_into: Path | None) -> CodeVersion:
    """The code version of *script*'s repository, or of *folder*'s where no script is known.

    The diff against the commit is kept as `code_<digest>.patch` in *patch_into*, unless that is None or `LINEAGE_PATCH=0`.
    """
    digest = _script_digest(script)
    name = script.name if script else None
    try:
        repository = _repository(script.absolute().parent if script else folder)
    except _GitError as error:
        unversioned = Script(path=name, version=None, sha256=digest) if name else None
        return CodeVersion(git_sha=None, script=unversioned, gaps=(Gap("git_sha", str(error)),))
    code = CodeVersion(git_sha=repository.sha, branch=repository.branch)
    if script:
        code = _with_script(code, script, repository, digest)
    return _with_untracked(_with_diff(code, repository, patch_into), repository)


def _with_script(code: CodeVersion, script: Path, repository: _Repository, digest: str | None) -> CodeVersion:
    """The script at the commit; one that git does not track has no version, wherever it lies."""
    path = Path(os.path.relpath(script.resolve(), repository.root.resolve())).as_posix()
    try:
        _git(repository.root, "ls-files", "--error-unmatch", "--", path)
    except _GitError:
        reason = f"git does not track {path}"
        return replace(code, script=Script(path=path, version=None, sha256=digest), gaps=(*code.gaps, Gap("script_version", reason)))
    return replace(code, script=Script(path=path, version=repository.sha, sha256=digest))


def _script_digest(script: Path | None) -> str | None:
    try:
        return files.digest(script)[0] if script else None
    except OSError:
        return None


def _repository(folder: Path) -> _Repository:
    root = os.fsdecode(_git(folder, "rev-parse", "--show-toplevel").removesuffix(b"\n"))
    try:
        sha = _git(folder, "rev-parse", "--verify", "HEAD").decode().strip()
    except _GitError as error:
        raise _GitError("the repository has no commit") from error
    branch = _git(folder, "rev-parse", "--abbrev-ref", "HEAD").decode(errors="replace").strip()
    return _Repository(Path(root), sha, None if branch == "HEAD" else branch)


def _with_diff(code: CodeVersion, repository: _Repository, patch_into: Path | None) -> CodeVersion:
    try:
        diff = _git(repository.root, *_DIFF)
    except _GitError as error:
        return replace(code, gaps=(*code.gaps, Gap("git_dirty", str(error))))
    if not diff:
        return replace(code, dirty=False)
    code = replace(code, dirty=True, diff_sha256=hashlib.sha256(diff).hexdigest())
    kept = _why_not_kept(diff, patch_into)
    if kept or patch_into is None:
        return replace(code, gaps=(*code.gaps, Gap("git_patch", kept or "nowhere to keep it")))
    return _keep(code, diff, patch_into)


def _why_not_kept(diff: bytes, patch_into: Path | None) -> str | None:
    if os.environ.get("LINEAGE_PATCH") == "0":
        return "LINEAGE_PATCH=0"
    if patch_into is None:
        return "the process that began the session keeps it"
    return f"larger than {MAX_PATCH} bytes" if len(diff) > MAX_PATCH else None


def _keep(code: CodeVersion, diff: bytes, folder: Path) -> CodeVersion:
    if found := secrets.kinds(diff):
        reason = f"it looks as if it holds a secret, and is not kept ({', '.join(found)})"
        return replace(code, gaps=(*code.gaps, Gap("git_patch", reason)))
    path = folder / f"code_{str(code.diff_sha256)[:16]}.patch"
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(diff)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        return replace(code, gaps=(*code.gaps, Gap("git_patch", error.strerror or "cannot be written")))
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    return replace(code, patch=Artifact(path=path.name, type="patch", sha256=code.diff_sha256, bytes=len(diff), timestamp=now))


def _with_untracked(code: CodeVersion, repository: _Repository) -> CodeVersion:
    try:
        listed = _git(repository.root, "ls-files", "--others", "--exclude-standard", "-z").split(b"\0")
    except _GitError as error:
        return replace(code, gaps=(*code.gaps, Gap("git_untracked", str(error))))
    names = sorted(os.fsdecode(name) for name in listed if name.endswith(tuple(os.fsencode(suffix) for suffix in SCRIPTS)))
    scripts = tuple(_untracked(repository.root, name) for name in names[:MAX_SCRIPTS])
    gaps = (Gap("git_untracked", f"{len(names) - MAX_SCRIPTS} more scripts are not listed"),) if len(names) > MAX_SCRIPTS else ()
    own = code.script is not None and code.script.path in names
    return replace(code, untracked=scripts, dirty=True if own else code.dirty, gaps=(*code.gaps, *gaps))


def _untracked(root: Path, name: str) -> Artifact:
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    path = root / name
    if path.is_file() and path.stat().st_size > MAX_SCRIPT:
        return Artifact(path=shown, type="script", gaps=(Gap("sha256", f"larger than {MAX_SCRIPT} bytes"),))
    return replace(files.artifact(path, folder=root, type="script"), path=shown)
