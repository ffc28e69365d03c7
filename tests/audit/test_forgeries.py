"""One field is forged, and everything that a forger can reseal is resealed: the audit finds it, by the code that names it. What only looks so is none.

In a folder that was written by hand (handmade.py), and in one that was recorded.
"""

import gzip
import hashlib
import json

import handmade
import pytest
from handmade import GREEDY, MANIFEST, PROVENANCE, SAMPLED

import lineage
from lineage.auditing import reports
from lineage.folder import read_folder
from lineage.integrity import index


def codes(folder):
    return {one.code for one in lineage.audit(folder).findings}


# --- by hand

RECORD, REPORT = "sft.jsonl", "evaluation_base.json"


def at(file, *path, value):
    """Sets (or, with `value=None` behind "pop", drops) a field."""

    def change(told):
        there = told[file]
        for key in path[:-1]:
            there = there[key]
        if value is DROPPED:
            del there[path[-1]]
        else:
            there[path[-1]] = value

    return change


DROPPED = object()
PARAMS = ("metadata", "generation_params")


def each(*path, value):
    return lambda told: [at(RECORD, n, *path, value=value)(told) for n in range(5)]


def everywhere(key, value):
    """Records, report and manifest say the same."""

    def change(told):
        for said in [*(one["metadata"] for one in told[RECORD]), told[REPORT]["metadata"], told[MANIFEST]["loader_config"]]:
            said["provenance"] = {**said["provenance"], key: value}

    return change


def both(*changes):
    return lambda told: [change(told) for change in changes]


