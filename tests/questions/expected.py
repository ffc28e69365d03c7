"""What each named question must answer, by plain loops over the facts: no statement, no graph, no SPARQL.

`EXPECTED[name](history, …)` gives the columns that are compared and the rows, as a multiset of tuples.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime

from lineage.facts import Evaluation, Generation, ModelLoad, Training, Transformation

RUNS = {ModelLoad: "load", Generation: "generate", Training: "train", Evaluation: "evaluate", Transformation: "transform"}


def when(text):
    return datetime.fromisoformat(text) if text else None


def runs(history, *kinds):
    return [(session, run) for session in history for run in session.activities if not kinds or isinstance(run, kinds)]


def recorded(history):
    return [session for session in history if session.manifest]


def loads(history):
    """Each load once, with all the sessions that tell of it (an inferred one is told by every file that speaks of its configuration)."""
    found = {}
    for session, run in runs(history, ModelLoad):
        found.setdefault(run.id, (run, []))[1].append(session)
    return found


def files(history):
    """Everything at a path: path and digest, with what was recorded of it, parts too."""
    found = []

    def add(one):
        found.append(one)
        for part in one.parts:
            add(part)

    for session in history:
        for run in session.activities:
            for one in (*run.used, *run.made):
                add(one)
        made = {one.path for run in session.activities for one in run.made}
        for one in session.artifacts:
            if one.path not in made:
                add(one)
    return found


def makers(history):
    """digest -> the runs that made it, with their sessions."""
    found = defaultdict(list)
    for session, run in runs(history):
        for one in run.made:
            found[one.sha256].append((session, run))
    return found


def slices(history):
    """(digest, first line) -> the slice and who made it: the run that it names, else the one that made its file."""
    found = {}
    for _, run in runs(history):
        for file in run.made:
            for part in file.slices or ():
                found[file.sha256, part.lines[0][0]] = (part, file, (part.run_id or run.id) if part.metadata else None, run.id)
    return found


def version(load):
    return load.provenance.get("loader_version")


def base_key(load):
    """What the load's model is: the bytes of its files, else its name and revision."""
    digests = tuple(sorted(file.sha256 for file in load.used))
    return digests or (load.provenance.get("model_name"), load.provenance.get("revision"))


def between(history, start=None, end=None):
    rows = [(s.id, s.title, when(s.started_at), when(s.ended_at), s.status) for s in recorded(history)]
    return ("session", "title", "started", "ended", "status"), Counter(
        row for row in rows if (start is None or row[2] >= start) and (end is None or row[2] < end)
    )


def carried_over(history):
    rows = defaultdict(int)
    for part, file, maker, writer in slices(history).values():
        if maker and part.run_id and maker != writer:
            rows[file.path, maker] += part.count
    return ("path", "made_by", "records"), Counter((*key, count) for key, count in rows.items())


def dirty_code(history):
    rows = {(s.id, s.title, s.code.git_sha, s.code.diff_sha256) for s in recorded(history) if s.code and s.code.dirty}
    return ("session", "title", "commit", "diff"), Counter(rows)


def environments(history):
    keys = ("python_version", "torch_version", "transformers_version", "gpu")
    rows = Counter(tuple(s.environment.get(key) for key in keys) for s in recorded(history))
    return ("python", "torch", "transformers", "gpu", "sessions"), Counter((*key, count) for key, count in rows.items())


def _scores(history, chosen):
    rows = set()
    for session, run in runs(history, Evaluation):
        if chosen(session, run):
            for report in run.made:
                rows |= {(when(run.started_at), report.path, measure, value) for measure, value in run.metrics.items()}
    return ("time", "report", "measure", "value"), Counter(rows)


def reports(history):
    return _scores(history, lambda session, run: True)


def scores_on(history, digest):
    return _scores(history, lambda session, run: any(one.sha256 == digest for one in run.used))


def evaluations_of(history, digests):
    """Of a model whose files are these."""
    known = loads(history)
    return _scores(history, lambda session, run: any(set(digests) & {one.sha256 for one in known[load][0].used} for load in run.models))


def evaluations_of_named(history, name):
    known = loads(history)
    return _scores(history, lambda session, run: any(known[load][0].provenance.get("model_name") == name for load in run.models))


def same_dataset(history, report):
    made = [run for _, run in makers(history)[report]]
    data = {one.sha256 for run in made for one in run.used}
    mine = {run.id for run in made}
    _, rows = _scores(history, lambda session, run: run.id not in mine and data & {one.sha256 for one in run.used})
    return ("other", "measure", "value"), Counter(row[1:] for row in rows)


