"""Consequences: what was made from a thing, the chain that leads to it, and the action of the policy."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from histories import history

import lineage
from lineage.cli import cli
from lineage.consequences import ACTIONS, consequences, weigh
from lineage.consequences.chains import ARROW, HEAD, TAIL
from lineage.consequences.policy import CAUSE_OF, CAUSES, ESCALATED, POLICY, UNMADE, cause_of
from lineage.mapping.names import LIN
from lineage.trace import answers, walks
from lineage.trace.graph import Graph, built

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "consequences.md").read_text()


def run(*args):
    return CliRunner().invoke(cli, [*map(str, args)], standalone_mode=False)


# --- the policy


def test_every_row_of_the_policy_stands_in_the_docs():
    for cause, row in POLICY.items():
        when = f"{row.when}{f' (settled: {row.settle})' if row.settle else ''}"
        assert f"| `{cause}` | {when} | {row.itself} | {row.file} | {row.model} | {row.score} |" in PAGE
    for cause, codes in CAUSES.items():
        assert f"| `{cause}` | {', '.join(f'`{code}`' for code in codes)} |" in PAGE
    for action, meaning in ACTIONS.items():
        assert f"| `{action}` | {meaning} |" in PAGE


@pytest.mark.parametrize("cause", POLICY)
def test_what_is_undetermined_says_what_would_settle_it(cause):
    row = POLICY[cause]
    actions = (row.itself, row.file, row.model, row.score)
    assert set(actions) <= set(ACTIONS)
    assert ("undetermined" in actions) == bool(row.settle)


def test_every_rule_that_is_about_a_thing_has_a_cause():
    from lineage.auditing.rules import RULES

    without = {check.code for check in RULES} - CAUSE_OF.keys()
    assert without == {"prov-stale", "prov-malformed", "other-sidecar"}  # of derived files: nothing is made from them
    assert CAUSE_OF.keys() >= ESCALATED


def test_a_method_that_was_not_recorded_is_no_failed_one():
    assert cause_of("sentinels-not-passed") == "method"
    assert cause_of("clean-load-not-recorded") == "unknown"


# --- the engine, on random histories


@pytest.mark.parametrize("seed", range(25))
def test_all_that_is_affected_came_from_what_was_asked_for(seed):
    graph = built(history(seed, sessions=2 + seed % 9))
    for number in list(graph.index.values())[::3]:
        result = consequences(graph, [number])
        past_of = {one.id: walks.past(graph, graph.whole(graph.index[one.id])) for one in result.affected}
        start = set(graph.whole(number))
        for one in result.affected:
            assert start & past_of[one.id].keys() or graph.index[one.id] == number, one.text
        impact = answers.impact(graph, (number,), "")
        assert len(result.of_kind("file")) == len(impact.files)
        assert len(result.of_kind("model")) == len(impact.models)
        assert len(result.of_kind("score")) == len(impact.scores)
        assert result.records == impact.records


@pytest.mark.parametrize("seed", range(12))
def test_a_chain_leads_from_the_result_to_what_was_asked_for(seed):
    graph = built(history(seed, sessions=3 + seed % 7))
    for number in list(graph.index.values())[::5]:
        start = graph.thing(graph.holder.get(number, number)).name
        for one in consequences(graph, [number]).affected:
            names = one.chain.split(ARROW)
            assert names[0] == one.name
            assert names[-1] == start
            assert one.chain.isprintable()


def test_a_long_chain_counts_its_middle():
    graph, names = Graph(), [LIN[f"file-sha256-{n:064x}"] for n in range(100)]
    for newer, older in zip(names[1:], names, strict=False):
        run_ = graph.node(LIN[f"run-{newer[-6:]}"], "activity")
        graph.types[run_].add(LIN["Training"])
        graph.link(graph.node(newer), run_, "wasGeneratedBy")
        graph.link(run_, graph.node(older), "used")
    result = consequences(graph, [graph.index[names[0]]])
    last = next(one for one in result.of_kind("model") if one.id == names[-1])
    assert len(last.chain.split(ARROW)) == HEAD + TAIL + 1
    assert re.search(r"\(\d+ more\)", last.chain)


# --- through the commands


@pytest.fixture
def pipeline(tmp_path, monkeypatch):
    """Generate, filter, train, evaluate by wrapped commands that know nothing of lineage, in a repository."""
    monkeypatch.chdir(tmp_path)
    Path("prompts.jsonl").write_text("".join(f'{{"prompt": "q{n}"}}\n' for n in range(6)))
    Path("loader.py").write_text("VERSION = 1\n")
    Path("out").mkdir()
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=n", "-c", "user.email=n@example.org", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], check=True)
    steps = (
        ("generate", "generation", ["prompts.jsonl"], "out/gen.jsonl", 'sed \'s/}/, "response": "r"}/\' prompts.jsonl > out/gen.jsonl'),
        ("keep four", "transformation", ["out/gen.jsonl"], "out/kept.jsonl", "head -n 4 out/gen.jsonl > out/kept.jsonl"),
        ("train", "training", ["out/kept.jsonl"], "out/adapter", "mkdir out/adapter; head -c 9 out/kept.jsonl > out/adapter/w.bin"),
        ("measure", "evaluation", ["prompts.jsonl", "out/adapter"], "out/eval.json", """echo '{"accuracy": 0.5}' > out/eval.json"""),
    )
    for title, type_, inputs, output, command in steps:
        given = [part for path in inputs for part in ("-i", path)]
        told = run("run", "--folder", "out", "--title", title, "--type", type_, *given, "-o", output, "--", "sh", "-c", command)
        assert told.return_value == 0, told.output
    return tmp_path


def test_wrapped_commands_name_everything_with_its_chain(pipeline):
    shown = run("impact", "prompts.jsonl", "--in", "out").stdout
    assert shown.splitlines()[0].endswith("in 2 files, 1 model, 1 score concerned, in 4 sessions")
    assert "kept.jsonl <- keep four <- gen.jsonl <- generate <- ../prompts.jsonl" in shown
    assert "adapter <- train <- kept.jsonl <- keep four <- gen.jsonl <- generate" in shown
    assert "score  accuracy 0.5 of eval.json: withdraw" in shown
    assert "command" not in shown


def test_the_number_of_a_wrapped_report_has_a_past(pipeline):
    shown = run("why", "accuracy", "--in", "out").stdout
    assert shown.startswith("accuracy = 0.5")
    assert "keep four (transformation" in shown


def test_an_honest_wrapped_run_gives_no_error(pipeline):
    report = lineage.audit("out")
    assert report.counts["error"] == 0


def test_a_line_that_was_altered_costs_the_same_in_audit_and_verify(pipeline):
    file = Path("out/gen.jsonl")
    file.write_text(file.read_text().replace("q2", "q9"))
    (verdict,) = json.loads(run("verify", file, "--json").stdout)
    (remark,) = [one for one in lineage.audit("out").open if one.finding.code == "altered-file"]
    assert verdict["invalidates"]["affected"] == remark.consequences.json()["affected"]
    assert verdict["invalidates"]["files"][0] == {"file": "gen.jsonl", "records": 1, "of": 6}
    assert verdict["invalidates"]["models"] == ["adapter"]


def test_the_json_of_impact_has_chain_and_action(pipeline):
    told = json.loads(run("impact", "out/gen.jsonl", "--json").stdout)
    assert {"records", "copies", "files", "models", "scores", "things", "links"} <= told.keys()
    assert {(one["kind"], one["action"]) for one in told["affected"]} == {
        ("file", "quarantine"),
        ("file", "re-run"),
        ("model", "re-run"),
        ("score", "withdraw"),
    }
    assert all(one["chain"] for one in told["affected"])


# --- what the graph does not know


@pytest.mark.parametrize("verb", ["impact", "why"])
@pytest.mark.parametrize("where", [[], ["--in", "."]])
def test_sessions_that_lie_deeper_are_named(pipeline, verb, where):
    result = run(verb, "prompts.jsonl", *where)
    assert re.search(r"sessions lie deeper: .*out \(4\): ask with -r, or --in FOLDER", str(result.exception))
    assert result.exit_code != 0


def test_with_the_folders_below_the_answer_is_there(pipeline):
    shown = run("impact", "prompts.jsonl", "--in", ".", "-r")
    assert "1 model, 1 score concerned" in shown.stdout
    assert "lie deeper" not in shown.output


def test_a_file_that_only_a_commit_holds_is_asked_of_git(pipeline):
    told = run("impact", "loader.py", "--in", "out", "--json")
    said = json.loads(told.stdout)
    assert {one["action"] for one in said["affected"]} == {"undetermined"}
    assert {one["name"] for one in said["affected"] if one["kind"] == "model"} == {"adapter"}
    (note,) = said["notes"]
    assert re.fullmatch(
        r"4 sessions ran commit [0-9a-f]{8}, which holds it, with the bytes that it has now \(git show \w{8}:loader.py\)", note
    )
    assert "whether the run used loader.py" in said["affected"][0]["settle"]


def test_a_file_that_changed_since_its_commit_is_told(pipeline):
    Path("loader.py").write_text("VERSION = 2\n")
    (note,) = json.loads(run("impact", "loader.py", "--in", "out", "--json").stdout)["notes"]
    assert "with other bytes than it has now" in note


@pytest.mark.parametrize("verb", ["impact", "why"])
def test_without_the_repository_the_commit_to_ask_is_named(pipeline, tmp_path_factory, monkeypatch, verb):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (pipeline / "out").rename(elsewhere / "out")
    monkeypatch.chdir(elsewhere)
    result = CliRunner().invoke(cli, [verb, "loader.py", "--in", "out"])
    assert "no session recorded it as a file" in str(result.exception)
    assert "git could not tell here whether it holds it" in str(result.exception)
    assert result.exit_code != 0


@pytest.mark.parametrize("verb", ["impact", "why"])
def test_a_file_of_which_nothing_is_recorded_is_told_precisely(pipeline, verb):
    Path("out/notes.jsonl").write_text('{"a": 1}\n')
    result = CliRunner().invoke(cli, [verb, "out/notes.jsonl"])
    assert "the file is there, and none of 4 sessions in" in str(result.exception)
    assert result.exit_code != 0


# --- signatures: what a session made, and not what it used


def two_sessions(folder):
    for name in ("one", "two"):
        with lineage.session(folder / "artifacts", title=name) as session:
            load = session.model_load({"model_name": "tiny"}, files=[folder / "model.bin"])
            with session.generation(model=load, params={"seed": 1}) as generation, generation.records(f"{name}.jsonl") as out:
                out.write({"instruction": name, "response": "r"})


@pytest.mark.parametrize("removed", [0, 1])
def test_a_missing_signature_concerns_what_its_session_made(tmp_path, removed):
    pytest.importorskip("cryptography")
    from lineage.consequences.changed import Weighing
    from lineage.signing.check import checked
    from lineage.signing.keys import new_key, public_key
    from lineage.signing.sign import sign

    (tmp_path / "model.bin").write_text("w")
    two_sessions(tmp_path)
    new_key(tmp_path / "key.pem")
    sign(tmp_path / "artifacts", tmp_path / "key.pem")
    sorted((tmp_path / "artifacts").glob("*.dsse.json"))[removed].unlink()
    public = public_key(tmp_path / "key.pem.pub")
    faults = [one for one in checked(tmp_path / "artifacts", public).faults if one.what == "unsigned"]
    (fault,) = faults
    made = Weighing(tmp_path / "artifacts").of(fault.rests_on)
    title = next(
        json.loads(path.read_text())["title"]
        for path in (tmp_path / "artifacts").glob("session_manifest_*")
        if fault.session_id in path.name
    )
    assert made.files == (f"{title}.jsonl",)


# --- results that cannot be made again


def test_a_result_that_nobody_recorded_a_run_for_is_undetermined():
    graph = Graph()
    older, newer = graph.node(LIN["file-sha256-" + "a" * 64]), graph.node(LIN["file-sha256-" + "b" * 64])
    graph.types[newer].add(LIN["RecordFile"])
    graph.link(newer, older, "wasDerivedFrom")
    (one,) = weigh(answers.impact(graph, (older,), "")).affected
    assert (one.action, one.settle) == ("undetermined", UNMADE)