FORGED = [
    ("a record of another model", at(RECORD, 2, "metadata", "provenance", "model_name", value="another"), "provenance-differs"),
    ("all records of another quantization", each("metadata", "provenance", "quantization", value="int8"), "provenance-differs"),
    ("a report of another model", at(REPORT, "metadata", "provenance", "model_name", value="another"), "provenance-differs"),
    ("a manifest of another loader", at(MANIFEST, "loader_config", "provenance", "loader_version", value="0" * 40), "provenance-differs"),
    ("a manifest that contradicts itself", at(MANIFEST, "loader_config", "model_name", value="another"), "provenance-differs"),
    ("a record of another loader", at(RECORD, 2, "metadata", "provenance", "loader_version", value="0" * 40), "mixed-loaders"),
    ("records whose sentinels failed", each("metadata", "provenance", "sentinel_tests_passed", value=False), "sentinels-not-passed"),
    ("one record whose sentinels failed", at(RECORD, 4, "metadata", "provenance", "sentinel_tests_passed", value=False), "sentinels-not-passed"),
    ("a report whose sentinels failed", at(REPORT, "metadata", "provenance", "sentinel_tests_passed", value=False), "sentinels-not-passed"),
    ("a manifest whose sentinels failed", at(MANIFEST, "loader_config", "provenance", "sentinel_tests_passed", value=False), "sentinels-not-passed"),
    ("records with the template", each("metadata", "provenance", "template_disabled", value=False), "template-not-disabled"),
    ("records with special tokens", each("metadata", "provenance", "add_special_tokens", value=True), "special-tokens-added"),
    ("the revision main", everywhere("revision", "main"), "unpinned-revision"),
    ("no revision, and digests of no files", both(everywhere("revision", None), everywhere("files", {})), "unpinned-revision"),
    ("no revision, and digests that are none", both(everywhere("revision", None), everywhere("files", {"a": "b"})), "unpinned-revision"),
    ("a seed that one record lacks", at(RECORD, 3, *PARAMS, "seed", value=DROPPED), "seed-missing"),
    ("a seed that all records lack", each(*PARAMS, "seed", value=DROPPED), "seed-missing"),
    ("a parameter that one record lacks", at(RECORD, 3, *PARAMS, "top_p", value=DROPPED), "params-incomplete"),
    ("parameters that a report lacks", at(REPORT, "metadata", "decoding_params", value={"temperature": 0.0}), "params-incomplete"),
    ("a record without metadata", at(RECORD, 1, "metadata", value=DROPPED), "no-metadata"),
    ("no record with metadata", each("metadata", value=DROPPED), "no-metadata"),
    ("a report without metadata", at(REPORT, "metadata", value=DROPPED), "no-metadata"),
    ("a report that is none", lambda told: told.update({REPORT: [1]}), "bad-report"),
    ("a count", at(MANIFEST, "artifacts_generated", 0, "count", value=6), "count-differs"),
    ("a record more", lambda told: told[RECORD].append(told[RECORD][0]), "count-differs"),
    ("a score", at(REPORT, "summary", "accuracy", value=0.9), "metric-differs"),
    ("a score in an object", at(REPORT, "summary", value={"sft": {"Accuracy": 0.9}}), "metric-differs"),
    ("a score in other letters", at(REPORT, "summary", value={"SFT-Accuracy": 0.9}), "metric-differs"),
    ("how many are right", at(REPORT, "summary", value={"n_correct": 2}), "metric-differs"),
    ("a result", lambda told: told[REPORT]["results"].pop(), "size-differs"),
    ("the size of the data set", at(REPORT, "metadata", "dataset", "size", value=12), "size-differs"),
    ("a naive time of a record", at(RECORD, 2, "metadata", "timestamp", value="2025-10-04T12:00:00"), "naive-time"),
    ("an impossible time of a record", at(RECORD, 2, "metadata", "timestamp", value="2025-02-30T12:00:00+00:00"), "bad-time"),
    ("a naive time of a report", at(REPORT, "metadata", "timestamp", value="2025-10-04T12:00:00"), "naive-time"),
    ("a future time of a report", at(REPORT, "metadata", "timestamp", value="2999-10-04T12:00:00+00:00"), "future-time"),
    ("a naive time of the manifest", at(MANIFEST, "artifacts_generated", 0, "timestamp", value="2025-10-04T12:00:00"), "naive-time"),
    ("a record from before the session", both(at(MANIFEST, "started_at", value="2025-10-04T11:00:00+00:00"), at(RECORD, 2, "metadata", "timestamp", value="2025-10-03T12:00:00+00:00")), "time-order"),
    ("a report from before the session", both(at(MANIFEST, "started_at", value="2025-10-04T11:00:00+00:00"), at(REPORT, "metadata", "timestamp", value="2025-10-03T12:00:00+00:00")), "time-order"),
    ("a file from after the session", at(MANIFEST, "ended_at", value="2025-10-04T12:30:00+00:00"), "time-order"),
    ("an activity that nobody tells of", at(MANIFEST, "artifacts_generated", 0, "activity", value="e" * 32), None),
    ("slices that hold nothing", at(MANIFEST, "artifacts_generated", 0, "slices", value=[]), None),
]  # fmt: skip
NEAR = [
    ("nothing", lambda told: None),
    ("another device", at(RECORD, 2, "metadata", "provenance", "device", value="cuda:1")),
    ("seeds of their own", lambda told: [at(RECORD, n, *PARAMS, "seed", value=n)(told) for n in range(5)]),
    ("no loader_config", at(MANIFEST, "loader_config", value=DROPPED)),
    ("no loader_config but its names", at(MANIFEST, "loader_config", value={"model_name": "Qwen/Qwen2.5-32B", "quantization": "nf4"})),
    ("the digests of the files for a revision", both(everywhere("revision", None), everywhere("files", {"model.safetensors": "0" * 64}))),
    ("greedy records, some with a seed", lambda told: [at(RECORD, n, *PARAMS, value={**GREEDY, **({"seed": 1} if n else {})})(told) for n in range(5)]),
    ("two models in a report", at(REPORT, "metadata", "models", value={"base": PROVENANCE, "sft": {**PROVENANCE, "model_name": "sft"}})),
    ("no times", lambda told: [one.update(timestamp=None) for one in told[MANIFEST]["artifacts_generated"]]),
    ("a number of which nothing is claimed", at(REPORT, "summary", "perplexity", value=7.5)),
    ("how many are right", at(REPORT, "summary", "n_correct", value=1)),
    ("prompts that are listed", lambda told: (told.update({"prompts.jsonl": [{"instruction": "q"}]}), told[MANIFEST]["artifacts_generated"].append({"file": "prompts.jsonl", "type": "prompts", "count": 1, "timestamp": None}))),
]  # fmt: skip


