"""What the facts say of a subject: each fact with the place where it stands; None where a run should say it and does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from lineage.comparison import harness
from lineage.comparison.precision import PLAIN
from lineage.comparison.subjects import Place, Run, Subject
from lineage.contract.decoding import SEED, in_force, is_greedy
from lineage.contract.times import xsd_time
from lineage.facts import Evaluation, Json, Session, Training

CUT_OVER = datetime(2025, 10, 4, tzinfo=UTC)  # docs/METHODOLOGY_CHANGE_NOTICE.md
BEFORE, FROM = "before the cut-over", "from the cut-over on"
NOT_SAID = "not recorded"
SEEDS = ("seed", "seeds", "data_seed")
GREEDY = "none in force: greedy decoding"
AS_TRAINED = "the base is loaded as it was for the training"


@dataclass(frozen=True, slots=True)
class Fact:
    """A value and where it stands. The value is JSON; None: it was not recorded, for the reason given."""

    value: object
    place: Place
    reason: str = ""
    of: str | None = None  # the model that it is a fact of, "" where that has no name; None: of no model
    inert: tuple[tuple[str, object], ...] = ()  # parameters that were recorded and have no effect


Facts = Iterator[Fact]


def _fact(value: object, place: Place, gaps: Mapping[str, str] | None = None, key: str = "", of: str | None = None) -> Fact:
    return Fact(value, place, "" if value is not None else (gaps or {}).get(key, NOT_SAID), of)


def _model(said: Json) -> str:
    name = said.get("model_name")
    return name if isinstance(name, str) else ""


def _place(run: Run) -> Place:
    return Place(run[0].id, run[1].id)


def provenances(subject: Subject) -> Iterator[tuple[Place, Json]]:
    """What each load, or each record whose load is not known, says of its loader; where nothing does, that nothing does."""
    if not subject.loads and not subject.inline:
        yield Place(), {}
    for session, load in subject.loads:
        yield Place(session.id, load.id), load.provenance
    for one in subject.inline:
        said = one.metadata.get("provenance")
        yield one.place, said if isinstance(said, Mapping) else {}


def provenance(key: str) -> Callable[[Subject], Facts]:
    """A key of the loader's provenance."""

    def facts(subject: Subject) -> Facts:
        for place, said in provenances(subject):
            gaps = said.get("gaps")
            yield _fact(said.get(key), place, gaps if isinstance(gaps, Mapping) else None, key, _model(said))

    return facts


def of_quantized(key: str) -> Callable[[Subject], Facts]:
    """A key that applies only where weights are quantized; plain weights have none, and that is known."""

    def facts(subject: Subject) -> Facts:
        for place, said in provenances(subject):
            yield _fact("not quantized" if said.get("quantization") in PLAIN else said.get(key), place, of=_model(said))

    return facts


def loader(subject: Subject) -> Facts:
    """The loader of each load: its digest and its commit."""
    for place, said in provenances(subject):
        known = {key: said[key] for key in ("loader_sha256", "loader_version") if said.get(key) is not None}
        yield _fact(known or None, place, of=_model(said))


def upstream_loaders(subject: Subject) -> Facts:
    """The loaders of all that came before: of the models that made the training data, and so on."""
    for session, load in subject.upstream:
        yield _fact(load.provenance.get("loader_version"), Place(session.id, load.id))


def advisory(subject: Subject) -> Facts:
    """The advisory measures of the sentinels."""
    for place, said in provenances(subject):
        results = said.get("sentinels")
        yield _fact(results.get("advisory") if isinstance(results, Mapping) else None, place)


def model(subject: Subject) -> Facts:
    """Which model: its name, its revision, and the digests of its files."""
    for session, load in subject.loads:
        name, revision = load.provenance.get("model_name"), load.provenance.get("revision")
        digests = sorted(file.sha256 for file in load.used if file.sha256)
        yield _fact([name, revision, digests] if digests or name else None, Place(session.id, load.id))


def era(subject: Subject) -> Facts:
    """Before the cut-over, or from it on. A load of which nobody knows the loader is from before, whenever it was."""
    nameless = {place for place, said in provenances(subject) if not said.get("loader_version") and not said.get("loader_sha256")}
    for place in nameless if subject.loads or subject.inline else ():
        yield Fact(BEFORE, place, "no loader version")
    if not subject.runs and not subject.loads:
        yield Fact(None, Place(), "no run is known")
    for run in subject.runs or subject.loads:
        activity = run[1]
        said = activity.ended_at or activity.started_at or next((one.timestamp for one in activity.made if one.timestamp), None)
        yield _dated(said, _place(run))
    for one in subject.inline:  # who carried records over did not make them
        yield _dated(one.time, one.place)


def _dated(said: str | None, place: Place) -> Fact:
    time = xsd_time(said) if said else None
    known = None if time is None else FROM if datetime.fromisoformat(time) >= CUT_OVER else BEFORE
    return Fact(known, place, "" if known else "no time with an offset")


