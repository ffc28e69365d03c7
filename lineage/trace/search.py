"""Which thing is meant: a path, a digest, a session or run id, a commit, a model, a script, a metric, a PROV id, or a unique beginning of one.

A word in front tells things apart that are called alike: `loader:3f2a…`, `code:3f2a…`, `script:generate.py`. Without it, all that is called so is
meant: a commit is the loader, the scripts and the code of that commit.
"""

from __future__ import annotations

import difflib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lineage.capture import files
from lineage.core.reading import is_file, is_folder, is_there
from lineage.errors import NotFoundError, UsageError
from lineage.mapping.names import DCTERMS, ID_BASE, LIN, PROV, SCHEMA
from lineage.prov.statement import Literal
from lineage.trace.graph import Graph
from lineage.trace.relations import PART

SHORTEST = 4  # letters of an id that may stand for it
KINDS: Mapping[str, frozenset[str]] = {
    "loader": frozenset({"Loader"}),
    "script": frozenset({"Script", "ScriptFile"}),
    "code": frozenset({"CodeVersion"}),
    "model": frozenset({"Model", "LoadedModel"}),
    "session": frozenset({"Session"}),
    "run": frozenset({"ModelLoad", "Generation", "Training", "Evaluation", "Transformation"}),
    "metric": frozenset({"Metric"}),
    "file": frozenset({"RecordFile", "Dataset", "Prompts", "TestSet", "Report", "Model", "ModelFile", "Artifact", "Legacy", "Patch"}),
}
_IDS = frozenset({LIN["sha256"], LIN["gitSha"], DCTERMS["identifier"], SCHEMA["softwareVersion"]})
_NAMES = frozenset({LIN["measure"], PROV["location"]})
_LABELLED = frozenset({"Model", "LoadedModel", "Loader", "Script", "Person", "SoftwareAgent"})  # known by their label too
_BARE = {
    "run": "run-",
    "session": "session-",
    "model": "model-",
    "loader": "loader-",
}  # ids of facts, known without what PROV puts in front

Index = dict[str, set[int]]
Places = Mapping[Path, frozenset[str]]


def on_disk(name: str | Path) -> Path | None:
    """The file or folder of this name, if there is one. A text that can be no path names none."""
    try:
        return Path(name) if is_there(Path(name)) else None
    except (OSError, ValueError):  # longer than a path may be, or with a null byte
        return None