@pytest.mark.parametrize(("what", "change", "code"), FORGED, ids=[one[0] for one in FORGED])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_what_is_forged_in_a_folder_made_by_hand_is_found(what, change, code, packed, tmp_path):
    told = handmade.files()
    change(told)
    if code is None:  # it silences nobody
        at(RECORD, 2, "metadata", "provenance", "sentinel_tests_passed", value=False)(told)
        code = "sentinels-not-passed"
    assert code in codes(pack(handmade.write(tmp_path / "a", told)) if packed else handmade.write(tmp_path / "a", told))


@pytest.mark.parametrize(("what", "change"), NEAR, ids=[one[0] for one in NEAR])
def test_what_is_right_in_a_folder_made_by_hand_is_not_blamed(what, change, tmp_path):
    told = handmade.files()
    change(told)
    assert codes(handmade.write(tmp_path / "a", told)) == set()


def pack(folder):
    """The records as a packed file, which the manifest lists."""
    (folder / f"{RECORD}.gz").write_bytes(gzip.compress((folder / RECORD).read_bytes(), mtime=0))
    (folder / RECORD).unlink()
    (folder / MANIFEST).write_text((folder / MANIFEST).read_text().replace(RECORD, f"{RECORD}.gz"))
    return folder


def test_a_file_that_two_sessions_list_is_held_against_the_first_and_the_one_that_made_it(tmp_path):
    folder = handmade.write(tmp_path / "a", handmade.files())
    other = handmade.files()[MANIFEST]
    other |= {"session_id": "20251005", "artifacts_generated": other["artifacts_generated"][:1], "loader_config": {}}
    (folder / "session_manifest_20251005.json").write_text(json.dumps(other))
    assert codes(folder) == set()
    other["loader_config"] = {"provenance": {**PROVENANCE, "model_name": "another"}}
    (folder / "session_manifest_20251005.json").write_text(json.dumps(other))
    assert codes(folder) == set()  # its loads are its own: the file is another's


def test_records_of_another_session_are_no_run_of_the_one_that_lists_them(tmp_path):
    told = handmade.files()
    for record in told[RECORD]:
        record["metadata"] |= {"session_id": "elsewhere", "run_id": "f" * 32}
    folder = handmade.write(tmp_path / "a", told)
    mine, others = read_folder(folder)[0]
    assert all(run.id != "f" * 32 for run in mine.activities) and {run.id for run in others.activities} >= {"f" * 32}
    told[RECORD][0]["metadata"]["provenance"]["sentinel_tests_passed"] = False
    assert "sentinels-not-passed" in codes(handmade.write(tmp_path / "b", told))


# --- recorded

TEMPERATURES = (0.2, 0.7, 1.2)


def recorded(folder, *, own=lambda n: {"seed": n}, params=SAMPLED, learned=None, seed=None):
    """A session that generates and evaluates."""
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"weights")
    (folder / "run.py").write_text("# in no repository")
    (folder / "test.jsonl").write_bytes(b'{"question": "?"}\n')
    with lineage.session(folder, export=False, script=folder / "run.py") as session:
        load = session.model_load(PROVENANCE, files=[folder / "model.bin"])
        with session.generation(model=load, params=params) as run, run.records("sft.jsonl") as out:
            for n in range(6):
                out.write({"instruction": f"q{n}"}, generation_params=own(n))
            if learned:
                run.learned(params=learned)
        with session.evaluation(model=load, dataset=folder / "test.jsonl", dataset_size=2, params={**GREEDY, "seed": 42}) as run:
            run.report("evaluation.json", summary={"accuracy": 0.5}, results=[{"correct": True}, {"correct": False}], seed=seed)
    return folder


def blamed(folder):
    return codes(folder) - {"unknown-commit"}


def reseal(folder, change_records=None, change_report=None, change_manifest=None):
    """Forge, and have the manifest say all of the files as they are now: digest, size and root. What it says of runs stays."""
    (path,) = folder.glob("session_manifest_*.json")
    manifest = json.loads(path.read_bytes())
    for file, change in (("sft.jsonl", change_records), ("evaluation.json", change_report)):
        if change:
            lines = file.endswith(".jsonl")
            rows = (
                [json.loads(line) for line in (folder / file).read_bytes().splitlines()]
                if lines
                else json.loads((folder / file).read_bytes())
            )
            change(rows)
            (folder / file).write_text("".join(f"{json.dumps(row)}\n" for row in rows) if lines else json.dumps(rows))
            (entry,) = (one for one in manifest["artifacts_generated"] if one["file"] == file)
            data = (folder / file).read_bytes()
            entry |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            index.path_of(folder / file).unlink(missing_ok=True)
            if lines:
                seal = index.build(folder / file)
                entry |= {"lines": seal.lines, "merkle_root": seal.merkle_root, "count": len(rows)}
    if change_manifest:
        change_manifest(manifest)
    path.write_text(json.dumps(manifest))
    return folder