def gaps(history):
    things = defaultdict(set)
    for session in recorded(history):
        for gap in session.gaps:
            things[f"{gap.about}: {gap.reason}"].add(session.id)
    for _, run in runs(history):
        for gap in run.gaps:
            things[f"{gap.about}: {gap.reason}"].add(run.id)
    return ("gap", "things"), Counter((gap, len(found)) for gap, found in things.items())


def inferred(history):
    rows = {(run.id, file.path) for _, run in runs(history) if run.inferred for file in run.made}
    rows |= {(run.id, None) for _, run in runs(history) if run.inferred and not run.made}
    return ("run", "path"), Counter(rows)


def largest_generations(history):
    found = {(one.path, one.count) for one in files(history) if one.type == "training_data" and one.count is not None}
    return ("path", "records"), Counter(sorted(found, key=lambda row: -row[1])[:20])


def loaders(history):
    times = defaultdict(list)
    for load, _ in loads(history).values():
        times[version(load)].append(when(load.started_at))
    rows = []
    for sha, seen in times.items():
        known = [time for time in seen if time]
        rows.append((sha, len(seen), min(known, default=None), max(known, default=None)))
    return ("loader", "loads", "first", "last"), Counter(rows)


def models(history):
    found = defaultdict(set)
    names, revisions = defaultdict(set), defaultdict(set)
    for load, _ in loads(history).values():
        found[base_key(load)].add(load.id)
        names[base_key(load)].add(load.provenance.get("model_name"))
        revisions[base_key(load)].add(load.provenance.get("revision"))
    rows = [(name, revision, len(found[key])) for key in found for name in names[key] for revision in revisions[key]]
    return ("name", "revision", "loads"), Counter(rows)


def quantizations(history):
    rows = Counter((load.provenance.get("model_name"), load.provenance.get("quantization")) for load, _ in loads(history).values())
    return ("model", "quantization", "loads"), Counter((*key, count) for key, count in rows.items())


def not_completed(history):
    rows = [(s.title, s.status, when(s.started_at)) for s in recorded(history) if s.status != "completed"]
    found = {run.id: run for _, run in runs(history) if not run.inferred and run.status != "completed"}
    rows += [(run.kind if isinstance(run, Transformation) else label(run), run.status, when(run.started_at)) for run in found.values()]
    return ("what", "status", "started"), Counter(rows)


def label(run):
    """What a run is called in a table."""
    if isinstance(run, ModelLoad):
        return f"load {run.provenance.get('model_name')}"
    return (
        f"evaluate {run.dataset.get('name')}"
        if isinstance(run, Evaluation)
        else run.kind
        if isinstance(run, Transformation)
        else RUNS[type(run)]
    )


def records_by_loader(history):
    known = loads(history)
    made, by = defaultdict(int), defaultdict(set)
    every = {run.id: run for _, run in runs(history)}
    parts = {
        (run.id, file.sha256, part.lines[0][0]): part
        for run in every.values()
        for file in run.made
        for part in file.slices or ()
        if part.metadata and part.run_id in (None, run.id)
    }
    for (writer, _, _), part in parts.items():
        for load in every[writer].models:
            key = (version(known[load][0]), known[load][0].provenance.get("quantization"))
            made[key] += part.count
            by[key].add(writer)
    return ("loader", "quantization", "records", "runs"), Counter((*key, count, len(by[key])) for key, count in made.items())


def mixed_loaders(history):
    """Each evaluation's loads of an adapter, by a file that only this adapter has, held against the loads that made its training data."""
    known = loads(history)
    every = {run.id: run for _, run in runs(history)}
    owners = defaultdict(set)  # a file of an adapter -> the trainings that made an adapter with it
    for _, run in runs(history, Training):
        for adapter in run.made:
            for one in (adapter, *adapter.parts):
                owners[one.sha256].add((adapter.sha256, run.id))
    of_data = defaultdict(set)  # a file of records -> the loader versions behind its records
    for (digest, _), (_, _, maker, _) in slices(history).items():
        for load in every[maker].models if maker in every else ():
            of_data[digest].add(version(known[load][0]))
    rows = set()
    for _, run in runs(history, Evaluation):
        for load in (known[one][0] for one in run.models):
            trainings = {next(iter(owners[file.sha256]))[1] for file in load.used if len(owners[file.sha256]) == 1}
            for data in (one for training in trainings for one in every[training].used):
                rows |= {
                    (report.path, version(load), data.path, sha)
                    for report in run.made
                    for sha in of_data[data.sha256]
                    if sha != version(load)
                }
    return ("report", "evaluated_with", "data", "generated_with"), Counter(rows)


