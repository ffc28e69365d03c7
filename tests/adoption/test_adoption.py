"""The hook, the action and the plugin do in a user's project what their files promise."""

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest
import yaml

from lineage.signing.sign import sign

ROOT = Path(__file__).parent.parent.parent
pytest_plugins = "pytester"


def run(argv, folder, **variables):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(argv, cwd=folder, env={**os.environ, "PATH": path, **variables}, capture_output=True, text=True)


@pytest.fixture
def project(sample, tmp_path, key):
    """A project whose folder of artifacts is the sample, signed."""
    sample.make(tmp_path / "project" / "artifacts")
    sign(tmp_path / "project" / "artifacts", key)
    return tmp_path / "project"


def forge(project):
    path = project / "artifacts/sft_training_data.jsonl"
    path.write_bytes(path.read_bytes().replace(b"answer 2", b"answer 9"))


# --- the hooks of pre-commit


HOOKS = {one["id"]: one for one in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}


def hook(name, project):
    """Run a hook as pre-commit does: its entry, its arguments, and the files that fit."""
    one = HOOKS[name]
    files = sorted(path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file())
    chosen = [file for file in files if re.search(one.get("files", ""), file)] if one.get("pass_filenames", True) else []
    return run([*shlex.split(one["entry"]), *one.get("args", []), *chosen], project)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_passes_a_good_folder_and_fails_a_forged_one(name, project):
    assert hook(name, project).returncode == 0
    forge(project)
    done = hook(name, project)
    assert done.returncode in (1, 4) and "sft_training_data.jsonl" in done.stdout + done.stderr


def test_the_hook_of_the_audit_takes_a_key(project, key):
    argv = [*shlex.split(HOOKS["lineage-audit"]["entry"]), "artifacts", "--key", f"{key}.pub"]
    assert run(argv, project).returncode == 0
    next((project / "artifacts").glob("session_*.dsse.json")).unlink()
    done = run(argv, project)
    assert done.returncode == 4 and "unsigned-session" in done.stdout


def test_the_hook_of_records_names_the_line_and_what_rests_on_it(project):
    forge(project)
    done = hook("lineage-verify", project)
    assert "artifacts/sft_training_data.jsonl:3: changed" in done.stdout and "invalidates model adapter/adapter.safetensors" in done.stdout


def test_the_hooks_are_of_the_shape_that_pre_commit_reads():
    for one in HOOKS.values():
        assert {"id", "name", "entry", "language"} <= one.keys() and one["language"] == "python"
        assert one["entry"].split()[0] in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
        assert re.compile(one.get("files", ""))


# --- the action


def action(project, **inputs):
    """Run the steps of the action, but the installation, as a runner does."""
    told = yaml.safe_load((ROOT / "action.yml").read_text())
    values = {name: inputs.get(name, one["default"]) for name, one in told["inputs"].items()}
    summary = project / "summary.md"
    for step in (one for one in told["runs"]["steps"] if one["name"] != "install"):
        variables = {
            name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda found: values[found[1]], value) for name, value in step["env"].items()
        }
        done = run(["bash", "-e", "-c", step["run"]], project, GITHUB_ACTION_PATH=str(ROOT), GITHUB_STEP_SUMMARY=str(summary), **variables)
    return done.returncode, summary.read_text()


def test_the_action_passes_a_good_folder_and_says_so(project, key):
    result, told = action(project, key=f"{key}.pub")
    assert result == 0 and "nothing found" in told and "1 signature" in told and "no key was given" not in told


def test_the_action_fails_a_forged_folder_and_names_what_rests_on_it(project, key):
    forge(project)
    result, told = action(project, key=f"{key}.pub")
    assert result == 4 and "`not-as-signed`" in told
    plain = told.replace("\\", "")  # Markdown's escapes
    assert re.search(r"\| sft_training_data\.jsonl \| altered: signed as .* model adapter/adapter\.safetensors; score sft_accuracy", plain)


def test_the_action_finds_a_truncated_chain_by_its_head(project, key):
    assert action(project, key=f"{key}.pub", head="0" * 64)[0] == 4


def test_the_action_without_a_key_says_that_nobody_knows_whose_the_signatures_are(project):
    result, told = action(project)
    assert result == 0
    assert "the signer is unknown" in told
    forge(project)
    result, told = action(project)
    assert result == 4 and "`altered-file`" in told and "line 3 changed" in told


