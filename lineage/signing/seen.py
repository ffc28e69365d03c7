"""A folder while its signatures are checked: what lies there, what its manifests say, which signatures hold.  Each is read once, when it is first asked for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, takewhile
from pathlib import Path
from typing import Protocol

from lineage.capture import files
from lineage.capture.places import own
from lineage.contract import journal, manifest
from lineage.facts import Session
from lineage.integrity import index
from lineage.integrity.differences import Change
from lineage.mapping.names import safe
from lineage.signing import statement
from lineage.signing.chain import Signed
from lineage.signing.exports import Exports
from lineage.signing.statement import BESIDE, NOT_TOLD, SUFFIX, above, is_prov, made, named
from lineage.signing.strangers import is_set_aside, led_to, sessions_apart, strangers

APART = "sessions of their own"  # why the files of a folder inside the folder are not signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that does not hold, and the digests on which other things rest that do not hold either then."""

    what: str  # "altered", "missing", "added", "moved", "replaced", "outside", "bad-signature", "unsigned", "misplaced", "index", or of chain.Break
    file: str  # relative to the folder; of several files that were added together, the folder that holds them
    message: str
    session_id: str | None = None
    changes: tuple[Change, ...] = ()  # the lines, where a sidecar from before could name them
    rests_on: tuple[str, ...] = ()  # SHA-256 of what was signed and is not there as it was


class Reader(Protocol):
    """How the bytes of files become known."""

    def digest(self, path: Path) -> str:
        """The SHA-256 of a file. Raises OSError."""

    def seal(self, path: Path) -> index.Seal:
        """Of a file of records, its lines and their root too. Raises OSError, and FormatError where it is not what its name says."""


class Afresh:
    """Reads every file from end to end, whatever is remembered of it."""

    def digest(self, path: Path) -> str:
        """As it is now."""
        return files.digest(path, recheck=True)[0]

    def seal(self, path: Path) -> index.Seal:
        """As it is now."""
        return index.build(path, keep=False)


AFRESH = Afresh()