def data_behind(history, digest):
    """What the adapters were trained on of which a load had a file that no other adapter has."""
    known, counts = loads(history), {one.sha256: one.count for one in files(history)}
    owners = defaultdict(dict)  # a file of an adapter -> the adapters with it, and their trainings
    for _, run in runs(history, Training):
        for adapter in run.made:
            for one in (adapter, *adapter.parts):
                owners[one.sha256][adapter.sha256] = (adapter, run)
    rows = set()
    for _, run in makers(history)[digest]:
        for file in (file for load in run.models for file in known[load][0].used):
            if len(owners[file.sha256]) == 1:
                [(adapter, training)] = owners[file.sha256].values()
                rows |= {(adapter.path, one.path, counts[one.sha256], training.id) for one in training.used}
    return ("adapter", "data", "records", "training"), Counter(rows)


def same_bytes(history):
    paths = defaultdict(set)
    for one in files(history):
        if one.sha256:
            paths[one.sha256].add(one.path)
    return ("sha256", "paths", "first", "last"), Counter((key, len(v), min(v), max(v)) for key, v in paths.items() if len(v) > 1)


def scripts(history):
    ran = defaultdict(set)
    for _, run in runs(history):
        if run.script:
            ran[run.script.path, run.script.version].add(run.id)
    return ("script", "commit", "runs"), Counter((*key, len(found)) for key, found in ran.items() if not _only_loads(history, found))


def _only_loads(history, found):
    """A load is its loader's; its script only acts behind it (PROV's delegation)."""
    return all(isinstance(run, ModelLoad) for _, run in runs(history) if run.id in found)


def sentinel_failures(history):
    used = Counter(load for _, run in {run.id: (s, run) for s, run in runs(history)}.values() for load in run.models)
    rows = []
    for load, told in loads(history).values():
        if load.provenance.get("sentinel_tests_passed") is False:
            rows.append((load.id, load.provenance["model_name"], version(load), _session_of(told), used[load.id]))
    return ("load", "model", "loader", "session", "used_by"), Counter(rows)


def untested_models(history):
    used = Counter(load for _, run in {run.id: (s, run) for s, run in runs(history)}.values() for load in run.models)
    rows = []
    for load, told in loads(history).values():
        if load.provenance.get("sentinel_tests_passed") is None:
            rows.append((load.id, load.provenance["model_name"], _session_of(told), used[load.id]))
    return ("load", "model", "session", "used_by"), Counter(rows)


def _session_of(told):
    return next((session.id for session in told if session.manifest), None)


def sessions(history):
    rows = []
    for session in recorded(history):
        made = {one.sha256 for run in session.activities for one in run.made}
        rows.append((session.id, session.title, when(session.started_at), session.status, len(made)))
    return ("session", "title", "started", "status", "files"), Counter(rows)


def stale(history):
    seen = defaultdict(set)  # path -> (digest, when a run used or made it)
    for _, run in runs(history):
        for one in (*run.used, *run.made):
            if one.sha256 and run.started_at:
                seen[one.path].add((one.sha256, when(run.started_at)))
    rows = set()
    for _, run in runs(history):
        for old in run.used:
            for digest, changed in seen[old.path]:
                if digest != old.sha256 and run.started_at and changed > when(run.started_at):
                    rows |= {(made.path, when(run.started_at), old.path, old.sha256, digest, changed) for made in run.made}
    return ("result", "made", "input", "was", "is", "changed"), Counter(rows)


def trained_on(history, digest):
    counts = {one.sha256: one.count for one in files(history)}
    rows = {(one.path, counts[one.sha256], one.sha256, run.id) for _, run in makers(history)[digest] for one in run.used}
    return ("data", "records", "sha256", "training"), Counter(rows)


def unpinned_models(history):
    found = defaultdict(set)
    for load, _ in loads(history).values():
        if not load.used and not load.provenance.get("revision"):
            found[load.provenance["model_name"]].add(load.id)
    return ("name", "loads"), Counter((name, len(by)) for name, by in found.items())


def unrecorded(history):
    rows = set()
    for one in files(history):
        for part in one.slices or ():
            if not part.metadata:
                lines = ", ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in part.lines)
                rows.add((one.path, lines, part.count))
        if one.type == "legacy" and not one.slices:
            rows.add((one.path, None, one.count))
    return ("path", "lines", "records"), Counter(rows)