def record(*path, value, number=3):
    return {"change_records": lambda rows: at("x", number, *path, value=value)({"x": rows})}


def report(*path, value):
    return {"change_report": lambda told: at("x", *path, value=value)({"x": told})}


def run(type_, *path, value):
    def change(manifest):
        (one,) = (one for one in manifest["activities"] if one["type"] == type_)
        at("x", *path, value=value)({"x": one})

    return {"change_manifest": change}


def slices(*path, value):
    def change(manifest):
        (entry,) = (one for one in manifest["artifacts_generated"] if "slices" in one)
        at("x", *path, value=value)({"x": entry["slices"][0]})

    return {"change_manifest": change}


def many(*path, value):
    return {"change_records": lambda rows: [at("x", n, *path, value=value)({"x": rows}) for n in range(len(rows))]}


RESEALED = [
    ("a temperature", record(*PARAMS, "temperature", value=0.1), "params-differ"),
    ("all temperatures", many(*PARAMS, "temperature", value=0.1), "params-differ"),
    ("a parameter that was none", record(*PARAMS, "typical_p", value=0.5), "params-differ"),
    ("a parameter that is true for 1", record(*PARAMS, "num_beams", value=True), "params-differ"),
    ("the parameters of the run", run("generation", "params", "temperature", value=0.1), "params-differ"),
    ("a seed", record(*PARAMS, "seed", value=99), "params-differ"),
    ("a seed that is gone", record(*PARAMS, "seed", value=DROPPED), "seed-missing"),
    ("a parameter that is gone", record(*PARAMS, "top_p", value=DROPPED), "params-incomplete"),
    ("a lesser parameter that is gone", record(*PARAMS, "mine", value=DROPPED), "params-incomplete"),
    ("the session of a record", record("metadata", "session_id", value="another"), "provenance-differs"),
    ("the run of a record", record("metadata", "run_id", value="e" * 32), "provenance-differs"),
    ("the script of a record", record("metadata", "script_name", value="another.py"), "provenance-differs"),
    ("the model of a record", record("metadata", "provenance", "model_name", value="another"), "provenance-differs"),
    ("a record less", {"change_records": lambda rows: rows.pop()}, "count-differs"),
    ("a record twice", {"change_records": lambda rows: rows.append(rows[0])}, "count-differs"),
    ("the decoding of a report", report("metadata", "decoding_params", "max_new_tokens", value=9), "params-differ"),
    ("the decoding that a report lacks", report("metadata", "decoding_params", "max_new_tokens", value=DROPPED), "params-incomplete"),
    ("the data set of a report", report("metadata", "dataset", "name", value="another"), "params-differ"),
    ("the version of a data set", report("metadata", "dataset", "version", value="0" * 64), "params-differ"),
    ("the session of a report", report("metadata", "session_id", value="another"), "provenance-differs"),
    ("a score", report("summary", "accuracy", value=0.9), "metric-differs"),
    ("a score more", report("summary", "f1", value=0.9), "metric-differs"),
    ("a score less", report("summary", value={}), "metric-differs"),
    ("a report without a summary", report("summary", value=DROPPED), "bad-report"),
    ("a score that is none", report("summary", "accuracy", value="high"), "metric-differs"),
    ("a naive time of a report", report("metadata", "timestamp", value="2026-01-01T00:00:00"), "naive-time"),
    ("a report from long ago", report("metadata", "timestamp", value="2001-01-01T00:00:00+00:00"), "time-order"),
    ("a load that is gone", {"change_manifest": lambda told: told["activities"].pop(0), **many("metadata", "provenance", "sentinel_tests_passed", value=False)}, "sentinels-not-passed"),
    ("a load that is gone, and another model", {"change_manifest": lambda told: told["activities"].pop(0), **many("metadata", "provenance", "model_name", value="another")}, "provenance-differs"),
    ("runs that name no file", {"change_manifest": lambda told: [one.update(generated=[]) for one in told["activities"]], **record(*PARAMS, "temperature", value=0.1)}, "params-differ"),
    ("no activities", {"change_manifest": lambda told: told.update(activities=[]), **record("metadata", "provenance", "model_name", value="another")}, "provenance-differs"),
    ("what a manifest has of its records", slices("metadata", "provenance", "model_name", value="another"), "provenance-differs"),
    ("the run that a manifest has of its records", slices("metadata", "run_id", value="e" * 32), "provenance-differs"),
    ("the parameters that a manifest has of its records", slices("metadata", "generation_params", "temperature", value=0.1), "params-differ"),
    ("the lines that a manifest has of its records", slices("lines", value=[[1, 9]]), "count-differs"),
    ("slices that hold nothing", {"change_manifest": lambda told: [one.update(slices=[]) for one in told["artifacts_generated"] if "slices" in one]}, "count-differs"),
    ("a model that nobody loaded", run("generation", "models", value=["e" * 32]), "provenance-differs"),
    ("another run at the file", {"change_manifest": lambda told: [one.update(activity="e" * 32) for one in told["artifacts_generated"]]}, "provenance-differs"),
    ("a report without provenance", report("metadata", "provenance", value=DROPPED), "bad-metadata"),
    ("a report that hides a key of its loader", report("metadata", "provenance", "quantization", value=DROPPED), "bad-metadata"),
    ("the seed of a report", report("metadata", "eval_seed", value=99), "params-differ"),
    ("no results", report("results", value=DROPPED), "size-differs"),
    ("the version of a script that its records lack", run("generation", "script", "version", value="f" * 40), "provenance-differs"),
    ("a score, and the type of the report", {**report("summary", "accuracy", value=0.9), "change_manifest": lambda told: [one.update(type="output") for one in told["artifacts_generated"]]}, "metric-differs"),
    ("a score, and the role of the report too", {**report("summary", "accuracy", value=0.9), "change_manifest": lambda told: [one.update(type="output", role=None) for one in (*told["artifacts_generated"], *(made for run in told["activities"] for made in run["generated"]))]}, "metric-differs"),
    ("code that is said to be clean", {"change_manifest": lambda told: told["environment"].update(git_dirty=False, git_diff_sha256="0" * 64)}, "dirty-code"),
    ("an end that nobody saw", {"change_manifest": lambda told: told.update(status="completed", ended_at=None)}, "never-closed"),
    ("a configuration that no load has", {"change_manifest": lambda told: told["loader_config"]["provenance"].update(model_name="another")}, "provenance-differs"),
]  # fmt: skip


