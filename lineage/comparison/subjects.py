"""What is compared: an evaluation, a data set, a model or a session, with the runs and model loads that made it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

from lineage.comparison.precision import AdapterUse, adapter_uses
from lineage.contract import manifest
from lineage.errors import NotFoundError, UsageError
from lineage.facts import Activity, Artifact, Evaluation, Json, ModelLoad, Session, Slice, Training
from lineage.mapping.names import Ids
from lineage.prov.statement import Name
from lineage.trace import walks
from lineage.trace.reading import Library
from lineage.trace.search import on_disk

Kind = Literal["evaluation", "data set", "model", "session"]
Load = tuple[Session, ModelLoad]
Run = tuple[Session, Activity]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fact stands."""

    session: str | None = None
    activity: str | None = None
    artifact: str | None = None

    def __str__(self) -> str:
        named = (("session", self.session), ("run", self.activity), ("file", self.artifact))
        return ", ".join(f"{what} {value}" for what, value in named if value) or "nowhere"


@dataclass(frozen=True, slots=True)
class Inline:
    """What the records of a slice say of themselves."""

    place: Place
    metadata: Json
    time: str | None  # of the earliest


class Report(Protocol):
    """A report that was read (report_files.ReportFile)."""

    @property
    def content(self) -> Json: ...
    @property
    def reason(self) -> str: ...
    @property
    def results(self) -> Sequence[Any]: ...


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One side of a comparison."""

    asked: str
    kind: Kind
    title: str
    runs: tuple[Run, ...] = ()  # that made it
    loads: tuple[Load, ...] = ()  # of the models that these used
    node: Name | None = None  # the thing in the graph; None: several runs made it, or it was never looked up
    adapters: tuple[AdapterUse, ...] = ()  # adapters that the runs used
    reports: Mapping[str, Report] = field(default_factory=dict)  # of its evaluations, by the id of the run
    inline: tuple[Inline, ...] = ()  # records whose run no session tells of
    upstream: tuple[Load, ...] = ()  # every other model load that it came from
    files: tuple[tuple[str, str], ...] = ()  # where it lies: the id of a session, and a path from its folder


def is_same(one: Subject, other: Subject) -> bool:
    """Return whether both sides are the very same thing: the same runs, loads and files, else the same node of the graph."""
    if one.kind != other.kind or one.files != other.files:
        return False
    ids = [[each.id for _, each in (*side.runs, *side.loads)] for side in (one, other)]
    return ids[0] == ids[1] if any(ids) else one.node is not None and one.node == other.node


def sessions_in(library: Library, folder: Path) -> list[Session]:
    """Return the recorded sessions in a folder, and in folders inside it."""
    asked, named = folder.resolve(), {one.resolve() for one in library.folders}
    places = [(place.resolve(), ids) for place, ids in library.places.items()]
    within = [ids for place, ids in places if place == asked or (place.is_relative_to(asked) and place not in named)]
    return [one for one in library.sessions if one.manifest and any(one.id in ids for ids in within)]


class Subjects:
    """Finds what is meant, among the sessions of a library.

    Raises:
        UsageError: the library holds PROV files and no facts.
    """

    def __init__(self, library: Library) -> None:
        if library.documents:
            raise UsageError(
                "a comparison reads facts, and PROV files hold only what was mapped", hint="name the folder of artifacts with --in"
            )
        self._library, self._ids = library, library.ids or Ids()
        self._runs: dict[str, Run] = {run.id: (one, run) for one in library.sessions for run in one.activities}
        self._by_name = {self._ids.run(id_): found for id_, found in self._runs.items()}
        self._named: dict[Name, list[Subject]] = defaultdict(list)  # several, where files of the same bytes were made by several runs
        for one in library.sessions:
            self._session(one)
        for one in library.sessions:
            self._given(one)

    def subject(self, x: str) -> Subject:
        """The subject that *x* means.

        Raises:
            NotFoundError: nothing is called so. UsageError: several things are, or one that cannot be compared.
        """
        numbers = self._in_folder(x) or self._find(x)
        every = {subject.title: subject for number in numbers for subject in reversed(self._meant(number))}
        found = {title: one for title, one in every.items() if self._lies_at(one, x)} or every if len(every) > 1 else every
        if len(found) != 1:
            told = ", ".join(found) or ", ".join(self._library.graph.thing(number).text for number in numbers)
            what = "means several things: name the run" if found else "is no evaluation, data set, model or session"
            raise UsageError(what, at=x, hint=told)
        (subject,) = found.values()
        starts = [number for number in numbers if self._meant(number)] if len(every) == 1 else self._own(subject)
        runs = {run.id for _, run in subject.runs}
        uses = tuple(one for one in self._adapter_uses if one.run.id in runs)
        node = self._library.graph.names[starts[0]] if starts else None
        return replace(subject, asked=x, node=node, adapters=uses, upstream=tuple(self._upstream(subject, starts)))

    def _find(self, x: str) -> tuple[int, ...]:
        """The nodes that *x* means; a manifest is its session."""
        path = on_disk(x)
        is_manifest = path is not None and path.is_file() and path.name.startswith(manifest.PREFIX)
        try:
            return self._library.find(f"session:{manifest.session_id_of(path)}" if path and is_manifest else x)
        except NotFoundError:
            if path is None or not path.is_dir():
                raise
            raise NotFoundError("no session in this folder", at=x, hint="look in folders inside it too: -r") from None

    @cached_property
    def _adapter_uses(self) -> tuple[AdapterUse, ...]:
        return tuple(adapter_uses(self._library.sessions))

    def _in_folder(self, x: str) -> tuple[int, ...]:
        """The node of the one evaluation, else of the one session, in the folder *x*; none where *x* is no folder of sessions.

        Raises:
            UsageError: The folder holds several evaluations, or none and several sessions.
        """
        folder = on_disk(x)
        if folder is None or not folder.is_dir():
            return ()
        sessions = sessions_in(self._library, folder)
        runs = [run for one in sessions for run in one.activities if isinstance(run, Evaluation)]
        names = [self._ids.run(run.id) for run in runs] if len(runs) == 1 else [self._ids.session(one) for one in sessions]
        if len(names) > 1:
            hint = ", ".join(made.path for run in runs for made in run.made) or ", ".join(one.id for one in sessions)
            raise UsageError(f"holds {len(runs)} evaluations in {len(sessions)} sessions", at=x, hint=f"name one: {hint[:300]}")
        return tuple(self._library.graph.index[name] for name in names if name in self._library.graph.index)

    def _lies_at(self, subject: Subject, x: str) -> bool:
        """Is *x* the path of one of its files?"""
        asked = Path(x).absolute()
        folders = self._library.places.items()
        placed = {folder.absolute() / path for session, path in subject.files for folder, sessions in folders if session in sessions}
        return asked in placed or x in {path for _, path in subject.files}

    def _own(self, subject: Subject) -> list[int]:
        """The nodes of its runs."""
        index = self._library.graph.index
        return [index[name] for _, run in subject.runs for name in [self._ids.run(run.id)] if name in index]

    def _session(self, one: Session) -> None:
        ids = self._ids
        loads = tuple((one, run) for run in one.activities if isinstance(run, ModelLoad))
        runs = tuple((one, run) for run in one.activities if not isinstance(run, ModelLoad))
        self._named[ids.session(one)] += [Subject(asked="", kind="session", title=f"session {one.id}", runs=runs, loads=loads)]
        for _, load in loads:
            subject = Subject(
                asked="", kind="model", title=f"model {load.provenance.get('model_name')}, load {load.id}", loads=((one, load),)
            )
            self._named[ids.run(load.id)] = self._named[ids.loaded_model(load.id)] = [subject]
        for _, run in runs:
            self._run(one, run)

    def _given(self, one: Session) -> None:
        """Data sets that no run made: nobody knows how."""
        files = (*one.artifacts, *(file for run in one.activities if not isinstance(run, ModelLoad) for file in run.used))
        for file in files:
            name = self._ids.artifact(file, one)
            if not self._named[name]:
                self._named[name] = [Subject(asked="", kind="data set", title=_file_title(file))]

    def _run(self, one: Session, run: Activity) -> None:
        if isinstance(run, Evaluation):
            subjects = [self._made_by(one, run, "evaluation", f"evaluation {run.id}")] * max(1, len(run.made))
        elif isinstance(run, Training):
            title = f"model {', '.join(file.path for file in run.made)}, training {run.id}"
            subjects = [self._made_by(one, run, "model", title)] * max(1, len(run.made))
        else:
            subjects = [self._data(one, run, file) for file in run.made]
        self._named[self._ids.run(run.id)] += subjects[:1]
        for file, subject in zip(run.made, subjects, strict=False):  # an evaluation without a report is one all the same
            self._named[self._ids.artifact(file, one)].append(subject)

    def _made_by(self, one: Session, run: Activity, kind: Kind, title: str) -> Subject:
        files = tuple((one.id, file.path) for file in run.made)
        return Subject(asked="", kind=kind, title=title, runs=((one, run),), loads=tuple(self._loads([(one, run)])), files=files)

    def _data(self, one: Session, run: Activity, file: Artifact) -> Subject:
        """A file of records: the runs that its records name, else the run that wrote it; and who wrote it."""
        runs: dict[str, Run] = {}
        inline: list[Inline] = []
        for part in file.slices or ():
            maker = self._maker(part, one, run)
            if maker:
                runs[maker[1].id] = maker
            else:
                inline.append(Inline(Place(None, part.run_id, file.path), part.metadata, part.first_time))
        every = tuple(runs.values()) or ((one, run),)
        return Subject(
            asked="", kind="data set", title=_file_title(file), runs=every, loads=tuple(self._loads(every)), inline=tuple(inline), files=((one.id, file.path),)
        )  # fmt: skip

    def _maker(self, part: Slice, one: Session, run: Activity) -> Run | None:
        if part.run_id in self._runs:
            return self._runs[str(part.run_id)]
        return (one, run) if part.run_id is None and run.inferred else None

    def _loads(self, runs: Iterable[Run]) -> Iterator[Load]:
        for _, run in runs:
            for load in run.models:
                session, found = self._runs.get(load, (None, None))
                if session and isinstance(found, ModelLoad):
                    yield session, found

    def _meant(self, number: int) -> list[Subject]:
        """The subjects of a node: its own, or for a number of a report that report's."""
        graph = self._library.graph
        named = self._named.get(graph.names[number])
        if named:
            return named
        behind = (graph.names[older] for older, relation in graph.past[number].items() if relation == "wasDerivedFrom")
        return [one for name in behind if graph.thing(number).type == "metric" for one in self._named.get(name, ())]

    def _upstream(self, subject: Subject, numbers: Iterable[int]) -> Iterator[Load]:
        graph, own = self._library.graph, {load.id for _, load in subject.loads}
        for number in walks.past(graph, numbers):
            found = self._by_name.get(graph.names[number])
            if found and isinstance(found[1], ModelLoad) and found[1].id not in own and graph.shown(number) == number:
                yield found[0], found[1]


def _file_title(file: Artifact) -> str:
    return f"data set {file.path}, {file.sha256[:12] if file.sha256 else 'digest not recorded'}"