def unverified(history):
    rooted = {one.sha256 for one in files(history) if one.merkle_root}
    rows = {(one.path, "sha256") for one in files(history) if not one.sha256}
    rows |= {(one.path, "Merkle root") for one in files(history) if one.type == "training_data" and one.sha256 not in rooted}
    return ("path", "missing"), Counter(rows)


def used_by(history, digest):
    rows = set()
    for session, run in runs(history):
        if any(one.sha256 == digest for one in run.used):
            rows.add((label(run), run.id, when(run.started_at), session.id if session.manifest else None))
    return ("what", "run", "started", "session"), Counter(rows)


def samples(run):
    return run.params.get("do_sample") is not False and run.params.get("temperature") != 0


def without_seed(history):
    seeded = {run.id for _, run in runs(history) if run.params.get("seed") is not None}
    seeded |= {writer for part, _, _, writer in slices(history).values() if part.seeds}
    sampled = [run for _, run in runs(history, Generation, Training, Evaluation) if isinstance(run, Training) or samples(run)]
    found = {run.id: run for run in sampled if run.id not in seeded}
    return ("what", "run", "started"), Counter((label(run), run.id, when(run.started_at)) for run in found.values())


def made_by(history, digest, first_line=None):
    """Of a file, or of the slice that begins with this line."""
    every = {run.id: (session, run) for session, run in runs(history)}
    known = loads(history)
    silent = any(key == (digest, first_line) and not part.metadata for key, (part, *_) in slices(history).items())
    found = (
        set() if silent else {("wrote it", run.id) for _, run in makers(history)[digest]}
    )  # nobody says who made a record without metadata
    for (file, start), (part, _, maker, writer) in slices(history).items():
        if file == digest and part.run_id and maker != writer and first_line in (None, start):
            found.add(("made records of it" if first_line is None else "made it", maker))
    rows = set()
    for how, run_id in found:
        session, run = every[run_id]
        about = (how, run.id, when(run.started_at), _script(run), session.id if session.manifest else None)
        told = [known[load][0] for load in run.models]
        rows |= {(*about, load.provenance["model_name"], load.provenance.get("quantization"), version(load)) for load in told}
        rows |= set() if told else {(*about, None, None, None)}
    return ("how", "run", "started", "script", "session", "model", "quantization", "loader"), Counter(rows)


def _script(run):
    return _label(run.script) if run.script and not isinstance(run, ModelLoad) else None


def _label(script):
    return f"{script.path} @{script.version[:8]}{f' ({script.sha256[:8]})' if script.sha256 else ''}"


def who(history, digest):
    rows = set()
    for session, run in makers(history)[digest]:
        if run.script:
            rows.add(("software", _label(run.script)))
        packages = session.environment.get("packages", {})
        rows |= {("software", f"{name} {packages[name]}") for name in ("torch", "transformers") if name in packages}
        rows |= {("software", f"lineage-prov {session.environment['lineage_version']}")} if session.environment else set()
        rows |= {("person", session.operator)} if session.operator else set()
    return ("kind", "name"), Counter(rows)


def derived_from(history, digest):
    """The paths of the files behind a file: what runs used, and the files of the models that they loaded."""
    made, known = makers(history), loads(history)
    inside = {one.sha256: {part.sha256 for part in one.parts} for one in files(history)}
    seen, rest = set(), [digest]
    while rest:
        for one in inside[rest[-1]] - seen:
            seen.add(one)
            rest.insert(0, one)
        for _, run in made[rest.pop()]:
            sources = {one.sha256 for one in run.used} | {file.sha256 for load in run.models for file in known[load][0].used}
            fresh = sources - seen
            seen |= fresh
            rest += fresh
    return ("path",), Counter({(one.path,) for one in files(history) if one.sha256 in seen})


EXPECTED = {
    name.replace("_", "-"): found
    for name, found in list(globals().items())
    if callable(found) and name in (
        "between", "carried_over", "dirty_code", "environments", "reports", "scores_on", "evaluations_of", "same_dataset", "gaps", "inferred",
        "largest_generations", "loaders", "models", "quantizations", "not_completed", "records_by_loader", "mixed_loaders", "same_bytes", "scripts",
        "sentinel_failures", "untested_models", "sessions", "stale", "trained_on", "unpinned_models", "unrecorded", "unverified", "used_by",
        "without_seed", "made_by", "who", "derived_from", "data_behind",
    )
}  # fmt: skip