def models(told):
    (said,) = told["metadata"]["models"].values()
    said["model_name"] = "another"


@pytest.mark.parametrize(("what", "change", "code"), [*RESEALED, ("a model of a report", {"change_report": models}, "provenance-differs")], ids=[one[0] for one in RESEALED] + ["a model of a report"])  # fmt: skip
def test_what_is_forged_in_a_recorded_folder_and_sealed_anew_is_found(what, change, code, tmp_path):
    folder = recorded(tmp_path / "a", params={**SAMPLED, "mine": 1})
    assert blamed(folder) == set()
    assert code in blamed(reseal(folder, **change))


LEGITIMATE = {
    "seeds of their own": {},
    "the seed of the run": {"own": lambda n: None},
    "temperatures of their own": {"own": lambda n: {"temperature": TEMPERATURES[n % 3], "seed": n}},
    "a parameter of one record": {"own": lambda n: {"seed": n, "typical_p": 0.5} if n == 4 else {"seed": n}},
    "what the run learned later": {"learned": {"typical_p": 1.0}},
    "another value that was in force too": {"learned": {"temperature": 0.9}},
    "a report with a seed of its own": {"seed": 7},
    "greedy records, some with a seed": {"params": GREEDY, "own": lambda n: {"seed": n} if n else None},
}


def test_a_manifest_that_does_not_say_all_parameters_is_not_contradicted_by_records_that_do(tmp_path):
    folder = reseal(recorded(tmp_path / "a"), **run("generation", "params", value={"seed": 42, "temperature": 0.7}))
    assert blamed(folder) == {"params-incomplete"}
    assert "params-differ" in blamed(reseal(folder, **record(*PARAMS, "temperature", value=0.1)))