def decoding(subject: Subject) -> Facts:
    """The parameters of each run that are in force, without seeds and without facts of the harness."""
    for run in subject.runs:
        if not isinstance(run[1], Training):
            yield _decoding(run[1].params, _place(run))
    for one in subject.inline:
        said = one.metadata.get("generation_params")
        yield _decoding(said if isinstance(said, Mapping) else {}, one.place)


def _decoding(params: Json, place: Place) -> Fact:
    split = in_force({key: value for key, value in params.items() if key not in SEEDS and key not in harness.FLAT})
    return replace(_fact(split.in_force or None, place), inert=tuple(split.inert.items()))


def seeds(subject: Subject) -> Facts:
    """The seeds of each run; a sampler that draws nothing has none."""
    for run in subject.runs:
        params = run[1].params
        known = {key: params[key] for key in SEEDS if params.get(key) is not None}
        if is_greedy(params):
            known = {key: value for key, value in known.items() if key != SEED}
        inert = ((SEED, params[SEED]),) if is_greedy(params) and params.get(SEED) is not None else ()
        yield Fact(known or (GREEDY if is_greedy(params) else None), _place(run), NOT_SAID, inert=inert)


def of_harness(what: str) -> Callable[[Subject], Facts]:
    """What the evaluations record of their harness; where one records nothing of it, nothing is asked."""

    def facts(subject: Subject) -> Facts:
        for run in subject.runs:
            report = subject.reports.get(run[1].id)
            known = harness.facts_of(run[1], what, report.content if report else {})
            if known:
                yield Fact(known, _place(run))

    return facts


def adapter_base(subject: Subject) -> Facts:
    """Whether each adapter that was used is on the base of its training."""
    for use in subject.adapters:
        yield Fact(str(use) if use.differing else AS_TRAINED, Place(use.session.id, use.run.id))


def data_set(subject: Subject) -> Facts:
    """What each evaluation was on, one fact a test set: its digest, and where it was on one alone, the version that the data set is said to have."""
    for session, run in subject.runs:
        if isinstance(run, Evaluation):
            tests = [one for one in run.used if one.role == "testSet"] or run.used
            version = run.dataset.get("version") if len(tests) <= 1 else None
            digests = [one.sha256 for one in tests] or [None]
            for digest in digests:
                told = (("sha256", digest), ("version", None if version in digests else version))  # a digest is no version beside it
                known = {key: value for key, value in told if value is not None}
                yield _fact(known or None, Place(session.id, run.id))


def data_size(subject: Subject) -> Facts:
    """How many examples each evaluation was on."""
    for session, run in subject.runs:
        if isinstance(run, Evaluation):
            yield _fact(run.dataset.get("size"), Place(session.id, run.id))


def inputs(subject: Subject) -> Facts:
    """The digests of what each run that is no evaluation used: prompts, training data."""
    for session, run in subject.runs:
        if not isinstance(run, Evaluation):
            for one in run.used:
                yield _fact(one.sha256, Place(session.id, run.id, one.path))


def measures(subject: Subject) -> Facts:
    """The names of the numbers of each evaluation."""
    for session, run in subject.runs:
        if isinstance(run, Evaluation):
            for name in run.metrics:
                yield Fact(name, Place(session.id, run.id))


def script(subject: Subject) -> Facts:
    """The program of each run, by its path and digest, else its commit."""
    for run in subject.runs:
        said = run[1].script
        yield _fact([said.path, said.sha256 or said.version] if said and (said.sha256 or said.version) else None, _place(run))


def _sessions(subject: Subject) -> Iterator[Session]:
    return iter({one.id: one for one, _ in (*subject.runs, *subject.loads) if one.manifest}.values())


def code(subject: Subject) -> Facts:
    """The commit of each session, and the digest of what differed from it."""
    for one in _sessions(subject):
        said = one.code
        clean = (
            said is not None and said.git_sha is not None and said.dirty is not None and (not said.dirty or said.diff_sha256 is not None)
        )
        yield _fact([said.git_sha, said.diff_sha256 if said.dirty else "clean"] if said and clean else None, Place(one.id))


def environment(key: str) -> Callable[[Subject], Facts]:
    """A key of each session's environment."""

    def facts(subject: Subject) -> Facts:
        for one in _sessions(subject):
            reasons = {gap.about: gap.reason for gap in one.gaps}
            yield _fact(one.environment.get(key), Place(one.id), reasons, key)

    return facts


def library(name: str) -> Callable[[Subject], Facts]:
    """The version of a library in each session; where the packages were recorded and it is none of them, it was not installed."""

    def facts(subject: Subject) -> Facts:
        for one in _sessions(subject):
            packages = one.environment.get("packages")
            missing = "not installed" if isinstance(packages, Mapping) and packages else None
            found = packages.get(name) if isinstance(packages, Mapping) else None
            yield _fact(found or one.environment.get(f"{name}_version") or missing, Place(one.id))

    return facts


def trained_on(subject: Subject) -> Facts:
    """The parameters of each training."""
    for session, run in subject.runs:
        if isinstance(run, Training):
            yield _fact(dict(run.params) or None, Place(session.id, run.id))