@dataclass(slots=True)
class Search:
    """What each thing of a graph is called. The graph is read once; each question then looks up."""

    graph: Graph
    _names: Index = field(default_factory=lambda: defaultdict(set))  # paths, models, scripts, metrics, agents
    _tails: Index = field(default_factory=lambda: defaultdict(set))  # the last parts of paths
    _ids: Index = field(default_factory=lambda: defaultdict(set))  # digests, commits, ids: any unique beginning will do
    _locals: Index = field(default_factory=lambda: defaultdict(set))  # PROV ids
    _types: dict[int, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, name in enumerate(self.graph.names):
            if self.graph.shown(number) == number:
                self._types[number] = frozenset(one.rpartition("#")[2] for one in self.graph.types[number])
                self._locals[name.removeprefix(ID_BASE)].add(number)
                self._learn(number, name.removeprefix(ID_BASE))

    def _learn(self, number: int, local: str) -> None:
        types = self._types[number]
        for kind, prefix in _BARE.items():
            if local.startswith(prefix) and types & KINDS[kind] and "-named-" not in local:
                self._ids[local.removeprefix(prefix)].add(number)
        for one in self.graph.told[number]:
            for name, value in one.attributes:
                if not isinstance(value, Literal):
                    continue
                if name in _IDS and (name != SCHEMA["softwareVersion"] or "Loader" in types):
                    self._ids[value.lexical.removeprefix("swh:1:rev:")].add(number)
                elif name in _NAMES or (name == PROV["label"] and types & _LABELLED):
                    self._called(value.lexical, number)

    def _called(self, text: str, number: int) -> None:
        path = text.partition(" @")[0]
        for name in (text, path):
            self._names[name].add(number)
        self._tails[path.rpartition("/")[2]].add(number)

    def find(self, text: str, places: Places | None = None) -> tuple[int, ...]:
        """The nodes that *text* means, in order. A path that is there is what has its bytes, else what was recorded at its place, else what is called so
        in full; never another file with the same last name.

        Args:
            places: the folders that paths are told from, with the ids of their sessions.

        Raises:
            NotFoundError: nothing is called so; the hint names what is called nearly so.
            UsageError: a beginning that fits several.
        """
        kind, _, rest = text.partition(":")
        kinds = KINDS.get(kind) if rest and not on_disk(text) else None
        name = rest if kinds else text
        found = self._exactly(name, kinds, places or {}) or self._begun(name, kinds)
        if not found:
            raise NotFoundError("nothing is called so", at=text, hint=self._nearly(name))
        return tuple(sorted(found))

    def _of(self, found: Iterable[int], kinds: frozenset[str] | None) -> set[int]:
        return {number for number in found if kinds is None or self._types[number] & kinds}

    def _exactly(self, name: str, kinds: frozenset[str] | None, places: Places) -> set[int]:
        local = name.removeprefix(ID_BASE).removeprefix("id:")
        every = (self._names.get(name, set()), self._ids.get(name, set()), self._locals.get(local, set()))
        full = self._of(set().union(*every), kinds)
        found = full | self._of(self._tails.get(name, ()), kinds)
        path = on_disk(name)
        if path is None or any("Script" in self._types[number] for number in found):  # a script is meant in all its versions
            return found
        return self._at(path, kinds, places) or full

    def _at(self, path: Path, kinds: frozenset[str] | None, places: Places) -> set[int]:
        """What has the bytes that are there; else what was recorded at that place, by the sessions of its folder."""
        same = self._of(self._ids.get(files.digest(path)[0], ()), kinds) if is_file(path) else set()
        there = {number for folder, sessions in places.items() for number in self._placed(path, folder, sessions)}
        if is_folder(path) and len(there) > 1:
            now = files.artifact(path, folder=path.parent, type="folder").sha256
            same = self._of(self._ids.get(now or "", ()), kinds)
        return same | self._around(path, same, places) or self._of(there, kinds)

    def _around(self, path: Path, files: set[int], places: Places) -> set[int]:
        """The recorded folders that hold the file at this path, where several folders hold the same bytes: this one was asked for."""
        shared = {number for number in files if PART not in self.graph.past[number].values()}
        around = {
            folder
            for place, sessions in places.items()
            for parent in path.absolute().parents
            if parent != place.absolute() and parent.is_relative_to(place.absolute())
            for folder in self._placed(parent, place, sessions)
        }
        return {folder for folder in around if shared.intersection(self.graph.past[folder])}

    def _placed(self, path: Path, folder: Path, sessions: frozenset[str]) -> set[int]:
        inside = Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
        return {number for number in self._names.get(inside, ()) if sessions.intersection(self.graph.sessions[number])}

    def _begun(self, name: str, kinds: frozenset[str] | None) -> set[int]:
        """What has an id that begins so: all that share the id, but not several ids."""
        local = name.removeprefix(ID_BASE).removeprefix("id:")
        if len(local) < SHORTEST:
            return set()
        fitting = dict(self._beginning(self._ids, local, kinds)) or dict(self._beginning(self._locals, local, kinds))
        if len(fitting) > 1:
            shown = [self.graph.thing(min(nodes)).text for nodes in fitting.values()][:5]
            raise UsageError("several things begin so", at=name, hint=", ".join(shown) + (", …" if len(fitting) > 5 else ""))
        return set().union(*fitting.values())

    def _beginning(self, index: Index, text: str, kinds: frozenset[str] | None) -> Iterator[tuple[str, set[int]]]:
        for one, nodes in index.items():
            if one.startswith(text) and "-slice-" not in one and "-metric-" not in one:
                kept = self._of(nodes, kinds)
                if kept:
                    yield one, kept

    def _nearly(self, text: str) -> str:
        known = dict.fromkeys((*self._names, *self._tails, *self._ids))
        known.pop(text, None)  # the last name of a file that another one on disk has too
        close = difflib.get_close_matches(text, known, 3, 0.6)
        inside = sorted(one for one in self._names if len(text) > 2 and text in one)[:3]
        shown = list(dict.fromkeys([*close, *inside]))
        return f"did you mean {' or '.join(shown)}?" if shown else "a path, an id, a commit, a model, a script or a metric of these folders"
