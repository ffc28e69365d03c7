"""Derive slices from slices across sessions, which the PROV of one session cannot.

A slice whose records the run carried over comes from the slices in which a comparison of the records found them (lineage/carried),
among the files that its own run used. Where nothing was compared, it comes from the slices there with the same metadata. It comes from
the run's doing too: who did it, how, and inputs that are no files of records. It does not come from other files of records of the same
merge. If some of its records are in no input, it comes from the run with all that the run used.

A folder that a run made is often loaded file by file: a file that is in no other folder stands for its folder; files that several folders share
(a configuration, a tokenizer) do so only where all of the folder is loaded. A folder that was only used, a copy with a file more, is no folder
that its files could stand for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lineage.facts import Activity, Artifact, ModelLoad, Session, Slice
from lineage.mapping.names import Ids, canonical
from lineage.prov.statement import Name


@dataclass(frozen=True, slots=True)
class Carry:
    """A slice that a run wrote, and where its records were before.

    Attributes:
        origins: Slices, or files without slices, that its records were carried over from.
        is_full: True if all of its records come from `origins`; otherwise all inputs of the run count.
    """

    file: Name
    slice: Name
    run: Name
    origins: tuple[Name, ...]
    is_full: bool = False
    maker: Name | None = None  # the run that the records name, where no input holds them and a session tells of it
    loader: Name | None = None  # the loader that the records name, where no session tells of their run
    own: bool = False  # not carried at all: several runs wrote the file, and `run` made these records


@dataclass(slots=True)
class Known:
    """What all sessions tell of files of records, folders and runs."""

    ids: Ids
    slices: dict[Name, dict[Name, Slice]] = field(default_factory=lambda: defaultdict(dict))  # of each file
    runs: set[str] = field(default_factory=set)
    folders: dict[Name, frozenset[Name]] = field(default_factory=dict)  # that runs made, with their files
    writers: dict[Name, set[str]] = field(default_factory=lambda: defaultdict(set))  # the runs that made each file
    _within: dict[Name, set[Name]] = field(default_factory=lambda: defaultdict(set))  # file: the folders it is in
    _alike: dict[tuple[Name, bytes | str], list[Name]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, sessions: Iterable[Session], ids: Ids) -> Known:
        """Read the facts once."""
        known = cls(ids)
        for session in sessions:
            known.runs |= {run.id for run in session.activities}
            for run in session.activities:
                for one in (*run.made, *run.used):
                    known._file(one, session)
                for one in run.made:
                    known.writers[ids.artifact(one, session)].add(run.id)
                    known._folder(one, session)
            for one in session.artifacts:
                known._file(one, session)
        return known

    def _file(self, artifact: Artifact, session: Session) -> None:
        name = self.ids.artifact(artifact, session)
        for one in artifact.slices or ():
            part = self.ids.slice(name, one) if one.lines else None
            if part and part not in self.slices[name]:
                self.slices[name][part] = one
                self._alike[name, canonical(one.metadata)].append(part)
                if one.run_id:
                    self._alike[name, one.run_id].append(part)

    def _folder(self, artifact: Artifact, session: Session) -> None:
        name = self.ids.artifact(artifact, session)
        if artifact.parts:
            self.folders[name] = frozenset(self.ids.artifact(part, session) for part in artifact.parts)
            for part in self.folders[name]:
                self._within[part].add(name)

    def inputs(self, run: Activity, session: Session) -> tuple[Name, ...]:
        """Return the files of records that the run used, and whose records are known by slices or were compared."""
        return tuple(name for artifact in run.used for name in self._compared(artifact, session))

    def _compared(self, artifact: Artifact, session: Session) -> Iterator[Name]:
        """The file, or the files of a folder; the folder too, where all of it is known."""
        files = artifact.parts or (artifact,)
        names = {self.ids.artifact(one, session): one for one in files}
        known = [name for name, one in names.items() if self.slices.get(name) or one.slices is not None]
        yield from known
        if artifact.parts and len(known) == len(names):
            yield self.ids.artifact(artifact, session)

    def carries(self, run: Activity, session: Session) -> Iterator[Carry]:
        """Yield where the records of each slice that the run wrote come from, except of those that only this run can have made.

        Where several runs wrote a file, each made the records that name it.
        """
        inputs, me = self.inputs(run, session), self.ids.run(run.id)
        for artifact in run.made:
            file = self.ids.artifact(artifact, session)
            for one in (one for one in artifact.slices or () if one.lines):
                if one.run_id in self.writers[file] and len(self.writers[file]) > 1:
                    yield Carry(file, self.ids.slice(file, one), self.ids.run(str(one.run_id)), (), own=True)
                elif one.run_id != run.id or one.origins:
                    yield self._carry(one, file, me, inputs, session, run)

    def _carry(self, one: Slice, file: Name, me: Name, inputs: tuple[Name, ...], session: Session, run: Activity) -> Carry:
        part = self.ids.slice(file, one)
        origins, is_full = self._origins(one, file, inputs)
        if is_full or run.inferred:
            return Carry(file, part, me, origins, is_full=bool(origins))
        if one.run_id in self.runs:
            maker = None if one.run_id == run.id else self.ids.run(str(one.run_id))
            return Carry(file, part, me, origins, maker=maker)
        said = one.metadata.get("provenance")
        version = said.get("loader_version") if isinstance(said, dict) else None
        return Carry(file, part, me, origins, loader=self.ids.loader(version, session) if isinstance(version, str) else None)

    def _origins(self, one: Slice, file: Name, inputs: tuple[Name, ...]) -> tuple[tuple[Name, ...], bool]:
        """Return the origins of a slice, and whether all of its records come from them.

        They are those that a comparison found. Where it could not decide, or an input could not be read that may hold equal records,
        slices with the same metadata count too, else those of the same run. A file that the run left as it was is its own origin.
        """
        if file in inputs:
            return (self.ids.slice(file, one),), True
        compared = tuple(dict.fromkeys(self.ids.origin(origin) for origin in one.origins))
        if one.unmatched is not None and not one.undecided and not one.is_partial:
            return compared, one.unmatched == 0 and bool(compared)
        alike = self._alike_in(one, inputs)
        unmatched = one.unmatched or 0
        is_full = bool(alike or (compared and not unmatched)) and one.undecided == unmatched
        return tuple(dict.fromkeys((*compared, *alike))), is_full

    def _alike_in(self, one: Slice, inputs: tuple[Name, ...]) -> tuple[Name, ...]:
        for key in (canonical(one.metadata), one.run_id):
            alike = [part for name in inputs for part in self._alike.get((name, key), ())] if key else []
            if alike:
                return tuple(alike)
        return ()

    def parts(self) -> Iterator[tuple[Name, Name]]:
        """(file, folder) for each file that stands for the one folder it is in."""
        for part, folders in self._within.items():
            if len(folders) == 1:
                yield part, next(iter(folders))

    def loaded(self, load: ModelLoad, session: Session) -> Iterator[Name]:
        """The folders of which the load used every file."""
        used = {self.ids.artifact(one, session) for one in load.used}
        near = {folder for part in used for folder in self._within.get(part, ())}
        yield from sorted(folder for folder in near if self.folders[folder] <= used)