class Seen:
    """What one check knows of a folder; `signed` and `refused` fill while the signatures are read."""

    def __init__(self, folder: Path, reader: Reader, apart: Collection[str] = ()) -> None:
        self.folder, self.reader, self.apart = folder, reader, apart
        self.signed: list[Signed] = []  # in the order of the chain
        self.written_anew: set[str] = set()  # signed PROV that is another now, and what an export writes
        self.refused: set[str] = set()  # manifests whose signature does not hold: that is told once

    @cached_property
    def sessions(self) -> dict[str, Session]:
        """What the manifests say, by the name of the manifest."""
        return {path.name: session for path in statement.manifests(self.folder) for session in [manifest.read(path)[0]] if session}

    @cached_property
    def names(self) -> list[str]:
        """What lies in the folder itself, sorted."""
        return sorted(path.name for path in self.folder.iterdir())

    def journals(self, manifest_name: str) -> list[str]:
        """The journals of the session whose manifest is called so."""
        id_ = manifest.session_id_of(Path(manifest_name))
        return [path.name for path in journal.journals(self.folder, id_, self._journals)]

    @cached_property
    def _journals(self) -> list[str]:
        return [name for name in self.names if journal.is_called(name)]

    def prov(self, session_id: str) -> list[str]:
        """The PROV that lies beside the manifest of a session."""
        text = f"session_{safe(session_id)}."
        named = takewhile(lambda name: name.startswith(text), islice(self.names, bisect_left(self.names, text), None))
        paths = (self.folder / name for name in named if is_prov(name))
        return [path.name for path in paths if path.is_file() and not path.is_symlink()]

    def digest(self, name: str) -> str | None:
        """The digest of a file of the folder; None where it is none, or cannot be read: so it is none that is known."""
        path = own(self.folder, name)
        try:
            return self.reader.digest(path) if path else None
        except OSError:
            return None

    def is_replaced(self, name: str, said: statement.Statement) -> bool:
        """Return whether a later session, signed too, made the file again: its signature covers what lies there now."""
        later = (one.statement for one in self.signed if one.statement.position > said.position)
        makers = [one for one in later if one.subjects.get(name) not in (None, said.subjects.get(name))]
        return any(one.kinds.get(name) not in (*NOT_TOLD, "input") for one in makers)

    def made_by(self, session_id: str | None) -> tuple[str, ...]:
        """The digests of all that a session made, if it still tells."""
        return tuple(digest for told in self.sessions.values() if told.id == session_id for digest in made(told))

    def used_by(self, manifest_name: str) -> frozenset[str]:
        """The digests of what a session used and did not make, as its manifest has them."""
        session = self.sessions.get(manifest_name)
        if session is None:
            return frozenset()
        used = {part.sha256 for run in session.activities for one in run.used for part in (one, *one.parts) if part.sha256}
        return frozenset(used - set(made(session)))

    # --- what is known, once all signatures were read

    @cached_property
    def covered(self) -> frozenset[str]:
        """The names of all files that signatures cover."""
        return frozenset(name for one in self.signed for name in one.statement.subjects)

    @cached_property
    def signed_links(self) -> frozenset[str]:
        """The links that signatures name."""
        return frozenset(name for one in self.signed for name in one.statement.links)

    @cached_property
    def known(self) -> frozenset[str]:
        """These, and the files that a manifest names: one without a digest was there too, and is told of as not covered."""
        return self.covered | self.signed_links | {one.path for session in self.sessions.values() for one in named(session)}

    @cached_property
    def claims(self) -> dict[str, list[str]]:
        """The manifests that claim each session, by its id."""
        found: dict[str, list[str]] = {}
        for name, session in self.sessions.items():
            found.setdefault(session.id, []).append(name)
        return found

    @cached_property
    def strange(self) -> list[str]:
        """Files without a fault of their own that are in no signature and no manifest, without those that are set aside."""
        return [name for name in self.strangers if not self.is_set_aside(name)]

    def is_set_aside(self, name: str) -> bool:
        """Return whether the file is hidden or in `graphs`, and no link in plain view leads to it."""
        return is_set_aside(name) and not any(self._is_led_to(name, way) for way in (name, *above(name)))

    def _is_led_to(self, name: str, way: str) -> bool:
        return way in self._led_to and (way == name or not is_set_aside(name.removeprefix(f"{way}/")))

    @cached_property
    def _led_to(self) -> frozenset[str]:
        return led_to(self.folder)

    @cached_property
    def strangers(self) -> list[str]:
        """Files without a fault of their own that are in no signature and no manifest."""
        ours = {name for name in self.names if name.startswith(journal.PREFIX) or (name.startswith("session_") and name.endswith(SUFFIX))}
        told = {one.id for one in self._told_unsigned} | {one.statement.session_id for one in self.signed}
        prov = {name for id_ in told for name in self.prov(id_)}
        own = {place for place in self.apart if not any(self.holds_artifacts(above_it) for above_it in above(place))}
        return strangers(self.folder, self.known | ours | prov | self.sessions.keys(), own | self.set_apart)

    @cached_property
    def set_apart(self) -> frozenset[str]:
        """Folders with sessions of their own, then and now, that were there when this one was signed, and hold none of its files."""
        if not self.signed_apart:
            return frozenset()
        holding = {place for name in self.known for place in above(name)}
        now = (
            place for place in self.signed_apart if any(place == one or one.startswith(f"{place}/") for one in sessions_apart(self.folder))
        )
        return frozenset(now) - holding

    @cached_property
    def signed_apart(self) -> dict[str, str]:
        """Folders that had sessions of their own when this one was signed, and the session that was signed then."""
        rows = [(name, reason, one.statement.session_id) for one in self.signed for name, reason in one.statement.not_signed.items()]
        return {name: session_id for name, reason, session_id in rows if reason == APART}

    def holds_artifacts(self, place: str) -> bool:
        """Are there files of sessions in this folder inside the folder, or below it?"""
        return place in self._holding

    @cached_property
    def _holding(self) -> frozenset[str]:
        beside = {name for one in self.signed for name, kind in one.statement.kinds.items() if kind == BESIDE}
        return frozenset(place for name in self.known - beside for place in above(name))

    @cached_property
    def exports(self) -> Exports:
        """What an export would write here."""
        return Exports(self.folder)

    @property
    def _told_unsigned(self) -> Sequence[Session]:
        """Sessions whose own word is all there is of them."""
        signed = {one.statement.manifest for one in self.signed}
        return [session for name, session in self.sessions.items() if name not in signed]
