"""The house itself: small modules, no forbidden calls, light imports."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import lineage

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "lineage").rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_short_documented_and_calls_nothing_forbidden(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert text.count("\n") < 400 and ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 50, node.name
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None and getattr(node.type, "id", "") != "Exception"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec")
        if isinstance(node, ast.keyword):
            assert node.arg != "shell"
    assert not re.search(r"^\s*(import|from) (pickle|marshal)|os\.system", text, re.MULTILINE)


def test_torch_is_not_among_the_dependencies_of_the_core():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert not [name for name in project["dependencies"] if name.startswith(("torch", "transformers"))]


def test_what_is_public_is_listed_and_can_be_loaded():
    assert sorted(lineage._HOME) == sorted(lineage.__all__) and all(getattr(lineage, name) for name in lineage.__all__)


def test_the_version_is_shown_without_a_heavy_import():
    code = "import sys; from lineage.cli import main; main(['--version']); print(sorted({'torch','rdflib','prov','networkx','orjson'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert shown[0].startswith("lineage ") and shown[1] == "[]"


def test_the_readme_shows_the_two_commands():
    assert {"make demo", "make test"} <= set(re.findall(r"make \w+", (ROOT / "README.md").read_text()))


# Every file is written by lineage.core.writing, which follows no link. What writes otherwise, and why it may.
WRITERS = {
    "lineage/core/writing.py": "the one place",
    "lineage/cli/__init__.py": "/dev/null, in place of a stream that was closed",
    "lineage/cli/demo.py": "a folder of tempfile, which is private and new",
    "lineage/capture/git/changes.py": "a file without a name",
    "lineage/capture/git/lfs.py": "a file without a name",
    "lineage/capture/git/patch.py": "a folder of tempfile, which is private and new",
    "lineage/formats/provjson.py": "files without a name",
    "lineage/integrity/index.py": "a file without a name",
    "lineage/intake/work.py": "a folder of tempfile, and the user's own cache",
    "lineage/models/forgery.py": "a copy of the demo's own folder inside a folder of tempfile",
    "lineage/models/practice.py": "a copy of the practice model, made a moment ago, into a new folder",
    "lineage/recording/appending.py": "cuts a record off whose end was not written, by the descriptor that it appends to",
    "lineage/recording/frames.py": "cuts a frame off whose end was not written, by the descriptor that it appends to",
    "lineage/recording/command.py": "the terminal, to hand it to the command that is run",
    "lineage/store/saved.py": "the engine's own folder, which only its own process writes to",
    "lineage/store/seal.py": "/dev/null, in place of standard error",
}
METHODS = {
    "write_text",
    "write_bytes",
    "touch",
    "mkdir",
    "rename",
    "hardlink_to",
    "symlink_to",
    "truncate",
    "ftruncate",
    "makedirs",
    "mkfifo",
    "mknod",
}
OF_MODULES = {
    "os": {"rename", "replace", "link", "symlink", "truncate", "renames"},
    "shutil": {"copy", "copy2", "copyfile", "copytree", "move", "rmtree", "unpack_archive", "make_archive"},
    "tempfile": {"mkdtemp", "mkstemp", "mktemp", "TemporaryFile", "NamedTemporaryFile", "TemporaryDirectory", "SpooledTemporaryFile"},
}
MODULE_OF = {name: module for module in ("shutil", "tempfile") for name in OF_MODULES[module]}


def _writes(node):
    """Return what a call writes, in words; None where it writes nothing."""
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    owner = getattr(getattr(node.func, "value", None), "id", None)
    if name in METHODS or name in OF_MODULES.get(owner, ()) or (owner is None and name in MODULE_OF and isinstance(node.func, ast.Name)):
        return name
    if name == "replace" and isinstance(node.func, ast.Attribute) and len(node.args) == 1 and not node.keywords:
        return name  # a path's; a text's has two arguments
    if name == "open":
        values = [*node.args, *(keyword.value for keyword in node.keywords)]
        texts = [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
        flags = {part.attr for value in values for part in ast.walk(value) if isinstance(part, ast.Attribute)}
        if any(re.fullmatch(r"[rwaxbt+]{1,3}", text) and set(text) & set("wax+") for text in texts):
            return "open"
        if flags & {"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"}:
            return "open"
    return None


def _writers(path):
    return [found for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call) and (found := _writes(node))]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_writes_files_through_one_place(path):
    name = str(path.relative_to(ROOT))
    found = _writers(path)
    assert bool(found) == (name in WRITERS), f"{found}: use lineage.core.writing, or say in WRITERS why not"


OPENING = ["open(p, 'w')", "p.open('ab')", "p.open(mode='x')", "os.open(p, os.O_RDWR | f)", "io.open(p, 'r+b')", "tempfile.TemporaryFile()"]
CHANGING = ["p.write_text(t)", "p.replace(q)", "os.replace(a, b)", "shutil.copytree(a, b)", "mkdtemp()", "p.mkdir()", "os.symlink(a, b)"]


@pytest.mark.parametrize("call", [*OPENING, *CHANGING])
def test_a_call_that_writes_is_seen(call):
    assert _writes(ast.parse(call).body[0].value)


@pytest.mark.parametrize(
    "call", ["open(p)", "p.open('rb')", "text.replace('a', 'b')", "replace(fact, a=1)", "os.open(p, os.O_RDONLY)", "z.open()"]
)
def test_a_call_that_writes_nothing_is_not_seen(call):
    assert _writes(ast.parse(call).body[0].value) is None
