"""An audit replays a sample, wherever in the folder the model lies; what it cannot replay is counted with the reason."""

import json
import shutil

import pytest

import lineage

pytest.importorskip("torch")
pytest.importorskip("transformers")

from click.testing import CliRunner

from lineage.cli import cli
from lineage.models import demo
from lineage.models.model_search import model_in
from lineage.models.replay_sample import replaying


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "artifacts"
    demo.run(folder, None, records=6)
    return folder


@pytest.fixture
def sent(made, tmp_path, monkeypatch):
    """The folder under another name on another machine, with its model under another path."""
    monkeypatch.chdir(tmp_path)
    folder = shutil.copytree(made, tmp_path / "sent")
    (folder / "a" / "b").mkdir(parents=True)
    shutil.move(folder / "models" / "tiny", folder / "a" / "b" / "weights")
    return folder


def test_records_and_results_are_made_again_from_a_model_under_another_path(sent):
    report = lineage.audit(sent, replay=replaying(100))
    assert report.replayed.of == 18
    assert {one.level for one in report.replayed.outcomes} <= {"bit-exact", "token-exact"}
    assert {one.is_result for one in report.replayed.outcomes} == {True, False}
    assert report.known["checks"]["replayed"] == 18
    assert "records" not in {what for what, _, _ in report.claimed}


def test_the_sample_follows_from_its_seed_and_the_report_names_it(sent):
    samples = [[(one.file, one.line) for one in lineage.audit(sent, replay=replaying(4, seed)).replayed.outcomes] for seed in (0, 0, 1)]
    assert samples[0] == samples[1] != samples[2]
    assert len(samples[0]) == 4
    assert "seed 1" in str(lineage.audit(sent, replay=replaying(1, 1)))


def test_an_altered_response_is_found(sent):
    file = next(sent.glob("sft_training_data_*.jsonl"))
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rows[2]["response"] = "another"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = [one for one in lineage.audit(sent, replay=replaying(100)).findings if one.code == "replay-differs"]
    assert [(one.file, one.line) for one in found] == [(file.name, 3)]


def test_an_altered_result_is_found(sent):
    file = next(sent.glob("evaluation_*.json"))
    report = json.loads(file.read_text())
    report["results"][1]["response"] += "x"
    file.write_text(json.dumps(report))
    (found,) = [one for one in lineage.audit(sent, replay=replaying(100)).findings if one.code == "replay-differs"]
    assert "results[1]" in found.message


@pytest.mark.parametrize("harm", ["gone", "altered", "linked"])
def test_what_cannot_be_replayed_is_counted_with_the_reason(sent, tmp_path, harm):
    weights = sent / "a" / "b" / "weights"
    if harm == "altered":
        path = weights / "model.safetensors"
        path.write_bytes(path.read_bytes()[:-1] + b"\0\0")
    else:
        shutil.move(weights, tmp_path / "outside")
    if harm == "linked":
        weights.symlink_to(tmp_path / "outside")
    report = lineage.audit(sent, replay=replaying(5))
    (count,) = [
        count for what, count, why in report.unchecked if what == "records and results that could not be replayed" and "not here" in why
    ]
    assert count == 5
    assert report.known["checks"]["replayed"] == 0


def test_a_report_with_a_replay_is_about_its_folder_and_says_that_it_was_not_repeated(sent, tmp_path):
    path = tmp_path / "report.json"
    assert CliRunner().invoke(cli, ["audit", str(sent), "--replay", "3", "--json", "-o", str(path)]).exit_code in (0, 1)
    again = CliRunner().invoke(cli, ["audit", str(sent), "--verify-report", str(path)])
    assert again.exit_code == 0, again.output
    assert "taken from the report" in again.output


def test_replay_finds_the_model_by_its_digests(sent):
    file = next(sent.glob("sft_training_data_*.jsonl"))
    result = CliRunner().invoke(cli, ["replay", f"{file}:2"])
    assert result.exit_code == 0, result.output


def test_a_search_by_digests_reads_no_file_of_another_size(sent, monkeypatch):
    from lineage.models import model_search

    wanted, read = {"config.json": "0" * 64}, []
    monkeypatch.setattr(model_search.files, "digest", lambda path: read.append(path) or ("0" * 64, 0))
    assert model_in(sent, wanted, {"0" * 64: 1}) is None
    assert not read
    assert model_in(sent, wanted, {}) == sent / "a" / "b" / "weights"


@pytest.mark.parametrize("wanted", [{}, {"../x": "0" * 64}, {"\0": "0" * 64}, {"a": 1}, {"config.json": None}], ids=repr)
def test_names_that_no_file_can_have_find_nothing(sent, wanted):
    assert model_in(sent, wanted, {}) is None


def test_without_torch_the_message_says_what_to_install(monkeypatch, sent):
    from lineage.models import replay_sample

    monkeypatch.setattr(replay_sample, "find_spec", lambda name: None)
    result = CliRunner().invoke(cli, ["audit", str(sent), "--replay", "1"])
    assert "pip install 'lineage-prov[models]'" in str(result.exception) + result.output
