"""What happened, as frozen typed facts.  No reading, no writing, no PROV: the words every other room speaks.

Ids: a session's is `<UTC timestamp>-<12 hex>`, an activity's 32 hex digits. Times are ISO 8601 strings with an offset, as they
were written. Paths are relative to the session's folder, with `/`. A fact that could not be learnt is None and has a `Gap`.

To add an activity: one dataclass here (and in `ACTIVITIES`), one function in `mapping`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lineage.known_by import Known

Json = Mapping[str, Any]  # a JSON object as it was written; never changed once it is a fact
Status = Literal["running", "completed", "failed", "interrupted"]


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """A fact that could not be learnt, and why. In JSON: `"gaps": {about: reason}`."""

    about: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The file from which records of a slice were carried over, and what became of them on the way."""

    path: str  # as the session that made the file calls it
    sha256: str
    slice_line: int | None  # the first line of the slice there that holds them; None: it is not known
    count: int  # records that were found there
    edited: int  # of those, the records that are another JSON value now
    edited_keys: tuple[str, ...] = ()  # the keys of theirs that differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Records of one file that share provenance, script and parameters (the per-record seed and time aside)."""

    metadata: Json  # what they share: the `metadata` block without timestamp, record_index and generation_params.seed
    lines: tuple[tuple[int, int], ...]  # 1-based line ranges, both ends included, ascending
    count: int
    scattered: bool = False  # True: `lines` says where it begins and ends, and records of other slices stand between
    mixed: bool = False  # True: records of many configurations, more than are told apart; `metadata` is empty
    first_time: str | None = None  # the earliest and the latest timestamp among them
    last_time: str | None = None
    seeds: tuple[int, int] | None = None  # the smallest and the largest seed; None: no record names one
    seedless: tuple[int, int] = field(default=(0, 0), compare=False)  # how many name none, and the line of the first; found by reading
    origins: tuple[Origin, ...] = ()  # where its records were, in the files that the run used; found by comparing
    unmatched: int | None = field(default=None, compare=False)  # records that no input holds for certain; None: not compared
    undecided: int = field(default=0, compare=False)  # of those, the records that an input may hold
    is_partial: bool = field(default=False, compare=False)  # an input could not be read, and may hold equal records

    @property
    def run_id(self) -> str | None:
        """The activity that made the records, if they say so."""
        run_id = self.metadata.get("run_id")
        return run_id if isinstance(run_id, str) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Bytes at a path. A folder is an artifact with `parts`; its digest is that of its sorted `<sha256>  <path>` lines."""

    path: str
    type: str  # "training_data", "evaluation", "prompts", "model", "patch", …
    sha256: str | None = None
    bytes: int | None = None
    count: int | None = None  # records, where the file is one of records
    lines: int | None = None  # its lines, blank ones too: the leaves of the Merkle tree
    merkle_root: str | None = None  # 64 hex digits (RFC 9162), over its lines with their line endings
    timestamp: str | None = None  # when it was complete
    activity: str | None = None  # id of the activity that made it; None: it was there before
    role: str | None = None  # what it was used or made as, where an activity names it
    removed_at: str | None = None  # when the training that made it removed it, as a limit on checkpoints asks
    parts: tuple[Artifact, ...] = ()
    slices: tuple[Slice, ...] | None = None  # None: not scanned; (): scanned, and nothing has metadata
    link: bool = False  # the name is in the session's folder, and a link leads from it to a file elsewhere, or to none
    dataset: Json = field(
        default_factory=dict
    )  # a data set that is no file: {"class", "fingerprint", "split", "rows"}, or {"hub", "revision"}
    gaps: tuple[Gap, ...] = ()
    known: Known = field(default_factory=dict)  # fields whose source is not the usual one (known_by.py)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A program at a version."""

    path: str  # relative to its repository, or the file name where it has none
    version: str | None  # git SHA of its repository, 40 hex digits
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeVersion:
    """The code that ran: a commit, and what differed from it."""

    git_sha: str | None
    sha_variable: str | None = None  # the environment variable that declares git_sha; None: git itself told it
    branch: str | None = None  # None with a git_sha: a detached head, or a declared commit
    dirty: bool | None = None  # None: not known, which is not clean
    diff_sha256: str | None = None  # of all that differs from the commit, as a patch; None: it is not whole
    patch: Artifact | None = None  # that patch, kept beside the manifest
    uncovered: tuple[Artifact, ...] = ()  # files that differ from the commit and are not in the patch
    untracked: tuple[Artifact, ...] = ()  # programs that git does not know
    script: Script | None = None
    text: Artifact | None = None  # executed code that no file has (cells of a notebook), kept beside the manifest
    gaps: tuple[Gap, ...] = ()
    known: Known = field(default_factory=dict)  # fields whose source is not the usual one (known_by.py)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Something that took place in a session, used things and made things."""

    id: str
    status: Status | None = "running"  # None: nobody recorded one
    started_at: str | None = None
    ended_at: str | None = None
    script: Script | None = None
    models: tuple[str, ...] = ()  # ids of the ModelLoads whose models it used
    params: Json = field(default_factory=dict)
    used: tuple[Artifact, ...] = ()
    made: tuple[Artifact, ...] = ()
    gaps: tuple[Gap, ...] = ()
    error: Json | None = None  # why it did not complete: {"type": …, "message": …}
    command: tuple[str, ...] = ()  # that was wrapped, without secrets; (): the activity took place in a program that uses us
    exit_code: int | None = None  # of that command
    inferred: bool = False  # known only from inline metadata, no manifest says it took place
    known: Known = field(default_factory=dict)  # fields whose source is not the usual one (known_by.py)

    @property
    def is_wrapped(self) -> bool:
        """Whether a command did it that need not know of us; a copy without the command still has its exit code."""
        return bool(self.command) or self.exit_code is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLoad(Activity):
    """A loader turned files into a model in memory; `used` are the model's files."""

    provenance: Json = field(default_factory=dict)  # the contract's section 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation(Activity):
    """A model turned prompts into records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training(Activity):
    """Data and a base model became an adapter or a model."""

    metrics: Json = field(default_factory=dict)  # name: the last value; the whole curve is in its training history
    removed: tuple[Artifact, ...] = ()  # what others made, and this training removed


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation(Activity):
    """Models were measured on a data set."""

    metrics: Json = field(default_factory=dict)  # flattened name: number, of the report's `summary`; None: without a value, see gaps
    dataset: Json = field(default_factory=dict)  # {"name": …, "size": …, "version": …}


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformation(Activity):
    """Files became other files with no model: filter, merge, deduplicate, or a command that knows nothing of us."""

    kind: str = "transform"


VALIDATION = "validationData"  # the role of data that a model was measured on while it was trained


def trained_on(run: Activity) -> tuple[Artifact, ...]:
    """Return what a run used, without the data that its model was only measured on."""
    return tuple(one for one in run.used if one.role != VALIDATION)


ACTIVITIES: dict[str, type[Activity]] = {
    "model_load": ModelLoad,
    "generation": Generation,
    "training": Training,
    "evaluation": Evaluation,
    "transformation": Transformation,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of an experiment: where, with what code, and everything that took place."""

    id: str
    title: str | None = None
    status: Status | None = "running"  # None: nobody recorded one
    started_at: str | None = None
    ended_at: str | None = None
    operator: str | None = None  # only when asked for
    host: str | None = None  # only when asked for
    environment: Json = field(default_factory=dict)  # the manifest's `environment`, without `git_*`
    code: CodeVersion | None = None
    loader_config: Json = field(default_factory=dict)
    activities: tuple[Activity, ...] = ()
    artifacts: tuple[Artifact, ...] = ()  # what it made, and what it was told of
    gaps: tuple[Gap, ...] = ()
    error: Json | None = None  # why it did not complete: {"type": …, "message": …}
    manifest: str | None = None  # file name of the manifest; None: inferred from inline metadata
    inferred: bool = False
    known: Known = field(default_factory=dict)  # fields whose source is not the usual one (known_by.py)


def removals(sessions: Iterable[Session]) -> dict[str, str]:
    """Return when trainings removed files, by path: the last time where a file was made and removed again."""
    found: dict[str, str] = {}
    for session in sessions:
        others = (one for run in session.activities if isinstance(run, Training) for one in run.removed)
        for artifact in (*session.artifacts, *others):
            if artifact.removed_at:
                found[artifact.path] = max(found.get(artifact.path, ""), artifact.removed_at)
    return found
