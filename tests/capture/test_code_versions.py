"""The code version is true in every state of a repository, or says why it is not known."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lineage
from lineage.capture import git
from lineage.capture.git import command
from lineage.capture.git.patch import addition
from lineage.capture.git.tree import Tree
from lineage.capture.program import Program
from lineage.capture.program import given as given_program


def run(where, *arguments, **variables):
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", "-C", str(where), *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
    )
    return done.stdout.strip()


def repository_at(where, **files):
    where.mkdir(parents=True, exist_ok=True)
    run(where, "init", "-q", "-b", "main")
    run(where, "config", "user.email", "a@b.c")
    run(where, "config", "user.name", "x")
    for name, text in {"train.py": "print(1)\n", **files}.items():
        (where / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    commit(where)
    return where


def commit(where):
    run(where, "add", "-A")
    run(where, "commit", "-qm", "x")


@pytest.fixture
def repository(tmp_path):
    return repository_at(tmp_path / "repo", **{"data.bin": bytes(range(256)), "notes.txt": "a\n"})


@pytest.fixture
def kept(tmp_path):
    (tmp_path / "kept").mkdir()
    return tmp_path / "kept"


def version(repository, kept=None, script="train.py"):
    return git.code_version(repository / script if script else None, folder=repository, patch_into=kept)


def reasons(code):
    return {gap.about: gap.reason for gap in code.gaps}


def applied(repository, kept, code, where):
    """A clone at the commit with the patch applied."""
    run(where.parent, "clone", "-q", str(repository), str(where))
    run(where, "checkout", "-q", code.git_sha)
    run(where, "apply", "--binary", str(kept / code.patch.path))
    return where


# --- changes


def flag(*flags):
    return lambda where: run(where, "update-index", *flags, "train.py")


@pytest.mark.parametrize(
    "hide",
    [flag("--skip-worktree"), flag("--assume-unchanged"), flag("--skip-worktree", "--assume-unchanged")],
    ids=["skip", "assume", "both"],
)
def test_a_flag_hides_no_change(repository, kept, tmp_path, hide):
    hide(repository)
    (repository / "train.py").write_text("print(2)\n")
    code = version(repository, kept)
    assert code.dirty is True
    assert (applied(repository, kept, code, tmp_path / "clone") / "train.py").read_text() == "print(2)\n"


def test_a_flagged_file_without_a_change_is_clean(repository, kept):
    run(repository, "update-index", "--skip-worktree", "train.py")
    os.utime(repository / "train.py", (1, 1))
    assert version(repository, kept).dirty is False


def test_a_sparse_checkout_is_clean_and_its_changes_are_seen(tmp_path, kept):
    where = repository_at(tmp_path / "r")
    for name in ("inside", "outside"):
        (where / name).mkdir()
        (where / name / "a.py").write_text("1\n")
    commit(where)
    run(where, "sparse-checkout", "set", "inside")
    assert not (where / "outside").exists()
    assert version(where, kept).dirty is False
    (where / "inside" / "a.py").write_text("2\n")
    assert version(where, kept).dirty is True


def test_an_assumed_file_that_was_deleted_is_a_change(repository, kept):
    run(repository, "update-index", "--assume-unchanged", "notes.txt")
    (repository / "notes.txt").unlink()
    assert version(repository, kept).dirty is True


def link(where):
    (where / "notes.txt").unlink()
    (where / "notes.txt").symlink_to("train.py")


def staged(where):
    (where / "more.py").write_text("x = 1")
    run(where, "add", "more.py")


CHANGES = {
    "text": lambda where: (where / "train.py").write_text("print(2)"),
    "binary": lambda where: (where / "data.bin").write_bytes(b"\0\1"),
    "deleted": lambda where: (where / "notes.txt").unlink(),
    "mode": lambda where: (where / "train.py").chmod(0o755),
    "link": link,
    "staged": staged,
    "staged and empty": lambda where: [(where / "__init__.py").touch(), run(where, "add", "__init__.py")],
    "staged and binary": lambda where: [(where / "w.bin").write_bytes(b"\0" * 99 + os.urandom(200)), run(where, "add", "w.bin")],
    "a name of spaces, quotes and letters": lambda where: [(where / 'ü "a\tb.py').write_text("1\n"), run(where, "add", "-A")],
    "intent to add": lambda where: [(where / "later.py").write_text("1\n"), run(where, "add", "-N", "later.py")],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_patch_makes_the_working_tree_from_the_commit(repository, kept, tmp_path, change):
    change(repository)
    code = version(repository, kept)
    assert code.dirty is True
    assert code.diff_sha256 == hashlib.sha256((kept / code.patch.path).read_bytes()).hexdigest()
    clone = applied(repository, kept, code, tmp_path / "clone")
    for path in (path for path in repository.iterdir() if path.name != ".git"):
        assert (clone / path.name).read_bytes() == path.read_bytes()
        assert (clone / path.name).lstat().st_mode == path.lstat().st_mode
    assert {path.name for path in clone.iterdir()} == {path.name for path in repository.iterdir()}


def test_dates_alone_are_no_change(repository, kept):
    for path in repository.glob("*.*"):
        os.utime(path, (1, 1))
    assert version(repository, kept).dirty is False


def test_line_ends_that_git_converts_are_no_change(tmp_path, kept):
    where = repository_at(tmp_path / "r", **{".gitattributes": "*.txt text eol=crlf\n", "a.txt": "x\r\ny\r\n"})
    os.utime(where / "a.txt", (1, 1))
    assert version(where, kept).dirty is False


def test_a_merge_in_conflict_is_dirty(repository, kept):
    run(repository, "checkout", "-qb", "other")
    (repository / "train.py").write_text("other\n")
    commit(repository)
    run(repository, "checkout", "-q", "main")
    (repository / "train.py").write_text("main\n")
    commit(repository)
    subprocess.run(["git", "-C", repository, "merge", "other"], capture_output=True, check=False)
    code = version(repository, kept)
    assert code.dirty is True
    assert b"<<<<<<<" in (kept / code.patch.path).read_bytes()


def test_the_repository_is_left_as_it_was(repository, kept):
    (repository / "train.py").write_text("print(2)\n")
    (repository / ".git" / "hooks").mkdir(exist_ok=True)
    before = {path: path.stat().st_mtime_ns for path in (repository / ".git").rglob("*") if path.is_file()}
    version(repository, kept)
    assert {path: path.stat().st_mtime_ns for path in (repository / ".git").rglob("*") if path.is_file()} == before


@settings(max_examples=40)
@given(data=st.binary(max_size=300) | st.text(max_size=80).map(str.encode), name=st.text("a é\"\\\t'", min_size=1, max_size=6))
def test_an_addition_is_one_that_git_applies(tmp_path_factory, data, name):
    where, target = tmp_path_factory.mktemp("from"), tmp_path_factory.mktemp("to")
    (where / f"x{name}.py").write_bytes(data)
    run(target, "init", "-q")
    (target / "p.patch").write_bytes(addition(Tree(where), f"x{name}.py", "0" * 40))
    run(target, "apply", "--binary", "p.patch")
    assert (target / f"x{name}.py").read_bytes() == data


# --- variables


@pytest.mark.parametrize(
    "variables",
    [
        {"GIT_DIR": "{other}/.git"},
        {"GIT_DIR": "{other}/.git", "GIT_WORK_TREE": "{other}"},
        {"GIT_INDEX_FILE": "{other}/.git/index"},
        {"GIT_CEILING_DIRECTORIES": "{above}"},
        {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.worktree", "GIT_CONFIG_VALUE_0": "{other}"},
        {"GIT_CONFIG_PARAMETERS": "'core.worktree'='{other}'"},
        {"GIT_OBJECT_DIRECTORY": "{other}/.git/objects"},
        {"GIT_ALTERNATE_OBJECT_DIRECTORIES": "{other}/.git/objects"},
        {"GIT_NAMESPACE": "x"},
        {"GIT_LITERAL_PATHSPECS": "1", "GIT_PREFIX": "x/"},
        {"GIT_EXTERNAL_DIFF": "false", "GIT_PAGER": "false", "GIT_TRACE": "1"},
        {"GIT_DEFAULT_HASH": "sha256", "GIT_ATTR_SOURCE": "main"},
        {"GIT_EXEC_PATH": "{above}"},
    ],
    ids=lambda variables: next(iter(variables)),
)
def test_inherited_variables_change_no_answer(repository, kept, tmp_path, monkeypatch, variables):
    other = repository_at(tmp_path / "other", **{"train.py": "other\n"})
    (repository / "train.py").write_text("print(2)\n")
    before = version(repository, kept)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(other=other, above=tmp_path))
    after = version(repository, kept)
    assert (after.git_sha, after.branch, after.dirty, after.diff_sha256) == (before.git_sha, "main", True, before.diff_sha256)
    assert after.script == before.script


# --- commands of the repository


@pytest.fixture
def trap(tmp_path):
    path = tmp_path / "trap.sh"
    path.write_text(f"#!/bin/sh\ntouch '{tmp_path}/sprung'\ncat\n")
    path.chmod(0o755)
    return path


TRAPS = {
    "clean": ("filter.x.clean",),
    "smudge": ("filter.x.smudge",),
    "process": ("filter.x.process",),
    "a required filter": ("filter.x.clean", "filter.x.required"),
    "textconv": ("diff.x.textconv",),
    "a diff driver": ("diff.x.command",),
    "an external diff": ("diff.external",),
    "a monitor": ("core.fsmonitor",),
    "a pager": ("core.pager", "pager.diff"),
    "credentials and ssh": ("credential.helper", "core.sshCommand", "core.askPass", "core.gitProxy"),
    "alternates": ("core.alternateRefsCommand",),
}


@pytest.mark.parametrize("in_submodule", [False, True], ids=["here", "in a submodule"])
@pytest.mark.parametrize("keys", TRAPS.values(), ids=TRAPS)
def test_no_command_of_the_configuration_runs(tmp_path, kept, trap, keys, in_submodule):
    where = outer = repository_at(tmp_path / "r", **{".gitattributes": "* filter=x diff=x merge=x\n"})
    if in_submodule:
        outer = repository_at(tmp_path / "outer")
        run(outer, "submodule", "add", "-q", str(where), "inner")
        commit(outer)
        where = outer / "inner"
    (where / "train.py").write_text("print(2)\n")
    for key in keys:
        run(where, "config", key, "true" if key.endswith("required") else str(trap))
    hooks = Path(run(where, "rev-parse", "--absolute-git-dir")) / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "post-checkout", "pre-commit", "fsmonitor-watchman"):
        (hooks / name).write_bytes(trap.read_bytes())
        (hooks / name).chmod(0o755)
    code = version(outer, kept)
    assert not (tmp_path / "sprung").exists()
    assert code.git_sha
    assert code.dirty is not False


def test_a_filter_that_cannot_be_switched_off_leaves_the_state_unknown(repository, kept, trap, tmp_path):
    run(repository, "config", "filter.a=b.clean", str(trap))
    (repository / ".gitattributes").write_text("* filter=a=b\n")
    code = version(repository, kept)
    assert not (tmp_path / "sprung").exists()
    assert code.dirty is None
    assert "cannot be switched off" in reasons(code)["git_dirty"]


def test_a_file_behind_a_filter_is_unknown_and_not_clean(tmp_path, kept, trap):
    where = repository_at(tmp_path / "r", **{".gitattributes": "big.txt filter=own\n", "big.txt": "data\n"})
    run(where, "config", "filter.own.clean", str(trap))
    (where / "big.txt").write_text("more data\n")
    code = version(where, kept)
    assert code.dirty is None
    assert "big.txt cannot be compared without the filter 'own'" in reasons(code)["git_dirty"]
    (where / "train.py").write_text("print(2)\n")
    code = version(where, kept)
    assert (code.dirty, code.diff_sha256) == (True, None)
    assert "big.txt" in reasons(code)["git_diff_sha256"]


def test_a_filtered_file_that_is_the_commits_is_clean(tmp_path, kept, trap):
    where = repository_at(tmp_path / "r", **{".gitattributes": "big.txt filter=own\n", "big.txt": "data\n"})
    run(where, "config", "filter.own.clean", str(trap))
    os.utime(where / "big.txt", (1, 1))
    assert version(where, kept).dirty is False


@pytest.mark.parametrize(("now", "dirty"), [(b"weights\n", False), (b"WEIGHTS\n", True), (b"longer weights\n", True)])
def test_a_file_of_git_lfs_is_compared_by_its_pointer(tmp_path, kept, trap, now, dirty):
    oid = hashlib.sha256(b"weights\n").hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 8\n"
    where = repository_at(tmp_path / "r", **{".gitattributes": "*.bin filter=lfs diff=lfs\n", "w.bin": pointer})
    for key in ("filter.lfs.clean", "filter.lfs.process"):
        run(where, "config", key, str(trap))
    (where / "w.bin").write_bytes(now)
    code = version(where, kept)
    assert code.dirty is dirty
    assert not (tmp_path / "sprung").exists()
    named = [(file.path, file.sha256) for file in code.uncovered]
    assert named == ([("w.bin", hashlib.sha256(now).hexdigest())] if dirty else [])


@pytest.fixture
def partial(tmp_path, trap):
    """A partial clone without the blob of a changed file, whose remote would run a command."""
    origin = repository_at(tmp_path / "origin", **{"gone.txt": "1\n" * 9})
    (origin / "gone.txt").write_text("2\n" * 9)
    commit(origin)
    run(origin, "config", "uploadpack.allowFilter", "true")
    run(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{origin}", "clone")
    clone = tmp_path / "clone"
    run(clone, "config", "remote.origin.uploadpack", str(trap))
    run(clone, "update-ref", "HEAD", "HEAD^")
    run(clone, "symbolic-ref", "HEAD", "refs/heads/main")
    return clone


def test_a_partial_clone_opens_no_connection(partial, kept, tmp_path):
    code = version(partial, kept)
    assert not (tmp_path / "sprung").exists()
    assert code.dirty is True
    assert "gone.txt" in reasons(code)["git_patch"]


def test_a_git_of_the_working_directory_is_not_run(repository, kept, trap, tmp_path, monkeypatch):
    (repository / "git").write_bytes(trap.read_bytes())
    (repository / "git").chmod(0o755)
    monkeypatch.chdir(repository)
    monkeypatch.setenv("PATH", f".:{os.environ['PATH']}")
    assert version(repository, kept).git_sha
    assert not (tmp_path / "sprung").exists()


# --- submodules


@pytest.fixture
def with_submodule(tmp_path):
    inner, outer = repository_at(tmp_path / "inner"), repository_at(tmp_path / "outer")
    run(outer, "submodule", "add", "-q", str(inner), "lib")
    commit(outer)
    return outer


def test_a_submodule_as_committed_is_clean_and_one_that_is_not_checked_out_too(with_submodule, kept, tmp_path):
    assert version(with_submodule, kept).dirty is False
    run(tmp_path, "clone", "-q", str(with_submodule), "bare-of-modules")
    assert version(tmp_path / "bare-of-modules", kept).dirty is False


@pytest.mark.parametrize("ignore", [None, "all"])
def test_a_changed_submodule_is_named(with_submodule, kept, ignore):
    if ignore:
        run(with_submodule, "config", "submodule.lib.ignore", ignore)
    (with_submodule / "lib" / "train.py").write_text("changed\n")
    code = version(with_submodule, kept)
    assert (code.dirty, code.diff_sha256) == (True, None)
    assert "lib (a submodule)" in reasons(code)["git_patch"]


def test_a_new_commit_of_a_submodule_is_in_the_patch(with_submodule, kept):
    for key, value in (("user.email", "a@b.c"), ("user.name", "x")):
        run(with_submodule / "lib", "config", key, value)
    (with_submodule / "lib" / "train.py").write_text("changed\n")
    commit(with_submodule / "lib")
    code = version(with_submodule, kept)
    assert code.dirty is True
    assert f"+Subproject commit {run(with_submodule / 'lib', 'rev-parse', 'HEAD')}" in (kept / code.patch.path).read_text()


# --- limits


def test_a_large_change_is_named_with_its_digest_and_not_compared(tmp_path, kept):
    where = repository_at(tmp_path / "r", **{"data.bin": os.urandom(20 << 20)})
    new = os.urandom(20 << 20)
    (where / "data.bin").write_bytes(new)
    (where / "train.py").write_text("print(2)\n")
    code = version(where, kept)
    assert (code.dirty, code.diff_sha256) == (True, None)
    assert [(file.path, file.sha256, file.bytes) for file in code.uncovered] == [("data.bin", hashlib.sha256(new).hexdigest(), len(new))]
    assert "data.bin (too large for the patch)" in reasons(code)["git_diff_sha256"]
    assert "print(2)" in (kept / code.patch.path).read_text()


def test_a_large_deleted_file_is_not_read(tmp_path, kept):
    where = repository_at(tmp_path / "r", **{"data.bin": os.urandom(20 << 20)})
    (where / "data.bin").unlink()
    code = version(where, kept)
    assert code.dirty is True
    assert [file.path for file in code.uncovered] == ["data.bin"]


def test_a_large_file_with_another_date_is_clean(tmp_path, kept):
    where = repository_at(tmp_path / "r", **{"data.bin": os.urandom(20 << 20)})
    os.utime(where / "data.bin", (1, 1))
    assert version(where, kept).dirty is False


FAKES = {
    "hangs": "sleep 100",
    "ignores signals": "trap '' TERM INT HUP; sleep 100 & echo $! >> \"${0%/bin/git}/pids\"; wait; sleep 100",
    "prints endlessly": "yes",
    "prints errors endlessly": "yes >&2",
    "leaves a child behind": 'sleep 100 & echo $! >> "${0%/bin/git}/pids"; echo x; exit 0',
}


@pytest.mark.parametrize("body", FAKES.values(), ids=FAKES)
def test_a_git_that_misbehaves_is_stopped(tmp_path, kept, monkeypatch, body):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text(f"#!/bin/sh\necho $$ >> {tmp_path}/pids\n{body}\n")
    (tmp_path / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(command, "OUTPUT", 1 << 20)
    (tmp_path / "train.py").touch()
    began = time.monotonic()
    seen = git.look(given_program(tmp_path / "train.py"), folder=tmp_path, keep_in=kept, seconds=1.0)
    assert time.monotonic() - began < 5
    assert seen.code.git_sha in (None, "x")
    assert seen.code.dirty is None
    time.sleep(0.1)
    for pid in (tmp_path / "pids").read_text().split():
        assert not Path(f"/proc/{pid}").exists() or Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


def test_all_calls_of_a_session_have_five_seconds():
    assert command.SESSION + command.LATER + command.BRIEF <= 5


# --- reasons


def test_each_failure_has_its_own_reason(tmp_path, monkeypatch):
    plain = tmp_path / "plain"
    broken_file, lost, damaged = (repository_at(tmp_path / name) for name in ("file", "lost", "damaged"))
    bare = tmp_path / "bare"
    plain.mkdir()
    for where in (broken_file, lost):
        (where / ".git").rename(where / ".elsewhere")
    (broken_file / ".git").write_text("nonsense")
    (lost / ".git").write_text(f"gitdir: {tmp_path}/nowhere")
    (damaged / ".git" / "HEAD").unlink()
    run(tmp_path, "init", "-q", "--bare", "bare")
    expected = {
        plain: "not a git repository (or any of the parent directories): .git",
        broken_file: "the file does not name a repository",
        lost: f"it leads to {tmp_path}/nowhere, which does not exist",
        damaged: "HEAD",
        bare: "there is no working tree",
    }
    for where, reason in expected.items():
        code = git.code_version(None, folder=where, patch_into=None)
        assert code.git_sha is None
        assert reason in reasons(code)["git_sha"], where


def test_a_repository_of_another_owner_comes_with_the_remedy(repository, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    code = version(repository)
    assert code.git_sha is None
    assert f"git config --global --add safe.directory {repository}" in reasons(code)["git_sha"]
    assert "git config" in git.why_no_version(code)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "safe.directory")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "*")
    assert version(repository).git_sha


def test_worktrees_shallow_clones_and_detached_heads_have_their_commit(repository, tmp_path):
    sha = run(repository, "rev-parse", "HEAD")
    run(repository, "worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
    run(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", "shallow")
    for where, branch in ((tmp_path / "tree", None), (tmp_path / "shallow", "main")):
        code = version(where)
        assert (code.git_sha, code.branch, code.dirty) == (sha, branch, False)


def test_a_repository_of_sha256_names(tmp_path, kept):
    where = tmp_path / "r"
    where.mkdir()
    run(where, "init", "-q", "--object-format=sha256")
    repository_at(where)
    (where / "train.py").write_text("print(2)\n")
    (where / "new.py").write_text("1\n")
    run(where, "add", "new.py")
    code = version(where, kept)
    assert len(code.git_sha) == 64
    assert code.dirty is True
    run(where, "stash", "-q")
    run(where, "apply", str(kept / code.patch.path))
    assert (where / "new.py").read_text() == "1\n"


def test_a_damaged_branch_is_not_called_a_repository_without_a_commit(repository):
    run(repository, "branch", "keep")
    (repository / ".git" / "refs" / "heads" / "main").write_text("junk")
    assert reasons(version(repository))["git_sha"].startswith("HEAD names no commit: ")
    run(repository, "symbolic-ref", "HEAD", "refs/heads/other")
    assert reasons(version(repository))["git_sha"].startswith("HEAD names no commit: ")


def test_a_damaged_index_or_commit_leaves_the_state_unknown(repository):
    sha = run(repository, "rev-parse", "HEAD")
    (repository / ".git" / "index").write_text("junk")
    code = version(repository)
    assert (code.git_sha, code.dirty, code.script.version) == (sha, None, None)
    assert "index" in reasons(code)["git_dirty"]


def test_a_pipe_in_place_of_a_file_is_a_change_and_not_opened(repository, kept):
    (repository / "notes.txt").unlink()
    os.mkfifo(repository / "notes.txt")
    assert version(repository, kept).dirty is True


def test_a_loop_of_links_in_place_of_a_folder_is_a_change(tmp_path, kept):
    where = repository_at(tmp_path / "r")
    (where / "lib").mkdir()
    (where / "lib" / "a.py").write_text("1\n")
    commit(where)
    (where / "lib" / "a.py").unlink()
    (where / "lib").rmdir()
    (where / "lib").symlink_to("lib")
    assert version(where, kept).dirty is True


def test_a_file_behind_a_link_out_of_the_repository_is_not_read(tmp_path, kept):
    where = repository_at(tmp_path / "r")
    (where / "lib").mkdir()
    (where / "lib" / "a.py").write_text("1\n")
    commit(where)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.py").write_text("a secret\n")
    (where / "lib" / "a.py").unlink()
    (where / "lib").rmdir()
    (where / "lib").symlink_to("../out")
    code = version(where, kept)
    assert code.dirty is True
    assert "secret" not in (kept / code.patch.path).read_text()


# --- declared commits


def test_a_declared_commit_is_marked_in_the_graph_and_in_copies(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_SHA", "c" * 40)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").touch()
    with lineage.session(tmp_path / "out", script=tmp_path / "train.py") as session:
        with session.generation(params={"seed": 1}) as generation, generation.records("a.jsonl") as out:
            out.write({"instruction": "a"})
    text = next((tmp_path / "out").glob("*.ttl")).read_text()
    assert f"code-{'c' * 40}-declared" in text
    assert "GITHUB_SHA" in text
    assert "swh:1:rev" not in text
    record = json.loads((tmp_path / "out" / "a.jsonl").read_text())
    assert record["metadata"]["script_version"] is None
    assert "GITHUB_SHA declares" in record["metadata"]["gaps"]["script_version"]
    assert "unknown-commit" not in {one.code for one in lineage.audit(tmp_path / "out").findings}


def test_executed_text_and_patches_are_not_copied_by_redaction(repository, tmp_path):
    recorded(repository, folder="../out", command=lambda text: ["-c", "word = 'tell-tale'" + text])
    assert list((tmp_path / "out").glob("code_*"))
    lineage.redact(tmp_path / "out", tmp_path / "copy")
    assert not [path for path in (tmp_path / "copy").rglob("*") if path.is_file() and b"tell-tale" in path.read_bytes()]


@pytest.mark.parametrize("variable", ["LINEAGE_GIT_SHA", "GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT", "SOURCE_COMMIT"])
@pytest.mark.parametrize("sha", ["a" * 40, "B" * 64])
def test_a_commit_is_declared_where_git_tells_nothing(tmp_path, monkeypatch, variable, sha):
    monkeypatch.setenv(variable, sha)
    (tmp_path / "train.py").touch()
    code = version(tmp_path)
    assert (code.git_sha, code.sha_variable, code.dirty) == (sha.lower(), variable, None)
    assert code.script.version is None
    assert variable in git.why_no_version(code)
    assert "not a git repository" in reasons(code)["git_dirty"]


@pytest.mark.parametrize("value", ["main", "abc123", "g" * 40, "0" * 40, ""])
def test_what_is_no_commit_declares_none(tmp_path, monkeypatch, value):
    monkeypatch.setenv("LINEAGE_GIT_SHA", value)
    (tmp_path / "train.py").touch()
    code = version(tmp_path)
    assert (code.git_sha, code.sha_variable) == (None, None)
    assert ("git_sha_declared" in reasons(code)) is bool(value)


def test_git_wins_over_a_declared_commit(repository, monkeypatch):
    monkeypatch.setenv("GITHUB_SHA", "b" * 40)
    assert not version(repository).gaps
    monkeypatch.setenv("LINEAGE_GIT_SHA", "a" * 40)
    code = version(repository)
    assert (code.git_sha, code.sha_variable) == (run(repository, "rev-parse", "HEAD"), None)
    assert "a" * 40 in reasons(code)["git_sha_declared"]


# --- what ran untracked

PROBE = """
import json, sys
import lineage
{before}
with lineage.session({folder!r}, export=False) as session:
    {inside}
