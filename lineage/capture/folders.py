"""The files of a folder, and the digest over them.

The digest is that of the sorted `<sha256>  <path>` lines of the files. It covers every file below
the folder, or it is null and the gaps name the files that it would not cover. Links to files count
as those files; links to folders are not followed, for they may lead in a circle.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lineage.capture.places import leads_out
from lineage.capture.reading import NOT_REGULAR, OF_THE_KERNEL, is_of_kernel
from lineage.core.handlers import is_of_handler
from lineage.facts import Artifact, Gap

MAX_FILES = 100_000  # of one folder; a larger one was named by mistake, or needs naming in parts
SHOWN = 5  # files without a digest that one gap names; each has a gap of its own too
NO_FILES = "the folder holds no file"
LINKED_FOLDER = "a link to a folder, which is not followed"
DANGLING = "a link to nothing"
LEADS_OUT = "a link that leads out of the folder, which is not followed"
TOO_MANY = f"the folder holds more than {MAX_FILES:,} files; name the files that are meant"
WHOLE_MACHINE = "a folder of the whole machine or of the kernel, which is not read"


@dataclass(frozen=True, slots=True)
class Looking:
    """How one artifact is looked at."""

    root: Path  # the folder that paths are relative to
    type: str
    confined: bool  # follow no link that leads out of the root: it may be a stranger's
    digest: Callable[[str, os.stat_result], tuple[str, int]]

    def folder_at(self, path: Path, name: str, role: str | None) -> Artifact:
        """Return a folder with each of its files."""
        reason = _why_not(path)
        if reason:
            return unread(name, self.type, role, reason)
        try:
            is_outside = self.leads_out(path, name)
            parts = tuple(self._parts(path, name, is_outside))
        except _TooManyFilesError:
            return unread(name, self.type, role, TOO_MANY)
        return folder_of(Artifact(path=name, type=self.type, role=role, link=is_outside), parts)

    def _parts(self, path: Path, name: str, is_outside: bool) -> Iterator[Artifact]:
        for entry in sorted(_walked(os.fspath(path)), key=lambda one: one.name):
            part = Path(name, entry.name).as_posix()
            yield self._part(entry, part, is_outside)

    def _part(self, entry: _Entry, name: str, is_outside: bool) -> Artifact:
        kind = "model_file" if self.type == "model" else "part"
        link = is_outside or (entry.is_link and self.leads_out(Path(entry.path), name))
        if entry.reason:
            return unread(name, kind, None, entry.reason, link or entry.is_link)
        if link and self.confined:
            return unread(name, kind, None, LEADS_OUT, link)
        try:
            seen = os.stat(entry.path)  # noqa: PTH116  # many files: no Path for each
            sha256, size = self.digest(entry.path, seen)
        except OSError as error:
            if is_of_handler(error):
                raise
            return unread(name, kind, None, _link_reason(entry, error), entry.is_link)
        return Artifact(path=name, type=kind, sha256=sha256, bytes=size, link=link)

    def leads_out(self, path: Path, name: str) -> bool:
        """Return whether *name* is one of the folder's, and a link on the way leads elsewhere."""
        if leads_out(name):
            return False
        real, root = os.path.realpath(path), os.path.realpath(self.root)
        return not Path(real).is_relative_to(root)


def reason_of(error: OSError | ValueError) -> str:
    """Return why something cannot be read, in the words of the system."""
    return getattr(error, "strerror", None) or str(error) or "cannot be read"


def unread(name: str, type: str, role: str | None, reason: str, link: bool = False) -> Artifact:
    """Return something that could not be read, and why."""
    return Artifact(path=name, type=type, role=role, link=link, gaps=(Gap("sha256", reason),))


def _link_reason(entry: _Entry, error: OSError) -> str:
    if not entry.is_link:
        return reason_of(error)
    if error.errno == errno.ENOENT:
        return DANGLING
    if os.path.isdir(entry.path):  # noqa: PTH112
        return LINKED_FOLDER
    return reason_of(error)