@pytest.mark.parametrize("how", LEGITIMATE)
def test_what_records_of_one_run_may_differ_in_is_not_blamed(how, tmp_path):
    assert blamed(recorded(tmp_path / "a", **LEGITIMATE[how])) == set()


def test_nobody_blames_what_a_session_that_went_on_and_two_writers_left(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"weights")
    (folder / "run.py").write_text("# in no repository")
    with lineage.session(folder, export=False, script=folder / "run.py") as session:
        load = session.model_load(PROVENANCE, files=[folder / "model.bin"])
        for temperature in TEMPERATURES:
            with session.generation(model=load, params={**SAMPLED, "temperature": temperature}) as run:
                for _ in range(2):  # opened again
                    with run.records("sft.jsonl") as out:
                        out.write({"instruction": "q"}, generation_params={"seed": 7})
        with session.transformation("filter", inputs=[folder / "sft.jsonl"]) as run, run.records("kept.jsonl") as out:
            for line in (folder / "sft.jsonl").read_bytes().splitlines()[::2]:
                out.write(json.loads(line))
    assert blamed(folder) == set()


def test_a_record_that_was_moved_from_another_file_is_found(tmp_path):
    folder = recorded(tmp_path / "a")
    other = recorded(tmp_path / "b")
    stranger = json.loads((other / "sft.jsonl").read_bytes().splitlines()[0])
    assert "provenance-differs" in blamed(reseal(folder, change_records=lambda rows: rows.__setitem__(3, stranger)))


def test_a_copy_beside_the_sessions_is_held_against_the_run_that_its_records_name(tmp_path):
    folder = recorded(tmp_path / "a")
    rows = [json.loads(line) for line in (folder / "sft.jsonl").read_bytes().splitlines()]
    (folder / "copy.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert blamed(folder) == set()
    rows[2]["metadata"]["generation_params"]["temperature"] = 0.1
    (folder / "copy.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert {"params-differ", "edited-record"} <= blamed(folder)


def test_a_test_set_that_only_its_digest_names_is_known_among_training_data(tmp_path):
    """A report by hand names the model by the digests of its files, and the test set by its own."""
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "base.bin").write_bytes(b"base")
    (folder / "run.py").write_text("# in no repository")
    with lineage.session(folder, export=False, script=folder / "run.py") as session:
        load = session.model_load(PROVENANCE, files=[folder / "base.bin"])
        with session.generation(model=load, params=SAMPLED) as run, run.records("data.jsonl") as out:
            out.write({"instruction": "q"})
        with session.training(model=load, datasets=[folder / "data.jsonl"], params={"seed": 1}) as run:
            (folder / "adapter.safetensors").write_bytes(b"tuned")
            run.output("adapter.safetensors", type="model")
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("adapter.safetensors", "data.jsonl")}
    report = handmade.files()[REPORT]
    report["metadata"]["provenance"]["files"] = {"adapter.safetensors": digests["adapter.safetensors"]}
    (folder / REPORT).write_text(json.dumps(report))
    assert "trained-on-test" not in blamed(folder)
    report["metadata"]["dataset"]["version"] = digests["data.jsonl"]
    (folder / REPORT).write_text(json.dumps(report))
    assert "trained-on-test" in blamed(folder)


@pytest.mark.parametrize(
    ("name", "value", "results", "number"),
    [
        ("Accuracy (SFT)", 1.0, [{"model": "sft", "correct": True}, {"model": "base", "correct": False}], 1.0),
        ("accuracy_sft", 1.0, [{"sft_correct": True}, {"sft_correct": False}], 0.5),
        ("accuracy_sft", 1.0, [{"correct": True}], None),  # it may be of another thing
        ("n_correct", 2, [{"correct": True}, {"correct": True}], 2.0),
        ("n_correct", 0.5, [{"correct": True}], None),
        ("format_correct", 2, [{"correct": True}], None),
        ("sft_correct", 2, [{"model": "sft", "correct": True}], 1.0),
    ],
)
def test_a_measure_is_known_however_it_is_spelled(name, value, results, number):
    assert reports.recomputed(name, value, results) == number
