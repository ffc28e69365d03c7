"""What a history's answers are, by a plain walk over the facts: no statement, no graph, none of the code that is tested.

A thing is a tuple that begins with its kind:

    ("file", sha256)  ("slice", sha256, first line)  ("run", activity id)  ("session", session id)  ("loaded", load id)
    ("base", its files' digests, or name and revision)  ("metric", report's sha256, name)  ("loader", git sha)  ("script", path, git sha)
    ("code", git sha, diff)  ("operator", name)  ("environment", JSON)  ("plan", JSON)  ("plan", class, JSON)  ("doing", id of a run that carried records over)

What influences what is docs/decisions/0010: records that another file carried on come from the slice that they were carried from, and
from who carried them and how, never from the other files that went into the same merge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from lineage.facts import Activity, Artifact, Evaluation, ModelLoad, Session, Slice, Training
from lineage.mapping.names import canonical

Key = tuple[object, ...]


class Facts:
    """What each thing came from directly, as the facts tell it."""

    def __init__(self, history: Iterable[Session]) -> None:
        self.sources: dict[Key, set[Key]] = defaultdict(set)
        self.counts: dict[Key, int] = {}  # records of each slice
        self.carried: set[Key] = set()  # slices that were made elsewhere
        self.metrics: dict[Key, float] = {}
        self.adapters: set[str] = set()
        self._history = tuple(history)
        self._slices = self._known_slices()
        self._folders = self._made_folders()
        for session in self._history:
            self._session(session)
        self._lone_parts()
        self._uses = defaultdict(set)
        for thing, sources in self.sources.items():
            for source in sources:
                self._uses[source].add(thing)

    def closure(self, keys: Iterable[Key], back: bool = True) -> set[Key]:
        """All that *keys* came from, or with *back* false all that came from them; themselves too."""
        seen, rest = set(), list(keys)
        while rest:
            key = rest.pop()
            if key not in seen:
                seen.add(key)
                rest += (self.sources if back else self._uses).get(key, ())
        return seen

    def affected(self, keys: Iterable[Key]) -> set[Key]:
        """All that came from *keys*; a file whose records were all carried over only if one of its slices did."""
        seen, rest = set(), list(keys)
        while rest:
            key = rest.pop()
            if key not in seen:
                seen.add(key)
                rest += (one for one in self._uses.get(key, ()) if key in self.parts_of(one) or not self._all_carried(one))
        return seen

    def _all_carried(self, key: Key) -> bool:
        parts = self.parts_of(key) - {key}
        return key[0] == "file" and bool(parts) and parts <= self.carried

    def parts_of(self, key: Key) -> set[Key]:
        """A file with its slices, a run with its doing: what is meant by it."""
        if key[0] == "run":
            return {key, ("doing", key[1])}
        if key[0] != "file":
            return {key}
        return {key} | {("slice", key[1], one.lines[0][0]) for one in self._slices.get(key[1], ())}

    def _known_slices(self) -> dict[str, tuple[Slice, ...]]:
        found: dict[str, dict[int, Slice]] = defaultdict(dict)
        for session in self._history:
            for file in [*(one for run in session.activities for one in run.made), *session.artifacts]:
                for part in file.slices or ():
                    found[file.sha256][part.lines[0][0]] = part
        return {digest: tuple(parts.values()) for digest, parts in found.items()}

    def _made_folders(self) -> list[Artifact]:
        made = [one for session in self._history for run in session.activities for one in run.made if one.parts]
        return list({one.sha256: one for one in made}.values())

    def _session(self, session: Session) -> None:
        me = ("session", session.id) if session.manifest else None
        if me:
            self._about_session(session, me)
        for run in session.activities:
            self._run(session, me, run)
        made = {one.path for run in session.activities for one in run.made}
        for file in session.artifacts:
            for part in file.slices or ():
                self._part(file, part)
            if file.path not in made:
                self._file(file, None, me if file.type != "legacy" else None)

    def _about_session(self, session: Session, me: Key) -> None:
        packages = session.environment.get("packages", {})
        software = {("software", name, packages[name]) for name in ("torch", "transformers") if name in packages}
        if "lineage_version" in session.environment:
            software.add(("software", "lineage-prov", session.environment["lineage_version"]))
        self.sources[me] |= software | {("environment", canonical(dict(session.environment)))}
        if session.operator:
            self.sources[me].add(("operator", session.operator))
        if session.code:
            code = ("code", session.code.git_sha, session.code.diff_sha256 if session.code.dirty else None)
            self.sources[me].add(code)
            if session.code.dirty:
                self.sources[code].add(("code", session.code.git_sha, None))

    def _run(self, session: Session, me: Key | None, run: Activity) -> None:
        key = ("run", run.id)
        by_whom = {me} if me else set()
        if run.script:
            by_whom.add(("script", run.script.path, run.script.version))
        if session.operator:
            by_whom.add(("operator", session.operator))
        if run.params:
            by_whom.add(("plan", type(run), canonical(run.params)))
        by_whom |= {(kind, load) for load in run.models for kind in ("loaded", "run")}
        self.sources[key] |= by_whom | {("file", used.sha256) for used in run.used}
        if isinstance(run, ModelLoad):
            self._load(run, key)
        for file in run.made:
            self._file(file, run, key)
            self.sources["file", file.sha256] |= {("file", used.sha256) for used in run.used} | {("loaded", load) for load in run.models}
            if isinstance(run, Training):
                self.adapters.add(file.sha256)
            if isinstance(run, Evaluation):
                for measure, value in run.metrics.items():
                    self.metrics["metric", file.sha256, measure] = value
                    self.sources["metric", file.sha256, measure] |= {key, ("file", file.sha256)}

    def _load(self, run: ModelLoad, key: Key) -> None:
        said = run.provenance
        digests = tuple(sorted(file.sha256 for file in run.used))
        base = ("base", digests or (said["model_name"], said["revision"]))
        self.sources[key] |= {("loader", said["loader_version"]), ("plan", canonical(said)), base}
        self.sources["loaded", run.id] |= {key, base}
        if said["sentinel_tests_passed"] is not None:
            self.sources["sentinels", run.id].add(key)
        self.sources[base] |= {("file", digest) for digest in digests}
        for folder in self._folders:
            if {part.sha256 for part in folder.parts} <= set(digests):
                self.sources[base].add(("file", folder.sha256))

    def _lone_parts(self) -> None:
        """A file that is in one folder alone stands for it."""
        for folder in self._folders:
            for part in folder.parts:
                if not any(part.sha256 == one.sha256 for other in self._folders if other is not folder for one in other.parts):
                    self.sources["file", part.sha256].add(("file", folder.sha256))

    def _file(self, file: Artifact, run: Activity | None, maker: Key | None) -> None:
        key = ("file", file.sha256)
        if maker:
            self.sources[key].add(maker)
        if run and run.script:
            self.sources[key].add(("script", run.script.path, run.script.version))
        self.sources[key] |= {("file", part.sha256) for part in file.parts}
        for part in file.slices or ():
            self._slice(self._part(file, part), part, run)

    def _part(self, file: Artifact, part: Slice) -> Key:
        name = ("slice", file.sha256, part.lines[0][0])
        self.counts[name] = part.count
        self.sources["file", file.sha256].add(name)
        return name

    def _slice(self, name: Key, part: Slice, run: Activity | None) -> None:
        if run is None:
            return
        origins = self._origins(part, run) if part.run_id != run.id else set()
        if origins:
            self.carried.add(name)
            unread = {("file", used.sha256) for used in run.used if not self._slices.get(used.sha256)}
            self.sources["doing", run.id] |= self._who(run) | unread
            self.sources[name] |= origins | {("doing", run.id)}
        else:
            self.sources[name].add(("run", run.id))

    def _origins(self, part: Slice, run: Activity) -> set[Key]:
        """The slices of the files that the run used with the very metadata of *part*."""
        return {
            ("slice", used.sha256, one.lines[0][0])
            for used in run.used
            for one in self._slices.get(used.sha256, ())
            if canonical(one.metadata) == canonical(part.metadata)
        }

    def _who(self, run: Activity) -> set[Key]:
        return self.sources["run", run.id] - {("file", used.sha256) for used in run.used}


def ancestors_of(history: Iterable[Session], key: Key) -> set[Key]:
    """All that a thing came from, without itself."""
    return Facts(history).closure([key]) - {key}


def descendants_of(history: Iterable[Session], key: Key) -> set[Key]:
    """All that came from a thing: from a file, and from its slices; without itself and them."""
    facts = Facts(history)
    start = facts.parts_of(key)
    return facts.closure(start, back=False) - start


def records_affected_by_loader(history: Iterable[Session], sha: str) -> dict[Key, int]:
    """The slices that hold records of a model that this loader loaded, or of one trained on such records; with their numbers."""
    facts = Facts(history)
    return {key: facts.counts[key] for key in facts.affected([("loader", sha)]) if key[0] == "slice"}


def scores_affected_by_loader(history: Iterable[Session], sha: str) -> dict[Key, float]:
    """The numbers of every report on such a model."""
    facts = Facts(history)
    return {key: facts.metrics[key] for key in facts.affected([("loader", sha)]) if key[0] == "metric"}


def adapters_affected_by_loader(history: Iterable[Session], sha: str) -> set[str]:
    """The digests of the adapters that were trained from such a model or on such records."""
    facts = Facts(history)
    return {str(key[1]) for key in facts.affected([("loader", sha)]) if key[0] == "file" and key[1] in facts.adapters}