def _why_not(path: Path) -> str | None:
    """Return why a folder is not walked: `/`, and what the kernel shows as folders."""
    if os.path.realpath(path) == os.path.realpath("/") or is_of_kernel(path.stat()):
        return WHOLE_MACHINE
    return None


# --- the digest of a folder


def folder_of(about: Artifact, parts: tuple[Artifact, ...]) -> Artifact:
    """Return the folder *about* with its *parts* and the digest over them."""
    unread = [part for part in parts if part.sha256 is None]
    size = sum(part.bytes or 0 for part in parts)
    if not parts:
        return replace(about, bytes=0, gaps=(Gap("sha256", NO_FILES),))
    if unread:
        return replace(about, bytes=size, parts=parts, gaps=tuple(_gaps(unread)))
    return replace(about, sha256=folder_digest(about.path, parts), bytes=size, parts=parts)


def folder_digest(name: str, parts: Iterable[Artifact]) -> str:
    """Return the SHA-256 over the sorted `<sha256>  <path>` lines of the *parts* of folder *name*.

    Paths are relative to the folder. A path with a newline is escaped and its line begins with a
    backslash, as in the output of `sha256sum`: else one name could pass for two lines.
    """
    lines = (_line(part, name) for part in sorted(parts, key=lambda part: part.path))
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _line(part: Artifact, name: str) -> str:
    path = os.path.relpath(part.path, name)
    if "\n" not in path:
        return f"{part.sha256}  {path}\n"
    escaped = path.replace("\\", "\\\\").replace("\n", "\\n")
    return f"\\{part.sha256}  {escaped}\n"


def _gaps(unread: list[Artifact]) -> Iterator[Gap]:
    names = ", ".join(part.path for part in unread[:SHOWN])
    others = f" and {len(unread) - SHOWN:,} more" if len(unread) > SHOWN else ""
    yield Gap("sha256", f"the folder has files without a digest: {names}{others}")
    for part in unread:
        yield from (Gap(part.path, gap.reason) for gap in part.gaps)


# --- the files of a folder


class _TooManyFilesError(Exception):
    """A folder holds more than `MAX_FILES` files."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file below a folder, or something in its place that is not read."""

    path: str
    name: str  # relative to the folder, with `/`
    is_link: bool = False
    is_folder: bool = False
    reason: str | None = None  # why it is not read


def _walked(root: str) -> Iterator[_Entry]:
    """Yield all that lies below *root*, in no order. Folders are entered, links to folders are not.

    Raises:
        _TooManyFilesError: There are more than `MAX_FILES` files and folders.
        OSError: The folder itself cannot be listed.
    """
    count, waiting = 0, [(root, "")]
    while waiting:
        for entry in _listed(*waiting.pop()):
            count += 1
            if count > MAX_FILES:
                raise _TooManyFilesError
            if entry.is_folder and not entry.reason:
                waiting.append((entry.path, f"{entry.name}/"))
            else:
                yield entry


def _listed(place: str, prefix: str) -> Iterator[_Entry]:
    """Yield what lies in the folder *place*; a folder that cannot be listed is one entry.

    Raises:
        OSError: The outermost folder cannot be listed.
    """
    try:
        with os.scandir(place) as found:
            entries = list(found)
    except OSError as error:
        if not prefix:
            raise
        yield _Entry(place, prefix.rstrip("/"), reason=reason_of(error))
        return
    for entry in entries:
        kinds = (entry.is_symlink(), entry.is_dir(follow_symlinks=False))
        yield _Entry(entry.path, f"{prefix}{entry.name}", *kinds, _special(entry))


def _special(entry: os.DirEntry[str]) -> str | None:
    """Return why an entry is not read, as far as its kind tells."""
    if entry.is_symlink() or entry.is_file(follow_symlinks=False):
        return None
    if not entry.is_dir(follow_symlinks=False):
        return NOT_REGULAR
    return OF_THE_KERNEL if is_of_kernel(entry.stat(follow_symlinks=False)) else None