manifest = json.load(open(session.manifest))
print(json.dumps([manifest["environment"], manifest["gaps"], manifest["artifacts_generated"]]))
"""


def recorded(where, text=None, *, command=None, before="", inside="pass", folder="out", name="train.py", variables=None):
    """What a session of its own process recorded."""
    script = text or PROBE.format(before=before, inside=inside, folder=folder)
    if command is None:
        (where / name).write_text(script)
        commit(where)
    root = str(Path(__file__).parents[2])
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([root, str(where)]), "PYTHONDONTWRITEBYTECODE": "1", **(variables or {})}
    done = subprocess.run(
        [sys.executable, *(command(script) if command else [name])], cwd=where, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("late", [False, True])
def test_an_untracked_module_that_is_imported_is_kept(repository, tmp_path, ignored, late):
    (repository / ".gitignore").write_text("colours.py\n" if ignored else "x\n")
    (repository / "train.py").write_text(PROBE.format(before="" if late else "import colours", inside="import colours", folder="../out"))
    commit(repository)
    (repository / "colours.py").write_text("RED = 1\n")
    environment, _, made = recorded(repository, command=lambda _: ["train.py"])
    assert environment["git_dirty"] is True
    assert "colours.py" in [file["file"] for file in environment["git_untracked"]]
    patch = tmp_path / "out" / environment["git_patch"]["file"]
    assert patch.name in [file["file"] for file in made]
    assert hashlib.sha256(patch.read_bytes()).hexdigest() == environment["git_diff_sha256"]
    run(tmp_path, "clone", "-q", str(repository), "clone")
    run(tmp_path / "clone", "apply", str(patch))
    assert (tmp_path / "clone" / "colours.py").read_text() == "RED = 1\n"


def test_a_late_import_adds_to_the_patch_of_the_beginning(repository, tmp_path):
    (repository / "train.py").write_text(PROBE.format(before="import one", inside="import two", folder="../out"))
    commit(repository)
    (repository / "notes.txt").write_text("changed\n")
    for name in ("one.py", "two.py"):
        (repository / name).write_text("X = 1\n")
    environment, _, _ = recorded(repository, command=lambda _: ["train.py"])
    patch = (tmp_path / "out" / environment["git_patch"]["file"]).read_text()
    for part in ("b/notes.txt", "b/one.py", "b/two.py"):
        assert part in patch


def test_modules_of_packages_and_tracked_ones_are_no_change(repository, tmp_path):
    (repository / "tracked.py").write_text("X = 1\n")
    environment, _, _ = recorded(repository, before="import tracked, click", folder="../out")
    assert (environment["git_dirty"], environment["git_untracked"]) == (False, [])


def test_a_module_of_a_submodule_is_tracked_there(with_submodule, tmp_path):
    (with_submodule / "train.py").write_text(PROBE.format(before="import lib.train, lib.extra", inside="pass", folder="../out"))
    commit(with_submodule)
    (with_submodule / "lib" / "extra.py").write_text("X = 1\n")
    environment, _, _ = recorded(with_submodule, command=lambda _: ["train.py"])
    assert [file["file"] for file in environment["git_untracked"]] == ["lib/extra.py"]
    assert environment["git_dirty"] is True


def test_untracked_data_are_no_programs(repository, kept):
    for name in ("a.json", "b.yaml", "c.cfg", "helper.py"):
        (repository / name).write_text("{}")
    code = version(repository, kept)
    assert [file.path for file in code.untracked] == ["helper.py"]
    assert code.dirty is False


def test_an_untracked_script_is_kept_and_has_one_reason(repository, kept, tmp_path):
    (repository / "new.py").write_text("x = 1\n")
    code = version(repository, kept, "new.py")
    assert code.dirty is True
    assert git.why_no_version(code) == reasons(code)["script_version"] == "git does not track new.py"
    assert (applied(repository, kept, code, tmp_path / "clone") / "new.py").read_text() == "x = 1\n"


# --- programs


def test_python_c_says_so_and_its_text_is_kept(repository, tmp_path):
    environment, gaps, made = recorded(repository, folder="../out", command=lambda text: ["-c", text])
    assert environment["script"] is None
    assert "python -c" in gaps["script_version"]
    assert "import lineage" in (tmp_path / "out" / environment["script_text"]["file"]).read_text()
    assert environment["script_text"]["file"] in [file["file"] for file in made]
    assert environment["git_sha"] == run(repository, "rev-parse", "HEAD")


def test_a_module_is_its_file(repository):
    (repository / "pkg").mkdir()
    (repository / "pkg" / "main.py").write_text(PROBE.format(before="", inside="pass", folder="../out"))
    commit(repository)
    environment, _, _ = recorded(repository, command=lambda _: ["-m", "pkg.main"])
    assert environment["script"]["path"] == "pkg/main.py"
    assert environment["script"]["version"] == environment["git_sha"]


def test_a_script_behind_a_launcher_is_the_script(repository):
    (repository / "train.py").write_text(PROBE.format(before="", inside="pass", folder="../out"))
    commit(repository)
    environment, _, _ = recorded(repository, command=lambda _: ["-c", LAUNCHER, "train.py"])
    assert environment["script"] is None
    environment, _, _ = recorded(repository, command=lambda _: ["-m", "trace", "--count", "-C", "/dev/null", "--ignore-dir=/", "train.py"])
    assert environment["script"]["path"] == "train.py"


LAUNCHER = "import sys, runpy; runpy.run_path(sys.argv[1], run_name='inner')"


def test_a_zip_archive_is_the_script(repository):
    import zipfile

    with zipfile.ZipFile(repository / "app.pyz", "w") as archive:
        archive.writestr("__main__.py", PROBE.format(before="", inside="pass", folder="../out"))
    commit(repository)
    environment, _, _ = recorded(repository, command=lambda _: ["app.pyz"])
    assert environment["git_dirty"] is False
    assert environment["script"]["path"] == "app.pyz"
    assert environment["script"]["sha256"] == hashlib.sha256((repository / "app.pyz").read_bytes()).hexdigest()


def test_standard_input_is_a_reason(repository, tmp_path):
    text = PROBE.format(before="", inside="pass", folder=str(tmp_path / "out"))
    variables = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-"], input=text, cwd=repository, env=variables, capture_output=True, text=True, check=True)
    assert "standard input" in done.stdout


def test_an_unknown_script_is_no_statement_about_git(repository, tmp_path):
    code = git.look(Program(reason="an interactive session: no script is known"), folder=repository, keep_in=None).code
    assert git.why_no_version(code) == "an interactive session: no script is known"
    assert code.git_sha


@pytest.mark.parametrize("named", ["{repository}/exp.ipynb", "folder/exp.ipynb", ""], ids=["named", "by the server", "without a name"])
def test_a_notebook_has_its_file_and_its_cells(repository, tmp_path, named):
    pytest.importorskip("ipykernel")
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    text = PROBE.format(before="", inside="pass", folder=str(tmp_path / "out"))
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("token = 'hf_abcdefghijkl'\nfirst = 1"), nbformat.v4.new_code_cell(text)]
    )
    nbformat.write(notebook, repository / "exp.ipynb")
    commit(repository)
    variables = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "IPYTHONDIR": str(tmp_path / "ipython")}
    variables |= {"JPY_SESSION_NAME": named.format(repository=repository)} if named else {}
    client = nbclient.NotebookClient(notebook, kernel_name="python3", timeout=120, resources={"metadata": {"path": str(repository)}})
    client.execute(env=variables)
    environment, gaps, _ = json.loads(notebook.cells[1].outputs[-1]["text"].splitlines()[-1])
    cells = (tmp_path / "out" / environment["script_text"]["file"]).read_text()
    assert "first = 1" in cells
    assert "hf_abcdefghijkl" not in cells
    if named:
        assert (environment["script"]["path"], environment["script"]["version"]) == ("exp.ipynb", environment["git_sha"])
    else:
        assert environment["script"] is None
        assert gaps["script_version"] == "an interactive session: no script is known"
