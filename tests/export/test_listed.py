"""What a manifest lists without a run: the run is inferred, in the session that lists it, and every reader sees the same."""

import json

import handmade
from handmade import MANIFEST, PROVENANCE

import lineage
from lineage.constraints import validate
from lineage.export import combined_document, session_document
from lineage.facts import Evaluation, Generation, ModelLoad
from lineage.folder import How, read_folder


def told(folder, **files):
    everything = handmade.files()
    for change in files.values():
        change(everything)
    return read_folder(handmade.write(folder, everything))


def test_runs_and_loads_are_inferred_and_the_entry_stays_what_the_manifest_says(tmp_path):
    (session,), findings = told(tmp_path)
    assert findings == () and [type(run) for run in session.activities] == [ModelLoad, Generation, Evaluation]
    assert all(run.inferred for run in session.activities) and session.activities[0].provenance == PROVENANCE
    records, report = session.artifacts
    assert (records.activity, records.type, records.timestamp) == (None, "training_data", "2025-10-04T12:10:00+00:00")
    assert [one.count for one in records.slices] == [5] and report.activity is None
    assert [made.timestamp for run in session.activities for made in run.made] == [records.timestamp, report.timestamp]
    assert session.activities[2].metrics == {"accuracy": 0.5} and session.loader_config["model_name"] == PROVENANCE["model_name"]


def test_it_is_valid_prov_in_which_the_runs_are_part_of_the_session(tmp_path):
    sessions, _ = told(tmp_path)
    assert validate(session_document(sessions[0]), "it") == []
    text = "".join(map(str, combined_document(sessions)[0].bundles))
    assert text.count("Inferred") >= 3


def test_a_load_of_two_sessions_is_two(tmp_path):
    handmade.write(tmp_path, handmade.files())
    other = handmade.files()
    other[MANIFEST] |= {"session_id": "other", "artifacts_generated": [{**other[MANIFEST]["artifacts_generated"][0], "file": "more.jsonl"}]}
    handmade.write(tmp_path, {"more.jsonl": other["sft.jsonl"][:2], "session_manifest_other.json": other[MANIFEST]})
    sessions, _ = read_folder(tmp_path)
    loads = [run.id for one in sessions for run in one.activities if isinstance(run, ModelLoad)]
    assert len(sessions) == 2 and len(loads) == len(set(loads)) == 2
    assert validate(combined_document(sessions)[0], "both") == []


def test_a_run_that_a_manifest_tells_of_is_not_inferred_whichever_of_the_two_names_the_other(tmp_path):
    def names(everything, at_file, at_run):
        run = {"id": "a" * 32, "type": "generation", "status": "completed", "generated": [{"file": "sft.jsonl"}] if at_run else []}
        everything[MANIFEST]["activities"] = [run]
        everything[MANIFEST]["artifacts_generated"] = everything[MANIFEST]["artifacts_generated"][:1]
        everything[MANIFEST]["artifacts_generated"][0]["activity"] = "a" * 32 if at_file else None

    for n, (at_file, at_run) in enumerate(((True, False), (False, True), (True, True))):
        (session, others), _ = told(tmp_path / str(n), change=lambda everything, at=(at_file, at_run): names(everything, *at))
        assert [run.id for run in session.activities] == ["a" * 32] and [one.path for one in session.activities[0].made] == ["sft.jsonl"]
        assert session.activities[0].made[0].slices[0].count == 5 and [one.path for one in others.artifacts] == ["evaluation_base.json"]


def test_nothing_is_inferred_of_bytes_that_were_not_recorded(tmp_path):
    (session,), findings = told(tmp_path, change=lambda everything: everything[MANIFEST]["artifacts_generated"][0].update(sha256="0" * 64))
    assert [one.code for one in findings] == ["altered-file"] and not any(isinstance(run, Generation) for run in session.activities)


def test_records_without_metadata_are_accepted_with_legacy_and_other_files_are_nobodys_records(tmp_path):
    everything = handmade.files()
    everything["sft.jsonl"] = everything["prompts.jsonl"] = [{"instruction": "q"}]
    everything[MANIFEST]["artifacts_generated"].append({"file": "prompts.jsonl", "type": "prompts", "count": 1, "timestamp": None})
    handmade.write(tmp_path, everything)
    assert [(one.code, one.file) for one in read_folder(tmp_path)[1]] == [("no-metadata", "sft.jsonl")]
    (session,), findings = read_folder(tmp_path, How(legacy=True))
    assert findings == () and {one.path: one.slices for one in session.artifacts}["prompts.jsonl"] is None


def test_why_and_impact_follow_them(tmp_path):
    told(tmp_path)
    lineage.export_folder(tmp_path, graphs=tmp_path / "graphs")
    assert "wasStartedBy session 20251004_120000" in str(lineage.why("evaluation_base.json", tmp_path))
    tainted = str(lineage.impact(PROVENANCE["model_name"], tmp_path))
    assert "sft.jsonl" in tainted and "accuracy" in tainted
    assert json.loads((tmp_path / MANIFEST).read_bytes()) == handmade.files()[MANIFEST]