def test_no_input_of_the_action_is_pasted_into_a_command():
    for step in yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]:
        assert "${{" not in step["run"] and step["shell"] == "bash"


def test_an_input_with_a_command_in_it_runs_nothing(project):
    assert action(project, folder="$(touch pwned); touch pwned")[0] != 0
    assert not (project / "pwned").exists()


@pytest.mark.parametrize(
    "folder", ["--help", "--version", "-h", "a b", "x\n::set-output name=x::y\n# y", "none; touch pwned", "../none", "`touch pwned`"]
)
def test_an_input_that_is_no_folder_is_no_option_and_fails(project, key, folder):
    for more in ({}, {"key": f"{key}.pub"}):
        result, told = action(project, folder=folder, **more)
        assert result in (2, 3) and "could not be audited" in told and not (project / "pwned").exists()
        assert not re.search("^(::|# y)", told, re.MULTILINE)


def test_a_folder_whose_name_has_spaces_and_quotes_is_checked(project, key):
    (project / "artifacts").rename(project / 'art\'s "1" $HOME')
    result, told = action(project, folder='art\'s "1" $HOME', key=f"{key}.pub")
    assert result == 0 and "nothing found" in told


@pytest.mark.parametrize("name", ["lineage/cli/__main__.py", "lineage/__init__.py", "lineage.py", "json.py", "click.py"])
def test_a_module_in_the_checkout_takes_no_part_in_checking_it(project, name):
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_text("import sys\nprint('all is well')\nsys.exit(0)\n")
    forge(project)
    result, told = action(project)
    assert result == 4 and "all is well" not in told


def script():
    spec = importlib.util.spec_from_loader("action", SourceFileLoader("action", str(ROOT / "scripts" / "action")))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_summary_that_the_runner_would_throw_away_is_cut_at_a_line_and_says_so():
    made = script().fitted("| a finding ä |\n" * 100_000)
    assert len(made.encode()) < 1 << 20 and made.endswith("| a finding ä |\n\nThe summary ends here; the log of the step has all of it.\n")
    assert script().fitted("short\n") == "short\n"


def test_a_file_name_cannot_write_into_the_summary(project, key):
    (project / "artifacts" / "x|<img src=x>`[a](b).json").write_text("{}")
    _, told = action(project, key=f"{key}.pub")
    assert "<img" not in told.replace("\\<img", "") and "\\[a\\]" in told


# --- the plugin


def test_the_fixture_records_what_a_test_makes_and_how_it_ended(pytester):
    pytester.makepyfile(
        """
        def test_good(lineage_session):
            with lineage_session.generation(params={"seed": 1}) as run, run.records("out.jsonl") as out:
                out.write({"instruction": "a", "response": "b"})

        def test_bad(lineage_session):
            assert False
        """
    )
    result = pytester.runpytest_subprocess("--basetemp=made", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    good, bad = (pytester.path / "made" / f"test_{name}0" / "artifacts" for name in ("good", "bad"))
    told = {place: json.loads(next(place.glob("session_manifest_*")).read_bytes()) for place in (good, bad)}
    assert told[good]["status"] == "completed" and told[bad]["status"] == "failed"
    assert told[good]["title"].endswith("::test_good") and (good / "out.jsonl").is_file() and list(good.glob("*.ttl"))


def test_a_session_whose_fixture_broke_did_not_end_well(pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def broken(lineage_session):
            raise RuntimeError

        def test_setup(lineage_session, broken):
            pass
        """
    )
    pytester.runpytest_subprocess("--basetemp=made", "-p", "no:cacheprovider").assert_outcomes(errors=1)
    (told,) = (pytester.path / "made" / "test_setup0" / "artifacts").glob("session_manifest_*")
    assert json.loads(told.read_bytes())["status"] == "failed"


def test_the_plugin_costs_a_run_that_does_not_use_it_no_import():
    code = "import lineage.pytest_plugin, sys; print(sorted({'orjson', 'rdflib', 'prov', 'networkx', 'lineage.recording.session'} & set(sys.modules)))"
    assert run([sys.executable, "-c", code], ROOT).stdout.strip() == "[]"


def test_the_plugin_is_found_by_its_entry_point():
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    assert points["pytest11"] == {"lineage": "lineage.pytest_plugin"}
